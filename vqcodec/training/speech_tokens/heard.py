"""What the trunk hears of the sounds of a cache (speech_tokens.sound_cache), kept beside them.

cache/NAME.heard.npy  (2, ceil(N / 640), 1024) float16: of the sound as it is, and of a spoilt copy
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.format import SPEECH_TOKEN_SAMPLES
from vqcodec.speech.mel import FRAMES_PER_TOKEN, LEAD_SAMPLES, TAIL_SAMPLES, framed_log_mel
from vqcodec.speech.tokenizer import CONTEXT_TOKENS, KEPT_TOKENS, WINDOW_TOKENS
from vqcodec.speech.trunk import HEARD, Trunk
from vqcodec.training.speech_tokens.augment import augment

_BATCH = 16


def windows(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) 16 kHz -> (W, 400, 80) log-mel of the windows that the tokenizer hears, silence around the sound."""
    count = -(-len(samples) // (KEPT_TOKENS * SPEECH_TOKEN_SAMPLES))
    before = LEAD_SAMPLES + CONTEXT_TOKENS * SPEECH_TOKEN_SAMPLES
    span = LEAD_SAMPLES + WINDOW_TOKENS * SPEECH_TOKEN_SAMPLES + TAIL_SAMPLES
    step = KEPT_TOKENS * SPEECH_TOKEN_SAMPLES
    padded = np.zeros((count - 1) * step + span, np.float32)
    padded[before : before + len(samples)] = samples
    return np.stack(
        [
            framed_log_mel(padded[k * step : k * step + span], WINDOW_TOKENS * FRAMES_PER_TOKEN)
            for k in range(count)
        ]
    )


@torch.inference_mode()
def heard(trunk: Trunk, samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """What a trunk hears of a whole sound.

    Args:
        trunk: Whisper's layers.
        samples: (N,) float32, 16 kHz mono, N >= 1.

    Returns:
        (ceil(N / 640), 1024) float16.
    """
    mel = torch.from_numpy(windows(samples))
    kept = slice(CONTEXT_TOKENS, CONTEXT_TOKENS + KEPT_TOKENS)
    parts = [trunk(mel[k : k + _BATCH])[:, kept].half() for k in range(0, len(mel), _BATCH)]
    rows: NDArray[np.float16] = torch.cat(parts).numpy().reshape(-1, HEARD)
    return rows[: -(-len(samples) // SPEECH_TOKEN_SAMPLES)]


def heard_rows(cache: Path, name: str) -> NDArray[np.float16]:
    """(T, 1024), memory-mapped: what the trunk hears of a cache's sound as it is."""
    rows: NDArray[np.float16] = np.load(cache / f"{name}.heard.npy", mmap_mode="r")[0]
    return rows


def build_heard(cache: Path, trunk: Trunk) -> None:
    """Write NAME.heard.npy of every sound in a cache; what is there already is kept."""
    for path in sorted(cache.glob("*.pcm.npy")):
        name = path.name.removesuffix(".pcm.npy")
        target = cache / f"{name}.heard.npy"
        if target.is_file():
            continue
        clean = np.load(path).astype(np.float32) / np.float32(32768)
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        rows = np.stack([heard(trunk, samples) for samples in (clean, augment(clean, rng))])
        part = target.with_suffix(".part")
        with part.open("wb") as handle:  # whole or not at all
            np.save(handle, rows)
        part.replace(target)
