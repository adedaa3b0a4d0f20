"""Cached clips, and how often each of them and each of its frames is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.geometry.openings import lip_gap
from vqcodec.training.picture.coded import CodedPortraits, load_coded

CORPUS_HZ = 25.0


@dataclass(frozen=True, slots=True)
class CachedClip:
    """One cached clip, memory-mapped.

    Attributes:
        frames: (N, S, S, 3) uint8.
        landmarks: (N, 478, 2) float32 in 0..1 of those frames; NaN where no face was found.
        surroundings: (N, 8) float32 motion of background and torso since the first frame.
        valid: indices of frames with a face.
        kind: "real" or "generated".
        identity: cluster number.
        coded: some of the frames as a portrait stream brings them; None where the cache has none.
        rate_hz: of `frames`.
    """

    name: str
    frames: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    surroundings: NDArray[np.float32]
    valid: NDArray[np.int64]
    kind: str
    identity: int
    coded: CodedPortraits | None = None
    rate_hz: float = 12.5


def load_clips(cache: Path, split: str, *, side: int = 256) -> list[CachedClip]:
    """Clips of one split with at least 8 usable frames.

    Raises:
        MediaError: the cache is empty.
    """
    clips = []
    for facts in sorted(cache.glob("*.json")):
        info = json.loads(facts.read_text())
        frames_path = cache / f"{facts.stem}.{side}.npy"
        if info["split"] != split or not frames_path.is_file():
            continue
        frames = np.load(frames_path, mmap_mode="r")
        step = info["stride"] if side == 256 else info["stride_512"]
        landmarks = np.load(cache / f"{facts.stem}.lm.npy")[::step][: len(frames)]
        valid = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]))
        if len(valid) >= 8:
            clips.append(
                CachedClip(
                    facts.stem,
                    frames,
                    landmarks,
                    _surroundings(cache, facts.stem, info, side, len(frames)),
                    valid,
                    info["kind"],
                    info["identity"],
                    load_coded(cache, facts.stem) if side == 256 else None,
                    CORPUS_HZ / step,
                )
            )
    if not clips:
        raise MediaError(
            f"no cached {split} clips in {cache}",
            hint="Build the cache first: vqcodec train does it from --data.",
        )
    return clips


def _surroundings(
    cache: Path, name: str, info: dict[str, Any], side: int, count: int
) -> NDArray[np.float32]:
    """Tracks belong to the 256 px frames; the 512 px ones are some of those."""
    path = cache / f"{name}.sur.npy"
    if not path.is_file():
        raise MediaError(
            f"{path} is missing: the cache is older than motion-2",
            hint="Run python -m vqcodec.training.common.cache CORPUS CACHE again; it adds what is missing.",
        )
    tracks: NDArray[np.float32] = np.load(path)
    at = (
        np.arange(count)
        * (1 if side == 256 else info["stride_512"])
        // (1 if side == 256 else info["stride"])
    )
    return tracks[at.clip(max=len(tracks) - 1)]


def clip_odds(clips: list[CachedClip], real_weight: float) -> NDArray[np.float64]:
    """Sampling probabilities: square root of the length, divided among clips of one identity, real footage weighed up."""
    count: dict[int, int] = {}
    for clip in clips:
        count[clip.identity] = count.get(clip.identity, 0) + 1
    odds = np.array(
        [
            len(c.valid) ** 0.5
            / count[c.identity] ** 0.5
            * (real_weight if c.kind == "real" else 1)
            for c in clips
        ]
    )
    return np.asarray(odds / odds.sum())


def shut_odds(clip: CachedClip) -> NDArray[np.float64]:
    """The other way round: odds by how near the lips are to each other."""
    odds = 1 / mouth_odds(clip)
    return np.asarray(odds / odds.sum())


def mouth_odds(clip: CachedClip) -> NDArray[np.float64]:
    """Odds of a clip's valid frames by the gap between the lips, over the face's height; a shut mouth keeps a chance."""
    points = clip.landmarks[clip.valid].astype(np.float64)
    height = np.linalg.norm(points[:, 10] - points[:, 152], axis=1)
    odds = lip_gap(points) / height.clip(1e-6) + 0.01
    return odds / odds.sum()
