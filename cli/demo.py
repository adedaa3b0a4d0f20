"""`vqcodec demo`: the main job on the sample clip, with rates, quality and a video to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vqcodec.config import EncodeOptions
from vqcodec.format import LAYERS
from vqcodec.reports import DecodeReport, EncodeReport

from . import console, output
from .guard import guarded
from .sample import chosen
from .shared import DeviceOption

FILES = ("talking.vqt", "decoded.mp4", "side_by_side.mp4")


@guarded
def demo(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="IN", help="Video to show it on.", show_default="the sample clip"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results; files in it are replaced.")
    ] = Path("demo_out"),
    layers: Annotated[int, typer.Option(min=1, max=LAYERS, help="Residual layers.")] = LAYERS,
    device: DeviceOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Encode and decode the sample clip; print rates and quality; write a side-by-side video."""
    source = chosen(source)
    out.mkdir(parents=True, exist_ok=True)
    stream, decoded, both = (out / name for name in FILES)
    from vqcodec import api

    with console.progress_bar() as progress:
        codec = api.Codec(device=device)
        encoded = codec.encode(
            source, stream, EncodeOptions(layers=layers), force=True, progress=progress
        )
        shown = codec.decode(stream, decoded, force=True, progress=progress)
    from vqcodec.evaluation.quality import quality
    from vqcodec.evaluation.tools.sidebyside import side_by_side

    figures = quality(source, decoded, crop=encoded.crop)
    side_by_side(source, decoded, both, crop=encoded.crop, force=True)
    fields = summary(source, encoded, shown) | {
        "psnr_db": round(figures.psnr_db, 2),
        "ssim": round(figures.ssim, 4),
    }
    if as_json:
        output.print_json(fields)
    else:
        output.print_lines(lines(fields, out))


def summary(source: Path, encoded: EncodeReport, shown: DecodeReport) -> dict[str, Any]:
    """Rates and speeds as JSON-ready fields."""
    size = source.stat().st_size
    fields = encoded.to_json()
    return {
        "source_bytes": size,
        "source_kbps": round(size * 8 / max(fields["seconds"], 1e-9) / 1000, 1),
        **fields,
        "decode_fps": round(shown.decode_fps, 2),
        "device": shown.device,
    }


def lines(fields: dict[str, Any], out: Path) -> list[str]:
    """The figures for a person."""
    ratio = fields["source_bytes"] / max(fields["file_bytes"], 1)
    return [
        f"{fields['frames']} frames, {fields['seconds']:.2f} s, {fields['layers']} layers",
        "",
        *output.size_lines(fields),
        f"{'input':<10}{fields['source_bytes']:>10} bytes {fields['source_kbps']:>9.1f} kbit/s ({ratio:.0f} times)",
        "",
        f"quality at 256x256: PSNR {fields['psnr_db']:.2f} dB, SSIM {fields['ssim']:.3f}",
        f"speed on {fields['device']}: encode {fields['encode_fps']:.1f}, decode {fields['decode_fps']:.1f} "
        f"frames per second",
        "",
        f"look at {out / FILES[2]}",
    ]
