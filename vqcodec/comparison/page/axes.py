"""How far the value axis of a figure reaches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqcodec.comparison.analysis.envelope import Range

_FAR = 3.0
"""So many times the middle half's width from it, a value is alone."""


def axis_range(values: Sequence[float], right: float | None = None) -> Range:
    """Limits that show the values, but for what lies alone far from them and would press the others together.

    Args:
        values: at least one.
        right: the value that is right, where there is one; it is shown where it isn't too far off.
    """
    lower, upper = (float(np.percentile(values, q)) for q in (25, 75))
    far = _FAR * (upper - lower) if upper > lower else float(np.ptp(values))
    kept = [v for v in values if lower - far <= v <= upper + far]
    low, high = min(kept), max(kept)
    span = high - low or abs(high) * 0.5 or 1.0
    if right is not None and low - span <= right <= high + span:
        low, high = min(low, right), max(high, right)
    pad = 0.08 * (high - low) or abs(high) * 0.05 or 1.0
    return low - pad, high + pad
