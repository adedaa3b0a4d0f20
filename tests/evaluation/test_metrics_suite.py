"""All figures in one pass: means, missing faces, and agreement with an independent script."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.evaluation import blurred, moving, noise
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.features import EYES, MOUTH
from vqcodec.evaluation.metrics.scores import Scores
from vqcodec.evaluation.metrics.suite import Suite, still
from vqcodec.geometry.mesh import LIPS

pytest.importorskip("torchmetrics")
pytest.importorskip("dlib")
pytest.importorskip("cpbd")
pytest.importorskip("stlpips_pytorch")

GOLDEN = Path(__file__).with_name("golden_metrics.json")


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    with Suite() as made:
        yield made


def test_identical_video(suite: Suite) -> None:
    frames = moving(7)
    scores = suite.measure(frames, frames.copy()).mean()
    assert (scores.frames, scores.faces) == (7, 2)
    assert scores.psnr_db == pytest.approx(100) and scores.ssim == pytest.approx(1, abs=1e-6)
    assert scores.perc == pytest.approx(0, abs=1e-8)
    assert scores.st_lpips == pytest.approx(0, abs=1e-6)
    assert scores.id_dist == scores.lmd == scores.lmd_mouth == 0
    assert scores.perc_mouth == scores.perc_eyes == pytest.approx(0, abs=1e-8)
    assert scores.jitter == 1 and scores.cpbd == scores.cpbd_reference > 0


def test_still_picture_does_not_move(suite: Suite) -> None:
    frames = moving(7)
    shown = still(frames)
    assert shown.shape == frames.shape and shown.base is not None
    per_frame = suite.measure(frames, shown)
    scores = per_frame.mean()
    assert scores.jitter == 0
    assert per_frame.psnr_db[0] == pytest.approx(100) and per_frame.psnr_db[1] < 40
    assert per_frame.lmd[0] == 0 and per_frame.lmd[1] > 0
    assert scores == suite.measure(frames, np.array(shown)).mean()


def test_larger_pictures_are_measured_at_256(suite: Suite) -> None:
    large = moving(2, side_px=512)
    small = large.reshape(2, 256, 2, 256, 2, 3).mean((2, 4)).round().astype(np.uint8)
    scores = suite.measure(large, small).mean()
    assert scores.psnr_db > 45 and scores.lmd < 0.01


def test_without_a_face_only_the_pictures_are_measured(suite: Suite) -> None:
    frames = noise((3, 256, 256, 3))
    scores = suite.measure(frames, frames).mean()
    assert scores.faces == 0 and scores.ssim == pytest.approx(1, abs=1e-6)
    assert math.isnan(scores.lmd) and math.isnan(scores.jitter)
    fields = scores.to_json()
    assert fields["lmd"] is None
    assert math.isnan(Scores.from_json(fields).lmd)


def test_results_from_before_a_figure_was_measured_can_be_read(suite: Suite) -> None:
    frames = moving(2)
    fields = suite.measure(frames, frames).mean().to_json()
    del fields["perc_mouth"], fields["perc_eyes"], fields["st_lpips"]
    old = Scores.from_json(fields)
    assert math.isnan(old.perc_mouth) and math.isnan(old.st_lpips)
    del fields["lmd"]
    with pytest.raises(KeyError):
        Scores.from_json(fields)


def test_a_blurred_mouth_is_seen_where_the_picture_hardly_changes(suite: Suite) -> None:
    frames = moving(1)
    points = suite.reference(frames).faces.points(0)
    assert points is not None
    (x0, y0), (x1, y1) = (f(points[list(LIPS)], 0).astype(int) for f in (np.min, np.max))
    shown = frames.copy()
    shown[:, y0:y1, x0:x1] = blurred(frames, 2.0)[:, y0:y1, x0:x1]
    scores = suite.measure(frames, shown).mean()
    assert scores.perc_mouth > 3 * scores.perc and scores.perc_mouth > 3 * scores.perc_eyes


def test_crops_show_the_same_part_of_faces_of_any_size() -> None:
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (256, 256, 3))
    points = np.full((478, 2), 120, np.float32)
    for half in (20, 40):
        points[33], points[263] = (120 - half, 100), (120 + half, 100)
        mouth = MOUTH.of(ramp, points)
        assert mouth.shape == (112, 160, 3)
        # one distance of the eye corners wide, in the middle of the lips
        assert int(mouth[50, -1, 0]) - int(mouth[50, 0, 0]) == pytest.approx(2 * half, abs=1)
        assert mouth[50, 80, 0] == pytest.approx(120, abs=1)
    assert EYES.of(ramp, points).shape == (96, 256, 3)


def test_the_shorter_video_counts(suite: Suite) -> None:
    frames = moving(4)
    assert suite.measure(frames, frames[:3]).mean().frames == 3


def test_sampling_step_is_checked() -> None:
    with pytest.raises(UsageError):
        Suite(0)


def test_agrees_with_an_independent_script(suite: Suite) -> None:
    """golden_metrics.json: what a script of other authorship gave for these frames, once; see its "about"."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    reference = moving(12, side_px=512)
    output = blurred(np.roll(reference, 1, axis=0), 1.5)
    ours = suite.measure(reference, output).mean()
    assert ours.frames == golden["frames"]
    assert set(golden["figures"]) <= set(ours.to_json())
    for name, expected in golden["figures"].items():
        assert getattr(ours, name) == pytest.approx(expected, rel=1e-4), name
