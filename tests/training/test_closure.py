"""Labels of lips that meet, and the network that learns them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vqcodec.errors import UsageError
from vqcodec.speech.closure import LipClosure
from vqcodec.training.closure import run
from vqcodec.training.closure.labels import HAMA_LAG_S, labels, meetings
from vqcodec.training.speech_tokens.sound_cache import is_synthetic


def test_lips_shut_before_a_p_and_for_as_long_as_an_m() -> None:
    spans = [(0.5, 0.55, "p"), (1.0, 1.29, "m"), (2.0, 2.1, "a"), (3.01, 3.1, "b")]
    found = list(meetings(spans, 0.0))
    assert len(found) == 3
    assert found[0] == pytest.approx((0.44, 0.53)) and found[1] == pytest.approx((0.94, 1.29))
    late = [(a + HAMA_LAG_S, b + HAMA_LAG_S, name) for a, b, name in spans]
    assert np.array_equal(labels(late, 100, HAMA_LAG_S), labels(spans, 100, 0.0))
    spans.append((3.5, 3.59, "f"))
    shut, teeth = labels(spans, 100, 0.0).T
    assert np.flatnonzero(teeth).tolist() == [86, 87, 88, 89]
    assert np.flatnonzero(shut).tolist() == [11, 12, 23, 24, 25, 26, 27, 28, 29, 30, 31, 74, 75]


def test_meetings_are_counted_once_and_near_ones_are_right() -> None:
    shut = np.zeros((40, 2), np.float32)
    shut[10:13, 1], shut[30:32, 1] = 1, 1
    sound = run.HeardSound(np.zeros((1, 40), np.int64), shut, synthetic=False)
    odds = np.zeros((40, 2), np.float32)
    odds[9, 1], odds[20, 1] = 0.9, 0.6
    assert run.score([odds], [sound], 0.5, 1) == {"recall": 0.5, "precision": 0.5}
    assert run.score([odds], [sound], 0.8, 1) == {"recall": 0.5, "precision": 1.0}
    assert run.score([odds], [sound], 0.95, 1) == {"recall": 0.0, "precision": 0.0}
    assert run.score([odds], [sound], 0.5, 0) == {"recall": 0.0, "precision": 0.0}


def _sounds(cache: Path, voices: Path) -> None:
    """Voices in which code 7 is a p and nothing else is."""
    rng = np.random.default_rng(0)
    cache.mkdir(parents=True)
    voices.mkdir()
    for n in range(60):
        name = f"s{n:04d}" if n % 2 else f"{('en', 'sw', 'tr')[n % 3]}-train-{n:04d}"
        codes = rng.integers(100, 3000, 200)
        at = np.arange(10, 190, 15)
        codes[at] = codes[at + 1] = 7
        np.save(cache / f"{name}.codes.npy", codes[None].astype(np.int16))
        lag = HAMA_LAG_S if n % 2 else 0.0
        phones = [[float(f) / 25 + 0.06 + lag, float(f) / 25 + 0.1 + lag, "p"] for f in at]
        folder = cache if n % 2 else voices
        (folder / f"{name}.phones.json").write_text(json.dumps(phones))


def test_it_learns_and_what_it_writes_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sounds(tmp_path / "out" / "cache", tmp_path / "voices")
    monkeypatch.setattr(run, "PhoneReader", lambda: None)
    (tmp_path / "sounds").mkdir()
    made = run.train(tmp_path / "sounds", tmp_path / "voices", tmp_path / "out", steps=60)
    codes = np.full(60, 1500)
    codes[30:32] = 7
    shut = LipClosure.load(made)(codes)
    assert shut[30:32].max() == 1 and shut[:26].max() == 0 == shut[36:].max()


@pytest.mark.parametrize(
    ("name", "made"),
    [("t0001", False), ("s0230@0.88", False), ("sw-train-0001", True), ("tr-train-0000", True)],
)
def test_voices_are_told_from_recordings_by_name(name: str, made: bool) -> None:
    assert is_synthetic(name) == made


def test_no_sounds_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sounds"):
        run.load(tmp_path, tmp_path)
