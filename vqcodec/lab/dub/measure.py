"""Two ways to measure a dub against the real clip: by the landmarks of its motion, or rendered and looked at."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_CRF
from vqcodec.decoding.parts import FrameRenderer
from vqcodec.evaluation.metrics.suite import FACE_EVERY, ReferenceFrames, Suite
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.format import CODED_SIZE_PX
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.lab.dub.clips import FRAME_RATE_HZ, FRAME_SAMPLES, DubClip, Features, Pcm
from vqcodec.lab.dub.sync import Figures, Points, distances, feature_sync, lip_sync
from vqcodec.media.out.sink import VideoSink

PICTURE_FIGURES = (
    "ssim",
    "perc",
    "st_lpips",
    "id_dist",
    "lmd",
    "lmd_mouth",
    "cpbd",
    "cpbd_reference",
)
BATCH_FRAMES = 8


class Level(Protocol):
    """Measures motion for a clip."""

    @property
    def name(self) -> str:
        """For result files."""
        ...

    @property
    def settings(self) -> dict[str, str]:
        """Identities and settings: another entry is another result."""
        ...

    def measure(
        self, clip: DubClip, features: Features, pcm: Pcm, variant: str, *, lips_only: bool = False
    ) -> Figures:
        """Figures of a dub; those that this level doesn't know are left out.

        Args:
            clip: the real clip of T frames.
            features: (T, 48) float32 of the dub.
            pcm: its sound, for whoever wants to see and hear it.
            variant: what it is, for file names.
            lips_only: lip sync and landmark distances are enough.
        """
        ...


class MotionLevel:
    """Without rendering: the landmarks that the motion features stand for, against those found in the clip.

    Args:
        basis: landmarks of the motion space.
        space: its identity.
    """

    name = "motion"

    def __init__(self, basis: LandmarkBasis, space: str) -> None:
        self._basis = basis
        self.settings = {"motion_space": space}

    def measure(
        self, clip: DubClip, features: Features, pcm: Pcm, variant: str, *, lips_only: bool = False
    ) -> Figures:
        """See Level."""
        return feature_sync(features, clip.real_points, self._basis)


def film(
    features: Features, clip: DubClip, pcm: Pcm, renderer: FrameRenderer, target: Path
) -> None:
    """Write the video that a decoder would make of these features, with a sound.

    Args:
        features: (T, 48) float32 f_t, quantized or not.
        clip: whose portrait moves.
        pcm: (1920 T,) int16 at 48 kHz.
        renderer: makes the pictures.
        target: .mp4; replaced if it is there.
    """
    state = renderer.prepare(clip.still, clip.features)
    with VideoSink(
        target,
        width=CODED_SIZE_PX,
        height=CODED_SIZE_PX,
        frame_rate_hz=FRAME_RATE_HZ,
        channels=1,
        crf=DEFAULT_CRF,
        force=True,
    ) as sink:
        for start in range(0, len(features), BATCH_FRAMES):
            pictures = renderer.render(state, features[start : start + BATCH_FRAMES], CODED_SIZE_PX)
            for number, picture in enumerate(pictures, start):
                sink.write_frame(picture, number / FRAME_RATE_HZ)
            sink.write_audio(pcm[start * FRAME_SAMPLES : (start + len(pictures)) * FRAME_SAMPLES])


class FullLevel:
    """Rendered at 512x512, written as H.264, read back and measured at 256x256, as `validate` does with a decoded file.

    Lip sync is of MediaPipe's landmarks in every frame. A context manager, because MediaPipe must be closed.

    Args:
        renderer: makes the pictures.
        folder: for the videos: CLIP-VARIANT.mp4.
        face_every: take identity, landmark distances and sharpness on every so many frames.
    """

    name = "full"

    def __init__(self, renderer: FrameRenderer, folder: Path, face_every: int = FACE_EVERY) -> None:
        self._renderer, self._folder = renderer, folder
        self._suite = Suite(face_every)
        self._reference: tuple[Path, ReferenceFrames] | None = None
        self.settings = {
            "motion_space": str(renderer.motion_space),
            "renderer": str(renderer.id),
            "face_every": str(face_every),
        }

    def __enter__(self) -> FullLevel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._suite.__exit__(kind, error, trace)

    def measure(
        self, clip: DubClip, features: Features, pcm: Pcm, variant: str, *, lips_only: bool = False
    ) -> Figures:
        """See Level."""
        target = self._folder / f"{clip.path.stem}-{variant}.mp4"
        film(features, clip, pcm, self._renderer, target)
        return self.compare(clip.path, read_frames(target), lips_only=lips_only)

    def compare(self, real: Path, shown: NDArray[np.uint8], *, lips_only: bool = False) -> Figures:
        """Figures of (T, 256, 256, 3) frames against a clip."""
        if self._reference is None or self._reference[0] != real:
            self._reference = real, self._suite.reference(read_frames(real))
        reference, output = self._reference[1], self._suite.reference(shown)
        theirs, ours = _track(reference), _track(output)
        found = lip_sync(theirs, ours) | distances(theirs, ours, self._suite.face_every)
        if lips_only:
            return found
        scores = self._suite.measure(reference, output).mean()
        return found | {name: float(getattr(scores, name)) for name in PICTURE_FIGURES}


def _track(video: ReferenceFrames) -> list[Points | None]:
    return [video.faces.points(number) for number in range(len(video.frames))]
