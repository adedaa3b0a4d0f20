"""What a dub refuses, and what is left when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dub import SteppingGenerator, dub_parts, spoken, write_portrait, write_wav
from vqcodec.config import DubOptions
from vqcodec.dubbing.pipeline import dub
from vqcodec.errors import OutputExistsError, UsageError


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "speech.wav", spoken(5.29))


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return write_portrait(tmp_path / "portrait.png")


def test_existing_files_stay(tmp_path: Path, speech: Path, portrait: Path) -> None:
    for name in ("out.vqt", "out.mp4"):
        (tmp_path / name).write_bytes(b"precious")
        with pytest.raises(OutputExistsError):
            dub(tmp_path / "absent.wav", portrait, tmp_path / name, parts=dub_parts())
        assert (tmp_path / name).read_bytes() == b"precious"


class Broken(SteppingGenerator):
    """Fails after the first window."""

    def generate(self, *arguments: object, **named: object):  # type: ignore[no-untyped-def, override]
        yield next(super().generate(*arguments, **named))  # type: ignore[arg-type]
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["out.vqt", "out.mp4"])
@pytest.mark.parametrize("there", [False, True])
def test_a_failure_leaves_nothing_and_keeps_what_was(
    tmp_path: Path, speech: Path, portrait: Path, name: str, there: bool
) -> None:
    if there:
        (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(KeyboardInterrupt):
        dub(speech, portrait, tmp_path / name, force=True, parts=dub_parts(Broken()))
    left = {path.name: path for path in tmp_path.iterdir()}
    assert set(left) == {"speech.wav", "portrait.png", *([name] if there else [])}
    assert not there or left[name].read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["out.avi", "out.txt", "out.wav"])
def test_other_suffixes(tmp_path: Path, speech: Path, portrait: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot write") as caught:
        dub(speech, portrait, tmp_path / name, parts=dub_parts())
    assert ".mp4" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"temperature": 3},
        {"temperature": -1},
        {"layers": 5},
        {"size_px": 300},
        {"portrait_quality": 0},
        {"audio_bps": 5000},
    ],
)
def test_options_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        DubOptions(**wrong)  # type: ignore[arg-type]


def test_crf_out_of_range(tmp_path: Path, speech: Path, portrait: Path) -> None:
    with pytest.raises(UsageError, match="crf 60"):
        dub(speech, portrait, tmp_path / "out.mp4", crf=60, parts=dub_parts())
    assert not (tmp_path / "out.mp4").exists()
