"""The command that shows what further portraits gain: its settings, its table, and a measurement of a drawn clip."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.evaluation import write_video
from vqcodec.errors import UsageError
from vqcodec.lab.rate import refs


def test_settings() -> None:
    wanted = [("1", 50), ("16", 1), ("auto", 30), ("0.5s", 99)]
    choices = refs.parse_choices("1:50,16:1,auto:30,0.5s:99")
    assert choices == [refs.Choice(*choice) for choice in wanted]
    limits = [(choice.spending().at_most, choice.spending().every_s) for choice in choices]
    assert limits == [(1, None), (16, None), (4096, None), (4096, Fraction(1, 2))]
    for text in ("", "1", "0:50", "257:50", "2:0", "2:101", "2:x", "0s:5", "99s:5", "all:50"):
        with pytest.raises(UsageError, match="portraits:quality"):
            refs.parse_choices(text)


def test_table() -> None:
    row = dict(
        refs="auto",
        quality=25,
        portraits=2.5,
        file_kbps=12.34,
        perc=0.3456,
        psnr_db=22.2,
        lmd=0.01,
        lmd_mouth=0.02,
    )
    assert (
        refs.show([row]).splitlines()[-1]
        == "| auto | 25 | 2.5 | 12.3 | 0.346 | 22.20 | 0.0100 | 0.0200 |"
    )


def test_command(sample_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from itertools import islice

    import av

    (tmp_path / "clips").mkdir()
    with av.open(str(sample_clip)) as video:
        frames = [f.to_ndarray(format="rgb24") for f in islice(video.decode(video=0), 12)]
    write_video(tmp_path / "clips" / "a.mp4", np.stack(frames))
    out = tmp_path / "refs.json"
    assert (
        refs.main(
            [
                "--data",
                str(tmp_path / "clips"),
                "--out",
                str(out),
                "--every",
                "6",
                "--settings",
                "1:60,1:10",
            ]
        )
        == 0
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    fine, coarse = found["rows"]
    assert found["schema_version"] == 1 and (fine["quality"], coarse["quality"]) == (60, 10)
    assert (
        fine["portraits"] == coarse["portraits"] == 1
        and fine["file_kbps"] > 1.5 * coarse["file_kbps"]
    )
    assert fine["perc"] < coarse["perc"] and set(found["clips"]) == {"a"}
    assert "portraits a clip" in capsys.readouterr().out
    assert (
        refs.main(["--data", str(tmp_path / "clips"), "--settings", "0:1"]) == UsageError.exit_code
    )
