"""Which quality gives which rate: a few encodes find the settings for a ladder of rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

TOLERANCE = 0.25
TRIES = 5
OCTAVES_PER_STEP = 0.13
"""Rate falls by about so much per step of CRF, until two encodes tell it better."""
UNREACHED = 1.25


class RateSearch:
    """Rates of one codec and variant by CRF; encodes only what it hasn't seen.

    Attributes:
        known: kbit/s by CRF.

    Args:
        encode: codes at a CRF and gives the rate in kbit/s.
        crf_max: worst quality.
        crf_start: first guess.
        known: what an earlier run found.
    """

    def __init__(
        self, encode: Callable[[int], float], crf_max: int, crf_start: int, known: dict[int, float]
    ) -> None:
        self._encode, self._max, self._start = encode, crf_max, crf_start
        self.known = dict(known)

    def rate(self, crf: int) -> float:
        """Rate at a CRF, kbit/s."""
        if crf not in self.known:
            self.known[crf] = self._encode(crf)
        return self.known[crf]

    def find(self, target_kbps: float, tolerance: float = TOLERANCE) -> int:
        """The CRF whose rate is nearest to a target, in at most TRIES encodes; the nearest of those tried."""
        for _ in range(TRIES):
            if self.known and self._miss(self._nearest(target_kbps), target_kbps) <= math.log1p(
                tolerance
            ):
                break
            guess = self._guess(target_kbps)
            if guess in self.known:
                break
            self.rate(guess)
        return self._nearest(target_kbps)

    def _nearest(self, target_kbps: float) -> int:
        return min(self.known, key=lambda crf: self._miss(crf, target_kbps))

    def _miss(self, crf: int, target_kbps: float) -> float:
        return abs(math.log(self.known[crf] / target_kbps))

    def _guess(self, target_kbps: float) -> int:
        """By a straight line of log rate over CRF through the two nearest known points that enclose the target, if any."""
        if not self.known:
            return self._start
        wanted = math.log2(target_kbps)
        points = sorted((math.log2(rate), crf) for crf, rate in self.known.items())
        above = [p for p in points if p[0] >= wanted][:1]
        below = [p for p in points if p[0] < wanted][-1:]
        if above and below:
            (high, low_crf), (low, high_crf) = above[0], below[0]
            share = (high - wanted) / (high - low) if high > low else 0.5
            guess = round(low_crf + share * (high_crf - low_crf))
            # strictly between, as long as there is something between
            return (
                min(max(guess, min(low_crf, high_crf) + 1), max(low_crf, high_crf) - 1)
                if abs(high_crf - low_crf) > 1
                else min(above + below, key=lambda p: abs(p[0] - wanted))[1]
            )
        near, crf = (above or below)[0]
        slope = OCTAVES_PER_STEP
        if len(points) > 1:
            (r0, c0), (r1, c1) = points[:2] if above else points[-2:]
            slope = max((r1 - r0) / (c0 - c1), 0.04) if c0 != c1 else slope
        step = (near - wanted) / slope
        return min(max(crf + (math.ceil(step) if step > 0 else math.floor(step)), 0), self._max)


def ladder(search: RateSearch, targets_kbps: Sequence[float]) -> dict[int, float]:
    """CRFs for a ladder of rates, each with the target it serves; targets below the variant's least rate are left out.

    The least rate itself is kept when it misses the lowest target it could serve.
    """
    chosen: dict[int, float] = {}
    for target in targets_kbps:
        crf = search.find(target)
        if search.known[crf] <= UNREACHED * target:
            chosen.setdefault(crf, target)
    return chosen
