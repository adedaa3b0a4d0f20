"""Values that cross stage boundaries. Plain data: no torch, no av, no cv2.

Shapes use T for frames, and the GRFSQ layout of bitstream_spec/tokens.md: D motion dimensions = G groups of 4, 4 residual
layers, base-5 digits. In major version 1, D = 48 and G = 12; in version 2 HEAD says how many there are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from vqcodec.format import CODED_SIZE_PX, GROUP_DIMS, GROUPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


FileLike: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A file to read or to write: a path, "-" for standard input or output, or a binary file object, seekable or not."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """Identity of a set of weights: a readable name and the sha256 of its safetensors file."""

    name: str
    sha256: bytes

    def __str__(self) -> str:
        return f"{self.name}@{self.sha256.hex()[:12]}"

    @property
    def whole(self) -> str:
        """NAME@SHA256, as the header of another model's file names it."""
        return f"{self.name}@{self.sha256.hex()}"

    @classmethod
    def of(cls, whole: str) -> ModelId:
        """The same from `whole`.

        Raises:
            ValueError: no sha256 stands there.
        """
        name, _, sha256 = whole.rpartition("@")
        return cls(name, bytes.fromhex(sha256))


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture and its presentation time.

    Attributes:
        rgb: (H, W, 3) uint8.
        time_s: presentation time in seconds, exact.
        is_damaged: the decoder calls it corrupt, or it was predicted from one that is.
    """

    rgb: NDArray[np.uint8]
    time_s: Fraction
    is_damaged: bool = False


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
        delay_ms: of a stream made while the camera runs: a frame is in it at most so long after it was taken; None for
            one made from a whole recording. Major version 2 only.
        groups: groups of four motion dimensions, G: 12, in major version 2 up to 32.
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
    delay_ms: int | None = None
    groups: int = GROUPS

    @property
    def dims(self) -> int:
        """Motion dimensions of a frame, D = 4 G."""
        return self.groups * GROUP_DIMS


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A portrait of major version 1: applies to frames from `first_frame` on.

    Attributes:
        first_frame: index of the first frame rendered from it.
        still: AVIF file bytes, coded_size_px square.
        features: (48,) int16, the portrait's own motion features f_s in units of the motion space.
    """

    first_frame: int
    still: bytes
    features: NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class PortraitUnit:
    """A portrait of major version 2: a picture of the AV1 sequence that the portraits of one shot are.

    Attributes:
        first_frame: frames in the stream before it.
        shot: number of its shot, from 0.
        number: of the portrait within the shot, from 0.
        depends_on: the portrait of the shot whose unit is decoded directly before this one; None for number 0.
        features: (D,) int16, the portrait's own motion features in units of the motion space. Those of number 0 are
            f_s for all of the shot's tokens.
        unit: the OBUs of one shown picture, coded_size_px square, without temporal delimiter.
        continues: number 0 only: the shot before it shows the same scene, there is no cut between.
    """

    first_frame: int
    shot: int
    number: int
    depends_on: int | None
    features: NDArray[np.int16]
    unit: bytes
    continues: bool = False


@dataclass(frozen=True, slots=True)
class ScenePlace:
    """The size of a shot's scene pictures, and where the coded square lies in them; it may reach outside.

    Attributes:
        width_px, height_px: even.
        x, y, side: of the square, in sixteenths of a scene's pixel.
    """

    width_px: int
    height_px: int
    x: int
    y: int
    side: int


@dataclass(frozen=True, slots=True)
class ScenePicture:
    """What is to be seen around the coded square: a picture of the AV1 sequence that the scene of one shot is.

    Attributes:
        first_frame: the first frame that it is shown with.
        shot: number of its shot, from 0.
        number: of the picture within the shot's scene, from 0.
        depends_on: the picture of that scene whose unit is decoded directly before this one; None for number 0.
        place: number 0 only: holds for all pictures of the shot's scene.
        unit: the OBUs of one shown picture, without temporal delimiter.
        alone: it is shown without the square: nobody is to be seen there.
        backdrop: it isn't what was around the square: colours need not match.
    """

    first_frame: int
    shot: int
    number: int
    depends_on: int | None
    place: ScenePlace | None
    unit: bytes
    alone: bool = False
    backdrop: bool = False


@dataclass(frozen=True, slots=True)
class PortraitRun:
    """Frames of a group that are shown from the same portraits.

    Attributes:
        frames: how many.
        portrait: number within the shot.
        other: a second portrait shown with it; None for one alone.
        weight: share of `other` in sixteenths, 1..15; 0 passes from the one to the other: the i-th of n frames,
            i = 1..n, has the share i / (n + 1). 0 without `other`.
    """

    frames: int
    portrait: int
    other: int | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class MotionGroup:
    """At most 2 s of frames, decodable on their own.

    Attributes:
        first_frame: index of the first frame.
        ticks: (T,) int64 presentation times in ticks, strictly increasing.
        low_confidence: (T,) bool, true where the face was not seen and motion is held.
        indices: (T, G, layers) uint16 in 0..624; the last axis is the residual layer, coarse first.
        shot: number of the shot, from 0; 0 in major version 1, which doesn't say it.
        runs: which portraits of the shot show the frames, T frames in all; () for portrait 0, and in major version 1.
    """

    first_frame: int
    ticks: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    indices: NDArray[np.uint16]
    shot: int = 0
    runs: tuple[PortraitRun, ...] = ()


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
    scene: int = 0
    frames: int = 0
    seconds: Fraction = field(default_factory=Fraction)
