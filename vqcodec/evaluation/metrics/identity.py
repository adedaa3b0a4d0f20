"""Identity distance: is it still the same person? Face embeddings of dlib's ResNet.

King, "High Quality Face Recognition with Deep Metric Learning", dlib blog 2017: a 29-layer ResNet trained with a
metric loss so that faces of one person lie within 0.6 of each other. It is trained apart from everything in this
codec, which never sees it in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.tools.extras import package_file, require

SAME_PERSON_BELOW = 0.6
_MODELS = ("face_recognition_models", "models")
_PURPOSE = "the identity distance"


class IdentityEmbedder:
    """128 numbers per face from dlib's `dlib_face_recognition_resnet_model_v1`.

    The face is placed by the box round its MediaPipe landmarks, aligned by dlib's five-point shape predictor and cut to
    150x150; so no second face detector decides whether a frame counts.

    Raises:
        MissingExtraError: dlib (package dlib-bin) or face_recognition_models is not installed.
    """

    def __init__(self) -> None:
        dlib = require("dlib", _PURPOSE)
        shape = package_file(*_MODELS, "shape_predictor_5_face_landmarks.dat", purpose=_PURPOSE)
        network = package_file(
            *_MODELS, "dlib_face_recognition_resnet_model_v1.dat", purpose=_PURPOSE
        )
        self._rectangle: Any = dlib.rectangle
        self._shape: Any = dlib.shape_predictor(str(shape))
        self._network: Any = dlib.face_recognition_model_v1(str(network))

    def __call__(
        self, frame: NDArray[np.uint8], points: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Embed one face.

        Args:
            frame: (H, W, 3) uint8 RGB.
            points: (K, 2) landmarks of the face, in pixels of `frame`.

        Returns:
            (128,) float64.
        """
        picture = np.ascontiguousarray(frame)
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        box = self._rectangle(int(left), int(top), int(right), int(bottom))
        return np.array(
            self._network.compute_face_descriptor(picture, self._shape(picture, box)), np.float64
        )


def identity_distance(reference: NDArray[np.float64], output: NDArray[np.float64]) -> float:
    """Euclidean distance of two embeddings (128,).

    Range 0..about 1.5; lower is better, and `SAME_PERSON_BELOW` (0.6) is dlib's threshold for one person.
    """
    return float(np.linalg.norm(reference - output))
