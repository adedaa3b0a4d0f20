"""The context model of bitstream_spec/entropy.md section 4: predicts each digit's scalar and its spread, in integers.

Arrays end in the D dimensions of the stream; axes between time and dimension (many groups at once, as the table training uses)
are carried along. Times run on axis 0. Layer indices here are 0..3 (the text's 1..4).
"""

from __future__ import annotations

import numpy as np

from vqcodec.entropy.tables import COMBOS, PHASES, SCALE_TERMS, Ints, LayerTables
from vqcodec.format import LAYER_STEPS

MU_LIMIT = 160
RATIO_ONE = 256
RATIO_LIMIT = 1023
LAGS = 3


def _shift(values: Ints, frames: int) -> Ints:
    """values[t - frames], times outside the group clamped to its ends."""
    at = np.clip(np.arange(len(values)) - frames, 0, len(values) - 1)
    return values[at]


def _ahead(moves: Ints) -> Ints:
    """moves[t + 1], zero past the group's end."""
    return np.concatenate([moves[1:], np.zeros_like(moves[:1])])


def _count(limits: Ints, values: Ints) -> Ints:
    """How many of the ascending limits are <= each value."""
    return np.asarray(limits.searchsorted(values, side="right"), np.int64)


class LayerModel:
    """State of one layer over one group. Call `contexts(t)`, then `update(t, digits)`, for t = 0, 1, ...

    Args:
        tables: the layer's tables, for D dimensions.
        layer: 0..3.
        digits: (T, ..., D, layers) digits -2..2, T >= 1, of the coarser layers of the whole group; other layers are ignored.

    Attributes:
        features: (T, 9, ..., D) the prediction's inputs, in steps; a frame's first three rows are filled when it comes.
        kind: (..., D) row of `coefficients` for the current frame.
        state: (..., D) which of five moves around the current frame there were, 0..31.
        mu: (..., D) prediction of the current frame, 1/64 step.
        sigma: (..., D) its expected error, 1/1024 step.
        mirror: (..., D) 1 or -1.
    """

    def __init__(self, tables: LayerTables, layer: int, digits: Ints) -> None:
        self.tables = tables
        zero = np.zeros(digits.shape[:-1], np.int64)
        self._coarse = zero.copy()
        for r in range(layer):
            self._coarse += digits[..., r] * (LAYER_STEPS[r] // LAYER_STEPS[layer])
        self._parent: Ints = digits[..., layer - 1].astype(np.int64) if layer > 0 else zero
        self._grand: Ints = np.sign(digits[..., layer - 2]).astype(np.int64) if layer > 1 else zero
        self._prepare_features()
        self._prepare_moves()
        self._prepare_start()
        self._prepare_mirror(layer)
        self._coefficients = np.ascontiguousarray(tables.coefficients.T)
        self._weights = np.ascontiguousarray(tables.scale_weights.T)

    def _prepare_features(self) -> None:
        c = self._coarse
        past = np.zeros_like(c)
        self.features = np.stack(
            [
                past,
                past,
                past,
                _shift(c, -1) - c,
                _shift(c, -2) - c,
                _shift(c, -3) - c,
                _shift(c, 1) - c,
                self._parent,
                self._grand,
            ],
            axis=1,
        )
        self._past = np.zeros((LAGS, *c.shape[1:]), np.int64)

    def _prepare_moves(self) -> None:
        move = np.abs(self._coarse - _shift(self._coarse, 1))
        before, after = _shift(move, 1), _ahead(move)
        after2 = _ahead(after)
        self._near = (before + move + after + after2) << 8
        self._states = 2 * (before != 0) + 4 * (move != 0) + 8 * (after != 0) + 16 * (after2 != 0)
        self._frame = (move + after).sum(-1, keepdims=True) << 4
        self.group_activity = (move.sum(0) << 10) // max(len(move) - 1, 1)

    def _prepare_start(self) -> None:
        scale, slope = self.tables.start_scale, self.tables.start_slope
        start = [
            np.maximum(scale[i] + ((slope[i] * self.group_activity) >> 8), 0) for i in range(3)
        ]
        self._first_sigma, error, self._activity = start
        self._fast, self._slow = error, error
        self._ratio: Ints | int = RATIO_ONE

    def _prepare_mirror(self, layer: int) -> None:
        self._sign = np.where(self._parent != 0, np.sign(self._parent), self._grand)
        pairs = np.abs(self._parent)
        if layer > 1:
            pairs = 3 * pairs + np.where(self._sign < 0, -self._grand, self._grand)
        self._rows = pairs * PHASES + ((MU_LIMIT + 4) >> 3)
        self._class_rows = COMBOS[layer] * PHASES

    def predict(self, t: int) -> None:
        """Set `kind`, `state` and `mu` for frame t."""
        features = self.features[t]
        if t == 0:
            self.state = self.kind = np.zeros_like(self._activity)
        else:
            features[:LAGS] = self._past - self._coarse[t]
            self.state = self._states[t] + (self._past[0] != self._past[1])
            limits = self.tables.activity_thresholds
            self.kind = self.state * (len(limits) + 1) + _count(limits, self._activity) + 1
        total = (self._coefficients.take(self.kind, axis=1) * features).sum(0)
        self.mu = np.minimum(np.maximum((total + 32) >> 6, -MU_LIMIT), MU_LIMIT)

    def scale_terms(self, t: int) -> Ints:
        """(6, ..., D): the numbers whose weighted sum is sigma, for t >= 1."""
        terms = np.empty((SCALE_TERMS, *self._slow.shape), np.int64)
        terms[0] = self._fast
        terms[1] = self._slow
        terms[2] = (self._ratio * self._slow) >> 8
        terms[3] = self._near[t]
        terms[4] = self._frame[t]
        terms[5] = 1024
        return terms

    def spread(self, t: int) -> Ints:
        """Set `sigma` for frame t; returns the scale class. Needs `predict(t)` before."""
        if t == 0:
            self.sigma = self._first_sigma
            return _count(self.tables.first_thresholds, self.sigma)
        self.sigma = (self._weights.take(self.state, axis=1) * self.scale_terms(t)).sum(0) >> 8
        return _count(self.tables.scale_thresholds, self.sigma) + (
            len(self.tables.first_thresholds) + 1
        )

    def contexts(self, t: int) -> Ints:
        """Context numbers of frame t, (..., D): rows of `LayerTables.rows`."""
        self.predict(t)
        classes = self.spread(t)
        sign = self._sign[t]
        self.mirror = np.where(np.where(sign != 0, sign, self.mu) < 0, -1, 1)
        phase = (self.mirror * self.mu + 4) >> 3
        numbers: Ints = classes * self._class_rows + self._rows[t] + phase
        return numbers

    def update(self, t: int, digits: Ints) -> None:
        """Take in frame t's digits, (..., D) in -2..2."""
        value = self._coarse[t] + digits
        if t == 0:
            self._past[:] = value
            return
        error = np.abs((digits << 6) - self.mu) << 4
        total = np.maximum(self._slow.sum(-1, keepdims=True), 1)
        self._ratio = np.minimum((error.sum(-1, keepdims=True) << 8) // total, RATIO_LIMIT)
        self._fast = self._fast + ((error - self._fast) >> 2)
        self._slow = self._slow + ((error - self._slow) >> 4)
        moved = np.abs(value - self._past[0]) << 10
        self._activity = self._activity + ((moved - self._activity) >> 3)
        self._past[1:] = self._past[:-1].copy()
        self._past[0] = value
