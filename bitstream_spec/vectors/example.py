"""The worked example of vqt.md: a whole stream, byte by byte, with what the bytes are."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
from raw_streams import split

from tests.support.container import make_head
from vqcodec.container import Writer
from vqcodec.container.index import parse_index
from vqcodec.container.items import ITEM_TYPES
from vqcodec.container.varint import encode_varint
from vqcodec.format import SIGNATURE
from vqcodec.types import KeyFrame, ModelId, MotionGroup

BEGIN = "<!-- example: made by vectors/make.py -->\n"
END = "<!-- end of example -->"

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


def stream() -> bytes:
    """The example."""
    head = make_head(
        layers=1,
        audio=None,
        crop=None,
        time_base_s=Fraction(1, 25),
        motion_space=ModelId("m", bytes([0x11] * 32)),
        renderer=ModelId("r", bytes([0x22] * 32)),
    )
    sink = io.BytesIO()
    with Writer(sink, head) as writer:
        writer.key_frame(KeyFrame(0, b"AVIF", np.ones(48, dtype=np.int16)))
        indices = np.full((2, 12, 1), 312, dtype=np.uint16)
        indices[0, :2, 0] = (565, 313)
        writer.motion(MotionGroup(0, np.arange(2), np.array([False, True]), indices))
    return sink.getvalue()


def text() -> str:
    """The example as an annotated dump."""
    lines = [_line(0, SIGNATURE, "signature")]
    at = len(SIGNATURE)
    for kind, payload in split(stream()):
        lines.append(
            _line(at, kind + encode_varint(len(payload)), f"{kind.decode()}, {len(payload)} bytes")
        )
        at += 5
        start = at
        for size, note in _index_notes(payload) if kind == b"INDX" else NOTES[kind]:
            field = payload[at - start : at - start + size]
            lines.append(_line(at, field, note))
            at += len(field)
        lines.append(_line(at, stream()[at : at + 4], "CRC-32"))
        at += 4
    return "".join(lines)


def _index_notes(payload: bytes) -> list[tuple[int, str]]:
    offset = 0
    notes = []
    for entry in parse_index(payload):
        step = entry.offset - offset
        size = len(encode_varint(4 * step + entry.kind)) + 1
        notes.append((size, f"{ITEM_TYPES[entry.kind].decode()}: {step} bytes on, s = 0"))
        offset = entry.offset
    return notes


def write(path: Path) -> None:
    """Put the example into the specification."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text()}\n{END}{after}", encoding="utf-8")


def _line(at: int, data: bytes, note: str) -> str:
    shown = data.hex(" ").upper()
    if len(data) > 12 and len(set(data[2:])) <= 2 and data[:2] == data[-2:]:
        shown = f"{data[:2].hex(' ').upper()} .. ({len(data)} bytes)"
    return f"    {at:4d}  {shown:<41s}  {note}\n"
