"""The probe of phones: the inventory, the labels, the regression, and the command's table on a small synthetic corpus."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.lab.speech import phones
from vqcodec.lab.speech.ipa import CLASSES, segments
from vqcodec.lab.speech.phonedata import (
    UNKNOWN,
    frame_labels,
    heard_together,
    read_frames,
    read_pieces,
)
from vqcodec.lab.speech.phoneprobe import (
    DenseFeatures,
    ProbeSettings,
    TokenFeatures,
    WithNeighbours,
    fitted,
    predicted,
)
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.training.speech_tokens.teacher import Teacher

TONES_HZ = {"a": 300.0, "i": 2000.0, "s": 6000.0}


class StubTokenizer:
    """The loudest of three bands, and silence: tokens 0..3."""

    codes = 3125

    def tokens(self, samples: NDArray[np.float32]) -> NDArray[np.int64]:
        count = -(-len(samples) // 640)
        frames = np.resize(
            np.append(samples, np.zeros(640 * count - len(samples), np.float32)), (count, 640)
        )
        power = np.abs(np.fft.rfft(frames)) ** 2
        bands = np.stack(
            [power[:, low:high].sum(1) for low, high in ((4, 40), (41, 160), (161, 300))], 1
        )
        return np.where(bands.max(1) > 1, bands.argmax(1) + 1, 0).astype(np.int64)


class StubTeacher:
    """One-hot of the tokens with a little noise."""

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        tokens = StubTokenizer().tokens(samples)
        return (
            np.eye(4)[tokens] + 0.05 * np.random.default_rng(0).standard_normal((len(tokens), 4))
        ).astype(np.float32)


def write_voices(folder: Path, pieces: int = 4) -> Path:
    """A corpus of three tones: a language of two splits, and another one of the third."""
    rng = np.random.default_rng(1)
    lines = ["name\tlanguage\tsplit\tseconds\tvoice\twords_per_minute\tpitch"]
    for split, language in (
        ("train", "de"),
        ("heldout_sentence", "de"),
        ("heldout_language", "fi"),
    ):
        for number in range(pieces):
            name, sounds, rows, at = f"{language}-{split}-{number}", [], [], 0
            for phone in rng.choice(["_", "a", "i", "s"], 25):
                count = 640 * int(rng.integers(1, 4))
                t = np.arange(count) / 16000
                sounds.append(
                    0.3 * np.sin(2 * np.pi * TONES_HZ[phone] * t)
                    if phone in TONES_HZ
                    else np.zeros(count)
                )
                rows.append([at / 16000, (at + count) / 16000, str(phone)])
                at += count
            with wave.open(str(folder / f"{name}.wav"), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes((np.concatenate(sounds) * 32767).astype("<i2").tobytes())
            (folder / f"{name}.phones.json").write_text(json.dumps(rows))
            lines.append(f"{name}\t{language}\t{split}\t{at / 16000}\t{language}+m1\t150\t50")
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("_", "", ("_",)),
        ("a", "es", ("a",)),
        ("iː", "en", ("i",)),
        ("ä", "ja", ("a",)),
        ("ɑ̃", "fr", ("ɑ",)),
        ("ç", "de", ("ç",)),
        ("aɪ", "en", ("a", "ɪ")),
        ("ɑːɹ", "en", ("ɑ", "ɹ")),
        ("onɡ", "cmn", ("o", "ŋ")),
        ("ts.h", "cmn", ("tʃ",)),
        ("tɕh", "cmn", ("tʃ",)),
        ("i.", "cmn", ("ɯ",)),
        ("i.", "ar", ("i",)),
        ("c", "yue", ("ts",)),
        ("c", "tr", ("c",)),
        ("dˤ", "ar", ("d",)),
        ("ʈʰ", "hi", ("t",)),
        ("t-", "ko", ("t",)),
        ("ʲ", "ja", ("j",)),
        ("aanɡ", "yue", ("a", "ŋ")),
        ("☃", "", ()),
    ],
)
def test_names_become_classes(name: str, language: str, expected: tuple[str, ...]) -> None:
    assert segments(name, language) == expected
    assert set(expected) <= set(CLASSES)


def test_the_inventory_has_no_class_twice() -> None:
    assert len(set(CLASSES)) == len(CLASSES) == 53 and CLASSES[0] == "_"


def test_labels_are_what_sounds_at_the_centre() -> None:
    labels = frame_labels([(0, 0.05, "_"), (0.05, 0.25, "aɪ"), (0.25, 0.29, "☃")], 8, "en")
    names = ["?" if label == UNKNOWN else CLASSES[label] for label in labels]
    # centres: 20, 60, 100, 140, 180, 220, 260 ms; the diphthong's halves meet at 150 ms
    assert names == ["_", "a", "a", "a", "ɪ", "ɪ", "?", "_"]


def test_sounds_heard_together_are_each_in_place() -> None:
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(n).astype(np.float32) for n in (640, 1, 1281, 6400)]

    def hear(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        assert len(samples) % 640 == 0
        return samples.reshape(-1, 640)[:, :1]

    for sound, heard in zip(sounds, heard_together(hear, sounds), strict=True):
        np.testing.assert_array_equal(heard[:, 0], sound[::640])


def test_the_regression_learns_what_is_linear_and_leaves_unknown_frames_out() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 3000)
    values = (np.eye(5)[labels] * 100 + rng.standard_normal((3000, 5))).astype(np.float16)
    labels[::10] = UNKNOWN
    train, (test,) = DenseFeatures.pair(values[:2000], [values[2000:]])
    probe = fitted(train, labels[:2000], 5, ProbeSettings(epochs=20, rate=0.05))
    known = labels[2000:] >= 0
    assert (predicted(probe, test, 1000)[known] == labels[2000:][known]).mean() > 0.99


def test_tokens_are_known_by_their_digits_too() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 3125, 6000)
    labels = tokens // 25 % 5
    features = TokenFeatures(tokens, 3125)
    assert features.width == 3125 + 25
    probe = fitted(
        TokenFeatures(tokens[:5000], 3125), labels[:5000], 5, ProbeSettings(epochs=20, rate=0.03)
    )
    assert (
        predicted(probe, TokenFeatures(tokens[5000:], 3125), 1000) == labels[5000:]
    ).mean() > 0.99
    assert TokenFeatures(rng.integers(0, 100, 10), 100).width == 100


def test_neighbours_see_the_frames_beside() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 4, 4000)
    before = np.maximum(np.arange(4000) - 1, 0)
    after = np.minimum(np.arange(4000) + 1, 3999)
    labels = tokens[before]
    alone = TokenFeatures(tokens, 4)
    for features, low, high in (
        (alone, 0.0, 0.4),
        (WithNeighbours(alone, before, after), 0.99, 1.01),
    ):
        probe = fitted(features, labels, 4, ProbeSettings(epochs=10, rate=0.05))
        assert low < (predicted(probe, features, 4000) == labels).mean() < high


def test_the_whole_probe_on_a_small_corpus(tmp_path: Path) -> None:
    voices = write_voices(tmp_path)
    cache = tmp_path / "cache"
    result = phones.evaluate(
        voices,
        StubTokenizer(),
        StubTeacher(),
        settings=ProbeSettings(epochs=60, rate=0.05),
        cache=cache,
    )
    assert [(row["features"], row["neighbours"]) for row in result["rows"]] == [
        (kind, n) for n in (0, 1) for kind in phones.KINDS
    ]
    for row in result["rows"]:
        assert row["accuracy"]["heldout_sentence"]["all"] > 0.9
        assert row["accuracy"]["heldout_language"]["sounding"] > 0.9
        assert set(row["languages"]) == {"de", "fi"}
    assert (
        result["splits"]["train"]["without_class"] == 0
        and result["splits"]["train"]["codes_used"] == 4
    )
    assert result["chance"]["heldout_sentence"]["all"] < 0.5
    assert len(list(cache.glob("*.teacher.npy"))) == 12
    text = phones.table(result)
    assert text.count("\n| ") == 7 and "53 classes" in text and json.dumps(result)


def test_cached_features_are_used(tmp_path: Path) -> None:
    voices = write_voices(tmp_path, pieces=1)
    pieces = [piece for piece in read_pieces(voices) if piece.split == "train"]

    class NoTeacher:
        def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
            raise AssertionError("asked for what is in the cache")

    first = read_frames(voices, pieces, StubTokenizer(), StubTeacher(), cache=tmp_path / "c")
    again = read_frames(voices, pieces, StubTokenizer(), NoTeacher(), cache=tmp_path / "c")
    np.testing.assert_array_equal(first.teacher, again.teacher)
    assert (
        first.mel.shape == (len(first.labels), 320)
        and first.before[0] == 0
        and first.after[-1] == len(first.labels) - 1
    )


def test_a_folder_without_voices_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"no index\.tsv"):
        read_pieces(tmp_path)
    with pytest.raises(MediaError, match="no pieces"):
        read_frames(tmp_path, [], StubTokenizer(), StubTeacher())


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    voices = write_voices(tmp_path)
    stub = StubTokenizer()
    stub.id = "stub@0"  # type: ignore[attr-defined]
    monkeypatch.setattr(SpeechTokenizer, "load", lambda *_: stub)
    monkeypatch.setattr(Teacher, "load", lambda *_: StubTeacher())
    out = tmp_path / "phones.json"
    assert (
        phones.main([str(voices), "--teacher", str(tmp_path), "--out", str(out), "--epochs", "2"])
        == 0
    )
    assert json.loads(out.read_text())["tokenizer"] == "stub@0"
    assert "| teacher | 3 |" in capsys.readouterr().out
    assert phones.main([str(tmp_path / "none"), "--teacher", str(tmp_path), "--out", str(out)]) == 8
    assert "vqcodec.training.speech_tokens.voices" in capsys.readouterr().err
