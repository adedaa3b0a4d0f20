"""Motion of the training clips as numbers, for the rows of Table 3: features once, pairs of them as often as needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor

from vqcodec.motion.space import MotionSpace
from vqcodec.training.picture.clips import CachedClip, clip_odds

FRAMES_PER_CLIP = 60
_BATCH = 30


@dataclass(frozen=True, slots=True)
class MotionData:
    """Features of frames of several clips.

    Attributes:
        features: (N, 48) float32, clip after clip.
        first: (C,) int64, where each clip begins.
        count: (C,) int64, its frames.
        odds: (C,) float64, how often a clip is drawn.
    """

    features: NDArray[np.float32]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    odds: NDArray[np.float64]

    def deltas(self, rng: np.random.Generator, size: int) -> Tensor:
        """(size, 48) float32: f_t - f_s of two random frames of one clip each."""
        clips = rng.choice(len(self.odds), size=size, p=self.odds)
        source, target = (
            self.first[clips] + (rng.random(size) * self.count[clips]).astype(np.int64)
            for _ in range(2)
        )
        return torch.from_numpy(self.features[target] - self.features[source])


def collect(
    clips: list[CachedClip],
    space: MotionSpace,
    *,
    frames_per_clip: int = FRAMES_PER_CLIP,
    real_weight: float = 2.0,
) -> MotionData:
    """Features of evenly spread frames of each clip, all of them in short ones."""
    rows = []
    for clip in clips:
        chosen = clip.valid[
            np.unique(np.linspace(0, len(clip.valid) - 1, frames_per_clip).round().astype(int))
        ]
        parts = np.array_split(chosen, -(-len(chosen) // _BATCH))
        rows.append(
            np.concatenate(
                [space.features(clip.frames[part], clip.landmarks[part]) for part in parts]
            )
        )
    count = np.array([len(row) for row in rows], np.int64)
    return MotionData(
        np.concatenate(rows), np.cumsum(count) - count, count, clip_odds(clips, real_weight)
    )


def collected(path: Path, clips: list[CachedClip], space: MotionSpace) -> MotionData:
    """What `collect` gives, kept in a file: made when it isn't there or belongs to other clips."""
    names = np.frombuffer(
        "\n".join([str(space.id), *(clip.name for clip in clips)]).encode(), np.uint8
    )
    if path.is_file():
        kept = load_file(str(path))
        if np.array_equal(kept.pop("names"), names):
            return MotionData(**kept)
    data = collect(clips, space)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "names": names.copy(),
            "features": data.features,
            "first": data.first,
            "count": data.count,
            "odds": data.odds,
        },
        str(path),
    )
    return data
