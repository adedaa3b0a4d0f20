"""What comes into an encode: the input's frames, and its sound, coded or copied on the way."""

from __future__ import annotations

from collections.abc import Iterator

from vqcodec.config import DEFAULT_AUDIO_BPS, EncodeOptions
from vqcodec.encoding.ladder import audio_rates_bps
from vqcodec.encoding.pacing import Pace
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.picture.frames import VideoInput
from vqcodec.stream.sound import SoundCoder, SoundCopier, SoundPiece
from vqcodec.types import AudioHead, VideoFrame

SPARE_AUDIO_BPS = 6000
"""For viewers on a thin line: the least that Opus is worth listening to at."""


class Intake:
    """Frames and Opus packets of an input, in its own order.

    Args:
        video: the input; closed when its items have been read.
        options: what becomes of its sound; with a bit rate to fit it is coded at every rate of the ladder, for those who
            watch at its own and at a low one.
        pace: when frames are given; None: as they come.

    Attributes:
        heads: AudioHead by bit rate, in the order of SoundPiece.rung; empty without sound, one with copied sound.
    """

    def __init__(self, video: VideoInput, options: EncodeOptions, pace: Pace | None = None) -> None:
        self._video, self._pace = video, pace
        self._coder: SoundCoder | None = None
        self._copier = SoundCopier()
        self.heads: dict[int, AudioHead] = {}
        if video.has_audio and options.audio.mode == "opus":
            rates_bps = _rates_bps(options)
            self._coder = SoundCoder(rates_bps, prompt=options.low_delay)
            self.heads = dict(zip(rates_bps, self._coder.heads, strict=True))
        elif video.audio_head is not None:
            self.heads = {0: video.audio_head}

    def items(self) -> Iterator[VideoFrame | SoundPiece]:
        """All of them, once."""
        with self._video:
            for item in self._video.items():
                if self._pace is not None and self._pace.stopped:
                    break
                if isinstance(item, VideoFrame):
                    if self._pace is None:
                        yield item
                    elif self._pace.takes(item.time_s):
                        with self._pace.waiting():
                            yield item
                elif isinstance(item, AudioPacket):
                    yield from self._copier.push(item)
                elif isinstance(item, AudioBlock) and self._coder is not None:
                    yield from self._coder.push(item)
            if self._coder is not None:
                yield from self._coder.flush()
            else:
                yield from self._copier.flush(self._video.copy_end_trim_samples)


def _rates_bps(options: EncodeOptions) -> list[int]:
    if options.bitrate_kbps is None:
        own_bps = options.audio.bitrate_bps or DEFAULT_AUDIO_BPS
        return [own_bps, SPARE_AUDIO_BPS] if options.low_delay else [own_bps]
    return audio_rates_bps(options)
