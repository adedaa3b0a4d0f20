"""All clips, codecs and points of a comparison: shared out over processes, stopped and gone on with at will.

out/results.json                     everything measured (results.py)
out/media/CLIP/CODEC.mp4             the decoded videos of equal size; original.mp4 beside them
out/work/CLIP/                       reference, default .vqt, and one JSON per codec with the points so far
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vqcodec.comparison import points as vqtpoints
from vqcodec.comparison.anchors.codecs import ANCHOR_CODECS, check_anchor
from vqcodec.comparison.anchors.variants import variants_for
from vqcodec.comparison.page.palette import ORIGINAL
from vqcodec.comparison.page.videos import write_original
from vqcodec.comparison.processes import do, hands, tell
from vqcodec.comparison.reference import ReferenceClip, prepare, sha256_of
from vqcodec.comparison.results import VQT, ComparedClip, ComparisonResults
from vqcodec.comparison.settings import ComparisonSettings
from vqcodec.comparison.store import RESULTS, Store, check_folder
from vqcodec.comparison.task import Prepared, Task
from vqcodec.errors import NoFaceError, UsageError
from vqcodec.evaluation.metrics.catalogue import CATALOGUE
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import check_names, clip_name, save_json
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX
from vqcodec.models import store as models
from vqcodec.progress import Progress, ProgressEvent, silent
from vqcodec.runtime.device import usable_cores
from vqcodec.runtime.extras import check_extra

METHOD = 3
"""Raised when points of an earlier program would mean something else; they are then measured again."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison to run.

    Attributes:
        clips: video files; their names without extension must differ.
        out: folder for everything.
        settings: what was asked for.
        jobs: processes; None takes one per core, at most one per task.
    """

    clips: tuple[Path, ...]
    out: Path
    settings: ComparisonSettings
    jobs: int | None = None

    def __post_init__(self) -> None:
        if not self.clips:
            raise UsageError("there is no clip to compare on")
        check_names(self.clips)
        for codec in self.settings.codecs:
            if codec != VQT:
                check_anchor(codec)


def run(comparison: Comparison, progress: Progress = silent) -> ComparisonResults:
    """Measure what isn't measured yet, and write results.json.

    Raises:
        MissingExtraError: a package of the `eval` extra is absent; before anything is coded.
        OutputExistsError: the folder holds something else under a name of ours; likewise.
        VqcodecError: a clip can't be read or coded; what was measured before stays.
    """
    check_extra("eval", "a comparison")
    check_folder(comparison.out)
    clips = comparison.clips
    jobs = min(comparison.jobs or usable_cores(), len(clips) * len(comparison.settings.codecs))
    done = _Counter(progress, "prepare", len(clips), "clips")
    with hands(jobs) as processes:
        prepared = processes.all([(_prepared, (clip, comparison)) for clip in clips], done)
        tasks = [
            _task(comparison, p, codec)
            for p in prepared
            for codec in _order(comparison.settings.codecs)
        ]
        done = _Counter(progress, "compare", sum(_expected_points(t) for t in tasks), "points")
        absent = {
            name: reason
            for found in processes.all([(do, (task,)) for task in tasks], done)
            for name, reason in found.items()
        }
    results = _collect(comparison, tasks, absent, jobs)
    results.save(comparison.out / RESULTS)
    return results


def _order(codecs: Sequence[str]) -> list[str]:
    """The slow ones first, so that no core waits at the end."""
    return sorted(codecs, key=("h265", "av1", "vqt", "vp9", "h264").index)


class _Counter:
    """Counts what is done for the progress bar."""

    def __init__(self, progress: Progress, stage: str, total: int, unit: str) -> None:
        self._progress, self._stage, self._total, self._unit, self._count = (
            progress,
            stage,
            total,
            unit,
            0,
        )

    def __call__(self, text: str) -> None:
        self._count += 1
        total = max(self._total, self._count)
        self._progress(ProgressEvent(self._stage, self._count, total_frames=total, unit=self._unit))


def _prepared(clip: Path, comparison: Comparison) -> Prepared:
    """The clip's reference and default .vqt, made unless an earlier run made them of the same file and models."""
    name = clip_name(clip)
    folder = comparison.out / "work" / name
    cut_s = comparison.settings.cut_s
    note = folder / "prepared.json"
    key: dict[str, Any] = {
        "method": METHOD,
        "source": sha256_of(clip),
        "cut_s": None if cut_s is None else str(cut_s),
        "models": _models(),
    }
    kept = _kept(note, key)
    is_new = kept is None
    if kept is None:
        reference = prepare(clip, folder, cut_s)
        size = _default(reference, folder / "default.vqt", clip)
        kept = key | {
            "frames": reference.frames,
            "frame_rate_hz": str(reference.frame_rate_hz),
            "side_px": reference.side_px,
            "sound": reference.sound,
            "default_bytes": size,
        }
        save_json(note, kept)
    reference = ReferenceClip(
        name,
        folder / "reference.mp4",
        kept["frames"],
        Fraction(kept["frame_rate_hz"]),
        kept["side_px"],
        kept["sound"],
        kept["source"],
    )
    original = comparison.out / "media" / name / f"{ORIGINAL}.mp4"
    if is_new:  # what is there shows another file of that name
        original.unlink(missing_ok=True)
    if comparison.settings.videos and not original.exists():
        write_original(reference, original)
    tell(reference.name)
    return Prepared(reference, folder / "default.vqt", kept["default_bytes"])


def _default(reference: ReferenceClip, target: Path, clip: Path) -> int:
    """Write the .vqt of default settings, with sound; returns the bytes of one without.

    Raises:
        NoFaceError: it names the clip, not what was made of it.
    """
    try:
        with_sound = vqtpoints.encode(reference.path, vqtpoints.SETTINGS[0], sound=True)
    except NoFaceError as error:
        told = str(error).replace(str(reference.path), str(clip))
        raise NoFaceError(told, hint=error.hint) from error
    target.write_bytes(with_sound.data)
    return len(vqtpoints.encode(reference.path, vqtpoints.SETTINGS[0]).data)


def _kept(note: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = all((note.parent / name).is_file() for name in ("reference.mp4", "default.vqt"))
    return (
        kept if files and isinstance(kept, dict) and {k: kept.get(k) for k in key} == key else None
    )


def _models() -> dict[str, str]:
    return {what: models.current(what).id.sha256.hex() for what in ("motion_space", "renderer")}


def _task(comparison: Comparison, prepared: Prepared, codec: str) -> Task:
    settings, reference = comparison.settings, prepared.reference
    coder: Any = (
        _models()
        if codec == VQT
        else [ANCHOR_CODECS[codec].all_options(0, settings.quick), av.__version__]
    )
    fingerprint = {
        "method": METHOD,
        "source": reference.source_sha256,
        "frames": reference.frames,
        "side_px": reference.side_px,
        "every": settings.every,
        "tracks": settings.tracks,
        "quick": settings.quick,
        "points": settings.points if codec != VQT else None,
        "coder": coder,
        "matched_bytes": prepared.default_bytes if codec != VQT else None,
    }
    folder = comparison.out / "work" / reference.name
    return Task(
        prepared,
        codec,
        settings,
        folder / f"{codec}.json",
        comparison.out / "media" / reference.name,
        fingerprint,
    )


def _expected_points(task: Task) -> int:
    """About how many points are left; the search decides in the end."""
    progress = Store(task.store, task.fingerprint).progress
    if progress.finished:
        return 0
    if task.codec == VQT:
        settings = vqtpoints.QUICK if task.settings.quick else vqtpoints.SETTINGS
        return len(settings) - len(progress.points) - len(progress.refused)
    reference = task.prepared.reference
    wanted = sum(
        len(v.rates(task.settings.rates_kbps))
        for v in variants_for(reference.side_px, reference.frames)
    )
    return max(wanted + task.settings.videos - len(progress.points), 1)


def _collect(
    comparison: Comparison, tasks: Sequence[Task], absent: dict[str, str], jobs: int
) -> ComparisonResults:
    clips: dict[str, ComparedClip] = {}
    for task in sorted(tasks, key=lambda t: comparison.settings.codecs.index(t.codec)):
        reference = task.prepared.reference
        clip = clips.setdefault(
            reference.name,
            ComparedClip(
                reference.name,
                reference.frames,
                float(reference.seconds),
                str(reference.frame_rate_hz),
                reference.side_px,
                reference.sound,
            ),
        )
        progress = Store(task.store, task.fingerprint).progress
        clips[reference.name] = replace(
            clip,
            points=clip.points + progress.all_points(),
            refused=clip.refused | progress.refused,
        )
    seen = {name for clip in clips.values() for p in clip.points for name in p.mean}
    metrics = {name: metric.to_json() for name, metric in CATALOGUE.items() if name in seen}
    unmeasured = {
        name: absent.get(
            name, "Not measured: it follows the face through every frame, which was not asked for."
        )
        for name in CATALOGUE
        if name not in seen
    }
    named = {what: str(models.current(what).id) for what in ("motion_space", "renderer")}
    return ComparisonResults(
        comparison.settings.to_json() | {"jobs": jobs},
        conditions(models=named, side_px=METRIC_SIDE_PX),
        metrics,
        unmeasured,
        tuple(clips[clip_name(clip)] for clip in comparison.clips),
    )
