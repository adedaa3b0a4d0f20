"""Portraits as a portrait stream brings them: coded once into the cache, drawn as often as asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.training import draw_face, make_cache, moving_landmarks, shipped_basis
from vqcodec.encoding.effort import load_renderer
from vqcodec.models import store
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.coded import (
    COUNT,
    CRF_RANGES,
    build_coded,
    load_coded,
    restored,
    through_av1,
)
from vqcodec.training.picture.data import NEAR_S, Draw, PairSampler


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_cache(tmp_path_factory.mktemp("coded"), large=True)
    for name in ("c0", "c1", "c2"):
        build_coded(folder, name, seed=1)
    return folder


def test_coding_keeps_the_order_and_costs_quality() -> None:
    pictures = [draw_face(p, i, 128) for i, p in enumerate(moving_landmarks(5, 1)[:4])]
    errors = []
    for crf in (30, 60):
        shown = through_av1(pictures, crf)
        errors.append([[float(np.abs(a.astype(int) - b).mean()) for b in pictures] for a in shown])
        assert np.argmin(errors[-1], 1).tolist() == [0, 1, 2, 3]
    assert np.diagonal(errors[0]).mean() < np.diagonal(errors[1]).mean()


def test_portraits_of_training_clips_are_coded_at_every_quality(cache: Path) -> None:
    coded = load_coded(cache, "c0")
    assert coded is not None and coded.frames.shape == (len(CRF_RANGES), COUNT, 256, 256, 3)
    assert coded.places[0] == 0 and (np.diff(coded.places) > 0).all()
    clean = np.load(cache / "c0.256.npy")[coded.places]
    errors = [float(np.abs(clean.astype(int) - shown).mean()) for shown in coded.frames]
    assert 0 < errors[0] < errors[2] < 20
    assert load_coded(cache, "c2") is None, "validation clips stay as they are"


def test_they_are_restored_as_the_shipped_renderer_does_it(cache: Path) -> None:
    portrait = draw_face(moving_landmarks(5, 1)[0], 3, 512)
    coded = through_av1([portrait], 50)[0]
    shown = restored(coded)
    assert shown.shape == coded.shape and shown.dtype == np.uint8
    moved = np.abs(shown.astype(int) - coded).mean()
    assert 0 < moved < np.abs(portrait.astype(int) - coded).mean(), "a correction, no other picture"
    renderer = load_renderer(store.current("motion_space").id, "cpu")
    neutral = np.zeros(renderer.layout.dims, np.float32)
    theirs = renderer.prepare(coded, neutral).large
    theirs = (theirs[0].permute(1, 2, 0).float().numpy() * 255).round()
    assert np.abs(theirs - shown).mean() < 0.5, "what a decoder sees, but for bfloat16"


def test_samples_show_coded_portraits_of_the_frames_they_name(cache: Path) -> None:
    clips = load_clips(cache, "train")
    clean, coded = (
        PairSampler(
            clips,
            shipped_basis(),
            size=128,
            portraits=4,
            targets=2,
            seed=5,
            draw=Draw(coded=share, pairs=1.0),
        )
        for share in (0.0, 1.0)
    )
    batch = coded.batch()
    assert batch["source"].shape == (4, 2, 128, 128, 3) and clean.batch()["source"].shape == (
        4,
        2,
        128,
        128,
        3,
    )
    for clip in clips:
        places, chosen = coded._portraits(clip, 2, near=False, shutting=False)
        assert chosen is clip.coded and set(places) <= set(chosen.places.tolist())


def test_motion_is_told_relative_to_each_portrait(cache: Path) -> None:
    clips = load_clips(cache, "train")
    sample = PairSampler(
        clips, shipped_basis(), size=128, portraits=1, targets=3, seed=2, draw=Draw(pairs=1.0)
    ).sample(2)
    assert sample["delta"].shape == (2, 3, 36) and sample["around"].shape == (2, 3, 2, 3, 3)
    reached = sample["state"][:, None] + sample["delta"]
    assert np.allclose(reached[0], reached[1], atol=1e-3)
    assert np.allclose(shipped_basis().landmarks(reached[0]), sample["lm_t"], atol=1e-4)


def test_neighbours_follow_each_other(cache: Path) -> None:
    clips = load_clips(cache, "train")
    sampler = PairSampler(
        clips, shipped_basis(), size=128, portraits=1, targets=4, seed=2, draw=Draw(neighbours=1.0)
    )
    for _ in range(5):
        times, steady = sampler._targets(clips[0], None, shutting=False)
        assert steady and (times[1::2] - times[::2] == 1).all()
    assert sampler.batch()["steady"].tolist() == [1.0]
    alone = PairSampler(clips, shipped_basis(), size=128, portraits=1, targets=4, seed=2)
    assert alone.batch()["steady"].tolist() == [0.0]


def test_near_targets_lie_about_one_portrait_or_between_two(cache: Path) -> None:
    clips = [c for c in load_clips(cache, "train") if len(c.valid) > 8]
    sampler = PairSampler(
        clips, shipped_basis(), size=128, portraits=1, targets=4, seed=2, draw=Draw(near=1.0)
    )
    clip = clips[0]
    reach = NEAR_S[1] * clip.rate_hz
    for count in (1, 2):
        for _ in range(20):
            places, _ = sampler._portraits(clip, count, near=True, shutting=False)
            targets, _ = sampler._targets(clip, places, shutting=False)
            assert targets.min() >= places.min() - reach
            assert targets.max() <= places.max() + reach
            assert count == 1 or places[0] != places[1]
