"""The renderer as the decoder sees it: a portrait once, then features to pictures."""
from __future__ import annotations

import os
from dataclasses import dataclass, field

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
from vqcodec.render.flow import resize_flow, warp
from vqcodec.render.maps import draw_maps
from vqcodec.render.network import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS, RendererNet, SourceFeatures, fold
from vqcodec.runtime.device import choose_device, inference_dtype
from vqcodec.types import ModelId


@dataclass(frozen=True, slots=True)
class _Repeated:
    """A portrait's tensors N times over, channels-last: the network warps each copy differently."""

    large: Tensor
    folded: Tensor
    small: Tensor
    source: SourceFeatures
    maps: Tensor
    landmarks: Tensor


@dataclass(frozen=True, slots=True)
class PortraitState:
    """A portrait made ready: pictures at both sizes, network features, landmarks, its own motion features.

    Attributes:
        features: (48,) float32 f_s.
        single: everything else, once.
        repeats: everything else for the batch sizes in use.
    """

    features: NDArray[np.float32]
    single: _Repeated
    repeats: dict[int, _Repeated] = field(default_factory=dict)

    def repeated(self, count: int) -> _Repeated:
        """The tensors for a batch of `count` frames."""
        if count not in self.repeats:
            self.repeats.clear()  # one full-size batch and a last odd one: keep only the latest
            self.repeats[count] = _Repeated(*(
                SourceFeatures(*(_repeat(y, count) for y in x)) if isinstance(x, tuple) else _repeat(x, count)
                for x in (getattr(self.single, name) for name in _Repeated.__slots__)))
        return self.repeats[count]


def _repeat(x: Tensor, count: int) -> Tensor:
    if x.dim() != 4:
        return x.expand(count, *x.shape[1:])
    return x.expand(count, -1, -1, -1).contiguous(memory_format=torch.channels_last)


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
        self._net: RendererNet = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

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

    def _image(self, rgb: NDArray[np.uint8]) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device).permute(2, 0, 1)[None]
        return x.float().div(255).contiguous(memory_format=torch.channels_last)

    def _maps(self, landmarks: NDArray[np.float32]) -> Tensor:
        drawn = torch.from_numpy(np.stack([draw_maps(points) for points in landmarks]))
        return drawn.to(self.device).float().div(255).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self._precision, enabled=self._precision != torch.float32)

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
        with self._autocast():
            source = self._net.encoder(small, maps)
        large = self._image(portrait)
        # warping is done in float32
        source = SourceFeatures(*(x.float().contiguous(memory_format=torch.channels_last) for x in source))
        single = _Repeated(large, fold(large, self._precision), small, source, maps,
                           torch.from_numpy(landmarks * 2 - 1).to(self.device))
        return PortraitState(features.astype(np.float32), single)

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
        own = state.repeated(count)
        with self._autocast():
            rendering = self._net(own.small, own.source, own.maps, self._maps(landmarks), own.landmarks,
                                  torch.from_numpy(landmarks * 2 - 1).to(self.device), self._net.conditioning(*z))
            output = rendering.output
            if size_px == 512:
                warped = warp(own.large, resize_flow(rendering.flow128, 512))
                output = self._net.detail(rendering.layers, rendering.features, warped, own.large, own.folded)
        pixels = output.float().mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

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
