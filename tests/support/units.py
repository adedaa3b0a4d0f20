"""AV1 units whose structure is right and whose pictures are noise: what the container looks at, and no more."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import numpy as np

from tests.support.container import make_audio, make_group, make_head
from vqcodec.container import Writer
from vqcodec.format import GROUPS
from vqcodec.types import Head, MotionGroup, PortraitRun, PortraitUnit

SIDE_PX = 512


class BitWriter:
    """Bits, most significant first."""

    def __init__(self) -> None:
        self.bits = ""

    def put(self, value: int, count: int = 1) -> BitWriter:
        if count:
            self.bits += f"{value:0{count}b}"
        return self

    def ended(self) -> bytes:
        """With a one and zeros up to a whole byte."""
        bits = self.bits + "1"
        bits += "0" * (-len(bits) % 8)
        return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def obu(kind: int, payload: bytes, *, header: int = 2, size: bytes | None = None) -> bytes:
    """A unit; `header` holds the bits beside its type, `size` another way to write its length."""
    stated, rest = b"", len(payload)
    while rest > 127:
        stated, rest = stated + bytes([rest & 127 | 128]), rest >> 7
    stated += bytes([rest])
    return bytes([kind << 3 | header]) + (stated if size is None else size) + payload


def sequence_header(
    side_px: int = SIDE_PX,
    *,
    height_px: int | None = None,
    profile: int = 0,
    still: int = 0,
    timing: int = 0,
    numbered: int = 0,
    deep: int = 0,
    monochrome: int = 0,
    colour: tuple[int, int, int] | None = None,
    grain: int = 0,
    level: int = 8,
    ordered: int = 1,
    points: int = 1,
    delays: tuple[int | None, ...] = (),
    tools: tuple[int, ...] = (1, 1),
    as_420: bool = False,
) -> bytes:
    """The payload of a sequence header OBU.

    `delays` are those of the first operating points; `tools` the bits from seq_choose_screen_content_tools on; `as_420`
    goes on after the colours as if they were no RGB.
    """
    height = side_px if height_px is None else height_px
    width_bits, height_bits = (side_px - 1).bit_length() or 1, (height - 1).bit_length() or 1
    out = BitWriter().put(profile, 3).put(still).put(0).put(timing).put(int(bool(delays)))
    _operating_points(out, points, level, delays)
    out.put(width_bits - 1, 4).put(height_bits - 1, 4)
    out.put(side_px - 1, width_bits).put(height - 1, height_bits).put(numbered)
    out.put(0b111, 3).put(0b0110, 4).put(ordered)
    if ordered:
        out.put(0, 2)
    for bit in tools:
        out.put(bit)
    if ordered:
        out.put(6, 3)
    out.put(0b011, 3)
    out.put(deep)
    if profile != 1:
        out.put(monochrome)
    out.put(int(colour is not None))
    for part in colour or ():
        out.put(part, 8)
    if monochrome:
        out.put(0)
    elif colour != (1, 13, 0) or as_420:
        out.put(0)
        if profile == 0:
            out.put(0, 2)
        out.put(0)
    else:
        out.put(0)
    return out.put(grain).ended()


def _operating_points(
    out: BitWriter, points: int, level: int, delays: tuple[int | None, ...]
) -> None:
    """operating_points_cnt_minus_1 and what follows for each."""
    out.put(points - 1, 5)
    for delay in (*delays, *[None] * points)[:points]:
        out.put(0, 12).put(level, 5).put(0, int(level > 7))
        if delays:
            out.put(int(delay is not None))
        if delay is not None:
            out.put(delay, 4)


def noise(seed: str, size: int) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)


def make_unit(number: int = 0, side_px: int = SIDE_PX, size: int = 30, seed: str = "") -> bytes:
    """The OBUs of a portrait: a key picture with its sequence header for number 0, else an inter picture."""
    frame = bytes([0x10 if number == 0 else 0x30]) + noise(f"unit {number} {seed}", size)
    begin = obu(1, sequence_header(side_px)) if number == 0 else b""
    return begin + obu(6, frame)


def make_portrait(
    first_frame: int = 0,
    shot: int = 0,
    number: int = 0,
    depends_on: int | None = None,
    *,
    continues: bool = False,
    side_px: int = SIDE_PX,
    size: int = 30,
    groups: int = GROUPS,
) -> PortraitUnit:
    """A portrait with features that differ a little from those of the shot's number 0; number n follows n - 1."""
    if depends_on is None and number:
        depends_on = number - 1
    features = (np.arange(-2 * groups, 2 * groups) * 100 + 1000 * shot + 7 * number).astype(
        np.int16
    )
    unit = make_unit(number, side_px, size, f"{shot}")
    return PortraitUnit(first_frame, shot, number, depends_on, features, unit, continues)


def in_shot(group: MotionGroup, shot: int, *runs: PortraitRun) -> MotionGroup:
    """A group as one of major version 2."""
    return MotionGroup(
        group.first_frame, group.ticks, group.low_confidence, group.indices, shot, runs
    )


def make_head_2(**changes: object) -> Head:
    """Version 2.0, else as make_head."""
    return make_head(**{"version": (2, 0)} | changes)


def write_2(head: Head, *items: object, end_tick: int | None = None) -> bytes:
    """A stream of these items."""
    sink = io.BytesIO()
    writer = Writer(sink, head)
    for item in items:
        if isinstance(item, PortraitUnit):
            writer.portrait(item)
        elif isinstance(item, MotionGroup):
            writer.motion(item)
        else:
            writer.audio(item)  # type: ignore[arg-type]
    writer.close(end_tick)
    return sink.getvalue()


def make_items_2(
    shots: Sequence[int] = (3, 2),
    frames: int = 4,
    layers: int = 4,
    *,
    sound: bool = True,
    dim_groups: int = GROUPS,
) -> list[object]:
    """Shots of so many groups; before each a portrait, shown from the group's second frame on."""
    items: list[object] = []
    count = 0
    for shot, groups in enumerate(shots):
        for number in range(groups):
            first = count * frames
            continues = shot % 2 == 1 and not number
            items.append(make_portrait(first, shot, number, continues=continues, groups=dim_groups))
            runs: tuple[PortraitRun, ...] = ()
            if number:
                runs = (
                    PortraitRun(1, number - 1, number),
                    PortraitRun(1, number - 1, number, 5),
                    PortraitRun(frames - 2, number),
                )
            items.append(in_shot(make_group(first, frames, layers, groups=dim_groups), shot, *runs))
            if sound:
                items.append(make_audio(count * 5 * 960))
            count += 1
    return items


def make_stream_2(
    shots: Sequence[int] = (3, 2), frames: int = 4, *, sound: bool = True, **changes: object
) -> bytes:
    """A stream of `make_items_2`."""
    head = make_head_2(**changes if sound else {"audio": None} | changes)
    items = make_items_2(shots, frames, head.layers, sound=sound, dim_groups=head.groups)
    return write_2(head, *items)
