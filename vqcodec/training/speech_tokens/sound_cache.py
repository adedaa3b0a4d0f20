"""Sound for training, decoded once: 16 kHz mono and the teacher's features beside it.

    cache/NAME.pcm.npy      (N,) int16, 16 kHz mono
    cache/NAME.teacher.npy  (ceil(N / 640), 1024) float16

NAME is a clip's or recording's, with @0.88 or @1.14 for a copy played slower or faster (pitch and speed together).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_SAMPLES
from vqcodec.training.common.cache import read_index
from vqcodec.training.speech_tokens.teacher import Teacher

SPEEDS = ("0.88", "1.14")
PACK_S = 300
PAUSE_TOKENS = 12

Sound = tuple[str, NDArray[np.int16]]


def is_synthetic(name: str) -> bool:
    """Whether a sound is a synthetic voice's: clips and recordings are t0000 and s0000, at other speeds t0000@0.88."""
    return re.fullmatch(r"[ts]\d{4}(@.*)?", name) is None


def read_sound(path: Path) -> NDArray[np.int16]:
    """Sound of any file as (N,) int16, 16 kHz mono; empty when it has none."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=SPEECH_RATE_HZ)
    parts: list[NDArray[np.int16]] = []
    with av.open(str(path)) as container:
        if container.streams.audio:
            for frame in container.decode(audio=0):
                parts += [f.to_ndarray()[0] for f in resampler.resample(frame)]
            parts += [f.to_ndarray()[0] for f in resampler.resample(None)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def played_at(samples: NDArray[np.int16], speed: float) -> NDArray[np.int16]:
    """The sound played faster or slower, pitch and all."""
    from scipy.signal import resample_poly

    changed = resample_poly(samples.astype(np.float32), 100, round(100 * speed))
    return np.clip(np.round(changed), -32768, 32767).astype(np.int16)


def _sources(corpus: Path, split: str) -> Iterator[tuple[str, Path]]:
    for row in read_index(corpus):
        if row.split == split and row.audio:
            yield row.name, corpus / row.file
    if split == "train":
        yield from ((path.stem, path) for path in sorted((corpus / "speech").glob("*.opus")))


def _sounds(
    corpus: Path, voices: Path | None, split: str, speeds: tuple[str, ...]
) -> Iterator[Sound]:
    """Names and (N,) int16 of everything that belongs in a cache."""
    for name, path in _sources(corpus, split):
        sound = read_sound(path)
        if len(sound) >= SPEECH_RATE_HZ // 2:
            yield name, sound
            yield from ((f"{name}@{speed}", played_at(sound, float(speed))) for speed in speeds)
    if voices is not None and split == "train":
        for line in (voices / "index.tsv").read_text().splitlines()[1:]:
            name, _, part = line.split("\t")[:3]
            if part == "train":
                yield name, read_sound(voices / f"{name}.wav")


def build_sound(
    corpus: Path,
    voices: Path | None,
    cache: Path,
    teacher: Teacher | None,
    *,
    split: str = "train",
    speeds: tuple[str, ...] = SPEEDS,
) -> int:
    """Fill a cache with the sound of the corpus' clips and recordings, and of synthetic voices.

    Args:
        corpus: folder with index.tsv, train/ and speech/.
        voices: folder that training.speech_tokens.voices filled; its training split is taken.
        cache: where to; what is there already is kept.
        teacher: None leaves out its features.
        split: whose clips; recordings and voices belong to "train".
        speeds: for which further copies of real recordings are made.

    Returns:
        How many sounds were added.

    Raises:
        MediaError: there is no sound at all.
    """
    cache.mkdir(parents=True, exist_ok=True)
    count, waiting = 0, list[Sound]()
    for name, samples in _sounds(corpus, voices, split, speeds):
        count += 1
        if teacher is None:
            np.save(cache / f"{name}.pcm.npy", samples)
        elif not (cache / f"{name}.teacher.npy").is_file():
            waiting.append((name, samples))
            if sum(len(s) for _, s in waiting) > PACK_S * SPEECH_RATE_HZ:
                _store(cache, waiting, teacher)
                waiting = []
    if waiting and teacher is not None:
        _store(cache, waiting, teacher)
    if not count:
        raise MediaError(f"no sound in {corpus}", hint="Pass --data with the corpus folder.")
    return count


def _store(cache: Path, sounds: list[Sound], teacher: Teacher) -> None:
    """Let the teacher hear several sounds as one, for it takes as long for a second as for thirty; write their files."""
    parts, starts, at = [], [], 0
    for _, samples in sounds:
        room = np.zeros(
            -len(samples) % SPEECH_TOKEN_SAMPLES + PAUSE_TOKENS * SPEECH_TOKEN_SAMPLES, np.int16
        )
        parts += [samples, room]
        starts.append(at // SPEECH_TOKEN_SAMPLES)
        at += len(samples) + len(room)
    heard = np.concatenate(parts).astype(np.float32) / np.float32(32768)
    features = teacher.features(heard).astype(np.float16)
    for (name, samples), start in zip(sounds, starts, strict=True):
        np.save(cache / f"{name}.pcm.npy", samples)
        np.save(
            cache / f"{name}.teacher.npy",
            features[start : start - (-len(samples) // SPEECH_TOKEN_SAMPLES)],
        )
