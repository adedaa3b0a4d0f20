"""`vqcodec batch`: many files, by workers on this machine or a cluster; goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vqcodec.errors import UsageError

from . import console, output
from .guard import guarded
from .shared import BackendOption, DeviceOption, PrecisionOption, QuietOption, ReportJsonOption

if TYPE_CHECKING:
    from vqcodec.batch.run import BatchReport

_SHOWN = 20


@guarded
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN...",
            help="Files, folders, patterns in quotes ('clips/**/*.mp4'), s3:// and the like; or one manifest, .jsonl.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(metavar="FOLDER|URI", help="Where what is made goes.", show_default=False),
    ] = None,
    do: Annotated[
        Literal["encode", "decode", "dub", "verify"], typer.Option(help="What to do to each.")
    ] = "encode",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the job, as vqcodec.EncodeOptions and its like name them: bitrate_kbps=12.",
            show_default=False,
        ),
    ] = None,
    portrait: Annotated[
        str, typer.Option(help="For dub: the picture that speaks.", show_default=False)
    ] = "",
    suffix: Annotated[
        str | None, typer.Option(help="Of what is made: .mkv.", show_default="the job's")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where manifest and ledger lie.", show_default="--out"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Workers.", show_default="one for two cores")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|local",
            help="Work on a Ray cluster (extra `cluster`): auto, ray://HOST:PORT, or local.",
            show_default=False,
        ),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, help="Further tries of what failed for the machine's sake.")
    ] = 2,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="End a file that takes longer.", show_default="never"
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Try what failed for the input's sake, too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace outputs that are there before the batch.")
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    backend: BackendOption = "auto",
    quiet: QuietOption = False,
    as_json: ReportJsonOption = False,
) -> None:
    """Encode, decode, dub or verify many files; stopped, it goes on where it was."""
    console.be_quiet(quiet)
    from vqcodec.batch import plan, run
    from vqcodec.batch.options import parse_setting
    from vqcodec.config import RuntimeOptions

    options = dict(map(parse_setting, settings or ()))
    tasks = plan.planned(inputs, out, do, options, portrait=portrait, suffix=suffix)
    chosen = run.BatchSettings(
        state=state or _beside(inputs[0], out),
        jobs=jobs,
        retries=retries,
        timeout_s=timeout,
        force=force,
        again=again,
        cluster=cluster,
        runtime=RuntimeOptions(device=device, precision=precision, backend=backend),
    )
    with console.progress_bar() as progress:
        report = run.run(tasks, chosen, progress)
    if as_json:
        output.print_report(report.to_json())
    elif not quiet:
        output.print_lines(lines(report))
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _beside(first: str, out: str | None) -> Path:
    """Where manifest and ledger lie if nobody says it."""
    from vqcodec.batch.places import is_remote, local_path

    if out is None:
        return Path(first).with_suffix(".batch")
    if is_remote(out):
        raise UsageError(
            "the ledger needs a folder of this machine", hint="Give one with --state FOLDER."
        )
    return local_path(out)


def lines(report: BatchReport) -> list[str]:
    """A report for a person."""
    told = [f"{report.done} of {report.total} done, {report.made} of them now"]
    if report.frames and report.elapsed_s:
        told.append(
            f"{report.frames} frames in {report.elapsed_s:.0f} s: "
            f"{report.frames / report.elapsed_s:.1f} frames/s, {report.media_s / report.elapsed_s:.2f} times real time"
        )
    for entry in report.failed[:_SHOWN]:
        why = "machine" if entry.state == "machine-failed" else "input"
        told.append(f"failed ({why}, {entry.exit_code}) {entry.input}: {entry.error}")
    if len(report.failed) > _SHOWN:
        told.append(f"and {len(report.failed) - _SHOWN} more")
    told.append(f"ledger: {report.state / 'ledger.jsonl'}, ledger.csv")
    return told
