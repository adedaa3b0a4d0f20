"""What training shows the generator, and how it learns from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.generator import NOBODY, TINY, drawn_clip, drawn_face, learning
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.errors import UsageError
from vqcodec.format import DIMS, from_digits, to_digits
from vqcodec.generate.generator import MotionGenerator
from vqcodec.generate.network import GeneratorNetwork
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.gesture.finish import MotionFinish
from vqcodec.models import store
from vqcodec.training.generator.check import MotionCheck
from vqcodec.training.generator.clips import mirrored
from vqcodec.training.generator.data import Stretches, digits_of
from vqcodec.training.generator.export import export_generator
from vqcodec.training.generator.form import SHIPPED_FORM
from vqcodec.training.generator.lip_gain import GAINS, fitted_gain, write_gain
from vqcodec.training.generator.lip_tracks import find_lags, lip_signals, shifted
from vqcodec.training.generator.losses import lip_weights
from vqcodec.training.generator.view import View
from vqcodec.training.picture.views import mirror_permutation


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def test_best_digits_are_the_formats() -> None:
    values = np.arange(-170, 171)[:, None].repeat(DIMS, 1)
    used, wanted = digits_of(values)
    assert np.array_equal(used, wanted) and np.array_equal(used + 2, to_digits(values))


def test_worse_digits_are_made_good_by_later_layers() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-100, 101, (200, DIMS))
    used, wanted = digits_of(values, rng, worse=0.3)
    assert 0.5 < (used[..., 0] == wanted[..., 0]).mean() < 0.9
    assert np.abs(used).max() <= 2 and np.abs(wanted).max() <= 2
    assert np.abs(from_digits(used + 2) - values).mean() < 8


def test_controls_of_a_view_are_those_read_in_it(basis: LandmarkBasis) -> None:
    mirror = mirror_permutation(basis.mean)
    points = drawn_face(12)
    given = read_controls(points, shipped_head())
    plain = View(1.1, 0.08, np.array([0.03, -0.02], np.float32), mirror=False)
    read = read_controls(plain.points(points, mirror), shipped_head())
    told = plain.controls(given)
    assert np.allclose(read.pose, told.pose, atol=2e-3) and np.allclose(
        read.blink, told.blink, atol=0.02
    )
    view = View(0.9, -0.05, np.array([0.02, 0.02], np.float32), mirror=True)
    read = read_controls(view.points(points, mirror), shipped_head())
    told = view.controls(read_controls(mirrored(points, mirror), shipped_head()))
    assert np.allclose(read.pose, told.pose, atol=2e-3) and np.allclose(
        read.pose[:, 1], -given.pose[:, 1], atol=0.05
    )


def test_an_example_tells_what_the_digits_must_become(basis: LandmarkBasis) -> None:
    silence = np.zeros((2, 250), np.int64)
    batch = next(
        iter(
            Stretches(
                [drawn_clip(), drawn_clip(30, 1)],
                basis,
                batch=6,
                length=48,
                seed=0,
                silence=silence,
            )
        )
    )
    assert batch["speech"].shape == (6, 48) and batch["wanted"].shape == (6, 48, DIMS, 4)
    steps = torch.tensor([64.0, 16, 4, 1])
    mask = batch["mask"]
    error = (batch["used"].float() @ steps - batch["values"].float())[mask].abs()
    assert error.median() <= 1 and mask.sum(1).min() == 30


def test_the_turned_head_is_what_a_silent_one_does(basis: LandmarkBasis) -> None:
    batch = next(iter(Stretches([drawn_clip(opening=0.0)], basis, batch=4, length=48, seed=0)))
    landmarks, turned = batch["values"][..., :36].float(), batch["turned"]
    assert landmarks.abs().mean() > 1
    assert (landmarks - turned).pow(2).mean() < 0.05 * landmarks.pow(2).mean()


def test_silence_closes_the_lips(basis: LandmarkBasis) -> None:
    clip = drawn_clip()
    stretches = Stretches([clip], basis, batch=1, length=60, seed=0, silence=np.full((1, 250), 7))
    points = np.concatenate([clip.landmarks[:1], clip.landmarks])
    given = Controls.concatenate([clip.controls[:1], clip.controls])
    still, quiet = stretches._fallen_silent(points, given, clip.speech[0])
    gap = np.linalg.norm(still[1:, 13] - still[1:, 14], axis=-1)
    middle = np.flatnonzero(quiet == 7)[4:-4]
    assert (
        len(middle) > 5
        and gap[middle].std() < 0.15 * np.linalg.norm(points[:, 13] - points[:, 14], axis=-1).std()
    )
    assert np.array_equal(still[1:, 10], points[1:, 10])  # the forehead goes on


def test_a_fixed_batch_is_learned(basis: LandmarkBasis) -> None:
    losses = learning(GeneratorNetwork(TINY, dropout=0.0), SHIPPED_FORM, basis)
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


def test_the_check_tells_right_from_wrong_sound(basis: LandmarkBasis) -> None:
    clips = [drawn_clip(60, i) for i in range(4)]
    result = MotionCheck(clips, basis, length=48)(GeneratorNetwork(TINY).eval())
    assert set(result) == {"nats_per_digit", "sync", "wrong_sync"} and -1 <= result["sync"] <= 1


def test_lips_weigh_most(basis: LandmarkBasis) -> None:
    weights = lip_weights(basis)
    assert abs(float(weights.mean()) - 1) < 1e-5 and weights[:36].min() > weights[36:40].max()


def test_the_gain_is_fitted_and_kept(tmp_path: Path, basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    path, space = tmp_path / "generator-x.safetensors", store.plain_motion_space().id
    export_generator(GeneratorNetwork(TINY), path, "generator-x", NOBODY, space)
    assert MotionGenerator.load(path, "cpu", finish=MotionFinish).lip_gain == 1
    gain = fitted_gain(
        MotionGenerator.load(path, "cpu", finish=MotionFinish), [drawn_clip(40)], basis
    )
    assert gain in GAINS
    write_gain(path, 1.7)
    assert MotionGenerator.load(path, "cpu", finish=MotionFinish).lip_gain == 1.7
    with pytest.raises(UsageError, match="no held-out"):
        fitted_gain(MotionGenerator.load(path, "cpu", finish=MotionFinish), [], basis)


def test_clips_are_set_in_step_with_their_sound() -> None:
    """Drawn lips follow the first of the features; one clip's are 3 frames late, another's follow nothing."""
    rng = np.random.default_rng(0)
    clips = {}
    for index in range(12):
        voice = np.convolve(rng.standard_normal(400), np.ones(5) / 5, "same").astype(np.float32)
        features = rng.standard_normal((400, 100)).astype(np.float32)
        features[:, 0] = 3 * voice
        track = (
            rng.standard_normal(400) if index == 5 else np.roll(voice, 3) if index == 4 else voice
        )
        points = drawn_face(1).repeat(400, 0)
        points[:, 14, 1] += (0.02 * np.abs(track + 2)).astype(np.float32)
        clips[f"clip{index}"] = (features, points, index)
    found = find_lags(clips)
    assert (
        found["clip4"][0] == 3
        and found["clip0"][0] == 0
        and found["clip0"][1] > 0.5
        and found["clip5"][1] < 0.4
    )
    assert shifted(np.arange(6), 2).tolist() == [0, 0, 0, 1, 2, 3]
    assert lip_signals(clips["clip0"][1]).shape == (400, 3)
