"""The fit behind the normative entropy tables (bitstream_spec/entropy.md section 5): floats on the way to integers.

Coding uses the integers alone. `vqcodec.training.tables` is the command.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.codec import split_indices
from vqcodec.entropy.context import STEPS, LayerModel
from vqcodec.entropy.rangecoder import FREQ_TOTAL
from vqcodec.entropy.tables import COMBOS, FEATURES, PHASES, Ints, LayerTables
from vqcodec.errors import UsageError
from vqcodec.types import DIMS

GROUP_FRAMES = 50
ACTIVITY_STEPS = (0.05, 0.12, 0.25, 0.5, 1.0, 2.0)
FIRST_CLASSES = 4
SCALE_CLASSES = 16
SMALLEST_SCALE = 4.0
PRIOR_WEIGHT = 6.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Groups of one length: digits (T, N, 48, 4)."""

    digits: Ints


def read_batches(folder: Path, group_frames: int = GROUP_FRAMES) -> list[Batch]:
    """Cut every clip of `folder` into groups as the encoder does and stack those of equal length.

    Raises:
        UsageError: the folder holds no token arrays.
    """
    by_length: dict[int, list[Ints]] = defaultdict(list)
    for path in sorted(folder.glob("*.npy")):
        digits = split_indices(np.load(path, allow_pickle=False))
        for start in range(0, len(digits), group_frames):
            group = digits[start:start + group_frames]
            by_length[len(group)].append(group)
    if not by_length:
        raise UsageError(f"no .npy token arrays in {folder}", hint="Write (T, 12, 4) uint16 arrays there first.")
    return [Batch(np.stack(groups, axis=1)) for groups in by_length.values()]


def blank() -> LayerTables:
    """Tables to start a fit from: no prediction, one scale class."""
    return LayerTables(
        activity_thresholds=np.array([round(a * 1024) for a in ACTIVITY_STEPS], np.int64),
        coefficients=np.zeros((len(ACTIVITY_STEPS) + 2, FEATURES), np.int64),
        start_scale=np.full((3, DIMS), 1024, np.int64), start_slope=np.zeros(3, np.int64),
        scale_weights=np.array([128, 128, 0, 0, 0, 0], np.int64), first_thresholds=np.zeros(0, np.int64),
        scale_thresholds=np.zeros(0, np.int64), frequencies=np.ones((2, COMBOS, PHASES, 5), np.int64))


def solve(products: Floats, target: Floats, ridge: float = 1e-4) -> Floats:
    """Least squares from normal equations, with a small ridge relative to each diagonal."""
    diagonal = np.diag(np.maximum(np.diag(products) * ridge, 1e-6))
    return np.asarray(np.linalg.solve(products + diagonal, target))


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


def fit_activity(tables: LayerTables, layer: int, batches: list[Batch]) -> LayerTables:
    """Starting activity: the mean move of the group's first frames."""
    samples = []
    for batch in batches:
        if len(batch.digits) < 2:
            continue
        model = LayerModel(tables, layer, batch.digits)
        value = sum(batch.digits[..., r] * (STEPS[r] // STEPS[layer]) for r in range(layer + 1))
        moves = np.abs(np.diff(value, axis=0))[:10].mean(0) * 1024
        samples.append((model.group_activity, moves))
    return fit_start(tables, 2, samples)


def fit_coefficients(tables: LayerTables, layer: int, batches: list[Batch]) -> LayerTables:
    """Least-squares prediction of the digit for each activity class; class 0 is the group's first frame."""
    kinds = len(tables.coefficients)
    products, target = np.zeros((kinds, FEATURES, FEATURES)), np.zeros((kinds, FEATURES))
    for batch in batches:
        model = LayerModel(tables, layer, batch.digits)
        for t in range(len(batch.digits)):
            model.predict(t)
            digit = batch.digits[t, ..., layer]
            x = model.features[:, t].reshape(FEATURES, -1).astype(np.float64)
            y, kind = digit.ravel().astype(np.float64), np.broadcast_to(model.kind, digit.shape).ravel()
            for k in np.unique(kind):
                chosen = x[:, kind == k]
                products[k] += chosen @ chosen.T
                target[k] += chosen @ y[kind == k]
            model.update(t, digit)
    fitted = [solve(p, b) for p, b in zip(products, target, strict=True)]
    return replace(tables, coefficients=np.round(np.array(fitted) * 4096).astype(np.int64))


def fit_errors(tables: LayerTables, layer: int, batches: list[Batch]) -> LayerTables:
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


def fit_scale_weights(tables: LayerTables, layer: int, batches: list[Batch]) -> LayerTables:
    """Weights of the expected error, by least squares weighted with the expectation itself, three rounds."""
    weights = np.array([0.3, 0.6, 0.1, 0.0, 0.0, 0.0])
    for _ in range(3):
        products, target = np.zeros((6, 6)), np.zeros(6)
        for batch in batches:
            model = LayerModel(tables, layer, batch.digits)
            for t in range(len(batch.digits)):
                model.predict(t)
                digit = batch.digits[t, ..., layer]
                if t:
                    x = np.stack([term.ravel() for term in model.scale_terms(t)]).astype(np.float64)
                    y = np.abs((digit << 6) - model.mu).ravel() * 16.0
                    scale = np.maximum(weights @ x, 16.0)
                    products += (x / scale) @ (x / scale).T
                    target += (x / scale) @ (y / scale)
                model.update(t, digit)
        weights = solve(products, target)
    return replace(tables, scale_weights=np.round(weights * 256).astype(np.int64))


def gather(tables: LayerTables, layer: int, batches: list[Batch]) -> tuple[Ints, Ints, Ints, Ints]:
    """One pass: is-first flag, sigma, combination and phase number, folded digit plus 2, all flat."""
    parts: list[list[Ints]] = [[], [], [], []]
    for batch in batches:
        model = LayerModel(tables, layer, batch.digits)
        for t in range(len(batch.digits)):
            context = model.contexts(t) % (COMBOS * PHASES)
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
    limits = np.unique(np.round(np.geomspace(max(low, SMALLEST_SCALE), max(high, low + classes), classes - 1)))
    return limits.astype(np.int64)


def smooth(counts: Floats) -> Floats:
    """Probabilities from counts (classes, 8, 21, 5): each row leans on its neighbours where it is thin."""
    near = np.zeros_like(counts)
    near[1:] += counts[:-1]
    near[:-1] += counts[1:]
    near[:, :, 1:] += counts[:, :, :-1]
    near[:, :, :-1] += counts[:, :, 1:]
    wide = counts.sum(0, keepdims=True) + 0.05
    wide = wide / wide.sum(-1, keepdims=True)
    near = near + 0.5 * wide
    near = near / near.sum(-1, keepdims=True)
    total = counts + PRIOR_WEIGHT * near
    return np.asarray(total / total.sum(-1, keepdims=True))


def to_frequencies(probabilities: Floats) -> Ints:
    """Positive integers that sum to 4096, close to the probabilities."""
    rows = np.maximum(np.round(probabilities * FREQ_TOTAL), 1).astype(np.int64).reshape(-1, 5)
    rows[np.arange(len(rows)), rows.argmax(1)] += FREQ_TOTAL - rows.sum(1)
    return rows.reshape(probabilities.shape)


def fit_frequencies(tables: LayerTables, layer: int, batches: list[Batch]) -> LayerTables:
    """Scale classes and the frequency rows, from one pass over everything."""
    first, sigma, context, folded = gather(tables, layer, batches)
    limits_first = thresholds(sigma[first != 0], FIRST_CLASSES)
    limits = thresholds(sigma[first == 0], SCALE_CLASSES)
    classes = np.where(first != 0, np.searchsorted(limits_first, sigma, side="right"),
                       len(limits_first) + 1 + np.searchsorted(limits, sigma, side="right"))
    count = len(limits_first) + 1 + len(limits) + 1
    cells = (classes * (COMBOS * PHASES) + context) * 5 + folded
    counts = np.bincount(cells, minlength=count * COMBOS * PHASES * 5).astype(np.float64)
    frequencies = to_frequencies(smooth(counts.reshape(count, COMBOS, PHASES, 5)))
    return replace(tables, first_thresholds=limits_first, scale_thresholds=limits, frequencies=frequencies)


def fit_layer(layer: int, batches: list[Batch]) -> LayerTables:
    """All tables of one layer (0..3)."""
    tables = blank()
    for fit in (fit_activity, fit_coefficients, fit_errors, fit_scale_weights, fit_frequencies):
        tables = fit(tables, layer, batches)
    return tables
