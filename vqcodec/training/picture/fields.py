"""The field in training samples: measured as an encoder does, told as a stream does."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.format import DIMS, FEATURE_SIZE_PX, LAYER_STEPS
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.field import read_field
from vqcodec.geometry.layout import LANDMARK_DIMS, read_layout
from vqcodec.motion.field import FieldFit, grey_of
from vqcodec.render.reference import ReferenceFlow

SIDE = 64


class FieldTeller:
    """Measures what a motion space's field says of a sample's targets.

    Args:
        space: a motion space file with a field.
    """

    def __init__(self, space: Path) -> None:
        field = read_field(space)
        assert field is not None, "a motion space with a field is needed"
        self._flow, self._basis, self._layout = (
            ReferenceFlow.load(space, "cpu"),
            read_basis(space),
            read_layout(space),
        )
        self._fit = FieldFit(field)
        self._units = self._basis.units[self._layout.field_span]
        planes = np.moveaxis(field.at(SIDE), -1, 1) / np.float32(FEATURE_SIZE_PX / 2)
        self._planes = planes.reshape(len(planes), -1)

    @classmethod
    def of_space(cls, space: Path) -> FieldTeller | None:
        """Of a motion space file; None where it has no field."""
        return None if read_field(space) is None else cls(space)

    def flows(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32],
        layers: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """What is told of a sample's targets.

        Args:
            frames: (P + K, S, S, 3) uint8 portraits, then targets, as the sample shows them.
            landmarks: (P + K, 478, 2) in 0..1.
            surroundings: (P + K, 8).
            layers: (K,) residual layers each target keeps.

        Returns:
            (P, K, 2, 64, 64) float32, from each target to each portrait, in -1..1 units.
        """
        portraits = len(frames) - len(layers)
        rows = _known(self._basis, self._layout.surround_span, landmarks, surroundings)
        frames = np.stack([_small(frame) for frame in frames])
        greys = [grey_of(frame) for frame in frames]
        steps = (np.array(LAYER_STEPS)[layers - 1][:, None] * self._units).astype(np.float32)
        told = np.zeros((portraits, len(layers), len(self._units)), np.float32)
        for portrait, of_portrait in enumerate(told):
            state = self._flow.prepare(frames[portrait], rows[portrait])
            for i, (grey, row) in enumerate(zip(greys[portraits:], rows[portraits:], strict=True)):
                of_portrait[i] = self._fit(greys[portrait], grey, *self._flow.flow(state, row))
            of_portrait[:] = np.round(of_portrait / steps) * steps
        return (told @ self._planes).reshape(*told.shape[:2], 2, SIDE, SIDE)


def _known(
    basis: LandmarkBasis,
    surround: slice,
    landmarks: NDArray[np.float32],
    surroundings: NDArray[np.float32],
) -> NDArray[np.float32]:
    """(N, 48) features but for the learned ones."""
    rows = np.zeros((len(landmarks), DIMS), np.float32)
    rows[:, :LANDMARK_DIMS] = basis.project(landmarks)
    rows[:, surround] = surroundings
    return rows


def _small(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frame.shape[0] == FEATURE_SIZE_PX:
        return frame
    size = (FEATURE_SIZE_PX, FEATURE_SIZE_PX)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def nothing_told(portraits: int, targets: int) -> NDArray[np.float32]:
    """A field that says nothing, in the same form."""
    return np.zeros((portraits, targets, 2, SIDE, SIDE), np.float32)
