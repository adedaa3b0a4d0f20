"""The streams of vectors/invalid: name -> (error code, what is wrong, bytes)."""

from __future__ import annotations

import struct

from broken_streams import (
    BASE,
    CHUNKS,
    END,
    SECOND_MOTN,
    SMALL,
    audo,
    first_group,
    flip,
    head,
    last,
    length,
    motn,
    over_the_end,
    pair,
    small,
)
from raw_streams import edit, frame, insert, join, put, without
from whole_streams import silent, sound

from tests.support.container import make_audio, make_group
from vqcodec.container.payloads import build_audio

INVALID: dict[str, tuple[str, str, bytes]] = {
    "empty": ("truncated", "no bytes at all", b""),
    "signature-not-vqt": (
        "bad-signature",
        "a PNG file's signature",
        b"\x89PNG\r\n\x1a\n" + BASE[8:],
    ),
    "signature-7-bit": ("bad-signature", "the high bit was cleared", flip(BASE, 0, 0x80)),
    "signature-crlf-to-lf": ("bad-signature", "copied in text mode", BASE.replace(b"\r\n", b"\n")),
    "signature-lf-to-crlf": ("bad-signature", "copied in text mode", BASE.replace(b"\n", b"\r\n")),
    "cut-in-signature": ("truncated", "5 bytes", BASE[:5]),
    "cut-after-signature": ("truncated", "8 bytes", BASE[:8]),
    "cut-in-type": ("truncated", "in the type of MOTN", BASE[: SECOND_MOTN + 2]),
    "cut-in-length": ("truncated", "after the type of MOTN", BASE[: SECOND_MOTN + 4]),
    "cut-in-payload": ("truncated", "in the payload of MOTN", BASE[: SECOND_MOTN + 20]),
    "cut-in-crc": ("truncated", "the last byte is missing", BASE[:-1]),
    "cut-between-chunks": ("truncated", "no INDX, no IEND", BASE[: BASE.index(b"INDX")]),
    "cut-before-end": ("truncated", "no IEND", BASE[:END]),
    "type-not-letters": ("bad-type", "a digit in a type", insert(BASE, 2, (b"MOT1", b""))),
    "type-high-bit": ("bad-type", "a type outside ASCII", insert(BASE, 2, (b"MOT\xce", b""))),
    "length-above-head-limit": ("bad-length", "HEAD of 1025 bytes", length(b"\x81\x08")),
    "length-above-unknown-limit": (
        "bad-length",
        "an unknown chunk of 1049601 bytes",
        length(b"\x81\x88\x40", b"abcd"),
    ),
    "length-huge": ("bad-length", "INDX of 2^55 bytes", length(b"\x80" * 7 + b"\x40", b"INDX")),
    "length-not-shortest": ("bad-length", "a length of 3 in two bytes", length(b"\x83\x00")),
    "length-too-long": ("bad-length", "a length of nine bytes", length(b"\x80" * 8 + b"\x01")),
    "length-end-21": ("bad-length", "IEND is too long", last(lambda p: p + b"\0")),
    "crc-of-head": ("bad-crc", "a flag was flipped", flip(BASE, 8 + 4 + 2 + 2)),
    "crc-of-motion": ("bad-crc", "a payload bit was flipped", flip(BASE, SECOND_MOTN + 12, 16)),
    "crc-of-type": ("bad-crc", "MOTN became mOTN", flip(BASE, SECOND_MOTN, 0x20)),
    "crc-of-crc": ("bad-crc", "the last byte of the stream was flipped", flip(BASE, len(BASE) - 1)),
    "order-no-head": ("bad-order", "the first chunk is KEYF", without(BASE, 0)),
    "order-unknown-first": (
        "bad-order",
        "the first chunk is ancillary",
        insert(BASE, 0, (b"noTe", b"")),
    ),
    "order-two-heads": ("bad-order", "HEAD comes twice", insert(BASE, 2, pair(0))),
    "order-no-key-frame": ("bad-order", "MOTN before the first KEYF", without(BASE, 1)),
    "order-two-key-frames": (
        "bad-order",
        "two KEYF with no MOTN between",
        insert(BASE, 2, pair(1)),
    ),
    "order-key-frame-last": (
        "bad-order",
        "no MOTN after the last KEYF",
        insert(BASE, 6, (b"KEYF", b"\x08" + pair(1)[1][1:])),
    ),
    "order-no-motion": ("bad-order", "INDX without any MOTN", without(SMALL, 1, 2)),
    "order-after-index": (
        "bad-order",
        "AUDO after INDX",
        insert(BASE, 7, (b"AUDO", build_audio(make_audio(99_999)))),
    ),
    "order-ancillary-after-index": (
        "bad-order",
        "an ancillary chunk after INDX",
        insert(BASE, 7, (b"noTe", b"")),
    ),
    "order-two-indexes": ("bad-order", "INDX comes twice", insert(BASE, 7, pair(6))),
    "order-no-index": ("bad-order", "IEND without INDX", without(BASE, 6)),
    "layout-head-short": ("bad-layout", "HEAD ends inside the crop", head(lambda p: p[:-1])),
    "layout-head-long": (
        "bad-layout",
        "a byte after the last field of HEAD 1.0",
        head(lambda p: p + b"\0"),
    ),
    "layout-head-one-byte": ("bad-layout", "HEAD has only a major version", head(lambda p: p[:1])),
    "layout-key-frame-short": (
        "bad-layout",
        "KEYF ends inside the features",
        edit(BASE, b"KEYF", lambda p: p[:50]),
    ),
    "layout-motion-empty": ("bad-layout", "MOTN has no payload", motn(lambda p: b"")),
    "layout-motion-layers": (
        "bad-layout",
        "the first layer is longer than the payload",
        motn(lambda p: p[:6] + b"\x7f" + p[7:40]),
    ),
    "layout-sound-short": ("bad-layout", "the last packet lacks a byte", audo(lambda p: p[:-1])),
    "layout-sound-long": ("bad-layout", "a byte after the last packet", audo(lambda p: p + b"\0")),
    "layout-end-short": ("bad-layout", "IEND has 19 bytes", last(lambda p: p[:-1])),
    "varint-not-shortest": (
        "bad-varint",
        "first frame 0 in two bytes",
        small(lambda p: b"\x80" + p),
    ),
    "varint-nine-bytes": (
        "bad-varint",
        "a first frame of nine bytes",
        small(lambda p: b"\xff" * 9 + p),
    ),
    "value-major-0": ("bad-value", "version 0.0", head(put(0, b"\0"))),
    "value-reserved-flag": ("bad-value", "bit 3 of the flags", head(put(2, b"\x0e"))),
    "value-coded-size": ("bad-value", "a coded size of 15", head(put(3, b"\0\x0f"))),
    "value-time-base-0": ("bad-value", "a time base of 0/25", head(put(5, bytes(4)))),
    "value-time-base-terms": ("bad-value", "a time base of 5/25", head(put(8, b"\x05"))),
    "value-time-base-long": ("bad-value", "a time base of 26/25 s", head(put(8, b"\x1a"))),
    "value-frame-rate": ("bad-value", "241 frames/s", head(put(16, b"\xf1"))),
    "value-frame-rate-infinite": ("bad-value", "25/0 frames/s", head(put(17, bytes(4)))),
    "value-layers-0": ("bad-value", "no layer", head(put(24, b"\0"))),
    "value-layers-5": ("bad-value", "five layers", head(put(24, b"\5"))),
    "value-name-empty": ("bad-value", "a model without a name", head(put(25, b"\0"))),
    "value-channels": (
        "bad-value",
        "three channels",
        edit(sound(), b"HEAD", lambda p: p[:-23] + b"\3" + p[-22:]),
    ),
    "value-still-empty": (
        "bad-value",
        "a KEYF without a still",
        edit(BASE, b"KEYF", lambda p: p[:97]),
    ),
    "value-no-frames": ("bad-value", "a group of 0 frames", small(put(1, b"\0"))),
    "value-241-frames": ("bad-value", "a group of 241 frames", small(put(1, b"\xf1"))),
    "value-form": ("bad-value", "a reserved bit of form", small(put(2, b"\x08"))),
    "value-step-0": ("bad-value", "two frames at the same time", small(put(4, b"\0"))),
    "value-step-width": ("bad-value", "steps 35 bits wide", small(put(5, b"\x23"))),
    "value-step-padding": ("bad-value", "a bit after the last step", small(put(6, b"\x41"))),
    "value-bitmap-empty": (
        "bad-value",
        "a low-confidence bitmap of zeros",
        small(lambda p: p[:2] + b"\1" + p[3:7] + b"\0" + p[7:]),
    ),
    "value-bitmap-padding": (
        "bad-value",
        "a bit after the last frame",
        small(lambda p: p[:2] + b"\1" + p[3:7] + b"\x81" + p[7:]),
    ),
    "value-layer-long": (
        "bad-value",
        "a layer of 65536 bytes",
        edit(
            silent(make_group(0, 1, 2), layers=2),
            b"MOTN",
            lambda p: p[:4] + b"\x80\x80\x04" + bytes(9),
        ),
    ),
    "value-no-packets": ("bad-value", "an AUDO without packets", audo(put(1, b"\0"))),
    "value-packet-empty": (
        "bad-value",
        "packets of 0 bytes",
        edit(sound(make_audio(0, 3)), b"AUDO", lambda p: p[:3] + b"\0\0"),
    ),
    "text-not-utf8": ("bad-text", "a name that is not UTF-8", head(put(26, b"\xff"))),
    "text-control": ("bad-text", "an escape character in a name", head(put(26, b"\x1b"))),
    "text-surrogate": (
        "bad-text",
        "half a surrogate pair in a name",
        head(put(26, b"\xed\xa0\x80")),
    ),
    "frame-key-frame-early": (
        "bad-frame",
        "a KEYF for frame 1 before frame 0",
        edit(BASE, b"KEYF", put(0, b"\1")),
    ),
    "frame-group-missing": ("bad-frame", "the first MOTN is missing", without(BASE, 2)),
    "frame-group-twice": ("bad-frame", "the second MOTN comes twice", insert(BASE, 5, pair(4))),
    "time-group-back": (
        "bad-time",
        "the second group starts with the first one's last tick",
        motn(put(3, b"\3"), 1),
    ),
    "time-span": ("bad-time", "a group of 2.04 s", first_group([0, 51])),
    "time-overflow": ("bad-time", "a tick of 2^53", over_the_end()),
    "time-end": (
        "bad-time",
        "the stream ends when its last frame starts",
        last(put(4, struct.pack(">Q", 7))),
    ),
    "time-end-huge": (
        "bad-time",
        "the stream ends at tick 2^53",
        last(put(4, struct.pack(">Q", 2**53))),
    ),
    "fuzz-end-at-zero": (
        "bad-time",
        "the stream ends at tick 0: its index must not be used either",
        last(put(4, bytes(8))),
    ),
    "layers-more-than-head": (
        "bad-layers",
        "two layers where HEAD says one",
        first_group([0], layers=2),
    ),
    "layers-less-than-head": ("bad-layers", "HEAD says three layers", head(put(24, b"\3"))),
    "audio-not-announced": (
        "bad-audio",
        "AUDO without `audio` in HEAD",
        insert(SMALL, 2, (b"AUDO", build_audio(make_audio(0)))),
    ),
    "audio-overlap": (
        "bad-audio",
        "packets that start before the last ones end",
        insert(BASE, 4, (b"AUDO", build_audio(make_audio(599)))),
    ),
    "audio-after-trim": (
        "bad-audio",
        "AUDO after a trimmed one",
        insert(BASE, 3, (b"AUDO", build_audio(make_audio(0, 1, end_trim_samples=1)))),
    ),
    "payload-all-ones": (
        "bad-payload",
        "a layer no encoder writes",
        first_group([0], payload=b"\xff" * 40),
    ),
    "payload-trailing-zero": (
        "bad-payload",
        "a layer with a byte too many",
        small(lambda p: p + b"\0"),
    ),
    "payload-too-long": (
        "bad-payload",
        "more bytes than 48 digits can use",
        first_group([0], payload=b"\x55" * 120),
    ),
    "index-offset": ("bad-index", "a wrong distance", edit(BASE, b"INDX", lambda p: flip(p, 0, 4))),
    "index-position": (
        "bad-index",
        "a wrong position",
        edit(BASE, b"INDX", lambda p: flip(p, len(p) - 1)),
    ),
    "index-empty": ("bad-index", "no entries", edit(BASE, b"INDX", lambda p: b"")),
    "index-missing-sound": ("bad-index", "an AUDO was cut out", without(BASE, 5)),
    "total-frames": ("bad-total", "a wrong number of frames", last(put(3, b"\7"))),
    "total-index-size": ("bad-total", "a wrong size of INDX", last(put(15, b"\1"))),
    "total-chain": ("bad-total", "a wrong CRC of the CRCs", last(put(16, b"\0\0\0\0"))),
    "trailing-byte": ("trailing-data", "a byte after IEND", BASE + b"\0"),
    "trailing-stream": ("trailing-data", "two streams in one file", SMALL + SMALL),
    "unsupported-major": ("unsupported-version", "version 2.0", head(put(0, b"\2"))),
    "unsupported-major-new-layout": (
        "unsupported-version",
        "version 9.0, with another HEAD",
        head(lambda _: b"\x09\0??"),
    ),
    "unsupported-major-3": ("unsupported-version", "version 3.0", head(put(0, b"\3"))),
    "order-key-frame-in-2": ("bad-order", "KEYF in version 2.0", head(put(0, b"\2"))),
    "unsupported-critical": (
        "unsupported-chunk",
        "an unknown critical chunk",
        insert(BASE, 3, (b"NEWC", b"data")),
    ),
    "unsupported-levels": ("unsupported-layout", "seven levels", head(put(23, b"\7"))),
    "unsupported-groups": ("unsupported-layout", "eight groups", head(put(21, b"\x08"))),
}

VERSION_1_ONLY = {"unsupported-major": ("order-key-frame-in-2", 8)}
"""Vectors that hold for decoders of version 1 alone: the vector that says what later ones find in the same bytes, and the
byte offset of the error that is frozen."""

assert join(CHUNKS) == BASE
assert frame(*CHUNKS[-1]) == BASE[END:]
