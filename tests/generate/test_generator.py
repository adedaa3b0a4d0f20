"""The generator: conditions, passes, windows and what training shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.generator import NOBODY, TINY, drawn_face, facts, generator
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.errors import ModelError, UsageError
from vqcodec.format import DIMS, from_digits, to_digits
from vqcodec.generate.conditions import conditions
from vqcodec.generate.generator import OVERLAP_FRAMES, WINDOW_FRAMES, MotionGenerator
from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.generate.passes import chosen, coarse_to_fine
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import Controls, read_controls
from vqcodec.gesture.emphasis import LipEmphasis
from vqcodec.models import store
from vqcodec.training.generator.clips import MotionClip, mirrored
from vqcodec.training.generator.data import Stretches, digits_of
from vqcodec.training.generator.lip_gain import GAINS, fitted_gain, write_gain
from vqcodec.training.generator.lip_tracks import find_lags, lip_signals, shifted
from vqcodec.training.generator.steps import MotionCheck, export_generator, lip_weights, loss_for
from vqcodec.training.generator.view import View
from vqcodec.training.picture.views import mirror_permutation
from vqcodec.types import ModelId


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def drawn_clip(frames: int = 60, seed: int = 0, opening: float = 0.1) -> MotionClip:
    points = drawn_face(frames, seed, opening)
    rng = np.random.default_rng(seed)
    controls = read_controls(points, shipped_head())
    rest = rng.normal(0, 0.02, (frames, 12)).astype(np.float32)
    return MotionClip(
        f"clip{seed}",
        points,
        rest,
        controls,
        controls,
        rng.integers(0, 3125, (2, frames)),
        real=True,
    )


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


@pytest.mark.parametrize(
    "shape",
    [
        TINY,
        GeneratorShape(width=16, layers=1, heads=2, groups=1),
        GeneratorShape(width=16, layers=1, heads=2, codes=0, speech=8),
        GeneratorShape(width=16, layers=1, heads=2, continuous=1),
        GeneratorShape(width=16, layers=1, heads=2, ordinal=1),
    ],
)
def test_a_fixed_batch_is_learned(shape: GeneratorShape, basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    batch = next(iter(Stretches([drawn_clip()], basis, batch=4, length=40, seed=0)))
    if not shape.codes:
        batch["speech"] = torch.randn(4, 40, 8)
    model, loss = GeneratorNetwork(shape, dropout=0.0), loss_for(basis, 6.0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        total = loss(model, batch)["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(float(total.detach()))
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


def test_the_check_tells_right_from_wrong_sound(basis: LandmarkBasis) -> None:
    clips = [drawn_clip(60, i) for i in range(4)]
    result = MotionCheck(clips, basis, length=48)(GeneratorNetwork(TINY).eval())
    assert set(result) == {"nats_per_digit", "sync", "wrong_sync"} and -1 <= result["sync"] <= 1


def test_lips_weigh_most(basis: LandmarkBasis) -> None:
    weights = lip_weights(basis)
    assert abs(float(weights.mean()) - 1) < 1e-5 and weights[:36].min() > weights[36:40].max()


def test_choice_by_likelihood_and_by_chance() -> None:
    logits = torch.zeros(1, 3, DIMS, 5)
    logits[..., 4] = 1
    assert torch.equal(chosen(logits), torch.full((1, 3, DIMS), 2.0))
    draws = [chosen(logits, 1.0, torch.Generator().manual_seed(i)) for i in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    groups = torch.zeros(1, 2, 12, 625)
    groups[..., 0 + 1 * 5 + 2 * 25 + 3 * 125] = 1
    assert chosen(groups)[0, 0, :4].tolist() == [-2.0, -1.0, 0.0, 1.0]


def test_passes_see_the_layers_before(basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    network = GeneratorNetwork(TINY, dropout=0.0).eval()
    batch = next(iter(Stretches([drawn_clip()], basis, batch=1, length=40, seed=0, spoil=False)))
    given = [batch[k] for k in ("speech", "controls", "turned", "portrait")]
    values = coarse_to_fine(network, *given)
    assert values.shape == (1, 40, DIMS) and values.abs().max() <= 170
    layer, zeros = torch.tensor([1]), torch.zeros(1, 40, DIMS, 4)
    ones = zeros.clone()
    ones[..., 0] = 1
    assert not torch.allclose(network(*given, zeros, layer), network(*given, ones, layer))


@pytest.mark.parametrize(
    "frames", [0, 1, OVERLAP_FRAMES, WINDOW_FRAMES, WINDOW_FRAMES + 1, 2 * WINDOW_FRAMES + 37]
)
def test_windows_give_every_frame_once(frames: int, basis: LandmarkBasis) -> None:
    points = drawn_face(max(frames, 1))
    controls = read_controls(points, shipped_head())[:frames]
    speech = np.arange(frames, dtype=np.int64) % 3125
    parts = list(generator(basis).generate(speech, controls, facts(points, basis)))
    made = np.concatenate([np.zeros((0, DIMS), np.int16), *parts])
    assert made.shape == (frames, DIMS) and made.dtype == np.int16
    assert (made[:, 36:40] == 0).all() and np.abs(made).max(initial=0) <= 170


def test_no_seam_between_windows(basis: LandmarkBasis) -> None:
    """Of a steady sound and head, motion changes no more at a seam than the two windows differ, spread over the overlap."""
    points = drawn_face(1).repeat(3 * WINDOW_FRAMES, 0)
    controls = read_controls(points, shipped_head())
    speech = np.full(len(points), 77, np.int64)
    made = np.concatenate(
        list(generator(basis).generate(speech, controls, facts(points, basis)))
    ).astype(float)
    steps = np.abs(np.diff(made, axis=0)).max(1)
    edges = np.concatenate([steps[:4], steps[-4:]])  # where the network itself sees an end
    seams = [WINDOW_FRAMES - OVERLAP_FRAMES + i for i in range(-2, OVERLAP_FRAMES + 2)]
    assert steps[seams].max() <= max(np.median(edges), 8)


def test_draws_repeat_with_the_seed(basis: LandmarkBasis) -> None:
    points = drawn_face(40)
    controls, speech = read_controls(points, shipped_head()), np.arange(40)
    runs = [
        np.concatenate(
            list(
                generator(basis).generate(
                    speech, controls, facts(points, basis), temperature=1.0, seed=s
                )
            )
        )
        for s in (3, 3, 4)
    ]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_lengths_must_agree(basis: LandmarkBasis) -> None:
    points = drawn_face(5)
    with pytest.raises(UsageError, match="4 speech tokens, 5 frames"):
        list(
            generator(basis).generate(
                np.zeros(4, np.int64), read_controls(points, shipped_head()), facts(points, basis)
            )
        )


def test_written_and_read_again(tmp_path: Path, basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    path = tmp_path / "generator-x.safetensors"
    space, tokenizer = store.current("motion_space").id, ModelId("speech-x", b"\xab" * 32)
    export_generator(GeneratorNetwork(TINY), path, "generator-x", tokenizer, space)
    loaded = MotionGenerator.load(path, "cpu")
    assert loaded.motion_space == space and loaded.speech_tokenizer == tokenizer
    export_generator(GeneratorNetwork(TINY), path, "generator-x", tokenizer, NOBODY)
    with pytest.raises(ModelError, match="isn't here"):
        MotionGenerator.load(path, "cpu")
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match="not a generator"):
        MotionGenerator.load(path, "cpu")


def test_lips_are_enlarged_and_nothing_else(basis: LandmarkBasis) -> None:
    shape = shipped_head()
    points = drawn_face(80)
    features = np.concatenate([basis.project(points), np.zeros((80, 12), np.float32)], 1)
    values = ((features - features[0]) / basis.units).astype(np.float32)
    controls = read_controls(points, shape)
    _, turned, _ = conditions(points[0], controls[:1], controls, features[0], basis, shape)
    emphasis = LipEmphasis(basis, shape)
    assert np.array_equal(emphasis(values, turned, features[0], 1.0), values)
    larger = basis.landmarks(
        (features[0] + emphasis(values, turned, features[0], 2.0) * basis.units).astype(np.float32)
    )
    before, after = (
        np.linalg.norm(p[:, 13] - p[:, 14], axis=-1) for p in (basis.landmarks(features), larger)
    )
    assert 1.5 < after.std() / before.std() < 2.3 and np.corrcoef(before, after)[0, 1] > 0.97
    assert (
        np.abs(larger - basis.landmarks(features))[:, 10].max() < 0.1 * np.abs(after - before).max()
    )
    still = np.repeat(values[:1], 30, 0)
    assert np.allclose(
        emphasis(still, turned[:1].repeat(30, 0), features[0], 3.0), still, atol=1e-4
    )


def test_the_gain_is_fitted_and_kept(tmp_path: Path, basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    path, space = tmp_path / "generator-x.safetensors", store.current("motion_space").id
    export_generator(GeneratorNetwork(TINY), path, "generator-x", NOBODY, space)
    assert MotionGenerator.load(path, "cpu").lip_gain == 1
    gain = fitted_gain(MotionGenerator.load(path, "cpu"), [drawn_clip(40)], basis)
    assert gain in GAINS
    write_gain(path, 1.7)
    assert MotionGenerator.load(path, "cpu").lip_gain == 1.7
    with pytest.raises(UsageError, match="no held-out"):
        fitted_gain(MotionGenerator.load(path, "cpu"), [], basis)


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
