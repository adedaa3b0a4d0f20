"""Dubs measured by their landmarks: clips, sounds, lip sync, resuming, means and bars."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.dub_results import FRAMES, LateMotion, drawn_clip
from tests.support.geometry import shipped_head
from tests.support.pipeline import encoder_parts, write_swaying
from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import MediaError, NoFaceError, UsageError
from vqcodec.geometry.controls import Controls
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.lab.dub import dubbing
from vqcodec.lab.dub.cache import ResultCache
from vqcodec.lab.dub.clips import (
    FRAME_SAMPLES,
    looped,
    other_sound,
    read_clip,
    read_pcm,
    speech_samples,
)
from vqcodec.lab.dub.dubbing import Dubbing, line
from vqcodec.lab.dub.measure import MotionLevel
from vqcodec.lab.dub.motion import GeneratedMotion, RealMotion, features_of
from vqcodec.lab.dub.results import (
    FIGURES,
)
from vqcodec.lab.dub.sync import shipped_basis
from vqcodec.types import ModelId


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of a drawn face with a tone, 24 and 30 frames."""
    made = tmp_path_factory.mktemp("clips")
    write_swaying(made / "a.mp4", 24, sound=True)
    write_swaying(made / "b.mp4", 30, sound=True)
    return made


def test_nobody_speaks_with_its_own_sound() -> None:
    clips = [Path(f"{n}.mp4") for n in range(24)]
    found = other_sound(clips)
    assert set(found) == set(found.values()) == set(clips) and all(a != b for a, b in found.items())
    assert other_sound(clips[::-1]) == found
    with pytest.raises(UsageError):
        other_sound(clips[:1])


def test_sound_fits_the_frames() -> None:
    pcm = np.arange(1, 3 * FRAME_SAMPLES + 1, dtype=np.int64).astype(np.int16)
    twice = looped(pcm, 6)
    assert len(twice) == 6 * FRAME_SAMPLES and np.array_equal(twice, np.concatenate([pcm, pcm]))
    assert np.array_equal(looped(pcm, 2), pcm[: 2 * FRAME_SAMPLES])
    padded = looped(pcm, 5, loop=False)
    assert (
        np.array_equal(padded[: len(pcm)], pcm)
        and not padded[len(pcm) :].any()
        and len(padded) == 5 * FRAME_SAMPLES
    )
    heard = speech_samples(
        (8000 * np.sin(np.arange(48000) * 2 * np.pi * 300 / 48000)).astype(np.int16)
    )
    assert heard.dtype == np.float32 and heard.shape == (16000,)
    expected = 8000 / 32768 * np.sin(np.arange(16000) * 2 * np.pi * 300 / 16000)
    assert np.abs(heard - expected)[200:-200].max() < 0.002
    assert (
        speech_samples(np.zeros(0, np.int16)).shape == (0,)
        and len(speech_samples(twice)) == 6 * 640
    )


def test_a_clip_is_read_as_the_encoder_reads_it(folder: Path, tmp_path: Path) -> None:
    parts = encoder_parts()
    clip = read_clip(folder / "a.mp4", parts)
    assert (
        clip.frames == 24
        and clip.seen.all()
        and clip.points.shape == (24, 478, 2)
        and clip.tokens.shape == (24, 12, 4)
    )
    assert (
        clip.still.shape == (512, 512, 3)
        and clip.pcm.shape == (24 * FRAME_SAMPLES,)
        and np.abs(clip.pcm).max() > 4000
    )
    # the portrait is the first frame: nothing has moved there
    assert np.abs(clip.points[0] - clip.portrait_points).max() == 0
    assert (
        np.abs(features_of(clip, clip.tokens, parts.space.units)[0] - clip.features).max()
        <= parts.space.units.max()
    )
    assert len(clip.real_points) == 24 and len(read_pcm(folder / "a.mp4")) >= 23 * FRAME_SAMPLES
    silent, blank = (
        write_swaying(tmp_path / "silent.mp4", 5),
        write_swaying(tmp_path / "blank.mp4", 5, sound=True, size=2),
    )
    for path, error in ((silent, UsageError), (blank, NoFaceError)):
        with pytest.raises(error):
            read_clip(path, parts)


class Heard:
    """A tokenizer and a generator: the generator gives the clip's tokens in two windows and notes what it was given."""

    id, codes = ModelId("fake", bytes(32)), 3125

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def tokens(self, samples: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.full(-(-len(samples) // 640), 7, np.int64)

    def generate(
        self,
        speech: NDArray[np.int64],
        controls: Controls,
        portrait: PortraitFacts,
        *,
        rest: NDArray[np.float32],
        shut: NDArray[np.float32],
        temperature: float,
        seed: int,
    ) -> Iterator[NDArray[np.uint16]]:
        self.given = {
            "rest": rest,
            "shut": shut,
            "speech": speech,
            "controls": controls,
            "portrait": portrait,
            "sampling": (temperature, seed),
        }
        tokens = drawn_clip(frames=len(speech)).tokens
        yield tokens[:10]
        yield tokens[10:]


def test_a_generator_is_given_what_it_wants() -> None:
    clip, models, units = drawn_clip(), Heard(), shipped_basis().units
    motion = GeneratedMotion(models, models, shipped_head(), units, temperature=0.5, seed=3)  # type: ignore[arg-type]
    assert np.array_equal(motion(clip, clip.pcm), features_of(clip, clip.tokens, units))
    given, portrait = models.given, models.given["portrait"]
    assert len(given["speech"]) == len(given["controls"]) == FRAMES and not given["rest"].any()
    assert given["sampling"] == (0.5, 3)
    assert np.array_equal(portrait.features, clip.features) and np.array_equal(
        portrait.landmarks, clip.portrait_points
    )
    assert len(portrait.controls) == 1 and np.isfinite(given["controls"].pose).all()
    assert motion.models["temperature"] == "0.5" and motion.models["generator"].startswith("fake@")


def test_results_are_kept(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, float]:
        made.append(1)
        return {"value": 0.5, "nothing": math.nan}

    cache = ResultCache(tmp_path / "kept")
    assert cache.get("a", {"model": "x"}, make) == ({"value": 0.5, "nothing": None}, False)
    assert (
        cache.get("a", {"model": "x"}, make) == ({"value": 0.5, "nothing": None}, True)
        and len(made) == 1
    )
    assert not cache.get("a", {"model": "y"}, make)[1]
    assert not ResultCache(tmp_path / "kept", force=True).get("a", {"model": "x"}, make)[1]
    for path in (tmp_path / "kept").iterdir():
        path.write_text("{")
    assert not cache.get("a", {"model": "x"}, make)[1]


def test_tracked_clips_are_kept(folder: Path, tmp_path: Path) -> None:
    cache, parts, read = ResultCache(tmp_path), encoder_parts(), []

    def reading(path: Path, parts: EncoderParts) -> object:
        read.append(path)
        return read_clip(path, parts)

    first, second = (cache.clip(folder / "a.mp4", parts, reading) for _ in range(2))  # type: ignore[arg-type]
    assert len(read) == 1 and first.path == second.path
    for name in ("still", "features", "portrait_points", "points", "seen", "tokens", "pcm"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
        assert getattr(first, name).dtype == getattr(second, name).dtype
    next(tmp_path.glob("*.npz")).write_bytes(b"PK")
    cache.clip(folder / "a.mp4", parts, reading)  # type: ignore[arg-type]
    assert len(read) == 2


def test_an_interrupted_run_goes_on(folder: Path, tmp_path: Path) -> None:
    level, motion = MotionLevel(shipped_basis(), "motion"), LateMotion(late=1)
    real = RealMotion(shipped_basis().units)

    def reading(path: Path) -> object:
        if path.stem == "b" and motion.calls < 3:
            raise MediaError("the disk is gone")
        return drawn_clip(path.stem)

    job = Dubbing(motion, level, reading, ResultCache(tmp_path), real)  # type: ignore[arg-type]
    a, b = folder / "a.mp4", folder / "b.mp4"
    first, kept = job.clip(a, b)
    assert not kept and first.clip == "a" and first.sound == "b" and first.frames == FRAMES
    ours, other, codec = (first.variants[name] for name in ("dub", "shuffled", "codec"))
    assert (
        ours["lip_lag_ms"] == 40
        and ours["lip_best"] > 0.98
        and abs(other["lip_corr"]) < 0.6
        and codec["lip_corr"] > 0.98
    )
    assert (
        math.isnan(ours["ssim"])
        and "at +40 ms, with b's sound" in line(first)
        and set(ours) == set(FIGURES)
    )
    with pytest.raises(MediaError):
        job.clip(b, a)
    again, kept = job.clip(a, b)
    assert kept and motion.calls == 2 and again.to_json() == first.to_json()
    # another generator: the real motion's figures stay
    level.measure = None  # type: ignore[assignment, method-assign]
    with pytest.raises(TypeError):
        Dubbing(
            LateMotion(name="new"), level, lambda path: drawn_clip(), ResultCache(tmp_path), real
        ).clip(a, b)
    assert sum("codec" in path.name for path in tmp_path.iterdir()) == 1


def test_command(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(EncoderParts, "load", classmethod(lambda cls, options: encoder_parts()))
    out = tmp_path / "dub.json"
    arguments = [
        "--data",
        str(folder),
        "--motion-only",
        "--out",
        str(out),
        "--cache",
        str(tmp_path / "kept"),
    ]
    assert dubbing.main(arguments, LateMotion()) == 0
    said = capsys.readouterr()
    assert (
        "another clip's sound" in said.out
        and "real motion, coded" in said.out
        and "kept" not in said.err
    )
    data = json.loads(out.read_text(encoding="utf-8"))
    assert [c["clip"] for c in data["clips"]] == ["a", "b"] and [
        c["sound"] for c in data["clips"]
    ] == ["b", "a"]
    assert data["conditions"]["level"] == "motion" and str(tmp_path) not in json.dumps(data)
    assert (
        dubbing.main([*arguments, "--clips", "1"], LateMotion()) == 0
        and "(kept)" in capsys.readouterr().err
    )
    assert dubbing.main(["--data", str(tmp_path / "nothing")]) == MediaError.exit_code
