"""Where a sequence of frames is cut into groups that decode on their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import MAX_GROUP_FRAMES, MAX_GROUP_SPAN_S


def group_spans(
    ticks: NDArray[np.int64],
    portrait_of: NDArray[np.int64],
    time_base_s: Fraction,
    known: Sequence[int] = (),
) -> Iterator[tuple[int, int]]:
    """First frame and the one after the last of each group (bitstream_spec/vqt.md: at most 2 s, 240 frames, one portrait).

    Args:
        ticks: (T,) times.
        portrait_of: (T,) numbers of portraits: another one begins a group.
        time_base_s: seconds per tick.
        known: first frames, where the groups are known already; () cuts anew.
    """
    starts = list(known) or _starts(ticks.tolist(), portrait_of.tolist(), time_base_s)
    return pairwise([*starts, len(ticks)])


def _starts(ticks: list[int], owners: list[int], time_base_s: Fraction) -> list[int]:
    starts = [0]
    for number in range(1, len(ticks)):
        first = starts[-1]
        if (
            number - first == MAX_GROUP_FRAMES
            or (ticks[number] - ticks[first]) * time_base_s >= MAX_GROUP_SPAN_S
            or owners[number] != owners[first]
        ):
            starts.append(number)
    return starts
