"""The payloads of every chunk as `construct` structs, in the order of bitstream_spec/vqt.md.

These say where each field is and what range it has; rules between fields are in `payloads.py`, rules between
chunks in `rules.py`. Numbers are big-endian.
"""

from __future__ import annotations

from typing import Any

from construct import (
    Byte,
    Bytes,
    GreedyBytes,
    If,
    Int16ub,
    Int32sb,
    Int32ub,
    Int64ub,
    StreamError,
    Struct,
    this,
)
from construct import ConstructError as _ConstructError

from vqcodec.container.faults import Fault
from vqcodec.container.fields import Bitmap, Counted, Name, Packed, Ranged, Varint
from vqcodec.format import (
    CRC_BYTES,
    DIMS,
    FEATURE_OFFSET,
    LAYERS,
    MAX_CHANNELS,
    MAX_CODED_SIZE_PX,
    MAX_CROP_SIDE_PX,
    MAX_DELAY_MS,
    MAX_END_TRIM_SAMPLES,
    MAX_EXTRADATA_BYTES,
    MAX_FEATURE_WIDTH_BITS,
    MAX_FRAMES,
    MAX_GROUP_FRAMES,
    MAX_LAYER_BYTES,
    MAX_MODEL_NAME_BYTES,
    MAX_PACKET_BYTES,
    MAX_PACKET_WIDTH_BITS,
    MAX_PACKETS,
    MAX_PORTRAITS,
    MAX_POSITION,
    MAX_RATIONAL_PART,
    MAX_SCENE_PX,
    MAX_SCENE_SQUARE,
    MAX_SOURCE_PX,
    MAX_STEP_TICKS,
    MAX_STEP_WIDTH_BITS,
    MIN_CODED_SIZE_PX,
    MIN_SCENE_PX,
    SCENE_PARTS,
    SHA256_BYTES,
    SHARE_PARTS,
    TYPE_BYTES,
)

SYNTHETIC_FLAG = 0x01
AUDIO_FLAG = 0x02
CROP_FLAG = 0x04
LIVE_FLAG = 0x08
KNOWN_FLAGS = {1: SYNTHETIC_FLAG | AUDIO_FLAG | CROP_FLAG}
KNOWN_FLAGS[2] = KNOWN_FLAGS[1] | LIVE_FLAG
"""By major version."""

CONFIDENCE_FORM = 0x01
LAYERS_FORM_SHIFT = 1
LAYERS_FORM = (LAYERS - 1) << LAYERS_FORM_SHIFT
RUNS_FORM = 0x08
KNOWN_FORM = CONFIDENCE_FORM | LAYERS_FORM
CONTINUES_FORM = 0x01
ALONE_FORM = 0x01
BACKDROP_FORM = 0x02

CHUNK = Struct(
    "type" / Bytes(TYPE_BYTES),
    "length" / Varint(),
    "payload" / Bytes(this.length),
    "crc32" / Bytes(CRC_BYTES),
)

NO_CYCLE: dict[str, None] = {"_root": None}
"""For `parse` and `build`: else construct's context holds itself, and with it the payload until the garbage collector runs."""

VERSION_FIELD = Struct("major" / Byte, "minor" / Byte)

RATIONAL = Struct(
    "numerator" / Ranged(Int32ub, 1, MAX_RATIONAL_PART),
    "denominator" / Ranged(Int32ub, 1, MAX_RATIONAL_PART),
)

MODEL_ID = Struct(
    "name" / Name(Counted(1, MAX_MODEL_NAME_BYTES)),
    "sha256" / Bytes(SHA256_BYTES),
)

AUDIO_HEAD = Struct(
    "channels" / Ranged(Byte, 1, MAX_CHANNELS),
    "pre_skip_samples" / Int16ub,
    "extradata" / Counted(0, MAX_EXTRADATA_BYTES),
)

CROP = Struct(
    "source_width_px" / Ranged(Int16ub, 1, MAX_SOURCE_PX),
    "source_height_px" / Ranged(Int16ub, 1, MAX_SOURCE_PX),
    "x_px" / Ranged(Int32sb, -MAX_CROP_SIDE_PX, MAX_CROP_SIDE_PX),
    "y_px" / Ranged(Int32sb, -MAX_CROP_SIDE_PX, MAX_CROP_SIDE_PX),
    "side_px" / Ranged(Int32ub, 1, MAX_CROP_SIDE_PX),
)


def _has_delay(head: Any) -> bool:
    return head.version.major > 1 and bool(head.flags & LIVE_FLAG)


HEAD = Struct(
    "version" / VERSION_FIELD,
    "flags" / Byte,
    "coded_size_px" / Ranged(Int16ub, MIN_CODED_SIZE_PX, MAX_CODED_SIZE_PX),
    "time_base_s" / RATIONAL,
    "frame_rate_hz" / RATIONAL,
    "groups" / Byte,
    "group_dims" / Byte,
    "levels" / Byte,
    "layers" / Ranged(Byte, 1, LAYERS),
    "motion_space" / MODEL_ID,
    "renderer" / MODEL_ID,
    "audio" / If(this.flags & AUDIO_FLAG, AUDIO_HEAD),
    "crop" / If(this.flags & CROP_FLAG, CROP),
    "delay_ms" / If(_has_delay, Ranged(Int16ub, 1, MAX_DELAY_MS)),
    "extension" / GreedyBytes,
)

KEYF = Struct(
    "first_frame" / Ranged(Varint(), 0, MAX_FRAMES),
    "features" / Bytes(2 * DIMS),
    "still" / GreedyBytes,
)

PORT = Struct(  # takes the stream's `dims`
    "first_frame" / Ranged(Varint(), 0, MAX_FRAMES),
    "shot" / Ranged(Varint(), 0, MAX_FRAMES),
    "number" / Ranged(Varint(), 0, MAX_PORTRAITS - 1),
    "form" / Ranged(Byte, 0, CONTINUES_FORM),
    "depends_on" / If(this.number > 0, Ranged(Varint(), 0, MAX_PORTRAITS - 2)),
    "features"
    / Packed(lambda c: c._params.dims, 0, 2 * FEATURE_OFFSET - 1, MAX_FEATURE_WIDTH_BITS),
    "unit" / GreedyBytes,
)

SCENE_PLACE = Struct(
    "width_px" / Ranged(Int16ub, MIN_SCENE_PX, MAX_SCENE_PX),
    "height_px" / Ranged(Int16ub, MIN_SCENE_PX, MAX_SCENE_PX),
    "x" / Ranged(Int32sb, -SCENE_PARTS * MAX_CROP_SIDE_PX, SCENE_PARTS * MAX_CROP_SIDE_PX),
    "y" / Ranged(Int32sb, -SCENE_PARTS * MAX_CROP_SIDE_PX, SCENE_PARTS * MAX_CROP_SIDE_PX),
    "side" / Ranged(Int32ub, 1, SCENE_PARTS * MAX_SCENE_SQUARE * MAX_SCENE_PX),
)

SCENE = Struct(
    "first_frame" / Ranged(Varint(), 0, MAX_FRAMES),
    "shot" / Ranged(Varint(), 0, MAX_FRAMES),
    "number" / Ranged(Varint(), 0, MAX_PORTRAITS - 1),
    "form" / Ranged(Byte, 0, ALONE_FORM | BACKDROP_FORM),
    "depends_on" / If(this.number > 0, Ranged(Varint(), 0, MAX_PORTRAITS - 2)),
    "place" / If(lambda c: c.number == 0, SCENE_PLACE),
    "unit" / GreedyBytes,
)

MOTN = Struct(
    "first_frame" / Ranged(Varint(), 0, MAX_FRAMES),
    "frame_count" / Ranged(Byte, 1, MAX_GROUP_FRAMES),
    "form" / Ranged(Byte, 0, KNOWN_FORM),
    "first_tick" / Ranged(Varint(), 0, MAX_POSITION),
    "steps" / Packed(lambda c: c.frame_count - 1, 1, MAX_STEP_TICKS, MAX_STEP_WIDTH_BITS),
    "low_confidence" / If(this.form & CONFIDENCE_FORM, Bitmap(lambda c: c.frame_count)),
    "layer_bytes" / Ranged(Varint(), 0, MAX_LAYER_BYTES)[lambda c: c.form >> LAYERS_FORM_SHIFT],
    "payloads" / GreedyBytes,
)

RUN = Struct(
    "frames" / If(lambda c: not _is_last_run(c), Ranged(Varint(), 1, MAX_GROUP_FRAMES)),
    "portrait" / Ranged(Varint(), 0, MAX_PORTRAITS - 1),
    "other" / Ranged(Varint(), 0, MAX_PORTRAITS),
    "weight" / If(this.other > 0, Ranged(Byte, 0, SHARE_PARTS - 1)),
)


def _is_last_run(run: Any) -> bool:
    return bool(run._index == run._.run_count - 1)


MOTN_2 = Struct(
    "first_frame" / Ranged(Varint(), 0, MAX_FRAMES),
    "frame_count" / Ranged(Byte, 1, MAX_GROUP_FRAMES),
    "form" / Ranged(Byte, 0, KNOWN_FORM | RUNS_FORM),
    "first_tick" / Ranged(Varint(), 0, MAX_POSITION),
    "steps" / Packed(lambda c: c.frame_count - 1, 1, MAX_STEP_TICKS, MAX_STEP_WIDTH_BITS),
    "low_confidence" / If(this.form & CONFIDENCE_FORM, Bitmap(lambda c: c.frame_count)),
    "shot" / Ranged(Varint(), 0, MAX_FRAMES),
    "run_count" / If(this.form & RUNS_FORM, Ranged(Varint(), 1, MAX_GROUP_FRAMES)),
    "runs" / If(this.form & RUNS_FORM, RUN[this.run_count]),
    "layer_bytes"
    / Ranged(Varint(), 0, MAX_LAYER_BYTES)[lambda c: (c.form & LAYERS_FORM) >> LAYERS_FORM_SHIFT],
    "payloads" / GreedyBytes,
)
"""A motion group of major version 2."""

AUDO = Struct(
    "first_sample" / Ranged(Varint(), 0, MAX_POSITION),
    "packet_count" / Ranged(Varint(), 1, MAX_PACKETS),
    "end_trim_samples" / Ranged(Varint(), 0, MAX_END_TRIM_SAMPLES),
    "packet_bytes" / Packed(lambda c: c.packet_count, 1, MAX_PACKET_BYTES, MAX_PACKET_WIDTH_BITS),
    "packets" / GreedyBytes,
)

IEND = Struct(
    "frames" / Int32ub,
    "end_tick" / Int64ub,
    "index_chunk_bytes" / Int32ub,
    "chain_crc32" / Bytes(CRC_BYTES),
)


def parse_struct(struct: Any, payload: bytes, **known: int) -> Any:
    """Read a payload.

    Args:
        struct: one of the above.
        payload: of the chunk.
        known: what the struct takes from other chunks.

    Returns:
        A construct Container with the struct's fields.

    Raises:
        Fault: with the code of the first field that is wrong.
    """
    try:
        return struct.parse(payload, **NO_CYCLE, **known)
    except StreamError as error:
        raise Fault("bad-layout", "the payload ends before its last field") from error
    except _ConstructError as error:
        raise Fault("bad-value", f"a field can't be read: {error}") from error


def build_struct(struct: Any, fields: dict[str, Any], **known: int) -> bytes:
    """Write a payload; arguments as of `parse_struct`.

    Raises:
        Fault: with the code of the first field that can't be written.
    """
    try:
        return bytes(struct.build(fields, **NO_CYCLE, **known))
    except _ConstructError as error:
        raise Fault("bad-value", f"a field can't be written: {error}") from error
