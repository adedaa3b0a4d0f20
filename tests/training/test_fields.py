"""The field in training: a basis out of what was left over, what samples are told, who is told nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from tests.support.field import TOLD, bent, smooth_basis
from tests.support.geometry import shipped_basis
from tests.support.training import draw_face, make_cache, moving_landmarks
from vqcodec.format import DIMS, LAYER_STEPS, LAYERS
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.field import read_field
from vqcodec.geometry.layout import MOTION_2, Layout, read_layout
from vqcodec.models import store
from vqcodec.motion.field import CELLS
from vqcodec.motion.space import MotionSpace
from vqcodec.render.field_flow import field_share
from vqcodec.render.reference import ReferenceFlow
from vqcodec.training.picture import field_fit
from vqcodec.training.picture.batches import to_tensors
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.data import PairSampler
from vqcodec.training.picture.fields import SIDE, FieldTeller, nothing_told
from vqcodec.training.picture.model import PictureAutoencoder

CURRENT = store.current("motion_space").path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def teller() -> FieldTeller:
    found = FieldTeller.of_space(CURRENT)
    assert found is not None
    return found


# --- a basis ---


def test_what_is_unknown_is_completed_smoothly() -> None:
    known = np.zeros((2, CELLS, CELLS, 2))
    known[0, ..., 0], known[1, ..., 1] = 2.0, -3.0
    weights = np.zeros((2, CELLS, CELLS))
    weights[:, :, :6] = 5.0
    known[:, :, 6:] = 900.0  # nonsense where nothing is known
    found = field_fit.smoothly_completed(known, weights)
    assert np.abs(found[0, :, :5, 0] - 2).max() < 0.1 and np.abs(found[0, :, :, 1]).max() < 1e-6
    assert np.abs(found[1, :, :5, 1] + 3).max() < 0.15
    beyond = found[0, CELLS // 2, 5:, 0]
    assert (np.diff(beyond) < 0).all() and beyond[0] > beyond[-1] > 0, "it dies away"


def test_components_span_the_flows_they_are_found_in() -> None:
    rng, true = np.random.default_rng(0), smooth_basis(6).components[[1, 5]].astype(np.float64)
    amounts = rng.normal(size=(60, 2)) * [3, 1]
    weights = rng.uniform(1, 2, (60, CELLS, CELLS))
    found = field_fit.components(np.tensordot(amounts, true, 1), weights, 2)
    assert found.shape == (2, CELLS, CELLS, 2) and found.dtype == np.float32
    flat, wanted = found.reshape(2, -1).T, true.reshape(2, -1).T
    left = wanted - flat @ np.linalg.lstsq(flat, wanted, rcond=None)[0]
    assert np.abs(left).max() < 0.15
    strongest = np.abs(np.corrcoef(found[0].ravel(), true[0].ravel())[0, 1])
    assert strongest > 0.95, "the first says most"
    place = weights.mean(0)[..., None]
    moved = np.sqrt((found**2 * place).sum((1, 2, 3)) / place.sum())
    assert np.allclose(moved, 1, atol=0.15), "a coefficient of 1 is about a pixel"


def test_a_space_with_a_field_is_written(cache: Path, tmp_path: Path) -> None:
    target = tmp_path / "motion-x.safetensors"
    field_fit.fit(cache, target, CURRENT, store.current("renderer").path, 4)
    layout, field = read_layout(target), read_field(target)
    assert (layout.dims, layout.field) == (DIMS + 4, 4)  # in place of the field that it had
    assert field is not None and field.components.shape == (4, CELLS, CELLS, 2)
    assert np.isfinite(field.components).all()
    units = read_basis(target).units
    assert np.array_equal(units[:DIMS], shipped_basis().units)
    assert (units[DIMS:] == field_fit.UNIT_PX).all()
    space = MotionSpace.load(target, "cpu")
    assert space.layout == layout and space.id.name == "motion-x"
    assert ReferenceFlow.load(target, "cpu").layout == layout
    with safe_open(str(target), "np") as handle:
        assert (handle.metadata() or {})["name"] == "motion-x"


# --- samples ---


def sample(amount: float, portraits: int = 1) -> list[NDArray[np.generic]]:
    """Frames, landmarks and surroundings of a drawn face that stands still, and is bent in the last frame."""
    points = np.repeat(moving_landmarks(1, 1), portraits + 1, 0)
    still = draw_face(points[0], 1, 256)
    frames = np.stack(
        [still] * portraits + [bent(still, smooth_basis(), TOLD * np.float32(amount))]
    )
    return [frames, points, np.zeros((portraits + 1, 8), np.float32)]


def test_what_is_told_is_what_a_stream_can_tell(teller: FieldTeller) -> None:
    field = read_field(CURRENT)
    assert field is not None
    units = read_basis(CURRENT).units[DIMS:]
    planes = np.moveaxis(field.at(SIDE), -1, 1).reshape(len(field.components), -1) / 128
    for layers in range(1, LAYERS + 1):
        told = teller.flows(*sample(4, 2), np.array([layers]))  # type: ignore[arg-type]
        assert told.shape == (2, 1, 2, SIDE, SIDE) and told.dtype == np.float32
        assert np.array_equal(told[0], told[1]), "both portraits are the same picture"
        steps = np.linalg.lstsq(planes.T, told[0].ravel(), rcond=None)[0]
        steps /= units * LAYER_STEPS[layers - 1]
        assert np.abs(steps - np.round(steps)).max() < 0.01
        assert layers < LAYERS or np.abs(steps).max() > 1


def test_nothing_is_told_of_the_same_picture(teller: FieldTeller) -> None:
    told = teller.flows(*sample(0), np.array([LAYERS]))  # type: ignore[arg-type]
    assert np.abs(told).max() * 128 < 0.5


def test_spaces_without_a_field_have_no_teller() -> None:
    assert FieldTeller.of_space(store.plain_motion_space().path) is None
    assert not nothing_told(2, 3).any() and nothing_told(2, 3).shape == (2, 3, 2, SIDE, SIDE)


class Ones(FieldTeller):
    """Tells ones of everything."""

    def __init__(self) -> None:
        self.asked = 0

    def flows(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32],
        layers: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        assert frames.dtype == np.uint8 and landmarks.dtype == np.float32
        assert len(frames) == len(landmarks) == len(surroundings)
        self.asked += 1
        return nothing_told(len(frames) - len(layers), len(layers)) + 1


@pytest.mark.parametrize("layout", [Layout(), MOTION_2, None])
def test_samples_say_their_field(cache: Path, layout: Layout | None) -> None:
    teller, found = Ones(), []
    sampler = PairSampler(
        load_clips(cache, "train"),
        shipped_basis(),
        size=128,
        portraits=2,
        targets=2,
        seed=1,
        layout=layout,
        fields=teller,
    )
    for _ in range(20):
        for told in sampler.batch()["field"]:
            assert told.shape[1:] == (2, 2, SIDE, SIDE)
            found.append(bool(told.all()))
            assert told.any() == found[-1]
    if layout == Layout():
        assert not any(found) and not teller.asked, "motion-1 has no field"
    else:
        assert len(found) / 2 < sum(found) < len(found), "most have one"


@pytest.mark.parametrize("size", [128, 256])
def test_the_renderer_in_training_takes_it(cache: Path, size: int) -> None:
    basis = read_basis(CURRENT)  # with the field's units, as a run that keeps the space has it
    sampler = PairSampler(
        load_clips(cache, "train"), basis, size=size, portraits=1, targets=2, seed=1, fields=Ones()
    )
    batch = to_tensors(sampler.batch(), torch.device("cpu"))
    model = PictureAutoencoder(basis)
    rendering, _ = model(batch)
    assert rendering.output.shape == (len(batch["target"]), 3, size, size)
    still = {**batch, "field": torch.zeros_like(batch["field"])}
    moved = rendering.placed[0].flow64 - model(still)[0].placed[0].flow64
    told = bool(batch["field"].any())
    share = field_share(torch.nn.functional.avg_pool2d(batch["maps_t"], 2)[:, :1])
    assert torch.allclose(moved, share.expand_as(moved) * told, atol=1e-3)
