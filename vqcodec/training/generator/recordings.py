"""Sound without a picture, for the generator: what lips do to it is told by a lip reader (lip_reader).

Films to learn from are few; recordings are more, and of other people. A stretch with one of them has a clip's head and eyes.

cache/NAME.codes.npy    (V, T) int16 speech tokens of the sound as it is and of spoilt copies, as those of clips
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.speech.tokenizer import SpeechTokens
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import SIGNALS
from vqcodec.training.speech_tokens.augment import augment
from vqcodec.training.speech_tokens.heard import heard_rows

SPOILT = 2

Floats = NDArray[np.float32]


def build_recordings(cache: Path, sounds: Path, tokenizer: SpeechTokens) -> None:
    """Write NAME.codes.npy of all sound in `sounds` that is no clip's; copies at other speeds are left out."""
    for path in sorted(sounds.glob("*.heard.npy")):
        name = path.name.removesuffix(".heard.npy")
        target = cache / f"{name}.codes.npy"
        if "@" in name or (cache / f"{name}.json").is_file() or target.is_file():
            continue
        clean = np.load(sounds / f"{name}.pcm.npy").astype(np.float32) / 32768
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        heard = [clean] + [augment(clean, rng) for _ in range(SPOILT)]
        np.save(target, np.stack([tokenizer.tokens(samples) for samples in heard]).astype(np.int16))


@dataclass(frozen=True, slots=True)
class Recordings:
    """Recordings to draw from.

    Attributes:
        speech: (V, T) int64 codes of each.
        likely: (T, 3) lips to expect of each.
    """

    speech: list[NDArray[np.int64]]
    likely: list[Floats]

    @classmethod
    def load(cls, cache: Path, sounds: Path, reader: LipReader) -> Recordings | None:
        """Those with codes in `cache`, without motion there, and with what the trunk hears in `sounds`; None if none."""
        speech, likely = list[NDArray[np.int64]](), list[Floats]()
        for path in sorted(cache.glob("*.codes.npy")):
            name = path.name.removesuffix(".codes.npy")
            features = sounds / f"{name}.heard.npy"
            if features.is_file() and not (cache / f"{name}.json").is_file():
                codes, lips = (
                    np.load(path).astype(np.int64),
                    reader(heard_rows(sounds, name)),
                )
                count = min(codes.shape[1], len(lips))
                speech.append(codes[:, :count])
                likely.append(lips[:count])
        return cls(speech, likely) if speech else None

    def draw(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
        """(count,) codes and (count, 3) lips of some recording, the longer the likelier; -1 and NaN after its end."""
        lengths = np.array([len(lips) for lips in self.likely], np.float64)
        chosen = int(rng.choice(len(lengths), p=lengths / lengths.sum()))
        codes, lips = self.speech[chosen], self.likely[chosen]
        first = int(rng.integers(0, max(len(lips) - count, 0) + 1))
        span = slice(first, min(first + count, len(lips)))
        speech, likely = (
            np.full(count, -1, np.int64),
            np.full((count, len(SIGNALS)), np.nan, np.float32),
        )
        speech[: span.stop - first] = codes[int(rng.integers(len(codes))), span]
        likely[: span.stop - first] = lips[span]
        return speech, likely
