"""The renderer as the decoder sees it: a portrait once, then features to pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from vqcodec.config import BackendName, Device
from vqcodec.errors import UnsupportedError, UsageError
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.field import read_field
from vqcodec.geometry.layout import read_layout
from vqcodec.geometry.reading import model_faults
from vqcodec.geometry.similarity import between
from vqcodec.models import store
from vqcodec.render.blending import fold
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.core import Core, OpenVinoCore, TorchCore
from vqcodec.render.field_flow import field_flow, planes
from vqcodec.render.full_size import full_size, rounded
from vqcodec.render.maps import draw_maps
from vqcodec.render.network import PortraitView, RendererNet
from vqcodec.render.portrait import PortraitState
from vqcodec.render.sampling import CpuSampler, GridSampler, Sampler
from vqcodec.render.source import SourceFeatures
from vqcodec.render.weights import take_weights, trained_for
from vqcodec.runtime.device import choose_device, inference_dtype
from vqcodec.runtime.halves import Halves
from vqcodec.types import ModelId

MOST_PORTRAITS = 2
"""Of one picture."""


class Renderer:
    """Renders frames from a portrait and decoded motion features.

    Attributes:
        id: name and sha256 of the weights.
        motion_space: the motion space of the features it is given: one of those it was trained for.
        basis: landmarks of that motion space.
        layout: the other dimensions of it.
        field_components: (K, 2, 64, 64) float32 of its field, in -1..1 units; None where it has none.
        net: the network, frozen.
        most_portraits: that `render` takes for one picture.
    """

    most_portraits = MOST_PORTRAITS

    def __init__(
        self,
        model: store.ModelFile,
        net: RendererNet,
        space: store.ModelFile,
        device: torch.device,
        precision: torch.dtype,
        backend: BackendName = "torch",
    ) -> None:
        self.id, self.motion_space = model.id, space.id
        self.basis, self.layout = read_basis(space.path), read_layout(space.path)
        # a graph has a precision of its own; what is left to torch then, a portrait once, is done in float32
        self.device = device
        self._precision = precision if backend == "torch" else torch.float32
        field = read_field(space.path)
        self.field_components = None if field is None else planes(field).to(device)
        net = net.eval().requires_grad_(False)
        # autocast would convert every weight again at every call
        net = net.to(device, self._precision, memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.landmark_flow.float()
        self.net: RendererNet = net
        # weights may come without a 512 head: then the 256 blend is enlarged, in two thirds of the time
        self._detail = net.detail if net.detail.out.weight.any() else None
        self._restores = bool(net.restoration.out.weight.any())
        self._core: Core = (
            OpenVinoCore(net, model.id, precision)
            if backend == "openvino" and self._detail is None
            else TorchCore(net, raw=self._detail is not None)
        )
        self._halves = Halves()
        self._sampler: Sampler = CpuSampler() if device.type == "cpu" else GridSampler()

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        device: Device = "auto",
        *,
        space: ModelId | None = None,
        precision: torch.dtype | None = None,
        backend: BackendName = "torch",
    ) -> Renderer:
        """The shipped renderer, or the one in a file.

        Args:
            path: a renderer file, or None for the shipped one.
            device: auto, cpu or cuda.
            space: the motion space of the stream; None for the first that the renderer names.
            precision: of the convolutions; None for the fastest safe one of the device; int8 is openvino's.
            backend: which library runs the network; openvino does it on the CPU. A renderer with a 512 head stays with torch.

        Raises:
            MissingExtraError: OpenVINO isn't installed.
            ModelError: a file is missing or broken.
            UnsupportedError: the renderer belongs to another motion space than the stream's, or no ranges for int8 to it.
            UsageError: int8 in torch.
        """
        if precision == torch.int8 and backend != "openvino":
            raise UsageError("int8 runs in openvino", hint="Choose another precision.")
        model = store.current("renderer") if path is None else store.opened(path)
        net = RendererNet()
        with model_faults(model.path, "a renderer"):
            with safe_open(str(model.path), "pt") as handle:
                facts = handle.metadata() or {}
                take_weights(net, {k: handle.get_tensor(k).float() for k in handle.keys()})  # noqa: SIM118 (not a dict)
            spaces = trained_for(facts)
        wanted = (
            spaces[0]
            if space is None
            else next((s for s in spaces if s.sha256 == space.sha256), None)
        )
        if wanted is None:
            assert space is not None
            raise UnsupportedError(
                f"renderer {model.id} is for motion space {' and '.join(map(str, spaces))}, the stream needs "
                f"{space.name!r} with sha256 {space.sha256.hex()}",
                hint=f"Put a renderer of that space into ${store.MODEL_DIR_VARIABLE}.",
            )
        chosen = choose_device("cpu" if backend == "openvino" else device)
        return cls(
            model,
            net,
            store.find(wanted, "motion space"),
            chosen,
            precision or inference_dtype(chosen),
            backend,
        )

    @property
    def backend(self) -> BackendName:
        """The library that runs the network."""
        return self._core.backend

    def _image(self, rgb: NDArray[np.uint8]) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device).permute(2, 0, 1)[None]
        return x.float().div(255).contiguous(memory_format=torch.channels_last)

    def _maps(self, landmarks: NDArray[np.float32]) -> Tensor:
        drawn = np.stack([np.moveaxis(draw_maps(points), 0, -1) for points in landmarks])
        return (
            torch.from_numpy(drawn)
            .to(self.device)
            .permute(0, 3, 1, 2)
            .to(self._precision)
            .div_(255)
        )

    @torch.inference_mode()
    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> PortraitState:
        """Encode a portrait once.

        Args:
            portrait: (512, 512, 3) uint8 RGB.
            features: (D,) float32, the portrait's own motion features f_s.
        """
        landmarks = self.basis.landmarks(features[None])
        large = self._image(portrait)
        if self._restores:
            large = self.net.restoration(large).clamp_(0, 1)
        small = F.avg_pool2d(large, 2)
        maps = self._maps(landmarks)
        # warping is done in float32
        levels = (x.float() for x in self.net.encoder(small, maps))
        source = SourceFeatures(*(x.contiguous(memory_format=torch.channels_last) for x in levels))
        return PortraitState(
            features.astype(np.float32),
            large,
            fold(large, self._precision),
            small,
            source,
            maps,
            torch.from_numpy(landmarks * 2 - 1).to(self.device),
        )

    def render(
        self,
        state: PortraitState | Sequence[PortraitState],
        features: NDArray[np.float32],
        size_px: int = 512,
    ) -> NDArray[np.uint8]:
        """Render frames.

        Args:
            state: from `prepare`: one portrait, or two of one shot, of which each place shows what suits it better.
            features: (N, D) float32 decoded motion features f_s + dequantized delta.
            size_px: 512 or 256.

        Returns:
            (N, size_px, size_px, 3) uint8 RGB.

        Raises:
            UsageError: no portrait, or more than two.
        """
        states = (state,) if isinstance(state, PortraitState) else tuple(state)
        if not 1 <= len(states) <= MOST_PORTRAITS:
            raise UsageError(
                f"{len(states)} portraits for one picture", hint="Give one portrait or two."
            )
        if len(features) == 0:
            return np.zeros((0, size_px, size_px, 3), np.uint8)
        self._core.prepare(len(states), finish=size_px != 512)
        workers = (
            self._halves.workers() if self.device.type == "cpu" and len(features) > 1 else None
        )
        if workers is None:
            return self._rendered(features, states, size_px)
        return workers(partial(self._rendered, states=states, size_px=size_px), features)

    @torch.inference_mode()
    def _rendered(
        self, features: NDArray[np.float32], states: tuple[PortraitState, ...], size_px: int
    ) -> NDArray[np.uint8]:
        landmarks = self.basis.landmarks(features)
        views = [self._view(state, features) for state in states]
        drawn = self._core(
            views,
            self._maps(landmarks),
            torch.from_numpy(landmarks * 2 - 1).to(self.device),
            self._sampler,
            finish=size_px != 512,
        )
        if size_px != 512:
            return rounded(drawn.output)
        return full_size(states, views, drawn, self._sampler, self._detail)

    def _view(self, state: PortraitState, features: NDArray[np.float32]) -> PortraitView:
        z = self.net.conditioning(*self._conditioning(state, features))
        return PortraitView(
            state.small,
            state.source,
            state.maps,
            state.landmarks.expand(len(features), -1, -1),
            z,
            self.around(state, features),
            self.field(state, features),
        )

    def around(self, state: PortraitState, features: NDArray[np.float32]) -> Tensor | None:
        """(N, 2, 3, 3) float32 maps of background and torso from frames to portrait; None where nothing moves."""
        span = self.layout.surround_span
        if not self.layout.surround or (features[:, span] == state.features[span]).all():
            return None
        moved = between(state.features[None, span], features[:, span])
        return torch.from_numpy(moved).to(self.device)

    def field(self, state: PortraitState, features: NDArray[np.float32]) -> Tensor | None:
        """(N, 2, 64, 64) float32 what the field adds to the flow from frames to portrait; None where it says nothing."""
        span = self.layout.field_span
        told = features[:, span] - state.features[span]
        if self.field_components is None or not told.any():
            return None
        return field_flow(torch.from_numpy(told).to(self.device), self.field_components)

    def _conditioning(
        self, state: PortraitState, features: NDArray[np.float32]
    ) -> tuple[Tensor, Tensor]:
        return tuple(
            torch.from_numpy(x).to(self.device)
            for x in conditioning_inputs(  # type: ignore[return-value]
                state.features, features, self.basis.units, self.layout
            )
        )
