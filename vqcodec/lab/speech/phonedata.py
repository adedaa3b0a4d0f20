"""What a probe of phones learns from: frames of 40 ms of synthetic speech, their phone, and what three hearers make of them."""

from __future__ import annotations

import csv
import json
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_SAMPLES
from vqcodec.lab.speech.ipa import CLASSES, segments
from vqcodec.speech.mel import log_mel

SPLITS = ("train", "heldout_sentence", "heldout_language")
UNKNOWN = -1
PACK_S = 120
PAUSE_FRAMES = 12

Samples = NDArray[np.float32]
Hear = Callable[[Samples], NDArray[np.float32]]


class Tokens(Protocol):
    """A speech tokenizer, as vqcodec.speech.tokenizer's."""

    @property
    def codes(self) -> int:
        """How many different tokens there are."""
        ...

    def tokens(self, samples: Samples) -> NDArray[np.int64]:
        """(N,) -> (ceil(N / 640),)."""
        ...


class TeacherFeatures(Protocol):
    """A teacher, as vqcodec.training.speech_tokens.teacher's."""

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """(N,) -> (ceil(N / 640), features)."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """One row of a voices folder's index, without the rest."""

    name: str
    language: str
    split: str


@dataclass(frozen=True, slots=True)
class PhoneFrames:
    """All frames of one split, pieces one after another.

    Attributes:
        labels: (F,) int64, index into `ipa.CLASSES`, `UNKNOWN` where no class fits.
        languages: (F,) of the frames' language codes.
        before, after: (F,) int64, the neighbour's row; the row itself at a piece's ends.
        tokens: (F,) int64.
        mel: (F, 320) float32.
        teacher: (F, features) float16.
    """

    labels: NDArray[np.int64]
    languages: NDArray[np.str_]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    tokens: NDArray[np.int64]
    mel: NDArray[np.float32]
    teacher: NDArray[np.float16]


def read_pieces(voices: Path) -> list[Piece]:
    """The index of a folder that `python -m vqcodec.training.speech_tokens.voices` made.

    Raises:
        MediaError: there is none.
    """
    index = voices / "index.tsv"
    if not index.is_file():
        raise MediaError(
            f"no index.tsv in {voices}",
            hint="Make the folder with python -m vqcodec.training.speech_tokens.voices.",
        )
    with index.open(encoding="utf-8", newline="") as file:
        return [
            Piece(row["name"], row["language"], row["split"])
            for row in csv.DictReader(file, delimiter="\t")
        ]


def read_samples(path: Path) -> Samples:
    """(N,) float32 of a 16 kHz mono WAV file of 16 bits."""
    with wave.open(str(path)) as file:
        data = file.readframes(file.getnframes())
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def frame_labels(
    phones: Sequence[tuple[float, float, str]], frames: int, language: str
) -> NDArray[np.int64]:
    """The class at each frame's centre; a phone of several parts gives each the same share of its time.

    Args:
        phones: (start_s, end_s, name), in order.
        frames: how many, of 40 ms.
        language: their language's code.

    Returns:
        (frames,) int64: index into `CLASSES`, `UNKNOWN` for an unknown phone; silence after the last.
    """
    labels = np.zeros(frames, np.int64)
    centres_s = (np.arange(frames) + 0.5) * SPEECH_TOKEN_SAMPLES / SPEECH_RATE_HZ
    for start_s, end_s, name in phones:
        parts = segments(name, language)
        inside = np.flatnonzero((centres_s >= start_s) & (centres_s < end_s))
        if not parts:
            labels[inside] = UNKNOWN
            continue
        share = ((centres_s[inside] - start_s) / (end_s - start_s) * len(parts)).astype(np.int64)
        labels[inside] = np.array([CLASSES.index(part) for part in parts])[
            np.minimum(share, len(parts) - 1)
        ]
    return labels


def heard_together(hear: Hear, sounds: Sequence[Samples]) -> list[NDArray[np.float32]]:
    """What `hear` makes of each sound, several at once with pauses between: a hearer of 30 s takes as long for 3.

    Args:
        hear: (N,) samples -> (ceil(N / 640), features).
        sounds: each (N,) float32.

    Returns:
        One array (ceil(N / 640), features) for each sound.
    """
    rooms = [
        np.zeros(-len(s) % SPEECH_TOKEN_SAMPLES + PAUSE_FRAMES * SPEECH_TOKEN_SAMPLES, np.float32)
        for s in sounds
    ]
    heard = hear(
        np.concatenate([part for pair in zip(sounds, rooms, strict=True) for part in pair])
    )
    result, at = [], 0
    for sound, room in zip(sounds, rooms, strict=True):
        result.append(heard[at : at + -(-len(sound) // SPEECH_TOKEN_SAMPLES)])
        at += (len(sound) + len(room)) // SPEECH_TOKEN_SAMPLES
    return result


def _packs(sounds: Sequence[Samples]) -> Iterator[list[int]]:
    """Numbers of sounds in bundles of about `PACK_S`."""
    pack: list[int] = []
    for number, sound in enumerate(sounds):
        pack.append(number)
        if sum(len(sounds[n]) for n in pack) + len(sound) > PACK_S * SPEECH_RATE_HZ:
            yield pack
            pack = []
    if pack:
        yield pack


def _taught(
    names: Sequence[str], sounds: Sequence[Samples], teacher: TeacherFeatures, cache: Path | None
) -> list[NDArray[np.float16]]:
    """The teacher's features of each sound, from `cache` where they are there, and into it where they aren't."""
    paths = [None if cache is None else cache / f"{name}.teacher.npy" for name in names]
    found = [np.load(path) if path is not None and path.is_file() else None for path in paths]
    missing = [n for n, features in enumerate(found) if features is None]
    for pack in _packs([sounds[n] for n in missing]):
        numbers = [missing[n] for n in pack]
        for number, features in zip(
            numbers, heard_together(teacher.features, [sounds[n] for n in numbers]), strict=True
        ):
            short = features.astype(np.float16)
            found[number] = short
            if (path := paths[number]) is not None:
                np.save(path, short)
    return [np.asarray(features, np.float16) for features in found]


def read_frames(
    voices: Path,
    pieces: Sequence[Piece],
    tokenizer: Tokens,
    teacher: TeacherFeatures,
    *,
    cache: Path | None = None,
) -> PhoneFrames:
    """Labels and features of pieces.

    Args:
        voices: the folder that holds them.
        pieces: at least one, all of one split.
        tokenizer: gives the tokens.
        teacher: gives its features.
        cache: folder of NAME.teacher.npy, (frames, features) float16: read, and what is missing is added.

    Raises:
        MediaError: no pieces.
    """
    if not pieces:
        raise MediaError(
            f"{voices} has no pieces of a split that is needed",
            hint="Make it again with training.voices.",
        )
    sounds = [read_samples(voices / f"{piece.name}.wav") for piece in pieces]
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    teachers = _taught([piece.name for piece in pieces], sounds, teacher, cache)
    labels, tokens, mels, before, after = [], [], [], [], []
    at = 0
    for piece, sound in zip(pieces, sounds, strict=True):
        count = -(-len(sound) // SPEECH_TOKEN_SAMPLES)
        rows = [
            (float(s), float(e), str(n))
            for s, e, n in json.loads(
                (voices / f"{piece.name}.phones.json").read_text(encoding="utf-8")
            )
        ]
        labels.append(frame_labels(rows, count, piece.language))
        tokens.append(tokenizer.tokens(sound))
        mels.append(log_mel(sound).reshape(count, -1))
        here = np.arange(count)
        before.append(at + np.maximum(here - 1, 0))
        after.append(at + np.minimum(here + 1, count - 1))
        at += count
    languages = np.repeat([piece.language for piece in pieces], [len(part) for part in labels])
    return PhoneFrames(
        np.concatenate(labels),
        languages,
        np.concatenate(before),
        np.concatenate(after),
        np.concatenate(tokens),
        np.concatenate(mels),
        np.concatenate(teachers),
    )
