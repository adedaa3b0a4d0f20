"""ST-LPIPS (Ghildyal and Liu 2022, ECCV, "Shift-tolerant Perceptual Similarity Metric"): a second opinion on sharpness and place.

The perceptual distance in use is computed on the features that training makes small; no training here has seen these. The
package `stlpips-pytorch` brings network and weights (BSD licence). It imports three packages that measuring doesn't need,
so empty ones stand in for those that are absent while it is imported.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.fidelity import check_pair, unit_tensor
from vqcodec.evaluation.tools.extras import package_file, require

PURPOSE = "ST-LPIPS"
_PACKAGE = "stlpips_pytorch"
_WEIGHTS = ("weights", "vST0.0", "alex_shift_tolerant.pth")
_UNUSED = {"torchvision": "models", "IPython": "embed", "torchsummary": "summary"}
_BATCH_FRAMES = 10


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Empty modules for what the package imports in vain; gone again afterwards."""
    absent = [name for name in _UNUSED if importlib.util.find_spec(name) is None]
    for name in absent:
        module = types.ModuleType(name)
        setattr(module, _UNUSED[name], types.ModuleType(f"{name}.{_UNUSED[name]}"))
        sys.modules[name] = module
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


class ShiftTolerantLpips:
    """ST-LPIPS on AlexNet with anti-aliased pooling: 0 for equal pictures, in practice below 1; lower is better.

    Raises:
        MissingExtraError: stlpips-pytorch is not installed.
    """

    def __init__(self) -> None:
        import torch

        path = package_file(_PACKAGE, *_WEIGHTS, purpose=PURPOSE)
        with _stand_ins():
            package = require(f"{_PACKAGE}.stlpips", PURPOSE)
        # the package's own loader unpickles without restriction; the weights are plain tensors
        weights = torch.load(path, map_location="cpu", weights_only=True)
        network: Any = package.LPIPS(
            pretrained=False, net="alex", variant="shift_tolerant", verbose=False
        )
        network.load_state_dict(weights, strict=False)
        self._network: Any = network.eval().requires_grad_(False)

    def __call__(
        self, reference: NDArray[np.uint8], output: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Distance per frame of two aligned stacks (N, H, W, 3) uint8 RGB -> (N,) float32."""
        check_pair(reference, output)
        import torch

        parts = []
        with torch.inference_mode():
            for i in range(0, len(reference), _BATCH_FRAMES):
                pair = (unit_tensor(x[i : i + _BATCH_FRAMES]) for x in (reference, output))
                parts.append(self._network(*pair, normalize=True).reshape(-1).numpy())
        return np.concatenate([np.asarray(part, np.float32) for part in parts])
