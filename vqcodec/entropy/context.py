"""The context model of bitstream_spec/entropy.md section 4: predicts each digit's scalar and its spread, in integers.

Arrays end in the 48 dimensions; axes between time and dimension (many groups at once, as the table training uses)
are carried along. Times run on axis 0. Layer indices here are 0..3 (the text's 1..4).
"""
from __future__ import annotations

import numpy as np

from vqcodec.entropy.tables import COMBOS, PHASES, Ints, LayerTables
from vqcodec.types import LAYERS

STEPS = tuple(4 ** (LAYERS - 1 - r) for r in range(LAYERS))
MU_LIMIT = 160
RATIO_ONE = 256
RATIO_LIMIT = 1023


def _shift(values: Ints, frames: int) -> Ints:
    """values[t - frames], times outside the group clamped to its ends."""
    at = np.clip(np.arange(len(values)) - frames, 0, len(values) - 1)
    return values[at]


class LayerModel:
    """State of one layer over one group. Call `contexts(t)`, then `update(t, digits)`, for t = 0, 1, ...

    Args:
        tables: the layer's tables.
        layer: 0..3.
        digits: (T, ..., 48, layers) digits -2..2 of the coarser layers of the whole group; later layers are ignored.

    Attributes:
        features: (9, T, ..., 48) the prediction's inputs, in steps; the first three rows are filled as frames pass.
        mu: (..., 48) prediction of the current frame, 1/64 step.
        sigma: (..., 48) its expected error, 1/1024 step.
        mirror: (..., 48) 1 or -1.
    """

    def __init__(self, tables: LayerTables, layer: int, digits: Ints) -> None:
        self.tables = tables
        shape = digits.shape[:-1]
        step = STEPS[layer]
        coarse = np.zeros(shape, np.int64)
        for r in range(layer):
            coarse += digits[..., r].astype(np.int64) * (STEPS[r] // step)
        self._coarse = coarse
        self._value = coarse.copy()
        zero = np.zeros(shape, np.int64)
        self._parent: Ints = digits[..., layer - 1].astype(np.int64) if layer > 0 else zero
        self._grand: Ints = np.sign(digits[..., layer - 2]).astype(np.int64) if layer > 1 else zero
        self._prepare_features(zero)
        self._prepare_scale()
        self._prepare_mirror()

    def _prepare_features(self, zero: Ints) -> None:
        c = self._coarse
        self.features = np.stack([zero, zero, zero, _shift(c, -1) - c, _shift(c, -2) - c, _shift(c, -3) - c,
                                  _shift(c, 1) - c, self._parent, self._grand])

    def _prepare_scale(self) -> None:
        move = np.abs(self._coarse - _shift(self._coarse, 1))
        after = _shift(move, -1)
        after[-1] = 0
        after2 = _shift(after, -1)
        after2[-1] = 0
        self.near_moves = _shift(move, 1) + move + after + after2
        self.frame_moves = (move + after).sum(-1, keepdims=True)
        self.group_activity = (move.sum(0) << 10) // max(len(move) - 1, 1)
        slope = self.tables.start_slope
        start = [self.tables.start_scale[i] + ((slope[i] * self.group_activity) >> 8) for i in range(3)]
        self.first_sigma, error, self._activity = np.maximum(start, 0)
        self._fast, self._slow = error, error
        self._ratio: Ints | int = RATIO_ONE

    def _prepare_mirror(self) -> None:
        sign = np.where(self._parent != 0, np.sign(self._parent), self._grand)
        self._sign = sign
        self._combo = (3 * np.abs(self._parent) + np.where(sign < 0, -self._grand, self._grand)) * PHASES

    def predict(self, t: int) -> None:
        """Set `mu` for frame t."""
        if t == 0:
            kind: Ints | int = 0
        else:
            for k in range(3):
                self.features[k, t] = self._value[max(t - 1 - k, 0)] - self._coarse[t]
            kind = 1 + np.searchsorted(self.tables.activity_thresholds, self._activity, side="right")
        weights = np.moveaxis(self.tables.coefficients[kind], -1, 0)
        if t == 0:
            weights = weights.reshape((-1,) + (1,) * (self.features.ndim - 2))
        total = (weights * self.features[:, t]).sum(0)
        self.mu = np.clip((total + 32) >> 6, -MU_LIMIT, MU_LIMIT)
        self.kind = kind

    def scale_terms(self, t: int) -> list[Ints]:
        """The six numbers whose weighted sum is sigma, for t >= 1."""
        one = np.full_like(self._slow, 1024)
        return [self._fast, self._slow, (self._ratio * self._slow) >> 8, self.near_moves[t] << 8,
                np.broadcast_to(self.frame_moves[t] << 4, one.shape), one]

    def spread(self, t: int) -> Ints:
        """Set `sigma` for frame t; returns the scale class."""
        if t == 0:
            self.sigma = self.first_sigma
            return np.searchsorted(self.tables.first_thresholds, self.sigma, side="right")
        total = sum(w * term for w, term in zip(self.tables.scale_weights.tolist(), self.scale_terms(t), strict=True))
        self.sigma = np.asarray(total) >> 8
        classes = np.searchsorted(self.tables.scale_thresholds, self.sigma, side="right")
        return classes + (len(self.tables.first_thresholds) + 1)

    def contexts(self, t: int) -> Ints:
        """Context numbers of frame t, (..., 48): rows of `LayerTables.rows`."""
        self.predict(t)
        classes = self.spread(t)
        sign = np.where(self._sign[t] != 0, self._sign[t], self.mu)
        self.mirror = np.where(sign < 0, -1, 1)
        phase = (self.mirror * self.mu + (MU_LIMIT + 8)) >> 4
        return classes * (COMBOS * PHASES) + self._combo[t] + phase

    def update(self, t: int, digits: Ints) -> None:
        """Take in frame t's digits, (..., 48) in -2..2."""
        self._value[t] += digits
        if t == 0:
            return
        error = np.abs((digits << 6) - self.mu) << 4
        self._ratio = np.minimum((error.sum(-1, keepdims=True) * RATIO_ONE)
                                 // np.maximum(self._slow.sum(-1, keepdims=True), 1), RATIO_LIMIT)
        self._fast = self._fast + ((error - self._fast) >> 2)
        self._slow = self._slow + ((error - self._slow) >> 4)
        moved = np.abs(self._value[t] - self._value[t - 1]) << 10
        self._activity = self._activity + ((moved - self._activity) >> 2)
