"""The worked examples of vqt.md: whole streams of both versions, byte by byte, with what the bytes are."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
from raw_streams import split

from tests.support.container import make_head
from tests.support.units import obu, sequence_header
from vqcodec.container import Writer
from vqcodec.container.index import parse_index
from vqcodec.container.items import ITEM_TYPES, ITEM_TYPES_2
from vqcodec.container.varint import encode_varint
from vqcodec.format import SIGNATURE
from vqcodec.types import Head, KeyFrame, ModelId, MotionGroup, PortraitRun, PortraitUnit

BEGIN = "<!-- example: made by vectors/make.py -->\n"
END = "<!-- end of example -->"
BEGIN_2 = "<!-- example of version 2: made by vectors/make.py -->\n"
END_2 = "<!-- end of example of version 2 -->"

NOTES = {
    b"HEAD": [
        (2, "version 1.0"),
        (1, "flags: none"),
        (2, "coded size 512"),
        (8, "time base 1/25 s"),
        (8, "25 frames/s"),
        (4, "12 groups of 4 in 5 levels, 1 layer"),
        (2, "motion space: name"),
        (32, "its SHA-256"),
        (2, "renderer: name"),
        (32, "its SHA-256"),
    ],
    b"KEYF": [(1, "first frame 0"), (96, "features: 48 times 1"), (4, "still")],
    b"MOTN": [
        (1, "first frame 0"),
        (1, "2 frames"),
        (1, "form: 1 layer, low_confidence"),
        (1, "first tick 0"),
        (2, "steps: base 1, width 0"),
        (1, "low_confidence: the second frame"),
        (99, "layer 1"),
    ],
    b"IEND": [
        (4, "2 frames"),
        (8, "ends at tick 2"),
        (4, "INDX has 15 bytes"),
        (4, "CRC of the CRCs"),
    ],
}


NOTES_2 = {
    b"HEAD": [
        (2, "version 2.0"),
        (1, "flags: live"),
        *NOTES[b"HEAD"][2:],
        (2, "at most 200 ms late"),
    ],
    b"PORT": [
        (3, "first frame 0, shot 0, number 0"),
        (1, "form: a cut, or the first shot"),
        (4, "features: 48 times 32769, so 1"),
        (2, "unit: sequence header, 11 bytes"),
        (11, "profile 0 .. 512x512 .. no film grain"),
        (2, "a frame, 3 bytes"),
        (3, "key picture, shown; ..."),
    ],
    b"PORT later": [
        (3, "first frame 0, shot 0, number 1"),
        (2, "form 0; depends on 0"),
        (4, "features: 48 times 32768, so 1 + 0"),
        (2, "unit: a frame, 2 bytes"),
        (2, "inter picture, shown; ..."),
    ],
    b"MOTN": [
        (1, "first frame 0"),
        (1, "2 frames"),
        (1, "form: 1 layer, runs"),
        (1, "first tick 0"),
        (2, "steps: base 1, width 0"),
        (2, "shot 0, 2 runs"),
        (3, "1 frame from portrait 0, no other"),
        (3, "the rest from 0 and 1, 8/16 of 1"),
        (99, "layer 1"),
    ],
    b"IEND": [
        (4, "2 frames"),
        (8, "ends at tick 2"),
        (4, "INDX has 17 bytes"),
        *NOTES[b"IEND"][3:],
    ],
}


def _head(**changes: object) -> Head:
    return make_head(
        layers=1,
        audio=None,
        crop=None,
        time_base_s=Fraction(1, 25),
        motion_space=ModelId("m", bytes([0x11] * 32)),
        renderer=ModelId("r", bytes([0x22] * 32)),
        **changes,
    )


def _motion(held: bool, *runs: PortraitRun) -> MotionGroup:
    indices = np.full((2, 12, 1), 312, dtype=np.uint16)
    indices[0, :2, 0] = (565, 313)
    return MotionGroup(0, np.arange(2), np.array([False, held]), indices, 0, runs)


def stream() -> bytes:
    """The example of version 1.0."""
    sink = io.BytesIO()
    with Writer(sink, _head()) as writer:
        writer.key_frame(KeyFrame(0, b"AVIF", np.ones(48, dtype=np.int16)))
        writer.motion(_motion(True))
    return sink.getvalue()


def stream_2() -> bytes:
    """The example of version 2.0."""
    sink, ones = io.BytesIO(), np.ones(48, dtype=np.int16)
    key, inter = obu(1, sequence_header()) + obu(6, b"\x10\x55\xaa"), obu(6, b"\x30\x55")
    with Writer(sink, _head(version=(2, 0), delay_ms=200)) as writer:
        writer.portrait(PortraitUnit(0, 0, 0, None, ones, key))
        writer.portrait(PortraitUnit(0, 0, 1, 0, ones, inter))
        writer.motion(_motion(False, PortraitRun(1, 0), PortraitRun(1, 0, 1, 8)))
    return sink.getvalue()


def text() -> str:
    """The example of version 1.0 as an annotated dump."""
    return _dump(stream(), NOTES)


def text_2() -> str:
    """The example of version 2.0 as an annotated dump."""
    return _dump(stream_2(), NOTES_2)


def _dump(data: bytes, notes: dict[bytes, list[tuple[int, str]]]) -> str:
    lines = [_line(0, SIGNATURE, "signature")]
    at = len(SIGNATURE)
    for number, (kind, payload) in enumerate(split(data)):
        lines.append(
            _line(at, kind + encode_varint(len(payload)), f"{kind.decode()}, {len(payload)} bytes")
        )
        at += 5
        start = at
        told = kind + b" later" if kind == b"PORT" and number > 1 else kind
        major = 2 if notes is NOTES_2 else 1
        for size, note in _index_notes(payload, major) if kind == b"INDX" else notes[told]:
            field = payload[at - start : at - start + size]
            lines.append(_line(at, field, note))
            at += len(field)
        lines.append(_line(at, data[at : at + 4], "CRC-32"))
        at += 4
    return "".join(lines)


def _index_notes(payload: bytes, major: int) -> list[tuple[int, str]]:
    types = ITEM_TYPES if major == 1 else ITEM_TYPES_2
    offset = 0
    notes = []
    for entry in parse_index(payload, major):
        step = entry.offset - offset
        size = len(encode_varint(4 * step + entry.kind)) + 1
        notes.append((size, f"{types[entry.kind].decode()}: {step} bytes on, s = 0"))
        offset = entry.offset
    return notes


def write(path: Path) -> None:
    """Put the examples into the specification."""
    page = path.read_text(encoding="utf-8")
    for begin, end, shown in ((BEGIN, END, text()), (BEGIN_2, END_2, text_2())):
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{shown}\n{end}{rest.split(end)[1]}"
    path.write_text(page, encoding="utf-8")


def _line(at: int, data: bytes, note: str) -> str:
    shown = data.hex(" ").upper()
    if len(data) > 12 and len(set(data[2:])) <= 2 and data[:2] == data[-2:]:
        shown = f"{data[:2].hex(' ').upper()} .. ({len(data)} bytes)"
    return f"    {at:4d}  {shown:<41s}  {note}\n"
