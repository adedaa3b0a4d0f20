"""What must hold for any bytes whatever: the oracles of the fuzzer and of tests/container/test_fuzz.py.

`check` runs a stream through everything that reads one, and through the reference decoder, and asserts that
* nothing but a typed error with a code of vqt.md, section 14, comes out;
* a file, a pipe that gives a few bytes at a time, `verify`, the undecoded walk and the reference decoder agree;
* recovery reads what is valid as it is, and of anything else gives groups in order;
* what is valid codes to the same bytes again, thins to a valid stream, and gives the same from its index as in order.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np

from tests.fuzz.promises import (
    check_damaged_random_access,
    check_damaged_thinning,
    check_random_access,
    check_recovery,
    check_thinning,
)
from tests.fuzz.walks import Refusal, Walk, decode_once, refusal, walk_coded, walk_pipe, work
from tests.support.container import same_item
from vqcodec.container import CodedGroup, RelativePortrait, UnsupportedStreamError, verify
from vqcodec.entropy import encode_layers
from vqcodec.errors import BitstreamError
from vqcodec.types import MotionGroup, PortraitUnit

EXACT = {"bad-signature", "truncated", "bad-type", "bad-length", "bad-crc", "trailing-data"}
"""Codes of steps 1 to 4 (vqt.md, section 3): never one of several that may be reported."""

_recoded: set[tuple[tuple[bytes, ...], int, int]] = set()


def remember_tokens(reference: Any, size: int = 4096) -> None:
    """Let the reference decoder, too, decode each group's payloads once in a process."""
    original = reference.decode_group
    second = lru_cache(size)(lambda layers, *sizes: original(list(layers), *sizes))
    reference.decode_group = lambda layers, *sizes: second(tuple(layers), *sizes)


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
        report = verify(io.BytesIO(data), decode=decode_once)
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
            frames, groups, layers = two.indices.shape
            assert (frames, layers) == (len(one.ticks), len(one.payloads)) and 12 <= groups <= 32
            assert int(two.indices.max()) < 625
            assert (one.shot, one.runs) == (two.shot, two.runs)
        elif isinstance(one, RelativePortrait):
            assert isinstance(two, PortraitUnit) and one.unit == two.unit
            for name in ("first_frame", "shot", "number", "depends_on", "continues"):
                assert getattr(one.outline, name) == getattr(two, name)
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


def check_totals(report: Any, decoded: Walk, expected: dict[str, Any]) -> None:
    """Counts, sizes and tokens."""
    groups = [item for item in decoded.items if isinstance(item, MotionGroup)]
    assert report.token_sha256 == expected["token_sha256"]
    assert {group.indices.shape[1] for group in groups} == {report.head.groups}
    assert (report.groups, report.frames) == (
        len(groups),
        sum(len(group.ticks) for group in groups),
    )
    assert (expected["groups"], expected["frames"]) == (report.groups, report.frames)
    for purpose, size in expected["sizes"].items():
        ours = getattr(report.sizes, purpose)
        ours += report.sizes.scene if purpose == "container" else 0  # the text counts scenes there
        assert ours == size, purpose
    assert expected["last_tokens"] == groups[-1].indices[-1].ravel().tolist()
    assert expected["last_tick"] == int(groups[-1].ticks[-1])


def check_recoding(coded: Walk, decoded: Walk) -> None:
    """A payload that is accepted is the one that an encoder writes (entropy.md, section 3.4)."""
    for one, two in zip(coded.items, decoded.items, strict=True):
        if isinstance(one, CodedGroup):
            known = (one.payloads, *two.indices.shape[:2])
            assert known in _recoded or tuple(encode_layers(two.indices)) == one.payloads
            _recoded.add(known)
