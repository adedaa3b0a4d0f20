r"""The renderer with gradients: how the picture at 256 changes with the motion features of a frame.

    features --basis (linear)--> landmarks --flows, FiLM--> network --> picture
        \--maps, drawn by OpenCV: constants of a step, drawn anew at the next one

Weights stay frozen; only the features get a gradient. The picture is that of `Renderer.render(..., 256)` but for
the sampler (level B).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqcodec.format import FEATURE_SIZE_PX, LANDMARKS
from vqcodec.geometry.basis import LandmarkBasis, landmark_weights
from vqcodec.geometry.layout import LANDMARK_DIMS, Layout
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.field_flow import field_flow
from vqcodec.render.maps import draw_maps
from vqcodec.render.network import PortraitView
from vqcodec.render.portrait import PortraitState
from vqcodec.render.renderer import Renderer
from vqcodec.render.sampling import GridSampler

SIDE_PX = 256


def _plain(value: Any) -> Any:
    """A copy that autograd may keep: `Renderer.prepare` makes inference tensors."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_plain(item) for item in value))
    return value


class DifferentiableRenderer:
    """The network of a Renderer as a function of features.

    Attributes:
        device: where it runs.
        basis: landmarks of the motion space.
        layout: what its other dimensions mean.
    """

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.device: torch.device = renderer.device
        self.basis: LandmarkBasis = renderer.basis
        self.layout: Layout = renderer.layout
        weights = np.repeat(landmark_weights()[None], LANDMARK_DIMS, 0)
        self._components = self._tensor(self.basis.components / weights)
        self._mean = self._tensor(self.basis.mean)
        # it is linear, so that unit vectors give its matrix
        unit = np.eye(self.layout.dims, dtype=np.float32)
        self._to_motion = self._tensor(
            conditioning_inputs(unit[0] * 0, unit, self.basis.units, renderer.layout)[0]
        )
        self._sampler = GridSampler()

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> PortraitState:
        """Encode a portrait once.

        Args:
            portrait: (512, 512, 3) uint8 RGB, as the decoder will see it.
            features: (D,) float32 f_s, dequantized.
        """
        state = self._renderer.prepare(portrait, features)
        with torch.no_grad():
            return PortraitState(**{f.name: _plain(getattr(state, f.name)) for f in fields(state)})

    def _field(self, state: PortraitState, features: Tensor) -> Tensor | None:
        components = self._renderer.field_components
        if components is None:
            return None
        span = self.layout.field_span
        return field_flow(features[:, span] - self._tensor(state.features[span]), components)

    def landmarks_px(self, features: Tensor) -> Tensor:
        """(N, D) features -> (N, 478, 2) landmarks in pixels of a 256 px crop; differentiable."""
        flat = features[:, :LANDMARK_DIMS] @ self._components + self._mean
        return flat.reshape(-1, LANDMARKS, 2)

    def maps(self, landmarks_px: Tensor) -> Tensor:
        """(N, 478, 2) landmarks in pixels of a 256 px crop -> (N, 8, 128, 128) float32 maps in 0..1; no gradient."""
        points = landmarks_px.detach().cpu().numpy() / np.float32(FEATURE_SIZE_PX)
        drawn = np.stack([draw_maps(face) for face in points])
        return torch.from_numpy(drawn).to(self.device).float().div_(255)

    def picture(self, state: PortraitState, features: Tensor) -> Tensor:
        """Render frames at 256.

        Args:
            state: from `prepare`.
            features: (N, D) float32 on `device`; with requires_grad, gradients reach it.

        Returns:
            (N, 3, 256, 256) float32, about 0..1, not clamped.
        """
        net = self._renderer.net
        landmarks = self.landmarks_px(features)
        own = conditioning_inputs(
            state.features, state.features[None], self.basis.units, self._renderer.layout
        )[1]
        motion = (features - self._tensor(state.features)) @ self._to_motion
        z = net.conditioning(motion, self._tensor(own).expand(len(features), -1))
        # surroundings are measured, not refined: no gradient reaches them
        around = self._renderer.around(state, features.detach().cpu().numpy())
        with torch.no_grad():
            maps = (
                self.maps(landmarks)
                .to(next(net.film.parameters()).dtype)
                .contiguous(memory_format=torch.channels_last)
            )
        view = PortraitView(
            state.small,
            state.source,
            state.maps,
            state.landmarks.expand(len(features), -1, -1),
            z,
            around,
            self._field(state, features),
        )
        rendering = net([view], maps, landmarks * (2 / FEATURE_SIZE_PX) - 1, self._sampler)
        output: Tensor = rendering.output
        return output
