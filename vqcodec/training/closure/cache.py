"""What the closure network learns from, kept in a folder.

cache/NAME.codes.npy    (V, T) int16 speech tokens of the sound as it is and of spoilt copies
cache/NAME.phones.json  [[start_s, end_s, phone], ...], of recordings as hama hears them
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np

from vqcodec.speech.tokenizer import SpeechTokens
from vqcodec.training.closure.labels import PhoneReader
from vqcodec.training.speech_tokens.augment import augment
from vqcodec.training.speech_tokens.sound_cache import is_synthetic

SPOILT = 2


def build(sounds: Path, cache: Path, tokenizer: SpeechTokens, reader: PhoneReader) -> int:
    """Fill a cache from sounds (speech_tokens.sound_cache), but for copies at other speeds; returns how many there are."""
    cache.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name.removesuffix(".pcm.npy") for path in sounds.glob("*.pcm.npy"))
    names = [name for name in names if "@" not in name]
    for name in names:
        codes, phones = cache / f"{name}.codes.npy", cache / f"{name}.phones.json"
        if codes.is_file():
            continue
        clean = np.load(sounds / f"{name}.pcm.npy").astype(np.float32) / 32768
        if not is_synthetic(name) and not phones.is_file():
            phones.write_text(json.dumps(reader.spans(clean), ensure_ascii=False), "utf-8")
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        heard = [clean] + [augment(clean, rng) for _ in range(SPOILT)]
        np.save(codes, np.stack([tokenizer.tokens(one) for one in heard]).astype(np.int16))
    return len(names)
