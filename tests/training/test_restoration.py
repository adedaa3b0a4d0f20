"""Training of the network that restores coded portraits: pairs from a cache, windows of both sides alike, a loss that falls."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.support.training import draw_face, moving_landmarks
from vqcodec.errors import ModelError
from vqcodec.lab.rate.restored import measure
from vqcodec.models import store
from vqcodec.render.renderer import Renderer
from vqcodec.render.restoration import Restoration
from vqcodec.training.common import checkpoint
from vqcodec.training.restoration.data import (
    COUNT,
    CUT_PX,
    DRAWS,
    VIEWS_PX,
    WINDOW_PX,
    Pairs,
    build_pairs,
)
from vqcodec.training.restoration.export import export
from vqcodec.training.restoration.run import Check, Losses, emphasized, fine_structure


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training clips of drawn faces and one to validate on."""
    folder = tmp_path_factory.mktemp("cache")
    for name, split, seed in (("a", "train", 1), ("b", "train", 2), ("v", "val", 3)):
        points = moving_landmarks(5, seed)
        frames = np.stack([draw_face(p, seed, 512) for p in points])
        np.save(folder / f"{name}.512.npy", frames)
        (folder / f"{name}.json").write_text(json.dumps({"split": split}))
        build_pairs(folder, name, seed)
    frames = np.stack([draw_face(p, 4, 256) for p in moving_landmarks(5, 4)])
    for name in ("s", "t"):
        np.save(folder / f"{name}.256.npy", frames)
        (folder / f"{name}.json").write_text(json.dumps({"split": "train"}))
        build_pairs(folder, name, 4)
    return folder


def test_pairs_are_training_clips_coded_and_as_they_were(cache: Path) -> None:
    made = sorted(p.name.removesuffix(".lost.npy") for p in cache.glob("*.lost.npy"))
    assert made == ["a", "a.soft", "b", "b.soft", "s.small", "t.small"]
    lost, kept = np.load(cache / "a.lost.npy"), np.load(cache / "a.kept.npy")
    assert lost.shape == (DRAWS, COUNT, 512, 512, 3) and kept.shape == lost.shape[1:]
    error = np.abs(lost.astype(int) - kept).mean((2, 3, 4))
    assert (error > 0.1).all() and (error < 20).all()
    assert np.array_equal(kept[0], np.load(cache / "a.512.npy")[0])


def test_soft_pictures_have_lost_what_small_ones_have(cache: Path) -> None:
    sharp, soft, small = (
        np.load(cache / f"{name}.kept.npy") for name in ("a", "a.soft", "s.small")
    )
    assert sharp.shape == soft.shape == small.shape == (COUNT, 512, 512, 3)
    steps = [np.abs(np.diff(x.astype(int), axis=2)).max() for x in (sharp, soft, small)]
    assert steps[1] < steps[0] and steps[2] < steps[0]
    assert np.abs(sharp.astype(int) - soft).mean() < 3


def test_clips_checked_on_are_not_trained_on(cache: Path) -> None:
    pairs = Pairs(cache, held_out=2)
    names = ["a.lost.npy", "a.soft.lost.npy", "s.small.lost.npy"]
    assert [p.name for p in pairs.held_out] == names
    assert [p.name for p in pairs.training] == ["b.lost.npy", "b.soft.lost.npy", "t.small.lost.npy"]
    whole = list(pairs.whole())
    assert len(whole) == 3
    assert all(g.shape == w.shape == (DRAWS, 3, 512, 512) for g, w in whole)


def test_windows_show_the_same_place_before_and_after(cache: Path) -> None:
    batches = Pairs(cache, held_out=2).batches(12, seed=0)
    batch = next(batches)
    given, wanted = batch["given"], batch["wanted"]
    assert given.shape == wanted.shape == (12, 3, WINDOW_PX, WINDOW_PX)
    apart = (given - wanted).abs().mean((1, 2, 3))
    others = (given - wanted.roll(1, 0)).abs().mean((1, 2, 3))
    assert (apart < 0.05).all() and apart.mean() < others.mean() / 2
    assert not torch.equal(next(batches)["given"], given)


def test_steps_of_training_take_a_loss_back() -> None:
    torch.manual_seed(0)
    net, wanted = Restoration(), torch.rand(1, 3, 32, 32).mul(0.5).add(0.4)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    found = []
    for _ in range(12):
        loss = (net(wanted - 0.1) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert found[0] == pytest.approx(0.1, abs=1e-5) and found[-1] < 0.05


def test_windows_that_lost_little_count_as_much() -> None:
    wanted = torch.full((3, 3, 8, 8), 0.5)
    given = wanted + torch.tensor([0.0, 0.02, 0.2])[:, None, None, None]
    weights = emphasized(given, wanted)
    assert weights.mean() == pytest.approx(1) and weights[0] > weights[1] > weights[2] > 0
    assert float(weights[0] / weights[2]) < 12, "an untouched one isn't all that counts"


def test_a_trained_network_becomes_part_of_a_renderer(tmp_path: Path) -> None:
    net = Restoration()
    torch.nn.init.normal_(net.out.weight)
    averaged = {name: p.detach() + 1 for name, p in net.named_parameters()}
    checkpoint.save(
        tmp_path / "checkpoint.safetensors", net, averaged, torch.optim.AdamW(net.parameters()), {}
    )
    shipped = store.current("renderer").path
    export(tmp_path, shipped, "renderer-x", tmp_path / "x.safetensors")
    with (
        safe_open(str(shipped), "pt") as before,
        safe_open(str(tmp_path / "x.safetensors"), "pt") as now,
    ):
        assert now.metadata() == {**before.metadata(), "name": "renderer-x"}
        others = [k for k in before.keys() if not k.startswith("restoration.")]  # noqa: SIM118
        assert all(torch.equal(now.get_tensor(k), before.get_tensor(k)) for k in others)
        told = now.get_tensor("restoration.out.weight").float()
        assert torch.allclose(told, averaged["out.weight"], atol=2e-3)
    renderer = Renderer.load(tmp_path / "x.safetensors", "cpu")
    assert renderer.net.restoration.out.weight.any()
    with pytest.raises(ModelError, match="not a renderer"):
        export(tmp_path, tmp_path / "checkpoint.safetensors", "x", tmp_path / "y.safetensors")


def test_what_is_checked_is_what_restoring_changes(cache: Path) -> None:
    pairs = Pairs(cache, held_out=2)
    found = Check(pairs, Losses(torch.device("cpu")))(Restoration())
    assert found["perc"] == pytest.approx(found["before_perc"], abs=1e-6) and found["perc"] > 0
    assert 25 < found["before_psnr"] < 60
    (_, untouched), (_, restored) = measure(pairs, Restoration())
    assert untouched == restored
    (_, untouched), (_, darker) = measure(pairs, lambda x: x * 0.5)
    assert float(darker[0]) > float(untouched[0]) and float(darker[2]) < float(untouched[2])


def test_views_are_drawn_anew_and_lie_inside(cache: Path) -> None:
    batches = Pairs(cache, held_out=2).batches(1, seed=0)
    views = torch.stack([next(batches)["views"] for _ in range(12)])
    assert views.shape == (12, 2, 3) and len({tuple(v) for v in views.flatten(1).tolist()}) > 6
    for sides, (side, *begins) in zip(VIEWS_PX, views.permute(1, 2, 0), strict=True):
        assert set(side.tolist()) <= set(sides) and max(sides) <= WINDOW_PX
        assert all(((begin >= 0) & (begin < CUT_PX)).all() for begin in begins)


def test_fine_structure_misses_what_smoothing_takes_wherever_it_lies() -> None:
    torch.manual_seed(0)
    flat = torch.full((1, 3, 64, 64), 0.5)
    grain = (flat + 0.02 * torch.randn(1, 3, 64, 64)).clamp(0, 1)
    other = (flat + 0.02 * torch.randn(1, 3, 64, 64)).clamp(0, 1)
    assert fine_structure(grain).shape == (1, 2, 8, 8)
    apart = [float((fine_structure(x) - fine_structure(grain)).abs().mean()) for x in (flat, other)]
    assert apart[0] > 4 * apart[1]  # which grain it is doesn't matter, that there is none does
