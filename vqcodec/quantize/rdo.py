"""Rate-distortion choice of motion values: among values that render equally well, take those that cost fewer bits.

The nearest value to each feature is not always worth its bits: a dimension that trembles between 3 and 4 pays for
every step. Here each dimension of a group gets the path v_0 .. v_T-1 with the least

    sum over t of  (u (x_t - v_t))^2  +  strength * bits(v_t - v_(t-1))

by dynamic programming (Viterbi). x is the motion in units, u the unit in pixels of a 256 px crop, so the first term is
a squared landmark error; bits() is the ideal code length of a two-sided geometric distribution as wide as the dimension's own
motion in this group, which comes close to what the adaptive context model of bitstream_spec/entropy.md spends. The
choice is the encoder's alone: any values are valid, and decoding stays lossless.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import REACH
from vqcodec.geometry.layout import Layout
from vqcodec.quantize.grfsq import quantize

CANDIDATES = 4
"""Values tried on each side of the nearest one (or of the path found before)."""
ROUNDS = 2
LEAST_MOTION = 0.02
MOST_BITS_A_STEP = 6.0
LEARNED_IMPORTANCE = 0.15
"""Of a learned dimension: one unit of it changes the rendered picture a seventh as much as 1 px of a landmark dimension."""
FIELD_IMPORTANCE = 40.0
"""Of a field coefficient of 1: a pixel all over what it covers, hair and clothes more than the face."""
SURROUND_IMPORTANCE = 0.6
"""Of half a pixel of background or torso: it is seen all over them, but nobody looks there."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def choose(
    delta: NDArray[np.floating], units: NDArray[np.floating], layout: Layout, strength: float
) -> NDArray[np.int16]:
    """Motion of one group in whole units, at a price per bit.

    Args:
        delta: (T, D) f_t - f_s of the group's frames in order, T >= 1.
        units: (D,) size of a unit of each dimension, above zero.
        layout: what the dimensions mean.
        strength: what a bit is worth, >= 0, in squared pixels of a 256 px crop, summed over the weighted landmark
            coordinates. With 0 the result is that of `quantize`.

    Returns:
        (T, D) int16 in -170..170.

    Raises:
        UsageError: as `quantize` does.
    """
    nearest = quantize(delta, units)
    if strength <= 0 or len(nearest) < 2:
        return nearest
    scaled = delta.astype(np.float64) / units.astype(np.float64)
    path: Ints = nearest.astype(np.int64)
    for _ in range(ROUNDS):
        path = _best_path(scaled, path, importance(units, layout), strength * step_bits(path))
    return path.astype(np.int16)


def importance(units: NDArray[np.floating], layout: Layout) -> Floats:
    """(D,) squared pixels that an error of one unit stands for."""
    weight = units.astype(np.float64) ** 2
    weight[layout.surround_span] = SURROUND_IMPORTANCE
    weight[layout.learned_span] = LEARNED_IMPORTANCE
    weight[layout.field_span] = FIELD_IMPORTANCE * units[layout.field_span].astype(np.float64) ** 2
    return weight


def step_bits(path: Ints) -> Floats:
    """Bits that each unit of a step costs: log2(1 / rho) of a two-sided geometric distribution with the path's mean step.

    Args:
        path: (T, D) values, T >= 2.

    Returns:
        (D,) at most MOST_BITS_A_STEP.
    """
    mean = np.maximum(np.abs(np.diff(path, axis=0)).mean(0), LEAST_MOTION)
    rho = (np.sqrt(1 + mean * mean) - 1) / mean
    bits: Floats = np.minimum(-np.log2(rho), MOST_BITS_A_STEP)
    return bits


def _best_path(scaled: Floats, around: Ints, weight: Floats, price: Floats) -> Ints:
    """Viterbi over the values near a path, for all dimensions at once.

    Args:
        scaled: (T, D) wanted values.
        around: (T, D) a path; CANDIDATES values on each side of it are tried.
        weight: (D,) price of a squared error of one unit.
        price: (D,) price of a step by one unit.
    """
    values = np.clip(around[:, :, None] + np.arange(-CANDIDATES, CANDIDATES + 1), -REACH, REACH)
    error = weight[:, None] * (scaled[:, :, None] - values) ** 2
    cost = error[0]
    came_from = np.empty(values.shape, np.int64)
    for t in range(1, len(values)):
        step = np.abs(values[t][:, None, :] - values[t - 1][:, :, None])
        total = cost[:, :, None] + price[:, None, None] * step
        came_from[t] = total.argmin(1)
        cost = total.min(1) + error[t]
    best = np.empty(around.shape, np.int64)
    dims, at = np.arange(len(weight)), cost.argmin(1)
    for t in range(len(values) - 1, -1, -1):
        best[t] = values[t, dims, at]
        at = came_from[t, dims, at]
    return best
