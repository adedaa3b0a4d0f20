"""The trainable whole: image CNN, quantizer and renderer, from pictures to pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqcodec.geometry.basis import LANDMARK_DIMS, LandmarkBasis
from vqcodec.geometry.layout import LEARNED_OUTPUTS
from vqcodec.motion.image_cnn import ImageMotionCnn
from vqcodec.quantize.grfsq_torch import straight_through
from vqcodec.render.network import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS, RendererNet, Rendering


class Tokenizer(nn.Module):
    """f = [landmark coefficients, CNN(rgb)]; renders targets from a portrait and quantized f_t - f_s."""

    def __init__(self, basis: LandmarkBasis) -> None:
        super().__init__()
        self.cnn = ImageMotionCnn()
        self.renderer = RendererNet()
        self.units: Tensor
        self.register_buffer("units", torch.from_numpy(basis.units), persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> tuple[Rendering, Tensor]:
        """Render a batch of PairSampler (as tensors, images in 0..1 channel-first).

        Returns:
            The rendering of the B*K targets and the unquantized learned delta (B*K, 12) in units.
        """
        portrait, target = batch["source"], batch["target"]
        count = target.shape[0] // portrait.shape[0]
        learned = self.cnn(torch.cat([portrait, target]))
        learned_s, learned_t = learned[: len(portrait)], learned[len(portrait) :]

        def spread(x: Tensor) -> Tensor:
            return x.repeat_interleave(count, 0)

        delta = learned_t - spread(learned_s)
        unit = self.units[-1:].expand(LEARNED_OUTPUTS)
        told = batch["learned"]
        quantized = straight_through(delta, unit, batch["layers"]) * told
        scale = self.units[:LANDMARK_DIMS]
        z = self.renderer.conditioning(
            torch.cat([batch["delta"] / (scale * MOTION_SPREAD_UNITS), quantized], 1),
            torch.cat(
                [spread(batch["state"] / (scale * STATE_SPREAD_UNITS)), spread(learned_s) * told], 1
            ),
        )
        maps_s = spread(batch["maps_s"])
        source = self.renderer.encoder(portrait, batch["maps_s"])
        source = type(source)(*(spread(x) for x in source))
        rendering = self.renderer(
            spread(portrait),
            source,
            maps_s,
            batch["maps_t"],
            spread(batch["lm_s"]),
            batch["lm_t"],
            z,
            batch["around"],
        )
        return rendering, delta / unit
