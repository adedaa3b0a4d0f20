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
from tests.support.training import make_cache, tiny_recipe
from vqcodec.errors import ModelError, UsageError
from vqcodec.format import from_indices, to_indices
from vqcodec.models import store
from vqcodec.models.manifest import read_manifest
from vqcodec.quantize.grfsq import quantize
from vqcodec.quantize.grfsq_torch import straight_through
from vqcodec.training.common.recipe import Recipe, load_recipe
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.data import PairSampler
from vqcodec.training.picture.samples import quantize_layers

ROOT = Path(__file__).resolve().parents[2]

torch.set_num_threads(2)


def trainer(cache: Path, out: Path, recipe: Recipe):
    pytest.importorskip("efficientnet_lite_pytorch")
    from vqcodec.training.picture.loop import Trainer

    return Trainer(recipe, shipped_basis(), cache, out, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cache(tmp_path_factory.mktemp("cache"), large=True)


@pytest.fixture(autouse=True)
def few_pictures_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check of six pictures of every clip takes longer than what is tested here."""
    pytest.importorskip("efficientnet_lite_pytorch")
    from vqcodec.training.picture import check

    monkeypatch.setattr(check, "FRAMES", 2)


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
