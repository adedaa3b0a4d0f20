"""Do lips meet where the voice says p, b or m?

    python -m vqcodec.lab closure --data CORPUS [--clips N] [--out FILE.json] [--cache DIR]

Each clip's first frame is dubbed with the clip's own sound, pose, gaze and blinks, with and without what shuts lips
(vqcodec.speech.closure), and its real lips are looked at beside. Phones are read from the sound by hama (training.closure.labels;
`pip install '.[teacher]'`); lips are those of the motion itself, without pictures, and the recording's as MediaPipe sees
them. "chance" asks the real lips at other times: 10, 17, .. 94 frames later.

met         share of p, b, m at whose time the lips come as near to each other as MEETS eye distances
elsewhere   share of the frames that lie at no p, b or m in which they do
narrow      the least opening at f and v, over the usual one of the same lips (median)
round       the least width of the mouth at o, u, w and their like, over the usual one
lip_corr    correlation of the opening with the real one at no lag; lip_within: at the best lag within 80 ms

JSON: {"schema_version": 1, "conditions": {...}, "clips": {name: {"real", "chance", "plain", "shut": {...}, "count": N}},
"rows": [{"variant": ..., ...}]}.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import RuntimeOptions
from vqcodec.dubbing.parts import lips_apart
from vqcodec.encoding.parts import EncoderParts
from vqcodec.evaluation.metrics.lipsync import opening_track
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.format import SPEECH_TOKEN_HZ
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.mesh import MOUTH_CORNERS
from vqcodec.geometry.openings import per_eye_distance
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.dub.cache import ResultCache, default_folder
from vqcodec.lab.dub.clips import DubClip, Features, speech_samples
from vqcodec.lab.dub.motion import GeneratedMotion
from vqcodec.lab.dub.sync import feature_sync, seen_points, shipped_basis
from vqcodec.lab.markdown import read, table
from vqcodec.models import store
from vqcodec.training.closure.labels import (
    HAMA_LAG_S,
    MEETING,
    PHONES,
    PhoneReader,
    Span,
    meetings,
)

SCHEMA_VERSION = 1
MEETS = 0.03
"""Inner lips so far apart, in distances of the outer eye corners, look shut."""
SLACK_S = 0.04
"""Lips may come so much earlier or later: a frame."""
VARIANTS = {
    "real": "real lips",
    "chance": "real lips, at other times",
    "plain": "dub, nothing shuts them",
    "shut": "dub",
}
FIGURES = ("met", "elsewhere", "narrow", "round", "lip_corr", "lip_within")
HEADS = (
    "meet at p, b, m ↑",
    "met elsewhere",
    "opening at f, v",
    "width at o, u, w",
    "lip sync correlation ↑",
    "within 80 ms",
)
ROUND = ("o", "u", "w", "ʊ", "ɔ", "y", "ø", "ʉ")
LETTERS = (*PHONES, ROUND)
OTHER_FRAMES = range(10, 100, 7)
"""For "chance": so many frames later, round the end."""

Gaps = NDArray[np.floating]
Windows = list[tuple[int, int]]


def windows(
    samples: NDArray[np.float32],
    reader: PhoneReader | _Read,
    frames: int,
    letters: Sequence[str] = MEETING,
) -> Windows:
    """(first, stop) frames in which the lips of a sound's p, b and m, or other letters, have time to meet."""
    found = []
    for first_s, last_s in meetings(reader.spans(samples), HAMA_LAG_S, letters):
        first = round((first_s - SLACK_S) * SPEECH_TOKEN_HZ)
        stop = round((last_s + SLACK_S) * SPEECH_TOKEN_HZ) + 1
        if first >= 0 and stop <= frames:
            found.append((first, stop))
    return found


def met(gaps: Gaps, where: Windows) -> float:
    """Share of the windows in which lips meet; NaN without any.

    Args:
        gaps: (T,) openings in eye distances, NaN where no face is seen.
        where: of `windows`.
    """
    least = [np.nanmin(gaps[a:b]) for a, b in where if not np.isnan(gaps[a:b]).all()]
    return float(np.mean([gap < MEETS for gap in least])) if least else float("nan")


def narrow(gaps: Gaps, where: Windows) -> float:
    """Mean of the least openings in the windows, over the median of all; NaN without any."""
    least = [np.nanmin(gaps[a:b]) for a, b in where if not np.isnan(gaps[a:b]).all()]
    return float(np.mean(least)) / max(float(np.nanmedian(gaps)), 1e-6) if least else float("nan")


def widths(points: NDArray[np.float32]) -> Gaps:
    """(T, 478, 2) -> (T,) widths of the mouth in eye distances; NaN for a face that isn't known."""
    return np.asarray(per_eye_distance(points, MOUTH_CORNERS))


def elsewhere(gaps: Gaps, where: Windows) -> float:
    """Share of the frames in no window in which lips meet."""
    free = ~np.isnan(gaps)
    for first, stop in where:
        free[first:stop] = False
    return float((gaps[free] < MEETS).mean()) if free.any() else float("nan")


def by_chance(gaps: Gaps, where: Windows, figure: Callable[[Gaps, Windows], float] = met) -> float:
    """A figure of the same lips at other times, the mean."""
    shares = [figure(np.roll(gaps, -later), where) for later in OTHER_FRAMES if later < len(gaps)]
    return float(np.mean(shares)) if shares else float("nan")


def figures(gaps: Gaps, wide: Gaps, where: Sequence[Windows]) -> dict[str, float]:
    """What lips do at p, b and m, at f and v, at o, u and w, and elsewhere.

    Args:
        gaps: (T,) openings.
        wide: (T,) widths.
        where: windows of LETTERS.
    """
    return {
        "met": met(gaps, where[0]),
        "elsewhere": elsewhere(gaps, where[0]),
        "narrow": narrow(gaps, where[1]),
        "round": narrow(wide, where[2]),
    }


class _Read:
    """Phones that were read once, for several kinds of them."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans

    def spans(self, samples: NDArray[np.float32]) -> list[Span]:
        """Those of the sound that they were read from."""
        return self._spans


class Closures:
    """Measures clips.

    Args:
        plain, shut: dubs without and with what shuts lips.
    """

    def __init__(self, plain: GeneratedMotion, shut: GeneratedMotion) -> None:
        self._motion = {"plain": plain, "shut": shut}
        self._reader, self._basis = PhoneReader(), shipped_basis()

    def clip(self, clip: DubClip) -> dict[str, Any]:
        """Figures of each variant of a clip."""
        samples = speech_samples(clip.pcm)
        spans = _Read(self._reader.spans(samples))
        where = [windows(samples, spans, clip.frames, letters) for letters in LETTERS]
        real, wide = (
            np.where(clip.seen, track, np.nan)
            for track in (opening_track(clip.points), widths(clip.points))
        )
        found: dict[str, Any] = {
            "count": len(where[0]),
            "real": figures(real, wide, where),
            "chance": {
                "met": by_chance(real, where[0]),
                "round": by_chance(wide, where[2], narrow),
            },
        }
        for name, motion in self._motion.items():
            found[name] = self._dubbed(clip, motion(clip, clip.pcm), where)
        return found

    def _dubbed(
        self, clip: DubClip, features: Features, where: Sequence[Windows]
    ) -> dict[str, float]:
        points = self._basis.landmarks(features)
        sync = feature_sync(features, seen_points(clip.real_points), self._basis)
        told = {name: sync[name] for name in ("lip_corr", "lip_within")}
        return figures(opening_track(points), widths(points), where) | told


def summary(clips: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each variant: "met" over all p, b and m, the others over clips."""
    rows = []
    for name in VARIANTS:
        row: dict[str, Any] = {"variant": name}
        for figure in FIGURES:
            known = [
                (float(clip[name][figure]), clip["count"] if figure == "met" else 1)
                for clip in clips.values()
                if not np.isnan(clip[name].get(figure, np.nan))
            ]
            total = sum(weight for _, weight in known)
            row[figure] = sum(v * w for v, w in known) / total if total else None
        rows.append(row)
    return rows


def told(results: dict[str, Any]) -> str:
    """The table."""
    rows = [
        (
            VARIANTS[row["variant"]],
            ["-" if row[f] is None else format(row[f], ".2f") for f in FIGURES],
        )
        for row in results["rows"]
    ]
    return "\n".join(table(HEADS, rows))


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    results = read(path)
    clips = results["clips"]
    count = sum(clip["count"] for clip in clips.values())
    note = f"{len(clips)} clips, {count} p, b and m as hama hears them; lips of the motion, not of pictures."
    return [*told(results).split("\n"), "", note]


def _options(parser: ArgumentParser) -> None:
    clips_options(parser)
    parser.add_argument(
        "--cache", type=Path, default=default_folder(), help="keep tracked clips in this folder"
    )
    parser.add_argument("--closure", type=Path, help="another closure network's file")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def _closures(options: Namespace, parts: EncoderParts) -> tuple[Closures, dict[str, str]]:
    from vqcodec.generate.generator import MotionGenerator
    from vqcodec.gesture.finish import MotionFinish
    from vqcodec.speech.closure import LipClosure
    from vqcodec.speech.tokenizer import SpeechTokenizer

    tokenizer = SpeechTokenizer.load(device=options.device)
    generator = MotionGenerator.load(device=options.device, finish=MotionFinish)
    closure = LipClosure.load(options.closure)
    closure.understands(tokenizer.id)
    shape, units = read_head(store.current("head").path), parts.space.units
    plain, shut = (
        GeneratedMotion(tokenizer, generator, shape, units, closure=one)
        for one in (lips_apart, closure)
    )
    return Closures(plain, shut), {**shut.models, "closure": str(closure.id)}


def _job(options: Namespace) -> int:
    parts = EncoderParts.load(RuntimeOptions(device=options.device)).plain(options.device)
    closures, models = _closures(options, parts)
    cache = ResultCache(options.cache, force=False)
    clips = {
        path.stem: closures.clip(cache.clip(path, parts))
        for path in validation_clips(options.data, options.clips)
    }
    results = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(**models),
        "clips": rounded(clips),
        "rows": rounded(summary(clips)),
    }
    return publish(told(results), options.out, lambda path: save_json(path, results))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("closure", _options, _job, arguments)
