"""Every normative number of bitstream_spec/ once, and the integers of tokens.md: motion values, digits, indices.

    values (T, D) in -170..170  <->  digits (T, D, 4) in 0..4  <->  indices (T, G, 4) in 0..624

A stream has G groups of four dimensions, D = 4 G in all: 12 groups in major version 1, 12..32 in version 2.

Below all stages, so that none of them writes a number of the format again. The specification is normative;
`tests/test_format.py` holds each value here against its text, and looks for second definitions in the package.
Numbers that are a field's position stand in `vqcodec.container.structs`, those of the context model in
`vqcodec.entropy`: both are used there and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqcodec.errors import UsageError
from vqcodec.late import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


# vqt.md, sections 2, 3 and 13: the container

SIGNATURE = b"\xd6VQT\r\n\x1a\n"
VERSION = (1, 0)
"""Of streams whose portraits are key frames."""
VERSION_2 = (2, 0)
"""Of streams whose portraits are AV1 sequences, one a shot."""
VERSIONS = (VERSION, VERSION_2)
"""What is read and written."""

HEAD_TYPE = b"HEAD"
KEYF_TYPE = b"KEYF"
PORT_TYPE = b"PORT"
MOTN_TYPE = b"MOTN"
AUDO_TYPE = b"AUDO"
INDX_TYPE = b"INDX"
IEND_TYPE = b"IEND"
SCNE_TYPE = b"sCNe"
"""Ancillary: what breaks section 7a is no error of the stream, but shows nothing."""

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

MIN_CODED_SIZE_PX = 16
MAX_CODED_SIZE_PX = 4096
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

MAX_DELAY_MS = 2**16 - 1
MAX_UNIT_BYTES = 1_048_576
MAX_PORTRAITS = 4_096
"""Of one shot."""
MAX_PATH_UNITS = 8
"""Units that are decoded for one portrait."""
MAX_SHOT_S = 60
MIN_SCENE_PX = 16
MAX_SCENE_PX = 2048
"""Of a scene's sides, which are even."""
MAX_SCENE_SQUARE = 2
"""A square's side over the greater of its scene's."""
SCENE_PARTS = 16
"""Parts of a scene's pixel in which the place of the coded square is said."""
FEATURE_OFFSET = 2**15
"""Added to a portrait's features, so that what is written isn't negative."""
MAX_FEATURE_WIDTH_BITS = 16
SHARE_PARTS = 16
"""Parts in which a run's weight counts the share of its second portrait."""

MAX_STREAM_S = 2**20
"""From time 0 to the latest frame, sample and end, in major version 2: about 12 days."""

MAX_GROUP_FRAMES = 240
MAX_GROUP_SPAN_S = 2
MAX_LAYER_BYTES = 65_535
MAX_STEP_TICKS = 2**33
MAX_STEP_WIDTH_BITS = 34

AUDIO_RATE_HZ = 48_000
MAX_PACKETS = 800
MAX_PACKET_BYTES = 8_191
MAX_PACKET_WIDTH_BITS = 13
MIN_PACKET_SAMPLES = 120
"""2.5 ms, the shortest Opus packet."""
MAX_PACKET_SAMPLES = 5_760
"""120 ms, the longest Opus packet (RFC 6716, section 2.1.4)."""
MAX_END_TRIM_SAMPLES = MAX_PACKET_SAMPLES
MAX_GROUP_AUDIO_BYTES = 262_144
PRE_ROLL_SAMPLES = 3_840
"""80 ms decoded and thrown away after a seek, so that the Opus decoder has converged (RFC 7845, section 4.6)."""

MAX_INDEX_ENTRIES = 1_048_576

MAX_CHUNK_BYTES = {
    HEAD_TYPE: 1_024,
    KEYF_TYPE: 1_049_600,
    PORT_TYPE: 1_049_600,
    MOTN_TYPE: 266_240,
    AUDO_TYPE: 266_240,
    INDX_TYPE: 16_777_216,
    IEND_TYPE: 20,
}
"""Largest payload by chunk type."""
MAX_UNKNOWN_CHUNK_BYTES = 1_049_600

# tokens.md, sections 1 to 3: the integers of a frame

GROUPS = 12
"""Of a frame in major version 1, and the fewest in version 2."""
MAX_GROUPS = 32
GROUP_DIMS = 4
LAYERS = 4
LEVELS = 5
DIMS = GROUPS * GROUP_DIMS
MAX_DIMS = MAX_GROUPS * GROUP_DIMS
CODES = LEVELS**GROUP_DIMS
"""Values of an index: 625."""
HALF = LEVELS // 2
"""Greatest magnitude of a digit; stored digits 0..4 stand for -2..2."""
LAYER_STEPS = tuple(4 ** (LAYERS - 1 - r) for r in range(LAYERS))
"""Step of each layer in units, coarse first: 64, 16, 4, 1."""
REACH = HALF * sum(LAYER_STEPS)
"""Greatest magnitude of a quantized motion value: 170."""

# tokens.md, section 5: what the published motion spaces are made of

LANDMARKS = 478
"""Points of a face (MediaPipe's canonical mesh with irises)."""
FEATURE_SIZE_PX = 256
"""Side of the square in whose pixels motion features are measured."""

# not in the specification, since no stream depends on it: what this package's own models agree on

CODED_SIZE_PX = 512
"""Side of the pictures that the encoder makes; streams may have another one."""
SPEECH_RATE_HZ = 16_000
SPEECH_TOKEN_HZ = 25
"""Speech tokens in a second; the generator makes one frame of motion for each."""
SPEECH_TOKEN_SAMPLES = SPEECH_RATE_HZ // SPEECH_TOKEN_HZ

_PLACES = tuple(LEVELS**place for place in range(GROUP_DIMS))


def to_digits(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Residual digits (tokens.md, section 2), stored 0..4 for -2..2.

    Args:
        values: (T, D) integers in -170..170.

    Returns:
        (T, D, 4) uint8, coarse layer first.

    Raises:
        UsageError: a wrong shape or a value out of range.
    """
    _need(
        values.ndim == 2
        and DIMS <= values.shape[1] <= MAX_DIMS
        and values.shape[1] % GROUP_DIMS == 0,
        f"values have shape {values.shape}, expected (T, {DIMS}..{MAX_DIMS}) in groups of {GROUP_DIMS}",
    )
    rest = values.astype(np.int64)
    _need(bool((np.abs(rest) <= REACH).all()), f"values must lie in -{REACH}..{REACH}")
    out = np.empty((*values.shape, LAYERS), np.uint8)
    for layer, step in enumerate(LAYER_STEPS):
        digit = np.sign(rest) * np.minimum((2 * np.abs(rest) + step) // (2 * step), HALF)
        rest = rest - step * digit
        out[..., layer] = digit + HALF
    return out


def from_digits(digits: NDArray[np.integer]) -> NDArray[np.int16]:
    """Sum of the layers present.

    Args:
        digits: (T, D, L) in 0..4, L = 1..4, coarse layer first.

    Returns:
        (T, D) int16 in -170..170.
    """
    steps = np.array(LAYER_STEPS[: digits.shape[-1]], np.int64)
    total: NDArray[np.int64] = ((digits.astype(np.int64) - HALF) * steps).sum(-1)
    return total.astype(np.int16)


def pack_digits(digits: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Four digits to an index (tokens.md, section 3).

    Args:
        digits: (T, D, L) in 0..4.

    Returns:
        (T, G, L) uint16 in 0..624.
    """
    frames, dims, layers = digits.shape
    grouped = digits.reshape(frames, dims // GROUP_DIMS, GROUP_DIMS, layers).astype(np.int64)
    total: NDArray[np.int64] = (grouped * np.array(_PLACES)[:, None]).sum(2)
    return total.astype(np.uint16)


def unpack_digits(indices: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Inverse of `pack_digits`.

    Args:
        indices: (T, G, L) in 0..624, L = 1..4.

    Returns:
        (T, D, L) uint8 in 0..4.

    Raises:
        UsageError: a wrong shape, type or index out of range.
    """
    _need(
        indices.ndim == 3
        and GROUPS <= indices.shape[1] <= MAX_GROUPS
        and 1 <= indices.shape[2] <= LAYERS,
        f"indices have shape {indices.shape}, expected (T, {GROUPS}..{MAX_GROUPS}, 1..{LAYERS})",
    )
    _need(indices.dtype.kind in "ui", f"indices are {indices.dtype}, expected integers")
    _need(bool(((indices >= 0) & (indices < CODES)).all()), f"indices must lie in 0..{CODES - 1}")
    frames, groups, layers = indices.shape
    digits: NDArray[np.int64] = (
        indices[:, :, None, :].astype(np.int64) // np.array(_PLACES)[:, None] % LEVELS
    )
    return digits.reshape(frames, groups * GROUP_DIMS, layers).astype(np.uint8)


def to_indices(values: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Whole units to tokens: (T, D) in -170..170 -> (T, G, 4) in 0..624; raises as `to_digits` does."""
    return pack_digits(to_digits(values))


def from_indices(indices: NDArray[np.integer]) -> NDArray[np.int16]:
    """Tokens to whole units: (T, G, L) in 0..624 -> (T, D), the sum over the L = 1..4 layers."""
    return from_digits(unpack_digits(indices))


def _need(ok: bool, message: str) -> None:
    if not ok:
        raise UsageError(message)
