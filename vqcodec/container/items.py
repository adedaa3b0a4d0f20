"""What the chunks between HEAD and INDX hold, by type."""

from __future__ import annotations

from vqcodec.container.chunks import Chunk, is_ancillary
from vqcodec.container.faults import Fault
from vqcodec.container.index import IndexKind
from vqcodec.container.outlines import SoundOutline
from vqcodec.container.payloads import (
    CodedGroup,
    parse_audio,
    parse_key_frame,
    parse_motion,
)
from vqcodec.container.portraits import RelativePortrait, parse_portrait
from vqcodec.container.rules import StreamRules
from vqcodec.format import (
    AUDO_TYPE,
    HEAD_TYPE,
    IEND_TYPE,
    INDX_TYPE,
    KEYF_TYPE,
    MOTN_TYPE,
    PORT_TYPE,
)
from vqcodec.types import AudioGroup, Head, KeyFrame

CodedItem = KeyFrame | RelativePortrait | CodedGroup | AudioGroup

ITEM_TYPES = {
    IndexKind.KEY_FRAME: KEYF_TYPE,
    IndexKind.MOTION: MOTN_TYPE,
    IndexKind.AUDIO: AUDO_TYPE,
}
"""Chunk type by the kind of its index entry, in major version 1."""
ITEM_TYPES_2 = {
    IndexKind.KEY_FRAME: PORT_TYPE,
    IndexKind.MOTION: MOTN_TYPE,
    IndexKind.AUDIO: AUDO_TYPE,
    IndexKind.PORTRAIT: PORT_TYPE,
}
"""The same in major version 2."""


def item_types(head: Head) -> dict[IndexKind, bytes]:
    """Chunk type by the kind of its index entry, in the version of a stream."""
    return ITEM_TYPES if head.version[0] == 1 else ITEM_TYPES_2


def apply_chunk(chunk: Chunk, rules: StreamRules) -> CodedItem | None:
    """Check a chunk that follows HEAD against the rules.

    Returns:
        Its value if it is a KEYF, PORT, MOTN or AUDO, else None.

    Raises:
        Fault: a rule is broken.
    """
    if chunk.type == INDX_TYPE:
        rules.index(chunk)
    elif chunk.type == IEND_TYPE:
        rules.end(chunk)
    elif chunk.type == HEAD_TYPE:
        raise Fault("bad-order", "there is a second HEAD")
    elif chunk.type == KEYF_TYPE and rules.head.version[0] != 1:
        raise Fault("bad-order", "a stream of major version 2 has no key frames")
    elif chunk.type in item_types(rules.head).values():
        value = parse_item(chunk, rules.head)
        if isinstance(value, KeyFrame):
            rules.key_frame(chunk, value.first_frame)
        elif isinstance(value, RelativePortrait):
            rules.portrait(chunk, value.outline)
        elif isinstance(value, CodedGroup):
            rules.motion(chunk, value.outline)
        else:
            rules.audio(chunk, SoundOutline.of(value))
        return value
    elif is_ancillary(chunk.type):
        rules.ancillary(chunk)
    else:
        raise Fault("unsupported-chunk", "this critical chunk is unknown to this version")
    return None


def parse_item(chunk: Chunk, head: Head) -> CodedItem:
    """The value of a KEYF, PORT, MOTN or AUDO chunk of a stream."""
    if chunk.type == KEYF_TYPE:
        return parse_key_frame(chunk.payload)
    if chunk.type == PORT_TYPE:
        return parse_portrait(chunk.payload, head)
    if chunk.type == MOTN_TYPE:
        return parse_motion(chunk.payload, head.version[0])
    return parse_audio(chunk.payload)


def item_position(value: CodedItem) -> int:
    """What the index calls the position: first frame, first tick or first sample."""
    if isinstance(value, KeyFrame):
        return value.first_frame
    if isinstance(value, RelativePortrait):
        return value.outline.first_frame
    return int(value.ticks[0]) if isinstance(value, CodedGroup) else value.first_sample
