"""The tables of refs.json, effort.json and crossid.json: in step with the page, and changed only when asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vqcodec.errors import UsageError
from vqcodec.lab import pages

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "vqcodec" / "lab" / "results"


def test_the_page_is_in_step() -> None:
    assert pages.main([str(RESULTS), "--check"]) == 0, (
        "run python -m vqcodec.lab.pages vqcodec/lab/results"
    )


def test_a_changed_figure_is_found_and_written(tmp_path: Path) -> None:
    for name in ("README.md", *(f"{part}.json" for part in pages.PARTS)):
        shutil.copy(RESULTS / name, tmp_path / name)
    data = json.loads((tmp_path / "refs.json").read_text(encoding="utf-8"))
    data["rows"][0]["perc"] = 0.987
    (tmp_path / "refs.json").write_text(json.dumps(data), encoding="utf-8")
    before = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert (
        pages.main([str(tmp_path), "--check"]) == 1
        and (tmp_path / "README.md").read_text(encoding="utf-8") == before
    )
    assert pages.main([str(tmp_path)]) == 0
    after = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| 0.987 |" in after and pages.main([str(tmp_path), "--check"]) == 0


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pages.main([str(tmp_path)]) == UsageError.exit_code
    assert "refs.json is not in" in capsys.readouterr().err
