"""Face landmarks behind one small interface: 478 points of the largest face, from MediaPipe FaceLandmarker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.asset import face_model_path
from vqcodec.runtime.native_log import quiet


@dataclass(frozen=True, slots=True)
class FaceObservation:
    """One face in one frame.

    Attributes:
        points: (478, 2) float32, x and y in pixels of the given frame (pixel centres at +0.5).
        blendshapes: (52,) float32 in 0..1 in MediaPipe's order, or None when not asked for.
    """

    points: NDArray[np.float32]
    blendshapes: NDArray[np.float32] | None = None


class FaceLandmarker:
    """Detector of 478 landmarks on single frames; a context manager, because MediaPipe must be closed explicitly.

    Frames are taken independently (image mode): the tracking mode smooths with a lag of about a pixel, and the encoder
    can filter without lag because it may look ahead.
    """

    def __init__(
        self, *, max_faces: int = 1, blendshapes: bool = False, model: str | None = None
    ) -> None:
        with quiet():
            import mediapipe as mp
            from mediapipe.tasks.python import BaseOptions, vision

            self._mp: Any = mp
            self._task: Any = vision.FaceLandmarker.create_from_options(
                vision.FaceLandmarkerOptions(
                    base_options=BaseOptions(model_asset_path=str(face_model_path(model))),
                    num_faces=max_faces,
                    output_face_blendshapes=blendshapes,
                )
            )
            # the graph starts on the first call, and logs then
            self._task.detect(
                mp.Image(image_format=mp.ImageFormat.SRGB, data=np.zeros((64, 64, 3), np.uint8))
            )

    def __enter__(self) -> FaceLandmarker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the graph; idempotent."""
        if self._task is not None:
            self._task.close()
            self._task = None

    def faces(self, frame: NDArray[np.uint8]) -> list[FaceObservation]:
        """All faces, largest first.

        Args:
            frame: (H, W, 3) uint8 RGB.

        Returns:
            Observations in pixels of `frame`; empty when there is no face.
        """
        height, width = frame.shape[:2]
        image = self._mp.Image(
            image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(frame)
        )
        result = self._task.detect(image)
        shapes = result.face_blendshapes or [None] * len(result.face_landmarks)
        found = [
            FaceObservation(
                np.array([(p.x * width, p.y * height) for p in face], np.float32),
                None if shape is None else np.array([c.score for c in shape], np.float32),
            )
            for face, shape in zip(result.face_landmarks, shapes, strict=True)
        ]
        return sorted(found, key=lambda o: -float(np.prod(np.ptp(o.points, axis=0))))

    def largest(self, frame: NDArray[np.uint8]) -> FaceObservation | None:
        """The largest face of `frame` ((H, W, 3) uint8 RGB), or None."""
        found = self.faces(frame)
        return found[0] if found else None
