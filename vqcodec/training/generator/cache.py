"""What the generator learns from, kept beside the decoded clips of training.common.cache.

cache/NAME.motion.npy   (T, 968) float32: 478 landmarks, filtered as the encoder does, in 0..1; 8 surroundings; 4 learned
cache/NAME.codes.npy    (V, T) int16 speech tokens: of the sound as it is, of spoilt copies, of higher and lower voices
cache/silence.codes.npy (V, 250) int16 of silence and faint noise
"""

from __future__ import annotations

import json
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from vqcodec.face.smooth import LandmarkFilter
from vqcodec.format import LANDMARKS, SPEECH_RATE_HZ
from vqcodec.motion.space import MotionSpace
from vqcodec.speech.tokenizer import SpeechTokens
from vqcodec.training.common.cache import read_index
from vqcodec.training.speech_tokens.augment import augment
from vqcodec.training.speech_tokens.stretch import changed_pitch

SPOILT = 3
PITCHES = (0.78, 0.88, 1.13, 1.3)
FRAME_S = Fraction(1, 25)
_BATCH = 32


def filtered(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T, 478, 2) as the encoder filters them; frames without a face hold the one before (the first ones the first)."""
    flow = LandmarkFilter()
    rows: list[NDArray[np.float32] | None] = []
    for index, points in enumerate(landmarks):
        rows += flow.push(points if np.isfinite(points[0, 0]) else None, index * FRAME_S)
    rows += flow.flush()
    held = next(row for row in rows if row is not None)
    out = []
    for row in rows:
        held = held if row is None else row
        out.append(held)
    return np.stack(out)


def _spread(values: NDArray[np.float32], stride: int, frames: int) -> NDArray[np.float32]:
    """(N, D) of every stride-th frame -> (frames, D), straight lines between them."""
    at = np.arange(frames)
    known = np.arange(len(values)) * stride
    return np.stack([np.interp(at, known, column) for column in values.T], 1).astype(np.float32)


def build_motion(cache: Path, name: str, space: MotionSpace) -> None:
    """Write NAME.motion.npy from the cached clip, unless it is there."""
    target = cache / f"{name}.motion.npy"
    if target.is_file():
        return
    stride = int(json.loads((cache / f"{name}.json").read_text())["stride"])
    landmarks = filtered(np.load(cache / f"{name}.lm.npy"))
    frames = np.load(cache / f"{name}.256.npy", mmap_mode="r")
    learned = np.concatenate(
        [
            space.features(
                np.ascontiguousarray(frames[i : i + _BATCH]), landmarks[::stride][i : i + _BATCH]
            )
            for i in range(0, len(frames), _BATCH)
        ]
    )[:, space.layout.learned_span]
    around = np.load(cache / f"{name}.sur.npy")
    rows = [landmarks.reshape(len(landmarks), 2 * LANDMARKS)]
    rows += [_spread(values, stride, len(landmarks)) for values in (around, learned)]
    np.save(target, np.concatenate(rows, 1))


def build_codes(cache: Path, sounds: Path, name: str, tokenizer: SpeechTokens) -> None:
    """Write NAME.codes.npy from a cached sound (speech_tokens.sound_cache), unless it is there."""
    target = cache / f"{name}.codes.npy"
    if target.is_file():
        return
    clean = np.load(sounds / f"{name}.pcm.npy").astype(np.float32) / 32768
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    heard = [clean] + [augment(clean, rng) for _ in range(SPOILT)]
    for factor in PITCHES:  # one speaker's words in other voices: lips do the same
        other = changed_pitch(clean, factor * float(rng.uniform(0.95, 1.05)))
        heard.append(augment(other, rng) if rng.random() < 0.3 else other)
    np.save(target, np.stack([tokenizer.tokens(samples) for samples in heard]).astype(np.int16))


def build_silence(cache: Path, tokenizer: SpeechTokens) -> None:
    """Write silence.codes.npy: digital silence and noise of -70 to -45 dB."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((8, 10 * SPEECH_RATE_HZ)).astype(np.float32)
    noise[4:] = lfilter([0.05], [1, -0.95], noise[4:], axis=1) * 6  # a rumble
    levels = np.array([0, 10**-3.5, 10**-2.9, 10**-2.4] * 2, np.float32)[:, None]
    np.save(
        cache / "silence.codes.npy",
        np.stack([tokenizer.tokens(np.clip(row, -1, 1)) for row in noise * levels]).astype(
            np.int16
        ),
    )


def build_speech_cache(
    corpus: Path, cache: Path, sounds: Path, space: MotionSpace, tokenizer: SpeechTokens
) -> list[str]:
    """All of the above for the training clips with sound and a face; returns their names."""
    names = []
    for row in read_index(corpus):
        known = (cache / f"{row.name}.json").is_file() and (
            sounds / f"{row.name}.pcm.npy"
        ).is_file()
        if row.split != "train" or not row.audio or not known:
            continue
        if np.isfinite(np.load(cache / f"{row.name}.lm.npy", mmap_mode="r")[:, 0, 0]).mean() < 0.9:
            continue
        build_motion(cache, row.name, space)
        build_codes(cache, sounds, row.name, tokenizer)
        names.append(row.name)
    build_silence(cache, tokenizer)
    return names
