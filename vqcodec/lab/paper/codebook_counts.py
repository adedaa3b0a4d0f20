"""What indices alone say of a quantizer: how many of its codes are used, and what a plain adaptive coder would spend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PRIOR = 0.02

Indices = NDArray[np.int64]


def utilisation_pct(clips: Sequence[Indices], codes: int) -> float:
    """Share of codes used at least once, in per cent, mean over the G x R codebooks (paper, Table 3, "Util.").

    Args:
        clips: (T, G, R) each.
        codes: entries of each codebook. No more than the number of frames can be used.
    """
    joined = np.concatenate(clips).reshape(-1, clips[0].shape[1] * clips[0].shape[2])
    return float(np.mean([len(np.unique(column)) for column in joined.T]) / codes * 100)


def counted_bits(clips: Sequence[Indices], codes: int) -> float:
    """Ideal code length of all indices with a simple adaptive model, one for each codebook, that learns from nothing.

    First a flag, the same index as in the frame before or not (Krichevsky-Trofimov counts); if not, the index by its own
    count so far plus 0.02. The codec's own coder has trained contexts and does far better on its digits; this one treats
    all rows alike.

    Args:
        clips: (T, G, R) each, coded one after the other.
        codes: entries of each codebook.
    """
    joined = np.concatenate(clips).reshape(-1, clips[0].shape[1] * clips[0].shape[2])
    is_first = np.zeros(len(joined), bool)
    is_first[np.cumsum([0, *(len(c) for c in clips[:-1])])] = True
    return sum(_column_bits(column, is_first, codes) for column in joined.T)


def _column_bits(column: Indices, is_first: NDArray[np.bool_], codes: int) -> float:
    same = np.concatenate([[False], column[1:] == column[:-1]]) & ~is_first
    flags = same[~is_first]
    before = np.concatenate([[0], np.cumsum(flags)[:-1]])
    place = np.arange(len(flags))
    chance = (np.where(flags, before, place - before) + 0.5) / (place + 1)
    fresh = column[~same]
    # how often each symbol came before: its rank among its equals
    order = np.argsort(fresh, kind="stable")
    ordered = fresh[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    rank = np.arange(len(ordered)) - np.maximum.accumulate(
        np.where(starts, np.arange(len(ordered)), 0)
    )
    seen = np.empty(len(fresh))
    seen[order] = rank
    share = (seen + _PRIOR) / (np.arange(len(fresh)) + _PRIOR * codes)
    return float(-np.log2(chance).sum() - np.log2(share).sum())
