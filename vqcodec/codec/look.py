"""What needs no model: what a .vqt stream says about itself, whether it keeps the rules, and thinning it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from vqcodec import container
from vqcodec.codec.files import Source, readable
from vqcodec.container import Survey, VerifyReport
from vqcodec.format import CODES
from vqcodec.reports import picture_kept, size_fields
from vqcodec.stream.opening import open_stream
from vqcodec.types import FileLike, Head, StreamSizes


def info(source: Source) -> dict[str, Any]:
    """What a .vqt stream says about itself, as JSON-ready fields with units.

    No token is decoded, and of a file no contents are read (`vqcodec.container.survey`): whether those are intact is for
    `verify` to say.

    Raises:
        BitstreamError, UnsupportedError: damaged, or of a newer version.
        MediaError: the file can't be read.
    """
    with open_stream(readable(source)) as file:
        found = container.survey(file)
    return (
        _head_fields(found.head, found.sizes.scene)
        | size_fields(found.sizes)
        | {"key_frames": found.key_frames, "low_confidence_frames": found.low_confidence_frames}
        | _shot_fields(found)
    )


def _shot_fields(found: Survey) -> dict[str, Any]:
    """What only major version 2 says: how old a frame is at most when it is written, and the portraits by shot."""
    if found.head.version[0] == 1:
        return {}
    shots = [
        {
            "portraits": shot.portraits,
            "portrait_bytes": shot.portrait_bytes,
            "portraits_per_minute": round(float(shot.portraits_per_minute), 2),
            "frames": shot.frames,
            "seconds": round(float(shot.seconds), 3),
            "continues": shot.continues,
        }
        for shot in found.shots
    ]
    return {"delay_ms": found.head.delay_ms, "shots": shots}


def _head_fields(head: Head, scene_bytes: int) -> dict[str, Any]:
    crop, audio = head.crop, head.audio
    return {
        "version": f"{head.version[0]}.{head.version[1]}",
        "layers": head.layers,
        "dimension_groups": head.groups,
        "motion_raw_kbps": round(_raw_kbps(head), 3),
        "frame_rate_hz": str(head.frame_rate_hz),
        "time_base_s": str(head.time_base_s),
        "coded_size_px": head.coded_size_px,
        "synthetic": head.synthetic,
        "model": str(head.motion_space),
        "model_sha256": head.motion_space.sha256.hex(),
        "renderer": str(head.renderer),
        "renderer_sha256": head.renderer.sha256.hex(),
        "audio_codec": "opus" if audio else "none",
        "audio_channels": audio.channels if audio else 0,
        "audio_rate_hz": audio.sample_rate_hz if audio else 0,
        "source_size_px": [crop.source_width_px, crop.source_height_px] if crop else None,
        "crop_px": [crop.x_px, crop.y_px, crop.side_px] if crop else None,
        "picture_kept": picture_kept(crop, scene_bytes),
    }


def _raw_kbps(head: Head) -> float:
    """Of the indices before entropy coding, at the nominal rate (tokens.md, section 4)."""
    bits = head.groups * head.layers * math.log2(CODES)
    return bits * float(head.frame_rate_hz) / 1000


@dataclass(frozen=True, slots=True)
class Verified:
    """A stream that keeps every rule of the specification.

    Attributes:
        report: what it holds.
    """

    report: VerifyReport

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        report = self.report
        return (
            _head_fields(report.head, report.sizes.scene)
            | size_fields(report.sizes)
            | {
                "key_frames": report.key_frames,
                "motion_groups": report.groups,
                "low_confidence_frames": report.low_confidence_frames,
                "audio_groups": report.audio_groups,
                "audio_packets": report.audio_packets,
                "token_sha256": report.token_sha256,
            }
            | ({"shots": report.shots} if report.head.version[0] > 1 else {})
        )


def verify(source: Source) -> Verified:
    """Check a .vqt stream: structure, limits, CRCs, and that every token decodes. Needs no model.

    Raises:
        BitstreamError, UnsupportedError: the first thing that is wrong, with its byte offset.
        MediaError: the file can't be read.
    """
    with open_stream(readable(source)) as file:
        return Verified(container.verify(file))


def thin(source: Source, target: FileLike, *, layers: int, force: bool = False) -> StreamSizes:
    """Copy a .vqt stream with fewer residual layers. Needs no model.

    Raises:
        OutputExistsError: `target` exists and `force` is false.
        UsageError: `layers` is more than the stream has, or less than 1; `target` is `source`.
        BitstreamError, UnsupportedError: the stream is damaged, or of a newer version.
        MediaError: a file can't be read or written.
    """
    from vqcodec.media.out.atomic import atomic_output
    from vqcodec.media.out.targets import check_apart

    check_apart(target, source)
    with atomic_output(target, force=force) as sink, open_stream(readable(source)) as file:
        return container.thin(file, sink, layers)
