"""`encode --effort` around the refiner: groups, reports, progress, the command line."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.groups import UNITS, decoded, frame, row
from tests.support.pipeline import encoder_parts, write_swaying
from vqcodec.config import EncodeOptions
from vqcodec.encoding import effort as refinement
from vqcodec.encoding.groups import Assembler, MotionRefiner
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError
from vqcodec.format import DIMS
from vqcodec.geometry.layout import MOTION_2
from vqcodec.lab.rate import effort
from vqcodec.progress import ProgressEvent
from vqcodec.render.renderer import Renderer
from vqcodec.reports import EncodeReport
from vqcodec.types import ModelId


class Shifting:
    """A refiner that adds one unit."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.frames, self.gain = 0, 0.25

    def portrait(self, rgb: NDArray[np.uint8], features: NDArray[np.float32]) -> None:
        assert rgb.shape == (512, 512, 3) and features.shape == (DIMS,)
        self.calls.append(("portrait", 1))

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
