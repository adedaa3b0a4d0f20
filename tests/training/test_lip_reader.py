"""Lips to expect of sound: fitted to clips, asked about recordings, learned from by the generator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.generator import TINY, drawn_clip, drawn_face
from tests.support.geometry import shipped_basis
from vqcodec.errors import UsageError
from vqcodec.generate.network import GeneratorNetwork
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.data import Stretches
from vqcodec.training.generator.form import SHIPPED_FORM
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import lip_signals
from vqcodec.training.generator.recordings import Recordings, build_recordings
from vqcodec.training.speech_tokens.steps import load_sounds

FRAMES = 200


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def voice(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, 110) features, the first of which moves lips, and (T, 478, 2) landmarks that do so."""
    rng = np.random.default_rng(seed)
    track = np.convolve(rng.standard_normal(FRAMES), np.ones(5) / 5, "same").astype(np.float32)
    features = rng.standard_normal((FRAMES, 110)).astype(np.float32)
    features[:, 0] = 3 * track
    points = drawn_face(1).repeat(FRAMES, 0)
    points[:, 14, 1] += (0.02 * np.abs(track + 2)).astype(np.float32)
    return features, points


def _save(sounds: Path, name: str, features: np.ndarray) -> None:
    """As if trunk and teacher heard the same."""
    np.save(sounds / f"{name}.teacher.npy", features.astype(np.float16))
    np.save(sounds / f"{name}.heard.npy", features[None].astype(np.float16))


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eight clips in step with their sound, one that isn't; two recordings, one of them a copy at another speed."""
    clips, sounds = (tmp_path_factory.mktemp(name) for name in ("clips", "sounds"))
    sync = {}
    for index in range(9):
        features, points = voice(index)
        name = f"t{index:04d}"
        rest = np.zeros((FRAMES, 12), np.float32)
        np.save(clips / f"{name}.motion.npy", np.concatenate([points.reshape(FRAMES, -1), rest], 1))
        (clips / f"{name}.json").write_text(json.dumps(dict(kind="real", identity=index)))
        _save(sounds, name, features)
        sync[name] = [0, 0.9 if index < 8 else 0.1]
    (clips / "sync.json").write_text(json.dumps(sync))
    for name in ("s0001", "s0001@0.88"):
        _save(sounds, name, voice(20)[0])
    for path in sounds.glob("*.teacher.npy"):
        samples = np.random.default_rng(1).normal(0, 3000, FRAMES * 640).astype(np.int16)
        np.save(sounds / f"{path.name.removesuffix('.teacher.npy')}.pcm.npy", samples)
    return clips, sounds


class _Counting:
    """A tokenizer that says how loud it is."""

    codes = 3125

    def tokens(self, samples: np.ndarray) -> np.ndarray:
        return np.abs(samples.reshape(-1, 640)).mean(1).astype(np.int64)


def test_it_tells_the_lips_of_people_it_has_not_seen(caches: tuple[Path, Path]) -> None:
    clips, sounds = caches
    reader = LipReader.fit(clips, sounds, leave_out=frozenset(["t0000"]))
    features, points = voice(0)
    told, seen = reader(features), lip_signals(points)
    assert told.shape == (FRAMES, 3) and told.dtype == np.float32
    assert np.corrcoef(told[:, 0], seen[:, 0])[0, 1] > 0.7
    other = reader(voice(3)[0])
    assert abs(np.corrcoef(other[:, 0], seen[:, 0])[0, 1]) < 0.3


def test_it_needs_clips_in_step(tmp_path: Path, caches: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="in step"):
        LipReader.fit(tmp_path, caches[1])
    with pytest.raises(UsageError, match="in step"):
        LipReader.fit(*caches, leave_out=frozenset(f"t{i:04d}" for i in range(8)))


def test_every_sound_gets_lips(caches: tuple[Path, Path]) -> None:
    train, held = load_sounds(caches[1], caches[0])
    assert all(sound.lips is not None and sound.lips.shape == (FRAMES, 3) for sound in train + held)
    assert all(sound.lips is None for sound in load_sounds(caches[1])[0])


def test_recordings_are_what_no_clip_shows(caches: tuple[Path, Path]) -> None:
    clips, sounds = caches
    build_recordings(clips, sounds, _Counting())
    assert [path.name for path in clips.glob("*.codes.npy")] == ["s0001.codes.npy"]
    recordings = Recordings.load(clips, sounds, LipReader.fit(clips, sounds))
    assert recordings is not None and len(recordings.speech) == 1
    rng = np.random.default_rng(0)
    codes, lips = recordings.draw(FRAMES + 30, rng)
    assert (
        (codes[FRAMES:] == -1).all()
        and np.isnan(lips[FRAMES:]).all()
        and (codes[:FRAMES] >= 0).all()
    )
    codes, lips = recordings.draw(40, rng)
    assert codes.shape == (40,) and np.isfinite(lips).all()
    (clips / "s0001.codes.npy").unlink()
    assert Recordings.load(clips, sounds, LipReader.fit(clips, sounds)) is None


def _batch(basis: LandmarkBasis, recorded: float) -> Batch:
    rng = np.random.default_rng(0)
    recordings = Recordings(
        [rng.integers(0, 3125, (2, 80))], [rng.normal(0, 1, (80, 3)).astype(np.float32)]
    )
    clips = [drawn_clip(60, i) for i in range(2)]
    return next(
        iter(
            Stretches(
                clips, basis, batch=4, length=48, seed=0, recordings=recordings, recorded=recorded
            )
        )
    )


def test_of_a_recording_only_the_expected_lips_are_learned(basis: LandmarkBasis) -> None:
    """What the picture's own lips did says nothing of another sound: the loss must not know it."""
    torch.manual_seed(0)
    network, loss = GeneratorNetwork(TINY, dropout=0.0), SHIPPED_FORM.loss_for(basis, 6.0)
    batch = _batch(basis, 1.0)
    assert not batch["filmed"].any() and batch["likely"].isfinite().all()
    losses = loss(network, batch)
    moved = batch | dict(values=batch["values"] + 50, wanted=-batch["wanted"], used=-batch["used"])
    assert float(loss(network, moved)["total"].detach()) == pytest.approx(
        float(losses["total"].detach()), abs=1e-6
    )
    assert losses["apart"] == 0 and losses["likely"] > 0.5
    other = loss(network, batch | dict(likely=batch["likely"].flip(1)))["likely"]
    assert float(other.detach()) != pytest.approx(float(losses["likely"].detach()), abs=1e-4)


def test_without_a_reader_nothing_is_expected(basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    batch = _batch(basis, 0.0)
    losses = SHIPPED_FORM.loss_for(basis, 6.0)(GeneratorNetwork(TINY, dropout=0.0), batch)
    assert batch["filmed"].all() and batch["likely"].isnan().all()
    assert losses["likely"] == 0 and losses["total"].isfinite() and losses["apart"] > 0
