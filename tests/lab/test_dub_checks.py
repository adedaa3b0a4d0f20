"""Dubs of silence: mouth, blinks and stillness, and their bars; speed and memory."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub_results import (
    GOOD,
    SILENCE,
    SPOKEN,
    speaking,
    tone,
)
from tests.support.geometry import shipped_head
from tests.support.pipeline import read_sound, write_swaying
from vqcodec.container import Writer
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.render_rate import Scene
from vqcodec.format import to_indices
from vqcodec.lab.dub import checks as dubchecks
from vqcodec.lab.dub.silence import (
    BARS,
    behaviour,
    blink_figures,
    checks,
    frozen_s,
    quiet,
    write_wav,
)
from vqcodec.lab.dub.sync import shipped_basis
from vqcodec.media.still.stills import encode_avif
from vqcodec.models import store
from vqcodec.quantize.grfsq import quantize
from vqcodec.types import Head, KeyFrame, MotionGroup


def test_blinks_and_stillness() -> None:
    blink = np.zeros(500, np.float32)
    for start in (75, 175, 300):
        blink[start : start + 4] = 0.9
    found = blink_figures(blink)
    assert found == {"blinks": 3, "blink_gap_least_s": 4, "blink_gap_most_s": 8}
    none = blink_figures(np.zeros(250, np.float32))
    assert (
        none["blinks"] == 0
        and none["blink_gap_most_s"] == 10
        and math.isnan(none["blink_gap_least_s"])
    )
    points = shipped_basis().landmarks(speaking(100))
    assert frozen_s(points) < 0.2
    points[20:70] = points[20]
    assert frozen_s(points) == pytest.approx(49 / 25)
    assert quiet("silence", 1).max() == 0 and np.sqrt(
        (quiet("noise", 1) ** 2).mean()
    ) == pytest.approx(1e-3, rel=0.03)


def test_behaviour_and_its_bars() -> None:

    basis, portrait = shipped_basis(), np.zeros((512, 512, 3), np.uint8)
    poses = speaking(100)
    poses[:, 36:] = 0
    found = behaviour(Scene(portrait, np.zeros(48, np.float32), poses), basis, shipped_head())
    assert (
        set(found) == set(GOOD)
        and found["mouth_max"] >= found["mouth_mean"] > 0
        and found["turn_deg"] > 0
    )
    assert all(row["met"] for row in checks(SILENCE)) and len(checks(SILENCE)) == len(BARS)
    talking = {
        **SILENCE,
        "noise": [SPOKEN | {"frozen_s": 3.0, "blink_gap_least_s": 0.5, "blink_gap_most_s": 9.0}],
    }
    assert not any(row["met"] for row in checks(talking))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips")
    for name in ("a", "b", "c"):
        write_swaying(made / f"{name}.mp4", 12, sound=True)
    return made


def fake_dub(sound: Path, portrait: Path, target: Path) -> None:
    """A stream of four seconds that moves as `speaking` does."""
    space = store.plain_motion_space().id
    units, frames = shipped_basis().units, 100
    tokens = to_indices(quantize(speaking(frames), units))
    assert sound.is_file() and portrait.is_file()
    with target.open("wb") as sink:
        writer = Writer(sink, Head(Fraction(1, 25), Fraction(25), 4, space, space, synthetic=True))
        still = encode_avif(np.full((512, 512, 3), 99, np.uint8), quality=30)
        writer.key_frame(KeyFrame(0, still, np.zeros(48, np.int16)))
        for start in range(0, frames, 50):
            span = slice(start, start + 50)
            writer.motion(
                MotionGroup(
                    start, np.arange(start, start + 50), np.zeros(50, np.bool_), tokens[span]
                )
            )
        writer.close()


def test_checks_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([10.0, 99.0, 12.0, 20.0, 20.0, 20.0])
    out = tmp_path / "checks.json"

    def timed(sound: Path, portrait: Path, target: Path) -> tuple[float, float]:
        return (
            (next(times), 0)
            if target.name.startswith("speed")
            else (1.0, 400.0 + sound.stat().st_size / 1e6)
        )

    arguments = ["--data", str(folder), "--out", str(out), "--only"]
    assert (
        dubchecks.main([*arguments, "silence"], fake_dub, timed) == 1
    )  # a mouth that speaks in silence
    assert "MISSED" in capsys.readouterr().out
    assert dubchecks.main([*arguments, "speed,memory"], fake_dub, timed) == 1
    data = json.loads(out.read_text(encoding="utf-8"))
    assert {kind: len(rows) for kind, rows in data["silence"].items()} == {
        "silence": 3,
        "noise": 3,
        "speech": 3,
    }
    assert data["speed"] == {"vqt_realtime": 2.5, "mp4_realtime": 1.5}
    assert data["memory"]["vqt"]["growth_mib"] == pytest.approx(540 * 32000 / 1e6, abs=0.1)
    assert data["memory"]["mp4"]["growth_mib"] == pytest.approx(120 * 32000 / 1e6, abs=0.1)
    assert [row["met"] for row in data["checks"][len(BARS) :]] == [True, True, True, True]
    assert dubchecks.main([*arguments, "poems"], fake_dub, timed) == UsageError.exit_code


def test_a_process_is_timed_and_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "vqcodec_cli.py"
    program.write_text(
        "import sys\nassert sys.argv[1] == 'dub' and sys.argv[4] == '-o'\nheld = bytearray(60 << 20)\n"
        "import time; time.sleep(0.3)\n"
        "sys.exit('no face' if 'bad' in sys.argv[2] else 0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = dubchecks.by_command(1)
    seconds, mib = run(Path("a.wav"), Path("p.png"), tmp_path / "o.mp4")
    assert seconds > 0 and 60 < mib < 400
    with pytest.raises(MediaError, match="no face"):
        run(Path("bad.wav"), Path("p.png"), tmp_path / "o.mp4")


def test_wav_files_are_read_back(tmp_path: Path) -> None:
    samples = tone(0.5)
    assert np.abs(read_sound(write_wav(tmp_path / "a.wav", samples)) / 32768 - samples).max() < 1e-4
