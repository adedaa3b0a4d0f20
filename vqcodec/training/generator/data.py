"""Examples for the generator: stretches of clips, seen through a random view, with the digits that a codec would make of them.

A stretch has one portrait, any frame of its clip. Digits of a layer are those nearest to what the layers before left over;
some of the layers before are made worse on purpose, because at run time they come from the network and aren't always the best.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.format import DIMS, HALF, LAYER_STEPS, LAYERS
from vqcodec.generate.inputs import network_inputs
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, moved_head
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.layout import MOTION_2
from vqcodec.geometry.openings import lip_gap
from vqcodec.gesture.emphasis import lower_face
from vqcodec.models import store
from vqcodec.quantize.grfsq import quantize
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.clips import Floats, MotionClip
from vqcodec.training.generator.lip_tracks import SIGNALS
from vqcodec.training.generator.recordings import Recordings
from vqcodec.training.generator.view import View
from vqcodec.training.picture.views import mirror_permutation


def digits_of(
    values: NDArray[np.integer], rng: np.random.Generator | None = None, worse: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Digits of every layer, and the targets they should have been.

    Args:
        values: (T, 48) whole units, -170..170.
        rng: for worse ones.
        worse: share of digits of the first three layers that take the second best value.

    Returns:
        (T, 48, 4) int64 of digits -2..2 in use, and of targets: the best for what the digits in use before left over.
    """
    left = values.astype(np.int64)
    used, wanted = (np.empty((*values.shape, LAYERS), np.int64) for _ in range(2))
    for layer, step in enumerate(LAYER_STEPS):
        best = np.sign(left) * np.minimum((2 * np.abs(left) + step) // (2 * step), HALF)
        wanted[..., layer] = best
        if rng is not None and worse and layer < LAYERS - 1:
            second = np.clip(best + np.where(left >= step * best, 1, -1), -HALF, HALF)
            best = np.where(rng.random(values.shape) < worse, second, best)
        used[..., layer] = best
        left = left - step * best
    return used, wanted


class Stretches:
    """Endless batches of stretches.

    Args:
        clips: to draw from, real ones `real_weight` times as often.
        basis: of the motion space.
        batch: stretches in a batch.
        length: frames of each; shorter clips are padded.
        seed: of the draws.
        real_weight: see above.
        silence: (V, N) codes of silence, or None: a share of the stretches falls silent with closed lips.
        recordings: a share of the stretches gets the sound of one of these instead of its own.
        recorded: that share.
        spoil: views, worse digits, hidden speech.
    """

    SILENT_SHARE = 0.1
    HIDDEN_SHARE = 0.15
    WORSE_SHARE = 0.1

    def __init__(
        self,
        clips: list[MotionClip],
        basis: LandmarkBasis,
        *,
        batch: int,
        length: int,
        seed: int,
        real_weight: float = 3.0,
        silence: NDArray[np.int64] | None = None,
        recordings: Recordings | None = None,
        recorded: float = 0.3,
        spoil: bool = True,
    ) -> None:
        self._clips, self._basis, self._batch, self._length, self._spoil = (
            clips,
            basis,
            batch,
            length,
            spoil,
        )
        self._silence = silence
        self._recordings, self._recorded = recordings, recorded
        self._rng = np.random.default_rng(seed)
        self._shape = read_head(store.current("head").path)
        self._lower_face = lower_face(self._shape)
        self._mirror = mirror_permutation(basis.mean)
        weights = np.array([len(c) * (real_weight if c.real else 1.0) for c in clips])
        self._odds = weights / weights.sum()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            rows = [self._draw() for _ in range(self._batch)]
            yield {key: torch.from_numpy(np.stack([row[key] for row in rows])) for key in rows[0]}

    def _draw(self) -> dict[str, NDArray[np.generic]]:
        rng = self._rng
        clip = self._clips[int(rng.choice(len(self._clips), p=self._odds))]
        first = int(rng.integers(0, max(len(clip) - self._length, 0) + 1))
        span = slice(first, min(first + self._length, len(clip)))
        chosen = int(rng.integers(len(clip)))
        view = View.drawn(rng) if self._spoil else View(1.0, 0.0, np.zeros(2, np.float32), False)
        points, given, rest = self._seen(clip, chosen, span, view)
        speech = clip.speech[int(rng.integers(len(clip.speech))) if self._spoil else 0, span]
        likely = (
            np.full((len(speech), len(SIGNALS)), np.nan, np.float32)
            if clip.likely is None
            else clip.likely[span]
        )
        recordings = self._recordings if rng.random() < self._recorded else None
        if recordings is not None:
            speech, likely = recordings.draw(len(speech), rng)
        elif self._spoil and self._silence is not None and rng.random() < self.SILENT_SHARE:
            points, speech = self._fallen_silent(points, given, speech)
            likely = np.full_like(likely, np.nan)
        if self._spoil and speech.ndim == 1:
            speech = np.where(rng.random(len(speech)) < self.HIDDEN_SHARE, -1, speech)
        row = self._example(points, given, rest, speech, view.mirror)
        return row | dict(
            filmed=np.array(recordings is None), likely=_padded(likely, self._length - len(likely))
        )

    def _seen(
        self, clip: MotionClip, chosen: int, span: slice, view: View
    ) -> tuple[Floats, Controls, Floats]:
        """Landmarks, controls and the other numbers of the portrait (first row) and a stretch."""
        picked = np.r_[chosen, np.arange(span.start, span.stop)]
        seen = clip.mirrored if view.mirror else clip.controls
        given = Controls.concatenate([seen[chosen : chosen + 1], seen[span]])
        return (
            view.points(clip.landmarks[picked], self._mirror),
            view.controls(given),
            view.rest(clip.rest[picked]),
        )

    def _fallen_silent(
        self, points: Floats, given: Controls, speech: NDArray[np.generic]
    ) -> tuple[Floats, NDArray[np.generic]]:
        """From some frame to another nobody speaks and the lips are as in the frame where they are closest."""
        assert self._silence is not None
        count, rng = len(speech), self._rng
        length = int(rng.integers(count // 3, count + 1))
        start = int(rng.integers(0, count - length + 1))
        closed = 1 + int(lip_gap(points[1:]).argmin())
        still = moved_head(points[closed], given.pose[closed], given.pose[1:], self._shape)
        inside = np.clip(
            np.minimum(np.arange(count) - start + 1, start + length - np.arange(count)) / 4, 0, 1
        )
        share = inside[:, None, None].astype(np.float32) * self._lower_face
        row = self._silence[int(rng.integers(len(self._silence)))]
        begin = int(rng.integers(0, len(row) - length + 1))
        quiet = speech.copy()
        quiet[start : start + length] = row[begin : begin + length]
        return np.concatenate([points[:1], points[1:] + share * (still - points[1:])]), quiet

    def _example(
        self,
        points: Floats,
        given: Controls,
        rest: Floats,
        speech: NDArray[np.generic],
        mirrored: bool,
    ) -> dict[str, NDArray[np.generic]]:
        basis, count = self._basis, len(speech)
        features = np.concatenate([basis.project(points), rest], 1)
        stored = (np.rint(features[0] / basis.units) * basis.units).astype(np.float32)
        values = quantize(features[1:] - stored, basis.units)
        used, wanted = digits_of(values, self._rng, self.WORSE_SHARE if self._spoil else 0.0)
        controls, turned, portrait = network_inputs(
            points[0], given[:1], given[1:], stored, basis, self._shape
        )
        pad = self._length - count
        weights = np.full(DIMS, not mirrored, np.float32)
        weights[: MOTION_2.learned_span.start] = 1
        out: dict[str, NDArray[np.generic]] = dict(
            speech=_padded(speech if speech.ndim == 1 else speech.astype(np.float32), pad),
            controls=_padded(controls, pad),
            turned=_padded(turned, pad),
            used=_padded(used.astype(np.int8), pad),
            wanted=_padded(wanted.astype(np.int8), pad),
            values=_padded(values, pad),
            portrait=portrait,
            weights=weights,
            mask=np.arange(self._length) < count,
        )
        return out


def _padded(rows: NDArray[np.generic], pad: int) -> NDArray[np.generic]:
    """Zeros at the end of the first axis."""
    return np.concatenate([rows, np.zeros((pad, *rows.shape[1:]), rows.dtype)])
