"""`encode --effort`: gradients through the renderer, the choice among tries, and what it may and may not change."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.encoding.test_groups import UNITS, decoded, frame, row
from tests.support.evaluation import write_video
from tests.support.pipeline import encoder_parts, write_swaying
from tests.support.training import draw_face, moving_landmarks
from vqcodec.config import EncodeOptions, RuntimeOptions
from vqcodec.container import Reader
from vqcodec.encoding import effort as refinement
from vqcodec.encoding.effort import DRIFT_PX, Refiner, cheapest_path
from vqcodec.encoding.groups import Assembler, MotionRefiner
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError
from vqcodec.format import DIMS, from_indices, to_indices
from vqcodec.geometry.basis import LANDMARK_DIMS
from vqcodec.geometry.layout import MOTION_2
from vqcodec.lab.rate import effort
from vqcodec.media.picture.source import VideoSource
from vqcodec.models.store import packaged_dir
from vqcodec.progress import ProgressEvent
from vqcodec.quantize.grfsq import dequantize, quantize
from vqcodec.render import likeness
from vqcodec.render.differentiable import DifferentiableRenderer
from vqcodec.render.renderer import Renderer
from vqcodec.reports import EncodeReport
from vqcodec.types import ModelId, MotionGroup

needs_weights = pytest.mark.skipif(
    not (packaged_dir() / "manifest.json").is_file(), reason="the weights are not in this checkout"
)
PORTRAIT_QUALITY = 90


@pytest.fixture(scope="module")
def renderer() -> DifferentiableRenderer:
    return DifferentiableRenderer(Renderer.load(device="cpu", precision=torch.float32))


class Drawn:
    """A drawn face that moves: portrait, frames, and features as a tracker half a pixel off would give them."""

    def __init__(self, renderer: DifferentiableRenderer, frames: int = 3) -> None:
        points = moving_landmarks(25, 1)[: frames + 1]
        basis = renderer.basis
        found = points + np.float32(0.6 / 256)
        features = np.zeros((frames + 1, DIMS), np.float32)
        features[:, :LANDMARK_DIMS] = basis.project(found)
        self.portrait = draw_face(points[0], 1, 512)
        self.pictures = np.stack([draw_face(p, 1, 256) for p in points[1:]])
        self.base = dequantize(np.rint(features[0] / basis.units).astype(np.int16), basis.units)
        self.features = features[1:]


@needs_weights
@pytest.mark.parametrize("dim", [0, 3, DIMS - 2, DIMS - 1])
def test_gradient_agrees_with_finite_differences(
    renderer: DifferentiableRenderer, dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(renderer, 1)
    state = renderer.prepare(drawn.portrait, drawn.base)
    x = torch.from_numpy(drawn.features).requires_grad_()
    maps = renderer.maps(renderer.landmarks_px(x))
    monkeypatch.setattr(renderer, "maps", lambda landmarks: maps)  # constants of a step
    probe = torch.linspace(-1, 1, 3 * 256 * 256).reshape(1, 3, 256, 256).sin()
    gradient = torch.autograd.grad((renderer.picture(state, x) * probe).mean(), x)[0][0, dim].item()
    step = torch.zeros_like(x.detach())
    step[0, dim] = 0.02 * float(renderer.basis.units[dim])
    with torch.no_grad():
        up, down = (
            (renderer.picture(state, x + sign * step).double() * probe).mean() for sign in (1, -1)
        )
    assert gradient != 0
    assert float(up - down) / (2 * float(step[0, dim])) == pytest.approx(
        gradient, rel=0.05, abs=1e-7
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


@needs_weights
@pytest.mark.parametrize("layers", [4, 3])
def test_effort_never_raises_its_own_loss(renderer: DifferentiableRenderer, layers: int) -> None:
    drawn = Drawn(renderer)
    refiner = Refiner(renderer, 2, layers=layers, portrait_quality=PORTRAIT_QUALITY)
    told: list[int] = []
    refiner.alive = told.append
    refiner.portrait(drawn.portrait, drawn.base)
    refined = refiner.motion(drawn.pictures, drawn.features)
    assert refined.shape == drawn.features.shape and refined.dtype == np.float32
    units = renderer.basis.units
    state = refiner._state
    assert state is not None

    def seen(features: NDArray[np.float32]) -> float:
        """The same distance, by way of the tokens."""
        values = from_indices(to_indices(quantize(features - drawn.base, units))[..., :layers])
        decoded_features = torch.from_numpy(drawn.base + dequantize(values, units))
        target, weight = refiner._target(drawn.pictures, drawn.features)
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
def test_a_useless_gradient_changes_nothing(
    renderer: DifferentiableRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Drawn(renderer, 2)
    refiner = Refiner(renderer, 2)
    refiner.portrait(drawn.portrait, drawn.base)
    rising = itertools.count(1)

    def worse(wanted: Any, offset: Any, pictures: Any, number: int) -> tuple[Any, Any]:
        return np.full(len(wanted), float(next(rising))), np.ones_like(wanted)

    monkeypatch.setattr(refiner, "_look", worse)
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


class Shifting:
    """A refiner that adds one unit."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.alive: Callable[[int], None] = lambda frames: None
        self.frames, self.gain = 0, 0.25

    def portrait(self, rgb: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        assert rgb.shape == (512, 512, 3) and features.shape == (DIMS,)
        self.calls.append(("portrait", 1))

    def motion(
        self, pictures: NDArray[np.uint8], features: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        assert pictures.shape == (len(features), 256, 256, 3) and pictures.dtype == np.uint8
        self.calls.append(("motion", len(features)))
        self.frames += len(features)
        self.alive(self.frames)
        return np.asarray(features + np.float32(0.5), np.float32)


def test_groups_are_refined_and_faceless_frames_hold_what_was_refined() -> None:
    def run(refiner: MotionRefiner | None) -> list[Any]:
        assembler = Assembler(UNITS, MOTION_2, Fraction(1, 25), refiner=refiner)
        items: list[Any] = []
        for i in range(80):
            seen = i % 60 != 55
            items += assembler.push(frame(i, seen=seen), row(float(i % 7)) if seen else None)
        return items + assembler.flush()

    refiner = Shifting()
    plain, moved = decoded(run(None)), decoded(run(refiner))
    assert moved == [value + 0.5 for value in plain]
    assert plain[55] == plain[54] and refiner.calls == [
        ("portrait", 1),
        ("motion", 50),
        ("motion", 29),
    ]


def test_encode_tells_what_it_refines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Shifting] = []

    def load(options: EncodeOptions, space: ModelId, renderer: Renderer | None = None) -> Shifting:
        made.append(Shifting())
        return made[-1]

    monkeypatch.setattr(refinement.Refiner, "load", load)
    clip = write_swaying(tmp_path / "clip.mp4", 60)

    def run(**more: Any) -> tuple[bytes, EncodeReport, list[ProgressEvent]]:
        sink, events = io.BytesIO(), list[ProgressEvent]()
        return (
            sink,
            encode(
                clip, sink, EncodeOptions(**more), parts=encoder_parts(), progress=events.append
            ),
            events,
        )

    plain, report, _ = run(effort=0)
    assert (
        not made and report.to_json()["effort"] == 0 and report.to_json()["refinement_gain"] is None
    )
    assert plain.getvalue() == run()[0].getvalue()
    refined, report, events = run(effort=2)
    assert report.to_json()["effort"] == 2 and report.to_json()["refinement_gain"] == 0.25
    assert refined.getvalue() != plain.getvalue() and made[0].frames == 60
    frames = [event.frames for event in events]
    assert frames == sorted(frames) and frames[-1] == 60 and 50 in frames
    fitted, report, _ = run(effort=1, bitrate_kbps=200)
    assert len(made) == 2 and report.effort == 1 and fitted.getvalue()


@pytest.mark.parametrize("wrong", [-1, 4, 1.5])
def test_efforts_that_are_none(wrong: Any) -> None:
    with pytest.raises(UsageError, match="effort"):
        EncodeOptions(effort=wrong)


def test_table_of_the_measurement() -> None:
    keys = [key for key, _, _ in effort.COLUMNS]
    table = effort.show([{"effort": 1, "steps": 2} | dict.fromkeys(keys, 0.25) | {"jitter": None}])
    assert "| 1 | 2 | 0.2500 | 0.25 | 0.25000 | 0.25000 | - | 0.25 | 0.25 |" in table
    assert effort.parse_efforts("0,3") == [0, 3]
    for text in ("", "0,", "4", "a"):
        with pytest.raises(UsageError):
            effort.parse_efforts(text)


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
