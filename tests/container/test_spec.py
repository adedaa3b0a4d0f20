"""bitstream_spec/vqt.md against the code: every field, range, limit, name and error code."""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import construct
import pytest

from tests.support.spec import REFERENCE, SPEC, VECTORS, load, tables
from tests.support.spec import VQT_TEXT as TEXT
from vqcodec.container import verify
from vqcodec.container.faults import HINTS, UNSUPPORTED_HINTS
from vqcodec.container.fields import Bitmap, Counted, Name, Packed, Ranged, Varint
from vqcodec.container.head import MOST_GROUPS
from vqcodec.container.index import KINDS, IndexKind
from vqcodec.container.items import ITEM_TYPES, ITEM_TYPES_2
from vqcodec.container.structs import (
    AUDIO_FLAG,
    AUDIO_HEAD,
    AUDO,
    CONFIDENCE_FORM,
    CONTINUES_FORM,
    CROP,
    CROP_FLAG,
    HEAD,
    IEND,
    KEYF,
    LAYERS_FORM_SHIFT,
    LIVE_FLAG,
    MODEL_ID,
    MOTN,
    MOTN_2,
    PORT,
    RATIONAL,
    RUN,
    RUNS_FORM,
    SYNTHETIC_FLAG,
)
from vqcodec.container.varint import encode_varint
from vqcodec.format import (
    DIMS,
    GROUP_DIMS,
    GROUPS,
    LAYERS,
    LEVELS,
    MAX_CHUNK_BYTES,
    MAX_FEATURE_WIDTH_BITS,
    MAX_FRAMES,
    MAX_GROUPS,
    MAX_PACKET_WIDTH_BITS,
    MAX_POSITION,
    MAX_STEP_WIDTH_BITS,
    SIGNATURE,
)

INTEGERS = {
    "u8": (construct.Byte, 0, 2**8 - 1),
    "u16": (construct.Int16ub, 0, 2**16 - 1),
    "u32": (construct.Int32ub, 0, 2**32 - 1),
    "u64": (construct.Int64ub, 0, 2**64 - 1),
    "i32": (construct.Int32sb, -(2**31), 2**31 - 1),
}
STRUCTS = {"rational": RATIONAL, "model": MODEL_ID, "audio": AUDIO_HEAD, "crop": CROP}


def fields(struct: Any) -> list[tuple[str, Any]]:
    """Names and kinds of a struct's fields; HEAD's version is two of them."""
    found = []
    for part in struct.subcons:
        if part.name == "version":
            found += [(sub.name, sub.subcon) for sub in part.subcon.subcons]
        else:
            found.append((part.name, part.subcon))
    return found


def check_field(kind: str, stated: str, field: Any) -> None:
    low, high = map(int, stated.split("..")) if stated else (None, None)
    if isinstance(field, construct.IfThenElse):
        field = field.thensubcon
    if kind in INTEGERS:
        plain, least, most = INTEGERS[kind]
        inner = field.subcon if isinstance(field, Ranged) else field
        assert inner is plain
        if isinstance(field, Ranged):
            assert (field.low, field.high) == (low, high)
        elif stated:
            assert (least, most) == (low if low == 0 else 0, high)
    elif kind.startswith("varint"):
        ranged = field.subcon if isinstance(field, construct.Array) else field
        assert isinstance(ranged, Ranged) and isinstance(ranged.subcon, Varint)
        assert (ranged.low, ranged.high) == (low, high)
        assert isinstance(field, construct.Array) == ("times" in kind)
    elif kind.startswith("packed"):
        assert isinstance(field, Packed)
        assert (field.base.low, field.base.high) == (low, high)
    elif kind == "name":
        assert isinstance(field, Name) and (field.subcon.length.low, field.subcon.length.high) == (
            low,
            high,
        )
    elif kind == "counted":
        assert isinstance(field, Counted) and (field.length.low, field.length.high) == (low, high)
    elif kind.startswith("bytes"):
        assert isinstance(field, construct.Bytes) and field.length == int(kind[6:-1])
    elif kind.startswith("bitmap"):
        assert isinstance(field, Bitmap)
    elif kind.startswith("run,"):
        assert isinstance(field, construct.Array) and field.subcon is RUN
    elif kind == "rest":
        assert field is construct.GreedyBytes
    else:
        assert field is STRUCTS[kind]


@pytest.mark.parametrize(
    ("heading", "table", "struct"),
    [
        ("## 4. HEAD", 0, HEAD),
        ("## 4. HEAD", 1, RATIONAL),
        ("## 4. HEAD", 2, MODEL_ID),
        ("## 4. HEAD", 3, AUDIO_HEAD),
        ("## 4. HEAD", 4, CROP),
        ("## 5. KEYF", 0, KEYF),
        ("## 5a. PORT", 0, PORT),
        ("## 6. MOTN", 0, MOTN),
        ("## 6. MOTN", 2, RUN),
        ("## 7. AUDO", 0, AUDO),
        ("## 9. IEND", 0, IEND),
    ],
)
def test_field_tables_are_the_structs(heading: str, table: int, struct: Any) -> None:
    rows = tables(heading)[table]
    assert [row[0].strip("`") for row in rows] == [name for name, _ in fields(struct)]
    for row, (_, field) in zip(rows, fields(struct), strict=True):
        check_field(row[1], row[2], field)


def test_fields_of_a_group_of_version_2() -> None:
    """Those of version 1, with `form` changed and three fields behind `low_confidence`."""
    before, changed = tables("## 6. MOTN")[:2]
    place = [row[0] for row in before].index("`low_confidence`") + 1
    rows = [*before[:place], *changed[1:], *before[place:]]
    rows[[row[0] for row in rows].index("`form`")] = changed[0]
    assert [row[0].strip("`") for row in rows] == [name for name, _ in fields(MOTN_2)]
    for row, (_, field) in zip(rows, fields(MOTN_2), strict=True):
        check_field(row[1], row[2], field)


def test_every_table_of_sections_4_to_9_is_checked() -> None:
    counts = {
        "## 4. HEAD": 5,
        "## 5. KEYF": 1,
        "## 5a. PORT": 1,
        "## 6. MOTN": 3,
        "## 7. AUDO": 1,
        "## 8. INDX": 0,
        "## 9. IEND": 1,
    }
    assert {heading: len(tables(heading)) for heading in counts} == counts


def test_error_codes_are_those_of_the_code() -> None:
    [rows] = tables("## 14. Errors")
    assert [row[0].strip("`") for row in rows] == sorted(
        {*HINTS, *UNSUPPORTED_HINTS}, key=[row[0].strip("`") for row in rows].index
    )
    offsets = {row[0].strip("`"): row[1] for row in rows}
    special = {"bad-signature": "byte", "truncated": "end", "trailing-data": "after"}
    assert offsets == {code: special.get(code, "chunk") for code in {*HINTS, *UNSUPPORTED_HINTS}}
    for code in set(re.findall(r"`((?:bad|too|unsupported|trailing)-[a-z-]+)`", TEXT)):
        assert code in HINTS or code in UNSUPPORTED_HINTS or code == "unsupported-", code


def test_bits_of_flags_and_form() -> None:
    assert (
        "bit 0: synthetic; bit 1: `audio` is present; bit 2: `crop` is present; bits 3 to 7 MUST be 0"
        in TEXT
    )
    assert (SYNTHETIC_FLAG, AUDIO_FLAG, CROP_FLAG) == (1 << 0, 1 << 1, 1 << 2)
    assert "bit 0: `low_confidence` is present; bits 1 and 2: number of layers L, less one" in TEXT
    assert (CONFIDENCE_FORM, LAYERS_FORM_SHIFT, LAYERS) == (1 << 0, 1, 4)
    assert "In 2.0 bit 3: live, `delay_ms` is present; bits 4 to 7 MUST be 0" in TEXT
    assert "number of layers L, less one; bit 3: `runs` are present" in TEXT
    assert "bit 0 `continues`" in TEXT
    assert (LIVE_FLAG, RUNS_FORM, CONTINUES_FORM) == (1 << 3, 1 << 3, 1 << 0)


def test_layout_and_kinds() -> None:
    for name, value in {"group_dims": GROUP_DIMS, "levels": LEVELS}.items():
        assert re.search(rf"\| `{name}` .* other than {value} is `unsupported-layout`", TEXT)
    stated = re.search(
        r"`groups` .* G: (\d+); in major version 2 (\d+) to `MAX_GROUPS`; .* `unsupported-layout`",
        TEXT,
    )
    assert stated is not None and {int(number) for number in stated.groups()} == {GROUPS}
    assert MOST_GROUPS == {1: GROUPS, 2: MAX_GROUPS}
    assert "48 `i16`" in TEXT and DIMS == 48
    kinds = ", ".join(f"{int(kind)} {ITEM_TYPES[kind].decode()}" for kind in KINDS[1])
    assert f"**kind**: {kinds}." in TEXT
    named = {
        IndexKind.KEY_FRAME: "PORT with `number` 0",
        IndexKind.PORTRAIT: "PORT with another `number`",
    }
    kinds = ", ".join(
        f"{int(kind)} {named.get(kind, ITEM_TYPES_2[kind].decode())}" for kind in KINDS[2]
    )
    assert f"In major version 2: {kinds}." in TEXT


def test_widths_of_packed_lists() -> None:
    assert "width at most 34" in TEXT and MOTN.steps.width.high == MAX_STEP_WIDTH_BITS == 34
    assert "width at most 13" in TEXT and "width at most 16" in TEXT
    assert PORT.features.width.high == MAX_FEATURE_WIDTH_BITS == 16
    assert MOTN_2.steps.width.high == MAX_STEP_WIDTH_BITS
    assert AUDO.packet_bytes.width.high == MAX_PACKET_WIDTH_BITS == 13


def test_varints_and_crcs() -> None:
    assert zlib.crc32(bytes.fromhex("313233343536373839")) == 0xCBF43926
    assert "`0xCBF43926`" in TEXT
    assert "300 is `AC 02`" in TEXT and encode_varint(300) == b"\xac\x02"


def test_reference_decoder_has_the_same_limits() -> None:
    assert REFERENCE.SIGNATURE == SIGNATURE
    assert REFERENCE.LIMITS == MAX_CHUNK_BYTES
    assert (REFERENCE.MAX_POSITION, REFERENCE.MAX_FRAMES) == (MAX_POSITION, MAX_FRAMES)


def test_example_is_up_to_date() -> None:
    load(VECTORS / "make.py")
    example = load(VECTORS / "example.py")
    for told in (example.text(), example.text_2()):
        assert told in TEXT
        dump = re.findall(r"^ +\d+  ((?:[0-9A-F]{2} )+)", told, re.MULTILINE)
        shown = b"".join(bytes.fromhex(line) for line in dump)
        assert shown.startswith(SIGNATURE + b"HEAD")
    verify(io.BytesIO(example.stream_2()))


def test_links_lead_somewhere() -> None:
    for page in SPEC.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (page.parent / target).exists(), (page.name, target)
