"""Which portrait shows each frame -> the runs of a motion group (vqt.md, "MOTN").

Where the portrait changes, the picture passes from the one to the other over four frames, so that nothing hops.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from vqcodec.types import PortraitRun

PASSING_FRAMES = 4


def runs_of(shown: NDArray[np.int64], before: int | None) -> tuple[PortraitRun, ...]:
    """Runs of a group's frames.

    Args:
        shown: (T,) the portrait of each frame.
        before: the portrait of the frame before the group; None at the start of a shot.

    Returns:
        With a passing run of up to PASSING_FRAMES around each change, as far as the group and its other changes leave room.
    """
    lengths = [(portrait, len(list(same))) for portrait, same in groupby(shown.tolist())]
    if before is not None and before != lengths[0][0]:
        lengths.insert(0, (before, 0))
    half = PASSING_FRAMES // 2
    runs: list[PortraitRun] = []
    taken = 0  # frames of the stretch at hand that the passing run before it has used
    for place, (portrait, length) in enumerate(lengths):
        last = place == len(lengths) - 1
        giving = 0 if last else min(half, max(length - taken, 0))
        alone = length - taken - giving
        if alone > 0:
            runs.append(PortraitRun(alone, portrait))
        if last:
            break
        after, after_length = lengths[place + 1]
        taken = min(half, after_length // 2 if place + 2 < len(lengths) else after_length)
        if giving + taken:
            runs.append(PortraitRun(giving + taken, portrait, after))
    return () if all(r.portrait == 0 and r.other is None for r in runs) else tuple(runs)
