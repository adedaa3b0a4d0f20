"""Frames and sound of a media file, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from types import TracebackType
from typing import Literal, TypeAlias

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError, UsageError
from vqcodec.format import MAX_FRAME_RATE_HZ
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.picture.aspect import PixelAspects
from vqcodec.media.picture.deep import spread_all
from vqcodec.media.picture.interlaced import Deinterlacer
from vqcodec.media.picture.packets import PacketReader, PicturePacket, SoundPacket
from vqcodec.media.picture.probe import MediaInfo, describe, no_pictures
from vqcodec.media.picture.rates import DEFAULT_RATE_HZ, seconds
from vqcodec.media.picture.remarks import clock_remarks, damage_remarks, picture_remarks
from vqcodec.media.picture.selection import Tracks
from vqcodec.media.picture.sizes import Upright
from vqcodec.media.picture.switch import PictureDecoder
from vqcodec.media.picture.taint import Decoded, Taint
from vqcodec.media.picture.thinning import Nearest, Thin, Thinning, default_thinning
from vqcodec.media.picture.timeline import Timeline
from vqcodec.media.sound.packets import Listener, make_listener
from vqcodec.types import AudioHead, FileLike, VideoFrame

Sound = Literal["none", "decode", "copy"]
_Item: TypeAlias = VideoFrame | AudioBlock | AudioPacket
_MAX_WAITING_BYTES = 64 << 20
_HELD_EVERY_S = 1
_TOLD_LEAD_S = Fraction(1, 2)


class VideoSource:
    """A media file as a stream of pictures, and sound if asked for. A context manager; single pass.

        with VideoSource("in.mp4", sound="decode") as source:
            for item in source.items():                 # VideoFrame | AudioBlock, in the file's order
                ...
        with VideoSource("-", fps=Fraction(25)) as source:
            for frame in source:                        # VideoFrame only; sound isn't decoded
                ...

    Pictures are (height, width, 3) uint8 RGB (sRGB/BT.709 as shown), upright, with square pixels, all of one size (`width`,
    `height`; where a file changes its size midway, fitted into the first's with black bars). Times are exact, start at 0 and
    strictly increase. Where wanted sound begins before the pictures, time 0 is its beginning, and
    the first picture is given once a second until its own time. `frame.time_s / time_base_s` is always a whole number.
    Every array is the caller's own, but for pictures that are given twice: held ones, or with `fps` above the file's rate.

    fps=None keeps the file's own times; above 30 fps nominal, every second frame is taken (60 -> 30, 59.94 -> 29.97,
    50 -> 25; every fourth of 120). fps=N gives frames at k/N, each the one nearest in time.

    sound="decode": int16 blocks of `channels` at 48 kHz, see the time model in the package docstring. The sound runs to
    its own end, which may be before or after the last frame's. sound="copy": the Opus packets as they are, with
    `audio_head.pre_skip_samples` set so that sample 0 is at the first frame. A file without sound gives none
    (`has_audio` is false and `audio_head` None).

    Opening reads up to the first picture: everything below is known once the constructor returns.

    Attributes:
        info: the file as it is (MediaInfo).
        width, height: of the pictures, in pixels; `scale` is width over that of the file, below 1 above 9.5 million pixels.
        frame_rate_hz: nominal rate of the frames given (after halving or `fps`); 25 for a still picture.
        time_base_s: tick that every frame time is a multiple of.
        duration_s: declared length or None; for progress bars.
        has_audio: sound will be given.
        audio_head: with sound="copy", the OpusHead of the packets; otherwise None.
        frames_read: pictures given so far.
        truncated: set when the file broke off early (damaged or cut): what came before it was given.
        corrupt_packets: packets that could not be decoded and were skipped.
        remarks: sentences that a person should read: what of the file was guessed, held or left out.
        copy_end_trim_samples: with sound="copy", once the pass is over: samples to drop at the end of the last packet.
    """

    def __init__(
        self,
        source: FileLike,
        *,
        fps: Fraction | int | None = None,
        input_fps: Fraction | int | None = None,
        tracks: Tracks = (None, None),
        own_sizes: bool = False,
        sound: Sound = "none",
        channels: int = 1,
        playlist: bool = False,
    ) -> None:
        """Open `source` and read up to its first picture; with `playlist` it may lead to further files.

        `input_fps` is its true rate, whatever the file says; `tracks` are numbers of its picture and its sound track;
        `own_sizes` gives every picture in its own size.

        Raises:
            MediaError: missing, unreadable, empty, not a media file, no picture in it, or nothing can be decoded.
            UsageError: fps or input_fps not in 1..240, channels not 1 or 2, no such track, or sound="copy" of a file whose
                sound isn't mono or stereo Opus.
        """
        for rate in (fps, input_fps):
            if rate is not None and not 1 <= rate <= MAX_FRAME_RATE_HZ:
                told = f"a frame rate of {rate}"
                raise UsageError(told, hint=f"give 1 to {MAX_FRAME_RATE_HZ} frames per second")
        if channels not in (1, 2):
            raise UsageError(f"{channels} audio channels", hint="use 1 or 2")
        if sound not in ("none", "decode", "copy"):
            raise UsageError(f"sound={sound!r}", hint="use 'none', 'decode' or 'copy'")
        self.frames_read = self.corrupt_packets = 0
        self.truncated = False
        self.remarks: list[str] = []
        own_hz = None if input_fps is None else Fraction(input_fps)
        self._reader = PacketReader(
            source, want_audio=sound != "none", rate_hz=own_hz, tracks=tracks, playlist=playlist
        )
        self.remarks += self._reader.remarks
        self._own_sizes = own_sizes
        try:
            self._begin(fps, sound, channels)
        except BaseException:
            self.close()
            raise

    def _begin(self, fps: Fraction | int | None, sound: Sound, channels: int) -> None:
        if (reader := self._reader).video is None:
            raise no_pictures(reader)
        rate_hz = reader.rate_hz or DEFAULT_RATE_HZ
        self._tick_s = self.time_base_s = reader.tick_s
        self._interval = max(1, round(1 / (rate_hz * self._tick_s)))
        self._thinning: Thinning[Decoded]
        if fps is None:
            step, gap_s = default_thinning(rate_hz)
            self.frame_rate_hz, self._thinning = rate_hz / step, Thin(gap_s)
        else:
            self.frame_rate_hz, self._thinning = Fraction(fps), Nearest(Fraction(fps))
            self.time_base_s = 1 / self.frame_rate_hz
        self._timeline: Timeline[Decoded] | None = None
        self._taint, self._fields = Taint(), Deinterlacer()
        self._decoder = PictureDecoder(reader.video, reader.container.format.name)
        self._aspects = PixelAspects(reader.pixel_aspect, reader.video.codec_context)
        self._converter = Upright(reader.video.codec_context, own_sizes=self._own_sizes)
        self._converted: tuple[Decoded, NDArray[np.uint8]] | None = None
        self._listener: Listener | None = make_listener(reader, sound, channels)
        self._waiting: list[SoundPacket] = []
        self._stream = self._run()
        first = next(self._stream, None)
        if self._timeline is None:
            raise MediaError(
                f"no picture of {reader.name} can be decoded",
                hint=reader.broken or "the file is damaged, or cut off at its beginning",
            )
        self._pushed_back: list[_Item] = [] if first is None else [first]
        self.duration_s: Fraction | None = reader.duration_s
        self.has_audio: bool = self._listener is not None

    @property
    def audio_head(self) -> AudioHead | None:
        """With sound="copy", how the packets are to be played; otherwise None."""
        return self._listener.head if self._listener is not None else None

    @property
    def copy_end_trim_samples(self) -> int:
        """With sound="copy", after the last item: samples to drop at the end of the last packet."""
        return self._listener.end_trim_samples if self._listener is not None else 0

    def __iter__(self) -> Iterator[VideoFrame]:
        """Pictures only (sound, if it was asked for, is passed over)."""
        return (item for item in self.items() if isinstance(item, VideoFrame))

    def items(self) -> Iterator[VideoFrame | AudioBlock | AudioPacket]:
        """Pictures and sound as they come in the file: each kind in order, interleaved loosely (within a few seconds)."""
        while self._pushed_back:
            yield self._pushed_back.pop()
        yield from self._stream

    def _run(self) -> Iterator[VideoFrame | AudioBlock | AudioPacket]:
        """Decode packet by packet. Sound that comes before the first picture waits (compressed) for time zero."""
        for packet in self._reader.packets():
            if self._reader.is_picture(packet):
                for frame in self._decoded(packet):
                    yield from self._picture(frame)
            elif self._listener is not None and self._reader.is_sound(packet):
                self._waiting.append(packet)
            if self._timeline is not None:
                yield from self._hear()
            elif sum(packet.size for packet in self._waiting) > _MAX_WAITING_BYTES:
                return
        yield from self._finish()

    def _decoded(self, packet: PicturePacket) -> list[av.VideoFrame]:
        if packet.is_corrupt:
            self._taint.suspect(packet.pts)
        try:
            frames = self._decoder.decode(packet)
            self.remarks += spread_all(frames, self._reader.name) if self._reader.is_still else []
            return [ready for frame in frames for ready in self._fields.push(frame)]
        except av.error.EOFError:
            return []
        except (av.error.FFmpegError, ValueError):
            self.corrupt_packets += 1
            self._taint.lost()
            return []

    def _picture(self, frame: av.VideoFrame) -> Iterator[VideoFrame]:
        decoded = Decoded(frame, self._taint.sees(frame), self._aspects.of(frame))
        if self._timeline is None:
            yield from self._held(decoded, self._start_clock(decoded))
        assert self._timeline is not None
        yield from self._placed(self._timeline.push(decoded, self._stamp(frame)))

    def _stamp(self, frame: av.VideoFrame) -> int | None:
        """When a picture is shown, in ticks, by its file; None where its number says it."""
        if self._reader.is_counted:
            return 0 if self._timeline is None or self._timeline.last is None else None
        return frame.pts if frame.pts is not None else frame.dts

    def _placed(self, frames: list[tuple[Decoded, int]]) -> Iterator[VideoFrame]:
        for frame, ticks in frames:
            yield from self._thinned(self._thinning.push(frame, ticks * self._tick_s))

    def _start_clock(self, picture: Decoded) -> Fraction:
        """Fix time zero, at the first picture or sound that there is; gives how long the sound comes before it."""
        first = picture.frame
        stamp = first.pts if first.pts is not None else first.dts
        first_s = seconds(stamp or 0, first.time_base) or Fraction(0)
        lead_s = Fraction(0) if self._listener is None else self._reader.lead_s(first_s)
        zero = (self._stamp(first) or 0) - int(lead_s / self._tick_s)
        self._timeline = Timeline(zero, self._interval)
        self.width, self.height = self._converter.size_of(picture)
        self.info: MediaInfo = describe(self._reader, first)
        self.scale = Fraction(self.width, self.info.width)
        self.remarks += picture_remarks(self.info, (self.width, self.height), first)
        if self._listener is not None:
            self._listener.begin(first_s - lead_s)
        return lead_s

    def _held(self, first: Decoded, lead_s: Fraction) -> Iterator[VideoFrame]:
        """The first picture while only sound is heard."""
        if lead_s >= _TOLD_LEAD_S:
            self.remarks.append(
                f"the pictures of {self.info.name} begin {float(lead_s):.2f} s after its sound; "
                "the first one is held until then"
            )
        step = max(1, round(_HELD_EVERY_S / self._tick_s)) * self._tick_s
        end_s = lead_s - self._interval * self._tick_s
        for number in range(max(int(lead_s > 0), ceil(end_s / step))):
            yield from self._thinned(self._thinning.push(first, number * step))

    def _thinned(self, chosen: list[tuple[Decoded, Fraction]]) -> Iterator[VideoFrame]:
        for decoded, time_s in chosen:
            if self._converted is None or self._converted[0] is not decoded:
                try:
                    self._converted = (decoded, self._converter.rgb(decoded))
                except (av.error.FFmpegError, ValueError):
                    self.corrupt_packets += 1
                    continue
            self.frames_read += 1
            yield VideoFrame(self._converted[1], time_s, decoded.is_damaged)

    def _hear(self) -> Iterator[AudioBlock | AudioPacket]:
        waiting, self._waiting = self._waiting, []
        if self._listener is not None:
            for packet in waiting:
                yield from self._listener.hear(packet)

    def _finish(self) -> Iterator[VideoFrame | AudioBlock | AudioPacket]:
        for frame in self._fields.flush():
            yield from self._picture(frame)
        if self._timeline is None:
            return
        yield from self._placed(self._timeline.finish(self._reader.latest_tick))
        assert self._timeline.last is not None
        end_s = (self._timeline.last + self._interval) * self._tick_s
        yield from self._thinned(self._thinning.finish(end_s))
        if self._listener is not None:
            yield from self._listener.finish()
            self.corrupt_packets += self._listener.corrupt_packets
            self.remarks += self._listener.remarks(self.info.name)
        self.truncated = self._reader.breaks_off
        self.remarks += clock_remarks(self._reader, self._timeline, self._fields)
        self.remarks += damage_remarks(self._reader, self._taint, self._decoder.changes)

    def close(self) -> None:
        """Release the file. A file object given by the caller stays open."""
        self._reader.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
