"""What lips are likely to do, by what Whisper's lower layers hear: a target for sound that nobody filmed.

Real lips of training clips are few (under an hour) and full of what no sound tells: smiles, breath, the tracker's noise. A ridge
regression from the third of Whisper's layers (speech.trunk) to them keeps what the sound does tell. It holds for people it hasn't
seen, and can be asked about every recording and synthetic voice; the speech tokenizer learns from its answers, not from the lips
themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.format import LANDMARKS
from vqcodec.training.generator.lip_tracks import (
    LEAST_CORRELATION,
    RIDGE,
    SIGNALS,
    Axes,
    lip_signals,
    shifted,
    with_neighbours,
)
from vqcodec.training.speech_tokens.heard import heard_rows

REAL_WEIGHT = 3.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LipReader:
    """Lips from sound.

    Attributes:
        axes: of the trunk's features.
        weights: (13 * 96 + 1, 3) from features of a frame and its neighbours to `lip_tracks.lip_signals`.
    """

    axes: Axes
    weights: Floats

    def __call__(self, features: NDArray[np.floating]) -> Floats:
        """(T, 1024) of the trunk -> (T, 3): inner opening, outer height, width; spread at most 1."""
        return np.asarray(
            with_neighbours(self.axes(np.asarray(features, np.float32))) @ self.weights, np.float32
        )

    @classmethod
    def fit(cls, clips: Path, sounds: Path, leave_out: frozenset[str] = frozenset()) -> LipReader:
        """Fit it to the training clips.

        Args:
            clips: cache with NAME.motion.npy (generator.cache) and sync.json (generator.lip_tracks).
            sounds: cache with NAME.heard.npy (speech_tokens.heard).
            leave_out: names of clips not to look at.

        Raises:
            UsageError: no clip is in step with its sound.
        """
        heard, seen, weights = list[Floats](), list[Floats](), list[float]()
        sync = clips / "sync.json"
        for name, (lag, correlation) in (
            json.loads(sync.read_text()) if sync.is_file() else {}
        ).items():
            path = clips / f"{name}.motion.npy"
            if correlation < LEAST_CORRELATION or name in leave_out or not path.is_file():
                continue
            signals = lip_signals(np.load(path)[:, : 2 * LANDMARKS].reshape(-1, LANDMARKS, 2))
            features: Floats = np.asarray(shifted(heard_rows(sounds, name), lag), np.float32)
            count = min(len(signals), len(features))
            heard.append(features[:count])
            seen.append(signals[:count])
            weights.append(
                REAL_WEIGHT
                if json.loads((clips / f"{name}.json").read_text())["kind"] == "real"
                else 1.0
            )
        if not heard:
            raise UsageError(
                f"no clip in {clips} is in step with its sound",
                hint="Run vqcodec.training.generator.lip_tracks on this cache first.",
            )
        axes = Axes.fit(heard)
        size = len(with_neighbours(axes(heard[0][:1]))[0])
        products, moments = np.zeros((size, size)), np.zeros((size, len(SIGNALS)))
        for features, signals, weight in zip(heard, seen, weights, strict=True):
            x = with_neighbours(axes(features))
            products += weight * (x.T @ x)
            moments += weight * (x.T @ signals)
        solved = np.linalg.solve(products + RIDGE * np.eye(size), moments)
        return cls(axes, solved.astype(np.float32))
