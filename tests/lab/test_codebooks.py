"""The quantizers of Table 3: what they promise, how rows are trained, and what their indices tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.geometry import shipped_basis
from tests.support.training import make_cache
from vqcodec.errors import ModelError, UsageError
from vqcodec.lab.paper import motioncoder
from vqcodec.lab.paper import train_codebooks as trainer
from vqcodec.lab.paper.codebook_counts import counted_bits, utilisation_pct
from vqcodec.lab.paper.codebook_data import MotionData
from vqcodec.lab.paper.codebook_steps import PictureModel, RowSettings
from vqcodec.lab.paper.designs import DESIGNS, Design, Fsq, LearnedCodes, quantizer_of
from vqcodec.lab.paper.motioncoder import MotionCoder
from vqcodec.lab.paper.paperdata import TABLE_3

BY_KEY = {d.key: d for d in DESIGNS}
SMALL_VQ = Design("vq", "VQ", 1, 1, 16)
UNITS = torch.from_numpy(shipped_basis().units)


def motion(count: int, seed: int = 0) -> torch.Tensor:
    """Motion with a few strong directions, as faces have it."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 48, generator=generator) * UNITS * torch.linspace(40, 2, 48)


def fitted(design: Design, latents: torch.Tensor) -> Fsq | LearnedCodes:
    torch.manual_seed(0)
    quantizer = quantizer_of(design)
    quantizer.fit(latents)
    return quantizer


@pytest.mark.parametrize("key", BY_KEY)
def test_the_bit_rate_is_the_papers(key: str) -> None:
    printed, kbps = TABLE_3[key].kbps, BY_KEY[key].raw_kbps
    if printed.startswith("<"):
        assert kbps < float(printed[1:])
    elif printed.startswith("≈"):
        assert round(kbps) == float(printed[1:])
    else:
        assert kbps == pytest.approx(float(printed))


def test_the_rows_are_the_papers() -> None:
    found = [(d.method, d.groups, d.residuals, d.code_text) for d in DESIGNS]
    assert found == [
        ("VQ", 1, 1, "8196"),
        ("GVQ", 32, 1, "1024"),
        ("RVQ", 1, 32, "1024"),
        ("GRVQ", 12, 4, "1024"),
        ("GRFSQ", 8, 4, "5x5x5x5"),
        ("GRFSQ", 12, 2, "5x5x5x5"),
        ("GRFSQ", 12, 4, "4x4x4x4"),
        ("GRFSQ", 12, 4, "6x6x6x6"),
        ("GRFSQ", 12, 4, "5x5x5x5"),
    ]
    assert [d.latent_dims for d in DESIGNS] == [48, 64, 48, 48, 32, 48, 48, 48, 48]
    assert list(TABLE_3) == [d.key for d in DESIGNS]


@pytest.mark.parametrize("key", ["grvq", "grfsq-12x4-4", "grfsq-12x4-5"])
def test_gradients_pass_straight_through(key: str) -> None:
    torch.manual_seed(0)
    latents = torch.randn(64, BY_KEY[key].latent_dims, requires_grad=True)
    quantized = fitted(BY_KEY[key], torch.randn(2048, latents.shape[1]))(latents)
    assert not torch.equal(quantized.values, latents)
    weight = torch.randn_like(latents)
    (quantized.values * weight).sum().backward()
    assert torch.equal(latents.grad, weight)


@pytest.mark.parametrize(
    "key",
    ["vq", "gvq", "rvq", "grvq", "grfsq-8x4-5", "grfsq-12x2-5", "grfsq-12x4-4", "grfsq-12x4-6"],
)
def test_indices_say_all(key: str) -> None:
    design = BY_KEY[key]
    latents = torch.randn(96, design.latent_dims)
    quantizer = fitted(design, latents)
    values, indices, _ = quantizer(latents)
    assert indices.shape == (96, design.groups, design.residuals)
    assert indices.min() >= 0 and indices.max() < design.codes
    torch.testing.assert_close(quantizer.decode(indices), values, atol=1e-4, rtol=0)


@pytest.mark.parametrize("levels", [4, 5, 6])
def test_fsq_has_so_many_evenly_spaced_levels(levels: int) -> None:
    quantizer = Fsq(Design("x", "GRFSQ", 1, 1, levels**4, levels))
    reached = quantizer.decode(torch.arange(levels**4)[:, None, None])
    assert len(torch.unique(reached, dim=0)) == levels**4
    for column in reached.T:
        wanted = torch.arange(levels) - (levels - 1) / 2
        assert torch.equal(torch.unique(column), wanted)
    assert torch.equal(quantizer(reached).indices[:, 0, 0], torch.arange(levels**4))


def test_residual_stages_of_five_levels_are_the_codecs_integers() -> None:
    quantizer = Fsq(BY_KEY["grfsq-12x4-5"])
    whole = torch.arange(-170, 171).float()[:, None].expand(-1, 48)
    assert torch.equal(quantizer(whole).values, whole)
    assert quantizer.reach == 170
    beyond = quantizer(torch.full((1, 48), 300.0))
    assert torch.equal(beyond.values, torch.full((1, 48), 170.0)) and beyond.stray == 130**2


def test_a_residual_sum_comes_nearer_stage_by_stage() -> None:
    latents = torch.randn(2048, 48)
    quantizer = fitted(Design("x", "RVQ", 1, 6, 64), latents)
    indices = quantizer(latents).indices
    taken = [quantizer._taken(indices[..., r].T, r) for r in range(6)]
    errors = [
        (latents - torch.stack(taken[: n + 1]).sum(0)[0]).square().mean().item() for n in range(6)
    ]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.8 * errors[0]


def test_learned_codes_find_clusters_and_follow_them() -> None:
    torch.manual_seed(0)
    centres = torch.randn(4, 48) * 10
    data = centres[torch.randint(4, (512,))] + 0.01 * torch.randn(512, 48)
    quantizer = fitted(SMALL_VQ, data)
    for step in range(300):
        quantizer(data, learn=True, revive=step % 50 == 49)
    assert quantizer(data).stray < 1e-3
    for _ in range(600):
        quantizer(data + 1, learn=True)
    assert quantizer(data + 1).stray < 1e-2


def test_dead_codes_come_back() -> None:
    data = torch.randn(512, 48)
    quantizer = fitted(SMALL_VQ, data)
    quantizer.codes[0, 0, 1:] = 1000.0
    quantizer.hits[0, 0, 1:] = 0.0
    assert len(quantizer(data).indices.unique()) == 1
    quantizer(data, learn=True, revive=True)
    assert len(quantizer(data).indices.unique()) > 12


def test_a_collapsed_row_shows_in_its_utilisation() -> None:
    coder = MotionCoder(BY_KEY["grvq"], UNITS)
    torch.manual_seed(0)
    coder.fit(motion(2048))
    alive = utilisation_pct([coder(motion(2048)).indices.numpy()], 1024)
    coder.quantizer.codes[:, :, 1:] = 1e6
    collapsed = coder(motion(2048)).indices.numpy()
    assert alive > 40
    assert utilisation_pct([collapsed], 1024) == pytest.approx(100 / 1024)
    assert counted_bits([collapsed], 1024) < 48 * 20


def test_utilisation_counts_codes_over_all_clips_and_codebooks() -> None:
    first = np.array([[[0, 1]], [[0, 2]]])
    second = np.array([[[3, 1]]])
    assert utilisation_pct([first, second], 8) == pytest.approx((2 / 8 + 2 / 8) / 2 * 100)


def test_counted_bits_is_an_adaptive_coders_length() -> None:
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 5, (n, 1, 1)).repeat(2, 0) for n in (30, 20)]
    bits, seen, flags = 0.0, np.zeros(5), [0, 0]
    for clip in clips:
        previous = None
        for symbol in clip[:, 0, 0]:
            if previous is not None:
                same = int(symbol == previous)
                bits -= np.log2((flags[same] + 0.5) / (sum(flags) + 1))
                flags[same] += 1
            if previous is None or symbol != previous:
                bits -= np.log2((seen[symbol] + 0.02) / (seen.sum() + 0.02 * 5))
                seen[symbol] += 1
            previous = symbol
    assert counted_bits(clips, 5) == pytest.approx(bits)


def test_a_saved_row_codes_the_same(tmp_path: Path) -> None:
    coder = MotionCoder(BY_KEY["gvq"], UNITS)
    coder.fit(motion(1200))
    path = tmp_path / "gvq.safetensors"
    motioncoder.save(path, coder, {"0.weight": torch.ones(2, 2)}, {"seconds": 3})
    again, conditioning = motioncoder.load(path)
    delta = motion(10, seed=1)
    assert torch.equal(again(delta).delta, coder(delta).delta)
    torch.testing.assert_close(
        again.decode(again(delta).indices), again(delta).delta, atol=1e-2, rtol=0
    )
    assert torch.equal(conditioning["0.weight"], torch.ones(2, 2))
    assert motioncoder.facts_of(path) == {"key": "gvq", "seconds": 3}
    (tmp_path / "other.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelError, match="not a trained row"):
        motioncoder.load(tmp_path / "other.safetensors")


def test_pairs_of_motion_stay_within_a_clip() -> None:
    features = (
        np.repeat(np.arange(4, dtype=np.float32) * 1000, 5)[:, None].repeat(48, 1)
        + np.arange(20)[:, None] % 5
    )
    data = MotionData(
        features.astype(np.float32), np.arange(4) * 5, np.full(4, 5), np.full(4, 0.25)
    )
    deltas = data.deltas(np.random.default_rng(0), 500)
    assert deltas.abs().max() == 4 and len(deltas.unique()) == 9


def test_rows_are_trained_once_with_the_renderer_frozen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, out = make_cache(tmp_path / "cache"), tmp_path / "rows"
    command = [
        "--cache",
        str(cache),
        "--out",
        str(out),
        "--rows",
        "vq,grfsq-12x2-5",
        "--feature-steps",
        "3",
        "--picture-steps",
        "1",
        "--fit-pairs",
        "300",
        "--motion-batch",
        "32",
        "--targets",
        "1",
    ]
    assert trainer.main(command) == 0
    path = out / "grfsq-12x2-5.safetensors"
    facts = motioncoder.facts_of(path)
    assert facts["clips"] == 2 and facts["settings"]["feature_steps"] == 3
    assert set(facts["losses"]) == {"motion", "stray", "output", "warped", "perceptual", "landmark"}
    _, conditioning = motioncoder.load(path)
    shipped = PictureModel(shipped_basis()).conditioning.state_dict()
    assert any(not torch.equal(conditioning[k], v) for k, v in shipped.items())
    for name, value in shipped.items():
        torch.testing.assert_close(conditioning[name], value, atol=0.01, rtol=0)
    made = path.stat().st_mtime_ns
    capsys.readouterr()
    assert trainer.main(command) == 0
    assert capsys.readouterr().out.endswith("vq: there already\ngrfsq-12x2-5: there already\n")
    assert path.stat().st_mtime_ns == made


def test_only_the_conditioning_and_the_coder_get_gradients() -> None:
    model = PictureModel(shipped_basis())
    model.start()
    names = {n for n, p in model.named_parameters() if p.requires_grad}
    assert names and all(n.startswith("frozen.renderer.film.") for n in names)


def test_decoded_landmarks_are_differentiable_and_right() -> None:
    basis, model = shipped_basis(), PictureModel(shipped_basis())
    features = (motion(3)[:, :36] / 10).requires_grad_()
    points = model.landmarks(features)
    np.testing.assert_allclose(
        points.detach().numpy(), basis.landmarks(features.detach().numpy()) * 2 - 1, atol=1e-5
    )
    torch.testing.assert_close(model.landmark_features(points), features, atol=1e-2, rtol=1e-3)
    points.sum().backward()
    assert features.grad.abs().sum() > 0


def test_unknown_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="no row pq"):
        trainer.chosen_rows("vq,pq")
    assert [d.key for d in trainer.chosen_rows("rvq,vq")] == ["vq", "rvq"]
    assert RowSettings().to_json()["feature_steps"] == 2000
