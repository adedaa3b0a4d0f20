"""What the last twelve dimensions of a motion space mean; the first 36 are always landmark coefficients.

    motion-1   12 learned
    motion-2   8 surroundings (background, torso: four numbers each, see vqcodec.motion.surroundings), 4 learned

The image CNN always gives twelve numbers; a layout says which of them a space codes. One renderer serves both: it takes
twelve learned numbers, zero where a space has none, and surroundings that stand still where a space has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from vqcodec.errors import ModelError
from vqcodec.format import DIMS

LANDMARK_DIMS = 36
LEARNED_OUTPUTS = 12
SURROUND_DIMS = 8
SURROUND_UNIT_PX = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """Order of the dimensions: landmarks, surroundings, learned.

    Attributes:
        surround: number of surroundings dimensions: 0 or 8.
        learned: which of the CNN's outputs follow.
    """

    surround: int = 0
    learned: tuple[int, ...] = tuple(range(LEARNED_OUTPUTS))

    def __post_init__(self) -> None:
        if (
            self.surround not in (0, SURROUND_DIMS)
            or LANDMARK_DIMS + self.surround + len(self.learned) != DIMS
        ):
            raise ValueError(
                f"{self.surround} surroundings and {len(self.learned)} learned dimensions don't make {DIMS}"
            )
        if not all(0 <= i < LEARNED_OUTPUTS for i in self.learned):
            raise ValueError(
                f"learned dimensions {self.learned} are not all in 0..{LEARNED_OUTPUTS - 1}"
            )

    @property
    def surround_span(self) -> slice:
        """Where the surroundings are among the 48."""
        return slice(LANDMARK_DIMS, LANDMARK_DIMS + self.surround)

    @property
    def learned_span(self) -> slice:
        """Where the learned dimensions are among the 48."""
        return slice(LANDMARK_DIMS + self.surround, DIMS)

    def to_text(self) -> str:
        """For a model file's header."""
        return json.dumps(dict(surround=self.surround, learned=list(self.learned)))

    @classmethod
    def from_facts(cls, facts: Mapping[str, str]) -> Layout:
        """Out of a motion space file's header; motion-1 is older than the entry.

        Raises:
            ValueError: the entry makes no sense.
        """
        if "layout" not in facts:
            return cls()
        entry = json.loads(facts["layout"])
        return cls(int(entry["surround"]), tuple(int(i) for i in entry["learned"]))


MOTION_2 = Layout(SURROUND_DIMS, (0, 2, 6, 11))
"""The four learned dimensions whose absence costs most (0.1 dB for all twelve)."""


def read_layout(path: Path) -> Layout:
    """What the dimensions of a motion space file mean.

    Raises:
        ModelError: its header makes no sense.
    """
    try:
        with safe_open(str(path), "np") as handle:
            return Layout.from_facts(handle.metadata() or {})
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is not a motion space: {error}", hint="Check which file was given."
        ) from error
