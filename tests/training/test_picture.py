"""The trainer: losses fall, a resumed run is the run it resumes, a recipe's numbers are used, two processes agree."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.geometry import shipped_basis
from tests.support.training import make_cache, moving_landmarks, tiny_recipe
from vqcodec.errors import ModelError, UsageError
from vqcodec.format import from_indices, to_indices
from vqcodec.models import store
from vqcodec.models.manifest import read_manifest
from vqcodec.quantize.grfsq import quantize
from vqcodec.quantize.grfsq_torch import straight_through
from vqcodec.render.likeness import importance
from vqcodec.training.common.recipe import Recipe, load_recipe
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.data import PairSampler
from vqcodec.training.picture.losses import (
    EYE_CORNERS,
    EYES_WINDOW,
    MOUTH_WINDOW,
    feature_window,
    landmark_flow_error,
    landmark_window,
    unsteadiness,
)
from vqcodec.training.picture.samples import quantize_layers
from vqcodec.training.picture.views import mirror_permutation

ROOT = Path(__file__).resolve().parents[2]

torch.set_num_threads(2)


def trainer(cache: Path, out: Path, recipe: Recipe):
    pytest.importorskip("efficientnet_lite_pytorch")
    from vqcodec.training.picture.loop import Trainer

    return Trainer(recipe, shipped_basis(), cache, out, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cache(tmp_path_factory.mktemp("cache"), large=True)


def test_steps_on_one_batch_lower_the_loss(cache: Path, tmp_path: Path) -> None:
    from vqcodec.training.picture.batches import to_tensors

    run = trainer(cache, tmp_path, tiny_recipe(lr=1e-3))
    stage = run.recipe.stages[0]
    sampler = PairSampler(
        load_clips(cache, "train"), run.basis, size=128, portraits=1, targets=2, seed=0
    )
    batch = to_tensors(sampler.batch(), run.device)
    totals = []
    for step in range(8):
        values = run.train_step(batch, stage, step)
        # the perceptual loss looks through a random window: another number for the same pictures
        totals.append(sum(stage.weights[k] * values[k] for k in stage.weights if k != "perceptual"))
    assert max(totals[5:]) < totals[0], totals


def test_resume_goes_on_where_the_run_stopped(cache: Path, tmp_path: Path) -> None:
    first = trainer(cache, tmp_path, tiny_recipe())
    first.run(steps=2)
    again = trainer(cache, tmp_path, tiny_recipe())
    again.resume()
    assert again.step == 2
    for (name, a), (_, b) in zip(
        first.model.named_parameters(), again.model.named_parameters(), strict=True
    ):
        assert torch.equal(a, b), name
        assert torch.equal(first.ema[name], again.ema[name])
        state, restored = first.optimizer.state[a], again.optimizer.state[b]
        assert set(state) == set(restored)
        assert all(
            torch.equal(torch.as_tensor(state[k]), torch.as_tensor(restored[k])) for k in state
        )
    again.run(steps=1)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [e["step"] for e in entries if "output" in e] == [2, 3]
    assert (tmp_path / "sheet-000003-clean.png").is_file()


def test_resume_without_a_checkpoint_starts_from_the_shipped_weights(
    cache: Path, tmp_path: Path
) -> None:
    from safetensors import safe_open

    run = trainer(cache, tmp_path, tiny_recipe())
    run.resume()
    with safe_open(str(store.current("renderer").path), "pt") as handle:
        expected = handle.get_tensor("head.out.bias").float()
    assert torch.equal(run.model.renderer.head.out.bias.detach(), expected)
    assert run.step == 0


def test_a_foreign_file_is_not_a_checkpoint(cache: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    run = trainer(cache, tmp_path, tiny_recipe())
    save_file({"a": torch.zeros(1)}, str(run.checkpoint_path))
    with pytest.raises(ModelError, match="not a checkpoint"):
        run.resume()


def test_the_512_stage_trains_only_the_512_head(cache: Path, tmp_path: Path) -> None:
    run = trainer(cache, tmp_path, tiny_recipe(size_px=512, targets=1))
    before = {n: p.detach().clone() for n, p in run.model.named_parameters()}
    run.run(steps=1)
    changed = {n for n, p in run.model.named_parameters() if not torch.equal(p, before[n])}
    assert changed and all(n.startswith("renderer.detail.") for n in changed)


def test_exported_weights_load_as_motion_space_and_renderer(cache: Path, tmp_path: Path) -> None:
    from vqcodec.motion.space import MotionSpace
    from vqcodec.training.picture.run import export_all

    run = trainer(cache, tmp_path, tiny_recipe())
    export_all(run, tmp_path / "models", name="tiny")
    manifest = {entry.kind: entry for entry in read_manifest(tmp_path / "models")}
    space = MotionSpace.load(tmp_path / "models" / manifest["motion_space"].file)
    assert space.id.sha256.hex() == manifest["motion_space"].sha256
    assert np.array_equal(space.units, run.basis.units)
    found = store.opened(tmp_path / "models" / manifest["renderer"].file)
    assert found.id.sha256.hex() == manifest["renderer"].sha256


@pytest.mark.slow
def test_two_processes_train_the_same_weights(cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "tests.support.distributed_run",
        str(cache),
        str(tmp_path),
    ]
    subprocess.run(command, check=True, timeout=300, capture_output=True, cwd=ROOT)
    sums = [json.loads((tmp_path / f"rank{r}.json").read_text()) for r in (0, 1)]
    assert sums[0]["weights"] == sums[1]["weights"]
    assert sums[0]["batch"] != sums[1]["batch"], "each process must see its own samples"
    assert (
        len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
    )  # only the first process logs


def test_numpy_and_torch_quantizers_agree_with_the_normative_one() -> None:
    rng = np.random.default_rng(0)
    units = rng.uniform(0.5, 8, 48).astype(np.float32)
    delta = (rng.normal(0, 60, (40, 48)) * units).astype(np.float32)
    indices = to_indices(quantize(delta, units))
    for layers in (1, 2, 3, 4):
        expected = from_indices(indices[..., :layers]) * units
        count = np.full(len(delta), layers)
        assert np.allclose(quantize_layers(delta, units, count), expected)
        mine = straight_through(
            torch.from_numpy(delta), torch.from_numpy(units), torch.from_numpy(count)
        )
        assert np.allclose(mine.numpy(), expected, atol=1e-3)


def test_straight_through_passes_the_gradient() -> None:
    delta = torch.randn(3, 5, requires_grad=True)
    straight_through(delta, torch.ones(5), torch.tensor([1, 2, 4])).sum().backward()
    assert torch.equal(delta.grad, torch.ones(3, 5))


def test_mirror_swaps_left_and_right() -> None:
    mirror = mirror_permutation(shipped_basis().mean)
    assert np.array_equal(mirror[mirror], np.arange(478))
    for right, left in (
        (33, 263),
        (61, 291),
        (159, 386),
        (105, 334),
        (78, 308),
        (234, 454),
        (468, 473),
        (13, 13),
    ):
        assert mirror[right] == left


def test_samples_keep_faces_inside_and_are_repeatable(cache: Path) -> None:
    clips = load_clips(cache, "train")
    batches = [
        PairSampler(clips, shipped_basis(), size=128, portraits=2, targets=3, seed=5).batch()
        for _ in range(2)
    ]
    for key in batches[0]:
        assert np.array_equal(batches[0][key], batches[1][key])
    batch = batches[0]
    assert batch["source"].shape == (2, 1, 128, 128, 3) and batch["target"].shape == (
        2,
        3,
        128,
        128,
        3,
    )
    for key in ("true_s", "true_t"):
        assert batch[key].min() > -0.01 and batch[key].max() < 1.01


def test_landmark_flow_error_is_zero_for_the_right_flow() -> None:
    points = torch.from_numpy(moving_landmarks(2, 0)) * 2 - 1
    shift = torch.tensor([0.1, -0.05])
    flow = shift[None, :, None, None].expand(2, 2, 32, 32)
    assert landmark_flow_error(flow, points + shift, points) < 1e-6
    assert landmark_flow_error(torch.zeros(2, 2, 32, 32), points + shift, points) > 0.05


def test_recipes() -> None:
    recipe = load_recipe("base")
    assert recipe.at(0)[0].name == recipe.stages[0].name
    assert recipe.at(recipe.total_steps + 5)[0] is recipe.stages[-1]
    assert all(set(s.weights) >= {"output", "perceptual"} for s in recipe.stages)
    with pytest.raises(UsageError, match="no recipe"):
        load_recipe("nonsense")


def test_unknown_keys_in_a_recipe_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        'name = "x"\nseed = 1\nema = 0.9\ncheck_every = 1\nsave_every_s = 1\nflavour = 2\n[[stage]]\nname = "a"\n'
        "size_px = 128\nsteps = 1\nlr = 1.0\nlr_end = 1.0\nportraits = 1\ntargets = 1\n"
    )
    with pytest.raises(UsageError, match="flavour"):
        load_recipe(str(path))


def test_stage_is_immutable() -> None:
    stage = load_recipe("base").stages[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage.lr = 1.0  # type: ignore[misc]


def test_feature_windows_show_the_same_place_of_every_picture_as_large_as_the_face_asks() -> None:
    torch.manual_seed(3)
    ramp = torch.linspace(-1, 1, 256)
    picture = torch.stack(
        [ramp.expand(256, 256), ramp[:, None].expand(256, 256), torch.zeros(256, 256)]
    )[None].repeat(2, 1, 1, 1)
    points = torch.zeros(2, 478, 2)
    points[:, list(MOUTH_WINDOW.points), 1] = 0.3
    points[:, EYE_CORNERS[0], 0], points[:, EYE_CORNERS[1], 0] = (
        torch.tensor([-0.2, -0.1]),
        torch.tensor([0.2, 0.1]),
    )
    first, second = landmark_window(
        picture, 1 - picture, landmarks=points, **MOUTH_WINDOW._asdict()
    )
    assert first.shape == (2, 3, *MOUTH_WINDOW.size)
    torch.testing.assert_close(first, 1 - second)
    span = first[:, 0, 0, -1] - first[:, 0, 0, 0]
    torch.testing.assert_close(
        span, MOUTH_WINDOW.span * torch.tensor([0.4, 0.2]), rtol=0.02, atol=0.0
    )
    assert torch.allclose(first[:, 1].mean((1, 2)), torch.tensor(0.3), atol=0.01)


def test_feature_windows_are_mouths_and_eyes() -> None:
    torch.manual_seed(0)
    points = torch.rand(2, 478, 2) - 0.5
    shapes = {
        tuple(feature_window(torch.rand(2, 3, 64, 64), landmarks=points)[0].shape[2:])
        for _ in range(20)
    }
    assert shapes == {MOUTH_WINDOW.size, EYES_WINDOW.size}


def test_an_error_that_moves_with_the_face_is_steady() -> None:
    torch.manual_seed(0)
    target, error = torch.rand(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)
    error[0, :, 20:30, 20:30] = 0.3
    error[1, :, 20:30, 24:34] = 0.3
    flow = torch.zeros(1, 2, 16, 16)
    flow[:, 0] = -4 * 2 / 64  # the later picture's face lies 4 pixels to the right
    weight = torch.ones(2, 1, 64, 64)
    assert unsteadiness(target + error, target, flow, weight) < 1e-6
    assert unsteadiness(target + error, target, 0 * flow, weight) > 1e-3
    assert unsteadiness(target + error, target, 0 * flow, 0 * weight) == 0


def test_mouth_and_eyes_weigh_most() -> None:
    maps = torch.zeros(1, 8, 128, 128)
    maps[:, 0, 32:96, 32:96] = 1
    maps[:, 1, 80:84, 56:72] = 1
    weight = importance(maps, 256)[0, 0]
    assert weight.mean() == pytest.approx(1, abs=0.02)
    corner, cheek, mouth = weight[4, 4], weight[80, 80], weight[164, 128]
    assert corner < cheek < mouth
    assert mouth / corner == pytest.approx(10.5, rel=0.05)


def test_a_stage_with_an_opponent_trains_both_and_goes_on(cache: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(
        weights={**tiny_recipe().stages[0].weights, "adversarial": 0.1, "matching": 0.5}
    )
    run = trainer(cache, tmp_path, recipe)
    run.run(steps=2)
    assert run.opponent is not None and (tmp_path / "discriminator.safetensors").is_file()
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {"adversarial", "matching", "hinge"} <= set(logged[0])
    again = trainer(cache, tmp_path, recipe)
    again.resume()
    again.run(steps=1)
    assert again.step == 3


def test_a_view_moves_surroundings_with_the_picture() -> None:
    from vqcodec.geometry.similarity import to_matrix
    from vqcodec.training.picture.views import seen_through

    numbers = np.array([[5, -3, 4, 6, -8, 2, -3, 1]], np.float32)
    view = np.array([[1.5, 0, -40], [0, 1.5, -25]], np.float32)
    for flip in (False, True):
        seen = seen_through(numbers, view, flip, 256, 256)
        for part in range(2):
            there, shown = (to_matrix(x.reshape(1, 2, 4))[0, part] for x in (numbers, seen))
            point = np.array([100.0, 140.0])  # frame pixels, from the picture's edge

            def look(p: np.ndarray, flip: bool = flip) -> np.ndarray:
                out = p * 1.5 + view[:, 2]
                return np.array([256 - out[0], out[1]]) if flip else out

            moved = (there @ [*(point / 128 - 1), 1])[:2] * 128 + 128
            expected = (shown @ [*(look(point) / 128 - 1), 1])[:2] * 128 + 128
            assert np.allclose(look(moved), expected, atol=1e-3)


def test_open_mouths_are_drawn_more_often(cache: Path) -> None:
    from dataclasses import replace

    from vqcodec.training.picture.clips import load_clips, mouth_odds

    clip = load_clips(cache, "train", side=256)[0]
    points = clip.landmarks.copy()
    points[:, 14] = points[:, 13]
    points[3, 14, 1] += 0.2 * np.linalg.norm(points[3, 10] - points[3, 152])
    odds = mouth_odds(replace(clip, landmarks=points))
    assert odds.sum() == pytest.approx(1) and odds.argmax() == 3
    assert odds[3] == pytest.approx(21 * odds[0], rel=1e-3), "a shut mouth keeps a chance"
