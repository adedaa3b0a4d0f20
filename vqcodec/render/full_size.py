"""From what a core draws at 256 to pictures of 512, and to bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqcodec.render.blending import Detail, blend, without_ghost
from vqcodec.render.compositing import composited
from vqcodec.render.core import Drawn
from vqcodec.render.fusion import mixed_pictures
from vqcodec.render.network import PortraitView
from vqcodec.render.portrait import PortraitState
from vqcodec.render.sampling import Sampler


def full_size(
    states: Sequence[PortraitState],
    views: Sequence[PortraitView],
    drawn: Drawn,
    sampler: Sampler,
    detail: Detail | None,
) -> NDArray[np.uint8]:
    """Blend at 512.

    Args:
        states: of one portrait, or two.
        views: likewise.
        drawn: of N poses.
        sampler: how the portraits are warped.
        detail: the 512 head; None enlarges what was drawn at 256.

    Returns:
        (N, 512, 512, 3) uint8 RGB.
    """
    warped = [
        sampler.picture(s.large, flow, 512) for s, flow in zip(states, drawn.flows, strict=True)
    ]
    shares = drawn.shares
    front = warped[0] if shares is None else mixed_pictures(warped[0], warped[1], shares.warped)
    moved = [_moved(*parts, sampler) for parts in zip(states, views, strict=True)]
    if shares is None and detail is None and front.device.type == "cpu":
        if moved[0] is None:
            return composited(drawn.small, front, states[0].large)
        return composited(drawn.small, front, moved[0], drawn.ghosts[0])
    stills = [
        state.large if still is None else without_ghost(still, front, ghost)
        for still, state, ghost in zip(moved, states, drawn.ghosts, strict=True)
    ]
    still = stills[0] if shares is None else mixed_pictures(stills[0], stills[1], shares.still)
    if detail is not None and drawn.raw is not None:
        folded = states[0].folded if still is states[0].large else None
        return rounded(detail(*drawn.raw, front, still, folded))
    if front.device.type == "cpu":
        return composited(drawn.small, front, still)
    large = torch.nn.functional.interpolate(
        drawn.small, scale_factor=2.0, mode="bilinear", align_corners=False
    )
    return rounded(blend(large, front, still))


def _moved(state: PortraitState, view: PortraitView, sampler: Sampler) -> Tensor | None:
    """The portrait at full size, moved with the background; None where nothing moves."""
    around = view.around
    if around is None or not bool((around[:, 0] != torch.eye(3, device=around.device)).any()):
        return None
    return sampler.moved(state.large, around[:, 0])


def rounded(output: Tensor) -> NDArray[np.uint8]:
    """(N, 3, S, S) in 0..1 -> (N, S, S, 3) uint8."""
    pixels = output.float().mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
