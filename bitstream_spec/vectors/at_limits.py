"""Streams at a limit or one beyond it, each with no other fault: what a decoder without that check would take.

`VALID_LIMITS`: name -> bytes. `INVALID_LIMITS`: name -> (error code, what is wrong, bytes).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import replace

from broken_streams import BASE, SECOND_MOTN, first_group, head, pair, small
from raw_streams import edit, insert, put, split
from unlikely import least_likely
from whole_streams import LAST, noise, silent, sound

from tests.support.container import make_audio, make_group
from vqcodec.container import thin
from vqcodec.container.payloads import build_audio, build_motion, parse_motion
from vqcodec.container.varint import encode_varint
from vqcodec.entropy.codec import final_states
from vqcodec.format import GROUPS, SIGNATURE
from vqcodec.types import Crop, ModelId

PACKED_AT = 4
"""Where `steps` begin in the MOTN of SMALL."""
TOO_LATE = encode_varint(2**53)
NAME_AT = 25
"""Where the name of the motion space stands in HEAD, its length first."""
assert split(BASE)[0][1][NAME_AT] == 11


def name(data: bytes) -> bytes:
    """HEAD of BASE with another name of the motion space."""
    named = bytes([len(data)]) + data
    return head(lambda p: p[:NAME_AT] + named + p[NAME_AT + 12 :])


def crop(at: int, form: str, value: int) -> bytes:
    """HEAD of BASE with one field of its crop changed; `at` counts from the end."""
    packed = struct.pack(">" + form, value)
    return head(lambda p: p[: len(p) - at] + packed + p[len(p) - at + len(packed) :])


def audo_alone(payload: bytes) -> bytes:
    """A stream whose only AUDO holds this, INDX and IEND as if it did right."""
    return edit(sound(make_audio(0, 1)), b"AUDO", lambda _: payload)


def after_trim() -> bytes:
    """An AUDO in its right place behind one whose end is trimmed by a sample."""
    trimmed = sound(make_audio(0, 2, end_trim_samples=1))
    return insert(trimmed, 4, (b"AUDO", build_audio(make_audio(48_000))))


def one_packet_too_long() -> bytes:
    """Packets of 8191 and 8192 bytes: the greatest base, one bit."""
    fields = b"\0\x02\0" + encode_varint(8191) + b"\x01\x40"
    return audo_alone(fields + bytes(i % 251 for i in range(8191 + 8192)))


def named(data: str) -> bytes:
    """A valid stream whose models are called so."""
    model = ModelId(data, bytes(32))
    return silent(make_group(0, 1, 1), layers=1, motion_space=model, renderer=model)


def layer(payload: bytes) -> bytes:
    """One frame whose only layer is this."""
    return first_group([0], payload=payload)


def digits(change: Callable[[bytes, int], bytes], frames: int = 12) -> bytes:
    """Frames of noise, the payload of their only layer changed; `change` gets it, and the bytes a decoder takes of it."""
    stream = with_layer_1_of(noise(frames))
    group = parse_motion(split(stream)[2][1])
    payload = group.payloads[0]
    taken = final_states([payload], len(group.ticks), GROUPS)[0][2]
    changed = replace(group, payloads=(change(payload, taken),))
    return edit(stream, b"MOTN", lambda _: build_motion(changed))


def with_layer_1_of(stream: bytes) -> bytes:
    """What `thin` makes of a stream."""
    sink = io.BytesIO()
    thin(io.BytesIO(stream), sink, 1)
    return sink.getvalue()


def ended_at(tick: int) -> Callable[[bytes], bytes]:
    """A change of IEND."""
    return put(4, struct.pack(">Q", tick))


def flagged(stream: bytes, flags: int) -> bytes:
    """HEAD with these flags, and nothing else changed."""
    return edit(stream, b"HEAD", put(2, bytes([flags])))


def one_frame(**changes: object) -> bytes:
    """The smallest stream but for its HEAD."""
    return silent(make_group(0, 1, 1), layers=1, **changes)


VALID_LIMITS: dict[str, bytes] = {
    "tokens-least-likely": least_likely(),
    "synthetic-without-sound": one_frame(synthetic=True),
    "held-frames-4-layers": silent(make_group(0, 3, 4, held=(1,))),
    "times-index-one-byte": silent(
        *[make_group(i, 1, 1, first_tick=tick) for i, tick in enumerate((0, 100, 136, 236))],
        layers=1,
    ),
    "crop-outside-below": one_frame(crop=Crop(1, 65_535, 131_070, -131_070, 1)),
    "names-byte-order-mark": named("\ufeffname\ufeff"),
    "names-beside-controls": named(" ~\u00a0\u2028\U0010ffff"),
    "names-64-bytes": named("n" * 64),
}

INVALID_LIMITS: dict[str, tuple[str, str, bytes]] = {
    "signature-wrong-and-short": ("bad-signature", "three right bytes, a wrong one", b"\xd6VQX"),
    "cut-in-type-not-letters": ("truncated", "two digits", BASE[:SECOND_MOTN] + b"12"),
    "cut-in-length-of-three": ("truncated", "in a length", BASE[: SECOND_MOTN + 4] + b"\x80\x80"),
    "cut-in-length-too-large": (
        "truncated",
        "in a length that is above the limit already",
        SIGNATURE + b"HEAD" + b"\xff" * 7,
    ),
    "unsupported-critical-case": (
        "unsupported-chunk",
        "MOTN with a small second letter is another type",
        insert(BASE, 4, (b"MoTN", pair(4)[1])),
    ),
    "unsupported-critical-fourth-letter": (
        "unsupported-chunk",
        "MOTN with a small fourth letter is another type",
        insert(BASE, 4, (b"MOTn", pair(4)[1])),
    ),
    "unsupported-critical-after-index": (
        "unsupported-chunk",
        "an unknown critical chunk between INDX and IEND",
        insert(BASE, 7, (b"NEWC", b"")),
    ),
    "type-at-sign": (
        "bad-type",
        "the character before A in a type",
        insert(BASE, 2, (b"@OTE", b"")),
    ),
    "type-bracket": (
        "bad-type",
        "the character after Z in a type",
        insert(BASE, 2, (b"no[e", b"")),
    ),
    "type-accent": (
        "bad-type",
        "the character before a in a type",
        insert(BASE, 2, (b"`oTe", b"")),
    ),
    "type-brace": ("bad-type", "the character after z in a type", insert(BASE, 2, (b"noT{", b""))),
    "varint-nine-bytes-whole": (
        "bad-varint",
        "a first frame whose ninth byte is its last",
        small(lambda p: b"\x80" * 8 + b"\x01" + p[1:]),
    ),
    "crc-zero": (
        "bad-crc",
        "a CRC of zeros",
        BASE[: SECOND_MOTN - 4] + bytes(4) + BASE[SECOND_MOTN:],
    ),
    "value-major-0-minor-1": ("bad-value", "version 0.1", head(put(0, b"\0\1"))),
    "value-reserved-flag-alone": ("bad-value", "bit 3 of the flags", flagged(one_frame(), 8)),
    "unsupported-groups-13": ("unsupported-layout", "13 groups", head(put(21, b"\x0d"))),
    "unsupported-dimensions-3": ("unsupported-layout", "three dimensions", head(put(22, b"\3"))),
    "unsupported-levels-4": ("unsupported-layout", "four levels", head(put(23, b"\4"))),
    "value-channels-0": (
        "bad-value",
        "no channel",
        edit(sound(), b"HEAD", lambda p: p[:-23] + b"\0" + p[-22:]),
    ),
    "frame-key-frame-late": (
        "bad-frame",
        "a KEYF for frame 0 behind four frames",
        insert(BASE, 4, (b"KEYF", pair(1)[1])),
    ),
    "time-end-past-greatest": (
        "bad-time",
        "the last frame has the greatest tick, so that none is left for its end",
        edit(edit(silent(LAST, layers=1), b"MOTN", put(11, b"\x09")), b"IEND", ended_at(2**53 - 1)),
    ),
    "value-packet-width": ("bad-value", "lengths of 14 bits", audo_alone(b"\0\1\0\1\x0e\0\0x")),
    "total-frames-high": (
        "bad-total",
        "more frames than there are",
        edit(BASE, b"IEND", put(3, b"\x09")),
    ),
    "value-time-base-0-of-1": (
        "bad-value",
        "a time base of 0/1",
        head(put(5, struct.pack(">II", 0, 1))),
    ),
    "value-frame-rate-0-of-1": (
        "bad-value",
        "0/1 frames/s",
        head(put(13, struct.pack(">II", 0, 1))),
    ),
    "value-coded-size-4097": ("bad-value", "a coded size of 4097", head(put(3, b"\x10\x01"))),
    "value-name-65-bytes": ("bad-value", "a name of 65 bytes", name(b"n" * 65)),
    "text-delete": ("bad-text", "U+007F in a name", name(b"a\x7fb")),
    "text-control-80": ("bad-text", "U+0080 in a name", name("a\x80b".encode())),
    "text-control-9f": ("bad-text", "U+009F in a name", name("a\x9fb".encode())),
    "text-control-1f": ("bad-text", "U+001F in a name", name(b"a\x1fb")),
    "text-control-0": ("bad-text", "U+0000 in a name", name(b"a\0b")),
    "text-overlong": ("bad-text", "a letter in two bytes", name(b"a\xc1\xa1b")),
    "text-above-unicode": ("bad-text", "U+110000 in a name", name(b"\xf4\x90\x80\x80")),
    "value-crop-width-0": ("bad-value", "a source 0 pixels wide", crop(16, "H", 0)),
    "value-crop-height-0": ("bad-value", "a source 0 pixels high", crop(14, "H", 0)),
    "value-crop-x-low": ("bad-value", "x of -131071", crop(12, "i", -131_071)),
    "value-crop-x-high": ("bad-value", "x of 131071", crop(12, "i", 131_071)),
    "value-crop-y-low": ("bad-value", "y of -131071", crop(8, "i", -131_071)),
    "value-crop-y-high": ("bad-value", "y of 131071", crop(8, "i", 131_071)),
    "value-crop-side-0": ("bad-value", "a square of 0 pixels", crop(4, "I", 0)),
    "value-crop-side-131071": ("bad-value", "a square of 131071 pixels", crop(4, "I", 131_071)),
    "value-first-tick": (
        "bad-value",
        "a first tick of 2^53",
        edit(silent(make_group(0, 1, 1), layers=1), b"MOTN", lambda p: p[:3] + TOO_LATE + p[4:]),
    ),
    "value-step-high": (
        "bad-value",
        "a step of 2^33 + 1",
        small(lambda p: p[:PACKED_AT] + encode_varint(2**33 + 1) + b"\0"),
    ),
    "value-step-element-high": (
        "bad-value",
        "a step of 2^33 + 1 from a base of 2^33",
        small(lambda p: p[:PACKED_AT] + encode_varint(2**33) + b"\x01\x40"),
    ),
    "value-first-sample": (
        "bad-value",
        "a first sample of 2^53",
        audo_alone(TOO_LATE + build_audio(make_audio(0, 1))[1:]),
    ),
    "value-801-packets": (
        "bad-value",
        "801 packets",
        audo_alone(b"\0" + encode_varint(801) + b"\0\x01\0" + bytes(801)),
    ),
    "value-end-trim-5761": (
        "bad-value",
        "a trim of 5761 samples",
        audo_alone(b"\0\x01" + encode_varint(5761) + b"\x01\0x"),
    ),
    "value-packet-element-high": ("bad-value", "a packet of 8192 bytes", one_packet_too_long()),
    "audio-after-trim-alone": ("bad-audio", "AUDO after a trimmed one, in its place", after_trim()),
    "payload-other-end": (
        "bad-payload",
        "a last word within the interval, but not the shortest",
        digits(lambda p, taken: p.ljust(taken - 1, b"\0") + b"\1"),
    ),
    "payload-other-last-byte": (
        "bad-payload",
        "a last byte within the interval, but not the first one there",
        digits(lambda p, taken: p[:-1] + bytes([p[-1] + 1]), frames=6),
    ),
    "payload-other-last-byte-at-rest": ("bad-payload", "no motion, in one byte", layer(b"\1")),
    "payload-zero-behind-digits": (
        "bad-payload",
        "a zero behind the last byte",
        digits(lambda p, taken: p + b"\0"),
    ),
    "payload-other-end-at-rest": ("bad-payload", "no motion, in four bytes", layer(b"\0\0\0\1")),
    "payload-one-byte-more": (
        "bad-payload",
        "a byte behind the last one taken",
        digits(lambda p, taken: p.ljust(taken, b"\0") + b"\1"),
    ),
    "payload-one-byte-more-at-rest": (
        "bad-payload",
        "no motion, and a byte behind the last one taken",
        layer(b"\0\0\0\0\1"),
    ),
}
