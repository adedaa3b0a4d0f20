"""How much of the phones the speech tokens keep: a linear probe on tokens, on log-mel and on the teacher's features.

    python -m vqcodec.lab phones VOICES --teacher FOLDER [--cache FOLDER] [--tokenizer FILE] [--out phones.json]

VOICES is a folder made by `python -m vqcodec.training.speech_tokens.voices`, FOLDER the teacher's.
The probe (phoneprobe.py) learns on the
training split which of the 53 classes of ipa.py sounds at the centre of each 40 ms, from that frame alone or with its neighbours,
and is tested on sentences, and on languages, that no training piece holds. Prints a table and writes JSON.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.tools.files import save_json
from vqcodec.lab.command import perform, publish
from vqcodec.lab.speech import phonedata
from vqcodec.lab.speech.ipa import CLASSES, SILENCE
from vqcodec.lab.speech.phonedata import SPLITS, PhoneFrames
from vqcodec.lab.speech.phoneprobe import (
    DenseFeatures,
    Features,
    ProbeSettings,
    TokenFeatures,
    WithNeighbours,
    fitted,
    predicted,
)

SCHEMA_VERSION = 1
TRAIN, TESTS = SPLITS[0], SPLITS[1:]
KINDS = ("tokens", "log-mel", "teacher")
TOKEN_RATE = 3e-2
"""One-hot weights get a gradient only when their code comes: they need longer steps than dense features."""


def accuracy(labels: NDArray[np.int64], guesses: NDArray[np.int64]) -> dict[str, float]:
    """Share of right frames: of all that have a class ("all") and of those whose class isn't silence ("sounding")."""
    right, known = labels == guesses, labels >= 0
    sounding = known & (labels != CLASSES.index(SILENCE))
    return {"all": _share(right[known]), "sounding": _share(right[sounding])}


def _share(flags: NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 4) if flags.size else 0.0


def counted(frames: PhoneFrames) -> dict[str, Any]:
    """How many frames a split has, how many are silent, unknown, and how many codes they use."""
    return {
        "frames": len(frames.labels),
        "silent": int((frames.labels == CLASSES.index(SILENCE)).sum()),
        "without_class": int((frames.labels < 0).sum()),
        "codes_used": len(np.unique(frames.tokens)),
        "languages": sorted(set(frames.languages.tolist())),
    }


def chance(train: PhoneFrames, test: PhoneFrames) -> dict[str, float]:
    """Accuracy of always guessing the training split's commonest class, with silence and without."""
    silence = CLASSES.index(SILENCE)
    labels = [
        train.labels[train.labels >= 0],
        train.labels[(train.labels >= 0) & (train.labels != silence)],
    ]
    guesses = [int(np.bincount(part, minlength=len(CLASSES)).argmax()) for part in labels]
    return {
        key: accuracy(test.labels, np.full_like(test.labels, guess))[key]
        for key, guess in zip(("all", "sounding"), guesses, strict=True)
    }


def _features(kind: str, splits: Mapping[str, PhoneFrames], codes: int) -> dict[str, Features]:
    """The features of one kind, of every split."""
    if kind == "tokens":
        return {split: TokenFeatures(frames.tokens, codes) for split, frames in splits.items()}
    values = {
        split: frames.mel if kind == "log-mel" else frames.teacher
        for split, frames in splits.items()
    }
    train, tests = DenseFeatures.pair(values[TRAIN], [values[split] for split in TESTS])
    return {TRAIN: train, **dict(zip(TESTS, tests, strict=True))}


def probed(
    kind: str,
    neighbours: bool,
    splits: Mapping[str, PhoneFrames],
    codes: int,
    settings: ProbeSettings,
) -> dict[str, Any]:
    """One row of the table: fit on the training split, test on all."""
    features = _features(kind, splits, codes)
    if neighbours:
        features = {
            s: WithNeighbours(f, splits[s].before, splits[s].after) for s, f in features.items()
        }
    if kind == "tokens":
        settings = replace(settings, rate=TOKEN_RATE)
    probe = fitted(features[TRAIN], splits[TRAIN].labels, len(CLASSES), settings)
    row: dict[str, Any] = {
        "features": kind,
        "neighbours": int(neighbours),
        "width": features[TRAIN].width,
        "accuracy": {},
        "languages": {},
        "settings": asdict(settings),
    }
    for split, frames in splits.items():
        guesses = predicted(probe, features[split], len(frames.labels))
        row["accuracy"][split] = accuracy(frames.labels, guesses)
        if split != TRAIN:
            for language in sorted(set(frames.languages.tolist())):
                chosen = frames.languages == language
                row["languages"][language] = accuracy(frames.labels[chosen], guesses[chosen])
    return row


def evaluate(
    voices: Path,
    tokenizer: phonedata.Tokens,
    teacher: phonedata.TeacherFeatures,
    *,
    settings: ProbeSettings | None = None,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Everything that the command writes.

    Args:
        voices: folder of synthetic speech.
        tokenizer: what is tested.
        teacher: what it learned from.
        settings: of the probe.
        cache: see `phonedata.read_frames`.
        progress: takes a line about each step.

    Raises:
        MediaError: the folder lacks an index or a split.
    """
    chosen = settings or ProbeSettings()
    pieces = phonedata.read_pieces(voices)
    splits: dict[str, PhoneFrames] = {}
    for split in SPLITS:
        splits[split] = phonedata.read_frames(
            voices, [p for p in pieces if p.split == split], tokenizer, teacher, cache=cache
        )
        progress(f"{split}: {len(splits[split].labels)} frames")
    rows = []
    for neighbours in (False, True):
        for kind in KINDS:
            rows.append(probed(kind, neighbours, splits, tokenizer.codes, chosen))
            progress(f"{kind}, {'3 frames' if neighbours else '1 frame'}: {rows[-1]['accuracy']}")
    return {
        "schema_version": SCHEMA_VERSION,
        "classes": list(CLASSES),
        "codes": tokenizer.codes,
        "splits": {split: counted(frames) for split, frames in splits.items()},
        "chance": {split: chance(splits[TRAIN], splits[split]) for split in TESTS},
        "rows": rows,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as a Markdown table: accuracy in per cent, silence included and not."""
    lines = [
        "| features of 40 ms | frames seen | held-out sentences | without silence | held-out languages | without silence |",
        "|---|---:|---:|---:|---:|---:|",
    ]

    def line(name: str, seen: str, scores: Mapping[str, Mapping[str, float]]) -> str:
        cells = [
            f"{100 * scores[split][key]:.1f} %" for split in TESTS for key in ("all", "sounding")
        ]
        return "| " + " | ".join([name, seen, *cells]) + " |"

    lines.append(line("commonest class", "0", result["chance"]))
    lines += [
        line(row["features"], "3" if row["neighbours"] else "1", row["accuracy"])
        for row in result["rows"]
    ]
    facts = [
        f"{split}: {c['frames']} frames, {c['silent']} silent, {c['without_class']} without a class, "
        f"{c['codes_used']} of {result['codes']} codes, {' '.join(c['languages'])}"
        for split, c in result["splits"].items()
    ]
    return (
        "\n".join([*lines, "", f"{len(result['classes'])} classes. " + "; ".join(facts) + "."])
        + "\n"
    )


def _options(parser: ArgumentParser) -> None:
    known = ProbeSettings()
    parser.add_argument(
        "voices", type=Path, help="folder made by python -m vqcodec.training.speech_tokens.voices"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        required=True,
        help="folder made by python -m vqcodec.training.speech_tokens.teacher",
    )
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer's file (the shipped one)")
    parser.add_argument("--cache", type=Path, help="keeps the teacher's features from run to run")
    parser.add_argument("--epochs", type=int, default=known.epochs, help=f"({known.epochs})")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="JSON file to write")


def _job(options: Namespace) -> int:
    from vqcodec.speech.tokenizer import SpeechTokenizer
    from vqcodec.training.speech_tokens.teacher import Teacher

    def progress(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    tokenizer = SpeechTokenizer.load(options.tokenizer, "cpu")
    result = evaluate(
        options.voices,
        tokenizer,
        Teacher.load(options.teacher),
        settings=ProbeSettings(epochs=options.epochs),
        cache=options.cache,
        progress=progress,
    )
    result["tokenizer"] = str(tokenizer.id)
    return publish(table(result), options.out, lambda path: save_json(path, result))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("phones", _options, _job, arguments)
