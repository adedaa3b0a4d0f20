"""What is shown of a damaged stream, pose by pose, against what the undamaged one shows."""

from __future__ import annotations

import functools
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.container import Reader, RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.conceal import Concealment
from vqcodec.decoding.window import Pose, Window, play
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError
from vqcodec.format import AUDO_TYPE
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS
from vqcodec.lab.loss.channel import Harm, chunks
from vqcodec.lab.loss.report import PoseFigures
from vqcodec.stream.portraits import ShownFrom, StreamPortrait
from vqcodec.types import AudioGroup

Rows = NDArray[np.float32]


@functools.lru_cache(maxsize=4096)
def _known_tokens(payloads: tuple[bytes, ...], frames: int, groups: int) -> NDArray[np.uint16]:
    return decode_layers(payloads, frames, groups)


def remembered_tokens(payloads: Sequence[bytes], frames: int, groups: int) -> NDArray[np.uint16]:
    """As `decode_layers`, but what was decoded once is not decoded again: the same streams are read often."""
    return _known_tokens(tuple(payloads), frames, groups)


@dataclass(frozen=True, slots=True)
class ShownPoses:
    """The poses that a decode shows.

    Attributes:
        poses: in order.
        damage: what was lost; None for an undamaged stream.
    """

    poses: list[Pose]
    damage: Damage | None = None

    @classmethod
    def of(cls, stream: bytes, units: Rows) -> ShownPoses:
        """Those of an intact stream."""
        reader = Reader(io.BytesIO(stream))
        items = (item for item in reader if not isinstance(item, AudioGroup))
        window = Window(reader.head, units, DecodeOptions())
        return cls([item for item in play(items, window) if isinstance(item, Pose)])

    @classmethod
    def recovered(cls, stream: bytes, units: Rows) -> ShownPoses:
        """Those of a damaged stream; raises BitstreamError when there are none."""
        reader = RecoveringReader.open(io.BytesIO(stream), decode=remembered_tokens)
        items = (item for item in reader if not isinstance(item, AudioGroup))
        window = Window(reader.head, units, DecodeOptions(recover=True), Concealment(reader))
        return cls([item for item in play(items, window) if isinstance(item, Pose)], reader.damage)

    def same_as(self, true: ShownPoses) -> list[tuple[int, int, bool]]:
        """(number here, number there, whether the poses are equal) of the frames that both show at the same time."""
        place = {pose.time_s: number for number, pose in enumerate(true.poses)}
        found = []
        for number, pose in enumerate(self.poses):
            other = place.get(pose.time_s)
            if other is not None:
                right = true.poses[other]
                equal = np.array_equal(pose.features, right.features)
                equal = equal and _named(pose.shown) == _named(right.shown)
                found.append((number, other, equal))
        return found


def _named(shown: ShownFrom) -> tuple[object, ...]:
    """What a frame is shown from, by numbers that two readings of a stream have in common."""
    names = [
        (p.path[0].shot, p.number) if isinstance(p, StreamPortrait) else p.first_frame
        for p in (shown.portrait, shown.other)
        if p is not None
    ]
    return (*names, shown.share, shown.passing)


def distances(basis: LandmarkBasis, true: Rows, shown: Rows) -> NDArray[np.float64]:
    """(N,) landmark distance of poses (N, 48), in units of the true face's inter-ocular distance."""
    if not len(true):
        return np.zeros(0)
    right, other = basis.landmarks(true).astype(np.float64), basis.landmarks(shown)
    first, second = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(right[:, first] - right[:, second], axis=1)
    result: NDArray[np.float64] = np.linalg.norm(right - other, axis=2).mean(1) / eyes
    return result


def pose_run(
    stream: bytes, true: ShownPoses, units: Rows, basis: LandmarkBasis
) -> dict[str, float] | None:
    """Figures of one damaged stream; None when nothing of it can be shown."""
    try:
        shown = ShownPoses.recovered(stream, units)
    except BitstreamError:
        return None
    pairs = shown.same_as(true)
    damage, total = shown.damage, len(true.poses)
    assert damage is not None
    wrong = [(here, there) for here, there, equal in pairs if not equal]
    held, last = [], true.poses[0].features
    intact = {there for _, there, equal in pairs if equal}
    for there, pose in enumerate(true.poses):
        last = pose.features if there in intact else last
        held.append(last)
    right = np.array([true.poses[there].features for _, there in wrong])
    figures = {
        "timeline": len(pairs) / total,
        "intact": len(intact) / total,
        "made_up": damage.frames_concealed / total,
    }
    for name, rows in (
        ("lmd", [shown.poses[here].features for here, _ in wrong]),
        ("lmd_held", [held[there] for _, there in wrong]),
        ("lmd_still", [true.poses[0].features] * len(wrong)),
    ):
        figures[name] = (
            float(distances(basis, right, np.array(rows)).mean()) if wrong else float("nan")
        )
    return figures


def sound_lost(stream: bytes, damaged: bytes) -> float:
    """Share of the sound groups that are not intact in a damaged stream, 0..1; 0 without sound."""
    total, left = (
        sum(chunk.type == AUDO_TYPE for chunk in chunks(data)) for data in (stream, damaged)
    )
    return 1 - left / total if total else 0.0


def pose_figures(
    harm: Harm, stream: bytes, true: ShownPoses, units: Rows, basis: LandmarkBasis, seeds: int
) -> PoseFigures:
    """Means over seeds."""
    runs, sound = [], []
    count = seeds if harm.chance else 1
    for seed in range(count):
        damaged = harm.apply(stream, random.Random(seed))
        run = pose_run(damaged, true, units, basis)
        if run is not None:
            runs.append(run)
            sound.append(sound_lost(stream, damaged))

    def mean(name: str) -> float | None:
        known = [run[name] for run in runs if not np.isnan(run[name])]
        return round(float(np.mean(known)), 6) if known else None

    names = ("timeline", "intact", "made_up")
    shares = {name: mean(name) or 0.0 for name in names}
    return PoseFigures(
        count,
        count - len(runs),
        **shares,
        sound_lost=round(float(np.mean(sound or [1.0])), 6),
        lmd=mean("lmd"),
        lmd_held=mean("lmd_held"),
        lmd_still=mean("lmd_still"),
    )
