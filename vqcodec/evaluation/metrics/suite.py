"""All figures of one video against its reference, in one pass.

    with Suite() as suite:
        scores = suite.measure(reference, output).mean()

Fidelity and perceptual distance are measured on every frame; landmarks, identity and sharpness, which cost most, on
every fifth. A frame in which no face is found in the reference or the output is left out of those; `faces` counts the
rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics import fidelity
from vqcodec.evaluation.metrics.identity import IdentityEmbedder, identity_distance
from vqcodec.evaluation.metrics.landmarks import (
    LIPS,
    interocular_px,
    jitter,
    landmark_distance,
    landmark_step,
)
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.sharpness import cpbd
from vqcodec.evaluation.tools.frames import METRIC_SIDE_PX, to_side
from vqcodec.face.landmarks import FaceLandmarker

FACE_EVERY = 5
_BATCH_FRAMES = 10

Frames: TypeAlias = NDArray[np.uint8]
Figure: TypeAlias = Callable[[Frames, Frames], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean figures of one video; NaN where nothing could be measured. Definitions: the modules of this package.

    Attributes:
        frames: frames compared.
        faces: sampled frames with a face in both, over which the last seven figures are taken.
        psnr_db: higher is better.
        ssim: higher is better.
        ms_ssim: higher is better.
        perc: perceptual distance, lower is better.
        id_dist: identity distance, lower is better.
        lmd: landmark distance, lower is better.
        lmd_mouth: the same over the lips, lower is better.
        cpbd: sharpness of the output; compare with cpbd_reference.
        cpbd_reference: sharpness of the reference.
        jitter: landmark motion of the output over the reference's, 1 is right.
    """

    frames: int
    faces: int
    psnr_db: float
    ssim: float
    ms_ssim: float
    perc: float
    id_dist: float
    lmd: float
    lmd_mouth: float
    cpbd: float
    cpbd_reference: float
    jitter: float

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields; NaN becomes null."""
        return {
            k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scores:
        """The inverse of `to_json`; raises KeyError when a figure is missing."""
        known: dict[str, Any] = {}
        for name in (f.name for f in fields(cls)):
            known[name] = float("nan") if values[name] is None else values[name]
        return cls(**known)


@dataclass(frozen=True, slots=True)
class FrameScores:
    """Figures per frame: every frame for the first four, the frames numbered `sampled` for the rest."""

    psnr_db: NDArray[np.float32]
    ssim: NDArray[np.float32]
    ms_ssim: NDArray[np.float32]
    perc: NDArray[np.float32]
    sampled: list[int]
    id_dist: list[float]
    lmd: list[float]
    lmd_mouth: list[float]
    cpbd: list[float]
    cpbd_reference: list[float]
    steps: list[float]
    steps_reference: list[float]

    def mean(self) -> Scores:
        """Mean over frames; `jitter` is the ratio of mean steps."""

        def of(values: Any) -> float:
            return float(np.mean(values, dtype=np.float64)) if len(values) else float("nan")

        return Scores(
            len(self.psnr_db),
            len(self.sampled),
            of(self.psnr_db),
            of(self.ssim),
            of(self.ms_ssim),
            of(self.perc),
            of(self.id_dist),
            of(self.lmd),
            of(self.lmd_mouth),
            of(self.cpbd),
            of(self.cpbd_reference),
            jitter(self.steps_reference, self.steps),
        )


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


class Reference:
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
        self.face_every = face_every
        self._perceptual = PerceptualDistance()
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

    def reference(self, frames: Frames) -> Reference:
        """Prepare a source, (T, H, W, 3) uint8 RGB, to be compared with several outputs."""
        small = _small(frames)
        return Reference(small, self._faces(small))

    def measure(self, reference: Reference | Frames, output: Reference | Frames) -> FrameScores:
        """Compare frame by frame, at 256x256, over the length of the shorter one.

        Args:
            reference: the source, prepared or (T, H, W, 3) uint8 RGB.
            output: (T', H', W', 3) uint8 RGB, or prepared, where its landmarks are wanted for more than these figures.
        """
        source, shown = (
            x if isinstance(x, Reference) else self.reference(x) for x in (reference, output)
        )
        count = min(len(source.frames), len(shown.frames))
        result = shown.frames[:count]
        figures: tuple[Figure, ...] = (
            fidelity.psnr_db,
            fidelity.ssim,
            fidelity.ms_ssim,
            self._perceptual,
        )
        parts: list[list[NDArray[np.float32]]] = [[] for _ in figures]
        for start in range(0, count, _BATCH_FRAMES):
            stop = min(start + _BATCH_FRAMES, count)
            for values, figure in zip(parts, figures, strict=True):
                values.append(figure(source.frames[start:stop], result[start:stop]))
        psnr_db, ssim, ms_ssim, perc = (np.concatenate(values) for values in parts)
        return FrameScores(
            psnr_db, ssim, ms_ssim, perc, **self._face_scores(source, shown.faces, count)
        )

    def _face_scores(self, source: Reference, output: FaceFigures, count: int) -> dict[str, Any]:
        lists: dict[str, list[Any]] = {
            name: []
            for name in (
                "sampled",
                "id_dist",
                "lmd",
                "lmd_mouth",
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
