"""Training of the renderer on another machine: clips, landmarks, code and weights there, weights and log back.

    kit pack   CORPUS CACHE KIT      pieces of at most 64 MiB, and start.sh, which does everything on the other machine:
    kit train  FOLDER                cache from the clips, portraits coded, training; RESULT/ holds pieces again
    kit bring  RESULT RUN            these as a run's folder: checkpoint, log, sheets, weights; pack --run goes on with it

A clip's decoded frames are forty times its file: they are decoded again over there, landmarks and surroundings are not.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import vqcodec
from vqcodec.errors import MediaError, UsageError
from vqcodec.training.common.cache import ClipRow, build_cache, read_index
from vqcodec.training.picture import pieces
from vqcodec.training.picture.coded import build_all
from vqcodec.training.picture.run import train_tokenizer

RESULT = "result"
_RUN_FILES = (
    "checkpoint.safetensors",
    "discriminator.safetensors",
    "basis.safetensors",
    "log.jsonl",
)
_START = """#!/bin/sh
# Needs Python with the project's dependencies (the extra [train]). Arguments are those of `kit train`.
set -e
here=$(cd "$(dirname "$0")" && pwd)
python "$here/pieces.py" "$here" "$here/work"
PYTHONPATH="$here/work/code" python -m vqcodec.training.picture.kit train "$here/work" "$@"
"""


def chosen_rows(corpus: Path, clips: int | None) -> list[ClipRow]:
    """Every validation clip and `clips` training clips in the cache's shuffled order; all of them for None."""
    rows = read_index(corpus)
    order = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    train = [row for row in order if row.split == "train"][:clips]
    return train + [row for row in order if row.split != "train"]


def _code() -> Iterator[tuple[Path, str]]:
    root = Path(vqcodec.__file__).parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, f"code/vqcodec/{path.relative_to(root)}"


def _of_clips(corpus: Path, cache: Path, rows: list[ClipRow]) -> Iterator[tuple[Path, str]]:
    for row in rows:
        yield corpus / row.file, f"data/{row.file}"
        for kind in ("lm", "sur"):
            path = cache / f"{row.name}.{kind}.npy"
            if path.is_file():
                yield path, f"cache/{path.name}"


def _index_of(corpus: Path, rows: list[ClipRow], target: Path) -> Path:
    """The corpus index with the chosen rows only."""
    kept = {row.file for row in rows}
    with (corpus / "index.tsv").open(newline="") as source, target.open("w", newline="") as made:
        reader = csv.DictReader(source, delimiter="\t")
        writer = csv.DictWriter(made, reader.fieldnames or [], delimiter="\t")
        writer.writeheader()
        writer.writerows(line for line in reader if line["file"] in kept)
    return target


def pack(
    corpus: Path,
    cache: Path,
    kit: Path,
    *,
    run: Path | None = None,
    clips: int | None = None,
    limit: int = pieces.PIECE_BYTES,
) -> int:
    """Write a kit.

    Args:
        corpus: folder with index.tsv, train/ and val/.
        cache: of training.common.cache; landmarks and surroundings of clips that it lacks are found over there.
        kit: the folder to write, outside of any repository: it holds clips.
        run: a run's folder to go on with; None to start from the shipped weights.
        clips: how many training clips; None for all.
        limit: bytes of a piece at most.

    Returns:
        The number of pieces.

    Raises:
        UsageError: `kit` is a folder with something in it.
        MediaError: no corpus index.
    """
    if kit.is_dir() and any(kit.iterdir()):
        raise UsageError(f"{kit} is not empty", hint="Name a new folder for the kit.")
    rows = chosen_rows(corpus, clips)
    kit.mkdir(parents=True, exist_ok=True)
    index = _index_of(corpus, rows, kit / "index.tsv")
    started = (
        [] if run is None else [(run / n, f"run/{n}") for n in _RUN_FILES if (run / n).is_file()]
    )
    files = [*_code(), (index, "data/index.tsv"), *_of_clips(corpus, cache, rows), *started]
    count = pieces.write_pieces(files, kit, limit=limit)
    index.unlink()
    shutil.copy(pieces.__file__, kit / "pieces.py")
    start = kit / "start.sh"
    start.write_text(_START)
    start.chmod(0o755)
    return count


def train(
    folder: Path,
    *,
    recipe: str = "renderer-4",
    minutes: float | None = None,
    steps: int | None = None,
    limit: int = pieces.PIECE_BYTES,
) -> int:
    """Train in an unpacked kit and write the result beside it, as pieces; what is cached already isn't made again.

    Args:
        folder: the unpacked kit.
        recipe: name of a shipped recipe or path of a TOML file.
        minutes: stop after this time of training.
        steps: stop after this many further steps.
        limit: bytes of a piece at most.

    Returns:
        The number of pieces.

    Raises:
        UsageError, ModelError, MediaError: bad recipe, missing package or missing data.
    """
    data, cache, run = folder / "data", folder / "cache", folder / "run"
    workers = os.cpu_count() or 1
    build_cache(data, cache, workers=workers)
    build_all(cache, workers=workers)
    train_tokenizer(
        data, run, recipe=recipe, cache=cache, resume=True, minutes=minutes, steps=steps
    )
    made = (
        [run / name for name in _RUN_FILES]
        + sorted(run.glob("sheet-*.png"))
        + sorted(run.glob("models/*"))
    )
    files = [(path, str(path.relative_to(run))) for path in made if path.is_file()]
    return pieces.write_pieces(files, folder / RESULT, limit=limit)


def bring(result: Path, run: Path) -> list[str]:
    """Pieces of a result as a run's folder.

    Raises:
        MediaError: a piece is missing or damaged.
    """
    try:
        return pieces.read_pieces(result, run)
    except pieces.PiecesError as error:
        raise MediaError(str(error), hint="Copy the whole folder of pieces again.") from error


def main() -> None:
    """Command line: python -m vqcodec.training.picture.kit pack|train|bring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    for name in ("corpus", "cache", "kit"):
        packing.add_argument(name, type=Path)
    packing.add_argument("--run", type=Path)
    packing.add_argument("--clips", type=int)
    training = commands.add_parser("train")
    training.add_argument("folder", type=Path)
    training.add_argument("--recipe", default="renderer-4")
    training.add_argument("--minutes", type=float)
    training.add_argument("--steps", type=int)
    bringing = commands.add_parser("bring")
    bringing.add_argument("result", type=Path)
    bringing.add_argument("run", type=Path)
    args = vars(parser.parse_args())
    command = args.pop("command")
    if command == "pack":
        pack(**args)
    elif command == "train":
        train(**args)
    else:
        bring(**args)


if __name__ == "__main__":
    main()
