"""What is wrong with a caller's choices: UsageError, said when they are made (vqcodec.config)."""

from __future__ import annotations

from vqcodec.errors import UsageError
from vqcodec.format import LAYERS


def require(ok: bool, message: str, hint: str = "") -> None:
    """Raise UsageError with this message where something doesn't hold."""
    if not ok:
        raise UsageError(message, hint=hint)


def check_layers(layers: int | None) -> None:
    """Layers are 1..LAYERS, or not given."""
    require(layers is None or 1 <= layers <= LAYERS, f"layers is {layers}, not 1..{LAYERS}")


def check_quality(quality: int | None) -> None:
    """A portrait quality is 1..100, or not given."""
    require(quality is None or 1 <= quality <= 100, f"portrait quality {quality} is outside 1..100")


def check_size(size_px: int) -> None:
    """Pictures have 256 or 512 pixels a side."""
    require(size_px in (256, 512), f"size is {size_px}, not 256 or 512")


def check_audio(bitrate_bps: int | None, hint: str) -> None:
    """A bit rate of Opus is 6000..64000, or not given."""
    require(
        bitrate_bps is None or 6_000 <= bitrate_bps <= 64_000,
        f"audio rate {bitrate_bps} bit/s is outside 6k..64k",
        hint,
    )


def check_crf(crf: int) -> None:
    """Refuse an H.264 quality outside 0 (best) .. 51.

    Raises:
        UsageError: it is.
    """
    require(0 <= crf <= 51, f"crf {crf} is outside 0..51")
