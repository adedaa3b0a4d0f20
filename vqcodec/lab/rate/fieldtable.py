"""How many dimensions the motion space should give to its field: rate and distortion of the motion for some splits.

    python -m vqcodec.lab field --data CORPUS --cache CACHE [--out field.json] [--clips N] [--seconds 4]

Training clips that the field's basis was not fitted to (training.picture.field_fit.held_out), a portrait each second.
A split leaves dimensions at what they are in the first frame: they then cost next to nothing, as if they weren't there.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.decoding.parts import DecoderParts
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.field import FieldMeter
from vqcodec.encoding.parts import EncoderParts
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import load_json, rounded, save_json
from vqcodec.format import GROUP_DIMS, MAX_PORTRAITS
from vqcodec.geometry.layout import LANDMARK_DIMS, Layout
from vqcodec.lab.command import command, perform, publish
from vqcodec.lab.markdown import table
from vqcodec.lab.rate.rdo import Measure, MotionSetting, Tracked, code, rendered, track
from vqcodec.motion.space import MotionSpace
from vqcodec.render.reference import ReferenceFlow
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.field_fit import held_out

SCHEMA_VERSION = 1
STRENGTHS = (0.0, 1.0)
EACH_SECOND = Spending(0.0, MAX_PORTRAITS, Fraction(1), "first")
QUALITY = 50
SCORES = ("motion_kbps", "perc", "st_lpips", "psnr_db", "lmd", "lmd_mouth")


@dataclass(frozen=True, slots=True)
class Split:
    """What dimensions are used for.

    Attributes:
        landmarks, learned, field: how many of each; the eight of the surroundings are always there.
    """

    landmarks: int
    learned: int
    field: int

    @property
    def groups(self) -> int:
        """Groups of four dimensions."""
        return (self.landmarks + 8 + self.learned + self.field) // GROUP_DIMS

    def of(self, tracked: Tracked, layout: Layout) -> Tracked:
        """A clip without the other dimensions."""
        first = next(row for _, row in tracked.frames if row is not None)
        left = np.zeros(layout.dims, bool)
        left[self.landmarks : LANDMARK_DIMS] = True
        left[layout.learned_span][self.learned :] = True
        frames = [
            (frame, None if row is None else np.where(left, first, row).astype(np.float32))
            for frame, row in tracked.frames
        ]
        return replace(tracked, frames=frames)


SPLITS = (
    Split(36, 4, 0),
    Split(28, 0, 12),
    Split(24, 0, 16),
    Split(20, 0, 20),
    Split(36, 4, 8),
    Split(36, 4, 16),
    Split(36, 4, 24),
    Split(36, 4, 32),
)


def clips_of(data: Path, cache: Path, count: int) -> list[Path]:
    """Training clips of as many people that the basis has not seen."""
    found: dict[int, Path] = {}
    for clip in load_clips(cache, "train"):
        if held_out(clip) and clip.kind == "real":
            found.setdefault(clip.identity, next((data / "train").glob(f"{clip.name}.*")))
    return list(found.values())[:count]


def measure(clips: Sequence[Path], seconds: float, every: int) -> dict[str, Any]:
    """JSON-ready figures of every split at every strength, means over clips."""
    parts = EncoderParts.load()
    space = parts.space
    assert isinstance(space, MotionSpace) and space.field is not None
    flow = ReferenceFlow.load(space.id)
    decoder: DecoderParts | None = None
    rows: dict[tuple[Split, float], list[dict[str, float]]] = {}
    with Measure(every) as judge:
        for clip in clips:
            tracked = track(clip, parts, seconds)
            decoder = decoder or DecoderParts.load(tracked.head)
            reference, points = judge.reference(tracked)
            length = float(len(tracked.frames) / tracked.head.frame_rate_hz)
            for split in SPLITS:
                meter = FieldMeter(space.field, flow, space.layout, split.field)
                part = split.of(tracked, space.layout)
                for strength in STRENGTHS:
                    setting = MotionSetting(strength).setting(QUALITY)
                    stream, size = code(part, setting, space, EACH_SECOND, meter=meter)
                    shown = np.stack(list(rendered(stream, decoder, every)))
                    figures = judge.distances(reference, points, shown)
                    figures["motion_kbps"] = size * 8 / length / 1000
                    rows.setdefault((split, strength), []).append(figures)
            print(clip.stem, flush=True)
    return {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(
            clips=[c.stem for c in clips], every=every, seconds=seconds, space=str(space.id)
        ),
        "rows": [
            {
                **asdict(split),
                "groups": split.groups,
                "rdo": strength,
                **{k: float(np.mean([f[k] for f in figures])) for k in SCORES},
            }
            for (split, strength), figures in rows.items()
        ],
    }


HEADS = (
    "landmarks",
    "learned",
    "field",
    "`--rdo`",
    "motion, kbit/s",
    "perceptual distance ↓",
    "ST-LPIPS ↓",
    "PSNR, dB ↑",
    "landmark distance ↓",
    "mouth ↓",
)
_FORMS = ("d", "d", "d", "g", ".2f", ".4f", ".4f", ".2f", ".4f", ".4f")


def show(result: dict[str, Any]) -> list[str]:
    """The table as Markdown."""
    names = ("landmarks", "learned", "field", "rdo", *SCORES)
    rows = [
        (f"{row['groups']} groups", [f"{row[n]:{f}}" for n, f in zip(names, _FORMS, strict=True)])
        for row in result["rows"]
    ]
    return table(HEADS, rows)


def lines(path: Path) -> list[str]:
    """The table and its conditions, from the JSON."""
    result = load_json(
        path, SCHEMA_VERSION, dict, what="figures of the field", command=command("field")
    )
    known = result["conditions"]
    told = (
        f"{len(known['clips'])} training clips of people the basis was not fitted to, {known['seconds']:g} s each, every "
        f"{known['every']}th frame, a portrait each second, {known['date_utc']}; a draft of the space with "
        f"{max(row['field'] for row in result['rows'])} components ({known['space']}), `renderer-3`, which knew of no field."
    )
    return [*show(result), "", told]


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="the corpus")
    parser.add_argument("--cache", type=Path, required=True, help="the training cache")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--out", type=Path)


def _job(options: Namespace) -> int:
    clips = clips_of(options.data, options.cache, options.clips)
    result = measure(clips, options.seconds, options.every)
    return publish(
        "\n".join(show(result)), options.out, lambda path: save_json(path, rounded(result))
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("field", _options, _job, arguments)
