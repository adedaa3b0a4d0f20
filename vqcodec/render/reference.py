"""The flow that a motion space's field is measured against: a frozen network inside the space's file (motion-3).

It is the front of a renderer (source features at 64x64, landmark flow, FlowNet), kept as it was when the basis of the field was
learned. Renderers go on learning; what a coefficient of the field means doesn't change with them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from vqcodec.config import Device
from vqcodec.errors import ModelError
from vqcodec.format import DIMS, FEATURE_SIZE_PX
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.layout import Layout, read_layout
from vqcodec.geometry.reading import model_faults
from vqcodec.geometry.similarity import between
from vqcodec.models import store
from vqcodec.render.blocks import cat, unshuffle
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.field_flow import field_share
from vqcodec.render.flow import candidate_flows
from vqcodec.render.front import FlowFront
from vqcodec.render.maps import draw_maps
from vqcodec.render.sampling import CpuSampler, GridSampler, Sampler
from vqcodec.runtime.device import choose_device, inference_dtype
from vqcodec.types import ModelId

PREFIX = "flow."
_SIDE = 64
_UNUSED = (
    *(f"encoder.{part}." for part in ("down2", "block2", "down3", "block3")),
    *(f"encoder.out.{number}." for number in (0, 2, 3)),
    "flow_net.told.weight",
)
_LATER = "flow_net.told.bias"
"""Renderers from before the field have none."""


class ReferenceNet(FlowFront):
    """What a renderer needs of itself to make a flow at 64x64; names as in RendererNet."""

    def features(self, portrait: Tensor, maps: Tensor) -> Tensor:
        """(1, 3, 256, 256) in 0..1 and (1, 8, 128, 128) -> (1, 64, 64, 64): SourceFeatures.s1."""
        encoder = self.encoder
        x: Tensor = encoder.stem(cat(unshuffle(portrait) * 2 - 1, maps))
        return encoder.out[1](encoder.block1(encoder.down1(x)))


def reference_weights(renderer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Out of a renderer's weights, those of a ReferenceNet, as a motion space's file names them."""
    wanted = {name for name in ReferenceNet().state_dict() if not name.startswith(_UNUSED)}
    return {PREFIX + name: value for name, value in renderer.items() if name in wanted}


@dataclass(frozen=True, slots=True)
class PreparedFrame:
    """A frame that others are compared with.

    Attributes:
        features: (48,) float32.
        s1: (1, 64, 64, 64) float32.
        maps: (1, 8, 64, 64) landmark maps.
        landmarks: (1, 478, 2) in -1..1.
    """

    features: NDArray[np.float32]
    s1: Tensor
    maps: Tensor
    landmarks: Tensor


class ReferenceFlow:
    """Flows between two frames of a shot, from their motion features.

    Attributes:
        layout: of the motion space.
    """

    def __init__(
        self,
        net: ReferenceNet,
        basis: LandmarkBasis,
        layout: Layout,
        device: torch.device,
        precision: torch.dtype | None = None,
    ) -> None:
        self.layout = layout
        self._basis, self._device = basis, device
        self._precision = precision or inference_dtype(device)
        net = net.eval().requires_grad_(False)
        net = net.to(device, self._precision, memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.landmark_flow.float()
        self._net: ReferenceNet = net
        self._sampler: Sampler = CpuSampler() if device.type == "cpu" else GridSampler()

    @classmethod
    def load(
        cls,
        space: ModelId | str | os.PathLike[str],
        device: Device = "auto",
        precision: torch.dtype | None = None,
    ) -> ReferenceFlow:
        """The network inside a motion space: a shipped one by its id, or that of a file.

        Args:
            space: id, or path of a motion space file.
            device: auto, cpu or cuda.
            precision: of the convolutions; None for the fastest safe one of the device.

        Raises:
            ModelError: the space has none, or its file is broken.
        """
        model = (
            store.find(space, "motion space") if isinstance(space, ModelId) else store.opened(space)
        )
        net = ReferenceNet()
        with model_faults(model.path, "a motion space"):
            weights = {
                name.removeprefix(PREFIX): value.float()
                for name, value in load_file(str(model.path)).items()
                if name.startswith(PREFIX)
            }
            missing = [
                name
                for name in net.load_state_dict(weights, strict=False).missing_keys
                if not name.startswith((*_UNUSED, _LATER))
            ]
        if missing:
            raise ModelError(
                f"{model.path} holds no flow network: {missing[0]} is missing",
                hint="Only motion spaces with a field have one.",
            )
        return cls(
            net, read_basis(model.path), read_layout(model.path), choose_device(device), precision
        )

    @torch.inference_mode()
    def prepare(self, square: NDArray[np.uint8], features: NDArray[np.float32]) -> PreparedFrame:
        """(256, 256, 3) uint8 RGB and its features (48,), made ready."""
        landmarks, maps = self._drawn(features)
        picture = torch.from_numpy(np.ascontiguousarray(square)).to(self._device)
        s1 = self._net.features(
            picture.permute(2, 0, 1)[None].to(self._precision).div(255), maps
        ).float()
        return PreparedFrame(
            features[:DIMS].astype(np.float32),
            s1.contiguous(memory_format=torch.channels_last),
            nn.functional.avg_pool2d(maps, 2),
            landmarks,
        )

    @torch.inference_mode()
    def flow(
        self, state: PreparedFrame, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What is told without a field, and how much of a field counts where.

        Args:
            state: of the frame to compare with.
            features: (D,) of a frame of its shot; the field's are not used.

        Returns:
            (64, 64, 2) float32 backward flow from that frame to the prepared one, pixels of a 256 px crop; (64, 64) in 0..1.
        """
        rows = features[None, :DIMS].astype(np.float32)
        landmarks, maps = self._drawn(features)
        span = self.layout.surround_span
        around = torch.from_numpy(between(state.features[None, span], rows[:, span]))
        around = around.to(self._device)
        flows = candidate_flows(self._net.landmark_flow, state.landmarks, landmarks, around, _SIDE)
        inputs = conditioning_inputs(state.features, rows, self._basis.units, self.layout)
        z = self._net.conditioning(*(torch.from_numpy(x).to(self._device) for x in inputs))
        here = nn.functional.avg_pool2d(maps, 2)
        both = torch.cat([here, state.maps], 1)
        flow, _, _ = self._net.flow_net(state.s1, flows, both, z, self._sampler)
        pixels = (flow[0] * (FEATURE_SIZE_PX / 2)).permute(1, 2, 0).contiguous()
        return pixels.cpu().numpy(), field_share(here[:, :1])[0, 0].cpu().numpy()

    def _drawn(self, features: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Landmarks (1, 478, 2) in -1..1 and maps (1, 8, 128, 128)."""
        points = self._basis.landmarks(features[None])
        maps = torch.from_numpy(draw_maps(points[0]))[None].to(self._device, self._precision)
        maps = maps.contiguous(memory_format=torch.channels_last).div_(255)
        return torch.from_numpy(points * 2 - 1).to(self._device), maps
