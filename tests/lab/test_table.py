"""The tables of pages: in step with the results, and changed only when asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vqcodec.errors import MediaError, UsageError
from vqcodec.lab import table
from vqcodec.lab.marked import begin, end, names


def in_step() -> list[tuple[Path, str]]:
    return [
        (page, name) for page in table.PAGES for name in names(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    ("page", "name"), in_step(), ids=lambda value: getattr(value, "name", value)
)
def test_pages_are_in_step(page: Path, name: str) -> None:
    assert table.update(page, table.RESULTS, name, check=True) == [], (
        "run python -m vqcodec.lab table"
    )
    path = table.RESULTS / table.PARTS[name].source
    assert json.loads(path.read_text(encoding="utf-8"))["conditions"]


def test_every_part_is_shown() -> None:
    assert {name for page, name in in_step() if page.name == "README.md"} == set(table.PARTS)


def write_page(path: Path, *parts: str) -> Path:
    places = [f"{begin(part, table.COMMAND)}\nold\n{end(part)}" for part in parts]
    path.write_text("before\n" + "\nbetween\n".join(places) + "\nafter\n", encoding="utf-8")
    return path


def test_a_changed_figure_is_found_and_written(tmp_path: Path) -> None:
    page = write_page(tmp_path / "page.md", "refs", "effort")
    for name in ("refs.json", "effort.json"):
        shutil.copy(table.RESULTS / name, tmp_path / name)
    arguments = [str(page), "--results", str(tmp_path)]
    assert table.main(arguments) == 0 and table.main([*arguments, "--check"]) == 0
    before = page.read_text(encoding="utf-8")
    assert before.startswith("before\n") and before.endswith("\nafter\n") and "old" not in before
    assert before.count("\nbetween\n") == 1
    data = json.loads((tmp_path / "refs.json").read_text(encoding="utf-8"))
    data["rows"][0]["perc"] = 0.987
    (tmp_path / "refs.json").write_text(json.dumps(data), encoding="utf-8")
    assert table.main([*arguments, "--check"]) == 1
    assert table.main([*arguments, "--check", "--only", "effort"]) == 0
    assert page.read_text(encoding="utf-8") == before
    assert table.main([*arguments, "--only", "effort"]) == 0
    assert page.read_text(encoding="utf-8") == before
    assert table.main(arguments) == 0
    assert "| 0.987 |" in page.read_text(encoding="utf-8")
    assert table.main([*arguments, "--check"]) == 0


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = write_page(tmp_path / "page.md", "refs")
    assert table.main([str(page), "--results", str(tmp_path)]) == MediaError.exit_code
    assert "refs.json" in capsys.readouterr().err
    (tmp_path / "refs.json").write_text("{", encoding="utf-8")
    assert table.main([str(page), "--results", str(tmp_path)]) == UsageError.exit_code
    assert table.main([str(page), "--only", "layers"]) == UsageError.exit_code
    assert begin("layers", table.COMMAND) in capsys.readouterr().err
    assert table.main([str(page), "--only", "poem"]) == UsageError.exit_code
    page.write_text("no place", encoding="utf-8")
    assert table.main([str(page)]) == UsageError.exit_code
    assert begin("results", table.COMMAND) in capsys.readouterr().err
    assert table.main([str(tmp_path / "absent.md")]) == MediaError.exit_code
