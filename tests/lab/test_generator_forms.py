"""The generator's forms of Table 4: each learns, and is run as it was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.generator import NOBODY, drawn_clip, drawn_face, facts, learning
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.format import DIMS, to_digits, to_indices
from vqcodec.generate.network import GeneratorNetwork
from vqcodec.geometry.controls import read_controls
from vqcodec.lab.paper.generator_forms import (
    ContinuousGenerator,
    DigitGenerator,
    FeatureInput,
    GroupGenerator,
    built,
    digits_of_tokens,
    form_of,
    grouped_passes,
    tell_scale,
    tokens_of,
)
from vqcodec.lab.paper.table4_models import ROWS, load_row, row_recipe
from vqcodec.training.common.recipe import load_plain
from vqcodec.training.generator.check import MotionCheck
from vqcodec.training.generator.export import export_generator
from vqcodec.training.generator.form import SHIPPED_FORM
from vqcodec.training.generator.losses import motion_loss

SMALL = dict(width=16, layers=1, heads=2)
FEATURES = 8
KINDS = {
    "cc": ContinuousGenerator,
    "dc": ContinuousGenerator,
    "cd": GeneratorNetwork,
    "dd": GeneratorNetwork,
    "df": DigitGenerator,
    "dg": GroupGenerator,
}


def facts_of(row: str) -> dict[str, int]:
    """The [shape] of a tiny row."""
    own = ROWS[row] | ({"speech": FEATURES} if "speech" in ROWS[row] else {})
    return SMALL | own


@pytest.mark.parametrize("row", ROWS)
def test_a_fixed_batch_is_learned(row: str) -> None:
    torch.manual_seed(0)
    form, facts_ = form_of(facts_of(row)), facts_of(row)
    network = form.build(facts_, 0.0)
    assert type(network) is KINDS[row] and form.features == (row[0] == "c")
    speech = torch.randn(4, 40, FEATURES) if form.features else None
    losses = learning(network, form, shipped_basis(), speech)
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:8])


def test_the_shipped_form_is_one_of_them() -> None:
    facts_ = facts_of("dd")
    torch.manual_seed(0)
    ours = built(facts_, 0.0)
    torch.manual_seed(0)
    shipped = SHIPPED_FORM.build(facts_, 0.0)
    assert all(torch.equal(a, shipped.state_dict()[k]) for k, a in ours.state_dict().items())
    assert form_of(facts_).loss is motion_loss is SHIPPED_FORM.loss


def test_tokens_are_the_formats() -> None:
    values = np.arange(-170, 171)[:, None].repeat(DIMS, 1)
    digits = torch.from_numpy(to_digits(values)[..., 0].astype(np.int64))
    tokens = tokens_of(digits)
    assert np.array_equal(tokens.numpy(), to_indices(values)[..., 0])
    assert torch.equal(digits_of_tokens(tokens), digits)


def test_the_likeliest_token_of_a_group_is_taken() -> None:
    network = built(facts_of("dg"), 0.0).eval()
    told = torch.full((1, 3, 12, 625), -1.0)
    told[..., 0 + 1 * 5 + 2 * 25 + 3 * 125] = 1
    network.forward = lambda *given: told  # type: ignore[method-assign]
    values = grouped_passes(
        network, torch.zeros(1, 3), torch.zeros(1, 3, 18), *[torch.zeros(1)] * 2
    )
    assert values[0, 0, :4].tolist() == [-170, -85, 0, 85]


@pytest.mark.parametrize("row", ["cc", "dc", "df", "dg"])
def test_a_row_is_written_read_and_run(tmp_path: Path, row: str) -> None:
    torch.manual_seed(0)
    path, basis = tmp_path / "row.safetensors", shipped_basis()
    export_generator(built(facts_of(row), 0.0), path, "row", NOBODY, NOBODY)
    model, points = load_row(path), drawn_face(12)
    speech = np.zeros((12, FEATURES), np.float16) if row[0] == "c" else np.arange(12)
    portrait = facts(points, basis)
    made = model.motion(speech, read_controls(points, shipped_head()), portrait)
    units = (made - portrait.features) / basis.units
    assert made.shape == (12, DIMS) and np.isfinite(made).all()
    assert np.abs(units[:, 36:40]).max() == 0
    assert (row[1] == "c") != np.allclose(units, np.rint(units), atol=1e-3)


def test_a_row_is_checked_by_its_own_loss() -> None:
    clips = [drawn_clip(60, i) for i in range(4)]
    form = form_of(facts_of("dc"))
    network = form.build(facts_of("dc"), 0.0).eval()
    result = MotionCheck(clips, shipped_basis(), 48, form)(network)
    assert set(result) == {"nats_per_digit", "sync", "wrong_sync"}


def test_features_are_told_their_scale() -> None:
    network = built(facts_of("cd"), 0.0)
    clip = drawn_clip(40)
    sound = np.random.default_rng(0).normal(3, 2, (1, 40, FEATURES)).astype(np.float16)
    object.__setattr__(clip, "speech", sound)
    tell_scale(network, [clip])
    assert isinstance(network.speech, FeatureInput)
    assert abs(float(network.speech.mean.mean()) - 3) < 1
    assert abs(float(network.speech.scale.mean()) - 2) < 1


@pytest.mark.parametrize("row", ROWS)
def test_recipes_of_rows(tmp_path: Path, row: str) -> None:
    import vqcodec.lab.paper.table4_models as module

    base = Path(module.__file__).with_name("table4.toml").read_text()
    path = tmp_path / "row.toml"
    path.write_text(row_recipe(base, row))
    shape = load_plain(str(path)).shape
    assert shape == {"width": 128, "layers": 12, "heads": 4, "codes": 3125} | ROWS[row]
