"""FID and FVD: the distance of two sets of pictures or clips, as normal distributions of a network's features.

    fid = InceptionFeatures()
    set_distance(fid(reference_frames), fid(output_frames))

Both need weights the user must have (`weights.py`). Both are biased upwards for small sets (with as many samples as
features or fewer, covariances are of low rank): compare only values over equally many samples, and call nothing under
2048 frames FID without saying so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.weights import MissingWeightsError, find_weights

CLIP_FRAMES = 16

Vectors = NDArray[np.floating[Any]]


def frechet_distance(mean1: Vectors, cov1: Vectors, mean2: Vectors, cov2: Vectors) -> float:
    """Squared Fréchet distance of two normal distributions (Dowson and Landau 1982, J. Multivariate Analysis 12).

        |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))

    The last trace is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which is symmetric, so that
    covariances of low rank need no care. Range 0 and up; lower is closer; 0 for equal distributions.

    Args:
        mean1: (D,) of the first.
        cov1: (D, D) of the first, symmetric and positive semidefinite.
        mean2: (D,) of the second.
        cov2: (D, D) of the second.
    """
    values, vectors = np.linalg.eigh(np.asarray(cov1, np.float64))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ np.asarray(cov2, np.float64) @ root)
    gap = np.asarray(mean1, np.float64) - mean2
    distance = gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * np.sqrt(np.maximum(inner, 0)).sum()
    return max(float(distance), 0.0)


def set_distance(reference: Vectors, output: Vectors) -> float:
    """Squared Fréchet distance of two sets of features, each taken for a normal distribution.

    With `InceptionFeatures` this is FID, the Fréchet inception distance (Heusel et al. 2017, NeurIPS); with
    `VideoFeatures` FVD, the Fréchet video distance (Unterthiner et al. 2019, ICLR workshop). Range 0 and up; lower is
    better.

    Args:
        reference: (N, D), N at least 2.
        output: (M, D), M at least 2.

    Raises:
        UsageError: other shapes.
    """
    shapes = reference.shape, output.shape
    if any(len(s) != 2 or s[0] < 2 for s in shapes) or shapes[0][1] != shapes[1][1]:
        raise UsageError(
            f"features of shapes {shapes[0]} and {shapes[1]} are not two sets of two or more vectors"
        )
    first, second = (v.astype(np.float64) for v in (reference, output))
    means = first.mean(0), second.mean(0)
    if min(len(first), len(second)) > first.shape[1]:
        return frechet_distance(
            means[0],
            np.atleast_2d(np.cov(first, rowvar=False)),
            means[1],
            np.atleast_2d(np.cov(second, rowvar=False)),
        )
    # covariances A'A and B'B: the trace is the sum of the singular values of AB', which is small for small sets
    a, b = ((v - m) / np.sqrt(len(v) - 1) for v, m in zip((first, second), means, strict=True))
    gap, roots = means[0] - means[1], np.linalg.svd(a @ b.T, compute_uv=False)
    return max(float(gap @ gap + np.square(a).sum() + np.square(b).sum() - 2 * roots.sum()), 0.0)


class VideoFeatures:
    """Features of 16-frame cuts by I3D (Carreira and Zisserman 2017, CVPR), trained on Kinetics-400, for FVD.

    The network is the TorchScript file of Skorokhodov et al. 2022 (StyleGAN-V), which resizes to 224x224, scales to
    -1..1 and gives 400 values before the softmax. Cuts follow each other without overlap; frames left over at the end
    are not used. The file holds a program for torch's interpreter: use one from a source you trust.

    Args:
        weights: i3d_torchscript.pt; None looks for it.

    Raises:
        MissingWeightsError: no weights, or the file is something else.
    """

    def __init__(self, weights: Path | None = None) -> None:
        import torch

        path = weights or find_weights("fvd")
        try:
            jit: Any = torch.jit  # its functions have no annotations
            self._network: Any = jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError, OSError) as error:
            raise MissingWeightsError(
                f"{path.name} is not a TorchScript network ({type(error).__name__})",
                hint="Fetch the file again.",
            ) from error

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Frames of one clip, (T, H, W, 3) uint8 RGB -> (T // 16, D) float32."""
        import torch

        rows: list[NDArray[np.float32]] = []
        with torch.inference_mode():
            for start in range(0, len(frames) - CLIP_FRAMES + 1, CLIP_FRAMES):
                cut = torch.from_numpy(
                    np.array(frames[start : start + CLIP_FRAMES], np.float32)
                ).permute(3, 0, 1, 2)
                found = self._network(cut[None], rescale=True, resize=True, return_features=True)
                rows.append(np.asarray(found[0].numpy(), np.float32))
        return np.stack(rows) if rows else np.zeros((0, 0), np.float32)
