"""Dubs: tables, silence, speed and memory, Table 4, rendered figures and the sheet to look at."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.dub_results import (
    FRAMES,
    NOTHING,
    LateMotion,
    drawn_clip,
    result,
    speaking,
    tone,
)
from tests.support.evaluation import moving, write_video
from tests.support.geometry import shipped_head
from tests.support.pipeline import FakeRenderer, encoder_parts, read_sound, write_swaying
from vqcodec.container import Writer
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import MediaError, ModelError, UsageError
from vqcodec.evaluation.benchmark import Scene
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.format import to_indices
from vqcodec.lab import table
from vqcodec.lab.dub import checks as dubchecks
from vqcodec.lab.dub import sheet as dubsheet
from vqcodec.lab.dub import table as dubtable
from vqcodec.lab.dub.cache import ResultCache
from vqcodec.lab.dub.measure import PICTURE_FIGURES, FullLevel, MotionLevel, film
from vqcodec.lab.dub.results import save
from vqcodec.lab.dub.silence import (
    BARS,
    behaviour,
    blink_figures,
    checks,
    frozen_s,
    quiet,
    write_wav,
)
from vqcodec.lab.dub.sync import LIP_FIGURES, shipped_basis
from vqcodec.lab.marked import begin, end
from vqcodec.lab.paper import table4
from vqcodec.media.still.stills import encode_avif
from vqcodec.models import store
from vqcodec.quantize.grfsq import quantize
from vqcodec.types import Head, KeyFrame, MotionGroup

GOOD = {
    "mouth_mean": 0.01,
    "mouth_std": 0.001,
    "mouth_max": 0.02,
    "mouth_portrait": 0.01,
    "nod_deg": 1.0,
    "turn_deg": 1.0,
    "tilt_deg": 1.0,
    "frozen_s": 0.1,
    "blinks": 4.0,
    "blink_gap_least_s": 3.0,
    "blink_gap_most_s": 5.0,
}
SPOKEN = GOOD | {"mouth_mean": 0.06, "mouth_std": 0.04, "mouth_max": 0.2}
SILENCE = {"silence": [GOOD, GOOD], "noise": [GOOD], "speech": [SPOKEN]}


def page(folder: Path) -> Path:
    """A page with a place for each table."""
    lines = [
        f"{begin(name, table.COMMAND)}\n{end(name)}"
        for name in ("dub", "dub-table-4", "dub-checks")
    ]
    path = folder / "PAGE.md"
    path.write_text("before\n" + "\nbetween\n".join(lines) + "\nafter\n", encoding="utf-8")
    return path


def table4_data(clips: int = 2) -> dict[str, Any]:
    means = {"ssim": 0.8, "perc": 0.1, "lip_corr": 0.6, "lip_lag_ms": None}
    return {
        "schema_version": 1,
        "kind": "table4",
        "conditions": NOTHING | {"clips": clips, "all_clips": 24},
        "rows": [
            {
                "row": "D-C",
                "speech": "speech tokens",
                "motion": "features",
                "means": means,
                "clips": {},
            }
        ],
    }


def test_tables_of_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dub, four, other, target = (
        tmp_path / "dub.json",
        tmp_path / "table4.json",
        tmp_path / "dubchecks.json",
        page(tmp_path),
    )
    beside = {
        "still": {"ssim": 0.71, "lip_corr": None},
        "codec": {"ssim": 0.93},
        "renderer": "renderer@0",
    }
    save(dub, NOTHING, [result(), result("c", corr=0.5)], beside)
    four.write_text(json.dumps(table4_data()), encoding="utf-8")
    rows = checks(SILENCE)
    other.write_text(
        json.dumps({"kind": "checks", "conditions": NOTHING, "checks": rows}), encoding="utf-8"
    )
    every = [str(target), "--results", str(tmp_path)]
    assert table.main([*every, "--check"]) == 1 and "SSIM" not in target.read_text(encoding="utf-8")
    assert table.main(every) == 0 and table.main([*every, "--check"]) == 0
    text = target.read_text(encoding="utf-8")
    assert (
        text.startswith("before\n")
        and text.endswith("\nafter\n")
        and text.count("\nbetween\n") == 2
    )
    assert "| portrait held | 0.710 |" in text and "| real motion, coded | 0.930 |" in text
    assert "| its own sound | 0.500 |" in text
    assert "| at least 0.55 | 0.6 | met |" in text and "| at least 0.25 | 0.4 | met |" in text
    assert (
        "| D-C: speech tokens in, features out | 0.800 | 0.100 | 0.60 |" in text
        and "2 of 24 clips" in text
    )
    assert "| at most 0.04 | 0.01 | met |" in text and "`motion@1`, `renderer@1`" in text
    assert table.main([*every, "--only", "dub-table-4", "--finding", "Tokens win."]) == 0
    assert (
        "**Tokens win.**" in target.read_text(encoding="utf-8")
        and table.main([*every, "--check"]) == 0
    )
    assert table.main([*every, "--finding", "x"]) == UsageError.exit_code
    four.write_text('{"kind": "poem"}', encoding="utf-8")
    assert table.main(every) == UsageError.exit_code and "poem" in capsys.readouterr().err


def test_a_missed_bar_says_so() -> None:
    text = dubtable.show(NOTHING, [result(corr=0.3, lag_ms=-160, shuffled=0.25)], {})
    assert (
        text.count("MISSED") == 6 and "-160" in text and "8.0 times" in text and "nan" not in text
    )
    bare = dubtable.show(
        NOTHING | {"level": "motion"}, [result()], {"still": {"ssim": 0.7}, "renderer": "r"}
    )
    assert "not rendered" in bare and "portrait held" not in bare


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
    space = store.current("motion_space").id
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


def test_table4(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [
        table4.Row("cc", LateMotion(name="row-cc")),
        table4.Row("dd", LateMotion(late=1, name="row-dd")),
    ]
    assert rows[1].name == "D-D" and table4.parse_rows("CC,dd") == ("cc", "dd")
    level, cache, read = MotionLevel(shipped_basis(), "motion"), ResultCache(tmp_path / "kept"), []

    def reading(path: Path) -> Any:
        read.append(path)
        return drawn_clip(path.stem)

    for _ in range(2):
        found = table4.measure_clip(folder / "a.mp4", rows, level, reading, cache)
    assert len(read) == 1 and found["cc"]["lip_lag_ms"] == 0 and found["dd"]["lip_lag_ms"] == 40
    row = table4.row_json(rows[1], {"a": found, "b": {"dd": found["dd"] | {"lip_lag_ms": -40.0}}})
    assert (
        row["means"]["lip_lag_ms"] == 0
        and row["speech"] == "speech tokens"
        and set(row["clips"]) == {"a", "b"}
    )
    monkeypatch.setattr(EncoderParts, "load", classmethod(lambda cls, options: encoder_parts()))
    out = tmp_path / "table4.json"
    arguments = [
        "--data",
        str(folder),
        "--models",
        str(tmp_path),
        "--cache",
        str(tmp_path / "kept"),
        "--motion-only",
    ]
    assert table4.main([*arguments, "--clips", "2", "--out", str(out)], rows) == 0
    data = json.loads(out.read_text(encoding="utf-8"))
    assert [r["row"] for r in data["rows"]] == ["C-C", "D-D"] and data["conditions"]["clips"] == 2
    assert (
        data["conditions"]["all_clips"] == 3
        and "C-C: Whisper-base features in, features out" in capsys.readouterr().out
    )
    assert table4.main([*arguments, "--rows", "xy"]) == UsageError.exit_code


def test_table4_models_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vqcodec.lab.paper.table4_models", type(sys)("table4_models"))
    sys.modules["vqcodec.lab.paper.table4_models"].load_row = lambda path: path  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="teacher"):
        table4.load_rows(tmp_path, None, "cpu", ("cc",))
    monkeypatch.setattr(table4, "_hearing", lambda letters, teacher, device: {"c": abs, "d": abs})
    with pytest.raises(ModelError, match="row-cd"):
        table4.load_rows(tmp_path, None, "cpu", ("cd",))
    (tmp_path / "row-cd.safetensors").write_bytes(b"weights")
    (row,) = table4.load_rows(tmp_path, None, "cpu", ("cd",))
    assert row.name == "C-D" and set(row.motion.models) == {"row", "row_sha256"}


def test_a_dub_is_filmed_with_its_sound(tmp_path: Path) -> None:
    clip, renderer = drawn_clip(frames=20), FakeRenderer()
    film(speaking(20), clip, clip.pcm, renderer, tmp_path / "a.mp4")  # type: ignore[arg-type]
    shown = read_frames(tmp_path / "a.mp4", None)
    assert shown.shape == (20, 512, 512, 3) and abs(int(shown[5, 99, 99, 0]) - 90) <= 3
    assert np.array_equal(np.concatenate(renderer.rendered), speaking(20))
    assert len(read_sound(tmp_path / "a.mp4")) >= len(clip.pcm)


def test_rendered_figures_and_the_sheet(tmp_path: Path) -> None:
    for package in ("torchmetrics", "dlib", "cpbd"):
        pytest.importorskip(package)
    real = write_video(tmp_path / "real.mp4", moving(12))
    with FullLevel(FakeRenderer(), tmp_path, 5) as level:  # type: ignore[arg-type]
        found = level.compare(real, read_frames(real))
        assert set(found) == {*PICTURE_FIGURES, *LIP_FIGURES} and found[
            "lip_corr"
        ] == pytest.approx(1)
        assert found["ssim"] == pytest.approx(1) and found["lmd_mouth"] == found["id_dist"] == 0
        clip = replace(drawn_clip(frames=12), path=real)
        lips = level.measure(
            clip, speaking(12), clip.pcm, "dub", lips_only=True
        )  # a grey picture: no face to be seen
        assert lips["lip_corr"] == 0 and math.isnan(lips["lmd_mouth"]) and "ssim" not in lips
        assert (tmp_path / "real-dub.mp4").is_file() and level.settings["renderer"].startswith(
            "fake-renderer"
        )
    pytest.importorskip("matplotlib")
    sheet = tmp_path / "sheet.png"
    assert dubsheet.main([str(real), str(real), str(sheet), "--frames", "4", "--side", "128"]) == 0
    assert sheet.stat().st_size > 2000
    assert (
        dubsheet.main([str(real), str(real), str(sheet), "--frames", "1"]) == UsageError.exit_code
    )


def test_a_sheet_has_pictures_above_curves() -> None:
    pytest.importorskip("matplotlib")
    points = list(shipped_basis().landmarks(speaking()))
    dark, light = np.zeros((256, 256, 3), np.uint8), np.full((256, 256, 3), 200, np.uint8)
    followed = dubsheet.Followed(
        np.arange(FRAMES) / 25, [(5, dark, light), (40, dark, light)], points, [None, *points[:-1]]
    )
    sheet = dubsheet.compose(followed, 100)
    assert sheet.dtype == np.uint8 and sheet.shape == (310, 72 + 200, 3)
    assert (
        not sheet[:100, 72:].any()
        and (sheet[100:200, 72:] == 200).all()
        and 200 < sheet[200:].mean() <= 255
    )
