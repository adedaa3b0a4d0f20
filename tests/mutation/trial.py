"""Every change of the reference decoder against every vector: which ones does no vector notice?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.decoders import (
    ENTROPY,
    NAMES,
    SPEC,
    STEPS,
    Answer,
    Budget,
    Sources,
    answer,
    decoder,
    remembering,
)
from tests.mutation.operators import Site

SURVIVORS = Path(__file__).with_name("survivors.txt")


def explained() -> dict[str, str]:
    """Changes that no vector can notice, as file and site, and why: survivors.txt."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in SURVIVORS.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("# "):
            reason = line.removeprefix("# ")
        elif line:
            reasons[line] = reason
    return reasons


@dataclass(slots=True)
class Vector:
    """A stream and what the right decoder says of it, in so many steps, and in which functions."""

    name: str
    data: bytes
    expected: Answer
    steps: int
    places: set[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A change and the vector that noticed it.

    Attributes:
        file: of the reference decoder.
        site: the change.
        vector: the first one that noticed, None where none did.
        reason: why no vector can notice it, where that is known.
    """

    file: str
    site: Site
    vector: str | None
    reason: str | None

    @property
    def text(self) -> str:
        """As in survivors.txt."""
        return f"{self.file} {self.site}"

    def __str__(self) -> str:
        return f"{self.file}.py:{self.site.line} {self.site}"


def needless(verdicts: list[Verdict]) -> list[str]:
    """Explained changes that a vector notices; where several read alike, one that none notices is enough."""
    alive = {v.text for v in verdicts if v.vector is None}
    return [str(v) for v in verdicts if v.reason is not None and v.text not in alive]


QUICK_STEPS = 22_000
QUICK_TOO = {"valid/2-runs-240"}
"""Longer ones that a quick trial needs: the greatest number of frames in a group."""


def vectors(*, quick: bool = False) -> list[Vector]:
    """All vectors, the cheap ones first.

    Args:
        quick: leave out the long ones, and decode each group once: for changes outside of the entropy decoder.
    """
    budget = Budget()
    modules = decoder(Sources().codes, budget)
    if quick:
        remembering(modules, {})
    found = []
    for path in sorted((SPEC / "vectors").glob("*valid/*.vqt")):
        data = path.read_bytes()
        name = f"{path.parent.name}/{path.stem}"
        most_steps = QUICK_STEPS if quick and name not in QUICK_TOO else sys.maxsize
        budget.left, budget.places = most_steps, set()
        expected = answer(modules, data)
        if budget.left >= 0:
            found.append(Vector(name, data, expected, most_steps - budget.left, budget.places))
    return sorted(found, key=lambda vector: (vector.steps, vector.name))


class Trial:
    """Changed decoders before the vectors.

    Args:
        streams: what they are tried on.
    """

    def __init__(self, streams: list[Vector]) -> None:
        self._vectors = streams
        self._sources = Sources()
        self._budget = Budget()
        self._right = decoder(self._sources.codes, self._budget)
        self._known_groups: dict[object, object] = {}
        self._killers: list[Vector] = []
        self._explained = explained()

    def run(
        self, files: tuple[str, ...] = NAMES, chosen: Callable[[Site], bool] = lambda site: True
    ) -> Iterator[Verdict]:
        """Try the changes of some files.

        Args:
            files: names of the reference decoder's files.
            chosen: which changes.
        """
        for name in files:
            for site in self._sources.mutants(name):
                if not chosen(site):
                    continue
                reason = self._explained.get(f"{name} {site}")
                yield Verdict(name, site, self._noticed(name, site), reason)

    def _noticed(self, name: str, site: Site) -> str | None:
        """The vector whose answer differs in the decoder that is changed now."""
        try:
            code = self._sources.compiled(name)
            self._budget.left = STEPS
            shared = {} if name == ENTROPY else {ENTROPY: self._right[ENTROPY]}
            modules = decoder({**self._sources.codes, name: code}, self._budget, shared)
        except Exception as error:  # it doesn't even start
            return f"start: {type(error).__name__}"
        remembering(modules, {} if name == ENTROPY else self._known_groups)
        for vector in [*self._killers, *self._vectors]:
            if site.place and site.place not in vector.places:
                continue
            self._budget.left = 4 * vector.steps + STEPS
            if answer(modules, vector.data) != vector.expected:
                self._remember(vector)
                return vector.name
        return None

    def _remember(self, vector: Vector) -> None:
        """Who noticed one change is asked first about the next."""
        self._killers = [vector, *[other for other in self._killers if other is not vector]][:12]
