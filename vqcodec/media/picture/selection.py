"""Which of a file's tracks are read, where it has several.

Pictures: not a cover, thumbnail or still; of the others the one that the file calls its default; of several, the largest.
Sound: the default; of several, the first. A caller may choose by number instead, counted per kind from 0 as `ffmpeg` does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias, TypeVar

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from vqcodec.errors import UsageError
from vqcodec.media.picture.colour import MAX_PIXELS, fits
from vqcodec.media.picture.rates import fraction, seconds

_MIN_SOUND_HZ, _MAX_SOUND_HZ = 1000, 4_000_000
"""A header that claims a sample a second makes hours of a small file, one that claims billions fits no resampler."""
_MAX_THREADS = 8
_PIXELS_AT_ONCE = 60_000_000
# AV_DISPOSITION_*: default; cover of a sound file, thumbnails of moments, a still; a tile, or a layer
_DEFAULT, _STILLS, _DEPENDENT = 1, 0x400 | 0x800 | 1 << 20, 1 << 19
_STILL_CODECS = ("mjpeg", "png", "bmp", "gif", "tiff", "webp", "jpegxl", "jpeg2000")

Tracks: TypeAlias = tuple[int | None, int | None]
"""Numbers of a picture and a sound stream, each counted from 0 among those of its kind; None: the best."""

AnyStream = TypeVar("AnyStream", bound=Stream)


class Selection:
    """The tracks of an open file that are read.

    Attributes:
        video: the picture stream, or None.
        audio: the sound stream, or None.
        remarks: sentences about what else could have been read, and what can't be.
        refused: why no picture stream is read although there is one, in words, or "".
    """

    def __init__(
        self,
        container: InputContainer,
        name: str,
        video: int | None = None,
        audio: int | None = None,
    ) -> None:
        """Choose; `video` and `audio` are numbers that the caller chose.

        Raises:
            UsageError: there is no such track, or it can't be read.
        """
        self.remarks: list[str] = []
        self.refused = next(filter(None, map(_refusal, container.streams.video)), "")
        pictures = [s for s in container.streams.video if _is_picture(s)]
        sounds = [s for s in container.streams.audio if not _unheard(s)]
        all_pictures, all_sounds = list(container.streams.video), list(container.streams.audio)
        if video is None:
            self.video = min(pictures, key=_rank, default=None)
            moving = [s for s in pictures if not _is_still(s, pictures)]
            self._tell(name, "video", all_pictures, self.video, moving)
        else:
            self.video = _asked(name, "video", all_pictures, pictures, video)
        if audio is None:
            flagged = [s for s in sounds if _flags(s) & _DEFAULT]
            self.audio = next(iter(flagged or sounds), None)
            self._tell(name, "audio", all_sounds, self.audio, sounds)
        else:
            self.audio = _asked(name, "audio", all_sounds, sounds, audio)
        self._tell_unread(name, all_sounds)
        if self.video is not None:
            _prepare(self.video)

    def _tell_unread(self, name: str, tracks: Sequence[AudioStream]) -> None:
        """Sound that is there, but can't be decoded, must not vanish without a word."""
        unread = {number: why for number, t in enumerate(tracks) if (why := _unheard(t))}
        kept = "" if len(unread) < len(tracks) else "; the result is silent"
        for number, why in unread.items():
            self.remarks.append(f"audio track {number} of {name} can't be decoded: {why}{kept}")

    def _tell(
        self,
        name: str,
        kind: str,
        tracks: Sequence[AnyStream],
        chosen: AnyStream | None,
        others: Sequence[AnyStream],
    ) -> None:
        if chosen is not None and len(others) > 1:
            number = _number(tracks, chosen)
            self.remarks.append(
                f"{name} has {len(others)} {kind} tracks; number {number} was taken "
                f"({_described(chosen)}), --{kind}-track chooses another"
            )


def has_decoder(stream: Stream) -> bool:
    """Whether libav can decode a stream: PyAV's types don't tell that a stream may lack its context."""
    context: object = stream.codec_context
    return context is not None


def is_sound_rate(rate_hz: int) -> bool:
    """Whether sound of so many samples a second is decoded."""
    return _MIN_SOUND_HZ <= rate_hz <= _MAX_SOUND_HZ


def _unheard(stream: AudioStream) -> str:
    """Why a stream of sound can't be decoded, in words; "" for one that can."""
    if not has_decoder(stream):
        return "its format isn't known"
    rate_hz = stream.codec_context.sample_rate or 0  # 0: its packets say it
    return "" if not rate_hz or is_sound_rate(rate_hz) else f"{rate_hz} samples a second"


def _is_picture(stream: VideoStream) -> bool:
    """Whether a stream can be read at all, and isn't a sound file's cover."""
    if not has_decoder(stream) or _flags(stream) & 0x400:
        return False
    return stream.width * stream.height > 0 and not _refusal(stream)


def is_sizeless(stream: VideoStream) -> bool:
    """Whether a stream should hold pictures, but they are damaged, or claim a size that no decoder takes."""
    known = has_decoder(stream) and stream.width * stream.height > 0
    return not known and not _flags(stream) & 0x400


def _refusal(stream: VideoStream) -> str:
    """Why a stream of pictures isn't read, in words; "" for one that is, or that holds none."""
    if not has_decoder(stream) or _flags(stream) & 0x400:
        return ""
    if _flags(stream) & _DEPENDENT:
        return "its picture is made of tiles, as telephones write HEIC"
    depth = _depth(stream)
    if not fits(stream.width, stream.height, depth):
        deep = f" and {depth} bits" if depth > 8 else ""
        return f"its pictures of {stream.width}x{stream.height}{deep} are too large"
    return ""


def _depth(stream: VideoStream) -> int:
    """Bits of a sample; 8 where the file doesn't say."""
    kind = stream.codec_context.format
    return max((part.bits for part in kind.components), default=8) if kind else 8


def _prepare(stream: VideoStream) -> None:
    """How it is decoded: by as many threads as keep few pixels in flight; a larger picture than was announced is refused."""
    context = stream.codec_context
    context.thread_type = "AUTO"
    samples = stream.width * stream.height * (2 if _depth(stream) > 8 else 1)
    at_once = max(_PIXELS_AT_ONCE // samples, 1)
    context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1, at_once)
    context.options = {**context.options, "max_pixels": str(MAX_PIXELS)}


def refuse_halves(stream: VideoStream) -> None:
    """Of a still JPEG that was cut off nothing is decoded: what is missing would be grey, without a flag."""
    if _codec(stream) == "mjpeg":
        context = stream.codec_context
        context.options = {**context.options, "err_detect": "explode"}


def _rank(stream: VideoStream) -> tuple[bool, bool, int, int]:
    """The least is taken."""
    streams = [s for s in stream.container.streams.video if _is_picture(s)]
    default = bool(_flags(stream) & _DEFAULT)
    return (_is_still(stream, streams), not default, -stream.width * stream.height, stream.index)


def _is_still(stream: VideoStream, beside: Sequence[VideoStream]) -> bool:
    """Whether a stream is a single picture, by what the file says of it."""
    if _flags(stream) & _STILLS or stream.frames == 1:
        return True
    length_s = _length_s(stream)
    if stream.frames == 0 and length_s is not None and len(beside) > 1:
        rate_hz = fraction(stream.average_rate) or Fraction(25)
        return length_s <= Fraction(3, 2) / rate_hz
    unknown = stream.frames == 0 and length_s is None
    return (
        unknown
        and _codec(stream) in _STILL_CODECS
        and any(_codec(other) not in _STILL_CODECS for other in beside)
    )


def _length_s(stream: VideoStream) -> Fraction | None:
    """How long a stream says that it is; Matroska says when it ends, in a tag."""
    own_s = seconds(stream.duration, stream.time_base)
    if own_s is not None:
        return own_s
    parts = str(stream.metadata.get("DURATION", "")).split(":")
    try:
        end_s = sum((Fraction(p) * 60**n for n, p in enumerate(reversed(parts))), Fraction(0))
    except (ValueError, ZeroDivisionError):
        return None
    start_s = seconds(stream.start_time, stream.time_base) or Fraction(0)
    return end_s - max(start_s, Fraction(0)) if len(parts) == 3 else None


def _asked(
    name: str,
    kind: str,
    tracks: Sequence[AnyStream],
    usable: Sequence[AnyStream],
    number: int,
) -> AnyStream:
    """The track that the caller chose."""
    there = "; ".join(f"{n}: {_described(track)}" for n, track in enumerate(tracks)) or "none"
    if not 0 <= number < len(tracks):
        raise UsageError(f"{name} has no {kind} track {number}", hint=f"It has {there}.")
    wanted = tracks[number]
    if all(track.index != wanted.index for track in usable):
        raise UsageError(f"{kind} track {number} of {name} can't be read", hint=f"It has {there}.")
    return wanted


def _number(tracks: Sequence[Stream], track: Stream) -> int:
    return [t.index for t in tracks].index(track.index)


def _described(stream: Stream) -> str:
    words = [_codec(stream) if has_decoder(stream) else "unknown"]
    if isinstance(stream, VideoStream) and has_decoder(stream):
        words.append(f"{stream.width}x{stream.height}")
    language = stream.metadata.get("language", "und")
    return " ".join([*words, *([language] if language != "und" else [])])


def _codec(stream: Stream) -> str:
    return str(stream.codec_context.codec.canonical_name or stream.codec_context.name)


def _flags(stream: Stream) -> int:
    """A stream's disposition bits: an IntFlag from PyAV 18 on, a Flag before."""
    return int(getattr(stream.disposition, "value", stream.disposition))
