"""Background and torso: the numbers, the tracker, and what the renderer makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vqcodec.geometry.layout import MOTION_2, SURROUND_DIMS, Layout
from vqcodec.geometry.similarity import between, to_matrix, to_numbers
from vqcodec.motion.surroundings import SurroundingsTracker, masks
from vqcodec.render.blending import without_ghost
from vqcodec.render.flow import carried_body, outside, similarity_flow
from vqcodec.render.sampling import CpuSampler, GridSampler

NUMBERS = st.lists(
    st.floats(-40, 40, width=32), min_size=SURROUND_DIMS, max_size=SURROUND_DIMS
).map(lambda row: np.array(row, np.float32))


def oval(centre: tuple[float, float] = (0.5, 0.4), size: float = 0.25) -> NDArray[np.float32]:
    """478 landmarks on an ellipse: enough for where head and torso are."""
    angle = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    return (np.stack([np.cos(angle) * size * 0.75, np.sin(angle) * size], -1) + centre).astype(
        np.float32
    )


def texture(seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random picture, larger than the square, to move about in."""
    noise = torch.from_numpy(np.random.default_rng(seed).random((1, 3, 48, 48), np.float32))
    large = torch.nn.functional.interpolate(noise, size=(448, 448), mode="bicubic").clamp(0, 1)
    return (large[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(NUMBERS, NUMBERS)
def test_numbers_and_maps_are_inverse(a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
    rows = np.stack([a, b]).reshape(2, 2, 4)
    assert np.allclose(to_numbers(to_matrix(rows)), rows, atol=1e-4)
    # from a to b and back is nothing
    there, back = between(a[None], b[None]).astype(float), between(b[None], a[None]).astype(float)
    assert np.allclose(there @ back, np.eye(3), atol=1e-5)


def test_what_stands_still_is_exactly_the_identity() -> None:
    row = np.array([[3.1, -7.7, 1.3, 0.4, 0, 0, 0, 0]], np.float32)
    assert np.array_equal(between(row, row)[0], np.stack([np.eye(3)] * 2).astype(np.float32))


def test_a_picture_that_shrank_to_nothing_is_left_where_it_was() -> None:
    gone = np.array([[0, 0, -128, 0, 0, 0, 0, 0]], np.float32)
    assert np.isfinite(between(np.zeros((1, 8), np.float32), gone)).all()


@pytest.mark.parametrize(
    "facts",
    [
        dict(surround=8, learned=(0, 1)),
        dict(surround=4, learned=tuple(range(8))),
        dict(surround=8, learned=(0, 1, 2, 12)),
    ],
)
def test_layouts_that_make_no_sense(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        Layout(**facts)  # type: ignore[arg-type]


def test_a_layout_survives_a_header() -> None:
    assert Layout.from_facts({"layout": MOTION_2.to_text()}) == MOTION_2
    assert Layout.from_facts({}) == Layout()
    assert (MOTION_2.surround_span, MOTION_2.learned_span) == (slice(36, 44), slice(44, 48))


def test_masks_part_background_head_and_torso() -> None:
    background, torso = masks(oval())
    assert not (background & torso).any()
    assert background[10, 10] and not background[100, 128], (
        "a corner is background, the face is not"
    )
    assert torso[240, 128] and not torso[100, 128]


@pytest.mark.parametrize("step", [(0, 0), (2, 0), (-1, 2)])
def test_the_tracker_finds_how_the_camera_moved(step: tuple[int, int]) -> None:
    world, tracker = texture(), SurroundingsTracker()
    for i in range(12):
        x, y = 96 - step[0] * i, 96 - step[1] * i
        found = tracker.push(np.ascontiguousarray(world[y : y + 256, x : x + 256]), oval())
    expected = np.array([step[0] * 11, step[1] * 11, 0, 0])
    assert np.abs(found[:4] - expected).max() < 0.8
    if step == (0, 0):
        assert not found.any(), "what stands still costs nothing"


def test_the_tracker_parts_torso_from_background() -> None:
    behind, worn, tracker = texture(1), texture(2), SurroundingsTracker()
    inside = masks(oval())[1] > 0
    for i in range(12):
        frame = behind[90:346, 90:346].copy()
        frame[inside] = worn[90 - i : 346 - i, 90:346][inside]
        found = tracker.push(frame, oval())
    assert not found[:4].any()
    assert np.abs(found[4:] - (0, 11, 0, 0)).max() < 1.0


def test_noise_is_not_motion() -> None:
    rng, tracker, still = (
        np.random.default_rng(4),
        SurroundingsTracker(),
        texture(3)[:256, :256].astype(float),
    )
    seen = [
        tracker.push((still + rng.normal(0, 4, still.shape)).clip(0, 255).astype(np.uint8), oval())
        for _ in range(15)
    ]
    assert not np.any(seen)


def test_both_samplers_move_a_picture_alike() -> None:
    maps = torch.from_numpy(
        between(
            np.zeros((2, 8), np.float32),
            np.array([[6, -3, 5, 9, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]], np.float32),
        )[:, 0]
    )
    picture = torch.from_numpy(texture()[:128, :128]).float().div(255).permute(2, 0, 1)[None]
    one, other = CpuSampler().moved(picture, maps), GridSampler().moved(picture, maps)
    assert (one - other).abs().max() < 0.02 and (one - other).abs().mean() < 0.002
    assert torch.equal(one[1], picture[0])


def test_similarity_flow_agrees_with_its_map() -> None:
    numbers = np.array([[4, -2, 6, 3, 0, 0, 0, 0]], np.float32)
    back = between(np.zeros((1, 8), np.float32), numbers)[0, 0].astype(float)
    flow = similarity_flow(torch.from_numpy(back[None].astype(np.float32)), 64)[0]
    x = y = (np.array([5, 60]) * 2 + 1) / 64 - 1
    for column, row in ((0, 0), (1, 0), (1, 1)):
        there = back @ (x[column], y[row], 1)
        at = flow[:, (5, 60)[row], (5, 60)[column]].numpy()
        assert np.allclose(at, there[:2] - (x[column], y[row]), atol=1e-5)


def test_outside_tells_where_a_flow_leaves_the_picture() -> None:
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 0.5
    beside = outside(flow)[0, 0]
    assert not beside[:, :6].any() and (beside[:, 7] == 1).all()


def test_a_moved_portrait_does_not_show_the_person_twice() -> None:
    points = torch.from_numpy(oval()[None] * 2 - 1)
    still = torch.eye(3)[None]
    assert not carried_body(points, still, 64).any()
    away = torch.from_numpy(
        between(np.zeros((1, 8), np.float32), np.array([[60, 0, 0, 0, 0, 0, 0, 0]], np.float32))[
            :, 0
        ]
    )
    ghost = carried_body(points, away, 64)[0, 0]
    # the face was at x .5, y .4 of the picture; the background has carried it 60 of 256 px to the right
    assert ghost[26, 32 + 15] > 0.9 and ghost[60, 32 + 15] > 0.9 and ghost[26, 4] < 0.01
    picture, other = torch.zeros(1, 3, 128, 128), torch.ones(1, 3, 128, 128)
    mixed = without_ghost(picture, other, ghost[None, None])[0, 0]
    assert mixed[52, 94] > 0.9 and mixed[52, 8] < 0.02
