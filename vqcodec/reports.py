"""What an encode, a decode and a dub tell about themselves: plain values, and as JSON with names that carry units."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vqcodec.damage import Damage
from vqcodec.types import Crop, ModelId, StreamSizes

SYNTHETIC_NOTICE = "Synthetic: the motion was made from speech, not recorded from the person shown."
"""Goes into the metadata of a video made from a synthetic stream (bitstream_spec/carriage.md), and before people's eyes."""


def _kbps(count_bytes: int, seconds: Fraction) -> float:
    return round(float(count_bytes * 8 / seconds / 1000), 3) if seconds > 0 else 0.0


def picture_kept(crop: Crop | None, scene_bytes: int = 0) -> str | None:
    """How much of the source picture a stream holds, in words; None where that isn't known."""
    if crop is None:
        return None
    whole = crop.source_width_px, crop.source_height_px
    if (crop.x_px, crop.y_px, crop.side_px, crop.side_px) == (0, 0, *whole):
        return "all of it"
    if scene_bytes:
        size = f"{whole[0]}x{whole[1]}"
        return f"a square of {crop.side_px} pixels around the face in motion; the rest of {size} as pictures that stand still"
    return (
        f"a square of {crop.side_px} pixels around the face, of {whole[0]}x{whole[1]}; nothing else"
    )


def size_fields(sizes: StreamSizes) -> dict[str, Any]:
    """The size part of every report, as JSON-ready fields with units.

    Args:
        sizes: bytes by purpose; `frames` and `seconds` must be set.

    Returns:
        file_bytes and file_kbps (all of it), portrait_*, motion_*, audio_*, scene_*, container_* (bytes and kbit/s), frames
        and seconds.
    """
    parts = {
        "portrait": sizes.portrait,
        "motion": sizes.motion,
        "audio": sizes.audio,
        "scene": sizes.scene,
        "container": sizes.container,
    }
    total = sum(parts.values())
    fields: dict[str, Any] = {
        "frames": sizes.frames,
        "seconds": round(float(sizes.seconds), 6),
        "file_bytes": total,
        "file_kbps": _kbps(total, sizes.seconds),
    }
    for name, count in parts.items():
        fields |= {f"{name}_bytes": count, f"{name}_kbps": _kbps(count, sizes.seconds)}
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What an encode did.

    Attributes:
        sizes: bytes by purpose, with frames and seconds.
        layers: residual layers written.
        motion_space: the model a token belongs to.
        renderer: the renderer named in the header.
        frame_rate_hz: nominal frame rate written.
        key_frames: portraits written.
        low_confidence_frames: frames without a visible face, whose motion is held.
        portrait_quality: quality of the portraits, 1..100: what was asked for, or chosen.
        elapsed_s: wall-clock seconds.
        crop: the coded square, or None when unknown.
        refs: portraits per shot that were allowed, a number, or "auto".
        warnings: sentences a person should read.
        effort: how hard the motion was refined, 0..3.
        refinement_gain: share of the distance to the real frames that this took away (vqcodec.encoding.effort), 0..1; None at
            effort 0.
        data: the file, where no target was given.
    """

    sizes: StreamSizes
    layers: int
    motion_space: ModelId
    renderer: ModelId
    frame_rate_hz: Fraction
    key_frames: int
    low_confidence_frames: int
    portrait_quality: int
    elapsed_s: float
    crop: Crop | None = None
    warnings: tuple[str, ...] = ()
    refs: int | str = "auto"
    effort: int = 0
    refinement_gain: float | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def encode_fps(self) -> float:
        """Frames per wall-clock second."""
        return self.sizes.frames / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        crop = self.crop
        return size_fields(self.sizes) | {
            "layers": self.layers,
            "frame_rate_hz": str(self.frame_rate_hz),
            "key_frames": self.key_frames,
            "refs": self.refs,
            "low_confidence_frames": self.low_confidence_frames,
            "portrait_quality": self.portrait_quality,
            "model": str(self.motion_space),
            "model_sha256": self.motion_space.sha256.hex(),
            "renderer": str(self.renderer),
            "renderer_sha256": self.renderer.sha256.hex(),
            "crop_px": None if crop is None else [crop.x_px, crop.y_px, crop.side_px],
            "picture_kept": picture_kept(crop, self.sizes.scene),
            "elapsed_s": round(self.elapsed_s, 3),
            "encode_fps": round(self.encode_fps, 2),
            "effort": self.effort,
            "refinement_gain": None
            if self.refinement_gain is None
            else round(self.refinement_gain, 4),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeReport:
    """What a decode did.

    Attributes:
        frames: pictures written.
        seconds: duration of the written media.
        layers: residual layers used.
        size_px: side of the pictures, or of the square in them.
        whole_px: width and height of the pictures where the scene around the square is shown; else None.
        renderer: the renderer that made the pictures.
        device: where it ran, for example "cpu" or "cuda:0".
        backend: the library that ran the renderer's network, "torch" or "openvino".
        elapsed_s: wall-clock seconds.
        synthetic: the stream's motion was generated from speech.
        warnings: sentences a person should read.
        recovery: what was lost; None unless DecodeOptions.recover was set.
        data: the file, where no target was given.
    """

    frames: int
    seconds: Fraction
    layers: int
    size_px: int
    renderer: ModelId
    device: str
    elapsed_s: float
    backend: str = "torch"
    synthetic: bool = False
    whole_px: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    recovery: Damage | None = None
    data: bytes | None = field(default=None, repr=False)

    @property
    def decode_fps(self) -> float:
        """Frames per wall-clock second."""
        return self.frames / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        return {
            "frames": self.frames,
            "seconds": round(float(self.seconds), 6),
            "layers": self.layers,
            "size_px": self.size_px,
            "whole_px": None if self.whole_px is None else list(self.whole_px),
            "renderer": str(self.renderer),
            "renderer_sha256": self.renderer.sha256.hex(),
            "device": self.device,
            "backend": self.backend,
            "synthetic": self.synthetic,
            "elapsed_s": round(self.elapsed_s, 3),
            "decode_fps": round(self.decode_fps, 2),
            "warnings": list(self.warnings),
            "recovery": None if self.recovery is None else self.recovery.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DubReport:
    """What a dub did.

    Attributes:
        sizes: bytes of the stream by purpose, with frames and seconds.
        layers: residual layers written.
        motion_space: the model a motion token belongs to.
        renderer: the renderer named in the header, for a video the one that made it.
        tokenizer: the model that heard the speech.
        generator: the model that made the motion.
        behaviour: the model that made up head motion, gaze and blinks; None when they come from a recording.
        portrait_quality: AVIF quality used; None for a recording, which brings its own portraits.
        audio_bps: bit rate of the Opus sound.
        seed: of what was made up.
        temperature: of the generator.
        poses: where the head motion comes from: a file's name, or "" when it was made up.
        elapsed_s: wall-clock seconds.
        crop: the coded square in the portrait's picture.
        video_size_px: width and height, when a video was written and not the stream.
        warnings: sentences a person should read.
        data: the file, where no target was given.
        recording: whose lips were made to follow, a file's name; "" for a picture.
        frame_rate_hz: nominal, of the result.
        kept_s: seconds of a recording that kept their own lips: its own sound is heard there, or no face is seen.
    """

    sizes: StreamSizes
    layers: int
    motion_space: ModelId
    renderer: ModelId
    tokenizer: ModelId
    generator: ModelId
    behaviour: ModelId | None
    portrait_quality: int | None
    audio_bps: int
    seed: int
    temperature: float
    poses: str
    elapsed_s: float
    crop: Crop | None = None
    video_size_px: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    data: bytes | None = field(default=None, repr=False)
    recording: str = ""
    frame_rate_hz: Fraction = Fraction(25)
    kept_s: float = 0.0

    @property
    def dub_fps(self) -> float:
        """Frames per wall-clock second, all stages together."""
        return self.sizes.frames / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units; sizes only when the stream was what was written."""
        crop, video, behaviour = self.crop, self.video_size_px, self.behaviour
        fields = size_fields(self.sizes)
        if video is not None:
            fields = {
                "frames": fields["frames"],
                "seconds": fields["seconds"],
                "video_size_px": list(video),
            }
        return fields | {
            "layers": self.layers,
            "frame_rate_hz": str(self.frame_rate_hz),
            "synthetic": True,
            "portrait_quality": self.portrait_quality,
            "audio_bps": self.audio_bps,
            "seed": self.seed,
            "temperature": self.temperature,
            "poses": self.poses,
            "recording": self.recording,
            "kept_s": round(self.kept_s, 3),
            "model": str(self.motion_space),
            "model_sha256": self.motion_space.sha256.hex(),
            "renderer": str(self.renderer),
            "renderer_sha256": self.renderer.sha256.hex(),
            "tokenizer": str(self.tokenizer),
            "tokenizer_sha256": self.tokenizer.sha256.hex(),
            "generator": str(self.generator),
            "generator_sha256": self.generator.sha256.hex(),
            "behaviour": None if behaviour is None else str(behaviour),
            "behaviour_sha256": None if behaviour is None else behaviour.sha256.hex(),
            "crop_px": None if crop is None else [crop.x_px, crop.y_px, crop.side_px],
            "elapsed_s": round(self.elapsed_s, 3),
            "dub_fps": round(self.dub_fps, 2),
            "warnings": list(self.warnings),
        }
