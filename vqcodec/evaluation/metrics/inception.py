"""The Inception network of FID, for users who have its weights (`weights.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.fidelity import unit_tensor
from vqcodec.evaluation.metrics.weights import find_weights, load_tensors

if TYPE_CHECKING:
    import torch

SIDE_PX = 299
FEATURES = 2048
_BATCH_FRAMES = 8
_EPSILON = 1e-3
_NORM = ("weight", "bias", "running_mean", "running_var")
_A = "branch1x1 branch5x5_1 branch5x5_2 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 branch_pool"
_B = "branch3x3 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3"
_C = (
    "branch1x1 branch7x7_1 branch7x7_2 branch7x7_3 branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 "
    "branch7x7dbl_5 branch_pool"
)
_D = "branch3x3_1 branch3x3_2 branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4"
_E = (
    "branch1x1 branch3x3_1 branch3x3_2a branch3x3_2b branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a branch3x3dbl_3b "
    "branch_pool"
)
_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_BLOCKS = {
    "Mixed_5b": _A,
    "Mixed_5c": _A,
    "Mixed_5d": _A,
    "Mixed_6a": _B,
    "Mixed_6b": _C,
    "Mixed_6c": _C,
    "Mixed_6d": _C,
    "Mixed_6e": _C,
    "Mixed_7a": _D,
    "Mixed_7b": _E,
    "Mixed_7c": _E,
}
CONVOLUTIONS = (
    *_STEM,
    *(f"{block}.{part}" for block, parts in _BLOCKS.items() for part in parts.split()),
)


class InceptionFeatures:
    """Activations of Inception's last pooling layer, as FID takes them (Heusel et al. 2017, NeurIPS).

    The network is TensorFlow's of 2015-12-05, weights as converted by pytorch-fid. It differs from torchvision's
    Inception v3 in that average pooling leaves the padding out and the last block pools by maximum. Pictures are
    brought to 299x299 bilinearly, values to -1..1, as pytorch-fid does.

    Args:
        weights: pytorch-fid's file; None looks for it.

    Raises:
        MissingWeightsError: no weights.
    """

    def __init__(self, weights: Path | None = None) -> None:
        names = [
            f"{c}.{part}"
            for c in CONVOLUTIONS
            for part in ("conv.weight", *(f"bn.{n}" for n in _NORM))
        ]
        stored = load_tensors(weights or find_weights("fid"), names, "Inception")
        self._layers: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        for name in CONVOLUTIONS:
            gain, bias, mean, variance = (stored[f"{name}.bn.{n}"] for n in _NORM)
            gain = gain / (variance + _EPSILON).sqrt()
            self._layers[name] = (
                stored[f"{name}.conv.weight"] * gain[:, None, None, None],
                bias - mean * gain,
            )

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 RGB -> (N, 2048) float32."""
        import torch
        from torch.nn import functional

        result = np.zeros((len(frames), FEATURES), np.float32)
        with torch.inference_mode():
            for start in range(0, len(frames), _BATCH_FRAMES):
                part = slice(start, start + _BATCH_FRAMES)
                pictures = functional.interpolate(
                    unit_tensor(frames[part]), (SIDE_PX, SIDE_PX), mode="bilinear"
                )
                result[part] = self.trunk(2 * pictures - 1).mean((2, 3)).numpy()
        return result

    def trunk(self, value: torch.Tensor) -> torch.Tensor:
        """(N, 3, 299, 299) in -1..1 -> (N, 2048, 8, 8)."""
        from torch.nn import functional

        first, second, third, fourth, fifth = _STEM
        value = self._valid(self._valid(value, first, 2), second)
        value = functional.max_pool2d(self._same(value, third), 3, 2)
        value = functional.max_pool2d(self._valid(self._same(value, fourth), fifth), 3, 2)
        steps = {
            _A: self._block_a,
            _B: self._block_b,
            _C: self._block_c,
            _D: self._block_d,
            _E: self._block_e,
        }
        for block, parts in _BLOCKS.items():
            value = steps[parts](value, block)
        return value

    def _valid(self, value: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        from torch.nn import functional

        weight, bias = self._layers[name]
        return functional.relu(functional.conv2d(value, weight, bias, stride))

    def _same(self, value: torch.Tensor, *names: str) -> torch.Tensor:
        """Convolutions in turn, padded so that the size stays."""
        from torch.nn import functional

        for name in names:
            weight, bias = self._layers[name]
            padding = (weight.shape[2] // 2, weight.shape[3] // 2)
            value = functional.relu(functional.conv2d(value, weight, bias, padding=padding))
        return value

    def _pooled(self, value: torch.Tensor, block: str) -> torch.Tensor:
        from torch.nn import functional

        if block == "Mixed_7c":
            mean = functional.max_pool2d(value, 3, 1, 1)
        else:
            mean = functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)
        return self._same(mean, f"{block}.branch_pool")

    def _block_a(self, value: torch.Tensor, block: str) -> torch.Tensor:
        import torch

        return torch.cat(
            [
                self._same(value, f"{block}.branch1x1"),
                self._same(value, *(f"{block}.branch5x5_{n}" for n in (1, 2))),
                self._same(value, *(f"{block}.branch3x3dbl_{n}" for n in (1, 2, 3))),
                self._pooled(value, block),
            ],
            1,
        )

    def _block_b(self, value: torch.Tensor, block: str) -> torch.Tensor:
        import torch
        from torch.nn import functional

        double = self._same(value, *(f"{block}.branch3x3dbl_{n}" for n in (1, 2)))
        return torch.cat(
            [
                self._valid(value, f"{block}.branch3x3", 2),
                self._valid(double, f"{block}.branch3x3dbl_3", 2),
                functional.max_pool2d(value, 3, 2),
            ],
            1,
        )

    def _block_c(self, value: torch.Tensor, block: str) -> torch.Tensor:
        import torch

        return torch.cat(
            [
                self._same(value, f"{block}.branch1x1"),
                self._same(value, *(f"{block}.branch7x7_{n}" for n in (1, 2, 3))),
                self._same(value, *(f"{block}.branch7x7dbl_{n}" for n in (1, 2, 3, 4, 5))),
                self._pooled(value, block),
            ],
            1,
        )

    def _block_d(self, value: torch.Tensor, block: str) -> torch.Tensor:
        import torch
        from torch.nn import functional

        single = self._same(value, f"{block}.branch3x3_1")
        double = self._same(value, *(f"{block}.branch7x7x3_{n}" for n in (1, 2, 3)))
        return torch.cat(
            [
                self._valid(single, f"{block}.branch3x3_2", 2),
                self._valid(double, f"{block}.branch7x7x3_4", 2),
                functional.max_pool2d(value, 3, 2),
            ],
            1,
        )

    def _block_e(self, value: torch.Tensor, block: str) -> torch.Tensor:
        import torch

        single = self._same(value, f"{block}.branch3x3_1")
        double = self._same(value, *(f"{block}.branch3x3dbl_{n}" for n in (1, 2)))
        return torch.cat(
            [
                self._same(value, f"{block}.branch1x1"),
                *(self._same(single, f"{block}.branch3x3_2{side}") for side in "ab"),
                *(self._same(double, f"{block}.branch3x3dbl_3{side}") for side in "ab"),
                self._pooled(value, block),
            ],
            1,
        )
