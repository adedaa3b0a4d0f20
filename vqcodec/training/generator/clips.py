"""Clips that the generator learns from: landmarks, controls and speech of every frame, in step."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import LANDMARKS
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.geometry.headpose import read_head
from vqcodec.models import store
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import LEAST_CORRELATION, shifted
from vqcodec.training.picture.views import mirror_permutation
from vqcodec.training.speech_tokens.heard import heard_rows

Floats = NDArray[np.float32]
HELD_OUT = 12
"""Every 12th person, by number, is for checks only."""


@dataclass(frozen=True, slots=True)
class MotionClip:
    """One clip: (T, 478, 2) landmarks, (T, 12) surroundings and learned numbers, controls, speech of every frame.

    `mirrored` are the controls of the mirrored clip: the skull's points are not quite the same on both sides. `speech` is
    (V, T) int64 codes or (1, T, D) float16 features. `likely` are the (T, 3) lips that its sound lets expect.
    """

    name: str
    landmarks: Floats
    rest: Floats
    controls: Controls
    mirrored: Controls
    speech: NDArray[np.generic]
    real: bool
    likely: Floats | None = None

    def __len__(self) -> int:
        return len(self.landmarks)


def _speech(cache: Path, features: Path | None, name: str, lag: int) -> NDArray[np.generic]:
    """(V, T) codes of a clip, in step with its lips; or (1, T, 1024) of the teacher, from a folder of its features."""
    if features is None:
        return shifted(np.load(cache / f"{name}.codes.npy").astype(np.int64).T, lag).T
    return shifted(np.load(features / f"{name}.teacher.npy", mmap_mode="r"), lag)[None]


def load_motion_clips(
    cache: Path,
    sounds: Path | None = None,
    *,
    continuous: bool = False,
    reader: LipReader | None = None,
) -> tuple[list[MotionClip], list[MotionClip]]:
    """Training clips and held-out ones of a cache (generator.cache), in step with their sound (generator.lip_tracks).

    Args:
        cache: the folder.
        sounds: folder with what the trunk hears (speech_tokens.heard), and the teacher's features if continuous.
        continuous: take the teacher's features for speech instead of codes.
        reader: tells the lips to expect of what the trunk hears.
    """
    shape = read_head(store.current("head").path)
    sync = json.loads((cache / "sync.json").read_text()) if (cache / "sync.json").is_file() else {}
    swap = mirror_permutation(read_basis(store.plain_motion_space().path).mean)
    train, held = list[MotionClip](), list[MotionClip]()
    for path in sorted(cache.glob("*.motion.npy")):
        name = path.name.removesuffix(".motion.npy")
        rows = np.load(path)
        lag, correlation = sync.get(name, (0, 1.0))
        if correlation < LEAST_CORRELATION:
            continue
        speech = _speech(cache, sounds if continuous else None, name, lag)
        count = min(len(rows), speech.shape[1])
        likely = (
            None
            if sounds is None or reader is None
            else np.asarray(shifted(reader(heard_rows(sounds, name)), lag)[:count], np.float32)
        )
        facts = json.loads((cache / f"{name}.json").read_text())
        landmarks = np.ascontiguousarray(rows[:count, : 2 * LANDMARKS]).reshape(count, LANDMARKS, 2)
        clip = MotionClip(
            name,
            landmarks,
            rows[:count, 2 * LANDMARKS :],
            read_controls(landmarks, shape),
            read_controls(mirrored(landmarks, swap), shape),
            speech[:, :count],
            facts["kind"] == "real",
            likely,
        )
        out = zlib.crc32(f"person {facts['identity']}".encode()) % HELD_OUT == 0
        (held if out else train).append(clip)
    return train, held


def mirrored(landmarks: Floats, swap: NDArray[np.int64]) -> Floats:
    """(..., 478, 2) of the mirrored picture; `swap` says which landmark becomes which."""
    return landmarks[..., swap, :] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
