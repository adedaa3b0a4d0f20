"""What all experiments share: their names, their command line, and how a failure is told.

    python -m vqcodec.lab NAME ...

`EXPERIMENTS` is the list; a module named there has `main(arguments)`, which hands its options and its job to `perform`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqcodec.errors import MediaError, VqcodecError


@dataclass(frozen=True, slots=True)
class Experiment:
    """One name of `python -m vqcodec.lab`.

    Attributes:
        module: under vqcodec.lab; its `main` takes the arguments and returns the exit code.
        summary: a line for the list of all.
    """

    module: str
    summary: str


EXPERIMENTS = {
    "table": Experiment("table", "bring the tables of a page up to date"),
    "bars": Experiment("bars", "what a validation reaches of this project's bars"),
    "steady": Experiment("steady", "which clips have a steady camera"),
    "sheet": Experiment("sheet", "contact sheet of a video and its decoded version"),
    "compare-tables": Experiment("compare.tables", "tables of a comparison"),
    "compare-summary": Experiment("compare.summary", "a comparison without its frames"),
    "compare-added": Experiment("compare.added", "ST-LPIPS for a comparison that lacks it"),
    "compare-curves": Experiment("compare.curves", "rate-distortion curves of a comparison"),
    "compare-change": Experiment("compare.change", "this codec before and after a change"),
    "compare-long": Experiment("compare.long", "bits of files of half a minute and a minute"),
    "compare-report": Experiment("compare.report", "the page of a comparison, made again"),
    "rates": Experiment("rate.rates", "where the motion's bits go"),
    "rdo": Experiment("rate.rdo", "rate and distortion of the motion"),
    "field": Experiment("rate.fieldtable", "dimensions of the field: rate and distortion"),
    "restored": Experiment("rate.restored", "coded portraits, restored and not"),
    "rdplot": Experiment("rate.rdplot", "picture of a rate-distortion curve"),
    "layers": Experiment("rate.layers", "figures at 1, 2, 3 and 4 layers"),
    "layersheet": Experiment("rate.layersheet", "a clip at 1, 2, 3 and 4 layers in one picture"),
    "refs": Experiment("rate.refs", "what further portraits gain and cost"),
    "firstportrait": Experiment(
        "rate.first_portrait", "bytes of a first portrait that looks as good as an AVIF still"
    ),
    "effort": Experiment("rate.effort", "gain of --effort against time"),
    "loss": Experiment("loss.loss", "what is left of streams when a part of them is lost"),
    "live": Experiment("live.live", "a live stream over a line that loses and delays"),
    "crossid": Experiment("faces.crossid", "one person's portrait driven by another's motion"),
    "scene": Experiment("faces.scene", "what is around the square: bits, seam, new slides"),
    "frozen": Experiment("faces.frozen", "how long something stands still that has moved on"),
    "crops": Experiment("faces.crops", "eyes, mouth and hair edge, source beside decoded"),
    "dub": Experiment("dub.dubbing", "dubs of clips with their own sound against the clips"),
    "redub": Experiment("dub.redub", "recordings with new lips: as good as coded, and following?"),
    "closure": Experiment("dub.closure", "do lips meet where the voice says p, b or m?"),
    "dubchecks": Experiment("dub.checks", "silence, blinks, speed and memory of dubs"),
    "dubsheet": Experiment("dub.sheet", "a dub beside the real clip in one picture"),
    "phones": Experiment("speech.phones", "how much of the phones speech tokens keep"),
    "papertable": Experiment("paper.papertable", "the paper's Table 1 with this codec's row"),
    "codebooks-train": Experiment("paper.train_codebooks", "train the rows of Table 3"),
    "codebooks": Experiment("paper.codebooks", "measure the rows of Table 3"),
    "table4-train": Experiment("paper.table4_models", "train the rows of Table 4"),
    "table4": Experiment("paper.table4", "measure the rows of Table 4"),
}


def command(name: str) -> str:
    """What a user types for an experiment.

    Raises:
        KeyError: there is no such experiment.
    """
    assert name in EXPERIMENTS, name
    return f"python -m vqcodec.lab {name}"


def perform(
    name: str,
    options: Callable[[ArgumentParser], None],
    job: Callable[[Namespace], int],
    arguments: Sequence[str] | None,
) -> int:
    """Parse an experiment's command line and do its job.

    Args:
        name: of the experiment.
        options: adds its arguments to a parser.
        job: does it with what was parsed, and returns the exit code.
        arguments: without the name; None takes those of the process.

    Returns:
        the job's exit code, or that of the error it raised.
    """
    summary = EXPERIMENTS[name].summary
    parser = ArgumentParser(prog=command(name), description=f"{summary[0].upper()}{summary[1:]}.")
    options(parser)
    given = parser.parse_args(arguments)
    return told(lambda: job(given))


def told(job: Callable[[], int]) -> int:
    """Run a command's job; an expected error becomes a sentence on stderr and its exit code."""
    try:
        return job()
    except VqcodecError as error:  # first: some of these are OSErrors, too
        sys.stderr.write(f"error: {error}\n{error.hint}\n" if error.hint else f"error: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return MediaError.exit_code


def publish(text: str, out: Path | None = None, save: Callable[[Path], None] | None = None) -> int:
    """Save a result where the user wants it, then write it to stdout.

    Args:
        text: the result for a person.
        out: file to write, or None.
        save: writes it.

    Returns:
        the exit code of success.
    """
    if out is not None and save is not None:
        save(out)
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    return 0


def corpus_options(parser: ArgumentParser) -> None:
    """`--data` and `--out`.

    Args:
        parser: gets the options.
    """
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="CORPUS",
        help="corpus folder (val/*.mp4), or a folder of .mp4 clips",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="JSON file to write")


def clips_options(parser: ArgumentParser, every: int | None = None) -> None:
    """`corpus_options`, `--clips` and, where not all frames are measured, `--every`.

    Args:
        parser: gets the options.
        every: default of `--every`; None: no such option.
    """
    corpus_options(parser)
    parser.add_argument("--clips", type=int, help="measure so many, evenly spread (all)")
    if every is not None:
        parser.add_argument(
            "--every", type=int, default=every, help=f"measure every so many frames ({every})"
        )


def sheet_options(parser: ArgumentParser, frames: int) -> None:
    """The sheet to write, `--frames`, `--side`, `--quality`, `--force`.

    Args:
        parser: gets the options.
        frames: default number of columns.
    """
    parser.add_argument("sheet", type=Path, help=".png, .jpg or .webp to write")
    parser.add_argument("--frames", type=int, default=frames, help=f"columns ({frames})")
    parser.add_argument("--side", type=int, default=160, help="pixels of a picture (160)")
    parser.add_argument("--quality", type=int, default=80, help="of .jpg and .webp (80)")
    parser.add_argument("--force", action="store_true", help="replace an existing sheet")
