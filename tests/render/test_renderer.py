"""Renderer: geometry of flows and maps, blending, and what a rendering must be whatever the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.geometry import shipped_basis
from tests.support.training import draw_face, moving_landmarks
from vqcodec.geometry.layout import LANDMARK_DIMS, Layout
from vqcodec.models import store
from vqcodec.motion.space import MotionSpace
from vqcodec.render.blending import Detail, composite
from vqcodec.render.conditioning import conditioning_inputs
from vqcodec.render.flow import LandmarkFlow, affine_flow, base_grid, resize_flow, warp
from vqcodec.render.maps import MAP_CHANNELS, draw_maps
from vqcodec.render.renderer import Renderer
from vqcodec.render.sampling import CpuSampler, GridSampler
from vqcodec.training.picture.basis_fit import fit_basis

CPU = torch.device("cpu")


def test_zero_flow_warps_to_the_same_picture() -> None:
    image = torch.rand(2, 3, 32, 32)
    assert torch.allclose(warp(image, torch.zeros(2, 2, 32, 32)), image, atol=1e-5)


def test_flow_points_backward_in_picture_units() -> None:
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 10, 20] = 1
    flow = torch.zeros(1, 2, 32, 32)
    flow[:, 0] = 2 * 3 / 32  # look 3 pixels to the right
    assert warp(image, flow)[0, 0, 10, 17] == pytest.approx(1, abs=1e-4)


def test_affine_flow_recovers_an_affine_map() -> None:
    target = torch.rand(1, 50, 2) * 2 - 1
    matrix, shift = torch.tensor([[1.1, 0.05], [-0.1, 0.95]]), torch.tensor([0.1, -0.2])
    flow = affine_flow(target @ matrix + shift, target, 16)
    grid = base_grid(16, 16, CPU)
    expected = (grid @ matrix + shift - grid).permute(0, 3, 1, 2)
    assert torch.allclose(flow, expected, atol=1e-3)


def test_landmark_flow_is_the_displacement_on_the_face_and_nothing_far_away() -> None:
    target = torch.from_numpy(moving_landmarks(1, 0)) * 2 - 1
    target = (target - target.mean(1, keepdim=True)) * 0.4  # a small face in the middle
    flow = LandmarkFlow()(target + torch.tensor([0.06, 0.02]), target, 64)
    assert torch.allclose(flow[0, :, 32, 32], torch.tensor([0.06, 0.02]), atol=5e-3)
    assert flow[0, :, 0, 0].abs().max() < 1e-3


def test_landmark_geometry_is_exact_under_autocast() -> None:
    source, target = (torch.from_numpy(moving_landmarks(2, seed)) * 2 - 1 for seed in (0, 1))
    flow = LandmarkFlow()
    exact = flow(source, target, 64), affine_flow(source, target, 64)
    with torch.autocast("cpu", torch.bfloat16):
        fast = flow(source, target, 64), affine_flow(source, target, 64)
    for a, b in zip(exact, fast, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("size", [16, 64, 256])
def test_resized_flow_keeps_its_values(size: int) -> None:
    flow = torch.full((1, 2, 64, 64), 0.3)
    assert resize_flow(flow, size).shape[-1] == size
    assert torch.allclose(resize_flow(flow, size), torch.tensor(0.3))


def test_maps_show_where_the_parts_are() -> None:
    points = shipped_basis().mean.reshape(478, 2) / 256
    maps = draw_maps(points)
    assert maps.shape == (MAP_CHANNELS, 128, 128) and maps.dtype == np.uint8
    y, x = np.nonzero(maps[1] > 128)
    lips = points[[61, 291, 0, 17]] * 128
    assert lips[:, 0].min() - 1.5 <= x.min() and x.max() <= lips[:, 0].max() + 1.5
    assert lips[:, 1].min() - 1.5 <= y.min() and y.max() <= lips[:, 1].max() + 1.5
    assert maps[0].astype(bool)[y, x].all(), "the lips lie on the face"


def test_maps_of_a_face_partly_outside_are_clipped_not_refused() -> None:
    points = shipped_basis().mean.reshape(478, 2) / 256 + np.float32(0.7)
    assert draw_maps(points).shape == (MAP_CHANNELS, 128, 128)


def test_blend_weights_choose_among_warped_still_and_generated() -> None:
    layers = torch.zeros(1, 9, 4, 4)
    layers[:, 3:6] = 0.25
    warped, still = torch.full((1, 3, 4, 4), 0.5), torch.full((1, 3, 4, 4), 1.0)
    for channel, expected in ((0, 0.5), (1, 1.0), (2, 0.25)):
        chosen = layers.clone()
        chosen[:, channel] = 30
        assert torch.allclose(
            composite(chosen, warped, still)[0], torch.tensor(expected), atol=1e-4
        )


def test_untrained_512_head_enlarges_the_256_blend() -> None:
    layers = torch.randn(1, 9, 16, 16)
    flat_w, flat_s = torch.full((1, 3, 32, 32), 0.2), torch.full((1, 3, 32, 32), 0.7)
    large = Detail()(layers, torch.rand(1, 16, 16, 16), flat_w, flat_s)
    small, _ = composite(layers, flat_w[..., :16, :16], flat_s[..., :16, :16])
    assert torch.allclose(
        torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bilinear"), large, atol=1e-5
    )


def test_conditioning_is_zero_motion_for_the_portrait_itself() -> None:
    state = np.linspace(-3, 3, 48).astype(np.float32)
    motion, portrait = conditioning_inputs(
        state, np.stack([state, state + 1]), np.ones(48, np.float32), Layout()
    )
    assert not motion[0].any() and motion[1].any()
    assert np.array_equal(portrait[0], portrait[1])


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(device="cpu", precision=torch.float32)


@pytest.fixture(scope="module")
def posed(renderer: Renderer) -> tuple[np.ndarray, np.ndarray]:
    """A drawn portrait and the features of it and of five poses."""
    points = moving_landmarks(6, 1)
    features = np.zeros((6, renderer.layout.dims), np.float32)
    features[:, :LANDMARK_DIMS] = shipped_basis().project(points)
    return draw_face(points[0], 1, 512), features


def test_batches_do_not_change_pictures(
    renderer: Renderer, posed: tuple[np.ndarray, np.ndarray]
) -> None:
    portrait, features = posed
    state = renderer.prepare(portrait, features[0])
    together = renderer.render(state, features, 512)
    alone = np.concatenate([renderer.render(state, f[None], 512) for f in features])
    assert together.shape == (6, 512, 512, 3) and together.dtype == np.uint8
    assert np.abs(together.astype(int) - alone).max() <= 1


def test_sizes_and_empty_batch(renderer: Renderer, posed: tuple[np.ndarray, np.ndarray]) -> None:
    portrait, features = posed
    state = renderer.prepare(portrait, features[0])
    assert renderer.render(state, features[:1], 256).shape == (1, 256, 256, 3)
    assert renderer.render(state, features[:0], 512).shape == (0, 512, 512, 3)


def level_b(reference: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Least PSNR over frames in dB, and the largest share of samples that differ by more than 8 (conformance.md)."""
    difference = np.abs(reference.astype(int) - other)
    squares = (difference**2).reshape(len(difference), -1).mean(1)
    shares = (difference > 8).reshape(len(difference), -1).mean(1)
    return float(-10 * np.log10(squares.max() / 255**2 + 1e-12)), float(shares.max())


def test_other_precisions_and_threads_stay_within_level_b(
    renderer: Renderer, posed: tuple[np.ndarray, np.ndarray]
) -> None:
    portrait, features = posed
    reference = renderer.render(renderer.prepare(portrait, features[0]), features, 512)
    half = Renderer.load(device="cpu", precision=torch.bfloat16)
    psnr, share = level_b(
        reference, half.render(half.prepare(portrait, features[0]), features, 512)
    )
    assert psnr >= 38 and share <= 0.01
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        psnr, share = level_b(
            reference, renderer.render(renderer.prepare(portrait, features[0]), features, 512)
        )
    finally:
        torch.set_num_threads(threads)
    assert psnr >= 48 and share <= 0.0001


def test_renderer_of_another_space_is_refused(renderer: Renderer) -> None:
    from vqcodec.errors import UnsupportedError
    from vqcodec.types import ModelId

    with pytest.raises(UnsupportedError, match="other-space"):
        Renderer.load(device="cpu", space=ModelId("other-space", bytes(32)))
    with pytest.raises(UnsupportedError, match="ab" * 32):
        store.find(ModelId("gone", b"\xab" * 32), "motion space")


def test_motion_space_features_and_landmarks_invert() -> None:
    space = MotionSpace.load()
    points = moving_landmarks(4, 2)
    frames = np.stack([draw_face(p, 2, 256) for p in points])
    features = space.features(frames, points)
    assert features.shape == (4, space.layout.dims) and features.dtype == np.float32
    assert np.abs(space.landmarks(features) - points).max() * 256 < 2.5
    assert np.allclose(space.features(frames[:2], points[:2]), features[:2], atol=1e-3)


def test_fitted_basis_covers_the_motion_it_was_fitted_to() -> None:
    points = np.concatenate([moving_landmarks(30, s) for s in range(4)])
    basis = fit_basis(points, points[:-1] - points[1:])
    assert np.allclose(basis.components @ basis.components.T, np.eye(LANDMARK_DIMS), atol=1e-4)
    assert np.abs(basis.landmarks(basis.project(points)) - points).max() * 256 < 0.5
    assert basis.units.shape == (48,) and basis.units[:LANDMARK_DIMS].min() >= 1


def test_the_cpu_sampler_samples_like_grid_sample() -> None:
    fast, exact = CpuSampler(), GridSampler()
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(1, 16, 32, 32, generator=generator).contiguous(
        memory_format=torch.channels_last
    )
    flow = 0.3 * torch.randn(3, 2, 64, 64, generator=generator)
    assert torch.allclose(fast.features(maps, flow), exact.features(maps, flow), atol=1e-5)
    nothing = torch.zeros(2, 2, 32, 32)
    assert torch.allclose(fast.features(maps, nothing), exact.features(maps, nothing), atol=1e-5)
    blur = torch.nn.functional.avg_pool2d
    picture = blur(torch.rand(1, 3, 256 + 8, 256 + 8, generator=generator), 9, 1)
    smooth = 0.3 * blur(torch.randn(2, 2, 128 + 16, 128 + 16, generator=generator), 17, 1)
    for size in (128, 256):
        difference = (
            fast.picture(picture, smooth, size) - exact.picture(picture, smooth, size)
        ).abs()
        assert difference.max() < 0.02 and difference.mean() < 0.002
