"""bfloat16 is taken where it is faster here, whatever the processor's flags say; what was found is remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vqcodec.runtime import device, precision


@pytest.fixture
def speeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[torch.dtype, float]]:
    """Seconds that a turn takes; the trials made are counted under None."""
    seconds = {torch.float32: 0.010, torch.bfloat16: 0.005}

    class Timed:
        def __init__(self, kind: torch.dtype) -> None:
            self._kind = kind

        def seconds(self) -> float:
            return seconds[self._kind]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(precision, "_Work", Timed)
    monkeypatch.setattr(device, "has_bfloat16", lambda: True)
    precision.bfloat16_pays.cache_clear()
    yield seconds
    precision.bfloat16_pays.cache_clear()


def chosen() -> torch.dtype:
    return device.inference_dtype(torch.device("cpu"))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.005, torch.bfloat16),
        (0.0095, torch.float32),  # hardly faster, and less exact
        (0.014, torch.float32),
        (0.100, torch.float32),
        (5.000, torch.float32),
    ],
)
def test_the_faster_one_is_taken(
    speeds: dict[torch.dtype, float], seconds: float, expected: torch.dtype
) -> None:
    speeds[torch.bfloat16] = seconds
    assert chosen() is expected


def test_it_is_remembered(speeds: dict[torch.dtype, float], tmp_path: Path) -> None:
    assert chosen() is torch.bfloat16
    speeds[torch.bfloat16] = 1.0
    assert chosen() is torch.bfloat16  # in the process
    precision.bfloat16_pays.cache_clear()
    assert chosen() is torch.bfloat16  # in the next one
    [path] = (tmp_path / "vqcodec").iterdir()
    [key] = json.loads(path.read_text())
    assert torch.__version__ in key
    path.unlink()
    precision.bfloat16_pays.cache_clear()
    assert chosen() is torch.float32


def test_settings_of_the_library_are_told_apart(
    speeds: dict[torch.dtype, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen() is torch.bfloat16
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    precision.bfloat16_pays.cache_clear()
    speeds[torch.bfloat16] = 0.1
    assert chosen() is torch.float32


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 9000, '{"x": 1}', "x" * 20_000])
def test_a_note_that_makes_no_sense(
    speeds: dict[torch.dtype, float], tmp_path: Path, content: str
) -> None:
    (tmp_path / "vqcodec").mkdir()
    (tmp_path / "vqcodec" / "precision.json").write_text(content)
    assert chosen() is torch.bfloat16


def test_no_place_for_a_note(
    speeds: dict[torch.dtype, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert chosen() is torch.bfloat16


def test_a_note_that_cannot_be_placed_leaves_nothing(
    speeds: dict[torch.dtype, float], tmp_path: Path
) -> None:
    (tmp_path / "vqcodec" / "precision.json").mkdir(parents=True)
    assert chosen() is torch.bfloat16
    assert [path.name for path in (tmp_path / "vqcodec").iterdir()] == ["precision.json"]


def test_a_relative_cache_folder_counts_for_none(
    speeds: dict[torch.dtype, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each folder that a command is started in would get one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert chosen() is torch.bfloat16
    assert (tmp_path / "home" / ".cache" / "vqcodec" / "precision.json").is_file()
    assert not (tmp_path / "cache").exists()


def test_a_processor_without_it_tries_nothing(
    speeds: dict[torch.dtype, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda: False)
    assert chosen() is torch.float32 and not list(tmp_path.iterdir())


def test_waiting_for_other_programs_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the clock says nothing, and its answer would be remembered."""
    work = precision._Work(torch.float32)
    monkeypatch.setattr(work, "_layers", lambda picture: time.sleep(0.3))
    assert work.seconds() < 0.1


def test_the_trial_itself_works() -> None:
    assert precision.trial() in (True, False)
    assert 0 < precision._Work(torch.bfloat16).seconds() < 5


def test_a_trial_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    precision.trial()
    assert torch.equal(torch.rand(2), expected)
