"""Table 4 at our scale: rows with discrete and continuous speech and motion."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.dub_results import (
    LateMotion,
    drawn_clip,
)
from tests.support.pipeline import encoder_parts, write_swaying
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import ModelError, UsageError
from vqcodec.lab.dub.cache import ResultCache
from vqcodec.lab.dub.measure import MotionLevel
from vqcodec.lab.dub.sync import shipped_basis
from vqcodec.lab.paper import table4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips")
    for name in ("a", "b", "c"):
        write_swaying(made / f"{name}.mp4", 12, sound=True)
    return made


def test_table4(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [
        table4.Table4Row("cc", LateMotion(name="row-cc")),
        table4.Table4Row("dd", LateMotion(late=1, name="row-dd")),
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
