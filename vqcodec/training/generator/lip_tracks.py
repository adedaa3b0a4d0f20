"""How lips move in the training clips, for speech to be tied to: three numbers a frame, set right against a clip's own sound.

Sound and picture of found footage are often some frames apart, or don't belong together. A ridge regression from what
Whisper's lower layers hear to the opening of lips, fitted on other people's clips, tells by how much:

    python -m vqcodec.training.generator.lip_tracks CACHE SOUNDS   writes CACHE/sync.json: {clip: [lag in frames, correlation]}
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import LANDMARKS
from vqcodec.geometry.mesh import INNER_LIPS, MOUTH_CORNERS
from vqcodec.geometry.openings import per_eye_distance
from vqcodec.training.speech_tokens.heard import heard_rows

SIGNALS = (INNER_LIPS, (0, 17), MOUTH_CORNERS)
"""Inner opening, outer height, width: distances of two landmarks over that of the outer eye corners."""
LARGEST_LAG = 8
LEAST_CORRELATION = 0.25
GAIN_OF_A_SHIFT = 0.05
RIDGE = 1000.0
_CONTEXT, _FOLDS, _AXES = 6, 5, 96

Floats = NDArray[np.float32]


def lip_signals(landmarks: Floats) -> Floats:
    """(T, 478, 2) -> (T, 3) of SIGNALS, each about 0 with a spread of about 1 over the clip: who speaks doesn't matter."""
    raw = np.stack([per_eye_distance(landmarks, pair) for pair in SIGNALS], 1)
    return np.asarray((raw - raw.mean(0)) / (raw.std(0) + 0.01), np.float32)


def shifted(rows: NDArray[np.generic], lag: int) -> NDArray[np.generic]:
    """(T, ...) speech of frames whose lips are `lag` frames late: row t becomes row t - lag, the ends are held."""
    return rows[np.clip(np.arange(len(rows)) - lag, 0, len(rows) - 1)]


def _correlations(predicted: Floats, seen: Floats, reach: int) -> dict[int, float]:
    """Pearson's r of predicted(t) and seen(t + lag) by lag."""
    out = {}
    for lag in range(-reach, reach + 1):
        a, b = (
            predicted[max(-lag, 0) : len(seen) - max(lag, 0)],
            seen[max(lag, 0) : len(seen) - max(-lag, 0)],
        )
        sure = len(a) > 20 and a.std() > 1e-6 and b.std() > 1e-6
        out[lag] = float(np.corrcoef(a, b)[0, 1]) if sure else 0.0
    return out


def chosen_lag(correlations: dict[int, float]) -> tuple[int, float]:
    """The lag of a clip and its correlation there: 0 unless another one is clearly better."""
    best = max(correlations, key=lambda lag: (correlations[lag], -abs(lag)))
    if correlations[best] < correlations[0] + GAIN_OF_A_SHIFT:
        best = 0
    return best, correlations[best]


def with_neighbours(rows: Floats) -> Floats:
    """(T, D) -> (T, 13 D + 1): six rows before, the row, six after, a one; zeros beyond the ends."""
    padded = np.pad(rows, ((_CONTEXT, _CONTEXT), (0, 0)))
    beside = [padded[i : i + len(rows)] for i in range(2 * _CONTEXT + 1)]
    return np.concatenate([*beside, np.ones((len(rows), 1), np.float32)], 1)


@dataclass(frozen=True, slots=True)
class Axes:
    """The strongest directions of features.

    Attributes:
        mean: (1024,) of the features.
        axes: (1024, 96) to about unit scale.
    """

    mean: Floats
    axes: Floats

    @classmethod
    def fit(cls, features: Sequence[Floats]) -> Axes:
        """Of several recordings' (T, 1024)."""
        sample = np.concatenate([f[::8] for f in features])
        mean, scale = sample.mean(0), sample.std(0) + 1e-3
        strength, vectors = np.linalg.eigh(np.cov(((sample - mean) / scale).T))
        axes = vectors[:, ::-1][:, :_AXES] / np.sqrt(np.maximum(strength[::-1][:_AXES], 1e-6))
        return cls(np.asarray(mean, np.float32), np.asarray(axes / scale[:, None], np.float32))

    def __call__(self, features: Floats) -> Floats:
        """(T, 1024) -> (T, 96)."""
        return np.asarray((features - self.mean) @ self.axes, np.float32)


def find_lags(clips: dict[str, tuple[Floats, Floats, int]]) -> dict[str, tuple[int, float]]:
    """Lag and correlation of every clip.

    Args:
        clips: by name, (T, D) features of the trunk, (T, 478, 2) landmarks, number of the person.
    """
    names = list(clips)
    axes = Axes.fit([clips[n][0] for n in names])
    heard = {n: axes(clips[n][0]) for n in names}
    fold = {n: zlib.crc32(str(clips[n][2]).encode()) % _FOLDS for n in names}
    size = (2 * _CONTEXT + 1) * next(iter(heard.values())).shape[1] + 1
    products, moments = np.zeros((_FOLDS, size, size)), np.zeros((_FOLDS, size))
    seen = {n: lip_signals(clips[n][1])[: len(heard[n]), 0] for n in names}
    for n in names:
        x = with_neighbours(heard[n])[: len(seen[n])]
        products[fold[n]] += x.T @ x
        moments[fold[n]] += x.T @ seen[n]
    out = {}
    for k in range(_FOLDS):
        weights = np.linalg.solve(
            products.sum(0) - products[k] + RIDGE * np.eye(size), moments.sum(0) - moments[k]
        )
        for n in (n for n in names if fold[n] == k):
            predicted = (with_neighbours(heard[n])[: len(seen[n])] @ weights).astype(np.float32)
            out[n] = chosen_lag(_correlations(predicted, seen[n], LARGEST_LAG))
    return out


def write_lags(cache: Path, sounds: Path) -> dict[str, tuple[int, float]]:
    """Find the lags of all clips with cached motion and sound, and write `sync.json` into their cache."""
    clips = {}
    for path in sorted(cache.glob("*.motion.npy")):
        name = path.name.removesuffix(".motion.npy")
        landmarks = np.load(path)[:, : 2 * LANDMARKS].reshape(-1, LANDMARKS, 2)
        features = heard_rows(sounds, name).astype(np.float32)
        clips[name] = (
            features,
            landmarks,
            int(json.loads((cache / f"{name}.json").read_text())["identity"]),
        )
    found = find_lags(clips)
    (cache / "sync.json").write_text(
        json.dumps({n: [lag, round(r, 4)] for n, (lag, r) in found.items()}, indent=0)
    )
    return found


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    parser.add_argument("sounds", type=Path)
    args = parser.parse_args()
    found = write_lags(args.cache, args.sounds)
    kept = [lag for lag, r in found.values() if r >= LEAST_CORRELATION]
    print(
        f"{len(kept)} of {len(found)} clips in step with their sound, {sum(lag != 0 for lag in kept)} of them shifted"
    )


if __name__ == "__main__":
    main()
