"""What a media file holds, without keeping anything of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction

import av
import av.error
from av.stream import Stream

from vqcodec.errors import MediaError
from vqcodec.media.picture.colour import MAX_DEEP_PIXELS, MAX_PIXELS, MAX_SIDE_PX, shown_size
from vqcodec.media.picture.display import degrees_clockwise, display_matrix
from vqcodec.media.picture.packets import PacketReader
from vqcodec.media.picture.selection import is_sizeless
from vqcodec.types import FileLike

REFUSED_HINT = (
    f"Save it as H.264, PNG or JPEG, of at most {MAX_SIDE_PX} pixels a side and "
    f"{MAX_PIXELS // 1_000_000} million in all, {MAX_DEEP_PIXELS // 1_000_000} of more than 8 bits."
)


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file in short.

    Attributes:
        name: the file's name, "<stdin>" or "<stream>".
        container: libavformat's name, for example "mov,mp4,m4a,3gp,3g2,mj2".
        width: picture width in pixels as shown: after rotation and with square pixels. 0 without video.
        height: picture height in pixels as shown.
        rotation: degrees clockwise that the stored picture is turned for showing: 0, 90, 180 or 270.
        frame_rate_hz: nominal rate of the file (not of a VideoSource that thins it); 0 for a still picture or no video.
        time_base_s: the video's own tick.
        duration_s: declared length of the video (of the sound without video), None when the file doesn't say.
        video_codec: for example "h264", "" without video.
        has_video: false for sound files.
        is_still: a single picture.
        has_audio: there is a sound stream that can be decoded.
        audio_codec: for example "aac", "opus", "" without sound.
        audio_rate_hz: the sound's own rate, 0 without sound.
        audio_channels: 0 without sound.
    """

    name: str
    container: str
    width: int
    height: int
    rotation: int
    frame_rate_hz: Fraction
    time_base_s: Fraction
    duration_s: Fraction | None
    video_codec: str
    has_video: bool
    is_still: bool
    has_audio: bool
    audio_codec: str
    audio_rate_hz: int
    audio_channels: int


def probe(source: FileLike) -> MediaInfo:
    """Look into a media file: headers, some packets for the true frame rate, one picture for its rotation.

    A file object is read from its present position and put back there if it is seekable; "-" and pipes are consumed: use
    `VideoSource(...).info` to look at one and then read it.

    Raises:
        MediaError: missing, unreadable, empty or not a media file.
    """
    start = None
    if not isinstance(source, str | os.PathLike) and source.seekable():
        start = source.tell()
    reader = PacketReader(source)
    try:
        if reader.video is None and reader.audio is None:
            raise MediaError(
                f"no video or sound in {reader.name}", hint="give a video, sound or picture file"
            )
        return describe(reader, first_picture(reader) if reader.video is not None else None)
    finally:
        reader.close()
        if start is not None and not isinstance(source, str | os.PathLike):
            source.seek(start)


def no_pictures(reader: PacketReader) -> MediaError:
    """The error for a file whose pictures are asked for, and that has none, or none that are read."""
    if reader.refused:
        return MediaError(f"cannot read {reader.name}: {reader.refused}", hint=REFUSED_HINT)
    if any(map(is_sizeless, reader.container.streams.video)):
        return MediaError(
            f"no picture of {reader.name} can be read: damaged, too large, or of an unknown format",
            hint=REFUSED_HINT,
        )
    return MediaError(
        f"no video in {reader.name}", hint="give a file with pictures, or use `vqcodec dub`"
    )


def describe(reader: PacketReader, first: av.VideoFrame | None) -> MediaInfo:
    """MediaInfo of an open file; `first` is its first decoded picture or None."""
    video, audio = reader.video, reader.audio
    width, height, turn = 0, 0, 0
    if video is not None:
        stored = (first.width, first.height) if first is not None else (video.width, video.height)
        width, height = shown_size(*stored, reader.pixel_aspect)
        turn = degrees_clockwise(display_matrix(first)) if first is not None else 0
        if turn in (90, 270):
            width, height = height, width
    return MediaInfo(
        name=reader.name,
        container=reader.container.format.name,
        width=width,
        height=height,
        rotation=turn,
        frame_rate_hz=reader.rate_hz,
        time_base_s=reader.tick_s,
        duration_s=reader.duration_s,
        video_codec=_codec(video),
        has_video=video is not None,
        is_still=reader.is_still,
        has_audio=audio is not None,
        audio_codec=_codec(audio),
        audio_rate_hz=int(audio.codec_context.sample_rate or 0) if audio is not None else 0,
        audio_channels=int(audio.codec_context.channels or 0) if audio is not None else 0,
    )


def _codec(stream: Stream | None) -> str:
    """The format's name rather than the decoder's: "opus", not "libopus"; "av1", not "libdav1d"."""
    if stream is None:
        return ""
    return str(
        getattr(stream.codec_context.codec, "canonical_name", "") or stream.codec_context.name
    )


def first_picture(reader: PacketReader) -> av.VideoFrame | None:
    """The first picture of an open file that can be decoded, or None."""
    for packet in reader.packets():
        if not reader.is_picture(packet):
            continue
        try:
            for frame in packet.decode():
                return frame
        except (av.error.FFmpegError, EOFError):
            continue
    return None
