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
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import AudioGroup, StreamSizes

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class VqtSetting:
    """Options of `encode` for one point.

    Attributes:
        name: "default", or like "bitrate 10".
        bitrate_kbps: target for the whole file without sound; None is the default setting.
    """

    name: str
    bitrate_kbps: float | None = None

    @property
    def options(self) -> str:
        """As a user types it, beside --audio none; "" for the default."""
        return "" if self.bitrate_kbps is None else f"--bitrate {self.bitrate_kbps:g}"


def at_rate(kbps: float) -> VqtSetting:
    """The setting that aims at a rate of the whole file without sound."""
    return VqtSetting(f"bitrate {kbps:g}", kbps)


SETTINGS = (VqtSetting(DEFAULT), *(at_rate(kbps) for kbps in (5, 10, 20, 40)))
"""The default first: its size is the one the others are matched to."""
QUICK = (SETTINGS[0], at_rate(10), at_rate(20))


class RefusedRateError(UsageError):
    """The encoder can't code a clip at so low a rate; the message says how large its smallest file is."""


@dataclass(frozen=True, slots=True)
class VqtFile:
    """A clip as .vqt, without sound.

    Attributes:
        data: the file.
        sizes: bytes by purpose.
        seconds: wall-clock time of encoding, file to file.
    """

    data: bytes
    sizes: StreamSizes
    seconds: float

    @property
    def payload_bytes(self) -> int:
        """Portraits and motion."""
        return self.sizes.portrait + self.sizes.motion


def encode(
    reference: Path, setting: VqtSetting, *, sound: bool = False, device: Device = "auto"
) -> VqtFile:
    """Code a reference as `vqcodec encode` does.

    Raises:
        RefusedRateError: the clip can't be coded at the rate that the setting asks for.
        VqcodecError: whatever else encode raises.
    """
    from vqcodec.codec.codec import Codec

    sink = io.BytesIO()
    options = EncodeOptions(crop="full", bitrate_kbps=setting.bitrate_kbps)
    if not sound:
        options = replace(options, audio=AudioChoice("none"))
    codec = Codec(device=device)
    start_s = time.perf_counter()
    try:
        report = codec.encode(reference, sink, options)
    except UsageError as error:
        if setting.bitrate_kbps is None:
            raise
        raise RefusedRateError(str(error)) from error
    return VqtFile(sink.getvalue(), report.sizes, time.perf_counter() - start_s)


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
