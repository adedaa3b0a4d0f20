"""The runs of a motion group: which portraits of its shot show its frames (vqt.md, "MOTN", major version 2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from vqcodec.container.faults import Fault
from vqcodec.format import SHARE_PARTS
from vqcodec.types import PortraitRun

Runs = tuple[PortraitRun, ...]


def parse_runs(fields: Any) -> Runs:
    """The runs of a MOTN that has been read."""
    if fields.runs is None:
        return ()
    stated = [run.frames for run in fields.runs[:-1]]
    sizes = [*stated, fields.frame_count - sum(stated)]
    runs = tuple(
        PortraitRun(size, run.portrait, run.other - 1 if run.other else None, run.weight or 0)
        for size, run in zip(sizes, fields.runs, strict=True)
    )
    check_runs(runs, fields.frame_count)
    return runs


def build_runs(runs: Runs, frames: int) -> list[dict[str, int | None]] | None:
    """The field `runs` of a MOTN; None where all frames are shown from portrait 0."""
    if not runs:
        return None
    check_runs(runs, frames)
    return [
        {
            "frames": run.frames,  # not written for the last one
            "portrait": run.portrait,
            "other": 0 if run.other is None else run.other + 1,
            "weight": run.weight,
        }
        for run in runs
    ]


def check_runs(runs: Runs, frames: int) -> None:
    """The rules inside one group.

    Raises:
        Fault: bad-value, or bad-portrait where a portrait is shown with itself.
    """
    if not runs:
        return
    if min(run.frames for run in runs) < 1 or sum(run.frames for run in runs) != frames:
        counts = [run.frames for run in runs]
        raise Fault("bad-value", f"the runs have {counts} frames of the group's {frames}")
    for run in runs:
        if run.other == run.portrait:
            raise Fault("bad-portrait", f"portrait {run.portrait} is shown with itself")
        if not 0 <= run.weight < SHARE_PARTS or (run.other is None and run.weight):
            raise Fault("bad-value", f"a run has the weight {run.weight}")
    if any(_alone(a) and _alone(b) and a.portrait == b.portrait for a, b in pairwise(runs)):
        raise Fault("bad-value", "two runs that follow each other are of the same portrait")
    if len(runs) == 1 and _alone(runs[0]) and not runs[0].portrait:
        raise Fault("bad-value", "runs that say only portrait 0 are not written")


def highest(runs: Sequence[PortraitRun]) -> int:
    """The greatest number of a portrait that shows frames."""
    return max((max(run.portrait, run.other or 0) for run in runs), default=0)


def _alone(run: PortraitRun) -> bool:
    return run.other is None
