"""Smaller motion groups: fewer layers, fewer frames, and portraits that a viewer has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

import numpy as np

from vqcodec.container.payloads import CodedGroup
from vqcodec.entropy import decode_layers, encode_layers
from vqcodec.format import SHARE_PARTS
from vqcodec.types import PortraitRun

Shown: TypeAlias = tuple[int, int | None, int]
"""What one frame is shown from: a portrait, a second one or None, and its share in sixteenths."""


def thinned(group: CodedGroup, layers: int, keep_every: int, groups: int) -> CodedGroup | None:
    """A group with fewer layers, and with every so-manyth frame only.

    Args:
        group: as it was made.
        layers: how many to keep, at least 1.
        keep_every: 1 keeps all frames; a frame's number in the stream decides, so that groups of one frame are thinned, too.
        groups: G of the stream.

    Returns:
        The group, coded anew if it has fewer frames; its `first_frame` is the first one's that is left. None if none is.
    """
    group = replace(group, payloads=group.payloads[:layers])
    numbers = group.first_frame + np.arange(len(group.ticks))
    kept = numbers % keep_every == 0
    if kept.all():
        return group
    if not kept.any():
        return None
    tokens = decode_layers(group.payloads, len(group.ticks), groups)[kept]
    shown = [what for what, wanted in zip(shown_from(group), kept.tolist(), strict=True) if wanted]
    return replace(
        group,
        first_frame=int(numbers[kept][0]),
        ticks=group.ticks[kept],
        low_confidence=group.low_confidence[kept],
        payloads=tuple(encode_layers(tokens)),
        runs=runs_of_frames(shown),
    )


def among(group: CodedGroup, newest: int) -> CodedGroup:
    """The group, shown from portraits up to a number: those after it haven't come, and the newest stands in for them."""
    if all(max(run.portrait, run.other or 0) <= newest for run in group.runs):
        return group
    there = (
        (min(portrait, newest), None if other is None else min(other, newest), weight)
        for portrait, other, weight in shown_from(group)
    )
    return replace(group, runs=runs_of_frames(there))


def shown_from(group: CodedGroup) -> list[Shown]:
    """What each of a group's frames is shown from; where one portrait passes to another, in the nearest sixteenths."""
    if not group.runs:
        return [(0, None, 0)] * len(group.ticks)
    found: list[Shown] = []
    for run in group.runs:
        for i in range(1, run.frames + 1):
            weight = run.weight
            if run.other is not None and weight == 0:
                weight = min(max(round(SHARE_PARTS * i / (run.frames + 1)), 1), SHARE_PARTS - 1)
            found.append((run.portrait, run.other, weight))
    return found


def runs_of_frames(frames: Iterable[Shown]) -> tuple[PortraitRun, ...]:
    """The one way to write what frames are shown from (vqt.md, "MOTN")."""
    alone = ((p, None, 0) if other in (None, p) else (p, other, w) for p, other, w in frames)
    runs = tuple(PortraitRun(len(list(same)), *shown) for shown, same in groupby(alone))
    return () if all((r.portrait, r.other) == (0, None) for r in runs) else runs
