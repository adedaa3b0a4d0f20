"""Speech in many languages for the speech tokenizer, synthesised with espeak-ng, each phone with its time.

    python -m vqcodec.training.speech_tokens.voices OUT [--minutes 60] [--seed 0]

Writes to OUT, per piece: `NAME.wav` (16 kHz, mono, 16 bits) and `NAME.phones.json` ([start_s, end_s, phone], "_" is silence);
and `index.tsv`, one row a piece.

Splits: `train` (pieces of 4-12 s of speech and its pauses, many voices, speeds and pitches, words also in other orders),
`heldout_sentence` (sentences of the trained languages that are in no training piece), `heldout_language` (languages that are
in none). The same seed gives the same pieces in a fresh process (espeak-ng carries state from one text to the next).
Sentences: `sentences.toml`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
import wave
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import UsageError, VqcodecError
from vqcodec.format import SPEECH_RATE_HZ
from vqcodec.training.speech_tokens.espeak import SILENCE, Phone, Speaker, Utterance

SENTENCES = Path(__file__).with_name("sentences.toml")
INDEX_NAME = "index.tsv"
TRAIN, HELDOUT_SENTENCE, HELDOUT_LANGUAGE = "train", "heldout_sentence", "heldout_language"
MALE = tuple(f"m{i}" for i in range(1, 9))
FEMALE = tuple(f"f{i}" for i in range(1, 6))
SPEEDS_WPM = (110, 260)
PIECE_S = (4.0, 12.0)
PAUSE_S = (0.08, 0.7)
PEAK = (0.3, 0.95)
HELDOUT_VOICES = 2
SHUFFLED = 0.4


@dataclass(frozen=True, slots=True)
class Language:
    """Sentences of one language: `train` and `heldout`; a language never trained on has no `train`."""

    code: str
    voice: str
    train: tuple[str, ...]
    heldout: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a piece is spoken."""

    voice: str
    words_per_minute: int
    pitch: int
    pitch_range: int


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """A row of `index.tsv`."""

    name: str
    language: str
    split: str
    seconds: float
    voice: str
    words_per_minute: int
    pitch: int


def load_languages(path: Path = SENTENCES) -> list[Language]:
    """The languages of a sentences file, in its order."""
    languages = []
    for code, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        sentences = tuple(table["sentences"])
        kept = len(sentences) if table["heldout"] == "all" else int(table["heldout"])
        split = len(sentences) - kept
        languages.append(Language(code, table["voice"], sentences[:split], sentences[split:]))
    return languages


def random_manner(language: Language, rng: np.random.Generator) -> Manner:
    """A voice of either sex with equal chance, speed and pitch."""
    variant = str(rng.choice(FEMALE if rng.random() < 0.5 else MALE))
    return Manner(
        f"{language.voice}+{variant}",
        int(rng.integers(SPEEDS_WPM[0], SPEEDS_WPM[1] + 1)),
        int(rng.integers(25, 81)),
        int(rng.integers(30, 81)),
    )


def shuffled_words(sentences: Sequence[str], rng: np.random.Generator) -> str:
    """The words of sentences in another order; where a script has no spaces, pairs of characters."""
    words: list[str] = []
    for sentence in sentences:
        split = sentence.split()
        plain = "".join(c for c in sentence if c.isalpha())
        words += split if len(split) > 1 else [plain[i : i + 2] for i in range(0, len(plain), 2)]
    gap = " " if any(len(s.split()) > 1 for s in sentences) else ""
    chosen = rng.permutation(len(words))[: int(rng.integers(5, 15))]
    return gap.join(words[i].strip(".,?!;。，？、") for i in chosen) + "."


def joined(utterances: Sequence[Utterance], pauses_s: Sequence[float], peak: float) -> Utterance:
    """Utterances with pauses: one before each and one after the last, the loudest sample at `peak`."""
    blocks: list[NDArray[np.float32]] = []
    phones: list[Phone] = []
    at = 0

    def pause(seconds: float) -> None:
        nonlocal at
        count = round(seconds * SPEECH_RATE_HZ)
        blocks.append(np.zeros(count, np.float32))
        phones.append(Phone(at / SPEECH_RATE_HZ, (at + count) / SPEECH_RATE_HZ, SILENCE))
        at += count

    for utterance, pause_s in zip(utterances, pauses_s[:-1], strict=True):
        pause(pause_s)
        blocks.append(utterance.samples)
        phones += [
            Phone(at / SPEECH_RATE_HZ + p.start_s, at / SPEECH_RATE_HZ + p.end_s, p.name)
            for p in utterance.phones
        ]
        at += len(utterance.samples)
    pause(pauses_s[-1])
    samples = np.concatenate(blocks)
    loudest = float(np.abs(samples).max(initial=0.0))
    return Utterance(samples * np.float32(peak / loudest if loudest > 0 else 1.0), tuple(phones))


def _spoken(speaker: Speaker, text: str, manner: Manner) -> Utterance:
    return speaker.say(
        text,
        manner.voice,
        words_per_minute=manner.words_per_minute,
        pitch=manner.pitch,
        pitch_range=manner.pitch_range,
    )


def _with_pauses(utterances: Sequence[Utterance], rng: np.random.Generator) -> Utterance:
    pauses = [float(rng.uniform(*PAUSE_S)) for _ in range(len(utterances) + 1)]
    return joined(utterances, pauses, float(rng.uniform(*PEAK)))


def training_pieces(
    speaker: Speaker, language: Language, seconds: float, seed: int
) -> Iterator[tuple[Utterance, Manner]]:
    """Pieces of `PIECE_S` of one language until `seconds` are full; every sentence comes equally often."""
    rng = np.random.default_rng([seed, *language.code.encode()])
    order: list[int] = []
    done_s = 0.0
    while done_s < seconds:
        manner, length_s = random_manner(language, rng), 0.0
        utterances: list[Utterance] = []
        wanted_s = float(rng.uniform(PIECE_S[0], PIECE_S[1] - 3.0))
        while length_s < wanted_s:
            order = order or rng.permutation(len(language.train)).tolist()
            text = language.train[order.pop()]
            if rng.random() < SHUFFLED:
                text = shuffled_words([text, str(rng.choice(language.train))], rng)
            spoken = _spoken(speaker, text, manner)
            if utterances and length_s + len(spoken.samples) / SPEECH_RATE_HZ > PIECE_S[1]:
                break
            utterances.append(spoken)
            length_s += len(spoken.samples) / SPEECH_RATE_HZ
        piece = _with_pauses(utterances, rng)
        done_s += len(piece.samples) / SPEECH_RATE_HZ
        yield piece, manner


def heldout_pieces(
    speaker: Speaker, language: Language, seed: int
) -> Iterator[tuple[Utterance, Manner]]:
    """Every held-out sentence of a language alone, once by a woman's voice and once by a man's."""
    rng = np.random.default_rng([seed, 1, *language.code.encode()])
    for text in language.heldout:
        for variants in (FEMALE, MALE)[:HELDOUT_VOICES]:
            manner = Manner(
                f"{language.voice}+{rng.choice(variants)}",
                int(rng.integers(130, 211)),
                int(rng.integers(35, 66)),
                50,
            )
            yield _with_pauses([_spoken(speaker, text, manner)], rng), manner


def write_piece(folder: Path, name: str, piece: Utterance) -> None:
    """`NAME.wav` and `NAME.phones.json`."""
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        file.writeframes(np.round(piece.samples * 32767.0).astype("<i2").tobytes())
    rows = [[round(p.start_s, 5), round(p.end_s, 5), p.name] for p in piece.phones]
    (folder / f"{name}.phones.json").write_text(
        json.dumps(rows, ensure_ascii=False), encoding="utf-8"
    )


def _pieces(
    speaker: Speaker, languages: Sequence[Language], minutes: float, seed: int
) -> Iterator[tuple[Language, str, Utterance, Manner]]:
    trained = [language for language in languages if language.train]
    for language in languages:
        if language.train:
            for piece, manner in training_pieces(
                speaker, language, 60 * minutes / len(trained), seed
            ):
                yield language, TRAIN, piece, manner
        split = HELDOUT_SENTENCE if language.train else HELDOUT_LANGUAGE
        for piece, manner in heldout_pieces(speaker, language, seed):
            yield language, split, piece, manner


def write_voices(
    folder: Path,
    minutes: float = 60.0,
    seed: int = 0,
    *,
    languages: Sequence[Language] | None = None,
) -> list[VoiceRow]:
    """Synthesise everything into `folder`; see the module.

    Raises:
        UsageError: `minutes` isn't above 0.
        SynthesiserMissingError: espeak-ng isn't installed.
    """
    if minutes <= 0:
        raise UsageError(
            f"{minutes:g} minutes of speech can't be made", hint="give --minutes a number above 0"
        )
    speaker = Speaker()
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[VoiceRow] = []
    for language, split, piece, manner in _pieces(
        speaker, load_languages() if languages is None else languages, minutes, seed
    ):
        name = f"{language.code}-{split}-{len(rows):04d}"
        write_piece(folder, name, piece)
        rows.append(
            VoiceRow(
                name,
                language.code,
                split,
                round(len(piece.samples) / SPEECH_RATE_HZ, 4),
                manner.voice,
                manner.words_per_minute,
                manner.pitch,
            )
        )
    head = "\t".join(field.name for field in fields(VoiceRow))
    lines = ["\t".join(str(value) for value in astuple(row)) for row in rows]
    (folder / INDEX_NAME).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m vqcodec.training.speech_tokens.voices",
        description="Synthetic speech in many languages.",
    )
    parser.add_argument("out", type=Path, help="folder for sound, phones and index.tsv")
    parser.add_argument(
        "--minutes",
        type=float,
        default=60.0,
        help="of training speech, all languages together (60)",
    )
    parser.add_argument("--seed", type=int, default=0, help="(0)")
    options = parser.parse_args(arguments)
    try:
        rows = write_voices(options.out, options.minutes, options.seed)
    except VqcodecError as error:
        sys.stderr.write(f"error: {error}\n{error.hint}\n" if error.hint else f"error: {error}\n")
        return error.exit_code
    for split in (TRAIN, HELDOUT_SENTENCE, HELDOUT_LANGUAGE):
        chosen = [row for row in rows if row.split == split]
        minutes = sum(row.seconds for row in chosen) / 60
        sys.stdout.write(
            f"{split}: {len(chosen)} pieces, {minutes:.1f} min, {len({r.language for r in chosen})} languages\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
