"""The pictures of damaged streams against the clips' own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.pictures import Painter
from vqcodec.decoding.portraits import PortraitStates
from vqcodec.decoding.window import Pose
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.evaluation.metrics.fidelity import psnr_db
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.tools.frames import to_side
from vqcodec.format import CODED_SIZE_PX
from vqcodec.lab.loss.channel import Harm
from vqcodec.lab.loss.poses import ShownPoses
from vqcodec.lab.loss.report import PictureFigures

Pictures = NDArray[np.uint8]

Rows = NDArray[np.float32]


_BATCH = 10


class Studio:
    """Renders poses and measures the pictures against a clip's own frames."""

    def __init__(self, parts: DecoderParts) -> None:
        self._perceptual = PerceptualDistance()
        states = PortraitStates(parts.renderer, parts.space.units)
        self._painter = Painter(states, parts.renderer, CODED_SIZE_PX)

    def scores(self, poses: Sequence[Pose], reference: Pictures) -> NDArray[np.float64]:
        """(N, 2) PSNR in dB and perceptual distance of each pose's picture to its reference, (N, 256, 256, 3)."""
        parts = []
        for start in range(0, len(poses), _BATCH):
            pictures = np.stack(list(self._pictures(poses[start : start + _BATCH])))
            right = reference[start : start + _BATCH]
            parts.append(np.stack([psnr_db(right, pictures), self._perceptual(right, pictures)], 1))
        return np.concatenate(parts).astype(np.float64) if parts else np.zeros((0, 2))

    def _pictures(self, poses: Sequence[Pose]) -> Iterator[Pictures]:
        alone = [replace(pose, faded_from=None) for pose in poses]
        return map(to_side, self._painter.pictures(alone))


@dataclass(frozen=True, slots=True)
class CodedClip:
    """A coded clip: its frames at 256x256, its stream, the undamaged poses and their scores."""

    frames: Pictures
    stream: bytes
    shown: ShownPoses
    scores: NDArray[np.float64]


def picture_figures(
    harm: Harm, clips: Sequence[CodedClip], studio: Studio, units: Rows
) -> PictureFigures:
    """Means over all frames shown; only frames that differ from the undamaged decode are rendered."""
    damaged_scores, undamaged_scores, made_up = [], [], 0
    for number, clip in enumerate(clips):
        try:
            shown = ShownPoses.recovered(harm.apply(clip.stream, random.Random(number)), units)
        except BitstreamError:
            continue
        pairs = shown.same_as(clip.shown)
        theirs = [there for _, there, _ in pairs]
        scores = clip.scores[theirs].copy()
        wrong = [n for n, (_, _, equal) in enumerate(pairs) if not equal]
        scores[wrong] = studio.scores(
            [shown.poses[pairs[n][0]] for n in wrong], clip.frames[[theirs[n] for n in wrong]]
        )
        made_up += len(wrong)
        damaged_scores.append(scores)
        undamaged_scores.append(clip.scores[theirs])
    if not damaged_scores:
        raise UsageError(f"{harm.name}: no clip can be shown", hint="Measure more clips.")
    ours, base = np.concatenate(damaged_scores), np.concatenate(undamaged_scores)
    means = [round(float(value), 6) for value in (*ours.mean(0), *base.mean(0))]
    return PictureFigures(len(ours), made_up, *means)
