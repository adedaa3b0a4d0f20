"""Which frames of a shot become portraits, and which portrait shows a frame: rate against distortion, by a cheap proxy.

    costs (R, C): how badly candidate c would serve row r, about the perceptual distance that a better one would save

    number 0    the candidate that serves the whole shot best
    then        the one that takes most off the sum over rows of the least cost, and so on: sets of 1, 2, 3 ..
    backwards   from the largest set, drop the one that is missed least, and so on: sets of .. 3, 2, 1
    chosen      of all these sets the one with the least sum and price a portrait

The sets don't depend on the price, so a higher one never gives more portraits.

A frame is shown from the portrait that serves it best, but doesn't hop: a change costs, too (Viterbi).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.shots import RecordedShot
from vqcodec.format import MAX_PORTRAITS, REACH

CHANGE_COST = 0.012
"""Distance times seconds: a change of portrait must save so much."""
LEAST_GAIN = 0.002
"""Distance times seconds below which no portrait is thought of."""
CLIPPED_COST = 1.0
"""Added where a row's motion is out of the quantizer's reach from a portrait that the tokens would be relative to."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spending:
    """What portraits may cost.

    Attributes:
        price: distance times seconds that one more portrait must save.
        at_most: portraits in a shot.
        every_s: one in so many seconds, whatever it saves; None: where they pay.
        first: "auto", "first" for the first frame with a face, or a time: the frame that was asked for, in its shot.
    """

    price: float
    at_most: int = MAX_PORTRAITS
    every_s: Fraction | None = None
    first: str | Fraction = "auto"


@dataclass(frozen=True, slots=True)
class PortraitSets:
    """Sets of candidates that may become a shot's portraits.

    Attributes:
        sets: numbers of candidates, that of portrait 0 first, the others by time.
        distances: of each set, distance times seconds of all rows.
    """

    sets: tuple[tuple[int, ...], ...]
    distances: tuple[float, ...]

    def at(self, price: float) -> list[int]:
        """The set with the least distance and price."""
        totals = [d + price * len(s) for s, d in zip(self.sets, self.distances, strict=True)]
        best = min(range(len(totals)), key=lambda n: (totals[n], len(self.sets[n])))
        return list(self.sets[best])


def choose_portraits(
    shot: RecordedShot, spending: Spending, units: NDArray[np.float32], seconds: float
) -> list[int]:
    """Candidates that become portraits: those of `portrait_sets` at the price."""
    return portrait_sets(shot, spending, units, seconds).at(spending.price)


def portrait_sets(
    shot: RecordedShot, spending: Spending, units: NDArray[np.float32], seconds: float
) -> PortraitSets:
    """Sets to choose from at any price.

    Args:
        shot: with C candidates.
        spending: see Spending; its price says nothing here.
        units: (D,) of the motion space.
        seconds: the shot lasts.
    """
    first = _first(shot, spending, units)
    if spending.every_s is not None:
        chosen = _evenly(shot, first, spending.every_s)[: spending.at_most]
        return PortraitSets((tuple(chosen),), (0.0,))
    if not len(shot.rows):
        return PortraitSets(((first,),), (0.0,))
    costs = shot.costs.astype(np.float64) * (seconds / len(shot.rows))
    growing = _growing(costs, first)
    found = growing + _shrinking(costs, growing[-1])
    fitting = [chosen for chosen in found if len(chosen) <= spending.at_most]
    return PortraitSets(
        tuple((first, *sorted(chosen[1:])) for chosen in fitting),
        tuple(float(costs[:, chosen].min(1).sum()) for chosen in fitting),
    )


def shown_from(shot: RecordedShot, chosen: list[int], seconds: float) -> NDArray[np.int64]:
    """Which portrait shows each frame: (T,) int64 places in `chosen`, as few changes as pay."""
    count = len(shot.frames)
    if len(chosen) == 1 or not len(shot.rows):
        return np.zeros(count, np.int64)
    row_s = seconds / len(shot.rows)
    path = _cheapest(shot.costs[:, chosen].astype(np.float64) * row_s, CHANGE_COST)
    nearest = np.abs(np.arange(count)[:, None] - shot.rows[None]).argmin(1)
    return np.asarray(path[nearest], np.int64)


def _first(shot: RecordedShot, spending: Spending, units: NDArray[np.float32]) -> int:
    """Portrait 0: tokens of the whole shot are relative to it."""
    wanted = [n for n, candidate in enumerate(shot.candidates) if candidate.wanted]
    if isinstance(spending.first, Fraction) and wanted:
        return wanted[0]
    if spending.first == "first" or not len(shot.rows):
        return 0
    features = shot.features()[shot.rows].astype(np.float64)
    clipped = np.stack(
        [
            (np.abs(features - c.features) > REACH * units.astype(np.float64)).any(1)
            for c in shot.candidates
        ],
        1,
    )
    return int((shot.costs + CLIPPED_COST * clipped).sum(0).argmin())


def _evenly(shot: RecordedShot, first: int, every_s: Fraction) -> list[int]:
    """One candidate in each stretch of every_s, portrait 0 standing for its own."""
    start_s = shot.candidates[0].time_s
    stretch = [int((c.time_s - start_s) / every_s) for c in shot.candidates]
    middle = [float(start_s + (s + Fraction(1, 2)) * every_s) for s in stretch]
    best: dict[int, int] = {stretch[first]: first}
    for number, candidate in enumerate(shot.candidates):
        held = best.get(stretch[number])
        if held == first:
            continue
        apart = abs(float(candidate.time_s) - middle[number])
        if held is None or apart < abs(float(shot.candidates[held].time_s) - middle[held]):
            best[stretch[number]] = number
    return [first, *sorted(n for n in best.values() if n != first)]


def _growing(costs: Floats, first: int) -> list[list[int]]:
    """Sets of 1, 2, 3 .. candidates, each with the one more that takes most off."""
    sets, least = [[first]], costs[:, first].copy()
    while len(sets[-1]) < min(costs.shape[1], MAX_PORTRAITS):
        gains = np.maximum(least[:, None] - costs, 0).sum(0)
        best = int(gains.argmax())
        if gains[best] <= LEAST_GAIN:
            break
        sets.append([*sets[-1], best])
        least = np.minimum(least, costs[:, best])
    return sets


def _shrinking(costs: Floats, chosen: list[int]) -> list[list[int]]:
    """Smaller and smaller sets, each without the one that is missed least; never without portrait 0."""
    sets, kept = [], list(chosen)
    while len(kept) > 1:
        table = costs[:, kept]
        two = np.partition(table, 1, axis=1)
        losses = np.bincount(table.argmin(1), two[:, 1] - two[:, 0], len(kept))
        del kept[int(losses[1:].argmin()) + 1]
        sets.append(list(kept))
    return sets


def _cheapest(costs: Floats, change: float) -> NDArray[np.int64]:
    """(R, P) costs -> (R,) the path with the least sum, each change costing so much."""
    rows, count = costs.shape
    total, came = costs[0].copy(), np.zeros((rows, count), np.int64)
    for r in range(1, rows):
        best = int(total.argmin())
        stay = total <= total[best] + change
        came[r] = np.where(stay, np.arange(count), best)
        total = np.where(stay, total, total[best] + change) + costs[r]
    path = np.zeros(rows, np.int64)
    path[-1] = total.argmin()
    for r in range(rows - 1, 0, -1):
        path[r - 1] = came[r, path[r]]
    return path
