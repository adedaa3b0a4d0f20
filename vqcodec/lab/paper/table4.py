"""The paper's Table 4 at this project's scale: continuous or discrete speech in, continuous or discrete motion out.

    python -m vqcodec.lab table4 --data CORPUS --models DIR --teacher DIR --out table4.json [--clips N] [--motion-only]

    C-C  Whisper-base's encoder features in, regressed motion features out
    D-C  this project's speech tokens in,    regressed motion features out
    C-D  Whisper-base's encoder features in, GRFSQ tokens out
    D-D  this project's speech tokens in,    GRFSQ tokens out

`--models` holds row-cc.safetensors, row-dc, row-cd and row-dd, trained alike (vqcodec.lab.paper.table4_models). Clips, portrait,
controls, rendering and figures are those of `dubbing`; regressed features are rendered as they are. Results of clips are kept
(--cache).

JSON: {"schema_version": 1, "kind": "table4", "conditions": {...}, "rows": [{"row", "speech", "motion", "means": {...},
"clips": {name: {...}}}]}.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import RuntimeOptions
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import ModelError, UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.geometry.headpose import read_head
from vqcodec.lab.command import perform, publish
from vqcodec.lab.dub.cache import ResultCache, content
from vqcodec.lab.dub.clips import DubClip, Features, Pcm, speech_samples
from vqcodec.lab.dub.dubbing import add_common, chosen_level
from vqcodec.lab.dub.measure import Level
from vqcodec.lab.dub.motion import Motion, portrait_facts
from vqcodec.lab.dub.results import mean_figures, with_all
from vqcodec.lab.dub.sync import Figures
from vqcodec.lab.dub.table import table4_lines
from vqcodec.models import store

SCHEMA_VERSION = 1
SPEECH = {"c": "Whisper-base features", "d": "speech tokens"}
MOTION = {"c": "features", "d": "GRFSQ tokens", "g": "GRFSQ tokens as 625 classes"}
ROWS = ("cc", "dc", "cd", "dd")
KNOWN = (*ROWS, "dg")
"""dg: as dd, with 625 classes a group in place of four digits of five."""

Hear = Callable[[NDArray[np.float32]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Table4Row:
    """One row: its letters, such as "dc" for D-C, and what makes its motion."""

    letters: str
    motion: Motion

    @property
    def name(self) -> str:
        """As the paper writes it."""
        return "-".join(self.letters.upper().replace("G", "D"))


class RowMotion:
    """A model of Table 4 as a Motion.

    Args:
        path: of the model.
        model: what vqcodec.lab.paper.table4_models.load_row gives.
        hear: 16 kHz samples to what the model takes.
        shape: the mean head.
    """

    def __init__(self, path: Path, model: Any, hear: Hear, shape: Any) -> None:
        self._model, self._hear, self._shape = model, hear, shape
        self.models = {"row": path.stem, "row_sha256": content(path)}

    def __call__(self, clip: DubClip, pcm: Pcm) -> Features:
        """See Motion."""
        controls, portrait = portrait_facts(clip, self._shape)
        made: Features = np.asarray(
            self._model.motion(self._hear(speech_samples(pcm)), controls, portrait), np.float32
        )
        return made


def load_rows(
    models: Path, teacher: Path | None, device: Any, letters: Sequence[str] = ROWS
) -> list[Table4Row]:
    """The rows whose models are asked for.

    Args:
        models: folder of row-XY.safetensors.
        teacher: folder of Whisper-base's weights; needed by rows with continuous speech.
        device: where the speech tokenizer runs.
        letters: of KNOWN.

    Raises:
        ModelError: a file is missing.
        UsageError: the teacher is needed and not given.
    """
    from vqcodec.lab.paper.table4_models import load_row

    hear = _hearing(letters, teacher, device)
    shape, rows = read_head(store.current("head").path), []
    for two in letters:
        path = models / f"row-{two}.safetensors"
        if not path.is_file():
            raise ModelError(
                f"{path.name} is not in {models}",
                hint="Train the four rows first, or choose others with --rows.",
            )
        rows.append(Table4Row(two, RowMotion(path, load_row(path), hear[two[0]], shape)))
    return rows


def _hearing(letters: Sequence[str], teacher: Path | None, device: Any) -> dict[str, Hear]:
    from vqcodec.speech.tokenizer import SpeechTokenizer

    hear: dict[str, Hear] = {}
    if any(two[0] == "d" for two in letters):
        hear["d"] = SpeechTokenizer.load(device=device).tokens
    if any(two[0] == "c" for two in letters):
        if teacher is None:
            raise UsageError(
                "rows with continuous speech need the teacher's weights",
                hint="Pass --teacher with their folder.",
            )
        from vqcodec.training.speech_tokens.teacher import Teacher

        hear["c"] = Teacher.load(teacher).features
    return hear


def measure_clip(
    path: Path,
    rows: Sequence[Table4Row],
    level: Level,
    read: Callable[[Path], DubClip],
    cache: ResultCache,
) -> dict[str, Figures]:
    """Figures of one clip by the rows' letters; it is read only if a row's result isn't kept."""
    tracked: list[DubClip] = []
    found: dict[str, Figures] = {}
    for row in rows:

        def make(row: Table4Row = row) -> dict[str, Any]:
            clip = tracked[0] if tracked else read(path)
            tracked[:] = [clip]
            made = level.measure(clip, row.motion(clip, clip.pcm), clip.pcm, f"row-{row.letters}")
            return with_all(made)

        key = {
            "schema": SCHEMA_VERSION,
            "clip": content(path),
            "level": level.name,
            **level.settings,
            **row.motion.models,
        }
        values, kept = cache.get(f"{path.stem}-row-{row.letters}", key, make)
        found[row.letters] = {
            name: math.nan if value is None else float(value) for name, value in values.items()
        }
        sys.stderr.write(
            f"{path.stem} {row.name}: lip correlation {found[row.letters]['lip_corr']:.2f}"
            f"{' (kept)' if kept else ''}\n"
        )
    return found


def row_json(row: Table4Row, found: dict[str, dict[str, Figures]]) -> dict[str, Any]:
    """A row of the JSON file, from figures by clip and letters."""
    clips = {name: figures[row.letters] for name, figures in found.items()}
    means = mean_figures(list(clips.values()))
    return {
        "row": row.name,
        "speech": SPEECH[row.letters[0]],
        "motion": MOTION[row.letters[1]],
        "means": means,
        "clips": clips,
    }


def parse_rows(text: str) -> tuple[str, ...]:
    """Read "cc,dd".

    Raises:
        UsageError: not rows.
    """
    letters = tuple(text.lower().split(","))
    if not set(letters) <= set(KNOWN) or len(set(letters)) != len(letters):
        raise UsageError(
            f"{text!r} is not a list of rows", hint=f"Write some of {','.join(KNOWN)}."
        )
    return letters


def measure(options: Namespace, rows: Sequence[Table4Row] | None = None) -> dict[str, Any]:
    """The content of the JSON file; `rows` stand in for the models of a folder."""
    clips, every_clip = (
        validation_clips(options.data, options.clips),
        validation_clips(options.data),
    )
    parts = EncoderParts.load(RuntimeOptions(device=options.device)).plain(options.device)
    rows = rows or load_rows(
        options.models, options.teacher, options.device, parse_rows(options.rows)
    )
    known = conditions(clips=len(clips), all_clips=len(every_clip))
    cache = ResultCache(options.cache, force=options.force)
    with chosen_level(options, parts) as level:
        known |= {"level": level.name, **level.settings}
        found = {
            path.stem: measure_clip(path, rows, level, lambda clip: cache.clip(clip, parts), cache)
            for path in clips
        }
    made = [row_json(row, found) for row in rows]
    return rounded(
        {"schema_version": SCHEMA_VERSION, "kind": "table4", "conditions": known, "rows": made}
    )


def _options(parser: ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--models",
        type=Path,
        required=True,
        help="folder of row-cc.safetensors, row-dc, row-cd, row-dd",
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        help="folder of Whisper-base's weights, for rows with continuous speech",
    )
    parser.add_argument(
        "--rows", default=",".join(ROWS), help="rows to measure (cc,dc,cd,dd; also dg)"
    )


def _job(options: Namespace, rows: Sequence[Table4Row] | None) -> int:
    data = measure(options, rows)
    return publish("\n".join(table4_lines(data)), options.out, lambda path: save_json(path, data))


def main(arguments: Sequence[str] | None = None, rows: Sequence[Table4Row] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("table4", _options, lambda options: _job(options, rows), arguments)
