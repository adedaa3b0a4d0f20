"""Fitting a whole file into a bit rate: `--bitrate KBPS`.

Everything that can be chosen late is kept in its compact form: the tokens with all layers (96 bytes a frame), each
portrait coded at a few qualities, the sound coded at a few rates. Then the best rung of a fixed ladder that fits is
written. The ladder gives up in turn what a viewer misses least per bit: motion values that are dear and hardly show
(quantize/rdo.py), a little portrait quality, the finest residual layer, more portrait quality, sound above 8 kbit/s, the
next layer, and so on.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import EncodeOptions
from vqcodec.encoding.groups import Portrait
from vqcodec.errors import UsageError
from vqcodec.format import from_indices, to_indices
from vqcodec.geometry.layout import Layout
from vqcodec.media.still.stills import encode_avif
from vqcodec.quantize.grfsq import dequantize
from vqcodec.quantize.rdo import choose
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import AudioHead, Crop, Head, KeyFrame, MotionGroup, StreamSizes

_LADDER = (
    (100, 4, 64_000, 0.0),
    (100, 4, 64_000, 1.0),
    (44, 4, 64_000, 1.0),
    (44, 3, 64_000, 1.0),
    (32, 3, 64_000, 1.0),
    (32, 3, 8_000, 1.0),
    (32, 2, 8_000, 1.0),
    (22, 2, 8_000, 1.0),
    (22, 2, 6_000, 1.0),
    (12, 2, 6_000, 1.0),
    (12, 1, 6_000, 1.0),
    (3, 1, 6_000, 1.0),
)


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to code a file.

    Attributes:
        portrait_quality: AVIF quality.
        layers: residual layers.
        audio_bps: Opus bit rate.
        rdo: strength of the rate-distortion choice (quantize.rdo.choose) among the tokens that were handed in.
    """

    portrait_quality: int
    layers: int
    audio_bps: int
    rdo: float


@dataclass(frozen=True, slots=True)
class _Stills:
    """A key frame coded at several qualities.

    Attributes:
        key_frame: its still is empty.
        crop: the square it was cut from.
        by_quality: AVIF bytes.
    """

    key_frame: KeyFrame
    crop: Crop
    by_quality: dict[int, bytes]


def ladder(options: EncodeOptions) -> list[Rung]:
    """The ways to code under the caller's own limits, best first, each one smaller than the one before.

    With a price of the caller's own (options.rdo) the tokens that are handed in are final.
    """
    rungs = [
        Rung(
            min(quality, options.portrait_quality),
            min(layers, options.layers),
            min(rate, options.audio.bitrate_bps),
            rdo if options.rdo is None else 0.0,
        )
        for quality, layers, rate, rdo in _LADDER
    ]
    return list(dict.fromkeys(rungs))


class FittedFile:
    """A StreamOutput that collects a whole stream, then writes the best rung that fits.

    Attributes:
        rung: the one written; known after close().
        head: what HEAD says; complete after close().
        sizes: of the whole file, after close().
    """

    def __init__(
        self,
        sink: BinaryIO,
        head: Head,
        options: EncodeOptions,
        audio_heads: dict[int, AudioHead],
        units: NDArray[np.float32],
        layout: Layout,
    ) -> None:
        """Begin.

        Args:
            sink: written in close() only.
            head: everything but layers, sound and crop.
            options: with bitrate_kbps set.
            audio_heads: by bit rate, in the order of SoundPiece.rung; empty without sound, one with copied sound.
            units: (48,) of the motion space.
            layout: what its dimensions mean.
        """
        assert options.bitrate_kbps is not None
        self.head = head
        self.sizes = StreamSizes()
        self._sink = sink
        self._target_kbps = options.bitrate_kbps
        self._rungs = ladder(options)
        self.rung = self._rungs[0]
        self._audio_heads = audio_heads
        self._units, self._layout = units, layout
        self._cheaper: dict[tuple[int, float], MotionGroup] = {}  # by first frame and strength
        self._items: list[_Stills | MotionGroup | SoundPiece] = []

    @property
    def portrait_quality(self) -> int:
        """That of the rung; final after close()."""
        return self.rung.portrait_quality

    def portrait(self, portrait: Portrait) -> None:
        """Code a key frame at every quality of the ladder; its pixels are not kept."""
        qualities = {rung.portrait_quality for rung in self._rungs}
        stills = {quality: encode_avif(portrait.rgb, quality=quality) for quality in qualities}
        self._items.append(
            _Stills(KeyFrame(portrait.first_frame, b"", portrait.features), portrait.crop, stills)
        )

    def motion(self, group: MotionGroup) -> None:
        """Keep a group."""
        self._items.append(group)

    def sound(self, piece: SoundPiece) -> None:
        """Keep a packet."""
        self._items.append(piece)

    def close(self) -> StreamSizes:
        """Choose a rung and write the file.

        Raises:
            UsageError: even the smallest file is too large; the message says how large it is.
        """
        low, high = 0, len(self._rungs) - 1
        best = self._render(high)
        if not self._fits(best):
            smallest = _kbps(best[0], best[2])
            raise UsageError(
                f"the file can't be coded at {self._target_kbps:g} kbit/s; its smallest form takes "
                f"{smallest:.1f} kbit/s",
                hint=f"Ask for --bitrate {smallest + 0.1:.1f} or more.",
            )
        # sizes fall along the ladder: find the first rung that fits
        while low < high:
            middle = (low + high) // 2
            trial = self._render(middle)
            if self._fits(trial):
                best, high = trial, middle
            else:
                low = middle + 1
        self.rung = self._rungs[high]
        data, self.head, self.sizes = best
        self._sink.write(data)
        return self.sizes

    def _priced(self, group: MotionGroup, strength: float) -> MotionGroup:
        """The group with the tokens of a strength; what it was asked for is its own nearest values."""
        if strength == 0:
            return group
        key = group.first_frame, strength
        if key not in self._cheaper:
            delta = dequantize(from_indices(group.indices), self._units)
            values = choose(delta, self._units, self._layout, strength)
            self._cheaper[key] = replace(group, indices=to_indices(values))
        return self._cheaper[key]

    def _fits(self, trial: tuple[bytes, Head, StreamSizes]) -> bool:
        return _kbps(trial[0], trial[2]) <= self._target_kbps

    def _render(self, number: int) -> tuple[bytes, Head, StreamSizes]:
        """The whole file at one rung, its head and its sizes."""
        rung = self._rungs[number]
        rates = list(self._audio_heads)
        sound = rates.index(rung.audio_bps) if rung.audio_bps in rates else 0
        audio = self._audio_heads[rates[sound]] if rates else None
        buffer = io.BytesIO()
        file = Interleaver(buffer, replace(self.head, layers=rung.layers, audio=audio))
        for item in self._items:
            if isinstance(item, MotionGroup):
                file.motion(self._priced(item, rung.rdo))
            elif isinstance(item, SoundPiece):
                if item.rung == sound:
                    file.sound(item)
            else:
                still = item.by_quality[rung.portrait_quality]
                file.key_frame(replace(item.key_frame, still=still), item.crop)
        sizes = file.close()
        return buffer.getvalue(), file.head, sizes


def _kbps(data: bytes, sizes: StreamSizes) -> float:
    return float(len(data) * 8 / max(sizes.seconds, Fraction(1, 1000)) / 1000)
