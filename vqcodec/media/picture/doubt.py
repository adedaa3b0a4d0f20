"""Stamps of one stream that may be wrong for a while, judged by those after them: pure rules for `JoinedClock`.

9.0  9.04  .08  .12  .16 ..        a beginning on no clock
1.0  9.04  9.08  1.12  1.16 ..     a jump that comes back: wrong for a while, not a hole
1.0  9.04  9.08  9.12  ..          a hole
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

MOST_AT_START = 4
"""So many first stamps may be wrong together."""
_WITNESSES = 4
_REORDERED = 8
"""A picture that others refer to may stand so many pictures before its turn; a later one doesn't belong there."""
BEGIN_STAMPS = MOST_AT_START + _WITNESSES


def wrong_at_start(
    stamps: Sequence[Fraction], step_s: Fraction, back_s: Fraction, near_s: Fraction
) -> int:
    """How many of a stream's first stamps aren't of the clock that those after them are on; 0 where none is wrong.

    Args:
        stamps: in file order, BEGIN_STAMPS of them or, of a short stream, all.
        step_s: from one to the next, about.
        back_s: so far back a packet may be whose order isn't that of showing.
        near_s: so far ahead.
    """
    for count in range(1, MOST_AT_START + 1):
        rest = stamps[count : count + _WITNESSES]
        if len(rest) < min(_WITNESSES, count + 1):
            return 0
        steps = [b - a for a, b in pairwise(rest)]
        gap_s = rest[0] - stamps[count - 1]
        in_order = len(steps) > 1 and all(0 < step <= 2 * step_s for step in steps)
        goes_on = all(-back_s <= step <= near_s for step in steps)
        late_s = min(stamps[:count]) - rest[0]
        is_off = gap_s < -back_s or gap_s > near_s or (in_order and late_s > _REORDERED * step_s)
        if is_off and goes_on:
            return count
    return 0


def comes_back(at_s: Sequence[Fraction], end_s: Fraction, slack_s: Fraction) -> bool:
    """Whether a stream that ended at `end_s` and jumps to the first of `at_s` goes on where it was with a later one."""
    return any(end_s - 1 <= later_s < at_s[0] - slack_s for later_s in at_s[1:])
