"""Several motion spaces, one renderer: what the first weights coded still plays, and what is new moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.support.spec import VECTORS
from tests.support.training import draw_face, moving_landmarks
from vqcodec import api
from vqcodec.format import DIMS
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.layout import LANDMARK_DIMS, MOTION_2, Layout, read_layout
from vqcodec.models import store
from vqcodec.motion.field import CELLS
from vqcodec.motion.space import MotionSpace
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.renderer import Renderer

FIRST = VECTORS / "older" / "renderer-1.vqt"
"""24 frames of the sample clip from frame START on, coded with motion-1 when renderer-1 was current."""
START = 40


def frames(path: Path, count: int, start: int = 0) -> list[NDArray[np.uint8]]:
    """Pictures of a video file."""
    with av.open(str(path)) as video:
        return [
            f.to_ndarray(format="rgb24")
            for f in islice(video.decode(video=0), start, start + count)
        ]


def test_a_stream_of_the_first_weights_plays_with_the_newest_renderer(
    sample_clip: Path, tmp_path: Path
) -> None:
    head = api.info(FIRST)
    assert head["model"].startswith("motion-1@") and head["renderer"].startswith("renderer-1@")
    current = store.current("renderer").id
    assert current.sha256.hex() != head["renderer_sha256"], (
        "the stream was made with an older renderer"
    )
    report = api.decode(FIRST, tmp_path / "out.mp4", crf=10)
    assert report.frames == 24 and report.renderer == current
    shown = np.stack(frames(tmp_path / "out.mp4", 24)).astype(float)
    true = np.stack(frames(sample_clip, 24, START)).astype(float)
    mouth = np.s_[:, 300:420, 180:340]
    ours, still = ((shown - true)[mouth] ** 2).mean(), ((true[:1] - true)[mouth] ** 2).mean()
    assert -10 * np.log10(((shown - true) ** 2).mean() / 255**2) > 21
    assert ours < 0.7 * still, "its mouth moves as the mouth did"


def test_every_shipped_motion_space_has_its_renderer() -> None:
    spaces = store.motion_spaces()
    assert [model.id.name for model in spaces] == ["motion-3", "motion-2", "motion-1"]
    newest, *older = [read_layout(model.path) for model in spaces]
    assert older == [MOTION_2, Layout()] and newest.field
    assert replace(newest, field=0) == MOTION_2
    for model in spaces:
        renderer = Renderer.load(device="cpu", space=model.id)
        assert renderer.motion_space == model.id and renderer.layout == read_layout(model.path)
    assert Renderer.load(device="cpu").motion_space == store.current("motion_space").id
    assert store.motion_space("motion-1").id == spaces[-1].id


def test_the_spaces_share_the_landmarks() -> None:
    one, *others = (read_basis(model.path) for model in store.motion_spaces())
    for other in others:
        assert np.array_equal(one.components, other.components)
        assert np.array_equal(one.mean, other.mean)
        assert np.array_equal(one.units[:LANDMARK_DIMS], other.units[:LANDMARK_DIMS])
    assert np.allclose(one.units[MOTION_2.surround_span], 0.5)


def test_the_newest_space_is_motion_2_and_a_field() -> None:
    newest, plain = store.current("motion_space"), store.plain_motion_space()
    assert plain.id == store.motion_space("motion-2").id
    layout, units = read_layout(newest.path), read_basis(newest.path).units
    assert len(units) == layout.dims > DIMS
    assert np.array_equal(units[:DIMS], read_basis(plain.path).units)
    field = MotionSpace.load(device="cpu").field
    assert field is not None and field.components.shape == (layout.field, CELLS, CELLS, 2)
    assert MotionSpace.from_file(plain, "cpu").field is None


def test_conditioning_puts_learned_numbers_where_the_network_knows_them() -> None:
    state, moved = np.zeros(48, np.float32), np.arange(48, dtype=np.float32)[None]
    motion, _ = conditioning_inputs(state, moved, np.ones(48, np.float32), MOTION_2)
    places = [LANDMARK_DIMS + i for i in MOTION_2.learned]
    assert motion[0, places].tolist() == [44, 45, 46, 47]
    rest = np.setdiff1d(np.arange(LANDMARK_DIMS, 48), places)
    assert not motion[0, rest].any(), "surroundings are no business of FiLM"
    old, _ = conditioning_inputs(state, moved, np.ones(48, np.float32), Layout())
    assert old[0, LANDMARK_DIMS:].tolist() == list(range(36, 48))


def test_only_motion_1_follows_no_surroundings() -> None:
    *newer, old = (MotionSpace.from_file(model, "cpu") for model in store.motion_spaces())
    assert old.tracker() is None
    points = moving_landmarks(2, 3)
    pictures = np.stack([draw_face(p, 3, 256) for p in points])
    around = np.arange(16, dtype=np.float32).reshape(2, 8)
    learned = old.features(pictures, points)[:, LANDMARK_DIMS:]
    for new in newer:
        assert new.tracker() is not None
        features = new.features(pictures, points, around)
        assert features.shape == (2, new.layout.dims)
        assert np.array_equal(features[:, new.layout.surround_span], around)
        assert np.array_equal(features[:, new.layout.learned_span], learned[:, [*MOTION_2.learned]])
        assert not features[:, new.layout.field_span].any()


@pytest.mark.parametrize("size", [256, 512])
def test_the_background_moves_as_told(size: int) -> None:
    renderer = Renderer.load(device="cpu", precision=torch.float32)
    points = moving_landmarks(1, 1)
    features = np.zeros((1, renderer.layout.dims), np.float32)
    features[:, :LANDMARK_DIMS] = renderer.basis.project(points)
    portrait = draw_face(points[0], 1, 512)
    stripes = (127 + 90 * np.sin(np.linspace(0, 12 * np.pi, 512))).astype(np.uint8)[None, :, None]
    portrait = np.where((portrait == portrait[0, 0]).all(-1, keepdims=True), stripes, portrait)
    state = renderer.prepare(portrait, features[0])
    moved = features.copy()
    moved[0, MOTION_2.surround_span.start] = 6.0  # six pixels of 256 to the right
    still, shifted = (renderer.render(state, f, size)[0].astype(float) for f in (features, moved))
    strip = np.s_[4 * size // 256 : 24 * size // 256]
    step = 6 * size // 256
    follows = np.abs(shifted[strip, 2 * step :] - still[strip, step:-step]).mean()
    stays = np.abs(shifted[strip, 2 * step :] - still[strip, 2 * step :]).mean()
    assert follows < 0.6 * stays
