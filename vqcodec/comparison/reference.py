"""The reference of a comparison: a clip's face square at a constant frame rate, kept without loss.

Everybody codes this file and everybody is measured against it, so that cropping and timing are nobody's advantage.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vqcodec.comparison.anchors.variants import Variant
from vqcodec.comparison.settings import FRAMES_MAX
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.files import clip_name
from vqcodec.evaluation.tools.frames import Picture, to_side
from vqcodec.face.crop import centre_square, face_box, follow_face, take_square
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.system import system_faults
from vqcodec.types import Crop, VideoFrame

LARGE_FROM_PX = 384
SIDES_PX = (512, 256)
MEMORY_BYTES = 1_000_000_000
_LOOKS = 12
_SOUND_BPS = 192_000


@dataclass(frozen=True, slots=True)
class ReferenceClip:
    """A prepared clip.

    Attributes:
        name: of the clip.
        path: H.264 without loss, yuv420p BT.709, with sound when the clip has some.
        frames: how many.
        frame_rate_hz: constant.
        side_px: 512, or 256 where the source's square has fewer than LARGE_FROM_PX pixels.
        sound: whether there is any.
        source_sha256: of the source file.
    """

    name: str
    path: Path
    frames: int
    frame_rate_hz: Fraction
    side_px: int
    sound: bool
    source_sha256: str

    @property
    def seconds(self) -> Fraction:
        """Duration of the pictures."""
        return self.frames / self.frame_rate_hz

    def rgb(self) -> Iterator[Picture]:
        """Its pictures, (side_px, side_px, 3) uint8."""
        with VideoSource(os.fspath(self.path), fps=self.frame_rate_hz) as source:
            for frame in source:
                yield frame.rgb

    def small(self) -> Picture:
        """(T, 256, 256, 3) uint8 RGB: what figures are taken on."""
        return np.stack([to_side(picture) for picture in self.rgb()])


def sha256_of(path: Path) -> str:
    """Hash of a file.

    Raises:
        MediaError: it can't be read, or only once.
    """
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would wait
        raise MediaError(
            f"cannot compare on {path}: it is no file, and is read several times",
            hint="save it as a file first",
        )
    with system_faults(path, "read"), path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def prepare(clip: Path, folder: Path, cut_s: Fraction | None = None) -> ReferenceClip:
    """Write a clip's reference into a folder.

    The square is the one `vqcodec encode` takes for a shot: around the face as seen at a dozen moments. One square is
    used for the whole clip. A rate above 30 Hz is halved, as `encode` does.

    Args:
        clip: a video.
        folder: gets reference.mp4; made if need be.
        cut_s: use only the beginning.

    Raises:
        MediaError: the clip can't be read or holds no picture.
        UsageError: it is longer than FRAMES_MAX frames.
    """
    digest = sha256_of(clip)
    with VideoSource(os.fspath(clip)) as source:
        rate = source.frame_rate_hz  # halved above 30 Hz
    crop = _square(clip, cut_s)
    side = SIDES_PX[0] if crop.side_px >= LARGE_FROM_PX else SIDES_PX[1]
    with system_faults(folder, "make the folder"):  # now that there is something to put into it
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / "reference.mp4"
    with VideoSource(os.fspath(clip), fps=rate, sound="decode") as source:
        sound = source.has_audio
        with VideoSink(
            path,
            width=side,
            height=side,
            frame_rate_hz=rate,
            channels=int(sound),
            crf=0,
            preset="ultrafast",
            audio_bps=_SOUND_BPS,
            force=True,
        ) as sink:
            frames = _copy(source, sink, crop, side, cut_s, clip)
    return ReferenceClip(clip_name(clip), path, frames, rate, side, sound, digest)


def _square(clip: Path, cut_s: Fraction | None) -> Crop:
    """Around the face at a dozen moments; the largest centred square of a clip without one."""
    with VideoSource(os.fspath(clip)) as source:
        times = [f.time_s for f in source if cut_s is None or f.time_s < cut_s]
    wanted = {int(i) for i in np.linspace(0, len(times) - 1, min(_LOOKS, len(times)))}
    boxes, size = [], (0, 0)
    with VideoSource(os.fspath(clip)) as source, FaceLandmarker() as landmarker:
        for number, frame in enumerate(source):
            if number > max(wanted):
                break
            size = frame.rgb.shape[1], frame.rgb.shape[0]
            face = landmarker.largest(frame.rgb) if number in wanted else None
            if face is not None:
                boxes.append(face_box(face.points))
    return follow_face(boxes, *size) if boxes else centre_square(*size)


def _copy(
    source: VideoSource, sink: VideoSink, crop: Crop, side: int, cut_s: Fraction | None, clip: Path
) -> int:
    """Pictures and sound up to the cut, streaming; returns the number of pictures."""
    frames = samples = 0
    sample_end = None if cut_s is None else int(cut_s * AUDIO_RATE_HZ)
    for item in source.items():
        if isinstance(item, VideoFrame) and (cut_s is None or item.time_s < cut_s):
            if frames == FRAMES_MAX:
                raise UsageError(
                    f"{clip} has more than {FRAMES_MAX} frames",
                    hint="Compare a part of it: --cut 60.",
                )
            sink.write_frame(take_square(item.rgb, crop, side), item.time_s)
            frames += 1
        elif isinstance(item, AudioBlock):
            left = (
                item.samples if sample_end is None else item.samples[: max(0, sample_end - samples)]
            )
            samples += len(left)
            if len(left):
                sink.write_audio(left)
    return frames


class YuvFrames:
    """The pictures of a variant as libav frames, ready for an encoder; kept in memory as long as they are few."""

    def __init__(self, reference: ReferenceClip, variant: Variant) -> None:
        self._reference, self._variant = reference, variant
        count = reference.frames // variant.divisor + 1
        self._keep = count * variant.side_px**2 * 3 // 2 <= MEMORY_BYTES
        self._kept: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        if self._kept:
            yield from self._kept
            return
        read = []
        for frame in self._decoded():
            if self._keep:
                read.append(frame)
            yield frame
        self._kept = read

    def _decoded(self) -> Iterator[Any]:
        side = self._variant.side_px
        with av.open(os.fspath(self._reference.path)) as container:
            for number, frame in enumerate(container.decode(container.streams.video[0])):
                if number % self._variant.divisor == 0:
                    small = (
                        frame
                        if frame.width == side
                        else frame.reformat(side, side, interpolation="AREA")
                    )
                    small.pts = number // self._variant.divisor
                    small.pict_type = 0
                    yield small
