"""FID and FVD of one coded clip, for users who have the networks' weights (metrics/deep.py finds them)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqcodec.evaluation.metrics.deep import DeepMetrics
from vqcodec.evaluation.metrics.frechet import CLIP_FRAMES, set_distance

Frames = NDArray[np.uint8]


def set_figures(
    deep: DeepMetrics, reference: Frames, output: Frames, consecutive: bool
) -> dict[str, float]:
    """FID of the frames, and FVD when they follow each other without a gap.

    Over one clip these sets are small, and a Frechet distance grows as its sets shrink: compare codecs on one clip, not
    clips of different lengths, and never with figures of whole collections.

    Args:
        deep: holds the networks that are here.
        reference: (n, 256, 256, 3) uint8 RGB.
        output: likewise, the same frames.
        consecutive: they are all frames of a clip.
    """
    enough = {"fid": len(reference) > 1, "fvd": consecutive and len(reference) >= 2 * CLIP_FRAMES}
    return {
        name: set_distance(features(reference), features(output))
        for name, features in deep.features.items()
        if enough[name]
    }
