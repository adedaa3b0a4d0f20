"""Pictures whose size or shape changes midway: calls, turned telephones, adaptive streams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.media.strange.table import Strange
from tests.support.media import make_clip, times_at

Size = tuple[int, int]
COUNT = 8


def _parts(*sizes: Size) -> Callable[[Path], object]:
    """A transport stream whose pictures change their size after every COUNT; times go on."""

    def make(path: Path) -> None:
        times = [1 + time for time in times_at(25, COUNT * len(sizes))]
        data = b""
        for number, size in enumerate(sizes):
            part = path.with_suffix(f".{number}.ts")
            make_clip(part, times[number * COUNT : (number + 1) * COUNT], size=size)
            data += part.read_bytes()
        path.write_bytes(data)

    return make


def _aspects(*aspects: Fraction, **more: Any) -> Callable[[Path], object]:
    """As `_parts`, but what changes is how wide a pixel is."""

    def make(path: Path) -> None:
        times = [1 + time for time in times_at(25, COUNT * len(aspects))]
        data = b""
        for number, aspect in enumerate(aspects):
            part, own = path.with_suffix(f".{number}.ts"), times[number * COUNT :][:COUNT]
            make_clip(part, own, aspect=aspect, **more)
            data += part.read_bytes()
        path.write_bytes(data)

    return make


def _wide(name: str, **more: Any) -> Strange:
    """4:3 as 16:9 and back, as broadcasts do: 64x48 stored."""
    ratios = Fraction(1), Fraction(4, 3), Fraction(1)
    shown = [size for size in ((64, 48), (85, 48), (64, 48)) for _ in range(COUNT)]
    return Strange(
        name,
        _aspects(*ratios, **more),
        times=[n / 25 for n in range(COUNT * len(ratios))],
        within_s=0.021,
        sizes=shown,
        damaged=None,
        options={"own_sizes": True},
        says=None,
    )


def _row(name: str, sizes: Sequence[Size], shown: Sequence[Size], **options: Any) -> Strange:
    return Strange(
        name,
        _parts(*sizes),
        times=[n / 25 for n in range(COUNT * len(sizes))],
        sizes=[size for size in shown for _ in range(COUNT)],
        damaged=None,
        options=options,
        says=None,
    )


TURNED = ((64, 96), (96, 64))
RAMP = ((64, 36), (128, 72), (256, 144))

ROWS = [
    _wide("wider pixels for a while.ts"),
    _wide("wider pixels for a while, predicted both ways.ts", video_options={"bf": "2"}),
    _wide(
        "wider pixels of MPEG-2.ts",
        codec="mpeg2video",
        base=Fraction(1, 25),
        video_options={"sc_threshold": "1000000000"},  # key pictures at the joins only
    ),
    _row("turned.ts", TURNED, TURNED, own_sizes=True),
    _row("larger and larger.ts", RAMP, RAMP, own_sizes=True),
    _row("turned, fitted into the first.ts", TURNED, [TURNED[0]] * 2),
    _row("larger and larger, all as the first.ts", RAMP, [RAMP[0]] * 3),
]
