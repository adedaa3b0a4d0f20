"""A field on its way to the picture: the flow it is measured against, what it adds to the renderer's, its gradient."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.support.training import draw_face, moving_landmarks
from vqcodec.errors import ModelError
from vqcodec.format import DIMS
from vqcodec.geometry.field import FieldBasis, read_field
from vqcodec.geometry.layout import LANDMARK_DIMS
from vqcodec.models import store
from vqcodec.motion.field import GRID
from vqcodec.render.differentiable import DifferentiableRenderer
from vqcodec.render.field_flow import FACE_HELD, field_flow, field_share, planes
from vqcodec.render.flow_net import FlowNet
from vqcodec.render.reference import PREFIX, ReferenceFlow, ReferenceNet, reference_weights
from vqcodec.render.renderer import Renderer
from vqcodec.render.sampling import GridSampler

Floats = NDArray[np.float32]
POINTS = moving_landmarks(6, 1)
PX = 256 / 2
"""Pixels of a 256 px crop in a unit of -1..1."""


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(device="cpu", precision=torch.float32)


@pytest.fixture(scope="module")
def basis() -> FieldBasis:
    found = read_field(store.current("motion_space").path)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def features(renderer: Renderer) -> Floats:
    """(6, D) of a drawn face that moves; without a field."""
    rows = np.zeros((len(POINTS), renderer.layout.dims), np.float32)
    rows[:, :LANDMARK_DIMS] = renderer.basis.project(POINTS)
    return rows


def face(side: int, number: int = 0) -> NDArray[np.uint8]:
    """The drawn face on a wall with texture."""
    drawn = draw_face(POINTS[number], 1, side)
    noise = np.random.default_rng(3).random((24, 24, 3), np.float32)
    wall = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1) * 255
    blank = (drawn == drawn[0, 0]).all(-1, keepdims=True)
    return np.where(blank, wall, drawn).astype(np.uint8)


def across(basis: FieldBasis, shift_px: float) -> Floats:
    """Coefficients whose flow comes nearest to `shift_px` to the right all over."""
    flat = basis.components.reshape(len(basis.components), -1).T
    wanted = np.tile(np.float32([shift_px, 0]), len(flat) // 2)
    return np.linalg.lstsq(flat, wanted, rcond=None)[0].astype(np.float32)


# --- the flow that a field is measured against ---


def test_reference_flow_of_the_shipped_space(features: Floats) -> None:
    flow = ReferenceFlow.load(store.current("motion_space").id, "cpu")
    state = flow.prepare(face(256), features[0])
    moved = [flow.flow(state, row)[0] for row in features]
    assert all(f.shape == (GRID, GRID, 2) and f.dtype == np.float32 for f in moved)
    assert np.abs(moved[0]).mean() < 0.5, "a portrait lies where it is"
    middle = np.s_[GRID // 2 - 4 : GRID // 2 + 4, GRID // 2 - 4 : GRID // 2 + 4]
    back = (POINTS[0] - POINTS[2]).mean(0) * 256
    assert np.linalg.norm(back) > 4
    assert np.abs(moved[2][middle].mean((0, 1)) - back).max() < 2


def test_the_field_itself_changes_nothing_of_it(features: Floats) -> None:
    flow = ReferenceFlow.load(store.current("motion_space").path, "cpu")
    told = features + 0
    told[:, DIMS:] = 3
    plain, other = flow.prepare(face(256), features[0]), flow.prepare(face(256), told[0])
    assert np.array_equal(flow.flow(plain, features[1])[0], flow.flow(other, told[1])[0])


@pytest.mark.parametrize("told", [False, True])
def test_a_reference_flows_as_the_renderer_that_it_is_cut_from(
    renderer: Renderer, features: Floats, told: bool
) -> None:
    whole = Renderer.load(device="cpu", precision=torch.float32)
    assert whole.net.flow_net.told.bias is not None
    torch.nn.init.constant_(whole.net.flow_net.told.bias, 0.3 * told)
    net = ReferenceNet()
    cut = reference_weights(whole.net.state_dict())
    assert cut and not any("decoder" in name or "told.weight" in name for name in cut)
    net.load_state_dict({k.removeprefix(PREFIX): v for k, v in cut.items()}, strict=False)
    flow = ReferenceFlow(net, whole.basis, whole.layout, torch.device("cpu"))
    state = flow.prepare(
        cv2.resize(face(512), (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8),
        features[0],
    )
    found = np.stack([flow.flow(state, row)[0] for row in features[1:]])
    wanted = flow64(whole, features) * PX
    assert np.abs(wanted).max() > 5
    assert np.abs(found - wanted).mean() < 0.1 and np.abs(found - wanted).max() < 1.5


@torch.inference_mode()
def flow64(renderer: Renderer, features: Floats) -> Floats:
    """(5, 64, 64, 2) what the renderer's own network makes of frames 1 to 5, in -1..1 units."""
    state = renderer.prepare(face(512), features[0])
    landmarks = renderer.basis.landmarks(features[1:])
    rendering = renderer.net(
        [renderer._view(state, features[1:])],
        renderer._maps(landmarks),
        torch.from_numpy(landmarks * 2 - 1),
        GridSampler(),
    )
    return rendering.placed[0].flow64.permute(0, 2, 3, 1).numpy()


def test_spaces_without_a_flow_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no flow network"):
        ReferenceFlow.load(store.plain_motion_space().id, "cpu")
    weights = load_file(str(store.current("motion_space").path))
    torn = tmp_path / "space.safetensors"
    del weights[f"{PREFIX}flow_net.head.weight"]
    save_file(weights, str(torn))
    with pytest.raises(ModelError, match=r"flow_net\.head\.weight is missing"):
        ReferenceFlow.load(torn, "cpu")


# --- what it adds ---


def test_planes_are_the_components_in_the_networks_units(basis: FieldBasis) -> None:
    parts = planes(basis)
    told = torch.randn(2, len(basis.components))
    flow = field_flow(told, parts)
    assert parts.shape[1:] == (2, 64, 64) == flow.shape[1:]
    wanted = np.moveaxis(basis.flow(told.numpy(), 64), -1, 1) / PX
    assert np.abs(flow.numpy() - wanted).max() < 1e-4


def inputs(frames: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)

    def some(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    return [
        some(1, 64, 16, 16),
        some(frames, 4, 2, 16, 16) - 0.5,
        some(frames, 16, 16, 16),
        some(frames, 96),
    ]


@torch.inference_mode()
def test_no_field_is_one_of_zeros_bit_for_bit() -> None:
    net, given, sampler = FlowNet().eval(), inputs(), GridSampler()
    torch.nn.init.normal_(net.told.weight)
    assert net.told.bias is not None
    torch.nn.init.normal_(net.told.bias)  # as trained
    nothing = net(*given, sampler)
    zeros = net(*given, sampler, torch.zeros(2, 2, 16, 16))
    assert all(torch.equal(a, b) for a, b in zip(nothing, zeros, strict=True))
    assert not torch.equal(nothing[0], net(*given, sampler, torch.full((2, 2, 16, 16), 0.01))[0])


def test_equal_coefficients_of_portrait_and_frame_change_no_pixel(
    renderer: Renderer, features: Floats
) -> None:
    told = features + 0
    told[:, DIMS:] = np.linspace(-2, 2, renderer.layout.field)
    plain, other = (renderer.prepare(face(512), rows[0]) for rows in (features, told))
    assert renderer.field(other, told) is None
    for size in (256, 512):
        assert np.array_equal(
            renderer.render(plain, features[:2], size), renderer.render(other, told[:2], size)
        )


def test_a_frame_without_a_field_among_others_with_one(
    renderer: Renderer, features: Floats
) -> None:
    told = features[:2] + 0
    told[1, DIMS:] = 1
    state = renderer.prepare(face(512), features[0])
    together = renderer.render(state, told, 256)
    alone = renderer.render(state, features[:1], 256)
    assert np.abs(together[:1].astype(int) - alone).max() <= 1


@pytest.mark.parametrize("size", [256, 512])
def test_a_field_moves_the_picture_its_way(
    renderer: Renderer, basis: FieldBasis, features: Floats, size: int
) -> None:
    told = features[:1] + 0
    told[0, DIMS:] = across(basis, 4 / (1 - FACE_HELD))
    state = renderer.prepare(face(512), features[0])
    plain, moved = (renderer.render(state, rows, size)[0] for rows in (features[:1], told))
    flow = basis.flow(told[:, DIMS:], size)[0] * np.float32((1 - FACE_HELD) * size / 256)
    at = np.arange(size, dtype=np.float32)
    hull = cv2.convexHull((POINTS[0] * size).astype(np.int32))
    mask = cv2.fillConvexPoly(np.zeros((size, size), np.uint8), hull, 1)
    inside = (
        cv2.erode(mask, np.ones((size // 10, size // 10))) > 0
    )  # what is behind may stand still

    def apart(share: float) -> float:
        to = flow * np.float32(share)
        warped = cv2.remap(
            plain,
            at + to[..., 0],
            at[:, None] + to[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return float(np.abs(warped[inside].astype(float) - moved[inside]).mean())

    assert apart(1) < 0.5 * apart(0) and apart(1) < 0.5 * apart(-1)


def test_gradients_reach_every_coefficient(renderer: Renderer, features: Floats) -> None:
    differentiable = DifferentiableRenderer(renderer)
    state = differentiable.prepare(face(512), features[0])
    told = features[1:2] + 0
    told[:, DIMS:] = 0.2
    x = torch.from_numpy(told).requires_grad_()
    shown = differentiable.picture(state, x)
    target = torch.from_numpy(face(256, 1)).permute(2, 0, 1)[None].float() / 255
    gradient = torch.autograd.grad(((shown - target) ** 2).mean(), x)[0][0]
    assert gradient.isfinite().all() and (gradient[DIMS:] != 0).all()
    theirs = renderer.render(renderer.prepare(face(512), features[0]), told, 256)
    mine = shown.detach().clamp(0, 1).mul(255).permute(0, 2, 3, 1).numpy()
    assert np.abs(mine - theirs).mean() < 1


def test_the_field_is_held_back_on_the_face_with_soft_edges() -> None:
    face_at = torch.zeros(1, 1, 64, 64)
    face_at[..., 16:48, 16:48] = 1
    share = field_share(face_at)[0, 0]
    assert share[32, 32] == pytest.approx(1 - FACE_HELD) and share[0, 0] == 1
    edge = share[32, 8:24]
    assert (edge.diff() <= 0).all() and edge.diff().abs().max() < 0.15
