"""A motion space: what the numbers of a frame mean (design, section 4)."""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from vqcodec.config import Device
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.field import FieldBasis, read_field
from vqcodec.geometry.layout import LANDMARK_DIMS, Layout, read_layout
from vqcodec.geometry.reading import model_faults
from vqcodec.models import store
from vqcodec.motion.image_cnn import ImageMotionCnn
from vqcodec.motion.surroundings import SurroundingsTracker
from vqcodec.motion.transfer import scaled
from vqcodec.runtime.device import choose_device
from vqcodec.types import ModelId


class MotionSpace:
    """Motion features of a frame: 36 landmark coefficients, then surroundings, learned numbers and field as the layout says.

    Attributes:
        id: name and sha256 of the weights; streams carry it, because it says what a token means.
        basis: the landmark part.
        layout: the rest.
        field: what the field's coefficients mean; None where the space has none.
    """

    def __init__(
        self,
        model: store.ModelFile,
        basis: LandmarkBasis,
        cnn: ImageMotionCnn,
        device: torch.device,
        layout: Layout,
        field: FieldBasis | None = None,
    ) -> None:
        self.id: ModelId = model.id
        self.basis, self.layout, self.field = basis, layout, field
        self._device = device
        self._cnn = cnn.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, device: Device = "auto"
    ) -> MotionSpace:
        """The shipped motion space, or the one in a file, on a device (always in float32: features become tokens).

        Raises:
            ModelError: the file is missing, has the wrong hash or lacks a tensor.
        """
        return cls.from_file(
            store.current("motion_space") if path is None else store.opened(path), device
        )

    @classmethod
    def from_file(cls, model: store.ModelFile, device: Device = "auto") -> MotionSpace:
        """The motion space in a verified file."""
        cnn = ImageMotionCnn()
        with model_faults(model.path, "a motion space"):
            tensors = load_file(str(model.path))
            cnn.load_state_dict(
                {k[4:]: v.float() for k, v in tensors.items() if k.startswith("cnn.")}
            )
            basis, layout = read_basis(model.path), read_layout(model.path)
            field = read_field(model.path)
        return cls(model, basis, cnn, choose_device(device), layout, field)

    @property
    def units(self) -> NDArray[np.float32]:
        """(D,) float32, size of one quantizer unit per dimension."""
        return self.basis.units

    def tracker(self) -> SurroundingsTracker | None:
        """What follows background and torso through one shot; None where this space doesn't code them."""
        return SurroundingsTracker() if self.layout.surround else None

    @torch.inference_mode()
    def features(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Motion features f of frames.

        Args:
            frames: (N, 256, 256, 3) uint8 RGB crops.
            landmarks: (N, 478, 2) float32 in 0..1 of the crop.
            surroundings: (N, 8) float32 of `tracker`; None: nothing moved.

        Returns:
            (N, D) float32; the field, which takes these features to be found (motion.field), at zero.
        """
        out = np.zeros((len(frames), self.layout.dims), np.float32)
        if not len(frames):
            return out
        rgb = (
            torch.from_numpy(np.ascontiguousarray(frames))
            .to(self._device)
            .permute(0, 3, 1, 2)
            .float()
            .div_(255)
        )
        out[:, :LANDMARK_DIMS] = self.basis.project(landmarks)
        if self.layout.surround and surroundings is not None:
            out[:, self.layout.surround_span] = surroundings
        out[:, self.layout.learned_span] = (
            self._cnn(rgb).cpu().numpy()[:, list(self.layout.learned)]
        )
        return out

    def transfer(
        self, features: NDArray[np.float32], own: NDArray[np.float32], other: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One person's motion for another person's portrait, at the size of its face (motion.transfer.scaled).

        Args:
            features: (N, D) of the driver's frames.
            own: (D,) of the driver's own portrait.
            other: (D,) of the portrait to move.
        """
        return scaled(features, own, other, self.basis)

    def project(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 478, 2) landmarks in 0..1 of the crop -> (N, 36), the landmark part of their features."""
        return self.basis.project(landmarks)

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, D) features -> (N, 478, 2) landmarks in 0..1 of the crop."""
        return self.basis.landmarks(features)
