"""What begins a rendering: features of a portrait, and the flow that brings it to a frame.

Renderers have it (render.network), and so has the motion space of a field, which is measured against a frozen one
(render.reference).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqcodec.format import DIMS
from vqcodec.render.conditioning import FILM
from vqcodec.render.flow import LandmarkFlow
from vqcodec.render.flow_net import FlowNet
from vqcodec.render.source import SourceEncoder


class FlowFront(nn.Module):
    """Source features, landmark flow and FlowNet, conditioned by the motion.

    `delta` is the decoded motion, `state` the portrait's own features, both (N, 48) in units of their spread.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = SourceEncoder()
        self.landmark_flow = LandmarkFlow()
        self.film = nn.Sequential(
            nn.Linear(2 * DIMS, FILM), nn.LeakyReLU(0.1), nn.Linear(FILM, FILM)
        )
        self.flow_net = FlowNet()

    def conditioning(self, delta: Tensor, state: Tensor) -> Tensor:
        """(N, 48) twice -> (N, FILM)."""
        # no autocast at inference: the weights themselves may be bfloat16 there
        dtype = next(self.film.parameters()).dtype
        z: Tensor = self.film(torch.cat([delta, state], 1).to(dtype))
        return z
