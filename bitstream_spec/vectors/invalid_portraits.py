"""The streams of vectors/invalid about major version 2: name -> (error code, what is wrong, bytes)."""

from __future__ import annotations

from broken_streams import SMALL
from raw_streams import edit, insert, join, put, split, without
from valid_portraits import LATEST_S, Run, group, latest, portrait, silent

from tests.support.units import obu, sequence_header
from vqcodec.container.varint import decode_varint, encode_varint

# chunks: 0 HEAD, 1 PORT 0.0, 2 MOTN, 3 PORT 0.1, 4 MOTN from 1, 5 PORT 1.0, 6 MOTN, 7 INDX, 8 IEND
BASE_2 = silent(
    portrait(),
    group(0, 4),
    portrait(1, first=4),
    group(4, 4, 0, Run(4, 1)),
    portrait(first=8, shot=1),
    group(8, 4, 1),
    delay_ms=40,
)
CHUNKS_2 = split(BASE_2)
SAME = b"\x80\x80\x02\x00"  # 48 features that are 0, or those of number 0
KEY_UNIT, UNIT = portrait().unit, portrait(1).unit
HEADER = sequence_header()


def head(change: object) -> bytes:
    """HEAD changed."""
    return edit(BASE_2, b"HEAD", change)  # type: ignore[arg-type]


def port(
    number: int = 0,
    depends_on: int | None = None,
    *,
    first: int = 0,
    shot: int = 0,
    form: int = 0,
    features: bytes = SAME,
    unit: bytes | None = None,
) -> tuple[bytes, bytes]:
    """A PORT whose fields may be wrong."""
    before = b"" if depends_on is None else encode_varint(depends_on)
    fields = b"".join(encode_varint(value) for value in (first, shot, number)) + bytes([form])
    body = unit if unit is not None else UNIT if number else KEY_UNIT
    return b"PORT", fields + before + features + body


def motn(told: bytes = b"", form: int = 8, shot: int = 0, first: int = 0) -> tuple[bytes, bytes]:
    """A MOTN of four frames at rest, one layer, whose runs may be wrong."""
    steps = bytes([first, 4, form, first, 1, 0])
    return b"MOTN", steps + encode_varint(shot) + told


def stream(*pairs: tuple[bytes, bytes]) -> bytes:
    """These chunks between HEAD, INDX and IEND; the last two fit another stream."""
    return join([CHUNKS_2[0], *pairs, *CHUNKS_2[-2:]])


def told(why: str, runs: bytes, code: str = "bad-value") -> tuple[str, str, bytes]:
    """Runs of a group behind portraits 0 and 1."""
    return code, why, stream(port(), port(1, 0), motn(runs))


def first_unit(why: str, header: bytes = HEADER, frame: bytes = b"\x10") -> tuple[str, str, bytes]:
    """Number 0 with another sequence header or frame."""
    return unit(why, obu(1, header) + obu(6, frame), 0)


def unit(why: str, data: bytes, number: int = 1) -> tuple[str, str, bytes]:
    """A wrong unit of number 0 or 1."""
    pairs = [port(1, 0, unit=data)] if number else []
    return "bad-unit", why, stream(port(unit=KEY_UNIT if number else data), *pairs, motn(form=0))


def named(
    why: str, *pairs: tuple[bytes, bytes], code: str = "bad-portrait"
) -> tuple[str, str, bytes]:
    """Chunks that don't fit each other."""
    return code, why, stream(*pairs)


def path(count: int) -> list[tuple[bytes, bytes]]:
    """Portraits, each predicted from the one before."""
    return [port(n, n - 1 if n else None) for n in range(count)]


def late(why: str, kind: bytes, times: tuple[int, int], which: int = 0) -> tuple[str, str, bytes]:
    """A stream whose latest time became a later one."""
    before, after = map(encode_varint, times)
    return "bad-time", why, edit(latest(), kind, lambda p: p.replace(before, after, 1), which)


def alike(index: bytes) -> bytes:
    """The index with its first entry of kind 3 made one of kind 0."""
    at = 0
    while index[at] & 3 != 3:
        for _ in range(2):
            at = decode_varint(index, at)[1]
    return index[:at] + bytes([index[at] & 0xFC]) + index[at + 1 :]


INVALID_2: dict[str, tuple[str, str, bytes]] = {
    "2-unknown-in-1": ("unsupported-chunk", "PORT in version 1.0", insert(SMALL, 2, port())),
    "2-value-reserved-flag": ("bad-value", "bit 4 of the flags", head(put(2, b"\x18"))),
    "2-value-delay-0": ("bad-value", "a delay of 0 ms", head(lambda p: p[:-2] + b"\0\0")),
    "2-layout-delay-missing": ("bad-layout", "a live stream without delay", head(lambda p: p[:-2])),
    "2-order-two-shots": named("a shot without MOTN", port(), port(shot=1), code="bad-order"),
    "2-order-shot-last": ("bad-order", "no MOTN after the last shot began", without(BASE_2, 6)),
    "2-order-motion-first": ("bad-order", "MOTN before the first PORT", without(BASE_2, 1)),
    "2-frame-portrait-early": named("a PORT at frame 1", port(first=1), code="bad-frame"),
    "2-portrait-first-shot": named("the first shot is number 1", port(shot=1)),
    "2-portrait-shot-skipped": named(
        "shot 2 after shot 0", port(), motn(form=0), port(shot=2, first=4)
    ),
    "2-portrait-shot-again": named("shot 0 twice", port(), motn(form=0), port(first=4)),
    "2-portrait-number-first": named("number 1 before any other", port(1, 0)),
    "2-portrait-number-skipped": named("number 2 after number 0", port(), port(2, 0)),
    "2-portrait-number-again": named("number 1 twice", port(), port(1, 0), port(1, 0)),
    "2-portrait-of-next-shot": named("number 1 of a shot to come", port(), port(1, 0, shot=1)),
    "2-portrait-first-continues": named("the first shot continues another one", port(form=1)),
    "2-portrait-later-continues": named("number 1 continues", port(), port(1, 0, form=1)),
    "2-portrait-path-9": named("a path of nine units", *path(9)),
    "2-portrait-group-of-next-shot": named("a group of shot 1", port(), motn(form=0, shot=1)),
    "2-portrait-run-to-come": named("a run from number 1", port(), motn(b"\x01\x01\0")),
    "2-portrait-other-to-come": named("a second one to come", port(), motn(b"\x01\0\x02\x08")),
    "2-portrait-of-last-shot": named(
        "a run from number 1 of the shot before",
        *[port(), port(1, 0), motn(form=0), port(shot=1, first=4)],
        motn(b"\x01\x01\0", shot=1, first=4),
    ),
    "2-portrait-with-itself": told("1 together with 1", b"\x01\x01\x02\x08", "bad-portrait"),
    "2-value-portrait-form": named("bit 1 of form", port(form=2), code="bad-value"),
    "2-value-number-4096": named("number 4096", port(4096, 0), code="bad-value"),
    "2-value-depends-on-itself": named(
        "number 1 depends on 1", port(), port(1, 1), code="bad-value"
    ),
    "2-value-features-width": named(
        "features 17 bits wide", port(features=b"\0\x11" + bytes(102)), code="bad-value"
    ),
    "2-value-features-sum": named(
        "features of 32768",
        port(features=b"\xff\xff\x03\0"),
        port(1, 0, features=b"\x81\x80\x02\0"),
        code="bad-value",
    ),
    "2-value-unit-empty": named("no unit", port(unit=b""), code="bad-value"),
    "2-layout-portrait": named(
        "PORT ends in features", (b"PORT", port()[1][:6]), code="bad-layout"
    ),
    "2-value-motion-form": named("bit 4 of form", port(), motn(form=16), code="bad-value"),
    "2-value-no-runs": told("a count of 0 runs", b"\0"),
    "2-value-run-too-long": told("4 frames and a rest of none", b"\x02\x04\0\0\x01\0"),
    "2-value-run-of-0": told("a run of no frames", b"\x02\0\0\0\x01\0"),
    "2-value-run-weight": told("a weight of 16", b"\x01\0\x02\x10"),
    "2-value-runs-alike": told("1 alone twice", b"\x02\x02\x01\0\x01\0"),
    "2-value-runs-needless": told("only portrait 0", b"\x01\0\0"),
    "2-layout-runs": told("MOTN ends in a run", b"\x02\x02\0", "bad-layout"),
    "2-time-shot": (
        "bad-time",
        "a shot of 60.04 s",
        edit(BASE_2, b"MOTN", lambda p: p[:3] + b"\xda\x0b" + p[4:], 1),
    ),
    "2-time-motion-late": late(
        "a tick past 1 048 576 s", b"MOTN", (25 * LATEST_S - 2, 25 * LATEST_S), 1
    ),
    "2-time-sound-late": late("sound past it", b"AUDO", (48_000 * LATEST_S, 48_000 * LATEST_S + 1)),
    "2-time-end-late": (
        "bad-time",
        "an end past it",
        edit(latest(), b"IEND", put(4, (25 * LATEST_S + 1).to_bytes(8, "big"))),
    ),
    "2-index-kind": ("bad-index", "kind 0 for a later PORT", edit(BASE_2, b"INDX", alike)),
    "2-index-portrait-missing": (
        "bad-index",
        "a PORT that no group shows was cut out",
        without(silent(portrait(), portrait(1), group(0, 1)), 2),
    ),
    "2-unit-forbidden-bit": unit("the forbidden bit of an OBU", obu(6, b"\x30", header=0x82)),
    "2-unit-reserved-bit": unit("the reserved bit of an OBU", obu(6, b"\x30", header=3)),
    "2-unit-extension": unit("an OBU with an extension", b"\x36\0\x01\x30"),
    "2-unit-no-size": unit("an OBU without a size", b"\x30\x30"),
    "2-unit-too-short": unit("an OBU longer than the unit", obu(6, b"\x30", size=b"\x02")),
    "2-unit-too-long": unit("a byte after the last OBU", UNIT + b"\0"),
    "2-unit-size-nine-bytes": unit(
        "a size of nine bytes", obu(6, b"\x30", size=b"\x81" + b"\x80" * 7 + b"\0")
    ),
    "2-unit-delimiter": unit("a temporal delimiter", b"\x12\0" + UNIT),
    "2-unit-two-frames": unit("two frames", UNIT + UNIT),
    "2-unit-frame-empty": unit("a frame of no bytes", obu(6, b"")),
    "2-unit-frame-header": unit("a frame header and a tile group", obu(3, b"\x30") + obu(4, b"x")),
    "2-unit-sequence-later": unit("a sequence header with number 1", obu(1, HEADER) + UNIT),
    "2-unit-no-sequence": unit("number 0 without a sequence header", obu(6, b"\x10"), 0),
    "2-unit-shown-again": unit("a picture shown again", obu(6, b"\xb0")),
    "2-unit-not-shown": unit("a picture that is not shown", obu(6, b"\x20")),
    "2-unit-intra-only": unit("an intra-only picture", obu(6, b"\x50")),
    "2-unit-key-later": unit("a key picture as number 1", obu(6, b"\x10")),
    "2-unit-inter-first": first_unit("an inter picture as number 0", frame=b"\x30"),
    "2-unit-profile": first_unit("profile 1", sequence_header(profile=1)),
    "2-unit-still": first_unit("a still picture", sequence_header(still=1)),
    "2-unit-timing": first_unit("timing", sequence_header(timing=1)),
    "2-unit-frame-ids": first_unit("frame numbers", sequence_header(numbered=1)),
    "2-unit-10-bits": first_unit("10 bits a sample", sequence_header(deep=1)),
    "2-unit-monochrome": first_unit("no colour", sequence_header(monochrome=1)),
    "2-unit-rgb": first_unit("RGB, so 4:4:4", sequence_header(colour=(1, 13, 0))),
    "2-unit-film-grain": first_unit("film grain", sequence_header(grain=1)),
    "2-unit-size": first_unit("pictures of 511 pixels", sequence_header(511)),
    "2-unit-header-cut": first_unit("a sequence header cut off", HEADER[:-1]),
}

assert join(CHUNKS_2) == BASE_2
