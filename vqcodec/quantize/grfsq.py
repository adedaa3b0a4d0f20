"""Grouped residual finite scalar quantization in integers: bitstream_spec/tokens.md (paper, section 3.2).

The paper's GRFSQ is 12 groups of 4 dimensions, 4 residual stages, FSQ levels [5, 5, 5, 5]; here a stage's step is a quarter of
the stage before, so that every integer of -170..170 is exact after four. No torch: `grfsq_torch` is the training form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.types import CODES, DIMS, GROUP_DIMS, GROUPS, LAYERS, LEVELS

HALF = LEVELS // 2
STEPS = tuple(4 ** (LAYERS - 1 - r) for r in range(LAYERS))
"""Step of each layer in units, coarse first: 64, 16, 4, 1."""
REACH = HALF * sum(STEPS)
"""Greatest magnitude of a quantized motion value: 170."""

_PLACES = LEVELS ** np.arange(GROUP_DIMS)


def quantize(delta: NDArray[np.floating], units: NDArray[np.floating]) -> NDArray[np.int16]:
    """Motion relative to the portrait, in whole units (tokens.md section 1).

    Args:
        delta: (T, 48) f_t - f_s.
        units: (48,) size of a unit of each dimension, above zero.

    Returns:
        (T, 48) int16 in -170..170; halves go away from zero.

    Raises:
        UsageError: a wrong shape, a value that isn't finite, or a unit that isn't above zero.
    """
    _need(
        delta.ndim == 2 and delta.shape[1] == DIMS,
        f"delta has shape {delta.shape}, expected (T, {DIMS})",
    )
    _need(units.shape == (DIMS,), f"units have shape {units.shape}, expected ({DIMS},)")
    _need(bool((units > 0).all()), "units must be above zero")
    # float64: at float32, 0.49999997 + 0.5 is 1.0
    scaled = delta.astype(np.float64) / units.astype(np.float64)
    _need(bool(np.isfinite(scaled).all()), "delta must be finite")
    whole: NDArray[np.float64] = np.clip(
        np.sign(scaled) * np.floor(np.abs(scaled) + 0.5), -REACH, REACH
    )
    return whole.astype(np.int16)


def dequantize(values: NDArray[np.integer], units: NDArray[np.floating]) -> NDArray[np.float32]:
    """Inverse of `quantize` up to rounding.

    Args:
        values: (T, 48) whole units.
        units: (48,).

    Returns:
        (T, 48) float32.
    """
    return values.astype(np.float32) * units.astype(np.float32)


def to_digits(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Residual digits (tokens.md section 2), stored 0..4 for -2..2.

    Args:
        values: (T, 48) integers in -170..170.

    Returns:
        (T, 48, 4) uint8, coarse layer first.

    Raises:
        UsageError: a wrong shape or a value out of range.
    """
    _need(
        values.ndim == 2 and values.shape[1] == DIMS,
        f"values have shape {values.shape}, expected (T, {DIMS})",
    )
    rest = values.astype(np.int64)
    _need(bool((np.abs(rest) <= REACH).all()), f"values must lie in -{REACH}..{REACH}")
    out = np.empty((*values.shape, LAYERS), np.uint8)
    for layer, step in enumerate(STEPS):
        digit = np.sign(rest) * np.minimum((2 * np.abs(rest) + step) // (2 * step), HALF)
        rest = rest - step * digit
        out[..., layer] = digit + HALF
    return out


def from_digits(digits: NDArray[np.integer]) -> NDArray[np.int16]:
    """Sum of the layers present.

    Args:
        digits: (T, 48, L) in 0..4, L = 1..4, coarse layer first.

    Returns:
        (T, 48) int16 in -170..170.
    """
    steps = np.array(STEPS[: digits.shape[-1]], np.int64)
    total: NDArray[np.int64] = ((digits.astype(np.int64) - HALF) * steps).sum(-1)
    return total.astype(np.int16)


def pack_digits(digits: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Four digits to an index (tokens.md section 3).

    Args:
        digits: (T, 48, L) in 0..4.

    Returns:
        (T, 12, L) uint16 in 0..624.
    """
    frames, _, layers = digits.shape
    grouped = digits.reshape(frames, GROUPS, GROUP_DIMS, layers).astype(np.int64)
    total: NDArray[np.int64] = (grouped * _PLACES[:, None]).sum(2)
    return total.astype(np.uint16)


def unpack_digits(indices: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Inverse of `pack_digits`.

    Args:
        indices: (T, 12, L) in 0..624, L = 1..4.

    Returns:
        (T, 48, L) uint8 in 0..4.

    Raises:
        UsageError: a wrong shape or an index out of range.
    """
    _need(
        indices.ndim == 3 and indices.shape[1] == GROUPS and 1 <= indices.shape[2] <= LAYERS,
        f"indices have shape {indices.shape}, expected (T, {GROUPS}, 1..{LAYERS})",
    )
    _need(bool(((indices >= 0) & (indices < CODES)).all()), f"indices must lie in 0..{CODES - 1}")
    frames, _, layers = indices.shape
    digits = indices[:, :, None, :].astype(np.int64) // _PLACES[:, None] % LEVELS
    return digits.reshape(frames, DIMS, layers).astype(np.uint8)


def to_indices(values: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Whole units to tokens: (T, 48) in -170..170 -> (T, 12, 4) in 0..624. Raises `UsageError` as `to_digits` does."""
    return pack_digits(to_digits(values))


def from_indices(indices: NDArray[np.integer]) -> NDArray[np.int16]:
    """Tokens to whole units: (T, 12, L) in 0..624, L = 1..4 -> (T, 48), the sum over the layers that are there."""
    return from_digits(unpack_digits(indices))


def _need(ok: bool, message: str) -> None:
    if not ok:
        raise UsageError(message)
