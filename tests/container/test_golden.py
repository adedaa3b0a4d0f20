"""Golden bytes: the container's own bytes never change, whatever the entropy tables are."""

from __future__ import annotations

import io
import zlib
from fractions import Fraction

import numpy as np

from tests.support.container import make_audio
from tests.support.spec import VECTORS, load
from vqcodec.container import CodedGroup, Reader, Writer
from vqcodec.container.fields import pack_bits, unpack_bits
from vqcodec.container.head import build_head
from vqcodec.container.payloads import build_audio, build_motion
from vqcodec.container.varint import decode_varint, encode_varint, unzigzag, zigzag
from vqcodec.types import AudioHead, Crop, Head, KeyFrame, ModelId

RAW = load(VECTORS / "raw_streams.py")

HEAD = Head(
    Fraction(1001, 30_000),
    Fraction(30_000, 1001),
    3,
    ModelId("a", bytes(32)),
    ModelId("bc", b"\xff" * 32),
    AudioHead(48_000, 2, 312, b"xy"),
    Crop(640, 480, -2, 3, 400),
    True,
    256,
)
HEAD_BYTES = (
    "0100 07 0100 000003e900007530 00007530000003e9 0c0405 03"
    "01 61" + "00" * 32 + "02 6263" + "ff" * 32 + "02 0138 02 7879"
    "0280 01e0 fffffffe 00000003 00000190"
)


def group(first_frame: int, ticks: list[int], held: list[int], *payloads: bytes) -> CodedGroup:
    low_confidence = np.zeros(len(ticks), dtype=np.bool_)
    low_confidence[held] = True
    return CodedGroup(first_frame, np.array(ticks, dtype=np.int64), low_confidence, payloads)


def test_head() -> None:
    assert build_head(HEAD).hex() == HEAD_BYTES.replace(" ", "")


def test_motion_with_a_constant_step() -> None:
    payload = build_motion(group(300, [5000, 5040, 5080], [], b"coarse", b"fine"))
    assert payload == bytes.fromhex("ac02 03 02 8827 28 00 06") + b"coarsefine"


def test_motion_with_variable_steps_and_held_frames() -> None:
    payload = build_motion(group(0, [0, 33, 67, 100], [0, 3], b"", b"", b"", b"z"))
    assert payload == bytes.fromhex("00 04 07 00 21 01 40 90 00 00 00") + b"z"


def test_motion_of_one_frame() -> None:
    assert build_motion(group(0, [0], [], b"")) == bytes.fromhex("00 01 00 00")


def test_audio() -> None:
    group = make_audio(960, 2, 3, end_trim_samples=200)
    assert build_audio(group) == bytes.fromhex("c007 02 c801 03 00") + b"".join(group.packets)


def test_whole_stream() -> None:
    sink = io.BytesIO()
    writer = Writer(sink, HEAD)
    writer.key_frame(KeyFrame(0, b"AVIF", np.arange(48, dtype=np.int16) - 24))
    writer.coded_motion(group(0, [0, 1, 2], [], b"", b"", b""))
    writer.audio(make_audio(0, 2, 3))
    writer.coded_motion(group(3, [3, 4, 5], [], b"", b"", b""))
    writer.audio(make_audio(1920, 2, 3))
    writer.close()
    chunks = RAW.split(sink.getvalue())
    assert [kind for kind, _ in chunks] == [
        b"HEAD",
        b"KEYF",
        b"MOTN",
        b"AUDO",
        b"MOTN",
        b"AUDO",
        b"INDX",
        b"IEND",
    ]
    # kind + 4 * distance, zigzag of the second difference: KEYF, MOTN, AUDO, MOTN (3 ticks on), AUDO (1920 samples on)
    assert chunks[6][1].hex(" ") == "94 04 00 b9 03 00 46 00 51 06 46 80 1e"
    assert chunks[7][1].hex(" ") == "00 00 00 06 00 00 00 00 00 00 00 06 00 00 00 16 " + chunks[7][
        1
    ][16:].hex(" ")
    crcs = b"".join(zlib.crc32(RAW.frame(*chunk)[:-4]).to_bytes(4, "big") for chunk in chunks[:-1])
    assert int.from_bytes(chunks[7][1][16:], "big") == zlib.crc32(crcs)
    assert len(list(Reader(io.BytesIO(sink.getvalue())).coded())) == 5


def test_varints_and_zigzag() -> None:
    for value, data in [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**56 - 1, "ff" * 7 + "7f"),
    ]:
        assert encode_varint(value).hex() == data
        assert decode_varint(bytes.fromhex(data), 0) == (value, len(data) // 2)
    assert [zigzag(value) for value in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
    assert all(unzigzag(zigzag(value)) == value for value in (*range(-300, 300), 2**54, -(2**54)))


def test_bits() -> None:
    assert pack_bits([1, 0, 3, 2], 3) == bytes([0b00100001, 0b10100000])
    assert unpack_bits(bytes([0b00100001, 0b10100000]), 4, 3) == [1, 0, 3, 2]
    assert pack_bits([0, 0], 0) == b""
    assert unpack_bits(b"", 2, 0) == [0, 0]
