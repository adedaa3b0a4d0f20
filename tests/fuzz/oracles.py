"""What must hold for any bytes whatever: the oracles of the fuzzer and of tests/container/test_fuzz.py.

`check` runs a stream through everything that reads one, and through the reference decoder, and asserts that
* nothing but a typed error with a code of vqt.md, section 14, comes out;
* a file, a pipe that gives a few bytes at a time, `verify`, the undecoded walk and the reference decoder agree;
* recovery reads what is valid as it is, and of anything else gives groups in order;
* what is valid codes to the same bytes again, thins to a valid stream, and gives the same from its index as in order.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

import vqcodec.container.reader as reader_module
import vqcodec.container.recover as recover_module
from tests.support.container import same_item
from vqcodec.container import CodedGroup, Reader, UnsupportedStreamError, thin, verify
from vqcodec.container.chunks import is_safe_to_copy
from vqcodec.container.faults import HINTS, UNSUPPORTED_HINTS
from vqcodec.container.items import ITEM_TYPES, item_position
from vqcodec.container.ledger import MAX_HOLE_S
from vqcodec.container.recover import RecoveringReader
from vqcodec.entropy import encode_layers
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import AUDIO_RATE_HZ, MIN_PACKET_SAMPLES, PRE_ROLL_SAMPLES
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup

Refusal = tuple[str, int]
"""Error code and byte offset."""

EXACT = {"bad-signature", "truncated", "bad-type", "bad-length", "bad-crc", "trailing-data"}
"""Codes of steps 1 to 4 (vqt.md, section 3): never one of several that may be reported."""

_recoded: set[tuple[tuple[bytes, ...], int]] = set()


def remember_tokens(reference: Any, size: int = 4096) -> None:
    """Decode each group's payloads once in a process: most changes leave most groups as they were."""
    decode = lru_cache(size)(reader_module.decode_layers)
    reader_module.decode_layers = recover_module.decode_layers = lambda payloads, frames: decode(
        tuple(payloads), frames
    )
    original = reference.decode_group
    second = lru_cache(size)(lambda layers, frames: original(list(layers), frames))
    reference.decode_group = lambda layers, frames: second(tuple(layers), frames)


class Pipe(io.RawIOBase):
    """Can't seek, and gives at most 7 bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(min(7, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


@dataclass
class Walk:
    """What came before the end or the error."""

    items: list[Any] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    refusal: Refusal | None = None


def refusal(error: BitstreamError | UnsupportedStreamError) -> Refusal:
    """Code and offset of a typed error, which must have all that it promises."""
    known = HINTS if isinstance(error, BitstreamError) else UNSUPPORTED_HINTS
    assert error.code in known, f"{error!r} has an unknown code"
    assert error.hint and error.offset is not None, f"{error!r} lacks a hint or an offset"
    assert f"[{error.code}]" in str(error) and f"at byte {error.offset}" in str(error)
    return error.code, error.offset


def walk_coded(data: bytes) -> Walk:
    """Every chunk, tokens left as they are."""
    walk = Walk()
    try:
        reader = Reader(io.BytesIO(data))
        for chunk, value in reader.chunks():
            if value is not None:
                walk.items.append(value)
                walk.offsets.append(chunk.offset)
        reader.check_nothing_follows()
    except (BitstreamError, UnsupportedStreamError) as error:
        walk.refusal = refusal(error)
    return walk


def walk_pipe(data: bytes) -> Walk:
    """Every item, tokens decoded, from a pipe."""
    walk = Walk()
    try:
        reader = Reader(Pipe(data))  # type: ignore[arg-type]  # RawIOBase is a BinaryIO in all that is used
        for item in reader:
            walk.items.append(item)
        reader.check_nothing_follows()
    except (BitstreamError, UnsupportedStreamError) as error:
        walk.refusal = refusal(error)
    return walk


def work(items: list[Any]) -> int:
    """Frames times layers: what decoding and the reference decoder take time for."""
    return sum(
        len(item.ticks) * len(item.payloads) for item in items if isinstance(item, CodedGroup)
    )


def check(data: bytes, reference: Any, max_work: int = 400) -> str:
    """Assert everything this module's head says.

    Args:
        data: a stream, or anything.
        reference: the reference decoder's module.
        max_work: frames times layers above which tokens are not decoded (a group of 240 frames takes 14 bytes).

    Returns:
        "valid", an error code, or "long".
    """
    coded = walk_coded(data)
    if work(coded.items) > max_work:
        return "long"
    decoded = walk_pipe(data)
    agree_on_items(coded, decoded)
    try:
        report = verify(io.BytesIO(data))
        found = None
    except (BitstreamError, UnsupportedStreamError) as error:
        found = refusal(error)
    assert found == decoded.refusal, f"verify says {found}, the reader {decoded.refusal}"
    check_recovery(data, decoded)
    expected = opinion(data, reference)
    agree_with_reference(found, expected)
    if found is None:
        assert isinstance(expected, dict)
        check_totals(report, decoded, expected)
        check_recoding(coded, decoded)
        check_random_access(data, decoded.items, coded)
        check_thinning(data, coded)
        return "valid"
    check_damaged_random_access(data)
    check_damaged_thinning(data)
    return found[0]


def opinion(data: bytes, reference: Any) -> Refusal | dict[str, Any]:
    """What the reference decoder says."""
    try:
        result: dict[str, Any] = reference.Decoder(data).run()
    except reference.Fault as fault:
        code, offset = fault.args
        return code, offset
    return result


def agree_on_items(coded: Walk, decoded: Walk) -> None:
    """The undecoded walk differs in that it doesn't see bad payloads."""
    if decoded.refusal is None or decoded.refusal[0] != "bad-payload":
        assert coded.refusal == decoded.refusal, (
            f"undecoded {coded.refusal}, decoded {decoded.refusal}"
        )
        assert len(coded.items) == len(decoded.items)
    else:
        assert decoded.refusal[1] == coded.offsets[len(decoded.items)], (
            "bad-payload lies at another chunk"
        )
    for one, two in zip(coded.items, decoded.items, strict=False):
        if isinstance(one, CodedGroup):
            assert isinstance(two, MotionGroup) and one.first_frame == two.first_frame
            assert np.array_equal(one.ticks, two.ticks) and np.array_equal(
                one.low_confidence, two.low_confidence
            )
            assert (
                two.indices.shape == (len(one.ticks), 12, len(one.payloads))
                and int(two.indices.max()) < 625
            )
        else:
            assert same_item(one, two)


def agree_with_reference(found: Refusal | None, expected: Refusal | dict[str, Any]) -> None:
    """Accept and refuse alike, at the same byte; the code may differ where several rules are broken in one payload."""
    refused = None if isinstance(expected, dict) else expected
    assert (found is None) == (refused is None), (
        f"vqcodec says {found}, the reference decoder {refused}"
    )
    if found is not None and refused is not None:
        assert found[1] == refused[1], f"vqcodec says {found}, the reference decoder {refused}"
        if {found[0], refused[0]} & EXACT:
            assert found[0] == refused[0], f"vqcodec says {found}, the reference decoder {refused}"


def check_recovery(data: bytes, decoded: Walk) -> None:
    """Recovery gives all of a valid stream, and of any other groups that follow each other."""
    try:
        reader = RecoveringReader(Pipe(data))  # type: ignore[arg-type]
        found = list(reader)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)
        assert decoded.refusal is not None or has_long_hole(data), (
            f"recovery refuses a valid stream: {error}"
        )
        return
    intact = decoded.refusal is None and not has_long_hole(data)
    for kind in (KeyFrame, MotionGroup, AudioGroup):
        mine, theirs = (
            [item for item in items if isinstance(item, kind)] for items in (found, decoded.items)
        )
        if intact:
            assert len(mine) == len(theirs) and all(map(same_item, mine, theirs)), (
                f"recovery gives another {kind.__name__}"
            )
    assert not (intact and reader.damage.any), reader.damage
    groups = [item for item in found if isinstance(item, MotionGroup)]
    for before, after in pairwise(groups):
        assert (
            before.first_frame + len(before.ticks) <= after.first_frame
            and before.ticks[-1] < after.ticks[0]
        )
    sounds = [item for item in found if isinstance(item, AudioGroup)]
    for one, two in pairwise(sounds):
        assert one.first_sample + MIN_PACKET_SAMPLES * len(one.packets) <= two.first_sample
    assert isinstance(found[0], KeyFrame) or reader.damage.any


def has_long_hole(data: bytes) -> bool:
    """Whether times jump so far that recovery takes them for damage (vqcodec.container.ledger); half of it is near enough."""
    reader = Reader(io.BytesIO(data))
    tick = sample = 0
    holes = []
    for item in reader.coded():
        if isinstance(item, CodedGroup):
            holes.append((int(item.ticks[0]) - tick) * reader.head.time_base_s)
            tick = int(item.ticks[-1])
        elif isinstance(item, AudioGroup):
            holes.append(Fraction(item.first_sample - sample, AUDIO_RATE_HZ))
            sample = item.first_sample
    assert reader.end_tick is not None
    return max(*holes, (reader.end_tick - tick) * reader.head.time_base_s) > MAX_HOLE_S / 2


def check_totals(report: Any, decoded: Walk, expected: dict[str, Any]) -> None:
    """Counts, sizes and tokens."""
    groups = [item for item in decoded.items if isinstance(item, MotionGroup)]
    assert report.token_sha256 == expected["token_sha256"]
    assert (report.groups, report.frames) == (
        len(groups),
        sum(len(group.ticks) for group in groups),
    )
    assert (expected["groups"], expected["frames"]) == (report.groups, report.frames)
    for purpose, size in expected["sizes"].items():
        assert getattr(report.sizes, purpose) == size, purpose
    assert expected["last_tokens"] == groups[-1].indices[-1].ravel().tolist()
    assert expected["last_tick"] == int(groups[-1].ticks[-1])


def check_recoding(coded: Walk, decoded: Walk) -> None:
    """A payload that is accepted is the one that an encoder writes (entropy.md, section 3.4)."""
    for one, two in zip(coded.items, decoded.items, strict=True):
        if isinstance(one, CodedGroup) and (one.payloads, len(one.ticks)) not in _recoded:
            assert tuple(encode_layers(two.indices)) == one.payloads
            _recoded.add((one.payloads, len(one.ticks)))


def check_random_access(data: bytes, items: list[Any], coded: Walk) -> None:
    """The index and what it leads to are what reading in order gives."""
    reader = Reader(io.BytesIO(data))
    index = reader.index()
    assert [entry.offset for entry in index.entries] == coded.offsets
    for entry, item in zip(index.entries, coded.items, strict=True):
        assert data[entry.offset : entry.offset + 4] == ITEM_TYPES[entry.kind]
        assert entry.position == item_position(item)
    head = reader.head
    starts = [
        int(item.ticks[len(item.ticks) // 2]) for item in items if isinstance(item, MotionGroup)
    ]
    for tick in {0, starts[0], starts[-1], starts[len(starts) // 2] - 1, index.end_tick - 1}:
        if tick >= 0:
            start_s = (tick + Fraction(1, 3)) * head.time_base_s
            expected = playable_from(items, start_s, head)
            found = list(reader.groups_from(start_s))
            assert len(found) == len(expected) and all(map(same_item, found, expected)), (
                f"playing from {start_s} s"
            )


def playable_from(items: list[Any], start_s: Fraction, head: Any) -> list[Any]:
    """vqt.md, section 11, "Random access", from all items."""
    motion = [i for i, item in enumerate(items) if isinstance(item, MotionGroup)]
    first = max(
        [i for i in motion if int(items[i].ticks[0]) * head.time_base_s <= start_s],
        default=motion[0],
    )
    key_frame = max(i for i in range(first) if isinstance(items[i], KeyFrame))
    sound = [i for i, item in enumerate(items) if isinstance(item, AudioGroup)]
    pre_skip = head.audio.pre_skip_samples if head.audio else 0
    sample = start_s * AUDIO_RATE_HZ + pre_skip - PRE_ROLL_SAMPLES
    first_sound = max(
        [i for i in sound if items[i].first_sample <= sample], default=min(sound, default=0)
    )
    rest = [
        item
        for i, item in enumerate(items)
        if i >= (first_sound if isinstance(item, AudioGroup) else first)
    ]
    return [items[key_frame], *rest]


def check_thinning(data: bytes, coded: Walk) -> None:
    """Thinner streams are valid, and hold the same coarse layers, sound and safe ancillary chunks."""
    reader = Reader(io.BytesIO(data))
    kept = [
        (chunk.type, chunk.payload)
        for chunk, value in reader.chunks()
        if value is None and is_safe_to_copy(chunk.type)
    ]
    for layers in range(1, reader.head.layers + 1):
        sink = io.BytesIO()
        sizes = thin(io.BytesIO(data), sink, layers)
        thinner = sink.getvalue()
        assert sizes.portrait + sizes.motion + sizes.audio + sizes.container == len(thinner)
        walk = walk_coded(thinner)
        assert walk.refusal is None, f"thinned to {layers} layers: {walk.refusal}"
        again = Reader(io.BytesIO(thinner))
        assert [
            (chunk.type, chunk.payload) for chunk, value in again.chunks() if value is None
        ] == kept
        assert again.head.layers == layers and again.end_tick == reader.end_tick
        for one, two in zip(coded.items, walk.items, strict=True):
            if isinstance(one, CodedGroup):
                assert one.payloads[:layers] == two.payloads and np.array_equal(
                    one.ticks, two.ticks
                )
                assert np.array_equal(one.low_confidence, two.low_confidence)
            else:
                assert same_item(one, two)


def check_damaged_random_access(data: bytes) -> None:
    """A damaged file's index gives typed errors, or groups of this file."""
    try:
        reader = Reader(io.BytesIO(data))
        index = reader.index()
        for start_s in (Fraction(0), index.end_tick * reader.head.time_base_s / 2):
            for item in reader.groups_from(start_s):
                assert isinstance(item, KeyFrame | MotionGroup | AudioGroup)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)


def check_damaged_thinning(data: bytes) -> None:
    """A damaged file can't be thinned to its end; payloads that don't decode pass unseen."""
    try:
        thin(io.BytesIO(data), io.BytesIO(), 1)
    except (BitstreamError, UnsupportedStreamError) as error:
        refusal(error)
    except UsageError as error:
        raise AssertionError(f"thin blames its caller for a damaged file: {error}") from error
