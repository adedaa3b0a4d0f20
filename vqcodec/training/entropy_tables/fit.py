"""The fit behind the normative entropy tables (bitstream_spec/entropy.md section 5): floats on the way to integers.

Coding uses the integers alone. `vqcodec.training.entropy_tables.run` is the command.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.codec import signed_digits
from vqcodec.entropy.context import LayerModel
from vqcodec.entropy.rangecoder import FREQ_TOTAL
from vqcodec.entropy.tables import COMBOS, FEATURES, PHASES, SCALE_TERMS, STATES, Ints, LayerTables
from vqcodec.errors import UsageError
from vqcodec.format import DIMS, LAYER_STEPS

GROUP_FRAMES = 50
ACTIVITY_STEPS = (0.05, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0)
FIRST_CLASSES = 4
SCALE_CLASSES = 10
SMALLEST_SCALE = 4.0
PRIOR_WEIGHT = 20.0
POOL_SAMPLES = 200.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TokenGroups:
    """Groups of one length: digits (T, N, 48, 4)."""

    digits: Ints


def read_batches(clips: Sequence[Path], group_frames: int = GROUP_FRAMES) -> list[TokenGroups]:
    """Cut every clip (NAME.npy, (T, 12, 4)) into groups as the encoder does and stack those of equal length.

    Raises:
        UsageError: there is no clip.
    """
    by_length: dict[int, list[Ints]] = defaultdict(list)
    for path in clips:
        digits = signed_digits(np.load(path, allow_pickle=False))
        for start in range(0, len(digits), group_frames):
            group = digits[start : start + group_frames]
            by_length[len(group)].append(group)
    if not by_length:
        raise UsageError(
            "no .npy token arrays to fit to",
            hint="Write them with python -m vqcodec.training.entropy_tables.tokens first.",
        )
    return [TokenGroups(np.stack(groups, axis=1)) for groups in by_length.values()]


def blank(layer: int) -> LayerTables:
    """Tables to start a fit from: no prediction, one scale class."""
    kinds = 1 + STATES * (len(ACTIVITY_STEPS) + 1)
    return LayerTables(
        activity_thresholds=np.array([round(a * 1024) for a in ACTIVITY_STEPS], np.int64),
        coefficients=np.zeros((kinds, FEATURES), np.int64),
        start_scale=np.full((3, DIMS), 1024, np.int64),
        start_slope=np.zeros(3, np.int64),
        scale_weights=np.tile(np.array([128, 128, 0, 0, 0, 0], np.int64), (STATES, 1)),
        first_thresholds=np.zeros(0, np.int64),
        scale_thresholds=np.zeros(0, np.int64),
        frequencies=np.ones((2, COMBOS[layer], PHASES, 5), np.int64),
    )


@dataclass
class Squares:
    """Normal equations of several least-squares problems that lean on a common one where they have few samples."""

    products: Floats
    target: Floats
    samples: Floats

    @classmethod
    def empty(cls, problems: int, size: int) -> Squares:
        """No samples yet."""
        return cls(np.zeros((problems, size, size)), np.zeros((problems, size)), np.zeros(problems))

    def add(self, which: Ints, inputs: Floats, outputs: Floats) -> None:
        """Add samples: problem numbers (N,), inputs (size, N), outputs (N,)."""
        for k in np.unique(which):
            chosen = inputs[:, which == k]
            self.products[k] += chosen @ chosen.T
            self.target[k] += chosen @ outputs[which == k]
            self.samples[k] += chosen.shape[1]

    def solve(self, pools: Ints) -> Floats:
        """Solutions (problems, size); problems with the same number in `pools` share a pool, and pools a pool of all."""
        products, target = self.products.copy(), self.target.copy()
        everything = self._mean(np.ones(len(pools), bool))
        for pool in np.unique(pools):
            members = pools == pool
            own, count = self._mean(members), self.samples[members].sum()
            share = count / (count + POOL_SAMPLES)
            products[members] += POOL_SAMPLES * (share * own[0] + (1 - share) * everything[0])
            target[members] += POOL_SAMPLES * (share * own[1] + (1 - share) * everything[1])
        ridge = np.maximum(np.einsum("kii->ki", products) * 1e-4, 1e-6)
        products += ridge[:, :, None] * np.eye(products.shape[1])
        return np.asarray(np.linalg.solve(products, target[:, :, None])[:, :, 0])

    def _mean(self, members: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        count = max(float(self.samples[members].sum()), 1.0)
        return self.products[members].sum(0) / count, self.target[members].sum(0) / count


def fit_start(tables: LayerTables, which: int, samples: list[tuple[Ints, Floats]]) -> LayerTables:
    """Fit row `which` of start_scale and start_slope.

    Args:
        tables: tables so far.
        which: 0 first scale, 1 error, 2 activity.
        samples: (group activity (N, 48), target (N, 48)), both in 1/1024 step.
    """
    x = np.concatenate([s[0] for s in samples]).astype(np.float64)
    y = np.concatenate([s[1] for s in samples])
    dx, dy = x - x.mean(0), y - y.mean(0)
    slope = max(float((dx * dy).sum() / max(float((dx * dx).sum()), 1.0)), 0.0)
    scale, slopes = tables.start_scale.copy(), tables.start_slope.copy()
    slopes[which] = round(slope * 256)
    scale[which] = np.round(y.mean(0) - slopes[which] / 256 * x.mean(0))
    return replace(tables, start_scale=scale, start_slope=slopes)


def fit_activity(tables: LayerTables, layer: int, batches: list[TokenGroups]) -> LayerTables:
    """Starting activity: the mean move of the group's first frames."""
    samples = []
    for batch in batches:
        if len(batch.digits) < 2:
            continue
        model = LayerModel(tables, layer, batch.digits)
        value = sum(
            batch.digits[..., r] * (LAYER_STEPS[r] // LAYER_STEPS[layer]) for r in range(layer + 1)
        )
        moves = np.abs(np.diff(value, axis=0))[:10].mean(0) * 1024
        samples.append((model.group_activity, moves))
    return fit_start(tables, 2, samples)


def fit_coefficients(tables: LayerTables, layer: int, batches: list[TokenGroups]) -> LayerTables:
    """Least-squares prediction of the digit for each state and activity class, and for the group's first frame."""
    first, later = Squares.empty(1, FEATURES), Squares.empty(len(tables.coefficients) - 1, FEATURES)
    for batch in batches:
        model = LayerModel(tables, layer, batch.digits)
        for t in range(len(batch.digits)):
            model.predict(t)
            digit = batch.digits[t, ..., layer]
            x = model.features[t].reshape(FEATURES, -1).astype(np.float64)
            y, kind = digit.ravel().astype(np.float64), model.kind.ravel()
            if t == 0:
                first.add(kind, x, y)
            else:
                later.add(kind - 1, x, y)
            model.update(t, digit)
    classes = len(tables.activity_thresholds) + 1
    fitted = np.concatenate(
        [first.solve(np.zeros(1, np.int64)), later.solve(np.arange(len(later.target)) % classes)]
    )
    return replace(tables, coefficients=np.round(fitted * 4096).astype(np.int64))


def fit_errors(tables: LayerTables, layer: int, batches: list[TokenGroups]) -> LayerTables:
    """Starting error averages and the scale of the first frame."""
    first, later = [], []
    for batch in batches:
        model = LayerModel(tables, layer, batch.digits)
        errors = []
        for t in range(min(len(batch.digits), 8)):
            model.predict(t)
            digit = batch.digits[t, ..., layer]
            errors.append(np.abs((digit << 6) - model.mu) * 16.0)
            model.update(t, digit)
        first.append((model.group_activity, errors[0]))
        if len(errors) > 1:
            later.append((model.group_activity, np.mean(errors[1:], axis=0)))
    return fit_start(fit_start(tables, 0, first), 1, later)


def fit_scale_weights(tables: LayerTables, layer: int, batches: list[TokenGroups]) -> LayerTables:
    """Weights of the expected error for each state, by least squares weighted with the expectation itself, three rounds."""
    weights = np.tile(np.array([0.3, 0.6, 0.1, 0.0, 0.0, 0.0]), (STATES, 1))
    for _ in range(3):
        squares = Squares.empty(STATES, SCALE_TERMS)
        for batch in batches:
            model = LayerModel(tables, layer, batch.digits)
            for t in range(len(batch.digits)):
                model.predict(t)
                digit = batch.digits[t, ..., layer]
                if t:
                    x = model.scale_terms(t).reshape(SCALE_TERMS, -1).astype(np.float64)
                    y = np.abs((digit << 6) - model.mu).ravel() * 16.0
                    state = model.state.ravel()
                    scale = np.maximum((weights[state].T * x).sum(0), 16.0)
                    squares.add(state, x / scale, y / scale)
                model.update(t, digit)
        weights = squares.solve(np.zeros(STATES, np.int64))
    return replace(tables, scale_weights=np.round(weights * 256).astype(np.int64))


def gather(
    tables: LayerTables, layer: int, batches: list[TokenGroups]
) -> tuple[Ints, Ints, Ints, Ints]:
    """One pass: is-first flag, sigma, combination and phase number, folded digit plus 2, all flat."""
    parts: list[list[Ints]] = [[], [], [], []]
    for batch in batches:
        model = LayerModel(tables, layer, batch.digits)
        for t in range(len(batch.digits)):
            context = model.contexts(t) % (COMBOS[layer] * PHASES)
            digit = batch.digits[t, ..., layer]
            found = (np.full(digit.shape, t == 0), model.sigma, context, model.mirror * digit + 2)
            for part, values in zip(parts, found, strict=True):
                part.append(values.ravel().astype(np.int32))
            model.update(t, digit)
    first, sigma, context, folded = (np.concatenate(part) for part in parts)
    return first, sigma, context, folded


def thresholds(sigma: Ints, classes: int) -> Ints:
    """Class limits: geometric between the bulk's ends, so that every class has a similar width in octaves."""
    low, high = np.quantile(np.maximum(sigma, SMALLEST_SCALE), [0.02, 0.998])
    limits = np.unique(
        np.round(np.geomspace(max(low, SMALLEST_SCALE), max(high, low + classes), classes - 1))
    )
    return limits.astype(np.int64)


def laplace(limits: Ints) -> Floats:
    """(classes, 1, 41, 5) two-sided exponentials around each phase: what rows without any sample fall back on."""
    scale = (
        np.concatenate([limits[:1] * 0.7, np.sqrt(limits[:-1] * limits[1:]), limits[-1:] * 1.4])
        / 1024
    )
    phase, digit = (np.arange(PHASES) - PHASES // 2) / 8, np.arange(-2, 3)
    away = np.maximum(np.abs(digit - phase[:, None]) - 0.4, 0.0)
    weight = np.exp(-away / np.maximum(scale, 0.05)[:, None, None]) + 1e-5
    return np.asarray(weight / weight.sum(-1, keepdims=True))[:, None]


def smooth(counts: Floats, fallback: Floats) -> Floats:
    """Probabilities from counts (classes, combinations, 41, 5): each row leans on its neighbours where it is thin."""
    near = np.zeros_like(counts)
    near[1:] += counts[:-1]
    near[:-1] += counts[1:]
    near[:, :, 1:] += counts[:, :, :-1]
    near[:, :, :-1] += counts[:, :, 1:]
    wide = counts.sum(0, keepdims=True) + 0.5 * fallback
    near = near + 0.5 * wide / wide.sum(-1, keepdims=True)
    total = counts + PRIOR_WEIGHT * near / near.sum(-1, keepdims=True)
    return np.asarray(total / total.sum(-1, keepdims=True))


def to_frequencies(probabilities: Floats) -> Ints:
    """Positive integers that sum to 4096, close to the probabilities."""
    rows = np.maximum(np.round(probabilities * FREQ_TOTAL), 1).astype(np.int64).reshape(-1, 5)
    rows[np.arange(len(rows)), rows.argmax(1)] += FREQ_TOTAL - rows.sum(1)
    return rows.reshape(probabilities.shape)


def fit_frequencies(tables: LayerTables, layer: int, batches: list[TokenGroups]) -> LayerTables:
    """Scale classes and the frequency rows, from one pass over everything."""
    first, sigma, context, folded = gather(tables, layer, batches)
    limits_first = thresholds(sigma[first != 0], FIRST_CLASSES)
    limits = thresholds(sigma[first == 0], SCALE_CLASSES)
    classes = np.where(
        first != 0,
        np.searchsorted(limits_first, sigma, side="right"),
        len(limits_first) + 1 + np.searchsorted(limits, sigma, side="right"),
    )
    fallback = np.concatenate([laplace(limits_first), laplace(limits)])
    shape = (len(fallback), COMBOS[layer], PHASES, 5)
    cells = (classes * (COMBOS[layer] * PHASES) + context) * 5 + folded
    counts = np.bincount(cells, minlength=int(np.prod(shape))).astype(np.float64).reshape(shape)
    return replace(
        tables,
        first_thresholds=limits_first,
        scale_thresholds=limits,
        frequencies=to_frequencies(smooth(counts, fallback)),
    )


def fit_layer(layer: int, batches: list[TokenGroups]) -> LayerTables:
    """All tables of one layer (0..3)."""
    tables = blank(layer)
    for fit in (fit_activity, fit_coefficients, fit_errors, fit_scale_weights, fit_frequencies):
        tables = fit(tables, layer, batches)
    return tables
