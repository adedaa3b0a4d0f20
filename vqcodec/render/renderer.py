"""The renderer as the decoder sees it: a portrait once, then features to pictures."""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from vqcodec.config import Device
from vqcodec.errors import ModelError, UnsupportedError
from vqcodec.models import store
from vqcodec.models.basis import LANDMARK_DIMS, LandmarkBasis
from vqcodec.render.maps import draw_maps
from vqcodec.render.network import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS, RendererNet, Rendering, SourceFeatures, blend, fold
from vqcodec.render.sampling import CpuSampler, GridSampler, Sampler
from vqcodec.runtime.device import choose_device, inference_dtype
from vqcodec.types import ModelId


@dataclass(frozen=True, slots=True)
class PortraitState:
    """A portrait made ready: pictures at both sizes, network features, landmarks, its own motion features.

    Attributes:
        features: (48,) float32 f_s.
        large: (1, 3, 512, 512) float32 in 0..1.
        folded: (1, 12, 256, 256) the same for the 512 head.
        small: (1, 3, 256, 256) float32 in 0..1.
        source: what the network keeps of it, float32.
        maps: (1, 8, 128, 128) its landmark maps.
        landmarks: (1, 478, 2) in -1..1.
    """

    features: NDArray[np.float32]
    large: Tensor
    folded: Tensor
    small: Tensor
    source: SourceFeatures
    maps: Tensor
    landmarks: Tensor


class Renderer:
    """Renders frames from a portrait and decoded motion features.

    Attributes:
        id: name and sha256 of the weights.
        motion_space: the motion space it was trained for; only its streams can be rendered.
    """

    def __init__(self, model: store.ModelFile, net: RendererNet, basis: LandmarkBasis, motion_space: ModelId,
                 device: torch.device, precision: torch.dtype) -> None:
        self.id, self.motion_space, self._basis = model.id, motion_space, basis
        self.device, self._precision = device, precision
        net = net.eval().requires_grad_(False)
        # autocast would convert every weight again at every call
        net = net.to(device, precision, memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.landmark_flow.float()
        self._net: RendererNet = net
        # weights may come without a 512 head: then the 256 blend is enlarged, in two thirds of the time
        self._has_detail = bool(net.detail.out.weight.any())
        self._sampler: Sampler = CpuSampler() if device.type == "cpu" else GridSampler()

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, device: Device = "auto", *,
             space: ModelId | None = None, precision: torch.dtype | None = None) -> Renderer:
        """The shipped renderer, or the one in a file.

        Args:
            path: a renderer file, or None for the shipped one.
            device: auto, cpu or cuda.
            space: the motion space of the stream; None for the shipped one.
            precision: of the convolutions; None for the fastest safe one of the device.

        Raises:
            ModelError: a file is missing or broken.
            UnsupportedError: the renderer belongs to another motion space than the stream's.
        """
        model = store.current("renderer") if path is None else store.opened(path)
        net = RendererNet()
        try:
            with safe_open(str(model.path), "pt") as handle:
                facts = handle.metadata() or {}
                net.load_state_dict({k: handle.get_tensor(k).float() for k in handle.keys()})  # noqa: SIM118 (not a dict)
            trained_for = ModelId(facts["motion_space_name"], bytes.fromhex(facts["motion_space_sha256"]))
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(f"{model.path} is not a renderer: {error}", hint="Check which file was given.") from error
        if space is not None and space.sha256 != trained_for.sha256:
            raise UnsupportedError(f"renderer {model.id} is for motion space {trained_for}, the stream needs "
                                   f"{space.name!r} with sha256 {space.sha256.hex()}",
                                   hint=f"Put a renderer of that space into ${store.MODEL_DIR_VARIABLE}.")
        basis = store.read_basis(store.find(trained_for, "motion space"))
        chosen = choose_device(device)
        return cls(model, net, basis, trained_for, chosen, precision or inference_dtype(chosen))

    def replace_conditioning(self, weights: Mapping[str, Tensor]) -> None:
        """Take other weights for the layers from motion to FiLM's input: an ablation trains these alone.

        Raises:
            ModelError: they don't fit.
        """
        try:
            self._net.film.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(f"these are no conditioning weights of {self.id}: {error}") from error

    def _image(self, rgb: NDArray[np.uint8]) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device).permute(2, 0, 1)[None]
        return x.float().div(255).contiguous(memory_format=torch.channels_last)

    def _maps(self, landmarks: NDArray[np.float32]) -> Tensor:
        drawn = np.stack([np.moveaxis(draw_maps(points), 0, -1) for points in landmarks])
        return torch.from_numpy(drawn).to(self.device).permute(0, 3, 1, 2).to(self._precision).div_(255)

    @torch.inference_mode()
    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> PortraitState:
        """Encode a portrait once.

        Args:
            portrait: (512, 512, 3) uint8 RGB.
            features: (48,) float32, the portrait's own motion features f_s.
        """
        landmarks = self._basis.landmarks(features[None])
        small = self._image(cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8))
        maps = self._maps(landmarks)
        source = self._net.encoder(small, maps)
        large = self._image(portrait)
        # warping is done in float32
        source = SourceFeatures(*(x.float().contiguous(memory_format=torch.channels_last) for x in source))
        return PortraitState(features.astype(np.float32), large, fold(large, self._precision), small, source, maps,
                             torch.from_numpy(landmarks * 2 - 1).to(self.device))

    @torch.inference_mode()
    def render(self, state: PortraitState, features: NDArray[np.float32], size_px: int = 512) -> NDArray[np.uint8]:
        """Render frames.

        Args:
            state: from `prepare`.
            features: (N, 48) float32 decoded motion features f_s + dequantized delta.
            size_px: 512 or 256.

        Returns:
            (N, size_px, size_px, 3) uint8 RGB.
        """
        count = len(features)
        if count == 0:
            return np.zeros((0, size_px, size_px, 3), np.uint8)
        landmarks = self._basis.landmarks(features)
        z = self._conditioning(state, features)
        rendering = self._net(state.small, state.source, state.maps, self._maps(landmarks),
                              state.landmarks.expand(count, -1, -1),
                              torch.from_numpy(landmarks * 2 - 1).to(self.device), self._net.conditioning(*z),
                              self._sampler, finish=size_px != 512)
        output = rendering.output if size_px != 512 else self._large(state, rendering)
        pixels = output.float().mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _large(self, state: PortraitState, rendering: Rendering) -> Tensor:
        warped = self._sampler.picture(state.large, rendering.flow128, 512)
        if self._has_detail:
            return self._net.detail(rendering.layers, rendering.features, warped, state.large, state.folded)
        return blend(self._net.detail.enlarged(rendering.layers), warped, state.large)

    def _conditioning(self, state: PortraitState, features: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        return tuple(torch.from_numpy(x).to(self.device) for x in conditioning_inputs(  # type: ignore[return-value]
            state.features, features, self._basis.units))


def conditioning_inputs(state: NDArray[np.float32], features: NDArray[np.float32],
                        units: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What FiLM sees: (N, 48) motion and (N, 48) portrait features, both at about unit scale.

    Args:
        state: (48,) the portrait's features.
        features: (N, 48) the frames' features.
        units: (48,) quantizer units of the motion space.
    """
    scale = units.copy()
    scale[LANDMARK_DIMS:] = 1.0
    motion = np.where(np.arange(len(units)) < LANDMARK_DIMS, MOTION_SPREAD_UNITS, 1.0)
    portrait = np.where(np.arange(len(units)) < LANDMARK_DIMS, STATE_SPREAD_UNITS, 1.0)
    return (((features - state) / (scale * motion)).astype(np.float32),
            np.repeat((state / (scale * portrait)).astype(np.float32)[None], len(features), 0))
