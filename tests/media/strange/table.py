"""One table of strange files: every module of this folder that has ROWS adds to it, test_strange.py goes through it all.

A row makes a file and says what must come of it; another kind of trouble is another row.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Heard:
    """Sound that must be in what is read: where its sample 0 is, beside pictures at the row's times."""

    samples: np.ndarray
    at_s: float
    within_s: float = 0.002


@dataclass(frozen=True)
class Strange:
    """A file that isn't as files should be.

    Attributes:
        name: of the row, with the file's suffix.
        make: writes the file.
        times: of its pictures in seconds, each to within `within_s`; None: not looked at.
        held: how many of them come before the first picture's own time.
        priming_s: so much later may all others be, because of what a coder puts before its sound.
        greys: number of the grey (tests.support.media.level) of each picture; None: not looked at.
        sizes: width and height of each picture; None: not looked at.
        damaged: numbers of the pictures that aren't whole; None: not looked at.
        heard: sound that must be there.
        sound_s: length of all sound, to within .05 s.
        says: words of each remark, in order of the remarks; () for a file about which there is nothing to say.
        options: of VideoSource.
        rate_hz: nominal rate.
        truncated: it breaks off early, which is said.
    """

    name: str
    make: Callable[[Path], object]
    times: list[float] | None = None
    within_s: float = 0.00101
    held: int = 0
    priming_s: float = 0
    greys: list[int] | None = None
    sizes: list[tuple[int, int]] | None = None
    damaged: list[int] | None = field(default_factory=list)
    heard: tuple[Heard, ...] = ()
    sound_s: float | None = None
    says: tuple[str, ...] | None = ()
    options: dict[str, Any] = field(default_factory=dict)
    rate_hz: Fraction | int | None = None
    truncated: bool = False

    def __str__(self) -> str:
        return self.name


def rows() -> list[Strange]:
    """All rows of all subjects."""
    names = sorted(path.stem for path in HERE.glob("*.py"))
    subjects = [n for n in names if n != "table" and not n.startswith(("test_", "_"))]
    modules = [importlib.import_module(f"tests.media.strange.{name}") for name in subjects]
    return [row for module in modules for row in module.ROWS]
