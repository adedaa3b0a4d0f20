"""LPIPS and DISTS, for users who have the weights of AlexNet and VGG16 (`weights.py`); `DeepMetrics` collects all such.

The learned parts on top of the networks come with torchmetrics; the networks' own few layers are written out here, so
that torchvision isn't needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.fidelity import check_pair, unit_tensor
from vqcodec.evaluation.metrics.frechet import VideoFeatures
from vqcodec.evaluation.metrics.inception import InceptionFeatures
from vqcodec.evaluation.metrics.weights import MissingWeightsError, find_weights, load_tensors
from vqcodec.evaluation.tools.extras import package_file

if TYPE_CHECKING:
    import torch

Between: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"
Pairwise: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]
Features: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_HEADS = ("functional", "image")
_BATCH_FRAMES = 8
# convolution's number in torchvision's AlexNet.features, stride, padding
_ALEXNET = ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1))
# convolutions' numbers in torchvision's VGG16.features, by stage
_VGG16 = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


def _per_frame(
    between: Between, reference: NDArray[np.uint8], output: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """A distance of picture pairs, computed a few frames at a time."""
    check_pair(reference, output)
    import torch

    values = np.zeros(len(reference), np.float32)
    with torch.inference_mode():
        for start in range(0, len(reference), _BATCH_FRAMES):
            part = slice(start, start + _BATCH_FRAMES)
            values[part] = between(unit_tensor(reference[part]), unit_tensor(output[part])).numpy()
    return values


class Lpips:
    """Learned perceptual image patch similarity, version 0.1 on AlexNet (Zhang et al. 2018, CVPR, eq. 1).

        distance = sum_l  mean over positions  sum over channels  w_l (y_l/|y_l| - z_l/|z_l|)^2

    y and z the five activations after AlexNet's convolutions, w learned from people's judgements. Range 0 and up, in
    practice below 1; lower is better.

    Args:
        weights: AlexNet's, torchvision's file; None looks for it.

    Raises:
        MissingWeightsError: no weights.
        MissingExtraError: torchmetrics is not installed.
    """

    def __init__(self, weights: Path | None = None) -> None:
        import torch

        names = [
            f"features.{number}.{part}" for number, _, _ in _ALEXNET for part in ("weight", "bias")
        ]
        self._network = load_tensors(weights or find_weights("lpips"), names, "AlexNet")
        heads = package_file("torchmetrics", *_HEADS, "lpips_models", "alex.pth", purpose="LPIPS")
        keys = [f"lin{level}.model.1.weight" for level in range(len(_ALEXNET))]
        self._heads = list(load_tensors(heads, keys, "LPIPS").values())
        self._shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        self._scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]

    def __call__(
        self, reference: NDArray[np.uint8], output: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Distance per frame of two aligned stacks (N, H, W, 3) uint8 RGB -> (N,) float32."""
        return _per_frame(self.between, reference, output)

    def _features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        from torch.nn import functional

        value, taps = (2 * pictures - 1 - self._shift) / self._scale, []
        for level, (number, stride, padding) in enumerate(_ALEXNET):
            if level in (1, 2):
                value = functional.max_pool2d(value, 3, 2)
            weight, bias = (
                self._network[f"features.{number}.{part}"] for part in ("weight", "bias")
            )
            value = functional.relu(functional.conv2d(value, weight, bias, stride, padding))
            taps.append(value / (value.norm(dim=1, keepdim=True) + 1e-10))
        return taps

    def between(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distance of two batches (N, 3, H, W) in 0..1, at least 63 px -> (N,)."""
        import torch

        levels = [
            (w * (y - z).square()).sum(1).mean((1, 2))
            for w, y, z in zip(
                self._heads, self._features(first), self._features(second), strict=True
            )
        ]
        return torch.stack(levels).sum(0)


class Dists:
    """Deep image structure and texture similarity (Ding et al. 2022, IEEE TPAMI 44(5)).

        distance = 1 - sum_l sum_c  a_lc (2 mx my + c) / (mx^2 + my^2 + c) + b_lc (2 sxy + c) / (sxx + syy + c)

    m and s the means and (co)variances over all positions of channel c of level l: the picture itself and five stages
    of VGG16, whose maximum pooling is replaced by a blurred L2 pooling; a and b learned, together summing to 1; c 1e-6.
    Range 0 to about 1; lower is better. Texture that is resampled, not copied, costs little.

    Args:
        weights: VGG16's, torchvision's file; None looks for it.

    Raises:
        MissingWeightsError: no weights.
        MissingExtraError: torchmetrics is not installed.
    """

    def __init__(self, weights: Path | None = None) -> None:
        import torch

        names = [
            f"features.{number}.{part}"
            for stage in _VGG16
            for number in stage
            for part in ("weight", "bias")
        ]
        self._network = load_tensors(weights or find_weights("dists"), names, "VGG16")
        heads = package_file("torchmetrics", *_HEADS, "dists_models", "weights.pt", purpose="DISTS")
        learned = load_tensors(heads, ("alpha", "beta"), "DISTS")
        total = learned["alpha"].sum() + learned["beta"].sum()
        self._alpha, self._beta = (learned[n].flatten() / total for n in ("alpha", "beta"))
        self._mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        self._deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
        window = torch.tensor([0.5, 1.0, 0.5])
        self._window = (window[:, None] * window / 4)[None, None]

    def __call__(
        self, reference: NDArray[np.uint8], output: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Distance per frame of two aligned stacks (N, H, W, 3) uint8 RGB -> (N,) float32."""
        return _per_frame(self.between, reference, output)

    def _pool(self, value: torch.Tensor) -> torch.Tensor:
        """Root of the mean square under a 3x3 Hann window, every second position."""
        from torch.nn import functional

        channels = value.shape[1]
        mean = functional.conv2d(
            value.square(), self._window.repeat(channels, 1, 1, 1), None, 2, 1, groups=channels
        )
        return (mean + 1e-12).sqrt()

    def _features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        from torch.nn import functional

        value, taps = (pictures - self._mean) / self._deviation, [pictures]
        for level, stage in enumerate(_VGG16):
            value = self._pool(value) if level else value
            for number in stage:
                weight, bias = (
                    self._network[f"features.{number}.{part}"] for part in ("weight", "bias")
                )
                value = functional.relu(functional.conv2d(value, weight, bias, padding=1))
            taps.append(value)
        return taps

    def between(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distance of two batches (N, 3, H, W) in 0..1 -> (N,)."""
        import torch

        texture, structure = [], []
        for y, z in zip(self._features(first), self._features(second), strict=True):
            my, mz = y.mean((2, 3)), z.mean((2, 3))
            covariance = (y * z).mean((2, 3)) - my * mz
            variances = y.var((2, 3), correction=0) + z.var((2, 3), correction=0)
            texture.append((2 * my * mz + 1e-6) / (my.square() + mz.square() + 1e-6))
            structure.append((2 * covariance + 1e-6) / (variances + 1e-6))
        return 1 - (torch.cat(texture, 1) * self._alpha + torch.cat(structure, 1) * self._beta).sum(
            1
        )


class DeepMetrics:
    """The metrics of this kind that can be measured here, their networks loaded, and why the others can't.

    Attributes:
        pairwise: "lpips", "dists": two aligned stacks (N, H, W, 3) uint8 RGB -> (N,) float32.
        features: "fid", "fvd": frames of one clip, (T, H, W, 3) uint8 RGB -> (n, D) float32, to be stacked over clips for
            `frechet.set_distance`.
        absent: for each of the four that is in neither, the reason in a sentence.
    """

    def __init__(self) -> None:
        self.pairwise: dict[str, Pairwise] = {}
        self.features: dict[str, Features] = {}
        self.absent: dict[str, str] = {}
        paired: dict[str, Callable[[], Pairwise]] = {"lpips": Lpips, "dists": Dists}
        described: dict[str, Callable[[], Features]] = {
            "fid": InceptionFeatures,
            "fvd": VideoFeatures,
        }
        for name, make in paired.items():
            try:
                self.pairwise[name] = make()
            except MissingWeightsError as error:
                self.absent[name] = str(error)
        for name, build in described.items():
            try:
                self.features[name] = build()
            except MissingWeightsError as error:
                self.absent[name] = str(error)
