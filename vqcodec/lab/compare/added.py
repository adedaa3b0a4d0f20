"""ST-LPIPS of ordinary codecs for a comparison that was made before it was measured.

    python -m vqcodec.lab compare-added SUMMARY --data CORPUS --work FOLDER [--codecs h264,h265,vp9] [--out SUMMARY]

Each point of an ordinary codec is coded again at its setting, which must give its size again (a codec of another version is
refused), and measured on the frames that the comparison took; perceptual distances must come out as they stand there. Then
SUMMARY, or what --out names, has the column. Points that have it are left alone, and so are those of this codec. What is
measured is kept in FOLDER: an interrupted run goes on there.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.comparison.anchors import codecs as anchors
from vqcodec.comparison.anchors.variants import Variant
from vqcodec.comparison.coding import shown_frames
from vqcodec.comparison.measure import numbers_of
from vqcodec.comparison.processes import hands, tell
from vqcodec.comparison.reference import ReferenceClip, YuvFrames, prepare
from vqcodec.comparison.results import CodedPoint, ComparedClip, ComparisonResults
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.catalogue import CATALOGUE
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.files import load_json, save_json
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.lab.command import corpus_options, perform
from vqcodec.lab.compare.summary import load, save

SCHEMA_VERSION = 1
METRIC = "st_lpips"
SIZE_SLACK = 2e-4
"""Rates in a summary have five digits."""
PERC_SLACK = 2e-3
"""Of a perceptual distance: another number of threads adds in another order."""
_BATCH = 16

Key = str


def key_of(point: CodedPoint) -> Key:
    """What tells a point from the others of its clip."""
    return f"{point.codec} {point.variant} {point.setting}"


class Again:
    """Codes points of one clip again and measures them.

    Args:
        reference: the clip.
        every: the comparison's step between measured frames.
        quick: whether it was a quick one.
    """

    def __init__(self, reference: ReferenceClip, every: int, quick: bool) -> None:
        self._reference, self._quick = reference, quick
        self.numbers = numbers_of(reference.frames, every)
        some = set(self.numbers)
        self._source = np.stack([to_side(p) for n, p in enumerate(reference.rgb()) if n in some])
        self._frames: dict[Variant, YuvFrames] = {}
        self._perceptual, self._shift_tolerant = PerceptualDistance(), ShiftTolerantLpips()

    def measure(self, point: CodedPoint) -> float:
        """ST-LPIPS of a point.

        Raises:
            UsageError: coded again it has another size, or looks otherwise.
        """
        variant = Variant(point.side_px, point.frame_divisor)
        if variant not in self._frames:
            self._frames = {variant: YuvFrames(self._reference, variant)}
        coded = anchors.encode(
            anchors.ANCHOR_CODECS[point.codec],
            self._frames[variant],
            variant.side_px,
            self._reference.frame_rate_hz / variant.divisor,
            int(point.setting.removeprefix("crf ")),
            quick=self._quick,
        )
        kbps = coded.payload_bytes * 8 / float(self._reference.seconds) / 1000
        self._same(point, "kbit/s", kbps, point.kbps.payload, SIZE_SLACK)
        shown = shown_frames(coded.data, variant, self._reference.frames, set(self.numbers))
        pictures = np.stack([to_side(picture) for _, picture in shown])
        perc = self._mean(self._perceptual, pictures)
        self._same(point, "perceptual distance", perc, point.mean.get("perc"), PERC_SLACK)
        return self._mean(self._shift_tolerant, pictures)

    def _mean(self, figure: Any, pictures: Picture) -> float:
        starts = range(0, len(pictures), _BATCH)
        parts = [figure(self._source[s : s + _BATCH], pictures[s : s + _BATCH]) for s in starts]
        return float(np.mean(np.concatenate(parts)))

    def _same(
        self, point: CodedPoint, what: str, found: float, told: float | None, slack: float
    ) -> None:
        if told is not None and abs(found - told) > slack * abs(told):
            raise UsageError(
                f"{self._reference.name}, {key_of(point)}: {what} {found:.6g}, the comparison has {told:.6g}",
                hint="Codecs or metrics are of another version: make the comparison anew.",
            )


def lacking(clip: ComparedClip, codecs: Sequence[str]) -> list[CodedPoint]:
    """Points of some ordinary codecs without the figure; those of one variant follow each other."""
    found = [p for p in clip.points if p.codec in codecs and p.mean.get(METRIC) is None]
    return sorted(found, key=lambda p: (p.side_px, p.frame_divisor))


def measure_clip(
    video: Path,
    clip: ComparedClip,
    points: list[CodedPoint],
    settings: dict[str, Any],
    folder: Path,
) -> Path:
    """Measure points of a clip that aren't kept yet; returns the file that holds them.

    Raises:
        UsageError: as `Again.measure`; or the clip isn't the one that was compared.
    """
    kept = folder / f"{clip.name}.json"
    known: dict[Key, float] = _kept(kept) if kept.exists() else {}
    left = [p for p in points if key_of(p) not in known]
    if left:
        reference = prepare(video, folder / clip.name)
        if (reference.frames, reference.side_px) != (clip.frames, clip.side_px):
            raise UsageError(f"{video} is not the {clip.name} of the comparison")
        again = Again(reference, settings["every"], settings["quick"])
        for point in left:
            known[key_of(point)] = again.measure(point)
            save_json(kept, {"schema_version": SCHEMA_VERSION, METRIC: known})
            tell(f"{clip.name}: {key_of(point)}")
        reference.path.unlink()
    return kept


def _kept(path: Path) -> dict[Key, float]:
    return load_json(
        path, SCHEMA_VERSION, lambda d: dict(d[METRIC]), what="figures", command="compare-added"
    )


def with_figures(
    results: ComparisonResults, found: dict[str, dict[Key, float]]
) -> ComparisonResults:
    """A comparison with the metric, by clip and point."""
    clips = []
    for clip in results.clips:
        values = found.get(clip.name, {})
        points = [
            replace(p, mean={**p.mean, METRIC: values.get(key_of(p), p.mean.get(METRIC))})
            for p in clip.points
        ]
        clips.append(replace(clip, points=tuple(points)))
    metrics = (
        results.metrics
        if METRIC in results.metrics
        else {**results.metrics, METRIC: CATALOGUE[METRIC].to_json()}
    )
    return replace(results, metrics=metrics, clips=tuple(clips))


def run(
    summary: Path, corpus: Path, folder: Path, codecs: Sequence[str], jobs: int
) -> ComparisonResults:
    """Measure what a summary lacks of some codecs."""
    results = load(summary)
    if results.settings.get("cut_s") is not None:
        raise UsageError(f"{summary} is of clips cut short", hint="Make the comparison anew.")
    folder.mkdir(parents=True, exist_ok=True)
    work = [
        (measure_clip, (corpus / "val" / f"{c.name}.mp4", c, points, results.settings, folder))
        for c in results.clips
        if (points := lacking(c, codecs))
    ]
    with hands(jobs) as processes:
        files = processes.all(work, lambda text: print(text, flush=True))
    return with_figures(results, {path.stem: _kept(path) for path in files})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("summary", type=Path, help="JSON file of compare-summary")
    corpus_options(parser)
    parser.add_argument("--codecs", default=",".join(anchors.ANCHOR_CODECS), help="(%(default)s)")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is measured")
    parser.add_argument("--jobs", type=int, default=2, help="processes (%(default)s)")


def _job(options: Namespace) -> int:
    codecs = options.codecs.split(",")
    if not set(codecs) <= set(anchors.ANCHOR_CODECS):
        raise UsageError(f"{options.codecs!r} is no list of {', '.join(anchors.ANCHOR_CODECS)}")
    results = run(options.summary, options.data, options.work, codecs, options.jobs)
    save(results, options.out or options.summary)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("compare-added", _options, _job, arguments)
