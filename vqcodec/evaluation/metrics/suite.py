"""All figures of one video against its reference, in one pass.

    with Suite() as suite:
        scores = suite.measure(reference, output).mean()

Fidelity, perceptual distance and ST-LPIPS are measured on every frame; landmarks, identity and sharpness, which cost most, on
every fifth. A frame in which no face is found in the reference or the output is left out of those; `faces` counts the
rest.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics import fidelity
from vqcodec.evaluation.metrics.features import EYES, MOUTH, crop_distance
from vqcodec.evaluation.metrics.identity import IdentityEmbedder, identity_distance
from vqcodec.evaluation.metrics.landmarks import interocular_px, landmark_distance, landmark_step
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.scores import Frames, FrameScores
from vqcodec.evaluation.metrics.sharpness import cpbd
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, to_side
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.geometry.mesh import LIPS
from vqcodec.runtime.extras import check_extra

FACE_EVERY = 5


_BATCH_FRAMES = 10


Figure: TypeAlias = Callable[[Frames, Frames], NDArray[np.float32]]


class FaceFigures:
    """Landmarks, embedding and sharpness of the frames of one video, each computed once.

    A reference is compared with several outputs, and a still picture is one frame many times over, so results are kept
    by frame number, and by content for a video whose frames share their memory (np.broadcast_to).
    """

    def __init__(
        self, frames: Frames, landmarker: FaceLandmarker, embedder: IdentityEmbedder
    ) -> None:
        self._frames = frames
        self._still = frames.strides[0] == 0
        self._landmarker, self._embedder = landmarker, embedder
        self._points: dict[int, NDArray[np.float32] | None] = {}
        self._embeddings: dict[int, NDArray[np.float64]] = {}
        self._sharpness: dict[int, float] = {}

    def frame(self, number: int) -> NDArray[np.uint8]:
        """(S, S, 3) uint8 RGB."""
        return np.asarray(self._frames[number], np.uint8)

    def points(self, number: int) -> NDArray[np.float32] | None:
        """(478, 2) landmarks of a frame in pixels, or None without a face."""
        key = 0 if self._still else number
        if key not in self._points:
            found = self._landmarker.largest(self._frames[number])
            self._points[key] = None if found is None else found.points
        return self._points[key]

    def embedding(self, number: int) -> NDArray[np.float64]:
        """(128,) face embedding of a frame that has landmarks."""
        key = 0 if self._still else number
        if key not in self._embeddings:
            points = self.points(number)
            assert points is not None
            self._embeddings[key] = self._embedder(self._frames[number], points)
        return self._embeddings[key]

    def sharpness(self, number: int) -> float:
        """CPBD of a frame."""
        key = 0 if self._still else number
        if key not in self._sharpness:
            self._sharpness[key] = cpbd(self._frames[number])
        return self._sharpness[key]


class ReferenceFrames:
    """A video at 256x256, most often a source, with what has been computed of it; from `Suite.reference`."""

    def __init__(self, frames: Frames, faces: FaceFigures) -> None:
        self.frames = frames
        self.faces = faces


class Suite:
    """The networks behind the figures, loaded once; a context manager, because MediaPipe must be closed.

    Args:
        face_every: sample landmarks, identity and sharpness every so many frames, >= 1.

    Raises:
        MissingExtraError: a package of the `eval` extra is absent.
        ModelError: no face landmark model.
    """

    def __init__(self, face_every: int = FACE_EVERY) -> None:
        if face_every < 1:
            raise UsageError(
                f"every {face_every} frames is not a sampling step", hint="Choose 1 or more."
            )
        check_extra("eval", "measuring")
        self.face_every = face_every
        self._perceptual = PerceptualDistance()
        self._shift_tolerant = ShiftTolerantLpips()
        self._embedder = IdentityEmbedder()
        self._landmarker = FaceLandmarker()

    def __enter__(self) -> Suite:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._landmarker.close()

    def _faces(self, frames: Frames) -> FaceFigures:
        return FaceFigures(frames, self._landmarker, self._embedder)

    def reference(self, frames: Frames) -> ReferenceFrames:
        """Prepare a source, (T, H, W, 3) uint8 RGB, to be compared with several outputs."""
        small = _small(frames)
        return ReferenceFrames(small, self._faces(small))

    def measure(
        self, reference: ReferenceFrames | Frames, output: ReferenceFrames | Frames
    ) -> FrameScores:
        """Compare frame by frame, at 256x256, over the length of the shorter one.

        Args:
            reference: the source, prepared or (T, H, W, 3) uint8 RGB.
            output: (T', H', W', 3) uint8 RGB, or prepared, where its landmarks are wanted for more than these figures.
        """
        source, shown = (
            x if isinstance(x, ReferenceFrames) else self.reference(x) for x in (reference, output)
        )
        count = min(len(source.frames), len(shown.frames))
        result = shown.frames[:count]
        figures: tuple[Figure, ...] = (
            fidelity.psnr_db,
            fidelity.ssim,
            fidelity.ms_ssim,
            self._perceptual,
            self._shift_tolerant,
        )
        parts: list[list[NDArray[np.float32]]] = [[] for _ in figures]
        for start in range(0, count, _BATCH_FRAMES):
            stop = min(start + _BATCH_FRAMES, count)
            for values, figure in zip(parts, figures, strict=True):
                values.append(figure(source.frames[start:stop], result[start:stop]))
        psnr_db, ssim, ms_ssim, perc, st_lpips = (np.concatenate(values) for values in parts)
        faces = self._face_scores(source, shown.faces, count)
        return FrameScores(psnr_db, ssim, ms_ssim, perc, st_lpips, **faces)

    def _face_scores(
        self, source: ReferenceFrames, output: FaceFigures, count: int
    ) -> dict[str, Any]:
        lists: dict[str, list[Any]] = {
            name: []
            for name in (
                "sampled",
                "id_dist",
                "lmd",
                "lmd_mouth",
                "perc_mouth",
                "perc_eyes",
                "cpbd",
                "cpbd_reference",
                "steps",
                "steps_reference",
            )
        }
        for number in range(0, count, self.face_every):
            before, after = source.faces.points(number), output.points(number)
            if before is None or after is None:
                continue
            lists["sampled"].append(number)
            lists["id_dist"].append(
                identity_distance(source.faces.embedding(number), output.embedding(number))
            )
            lists["lmd"].append(landmark_distance(before, after))
            lists["lmd_mouth"].append(landmark_distance(before, after, LIPS))
            pair = source.frames[number], output.frame(number)
            for name, crop in (("perc_mouth", MOUTH), ("perc_eyes", EYES)):
                lists[name].append(crop_distance(self._perceptual, crop, *pair, before))
            lists["cpbd"].append(output.sharpness(number))
            lists["cpbd_reference"].append(source.faces.sharpness(number))
            if number + 1 < count:
                following, shown = source.faces.points(number + 1), output.points(number + 1)
                if following is not None and shown is not None:
                    unit = interocular_px(before)
                    lists["steps_reference"].append(landmark_step(before, following, unit))
                    lists["steps"].append(landmark_step(after, shown, unit))
        return lists


def still(frames: Frames) -> Frames:
    """The first frame repeated without copying: what a codec that doesn't move would show."""
    return np.broadcast_to(frames[:1], frames.shape)


def _small(frames: Frames) -> Frames:
    if frames.shape[1:3] == (METRIC_SIDE_PX, METRIC_SIDE_PX):
        return frames
    if frames.strides[0] == 0:
        return np.broadcast_to(
            to_side(frames[0])[None], (len(frames), METRIC_SIDE_PX, METRIC_SIDE_PX, 3)
        )
    return np.stack([to_side(f) for f in frames])
