"""A motion space: what the 48 numbers of a frame mean (design, section 4)."""
from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from vqcodec.config import Device
from vqcodec.errors import ModelError
from vqcodec.models import store
from vqcodec.models.basis import LANDMARK_DIMS, LandmarkBasis
from vqcodec.motion.image_cnn import ImageMotionCnn
from vqcodec.runtime.device import choose_device
from vqcodec.types import DIMS, ModelId


class MotionSpace:
    """Motion features from a picture and its landmarks: 36 landmark coefficients, then 12 learned by an image CNN.

    Attributes:
        id: name and sha256 of the weights; streams carry it, because it says what a token means.
        basis: the landmark part.
    """

    def __init__(self, model: store.ModelFile, basis: LandmarkBasis, cnn: ImageMotionCnn, device: torch.device) -> None:
        self.id: ModelId = model.id
        self.basis = basis
        self._device = device
        self._cnn = cnn.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, device: Device = "auto") -> MotionSpace:
        """The shipped motion space, or the one in a file, on a device (always in float32: features become tokens).

        Raises:
            ModelError: the file is missing, has the wrong hash or lacks a tensor.
        """
        return cls.from_file(store.current("motion_space") if path is None else store.opened(path), device)

    @classmethod
    def from_file(cls, model: store.ModelFile, device: Device = "auto") -> MotionSpace:
        """The motion space in a verified file."""
        cnn = ImageMotionCnn()
        try:
            tensors = load_file(str(model.path))
            cnn.load_state_dict({k[4:]: v.float() for k, v in tensors.items() if k.startswith("cnn.")})
            basis = store.read_basis(model)
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"{model.path} is not a motion space: {error}", hint="Check which file was given.") from error
        return cls(model, basis, cnn, choose_device(device))

    @property
    def units(self) -> NDArray[np.float32]:
        """(48,) float32, size of one quantizer unit per dimension."""
        return self.basis.units

    @torch.inference_mode()
    def features(self, frames: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Motion features f of frames.

        Args:
            frames: (N, 256, 256, 3) uint8 RGB crops.
            landmarks: (N, 478, 2) float32 in 0..1 of the crop.

        Returns:
            (N, 48) float32.
        """
        rgb = torch.from_numpy(np.ascontiguousarray(frames)).to(self._device).permute(0, 3, 1, 2).float().div_(255)
        learned = self._cnn(rgb).cpu().numpy() if len(frames) else np.zeros((0, DIMS - LANDMARK_DIMS), np.float32)
        return np.concatenate([self.basis.project(landmarks), learned], 1).astype(np.float32)

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 48) features -> (N, 478, 2) landmarks in 0..1 of the crop."""
        return self.basis.landmarks(features)
