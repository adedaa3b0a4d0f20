"""One clip through the codec, file to file, with what was measured on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vqcodec.codec.codec import Codec
from vqcodec.config import DecodeOptions, Device, EncodeOptions
from vqcodec.container.reader import Reader
from vqcodec.container.writer import Writer
from vqcodec.evaluation.tools.files import clip_name
from vqcodec.evaluation.validate.record import RATES
from vqcodec.format import LAYERS
from vqcodec.reports import EncodeReport, size_fields
from vqcodec.types import MotionGroup

Tokens = list[MotionGroup]


class MeasuredCodec(Protocol):
    """What is measured: the public interface of this package, or a stand-in of a test."""

    def encode(
        self, source: Path, target: Path, options: EncodeOptions
    ) -> tuple[EncodeReport, Tokens]:
        """Encode a file; also gives the tokens as the encoder had them before entropy coding."""

    def decode(self, source: Path, target: Path, options: DecodeOptions) -> None:
        """Decode a file to a video."""

    def tokens(self, source: Path) -> Tokens:
        """The tokens that the file holds."""


@contextmanager
def motion_written() -> Iterator[Tokens]:
    """Collect the groups that are handed to any Writer inside the block: what the encoder meant, before it is coded."""
    groups: Tokens = []
    write = Writer.motion

    def keep(self: Writer, group: MotionGroup) -> Any:
        groups.append(group)
        return write(self, group)

    Writer.motion = keep  # type: ignore[method-assign]
    try:
        yield groups
    finally:
        Writer.motion = write  # type: ignore[method-assign]


class PublicApi:
    """`vqcodec encode` and `vqcodec decode`, as a user calls them: with models loaded for each, outputs replaced."""

    def __init__(self, device: Device = "auto") -> None:
        self._device = device

    def encode(
        self, source: Path, target: Path, options: EncodeOptions
    ) -> tuple[EncodeReport, Tokens]:
        """See `MeasuredCodec`."""
        with motion_written() as groups:
            report = Codec(device=self._device).encode(source, target, options, force=True)
        return report, groups

    def decode(self, source: Path, target: Path, options: DecodeOptions) -> None:
        """See `MeasuredCodec`."""
        Codec(device=self._device).decode(source, target, options, force=True)

    def tokens(self, source: Path) -> Tokens:
        """See `MeasuredCodec`."""
        with source.open("rb") as handle:
            return [chunk for chunk in Reader(handle) if isinstance(chunk, MotionGroup)]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What a clip's way through the codec gave.

    Attributes:
        report: the encoder's.
        rates: RATES in kbit/s.
        encode_s: wall-clock seconds of the whole call, file to file.
        decode_s: likewise.
        tokens_identical: every index, time and flag read from the file equals the encoder's.
        decoded: the decoded video.
    """

    report: EncodeReport
    rates: dict[str, float]
    encode_s: float
    decode_s: float
    tokens_identical: bool
    decoded: Path


def same_tokens(written: Tokens, read: Tokens) -> bool:
    """Whether two lists of groups hold the same frames, times, flags and indices; empty lists are not the same."""
    if not written or len(written) != len(read):
        return False
    return all(
        a.first_frame == b.first_frame
        and np.array_equal(a.ticks, b.ticks)
        and np.array_equal(a.low_confidence, b.low_confidence)
        and np.array_equal(a.indices, b.indices)
        for a, b in zip(written, read, strict=True)
    )


def round_trip(
    clip: Path,
    folder: Path,
    *,
    layers: int = LAYERS,
    codec: MeasuredCodec | None = None,
    device: Device = "auto",
) -> RoundTrip:
    """Encode a clip (one portrait, its first frame; whole picture, sound as by default) and decode it at 512x512.

    Args:
        clip: a video.
        folder: where the .vqt and the decoded .mp4 go; files of an earlier clip are replaced.
        layers: residual layers to write, 1..4.
        codec: what to measure; the public interface by default.
        device: where networks run.

    Raises:
        VqcodecError: whatever encode or decode raise.
    """
    codec = codec or PublicApi(device)
    stream, decoded = (
        folder / f"{clip_name(clip)}-{layers}.vqt",
        folder / f"{clip_name(clip)}-{layers}.mp4",
    )
    options = EncodeOptions(layers=layers, portrait_frame="first", crop="full", refs=1)
    start_s = time.perf_counter()
    report, written = codec.encode(clip, stream, options)
    encode_s = time.perf_counter() - start_s
    start_s = time.perf_counter()
    codec.decode(stream, decoded, DecodeOptions())
    decode_s = time.perf_counter() - start_s
    fields = size_fields(report.sizes)
    return RoundTrip(
        report,
        {name: float(fields[name]) for name in RATES},
        encode_s,
        decode_s,
        same_tokens(written, codec.tokens(stream)),
        decoded,
    )
