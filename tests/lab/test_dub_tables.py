"""Dubs: tables, silence, speed and memory, Table 4, rendered figures and the sheet to look at."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.dub_results import (
    FRAMES,
    NOTHING,
    SILENCE,
    drawn_clip,
    result,
    speaking,
)
from tests.support.evaluation import moving, write_video
from tests.support.pipeline import FakeRenderer, read_sound
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.lab import table
from vqcodec.lab.dub import sheet as dubsheet
from vqcodec.lab.dub import table as dubtable
from vqcodec.lab.dub.measure import PICTURE_FIGURES, FullLevel, film
from vqcodec.lab.dub.results import save
from vqcodec.lab.dub.silence import (
    checks,
)
from vqcodec.lab.dub.sync import LIP_FIGURES, shipped_basis
from vqcodec.lab.marked import begin, end


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


def write_results(folder: Path) -> None:
    """dub.json, table4.json and dubchecks.json."""
    beside = {
        "still": {"ssim": 0.71, "lip_corr": None},
        "codec": {"ssim": 0.93},
        "renderer": "renderer@0",
    }
    save(folder / "dub.json", NOTHING, [result(), result("c", corr=0.5)], beside)
    (folder / "table4.json").write_text(json.dumps(table4_data()), encoding="utf-8")
    found = {"kind": "checks", "conditions": NOTHING, "checks": checks(SILENCE)}
    (folder / "dubchecks.json").write_text(json.dumps(found), encoding="utf-8")


def test_tables_of_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, four = page(tmp_path), tmp_path / "table4.json"
    write_results(tmp_path)
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
