"""Sounds and portraits that can't be dubbed, or hardly: a typed error with a hint, or a warning; nothing half-written."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.dub import (
    DrawnHeads,
    SideHeads,
    SteppingGenerator,
    TurnedHeads,
    dub_parts,
    spoken,
    write_portrait,
    write_wav,
)
from tests.support.pipeline import draw, write_swaying
from vqcodec.dubbing.pipeline import dub
from vqcodec.dubbing.redub.opening import is_recording
from vqcodec.errors import MediaError, NoFaceError, UsageError, VqcodecError
from vqcodec.reports import DubReport


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "speech.wav", spoken(1.0))


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return write_portrait(tmp_path / "portrait.png")


def made(speech: Path, portrait: Path, **named: Any) -> DubReport:
    return dub(speech, portrait, io.BytesIO(), parts=named.pop("parts", dub_parts()), **named)


def refused(kind: type[VqcodecError], speech: Path, portrait: Path, **named: Any) -> VqcodecError:
    """The error of a dub that must leave its folder as it was."""
    before = sorted(portrait.parent.iterdir())
    with pytest.raises(kind) as caught:
        dub(
            speech,
            portrait,
            portrait.parent / "out.vqt",
            parts=named.pop("parts", dub_parts()),
            **named,
        )
    assert sorted(portrait.parent.iterdir()) == before and caught.value.hint
    return caught.value


def saved(path: Path, picture: Image.Image, **named: Any) -> Path:
    picture.save(path, **named)
    return path


def face() -> Image.Image:
    return Image.fromarray(draw(400, 300, [(180, 150, 120)]))


def in_mode(mode: str) -> Image.Image:
    """`face` in one of Pillow's modes."""
    if mode == "I;16":
        return Image.fromarray(np.asarray(face().convert("L")).astype(np.uint16) * 257)
    return face().convert(mode)


def test_no_face(tmp_path: Path, speech: Path) -> None:
    error = refused(NoFaceError, speech, write_portrait(tmp_path / "empty.png", []))
    assert "empty.png" in str(error) and error.exit_code == 5


@pytest.mark.parametrize("sizes", [(120, 100), (120, 50), (110, 110)])
def test_two_faces(tmp_path: Path, speech: Path, sizes: tuple[float, float]) -> None:
    picture = write_portrait(tmp_path / "two.png", [(300, 150, sizes[1]), (110, 150, sizes[0])])
    report = made(speech, picture)
    assert report.warnings == (f"{picture} shows 2 faces; the largest is taken",)
    assert (
        report.crop is not None and report.crop.x_px < 110 < report.crop.x_px + report.crop.side_px
    )


@pytest.mark.parametrize(("size", "told"), [(28, None), (60, "only 60 pixels high"), (100, "")])
def test_tiny_faces(tmp_path: Path, speech: Path, size: float, told: str | None) -> None:
    picture = write_portrait(tmp_path / "small.png", [(125, 125, size)], 250, 250)
    if told is None:
        assert "less than 32" in str(refused(NoFaceError, speech, picture))
    else:
        warnings = made(speech, picture).warnings
        assert len(warnings) == bool(told) and all(told in sentence for sentence in warnings)


def test_faces_that_look_aside(tmp_path: Path, speech: Path, portrait: Path) -> None:
    assert (
        "turned by 4" in made(speech, portrait, parts=dub_parts(detector=TurnedHeads)).warnings[0]
    )
    error = refused(NoFaceError, speech, portrait, parts=dub_parts(detector=SideHeads))
    assert "from the side" in str(error)


def test_a_face_of_which_the_square_shows_none(speech: Path, portrait: Path) -> None:
    class Once(DrawnHeads):
        def faces(self, frame: Any) -> Any:
            return super().faces(frame) if self.calls == 0 else []

    refused(NoFaceError, speech, portrait, parts=dub_parts(detector=Once))


def test_files_that_are_no_picture(tmp_path: Path, speech: Path, portrait: Path) -> None:
    whole = portrait.read_bytes()
    files = {
        "zero.png": b"",
        "text.png": b"not a picture",
        "cut.png": whole[: len(whole) // 2],
        "cut.jpg": b"\xff\xd8\xff",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        error = refused(MediaError, speech, tmp_path / name)
        assert name in str(error) and error.exit_code == 8
    assert "empty" in str(refused(MediaError, speech, tmp_path / "zero.png"))
    with pytest.raises(MediaError, match=r"absent\.png"):
        made(speech, tmp_path / "absent.png")
    with pytest.raises(MediaError):
        made(speech, tmp_path)


def test_what_is_a_recording_and_no_picture(tmp_path: Path, speech: Path, portrait: Path) -> None:
    clip = write_swaying(tmp_path / "clip.mp4", 5)
    assert is_recording(clip) and is_recording(io.BytesIO(clip.read_bytes()))
    assert is_recording("missing.vqt")  # who opens it says what is wrong
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:100])
    for other in (portrait, speech, broken, tmp_path, tmp_path / "missing.mp4", "-"):
        assert not is_recording(other)


def test_swapped_arguments(tmp_path: Path, speech: Path, portrait: Path) -> None:
    error = refused(MediaError, portrait, speech)
    assert "portrait.png is a picture" in str(error) and "dub speech.wav portrait.png" in error.hint
    error = refused(MediaError, speech, speech)
    assert "speech.wav is a sound file" in str(error) and "second" in error.hint


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "I;16", "1"])
def test_modes(tmp_path: Path, speech: Path, mode: str) -> None:
    path = saved(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"), in_mode(mode))
    assert made(speech, path).sizes.frames == 25


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_of_an_animation_the_first_picture_is_taken(
    tmp_path: Path, speech: Path, suffix: str
) -> None:
    later = [Image.fromarray(draw(400, 300, [], shade)) for shade in (10, 90)]
    path = saved(tmp_path / f"a.{suffix}", face(), save_all=True, append_images=later, duration=100)
    assert made(speech, path).sizes.frames == 25


def test_a_picture_that_lies_on_its_side(tmp_path: Path, speech: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", face().rotate(90, expand=True), exif=exif, quality=95)
    crop = made(speech, path).crop
    assert crop is not None and (crop.source_width_px, crop.source_height_px) == (400, 300)


@pytest.mark.slow
def test_a_picture_of_100_megapixels(tmp_path: Path, speech: Path) -> None:
    large = Image.new("RGB", (10_000, 10_000), (60, 40, 20))
    large.paste((200, 150, 250), (3000, 2500, 7000, 7500))
    path = saved(tmp_path / "large.jpg", large, quality=50)
    del large
    crop = made(speech, path).crop
    assert crop is not None and (crop.source_width_px, crop.source_height_px) == (5000, 5000)


@pytest.mark.parametrize("size", [(15_000, 11_000)])
def test_larger_pictures_are_refused_before_they_are_decoded(
    tmp_path: Path, speech: Path, size: tuple[int, int]
) -> None:
    Image.new("1", size).save(tmp_path / "larger.png", compress_level=1)
    assert "at most 162 million" in str(refused(MediaError, speech, tmp_path / "larger.png"))


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_large_pictures_are_scaled_down(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch, mode: str, suffix: str
) -> None:
    monkeypatch.setattr("vqcodec.media.still.picture_file._KEPT_PIXELS", 40_000)
    crop = made(speech, saved(tmp_path / f"a.{suffix}", in_mode(mode))).crop
    assert crop is not None and (crop.source_width_px, crop.source_height_px) == (200, 150)


def test_no_sound(tmp_path: Path, portrait: Path) -> None:
    silent_clip = write_swaying(tmp_path / "silent.mp4", 5)
    (tmp_path / "zero.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not a sound")
    write_wav(tmp_path / "header.wav", np.zeros(0))
    for name, told in (
        ("silent.mp4", "has no sound"),
        ("zero.wav", "empty"),
        ("text.wav", "text.wav"),
        ("header.wav", "header.wav"),
        ("absent.wav", "absent.wav"),
    ):
        assert told in str(refused(MediaError, tmp_path / name, portrait)), name
    assert silent_clip.is_file()


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.zeros(16000), True),
        (np.random.default_rng(0).normal(0, 3e-4, 16000), True),
        (spoken(1.0), False),
        (spoken(1.0, level=0.02), False),
    ],
)
def test_silence(tmp_path: Path, portrait: Path, samples: Any, told: bool) -> None:
    """Silence is dubbed, with a warning; faint speech is speech."""
    report = made(write_wav(tmp_path / "in.wav", samples), portrait)
    assert report.sizes.frames == 25
    assert any("no speech" in sentence for sentence in report.warnings) == told


def test_a_sound_that_breaks_off(tmp_path: Path, speech: Path, portrait: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(speech.read_bytes()[:20_044])
    assert made(cut, portrait).sizes.frames == 16


def test_too_much_sound(speech: Path, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqcodec.dubbing.pipeline.MAX_SOUND_S", 0.9)
    error = refused(UsageError, speech, portrait)
    assert "longer than" in str(error) and error.exit_code == 2


def test_paste_back_needs_a_video(speech: Path, portrait: Path) -> None:
    from vqcodec.config import DubOptions

    error = refused(UsageError, speech, portrait, options=DubOptions(paste_back=True))
    assert "out.mp4" in error.hint


@pytest.mark.parametrize("fault", [MemoryError, RuntimeError, KeyboardInterrupt])
def test_faults_inside_leave_nothing(
    speech: Path, portrait: Path, fault: type[BaseException]
) -> None:
    class Failing(SteppingGenerator):
        def generate(self, *arguments: Any, **named: Any) -> Any:
            raise fault

    before = sorted(portrait.parent.iterdir())
    call: Callable[..., DubReport] = dub
    for name in ("out.vqt", "out.mp4"):
        with pytest.raises(fault):
            call(speech, portrait, portrait.parent / name, parts=dub_parts(Failing()))
    assert sorted(portrait.parent.iterdir()) == before
