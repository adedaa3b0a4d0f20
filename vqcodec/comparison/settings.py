"""What a comparison is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from vqcodec.comparison.results import CODECS
from vqcodec.errors import UsageError

RATE_RANGE_KBPS = (5.0, 40.0)
DEFAULT_POINTS = 4
QUICK_POINTS = 3
DEFAULT_EVERY = 5
QUICK_EVERY = 11
FRAMES_MAX = 15_000


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """Choices of `vqcodec compare`.

    Attributes:
        codecs: some of results.CODECS.
        points: rates aimed at for each variant of an anchor, spread evenly in the logarithm over RATE_RANGE_KBPS.
        every: figures are taken on every so many frames.
        tracks: also follow the face through every frame, for motion stability and lip synchronisation.
        videos: also write the decoded videos of equal size, and everything made of them.
        quick: faster presets of the anchors, fewer points and fewer frames measured; no result to publish.
        cut_s: use only the beginning of each clip.
    """

    codecs: tuple[str, ...] = CODECS
    points: int = DEFAULT_POINTS
    every: int = DEFAULT_EVERY
    tracks: bool = True
    videos: bool = True
    quick: bool = False
    cut_s: Fraction | None = None

    def __post_init__(self) -> None:
        unknown = [c for c in self.codecs if c not in CODECS]
        if unknown or not self.codecs:
            raise UsageError(
                f"{', '.join(unknown) or 'nothing'} is not a codec of the comparison",
                hint=f"Choose some of {','.join(CODECS)}.",
            )
        if len(set(self.codecs)) != len(self.codecs):
            raise UsageError("a codec is named twice", hint=f"Choose some of {','.join(CODECS)}.")
        if not 2 <= self.points <= 32:
            raise UsageError(f"{self.points} points is outside 2..32")
        if not 1 <= self.every <= 1000:
            raise UsageError(f"every {self.every} frames is outside 1..1000")
        if self.cut_s is not None and self.cut_s <= 0:
            raise UsageError(f"a cut of {self.cut_s} s leaves nothing")

    @property
    def rates_kbps(self) -> list[float]:
        """Rates aimed at, whole file without sound, kbit/s, rising."""
        return [round(float(rate), 3) for rate in np.geomspace(*RATE_RANGE_KBPS, self.points)]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self) | {
            "codecs": list(self.codecs),
            "rates_kbps": self.rates_kbps,
            "cut_s": None if self.cut_s is None else float(self.cut_s),
        }


def parse_codecs(text: str) -> tuple[str, ...]:
    """Read "h264,av1,vqt".

    Raises:
        UsageError: an empty list (unknown names are refused by Settings).
    """
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())
