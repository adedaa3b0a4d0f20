"""This codec at several rates: the settings of `vqcodec encode`, from the smallest file to the best picture."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vqcodec.comparison.anchors.mux import CodedSound
from vqcodec.config import AudioChoice, Device, EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.selected import selected_frames
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import AudioGroup

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class VqtSetting:
    """Options of `encode` for one point.

    Attributes:
        name: "default" or what differs from it.
        portrait_quality, layers, rdo: as in EncodeOptions.
    """

    name: str
    portrait_quality: int
    layers: int
    rdo: float

    @property
    def options(self) -> str:
        """As a user types it."""
        return (
            f"--portrait-quality {self.portrait_quality} --layers {self.layers} --rdo {self.rdo:g}"
        )


SETTINGS = tuple(
    VqtSetting(
        DEFAULT if numbers == (50, 4, 0.0) else f"q{numbers[0]} l{numbers[1]} r{numbers[2]:g}",
        *numbers,
    )
    for numbers in ((50, 4, 0.0), (3, 2, 2.0), (10, 3, 1.0), (25, 4, 2.0), (80, 4, 0.0))
)
"""The default first: its size is the one the others are matched to."""
QUICK = SETTINGS[:3]


@dataclass(frozen=True, slots=True)
class VqtFile:
    """A clip as .vqt, without sound.

    Attributes:
        data: the file.
        payload_bytes: portrait and motion.
        seconds: wall-clock time of encoding, file to file.
    """

    data: bytes
    payload_bytes: int
    seconds: float


def encode(
    reference: Path, setting: VqtSetting, *, sound: bool = False, device: Device = "auto"
) -> VqtFile:
    """Code a reference as `vqcodec encode` does.

    Raises:
        VqcodecError: whatever encode raises.
    """
    from vqcodec.codec.codec import Codec

    sink = io.BytesIO()
    options = EncodeOptions(
        crop="full",
        portrait_quality=setting.portrait_quality,
        layers=setting.layers,
        rdo=setting.rdo,
    )
    if not sound:
        options = replace(options, audio=AudioChoice("none"))
    start_s = time.perf_counter()
    report = Codec(device=device).encode(reference, sink, options)
    return VqtFile(
        sink.getvalue(), report.sizes.portrait + report.sizes.motion, time.perf_counter() - start_s
    )


def sound_of(data: bytes) -> CodedSound | None:
    """The Opus packets of a file, for the others to carry as well."""
    reader = Reader(io.BytesIO(data))
    head = reader.head.audio
    packets = tuple(p for item in reader if isinstance(item, AudioGroup) for p in item.packets)
    return CodedSound(head, packets) if head is not None else None


def pictures(
    data: bytes, parts: DecoderParts, needed: set[int], size_px: int = CODED_SIZE_PX
) -> Iterator[tuple[int, Picture]]:
    """Some frames of a file as `vqcodec decode` renders them; a frame depends on its portraits and its own tokens alone.

    Args:
        data: a .vqt file.
        parts: renderer and motion space.
        needed: frame numbers.
        size_px: side of the pictures.
    """
    return selected_frames(io.BytesIO(data), parts, needed.__contains__, size_px)


def small(frames: Iterator[tuple[int, Picture]]) -> Iterator[tuple[int, Picture]]:
    """At the size figures are taken at."""
    return ((number, to_side(picture)) for number, picture in frames)
