"""Picture sizes and frame rates that an anchor is coded at; what it shows is scaled back to the reference's."""

from __future__ import annotations

from dataclasses import dataclass

SIDES_PX = (512, 256, 192, 128)
LARGE_FROM_KBPS = 9.0
"""512x512 pictures are not tried below this: no codec gets there, or it shows worse ones than from 256x256."""
SMALL_UP_TO_KBPS = {192: 20.5, 128: 10.5}
"""Small pictures scaled up are the hardest opponents where bits are few: 256x256 at the worst quality still takes 8 to 12
kbit/s with most codecs. Above these rates a larger picture is better."""
HALF_RATE_UP_TO_KBPS = 20.5
"""Above this every anchor can afford all frames; half of them are not coded there, which saves time."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to hand the pictures to an ordinary codec.

    Attributes:
        side_px: of the coded pictures, area-averaged from the reference.
        divisor: 1 codes every frame; 2 every second one, which is then shown twice.
    """

    side_px: int
    divisor: int

    @property
    def name(self) -> str:
        """Like "512", "256 half rate"."""
        return f"{self.side_px} half rate" if self.divisor == 2 else str(self.side_px)

    def rates(self, wanted_kbps: list[float]) -> list[float]:
        """Those rates at which the variant has a chance."""
        low = LARGE_FROM_KBPS if self.side_px == SIDES_PX[0] else 0.0
        high = HALF_RATE_UP_TO_KBPS if self.divisor == 2 else float("inf")
        high = min(high, SMALL_UP_TO_KBPS.get(self.side_px, high))
        return [rate for rate in wanted_kbps if low <= rate <= high]


def variants_for(side_px: int, frames: int) -> list[Variant]:
    """Variants of a reference: never larger than it; half the rate only where that leaves two pictures."""
    sides = [side for side in SIDES_PX if side <= side_px] or [SIDES_PX[-1]]
    return [
        Variant(side, divisor)
        for divisor in (1, 2)
        for side in sides
        if divisor == 1 or frames >= 4
    ]
