"""The folder that `vqcodec web` writes: whole or not at all, and never over what is there unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from vqcodec.errors import ModelError, OutputExistsError, UsageError
from vqcodec.publishing import folder


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page of one file, with models of another."""
    built = tmp_path / "built"
    (built / "js").mkdir(parents=True)
    (built / "index.html").write_text("page")
    (built / "js/page.js").write_text("js")
    monkeypatch.setattr(folder, "built_page", lambda: built)

    def models(target: Path) -> None:
        target.mkdir()
        (target / "models.json").write_text("{}")

    monkeypatch.setattr(folder, "_write_models", models)
    return built


def test_page_and_models_are_written(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "site"
    assert folder.write_folder(target) == len("pagejs{}")
    files = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert files == {"index.html", "js/page.js", "models/models.json"}
    assert list(target.parent.iterdir()) == [target]


def test_what_is_there_stays_unless_it_is_asked_for(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    target.mkdir()
    (target / "talk.vqt").write_text("kept")
    with pytest.raises(OutputExistsError, match="isn't empty"):
        folder.write_folder(target)
    assert [path.name for path in target.iterdir()] == ["talk.vqt"]
    folder.write_folder(target, force=True)
    assert (target / "talk.vqt").read_text() == "kept" and (target / "index.html").is_file()
    with pytest.raises(UsageError, match="no folder"):
        folder.write_folder(target / "index.html")


def test_nothing_is_left_of_what_fails(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(target: Path) -> None:
        raise ModelError("a model file is missing")

    monkeypatch.setattr(folder, "_write_models", broken)
    with pytest.raises(ModelError):
        folder.write_folder(tmp_path / "out" / "site")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_clone_without_node_says_what_to_do(page: Path, tmp_path: Path) -> None:
    (page / "index.html").unlink()
    with pytest.raises(UsageError, match="isn't built") as told:
        folder.write_folder(tmp_path / "site")
    assert "npm ci && npm run build" in str(told.value.hint)
    assert not (tmp_path / "site").exists()
