"""Of major version 2: streams at a limit or one beyond it, each with no other fault.

`VALID_LIMITS_2`: name -> bytes. `INVALID_LIMITS_2`: name -> (error code, what is wrong, bytes).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from at_limits import flagged
from invalid_portraits import HEADER, first_unit, motn, named, port, unit
from valid_portraits import Run, group, portrait, silent

from tests.support.container import make_group
from tests.support.units import in_shot, obu, sequence_header

AT_REST = [0] * 47


def packed(*values: int) -> bytes:
    """Features in the widest field."""
    return b"\0\x10" + b"".join((value + 32768).to_bytes(2, "big") for value in values)


def headers() -> bytes:
    """A shot for each way to write what section 5a leaves open in a sequence header, and a frame of 127 bytes."""
    frame = obu(6, b"\x10" + bytes(126))
    forms = [
        sequence_header(level=7),
        sequence_header(level=6),
        sequence_header(points=2),
        sequence_header(points=3, delays=(9, None, 3)),
        sequence_header(level=9, delays=(None,)),
        sequence_header(tools=(1, 0, 1)),
        sequence_header(tools=(1, 0, 0)),
        sequence_header(tools=(0, 0)),
        sequence_header(tools=(0, 1, 1)),
        sequence_header(tools=(0, 1, 0, 1)),
        sequence_header(tools=(0, 0), ordered=0),
        sequence_header(colour=(1, 13, 1)),
        sequence_header(colour=(2, 13, 0)),
        sequence_header(colour=(1, 14, 0)),
    ]
    items: list[object] = []
    for shot, header in enumerate(forms):
        first = replace(portrait(first=shot, shot=shot), unit=obu(1, header) + frame)
        items += [first, group(shot, 1, shot)]
    return silent(*items)


def every_frame() -> bytes:
    """240 frames in 240 runs: portraits 0 and 1 in turns."""
    runs = [Run(1, number % 2) for number in range(240)]
    many = in_shot(make_group(0, 240, 1), 0, *runs)
    rate = {"time_base_s": Fraction(1, 120), "frame_rate_hz": Fraction(120)}
    return silent(portrait(), portrait(1), many, **rate)


def with_the_first() -> bytes:
    """Portrait 1 alone, together with portrait 0, and alone again."""
    told = (Run(1, 1), Run(1, 1, 0, 3), Run(1, 1))
    return silent(portrait(), portrait(1), group(0, 3, 0, *told))


def unended(header: bytes) -> bytes:
    """The same without the one behind its last field."""
    value = int.from_bytes(header, "big")
    return (value & value - 1).to_bytes(len(header), "big")


def doubled(header: bytes) -> bytes:
    """The same with a second one behind that, in a byte more where there is no room."""
    value = int.from_bytes(header + b"\0", "big")
    return (value | (value & -value) >> 1).to_bytes(len(header) + 1, "big")


VALID_LIMITS_2: dict[str, bytes] = {
    "2-headers": headers(),
    "2-runs-240": every_frame(),
    "2-runs-with-0": with_the_first(),
    "2-held-without-runs": silent(
        portrait(), portrait(1), in_shot(make_group(0, 3, 1, held=(1,)), 0)
    ),
    "2-synthetic": silent(portrait(), group(0, 1), synthetic=True),
    "2-live-1-ms": silent(portrait(), group(0, 1), delay_ms=1),
}

INVALID_LIMITS_2: dict[str, tuple[str, str, bytes]] = {
    "2-value-reserved-flag-alone": (
        "bad-value",
        "bit 4 of the flags",
        flagged(silent(portrait(), group(0, 1)), 16),
    ),
    "2-frame-portrait-late": named(
        "a PORT at frame 0 behind four frames",
        *[port(), motn(form=0), port(1, 0)],
        code="bad-frame",
    ),
    "2-portrait-group-of-last-shot": named(
        "a group of shot 0 in shot 1",
        *[port(), motn(form=0), port(shot=1, first=4)],
        motn(form=0, first=4),
    ),
    "2-value-feature-above": named(
        "one feature of 32768",
        port(features=packed(*AT_REST, 32767)),
        port(1, 0, features=packed(*AT_REST, 1)),
        motn(form=0),
        code="bad-value",
    ),
    "2-value-feature-below": named(
        "one feature of -32769",
        port(features=packed(*AT_REST, -32768)),
        port(1, 0, features=packed(*AT_REST, -1)),
        motn(form=0),
        code="bad-value",
    ),
    "2-unit-no-size-bit": unit(
        "an OBU whose size doesn't say that it is there", obu(6, b"\x30", header=0)
    ),
    "2-unit-header-unended": first_unit("a sequence header without its last bit", unended(HEADER)),
    "2-unit-header-goes-on": first_unit(
        "a one behind the end of a sequence header", HEADER + b"\1"
    ),
    "2-unit-header-two-ones": first_unit(
        "two ones at the end of a sequence header", doubled(HEADER)
    ),
    "2-unit-rgb-as-420": first_unit(
        "RGB, and as many bits as 4:2:0 has", sequence_header(colour=(1, 13, 0), as_420=True)
    ),
}
