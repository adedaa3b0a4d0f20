"""Values that cross stage boundaries. Plain data: no torch, no av, no cv2.

Shapes use T for frames, and the GRFSQ layout of bitstream_spec/tokens.md: 48 motion dimensions = 12 groups of 4,
4 residual layers, base-5 digits.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import CODED_SIZE_PX

FileLike: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A file to read or to write: a path, "-" for standard input or output, or a binary file object, seekable or not."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """Identity of a set of weights: a readable name and the sha256 of its safetensors file."""

    name: str
    sha256: bytes

    def __str__(self) -> str:
        return f"{self.name}@{self.sha256.hex()[:12]}"


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture and its presentation time.

    Attributes:
        rgb: (H, W, 3) uint8.
        time_s: presentation time in seconds, exact.
    """

    rgb: NDArray[np.uint8]
    time_s: Fraction


@dataclass(frozen=True, slots=True)
class AudioHead:
    """How the sound is coded: Opus packets of one or two channels.

    Attributes:
        sample_rate_hz: 48000 for Opus.
        channels: 1 or 2.
        pre_skip_samples: samples to drop at the start of the decoded signal (RFC 7845).
        extradata: the OpusHead bytes of RFC 7845 section 5.1.
    """

    sample_rate_hz: int
    channels: int
    pre_skip_samples: int
    extradata: bytes = b""


@dataclass(frozen=True, slots=True)
class Crop:
    """Where the coded square lay in the source picture, in source pixels (may reach outside it)."""

    source_width_px: int
    source_height_px: int
    x_px: int
    y_px: int
    side_px: int


@dataclass(frozen=True, slots=True)
class Head:
    """The HEAD chunk: everything a decoder must know before the first group.

    Attributes:
        time_base_s: seconds per tick of every time in the stream.
        frame_rate_hz: nominal frame rate, for players; the true times are in the groups.
        layers: residual layers present, 1..4.
        motion_space: what a token means.
        renderer: the renderer that was current when the file was made; any of the same motion space decodes it.
        audio: None without sound.
        crop: None when unknown.
        synthetic: the motion was generated from speech, not recorded.
        version: (major, minor).
    """

    time_base_s: Fraction
    frame_rate_hz: Fraction
    layers: int
    motion_space: ModelId
    renderer: ModelId
    audio: AudioHead | None = None
    crop: Crop | None = None
    synthetic: bool = False
    coded_size_px: int = CODED_SIZE_PX
    version: tuple[int, int] = (1, 0)


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A portrait: applies to frames from `first_frame` on.

    Attributes:
        first_frame: index of the first frame rendered from it.
        still: AVIF file bytes, coded_size_px square.
        features: (48,) int16, the portrait's own motion features f_s in units of the motion space.
    """

    first_frame: int
    still: bytes
    features: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class MotionGroup:
    """At most 2 s of frames, decodable on their own.

    Attributes:
        first_frame: index of the first frame.
        ticks: (T,) int64 presentation times in ticks, strictly increasing.
        low_confidence: (T,) bool, true where the face was not seen and motion is held.
        indices: (T, 12, layers) uint16 in 0..624; the last axis is the residual layer, coarse first.
    """

    first_frame: int
    ticks: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    indices: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class AudioGroup:
    """Opus packets in order.

    Attributes:
        first_sample: position of the first packet's first decoded sample at sample_rate_hz, pre-skip included.
        packets: one bytes object per packet.
        end_trim_samples: samples of the last packet to drop; 0 but in the stream's last group.
    """

    first_sample: int
    packets: tuple[bytes, ...]
    end_trim_samples: int = 0


@dataclass(slots=True)
class StreamSizes:
    """Bytes of a file by purpose; their sum is the file."""

    portrait: int = 0
    motion: int = 0
    audio: int = 0
    container: int = 0
    frames: int = 0
    seconds: Fraction = field(default_factory=Fraction)
