"""Every number of bitstream_spec/vqt.md that is not a field's position: names, versions, limits.

The specification is normative; `tests/test_container_spec.py` holds each value here against its text.
"""

from __future__ import annotations

SIGNATURE = b"\xd6VQT\r\n\x1a\n"
VERSION = (1, 0)

HEAD_TYPE = b"HEAD"
KEYF_TYPE = b"KEYF"
MOTN_TYPE = b"MOTN"
AUDO_TYPE = b"AUDO"
INDX_TYPE = b"INDX"
IEND_TYPE = b"IEND"

ANCILLARY_BIT = 0x20
"""In the first letter of a chunk type: a decoder that doesn't know the chunk skips it."""
SAFE_TO_COPY_BIT = 0x20
"""In the fourth letter of an ancillary type: a tool that changes other chunks keeps it."""

TYPE_BYTES = 4
CRC_BYTES = 4
IEND_CHUNK_BYTES = 29
"""The whole IEND chunk; fixed, so that a reader finds it from the end of the file."""

MAX_VARINT_BYTES = 8
MAX_POSITION = 2**53 - 1
"""Ticks, sample positions and file offsets: exact in a double, too."""
MAX_FRAMES = 2**32 - 1

MAX_CODED_SIZE_PX = 4096
MIN_CODED_SIZE_PX = 16
MAX_RATIONAL_PART = 2**32 - 1
MAX_TIME_BASE_S = 1
MAX_FRAME_RATE_HZ = 240
MAX_MODEL_NAME_BYTES = 64
SHA256_BYTES = 32
MAX_CHANNELS = 2
MAX_PRE_SKIP_SAMPLES = 2**16 - 1
MAX_EXTRADATA_BYTES = 255
MAX_SOURCE_PX = 65_535
MAX_CROP_SIDE_PX = 131_070

MAX_STILL_BYTES = 1_048_576

MAX_GROUP_FRAMES = 240
MAX_GROUP_SPAN_S = 2
MAX_LAYER_BYTES = 65_535
MAX_STEP_TICKS = 2**33
MAX_STEP_WIDTH_BITS = 34

MAX_PACKETS = 800
MAX_PACKET_BYTES = 8_191
MAX_PACKET_WIDTH_BITS = 13
MAX_GROUP_AUDIO_BYTES = 262_144
MAX_END_TRIM_SAMPLES = 5_760
MIN_PACKET_SAMPLES = 120
"""2.5 ms at 48 kHz, the shortest Opus packet."""
AUDIO_RATE_HZ = 48_000
PRE_ROLL_SAMPLES = 3_840
"""80 ms decoded and thrown away after a seek, so that the Opus decoder has converged (RFC 7845 section 4.6)."""

MAX_INDEX_ENTRIES = 1_048_576

MAX_CHUNK_BYTES = {
    HEAD_TYPE: 1_024,
    KEYF_TYPE: 1_049_600,
    MOTN_TYPE: 266_240,
    AUDO_TYPE: 266_240,
    INDX_TYPE: 16_777_216,
    IEND_TYPE: 20,
}
"""Largest payload by chunk type."""
MAX_UNKNOWN_CHUNK_BYTES = 1_049_600
