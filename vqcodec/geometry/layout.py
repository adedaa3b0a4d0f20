"""What the dimensions of a motion space mean; the first 36 are always landmark coefficients.

    motion-1   12 learned
    motion-2   8 surroundings (background, torso: four numbers each, see vqcodec.motion.surroundings), 4 learned
    motion-3   those of motion-2, then a field: coefficients of smooth flows (vqcodec.geometry.field)

The image CNN always gives twelve numbers; a layout says which of them a space codes. One renderer serves both: it takes
twelve learned numbers, zero where a space has none, and surroundings that stand still where a space has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from vqcodec.format import DIMS, GROUP_DIMS
from vqcodec.geometry.reading import model_faults

LANDMARK_DIMS = 36
COARSE_LANDMARKS = 24
"""Landmark coefficients after which, with a field, no distance gets smaller (lab: field)."""
LEARNED_OUTPUTS = 12
SURROUND_DIMS = 8
SURROUND_UNIT_PX = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """Order of the dimensions: landmarks, surroundings, learned, field.

    Attributes:
        surround: number of surroundings dimensions: 0 or 8.
        learned: which of the CNN's outputs follow.
        field: number of field dimensions, whole groups of four.
    """

    surround: int = 0
    learned: tuple[int, ...] = tuple(range(LEARNED_OUTPUTS))
    field: int = 0

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
        if self.field < 0 or self.field % GROUP_DIMS:
            raise ValueError(f"{self.field} field dimensions are not whole groups of {GROUP_DIMS}")

    @property
    def dims(self) -> int:
        """All of them: 48 and the field's."""
        return DIMS + self.field

    @property
    def surround_span(self) -> slice:
        """Where the surroundings are."""
        return slice(LANDMARK_DIMS, LANDMARK_DIMS + self.surround)

    @property
    def learned_span(self) -> slice:
        """Where the learned dimensions are."""
        return slice(LANDMARK_DIMS + self.surround, DIMS)

    @property
    def field_span(self) -> slice:
        """Where the field is."""
        return slice(DIMS, DIMS + self.field)

    @property
    def fine(self) -> tuple[int, ...]:
        """Dimensions that a picture does well without where a field is told: the last landmarks, what was learned."""
        if not self.field:
            return ()
        return (*range(COARSE_LANDMARKS, LANDMARK_DIMS), *range(DIMS)[self.learned_span])

    def to_text(self) -> str:
        """For a model file's header."""
        entry: dict[str, object] = dict(surround=self.surround, learned=list(self.learned))
        if self.field:
            entry["field"] = self.field
        return json.dumps(entry)

    @classmethod
    def from_facts(cls, facts: Mapping[str, str]) -> Layout:
        """Out of a motion space file's header; motion-1 is older than the entry.

        Raises:
            ValueError: the entry makes no sense.
        """
        if "layout" not in facts:
            return cls()
        entry = json.loads(facts["layout"])
        learned = tuple(int(i) for i in entry["learned"])
        return cls(int(entry["surround"]), learned, int(entry.get("field", 0)))


MOTION_2 = Layout(SURROUND_DIMS, (0, 2, 6, 11))
"""The four learned dimensions whose absence costs most (0.1 dB for all twelve)."""


def read_layout(path: Path) -> Layout:
    """What the dimensions of a motion space file mean.

    Raises:
        ModelError: its header makes no sense.
    """
    with model_faults(path, "a motion space"), safe_open(str(path), "np") as handle:
        return Layout.from_facts(handle.metadata() or {})
