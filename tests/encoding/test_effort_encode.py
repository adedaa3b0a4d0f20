"""`encode --effort` around the refiner: groups, reports, progress, the command line."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import encoder_parts, write_swaying
from tests.support.recorded import UNITS, frame, made_shot, record, row
from vqcodec.config import EncodeOptions
from vqcodec.encoding import effort as refinement
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import ShotCoder
from vqcodec.encoding.kept import KeptPicture
from vqcodec.encoding.pipeline import encode
from vqcodec.encoding.refining import MotionRefiner, refined
from vqcodec.encoding.settings import Setting, quality_of
from vqcodec.errors import UsageError
from vqcodec.format import DIMS, from_indices
from vqcodec.geometry.layout import MOTION_2
from vqcodec.lab.rate import effort
from vqcodec.progress import ProgressEvent
from vqcodec.render.renderer import Renderer
from vqcodec.reports import EncodeReport
from vqcodec.types import ModelId, MotionGroup


class Shifting:
    """A refiner that adds one unit."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.bases: list[tuple[float, float]] = []
        self.frames, self.gain = 0, 0.25

    def portrait(
        self,
        rgb: NDArray[np.uint8],
        features: NDArray[np.float32],
        base: NDArray[np.float32],
    ) -> None:
        assert rgb.shape == (512, 512, 3) and features.shape == base.shape == (DIMS,)
        self.calls.append(("portrait", round(float(rgb.mean()))))
        self.bases.append((float(features[0]), float(base[0])))

    def motion(
        self,
        pictures: NDArray[np.uint8],
        features: NDArray[np.float32],
        progress: Callable[[int], None],
    ) -> NDArray[np.float32]:
        assert pictures.shape == (len(features), 256, 256, 3) and pictures.dtype == np.uint8
        self.calls.append(("motion", len(features)))
        self.frames += len(features)
        progress(self.frames)
        return np.asarray(features + np.float32(0.5), np.float32)


def test_frames_are_refined_and_faceless_ones_hold_what_was_refined() -> None:
    frames = [frame(i, seen=i % 60 != 55) for i in range(80)]
    values = [float(i % 7) for i in range(80)]
    (shot,) = record(frames, values, keep_every=1)
    shown = np.zeros(80, np.int64)
    refiner, told = Shifting(), list[int]()
    picture = shot.candidates[0].picture
    moved = refined(refiner, shot, shot.features(), shown, [row(2.0)], [picture], told.append)
    np.testing.assert_array_equal(moved, shot.features() + np.float32(0.5))
    assert moved[55, 0] == moved[54, 0] == values[54] + 0.5
    assert [size for name, size in refiner.calls if name == "motion"] == [50, 29]
    assert set(refiner.bases) == {(2.0, 2.0)} and told == [50, 79]


def test_each_stretch_is_refined_from_the_portrait_that_shows_it() -> None:
    shot = made_shot(np.zeros((10, 2)), values=[0.0, 8.0])
    small = KeptPicture.of(np.zeros((256, 256, 3), np.uint8))
    shot = replace(shot, frames=tuple(replace(f, picture=small) for f in shot.frames))
    shown = np.array([0] * 12 + [1] * 10 + [0] * 8)
    refiner = Shifting()
    pictures = [candidate.picture for candidate in shot.candidates]
    own = [row(0.0), row(8.0)]
    refined(refiner, shot, shot.features(), shown, own, pictures, lambda frames: None)
    levels = [round(float(p.rgb().mean())) for p in pictures]
    assert refiner.calls == [
        ("portrait", levels[0]),
        ("motion", 12),
        ("portrait", levels[1]),
        ("motion", 10),
        ("portrait", levels[0]),
        ("motion", 8),
    ]
    assert refiner.bases == [(0.0, 0.0), (8.0, 0.0), (0.0, 0.0)]


def test_a_coded_shot_holds_refined_motion() -> None:
    def tokens(refiner: MotionRefiner | None) -> Any:
        (shot,) = record([frame(i) for i in range(30)], keep_every=1)
        coder = ShotCoder(
            UNITS, MOTION_2, Fraction(1, 25), Fraction(25), Spending(0.1), refiner, preset=12
        )
        items = list(coder.items(shot, Setting(50, 0.1, 4, 0.0)))
        return np.concatenate([i.indices for i in items if isinstance(i, MotionGroup)])

    plain, moved = from_indices(tokens(None)), from_indices(tokens(Shifting()))
    assert not plain.any() and (moved == 1).all()


def test_encode_tells_what_it_refines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Shifting] = []
    settings: list[Setting] = []

    def load(
        effort: int, setting: Setting, space: ModelId, renderer: Renderer | None = None
    ) -> Shifting:
        settings.append(setting)
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
    moved, report, events = run(effort=2)
    assert report.to_json()["effort"] == 2 and report.to_json()["refinement_gain"] == 0.25
    assert moved.getvalue() != plain.getvalue() and made[0].frames == 60
    frames = [event.frames for event in events]
    assert frames == sorted(frames) and frames[-1] == 60 and 50 in frames
    fitted, report, _ = run(effort=1, bitrate_kbps=200)
    assert len(made) == 2 and report.effort == 1 and fitted.getvalue()
    assert quality_of(settings[1].crf) == report.portrait_quality


@pytest.mark.parametrize("wrong", [-1, 4, 1.5])
def test_efforts_that_are_none(wrong: Any) -> None:
    with pytest.raises(UsageError, match="effort"):
        EncodeOptions(effort=wrong)


def test_table_of_the_measurement() -> None:
    keys = [key for key, _, _ in effort.COLUMNS]
    table = effort.show([{"effort": 1, "steps": 2} | dict.fromkeys(keys, 0.25) | {"jitter": None}])
    assert "| 1 | 2 | 0.2500 | 0.2500 | 0.25 | 0.25000 | 0.25000 | 0.25 | 0.25 |" in table
    assert effort.parse_efforts("0,3") == [0, 3]
    for text in ("", "0,", "4", "a"):
        with pytest.raises(UsageError):
            effort.parse_efforts(text)
