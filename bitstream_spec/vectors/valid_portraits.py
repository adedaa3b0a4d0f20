"""The streams of vectors/valid of major version 2. Units have the structure of AV1, and no picture but in `2-svt-av1`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import svt_units
from raw_streams import finish, put, split

from tests.support.container import MONO, make_audio, make_group
from tests.support.units import (
    in_shot,
    make_head_2,
    make_portrait,
    obu,
    sequence_header,
    write_2,
)
from vqcodec.container import thin
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit

Run = PortraitRun
LATEST_S = 2**20


def silent(*items: object, end_tick: int | None = None, **changes: object) -> bytes:
    """One layer, no sound, no crop."""
    head = make_head_2(**{"audio": None, "crop": None, "layers": 1} | changes)
    return write_2(head, *items, end_tick=end_tick)


def portrait(
    number: int = 0, depends_on: int | None = None, *, first: int = 0, shot: int = 0, **more: bool
) -> PortraitUnit:
    """A short one."""
    return make_portrait(first, shot, number, depends_on, size=6, **more)


def group(first: int, frames: int, shot: int = 0, *runs: PortraitRun) -> MotionGroup:
    """One layer."""
    return in_shot(make_group(first, frames, 1), shot, *runs)


def chain() -> bytes:
    """The longest path: eight portraits, each predicted from the one before; a group shows each."""
    items: list[object] = []
    for number in range(8):
        runs = (Run(1, number - 1, number), Run(1, number)) if number else ()
        items += [portrait(number, first=2 * number), group(2 * number, 2, 0, *runs)]
    return silent(*items)


def tree() -> bytes:
    """Branches: 1 and 3 come from 0, 2 and 4 from 1; all stand before the first group."""
    depends_on = (None, 0, 1, 0, 1)
    portraits = [portrait(number, before) for number, before in enumerate(depends_on)]
    runs = [Run(1, number) for number in (4, 3, 2, 1, 0)]
    return silent(*portraits, group(0, 5, 0, *runs))


def shots() -> bytes:
    """Three shots; the second shows the same scene as the first, before the third there is a cut."""
    return silent(
        portrait(),
        group(0, 3),
        portrait(1, first=3),
        group(3, 3, 0, Run(3, 1)),
        portrait(first=6, shot=1, continues=True),
        portrait(1, first=6, shot=1),
        group(6, 3, 1, Run(1, 0), Run(2, 1)),
        portrait(first=9, shot=2),
        group(9, 3, 2),
    )


def runs() -> bytes:
    """Weights from the least to the greatest, passages of one and of several frames, neighbours that look alike."""
    portraits = [portrait(number) for number in range(4)]
    told = (Run(1, 0), Run(1, 3, 0, 1), Run(1, 3, 0, 15), Run(1, 1, 2), Run(4, 2, 1), Run(1, 2, 1))
    more = (Run(2, 3, 1, 8), Run(2, 3, 1, 8), Run(1, 3), Run(1, 2))
    return silent(*portraits, group(0, 9, 0, *told), group(9, 6, 0, *more), group(15, 2))


def live() -> bytes:
    """A live stream of four layers with sound; in some frames the face was not seen; the last portrait is behind all groups."""
    head = make_head_2(crop=None, delay_ms=120, synthetic=True)
    held = make_group(3, 5, 4, held=(1, 4))
    return write_2(
        head,
        portrait(),
        in_shot(make_group(0, 3, 4), 0),
        make_audio(0, 6, 8),
        portrait(1, first=3),
        portrait(2, first=3),
        in_shot(held, 0, Run(1, 0, 1, 8), Run(4, 2)),
        make_audio(5760, 10, 8, 40),
        portrait(3, first=8),
    )


def thinned() -> bytes:
    """What `thin` makes of four layers."""
    sink = io.BytesIO()
    thin(io.BytesIO(live()), sink, 2)
    return sink.getvalue()


def encoded() -> bytes:
    """Units of an AV1 encoder."""
    pairs = enumerate(zip(svt_units.UNITS, svt_units.DEPENDS_ON, strict=True))
    portraits = [replace(portrait(n, before), unit=unit) for n, (unit, before) in pairs]
    return silent(*portraits, group(0, 8, 0, Run(2, 0), Run(2, 0, 1), Run(1, 2), Run(3, 3)))


def extreme_features() -> bytes:
    """Features that need all of an i16, and differences that need all of their 16 bits."""
    low = np.full(48, -32768, np.int16)
    mixed = np.where(np.arange(48) % 2, np.int16(-32768), np.int16(32767))
    middle = np.where(np.arange(48) % 2, np.int16(-1), np.int16(0))
    return silent(
        replace(portrait(), features=mixed),
        replace(portrait(1), features=middle),
        group(0, 1),
        replace(portrait(first=1, shot=1), features=low),
        replace(portrait(1, first=1, shot=1), features=np.full(48, -1, np.int16)),
        group(1, 1, 1),
    )


def odd_units() -> bytes:
    """All that a unit's structure leaves open: sizes in more bytes than needed, other tools, colours, zeros at the end."""
    header = sequence_header(16, level=9, ordered=0, colour=(9, 16, 9))
    first = obu(1, header + b"\0\0") + obu(6, b"\x1f", size=b"\x81" + b"\x80" * 6 + b"\0")
    return silent(
        replace(portrait(), unit=first),
        replace(portrait(1), unit=obu(6, b"\x3a\x55", size=b"\x82\0")),
        group(0, 2),
        coded_size_px=16,
    )


def newer_minor() -> bytes:
    """Version 2.7 with a delay, flags and HEAD bytes that 2.0 doesn't know; features in a wider field than needed."""
    pairs = split(silent(portrait(), group(0, 2), delay_ms=65_535))[:-2]
    head = put(1, b"\x07")(put(2, b"\xf8")(pairs[0][1])) + b"from the future"
    features = b"\0\x10" + b"".join((32768 + i).to_bytes(2, "big") for i in range(48))
    wide = b"\0\0\0\0" + features + portrait().unit
    return finish([(b"HEAD", head), (b"PORT", wide), *pairs[2:]], 2)


def longest_shot() -> bytes:
    """A shot of 60 s, then one that begins with the next tick; ancillary chunks between portraits."""
    late = in_shot(make_group(2, 2, 1, ticks=[1499, 1500]), 0)
    last = in_shot(make_group(4, 1, 1, first_tick=1501), 1)
    pairs = split(silent(portrait(), group(0, 2), late, portrait(first=4, shot=1), last))[:-2]
    return finish([*pairs[:2], (b"noTe", b""), *pairs[2:], (b"abcd", b"2.0")], 1502)


def latest() -> bytes:
    """Frames, sound and end as late as they may be: after 1 048 576 s."""
    return silent(
        portrait(),
        group(0, 2),
        portrait(first=2, shot=1),
        in_shot(make_group(2, 2, 1, first_tick=LATEST_S * 25 - 2), 1),
        make_audio(LATEST_S * 48_000, 1, 8),
        audio=MONO,
        end_tick=LATEST_S * 25,
    )


RECIPES_2: dict[str, Callable[[], bytes]] = {
    "2-smallest": lambda: silent(portrait(), group(0, 1)),
    "2-chain": chain,
    "2-tree": tree,
    "2-shots": shots,
    "2-runs": runs,
    "2-live": live,
    "2-thinned-to-2-layers": thinned,
    "2-svt-av1": encoded,
    "2-features-extreme": extreme_features,
    "2-units-odd": odd_units,
    "2-newer-minor-version": newer_minor,
    "2-shot-60-s": longest_shot,
    "2-latest": latest,
}

VALID_2 = {name: recipe() for name, recipe in RECIPES_2.items()}
