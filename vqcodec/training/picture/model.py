"""The trainable whole: image CNN, quantizer and renderer, from pictures to pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqcodec.format import DIMS
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import LANDMARK_DIMS, LEARNED_OUTPUTS
from vqcodec.motion.image_cnn import ImageMotionCnn
from vqcodec.quantize.grfsq_torch import straight_through
from vqcodec.render.conditioning import MOTION_SPREAD_UNITS, STATE_SPREAD_UNITS
from vqcodec.render.flow import resize_flow
from vqcodec.render.network import PortraitView, RendererNet, Rendering


class PictureAutoencoder(nn.Module):
    """f = [landmark coefficients, CNN(rgb)]; renders targets from a portrait and quantized f_t - f_s."""

    def __init__(self, basis: LandmarkBasis) -> None:
        super().__init__()
        self.cnn = ImageMotionCnn()
        self.renderer = RendererNet()
        self.renderer.restoration.requires_grad_(False)  # has a training of its own
        self.units: Tensor
        self.register_buffer("units", torch.from_numpy(basis.units[:DIMS]), persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> tuple[Rendering, Tensor]:
        """Render a batch of PairSampler (as tensors, images in 0..1 channel-first, portraits leading: see loop.to_tensors).

        Returns:
            The rendering of the B*K targets and the unquantized learned delta (B*K, 12) in units, from the first portrait.
        """
        portraits, target = batch["source"], batch["target"]
        count = target.shape[0] // portraits.shape[1]
        learned = self.cnn(torch.cat([*portraits, target])).split(
            [*(len(p) for p in portraits), len(target)]
        )
        *own, learned_t = (*(x.repeat_interleave(count, 0) for x in learned[:-1]), learned[-1])
        delta = learned_t - own[0]
        unit = self.units[-1:].expand(LEARNED_OUTPUTS)
        told = batch["learned"]
        # tokens count from the first portrait; what they say is told relative to each
        quantized = straight_through(delta, unit, batch["layers"]) * told
        views = [
            self._view(batch, number, count, (quantized + (own[0] - x) * told, x * told))
            for number, x in enumerate(own)
        ]
        return self.renderer(views, batch["maps_t"], batch["lm_t"]), delta / unit

    def _view(
        self, batch: dict[str, Tensor], number: int, count: int, learned: tuple[Tensor, Tensor]
    ) -> PortraitView:
        """One portrait of a batch for `count` targets; `learned`: motion and portrait features, (B*K, 12) each."""
        scale = self.units[:LANDMARK_DIMS]
        portrait, maps, lm, state = (
            batch[key][number] for key in ("source", "maps_s", "lm_s", "state")
        )

        def spread(x: Tensor) -> Tensor:
            return x.repeat_interleave(count, 0)

        z = self.renderer.conditioning(
            torch.cat([batch["delta"][number] / (scale * MOTION_SPREAD_UNITS), learned[0]], 1),
            torch.cat([spread(state / (scale * STATE_SPREAD_UNITS)), learned[1]], 1),
        )
        source = self.renderer.encoder(portrait, maps)
        return PortraitView(
            spread(portrait),
            type(source)(*(spread(x) for x in source)),
            spread(maps),
            spread(lm),
            z,
            batch["around"][number],
            resize_flow(batch["field"][number], maps.shape[-1] // 2),
        )
