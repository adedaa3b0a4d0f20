"""`vqcodec benchmark`: frames per second of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqcodec.errors import UsageError
from vqcodec.progress import ProgressEvent

from . import console, output
from .guard import guarded
from .sample import chosen
from .shared import BackendOption, DeviceOption

if TYPE_CHECKING:
    from vqcodec.evaluation.benchmark import Benchmark
    from vqcodec.evaluation.render_rate import RenderRate

REAL_TIME_FPS = 25


@guarded
def benchmark(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="IN",
            help="Video of a talking person, or a .vqt file.",
            show_default="the sample clip",
        ),
    ] = None,
    batch: Annotated[
        str, typer.Option(help="Frames drawn at once, for example 1,8,64.")
    ] = "1,2,4,8,16,32,64",
    size: Annotated[str, typer.Option(help="Sides of the pictures: 256, 512 or both.")] = "256,512",
    precision: Annotated[
        str | None,
        typer.Option(
            help="Of fp32, bf16, fp16 (CUDA only), int8 (openvino only).",
            show_default="what suits the device",
        ),
    ] = None,
    device: DeviceOption = "auto",
    backend: BackendOption = "auto",
    repeat: Annotated[
        int, typer.Option(min=1, help="Rounds whose median counts, after one to warm up.")
    ] = 5,
    files: Annotated[bool, typer.Option(help="Time whole files, too.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of the tables.")
    ] = False,
) -> None:
    """Measure how fast this machine renders, by batch size and precision, and encodes and decodes whole files."""
    source = chosen(source)
    batches, sizes = numbers(batch, "--batch"), numbers(size, "--size")
    names = tuple(part.strip() for part in precision.split(",")) if precision else ()
    from vqcodec.evaluation import benchmark as measuring

    with console.progress_bar() as progress:
        found = measuring.benchmark(
            source,
            device=device,
            batches=batches,
            sizes_px=sizes,
            precision=names,
            repeats=repeat,
            files=files,
            backend=backend,
            tick=lambda what: progress(ProgressEvent("benchmark", message=what)),
        )
    if as_json:
        output.print_json(found.to_json())
    else:
        show(found)


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Read "1,8,64".

    Raises:
        UsageError: something else.
    """
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r} is not a list of numbers", hint="Write for example 1,8,64."
        ) from error


def show(found: Benchmark) -> None:
    """Conditions, a table of the renderer and the rates of whole files, on stdout."""
    from rich.console import Console
    from rich.table import Table

    known, out = found.conditions, Console(highlight=False, soft_wrap=True)
    machine = known["machine"]
    where = (
        known["device_name"]
        or f"{machine['cpu']}, {machine['cores']} cores, {known['threads']} threads"
    )
    out.print(
        f"{known['device']}: {where}; load {machine['load_average_1min']}; torch {known['versions'].get('torch', '?')}; "
        f"{known['source']}",
        markup=False,
    )
    out.print(
        f"renderer {known['renderer']}, motion space {known['motion_space']}; default precision here "
        f"{known['default_precision']}",
        markup=False,
    )
    columns = list(dict.fromkeys(_column(rate) for rate in found.render))
    table = Table(title=f"rendering, frames/s (median of {known['repeats']})", title_justify="left")
    table.add_column("frames at once", justify="right")
    for library, name, size_px in columns:
        table.add_column(f"{library} {name} {size_px}x{size_px}", justify="right")
    by_place = {(rate.batch, *_column(rate)): rate for rate in found.render}
    for batch in dict.fromkeys(rate.batch for rate in found.render):
        table.add_row(str(batch), *(_cell(by_place[batch, *column]) for column in columns))
    out.print(table)
    if found.files is not None:
        encode = "" if found.files.encode_fps is None else f"encode {found.files.encode_fps:.1f}, "
        out.print(
            f"file to file, {found.files.frames} frames: {encode}decode {found.files.decode_fps:.1f} frames/s at 512x512 by "
            f"{found.files.backend} (real time: {REAL_TIME_FPS})",
            markup=False,
        )


def _column(rate: RenderRate) -> tuple[str, str, int]:
    return rate.backend, rate.precision, rate.size_px


def _cell(rate: RenderRate) -> str:
    if rate.fps is None:
        return "out of memory"
    memory = "" if rate.peak_mib is None else f"  {rate.peak_mib:.0f} MiB"
    return f"{rate.fps:.1f}{memory}"
