"""Grey and colours of more than 8 bits, and floats, as 8 bits.

Files say how many bits their samples have in many ways, or not at all: cameras and scanners write 12 bits into 16, other
programs floats of 0..1 or 0..255. The largest sample tells which it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = (8, 10, 12, 14, 16, 24, 32)
_FLOAT_TOPS = (1.0, 255.0, 65_535.0)
# a highlight above white, or a filter's overshoot, doesn't make floats of 0..1 some of 0..255
_OVERSHOOT = 2.0


@dataclass(frozen=True, slots=True)
class Levels:
    """What white is.

    Attributes:
        top: the sample value that becomes 255.
        guessed: how it was found, for a person; "" where the file says it.
    """

    top: float
    guessed: str = ""

    @classmethod
    def of_integers(cls, largest: int, declared_bits: int) -> Levels:
        """Samples of which the file says how many bits they have, and the largest of them."""
        bits = next((b for b in _BITS if largest < 1 << b), 32)
        if bits >= declared_bits:
            return cls(float((1 << declared_bits) - 1))
        told = (
            f"its samples of {declared_bits} bits end at {largest}: they are taken as {bits} bits"
        )
        return cls(float((1 << bits) - 1), told)

    @classmethod
    def of_floats(cls, largest: float) -> Levels:
        """Float samples, and the largest of them."""
        top = next((t for t in _FLOAT_TOPS if largest <= _OVERSHOOT * t), max(largest, 1.0))
        return cls(top, "" if top == 1.0 else f"its float samples are taken as 0 to {top:g}")

    def eight_bits(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Samples of any type and shape as uint8."""
        scaled = samples.astype(np.float32) * np.float32(255 / self.top)
        # what is no number is black
        return np.asarray(np.rint(np.nan_to_num(scaled, nan=0.0).clip(0, 255)), np.uint8)
