"""Grouped residual finite scalar quantization in integers: bitstream_spec/tokens.md (paper, section 3.2).

The paper's GRFSQ is 12 groups of 4 dimensions, 4 residual stages, FSQ levels [5, 5, 5, 5]; here a stage's step is a quarter of
the stage before, so that every integer of -170..170 is exact after four, and there may be more groups: the motion space's
units say how many dimensions D there are. No torch: `grfsq_torch` is the training form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import REACH


def quantize(delta: NDArray[np.floating], units: NDArray[np.floating]) -> NDArray[np.int16]:
    """Motion relative to the portrait, in whole units (tokens.md section 1).

    Args:
        delta: (T, D) f_t - f_s.
        units: (D,) size of a unit of each dimension, above zero.

    Returns:
        (T, D) int16 in -170..170; halves go away from zero.

    Raises:
        UsageError: a wrong shape, a value that isn't finite, or a unit that isn't above zero.
    """
    _need(units.ndim == 1, f"units have shape {units.shape}, expected (D,)")
    _need(
        delta.ndim == 2 and delta.shape[1] == len(units),
        f"delta has shape {delta.shape}, expected (T, {len(units)})",
    )
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
        values: (T, D) whole units, or (D,).
        units: (D,).

    Returns:
        float32 of the same shape.
    """
    return values.astype(np.float32) * units.astype(np.float32)


def _need(ok: bool, message: str) -> None:
    if not ok:
        raise UsageError(message)


def stored_features(features: NDArray[np.float32], units: NDArray[np.float32]) -> NDArray[np.int16]:
    """A portrait's features (D,) as a stream stores them: (D,) whole units."""
    steps = np.rint(features.astype(np.float64) / units)
    return np.clip(steps, -32768, 32767).astype(np.int16)
