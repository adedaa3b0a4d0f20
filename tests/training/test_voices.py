"""Synthetic speech: the sentences, the times of phones, pieces and splits; and espeak-ng itself where it's installed."""

from __future__ import annotations

import csv
import ctypes.util
import json
import subprocess
import sys
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vqcodec.errors import UsageError
from vqcodec.training.speech_tokens import voices
from vqcodec.training.speech_tokens.espeak import (
    DEBIAN_PACKAGE,
    Phone,
    Speaker,
    SynthesiserMissingError,
    Utterance,
    timed_phones,
)

needs_espeak = pytest.mark.skipif(
    ctypes.util.find_library("espeak-ng") is None, reason="needs espeak-ng"
)
TRAINED = {"ar", "sw", "cmn", "yue", "ko", "ja", "tr", "hi", "en", "de", "fr", "es"}


def test_the_sentences_cover_the_languages_and_keep_some_back() -> None:
    languages = voices.load_languages()
    assert {language.code for language in languages if language.train} == TRAINED
    assert len([language for language in languages if not language.train]) == 2
    for language in languages:
        everything = (*language.train, *language.heldout)
        assert len(set(everything)) == len(everything) >= (16 if language.train else 10)
        assert len(language.heldout) >= 4


def test_phones_have_no_gaps() -> None:
    starts = [(100, "a"), (100, "b"), (200, "(en)"), (300, ""), (400, ""), (500, "c")]
    expected = (
        Phone(0.0, 0.1, "_"),
        Phone(0.1, 0.3, "b"),
        Phone(0.3, 0.5, "_"),
        Phone(0.5, 0.7, "c"),
    )
    assert timed_phones(starts, 700, 1000) == expected


def test_joining_moves_phones_and_sets_the_level() -> None:
    one = Utterance(np.full(1600, 0.1, np.float32), (Phone(0.0, 0.1, "a"),))
    piece = voices.joined([one, one], [0.5, 0.25, 0.1], 0.8)
    assert len(piece.samples) == 16000 * 1.05 and piece.samples.max() == pytest.approx(0.8)
    assert [p.name for p in piece.phones] == ["_", "a", "_", "a", "_"]
    assert [p.start_s for p in piece.phones] == pytest.approx([0, 0.5, 0.6, 0.85, 0.95])
    assert not piece.samples[:8000].any() and piece.samples[8000:9600].all()


def test_words_come_in_another_order() -> None:
    rng = np.random.default_rng(0)
    text = voices.shuffled_words(["One two three four.", "Five six, seven eight!"], rng)
    words = text.rstrip(".").split()
    assert len(words) >= 5 and set(words) <= {
        "One",
        "two",
        "three",
        "four",
        "Five",
        "six",
        "seven",
        "eight",
    }
    assert " " not in voices.shuffled_words(["今天天气很好。"], rng)


def test_a_missing_library_is_told_with_its_package() -> None:
    with pytest.raises(SynthesiserMissingError) as caught:
        Speaker("libnot-there.so.1")
    assert DEBIAN_PACKAGE in caught.value.hint and caught.value.exit_code == 6


@needs_espeak
def test_a_vowel_sounds_when_its_phone_says() -> None:
    spoken = Speaker().say("Papa", "de", words_per_minute=120)
    assert spoken.samples.dtype == np.float32 and 0.3 < len(spoken.samples) / 16000 < 2
    assert spoken.phones[0].start_s == 0 and spoken.phones[-1].end_s == pytest.approx(
        len(spoken.samples) / 16000, abs=1e-3
    )
    first = next(p for p in spoken.phones if p.name[0] in "aɑ")
    inside = spoken.samples[
        round(16000 * first.start_s) : round(16000 * (first.start_s + first.end_s) / 2)
    ]
    before = spoken.samples[: round(16000 * spoken.phones[0].end_s)]
    assert np.sqrt(np.mean(inside**2)) > 0.03
    assert not len(before) or np.sqrt(np.mean(before**2)) < 0.003
    with pytest.raises(UsageError, match="no voice"):
        Speaker().say("Papa", "nowhere")


@needs_espeak
def test_a_small_corpus_is_whole(tmp_path: Path) -> None:
    chosen = [language for language in voices.load_languages() if language.code in ("de", "fi")]
    rows = voices.write_voices(tmp_path / "a", 0.4, seed=3, languages=chosen)
    assert {row.split for row in rows} == {"train", "heldout_sentence", "heldout_language"}
    assert 24 <= sum(row.seconds for row in rows if row.split == "train") < 40
    with (tmp_path / "a" / "index.tsv").open(encoding="utf-8", newline="") as file:
        assert [line["name"] for line in csv.DictReader(file, delimiter="\t")] == [
            row.name for row in rows
        ]
    for row in rows:
        with wave.open(str(tmp_path / "a" / f"{row.name}.wav")) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (
                16000,
                1,
                2,
            )
            assert sound.getnframes() / 16000 == pytest.approx(row.seconds, abs=1e-3)
        phones = json.loads(
            (tmp_path / "a" / f"{row.name}.phones.json").read_text(encoding="utf-8")
        )
        assert phones[0][0] == 0 and phones[-1][1] == pytest.approx(row.seconds, abs=1e-3)
        assert all(one[1] == pytest.approx(two[0], abs=2e-4) for one, two in pairwise(phones))


@needs_espeak
def test_a_fresh_process_gives_the_same_pieces(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from vqcodec.training.speech_tokens import voices
languages = [language for language in voices.load_languages() if language.code in ("sw", "id")]
voices.write_voices(Path(sys.argv[1]), 0.1, languages=languages)
"""
    for name in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True, timeout=600)
    paths = sorted((tmp_path / "a").iterdir())
    assert len(paths) > 60
    for path in paths:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_no_minutes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert voices.main([str(tmp_path / "none"), "--minutes", "0"]) == 2
    assert "--minutes" in capsys.readouterr().err and not (tmp_path / "none").exists()
