"""Ordinary video codecs at their best for one short clip of one person: x264, x265, SVT-AV1 and libvpx through PyAV.

Constant quality (CRF), one key frame, default B-frames, the slowest preset that makes sense, one thread (which also
compresses best). x264 and x265 are tuned for SSIM, SVT-AV1 and libvpx have nothing better here than their default.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
from av.codec.context import Flags

from vqcodec.comparison.anchors.mux import Unit, opened, without_sei
from vqcodec.errors import MediaError
from vqcodec.evaluation.tools.extras import MissingExtraError
from vqcodec.runtime.priority import usual_priority


@dataclass(frozen=True, slots=True)
class AnchorCodec:
    """An encoder of libavcodec and how to ask it for its best.

    Attributes:
        name: as in results.CODECS.
        encoder: libavcodec's name.
        options: everything but the quality.
        quick: what changes for a quick comparison.
        crf_max: worst quality there is.
        crf_start: where the search for a rate begins.
    """

    name: str
    encoder: str
    options: dict[str, str]
    quick: dict[str, str]
    crf_max: int
    crf_start: int

    def all_options(self, crf: int, quick: bool) -> dict[str, str]:
        """Options for one encode."""
        return {**self.options, **(self.quick if quick else {}), "crf": str(crf)}


ANCHOR_CODECS = {
    codec.name: codec
    for codec in (
        AnchorCodec(
            "h264",
            "libx264",
            {
                "preset": "veryslow",
                "tune": "ssim",
                "x264-params": "keyint=infinite:threads=1:log-level=none",
            },
            {"preset": "medium"},
            51,
            40,
        ),
        AnchorCodec(
            "h265",
            "libx265",
            {
                "preset": "slower",
                "tune": "ssim",
                "x265-params": "keyint=-1:pools=none:frame-threads=1:info=0:log-level=none",
            },
            {"preset": "fast"},
            51,
            40,
        ),
        AnchorCodec(
            "av1",
            "libsvtav1",
            {"preset": "4", "svtav1-params": "keyint=-1:lp=1"},
            {"preset": "8"},
            63,
            57,
        ),
        AnchorCodec(
            "vp9",
            "libvpx-vp9",
            {
                "deadline": "good",
                "cpu-used": "1",
                "lag-in-frames": "25",
                "auto-alt-ref": "6",
                "b": "0",
            },
            {"cpu-used": "4"},
            63,
            56,
        ),
    )
}
_INFINITE_GOP = 1_000_000


@dataclass(frozen=True, slots=True)
class Coded:
    """Pictures coded once.

    Attributes:
        data: a Matroska file with nothing else in it.
        units: its packets.
        payload_bytes: packets and parameter sets.
        seconds: wall-clock time of encoding.
    """

    data: bytes
    units: tuple[Unit, ...]
    payload_bytes: int
    seconds: float


def check_anchor(name: str) -> None:
    """See whether libavcodec here has an encoder.

    Raises:
        MissingExtraError: it has not.
    """
    encoder = ANCHOR_CODECS[name].encoder
    if encoder not in av.codecs_available:
        raise MissingExtraError(
            f"this build of PyAV has no {encoder}",
            hint="Install PyAV's own wheel, or leave the codec out with --codecs.",
        )


def encode(
    codec: AnchorCodec,
    frames: Iterable[Any],
    side_px: int,
    rate_hz: Fraction,
    crf: int,
    *,
    quick: bool = False,
) -> Coded:
    """Code pictures.

    Args:
        codec: one of ANCHOR_CODECS.
        frames: libav frames, yuv420p, numbered from 0 in `pts`.
        side_px: of the pictures.
        rate_hz: frames per second.
        crf: quality, 0 (best) .. codec.crf_max.
        quick: use faster settings.

    Raises:
        MediaError: the encoder refuses.
    """
    start_s = time.perf_counter()
    buffer = io.BytesIO()
    units: list[Unit] = []
    try:
        with usual_priority(), opened(buffer, "matroska") as container:
            stream = container.add_stream(
                codec.encoder, rate=rate_hz, options=codec.all_options(crf, quick)
            )
            context = stream.codec_context
            context.width = context.height = side_px
            context.pix_fmt, context.time_base = "yuv420p", 1 / rate_hz
            context.gop_size, context.thread_count = _INFINITE_GOP, 1
            context.flags |= Flags.global_header
            _tag(context)
            for packet in _packets(context, frames):
                data = without_sei(bytes(packet)) if codec.name == "h264" else bytes(packet)
                units.append(Unit.of(packet, data))
                container.mux(units[-1].packet(stream))
            payload = sum(len(u.data) for u in units) + len(context.extradata or b"")
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{codec.encoder} can't code {side_px}x{side_px} at {rate_hz} Hz: {error}"
        ) from error
    return Coded(buffer.getvalue(), tuple(units), payload, time.perf_counter() - start_s)


def _tag(context: Any) -> None:
    """BT.709, limited range, as the reference is."""
    context.color_primaries = context.color_trc = context.colorspace = 1
    context.color_range = 1


def _packets(context: Any, frames: Iterable[Any]) -> Iterator[Any]:
    for frame in frames:
        frame.time_base = context.time_base
        yield from context.encode(frame)
    yield from context.encode(None)


def decode(data: bytes) -> Iterator[Any]:
    """Libav frames of a coded file, in order; one thread."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        yield from container.decode(stream)
