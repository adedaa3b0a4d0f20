"""Between PORT payloads and their values: the fields, and the structure of the AV1 unit (vqt.md, "PORT").

Features are written less those of the shot's first portrait; `shots.py` knows that one and adds them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

from vqcodec.av1 import (
    FRAME,
    INTER_PICTURE,
    KEY_PICTURE,
    SEQUENCE_HEADER,
    Av1Error,
    is_shown_picture,
    obus,
    read_sequence_header,
)
from vqcodec.container.faults import Fault
from vqcodec.container.outlines import PortraitOutline
from vqcodec.container.structs import CONTINUES_FORM, PORT, build_struct, parse_struct
from vqcodec.format import FEATURE_OFFSET, MAX_UNIT_BYTES
from vqcodec.late import np
from vqcodec.types import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RelativePortrait:
    """A portrait as it lies in the file, its features still relative.

    Attributes:
        outline: the fields before the unit.
        unit: its OBUs.
    """

    outline: PortraitOutline
    unit: bytes


def parse_portrait(payload: bytes, head: Head) -> RelativePortrait:
    """Read a PORT payload.

    Args:
        payload: of the chunk.
        head: says how many dimensions the stream has, and the side of its pictures.
    """
    fields = parse_struct(PORT, payload, dims=head.dims)
    outline = _outline(fields)
    _check_size(len(fields.unit))
    check_unit(fields.unit, outline.number == 0, (head.coded_size_px, head.coded_size_px))
    return RelativePortrait(outline, fields.unit)


def outline_portrait(start: bytes, payload_bytes: int, head: Head) -> PortraitOutline:
    """A PORT payload of which only the start is at hand: all but the unit."""
    fields = parse_struct(PORT, start, dims=head.dims)
    _check_size(payload_bytes - len(start) + len(fields.unit))
    return _outline(fields)


def build_portrait(portrait: RelativePortrait, head: Head) -> bytes:
    """Write a PORT payload of a stream."""
    outline = portrait.outline
    if (outline.depends_on is None) != (outline.number == 0):
        raise Fault("bad-value", "every portrait but number 0 depends on one before it")
    _check_size(len(portrait.unit))
    fields = {
        "first_frame": outline.first_frame,
        "shot": outline.shot,
        "number": outline.number,
        "form": CONTINUES_FORM * outline.continues,
        "depends_on": outline.depends_on,
        "features": list(outline.elements),
        "unit": portrait.unit,
    }
    payload = build_struct(PORT, fields, dims=head.dims)
    parse_portrait(payload, head)
    return payload


def relative(features: NDArray[np.int16], base: Sequence[int] | None, dims: int) -> tuple[int, ...]:
    """Features as they are written.

    Args:
        features: (D,) int16 of the portrait.
        base: the D features of the shot's number 0; None for that one.
        dims: D, dimensions of the stream.
    """
    if features.shape != (dims,) or features.dtype != np.int16:
        found = f"{features.dtype}{features.shape}"
        raise Fault("bad-value", f"the features are {found}, not int16({dims},)")
    own = features.tolist()
    return tuple(
        value + FEATURE_OFFSET - first for value, first in zip(own, base or repeat(0), strict=False)
    )


def absolute(elements: Sequence[int], base: Sequence[int] | None) -> tuple[int, ...]:
    """Undo `relative`; both have D values.

    Raises:
        Fault: bad-value when a sum is no i16.
    """
    own = tuple(
        element - FEATURE_OFFSET + first
        for element, first in zip(elements, base or repeat(0), strict=False)
    )
    if min(own) < -FEATURE_OFFSET or max(own) >= FEATURE_OFFSET:
        raise Fault("bad-value", "a feature of a portrait is outside -32768..32767")
    return own


def check_unit(unit: bytes, first: bool, size_px: tuple[int, int]) -> None:
    """Check the structure of an AV1 unit; no picture is decoded.

    Args:
        unit: its OBUs.
        first: it is number 0, which begins the sequence.
        size_px: width and height of its pictures; number 0 says them.

    Raises:
        Fault: bad-unit.
    """
    try:
        found = list(
            islice(obus(unit), 3)
        )  # more than two are wrong: a unit may hold half a million
        if any(obu.extended or not obu.sized or obu.reserved for obu in found):
            raise Av1Error("an OBU has an extension, no size, or a reserved bit")
        expected = [SEQUENCE_HEADER, FRAME] if first else [FRAME]
        if [obu.type for obu in found] != expected:
            raise Av1Error(f"the unit has OBUs {[obu.type for obu in found]}, not {expected}")
        if not is_shown_picture(found[-1].payload, KEY_PICTURE if first else INTER_PICTURE):
            kind = "key" if first else "inter"
            raise Av1Error(f"the frame is no {kind} picture that is shown")
        if first:
            _check_sequence(found[0].payload, size_px)
    except Av1Error as error:
        raise Fault("bad-unit", str(error)) from None


def _check_sequence(payload: bytes, size_px: tuple[int, int]) -> None:
    header = read_sequence_header(payload)
    if header.profile or header.still or header.timing or header.numbered:
        raise Av1Error("the sequence has another profile than 0, timing, or frame numbers")
    if header.bits != 8 or header.monochrome or not header.halved:
        raise Av1Error("the pictures are not 4:2:0 in 8 bits")
    if header.grain:
        raise Av1Error("the sequence has film grain")
    if (header.width_px, header.height_px) != size_px:
        found = f"{header.width_px}x{header.height_px}"
        raise Av1Error(f"the pictures have {found} pixels, not {size_px[0]}x{size_px[1]}")


def _outline(fields: Any) -> PortraitOutline:
    number, depends_on = fields.number, fields.depends_on
    if depends_on is not None and depends_on >= number:
        raise Fault("bad-value", f"portrait {number} depends on {depends_on}, none before it")
    return PortraitOutline(
        first_frame=fields.first_frame,
        shot=fields.shot,
        number=number,
        depends_on=depends_on,
        continues=bool(fields.form & CONTINUES_FORM),
        elements=tuple(fields.features),
    )


def _check_size(size: int) -> None:
    if not 1 <= size <= MAX_UNIT_BYTES:
        raise Fault("bad-value", f"the unit has {size} bytes, outside 1..{MAX_UNIT_BYTES}")
