"""`encode --effort`: gradients through the renderer, the choice among tries, and what it may and may not change."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.support.evaluation import write_video
from tests.support.training import draw_face, moving_landmarks
from vqcodec.config import EncodeOptions, RuntimeOptions
from vqcodec.container import Reader
from vqcodec.encoding.coding import FINE_BELOW
from vqcodec.encoding.effort import DRIFT_PX, Refiner, cheapest_path
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.encoding.settings import Setting
from vqcodec.format import DIMS, from_indices, to_indices
from vqcodec.geometry.basis import LANDMARK_DIMS
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.models.store import packaged_dir
from vqcodec.quantize.grfsq import dequantize, quantize
from vqcodec.render import likeness
from vqcodec.render.differentiable import DifferentiableRenderer
from vqcodec.render.renderer import Renderer
from vqcodec.types import MotionGroup

needs_weights = pytest.mark.skipif(
    not (packaged_dir() / "manifest.json").is_file(), reason="the weights are not in this checkout"
)
CRF = 27


@pytest.fixture(scope="module")
def renderer() -> DifferentiableRenderer:
    return DifferentiableRenderer(Renderer.load(device="cpu", precision=torch.float32))


class Drawn:
    """A drawn face that moves: portrait, frames, and features as a tracker half a pixel off would give them."""

    def __init__(self, renderer: DifferentiableRenderer, frames: int = 3) -> None:
        points = moving_landmarks(25, 1)[: frames + 1]
        basis = renderer.basis
        found = points + np.float32(0.6 / 256)
        features = np.zeros((frames + 1, renderer.layout.dims), np.float32)
        features[:, :LANDMARK_DIMS] = basis.project(found)
        self.portrait = draw_face(points[0], 1, 512)
        self.pictures = np.stack([draw_face(p, 1, 256) for p in points[1:]])
        self.base = dequantize(np.rint(features[0] / basis.units).astype(np.int16), basis.units)
        self.features = features[1:]


@needs_weights
@pytest.mark.parametrize("dim", [0, 3, DIMS - 2, DIMS - 1, DIMS, -1])
def test_gradient_agrees_with_finite_differences(
    renderer: DifferentiableRenderer, dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(renderer, 1)
    state = renderer.prepare(drawn.portrait, drawn.base)
    x = torch.from_numpy(drawn.features).requires_grad_()
    maps = renderer.maps(renderer.landmarks_px(x))
    monkeypatch.setattr(renderer, "maps", lambda landmarks: maps)  # constants of a step
    probe = torch.linspace(-1, 1, 3 * 256 * 256).reshape(1, 3, 256, 256).sin()
    gradients = torch.autograd.grad((renderer.picture(state, x) * probe).mean(), x)[0][0]
    gradient, greatest = gradients[dim].item(), float(gradients[DIMS:].abs().max())
    step = torch.zeros_like(x.detach())
    # smaller steps drown in the rounding of float32, which differs between processors
    step[0, dim] = 0.05 * float(renderer.basis.units[dim])
    with torch.no_grad():
        up, down = (
            (renderer.picture(state, x + sign * step).double() * probe).mean() for sign in (1, -1)
        )
    assert gradient != 0
    assert float(up - down) / (2 * float(step[0, dim])) == pytest.approx(
        gradient,
        rel=0.05 if 0 <= dim < DIMS else 0.2,
        # edges are told as they move; a field moves the whole picture over them, so that small sums of it are rough
        abs=1e-7 if 0 <= dim < DIMS else 0.01 * greatest,
    )


@needs_weights
def test_the_picture_is_the_decoders(renderer: DifferentiableRenderer) -> None:
    drawn = Drawn(renderer, 2)
    with torch.no_grad():
        mine = renderer.picture(
            renderer.prepare(drawn.portrait, drawn.base), torch.from_numpy(drawn.features)
        )
    plain = Renderer.load(device="cpu", precision=torch.float32)
    theirs = plain.render(plain.prepare(drawn.portrait, drawn.base), drawn.features, 256)
    shown = mine.clamp(0, 1).mul(255).permute(0, 2, 3, 1).numpy()
    assert np.abs(shown - theirs).mean() < 1


def as_decoded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    coder = PortraitCoder(CRF)
    unit = coder.add(rgb).unit
    coder.close()
    return PathDecoder().picture([unit])


@needs_weights
@pytest.mark.parametrize("layers", [4, 3])
def test_effort_never_raises_its_own_loss(renderer: DifferentiableRenderer, layers: int) -> None:
    drawn = Drawn(renderer)
    refiner = Refiner(renderer, 2, layers=layers, crf=CRF)
    told: list[int] = []
    refiner.portrait(drawn.portrait, drawn.base)
    refined = refiner.motion(drawn.pictures, drawn.features, told.append)
    assert refined.shape == drawn.features.shape and refined.dtype == np.float32
    units = renderer.basis.units
    state = renderer.prepare(as_decoded(drawn.portrait), drawn.base)
    target = torch.from_numpy(drawn.pictures).permute(0, 3, 1, 2).float() / 255
    maps = renderer.maps(renderer.landmarks_px(torch.from_numpy(drawn.features)))
    weight = likeness.importance(maps, 256)

    def seen(features: NDArray[np.float32]) -> float:
        """The same distance, by way of the tokens."""
        values = from_indices(to_indices(quantize(features - drawn.base, units))[..., :layers])
        decoded_features = torch.from_numpy(drawn.base + dequantize(values, units))
        with torch.no_grad():
            return float(
                likeness.distance(renderer.picture(state, decoded_features), target, weight).sum()
            )

    before, after = seen(drawn.features), seen(refined)
    assert refiner.distance_before == pytest.approx(before, rel=1e-3)
    assert refiner.distance_after == pytest.approx(after, rel=1e-3)
    assert after < before and 0 < refiner.gain < 1
    moved = renderer.basis.landmarks(refined) - renderer.basis.landmarks(drawn.features)
    assert np.linalg.norm(moved * 256, axis=-1).max() <= DRIFT_PX + 1e-3
    assert told == sorted(told) and refiner.frames == len(drawn.pictures) >= told[-1] > 0


@needs_weights
def test_motion_is_relative_to_the_base_and_shown_from_the_portrait(
    renderer: DifferentiableRenderer,
) -> None:
    drawn = Drawn(renderer, 2)
    units = renderer.basis.units
    base = drawn.base + 3 * units  # of another portrait: that of the shot's number 0
    refiner = Refiner(renderer, 2, crf=CRF)
    refiner.portrait(drawn.portrait, drawn.base, base)
    refined = refiner.motion(drawn.pictures, drawn.features)
    state = renderer.prepare(as_decoded(drawn.portrait), drawn.base)
    target = torch.from_numpy(drawn.pictures).permute(0, 3, 1, 2).float() / 255
    maps = renderer.maps(renderer.landmarks_px(torch.from_numpy(drawn.features)))
    weight = likeness.importance(maps, 256)

    def seen(features: NDArray[np.float32]) -> float:
        values = torch.from_numpy(base + dequantize(quantize(features - base, units), units))
        with torch.no_grad():
            picture = renderer.picture(state, values.float())
            return float(likeness.distance(picture, target, weight).sum())

    assert refiner.distance_before == pytest.approx(seen(drawn.features), rel=1e-3)
    assert refiner.distance_after == pytest.approx(seen(refined), rel=1e-3)
    assert refiner.distance_after < refiner.distance_before


@needs_weights
def test_a_field_and_what_is_held_stay(renderer: DifferentiableRenderer) -> None:
    drawn, held = Drawn(renderer, 2), (0, 7, 11)
    drawn.features[:, DIMS:] = 0.3
    found = []
    for more in ((), held):
        refiner = Refiner(renderer, 2, crf=CRF, held=more)
        refiner.portrait(drawn.portrait, drawn.base)
        found.append(refiner.motion(drawn.pictures, drawn.features) - drawn.features)
        assert np.abs(found[-1][:, DIMS:]).max() < 1e-5
    free, bound = (np.abs(change).max(0) for change in found)
    assert free[list(held)].min() > 1e-3 > np.abs(bound[list(held)]).max()
    assert np.abs(np.delete(bound, held)).max() > 1e-3


@needs_weights
def test_fine_dimensions_are_refined_where_motion_is_to_be_exact() -> None:
    plain = Renderer.load(device="cpu", precision=torch.float32)
    fine = list(plain.layout.fine)
    for rdo, free in ((0.0, 1), (FINE_BELOW, 0)):
        setting = Setting(50, 0.01, 4, rdo)
        refiner = Refiner.load(1, setting, plain.motion_space, plain)
        assert (refiner._free[fine] == free).all() and not refiner._free[DIMS:].any()
        assert refiner._free.sum() == DIMS - len(fine) * (1 - free)


@needs_weights
def test_a_useless_gradient_changes_nothing(
    renderer: DifferentiableRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(renderer, 2)
    refiner = Refiner(renderer, 2)
    refiner.portrait(drawn.portrait, drawn.base)
    rising = itertools.count(1)

    def worse(picture: torch.Tensor, target: Any, weight: Any) -> torch.Tensor:
        return next(rising) + 1e-3 * picture.mean(dim=(1, 2, 3))

    monkeypatch.setattr(likeness, "distance", worse)
    np.testing.assert_array_equal(refiner.motion(drawn.pictures, drawn.features), drawn.features)
    assert refiner.gain == 0


@pytest.mark.parametrize("seed", range(4))
def test_cheapest_path_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost, offsets, weight = (
        rng.uniform(0, 1, (3, 4)),
        rng.normal(size=(3, 4, DIMS)),
        rng.uniform(0, 0.01, DIMS),
    )
    before = rng.normal(size=DIMS) if seed % 2 else None

    def price(path: tuple[int, ...]) -> float:
        chosen = offsets[list(path), range(4)]
        jumps = np.diff(chosen, axis=0, prepend=chosen[:1] if before is None else before[None])
        return float(cost[list(path), range(4)].sum() + (weight * jumps**2).sum())

    best = min(itertools.product(range(3), repeat=4), key=price)
    assert tuple(cheapest_path(cost, offsets, weight, before)) == best


def test_likeness_is_zero_for_the_same_picture_and_counts_the_mouth_most() -> None:
    points = moving_landmarks(1, 0)
    picture = torch.from_numpy(draw_face(points[0], 0, 256)).permute(2, 0, 1)[None].float() / 255
    maps = torch.zeros(1, 8, 128, 128)
    maps[:, 1, 80:90, 50:80] = 1
    weight = likeness.importance(maps, 256)
    assert float(weight.mean()) == pytest.approx(1, abs=1e-3)
    assert float(likeness.distance(picture, picture, weight)) == pytest.approx(0, abs=1e-6)
    mouth, corner = picture.clone(), picture.clone()
    mouth[..., 165:175, 120:140] += 0.2
    corner[..., 5:15, 5:25] += 0.2
    assert (
        float(likeness.distance(mouth, picture, weight))
        > 3 * float(likeness.distance(corner, picture, weight))
        > 0
    )


@pytest.mark.slow
@needs_weights
def test_a_real_encode_gets_nearer(sample_clip: Path, tmp_path: Path) -> None:
    with VideoSource(sample_clip) as source:
        pictures = np.stack([item.rgb for item in itertools.islice(source, 50, 58)])
    clip = write_video(tmp_path / "short.mp4", pictures)
    found = {}
    for level in (0, 1):
        sink = io.BytesIO()
        report = encode(
            clip,
            sink,
            EncodeOptions(effort=level, portrait_frame="first", crop="full"),
            parts=EncoderParts.load(RuntimeOptions(device="cpu")),
        )
        groups = [
            item for item in Reader(io.BytesIO(sink.getvalue())) if isinstance(item, MotionGroup)
        ]
        found[level] = np.concatenate([from_indices(group.indices) for group in groups])
        assert report.effort == level and report.sizes.frames == 8
    assert report.refinement_gain is not None and report.refinement_gain > 0.005
    assert not np.array_equal(found[0], found[1]) and np.abs(found[0] - found[1]).mean() < 8
