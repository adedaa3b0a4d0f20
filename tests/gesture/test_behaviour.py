"""The behaviour model: a head that lives, the same for the same seed, whole or in pieces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqcodec.errors import ModelError
from vqcodec.geometry.controls import Controls
from vqcodec.gesture.behaviour import LIMITS, Behaviour
from vqcodec.models import store

MODEL = Behaviour.load()
THREE_MINUTES = 4500


def portrait(
    blink: float = 0.05,
    gaze: tuple[float, float] = (0.01, -0.02),
    at: tuple[float, float] = (0.5, 0.45),
) -> Controls:
    return Controls(
        np.array([[0.05, -0.1, 0.02, *at, -1.7]], np.float32),
        np.array([gaze], np.float32),
        np.array([blink], np.float32),
    )


def speech(frames: int, seed: int = 0) -> np.ndarray:
    """Energy of made-up speech: syllables, with pauses every few seconds."""
    t = np.arange(frames) / 25
    syllables = np.abs(np.sin(2 * np.pi * 2.1 * t + 2 * np.sin(t + seed)))
    return (syllables * (np.sin(2 * np.pi * t / 4.3 + seed) > -0.6)).astype(np.float32)


def blink_times(blink: np.ndarray) -> np.ndarray:
    return np.flatnonzero((blink[1:] > 0.5) & (blink[:-1] <= 0.5)) / 25


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "energy",
    [speech(THREE_MINUTES), np.zeros(THREE_MINUTES), np.ones(THREE_MINUTES)],
    ids=["speech", "silence", "loud"],
)
def test_blinks_come_every_two_to_seven_seconds(energy: np.ndarray, seed: int) -> None:
    times = blink_times(MODEL.controls(energy, portrait(), seed=seed).blink)
    gaps = np.diff(times, prepend=0, append=len(energy) / 25)
    assert gaps[:-1].min() >= 2 and gaps.max() <= 7
    assert np.std(gaps) > 0.3, "no clockwork"


def test_a_blink_shuts_the_eyes_for_a_moment_and_falls_faster_than_it_rises() -> None:
    blink = MODEL.controls(speech(THREE_MINUTES), portrait(blink=0.1), seed=5).blink
    down = np.flatnonzero(np.diff((blink > 0.12).astype(int)) == 1)
    up = np.flatnonzero(np.diff((blink > 0.12).astype(int)) == -1)
    lengths_s = (up[: len(down)] - down[: len(up)]) / 25
    assert lengths_s.min() >= 0.16 and lengths_s.max() <= 0.32
    assert all(blink[a : b + 2].max() == 1 for a, b in zip(down, up, strict=False))
    assert np.diff(blink).max() > -np.diff(blink).min()
    assert blink.min() == pytest.approx(0.1, abs=1e-6), "open as in the portrait"


def test_speech_draws_blinks_to_its_pauses() -> None:
    energy = speech(THREE_MINUTES)
    times = np.concatenate(
        [blink_times(MODEL.controls(energy, portrait(), seed=s).blink) for s in range(2)]
    )
    quiet = np.convolve(energy, np.ones(8) / 8, "same") < 0.1
    assert quiet[(times * 25).astype(int)].mean() > 1.3 * quiet.mean()


@given(st.integers(0, 2**63), st.lists(st.integers(0, 90), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_pieces_make_the_whole_and_a_seed_repeats(seed: int, lengths: list[int]) -> None:
    energy = speech(sum(lengths))
    whole = MODEL.controls(energy, portrait(), seed=seed)
    stream, at, parts = MODEL.stream(portrait(), seed=seed), 0, []
    for n in lengths:
        parts.append(stream.push(energy[at : at + n]))
        at += n
    together = Controls.concatenate(parts)
    for name in ("pose", "gaze", "blink"):
        assert getattr(together, name).tobytes() == getattr(whole, name).tobytes()
        assert getattr(whole, name).dtype == np.float32


def test_a_seed_gives_the_same_on_every_machine() -> None:
    """Drawn once with the shipped parameters; another behaviour model gives other numbers."""
    made = MODEL.controls(speech(500), portrait(), seed=20)
    np.testing.assert_allclose(
        made.pose[[100, 300, 499]],
        [
            [-0.002, -0.0848, 0.0456, 0.5132, 0.4552, -1.7212],
            [0.0803, -0.1454, 0.0087, 0.5273, 0.4622, -1.6654],
            [0.0162, -0.0297, 0.0703, 0.5052, 0.4518, -1.7173],
        ],
        atol=1e-3,
    )
    np.testing.assert_allclose(
        made.gaze[[100, 300]], [[0.0968, 0.009], [-0.0128, -0.0305]], atol=1e-3
    )
    assert np.flatnonzero(made.blink == 1).tolist() == [56, 114, 185, 303, 390]


def test_another_seed_is_another_head() -> None:
    a, b = (MODEL.controls(speech(500), portrait(), seed=s) for s in (1, 2))
    assert np.abs(a.pose - b.pose).max() > 0.01


@pytest.mark.parametrize("seed", range(4))
def test_the_first_frame_is_the_portrait_at_rest(seed: int) -> None:
    start = portrait(blink=0.2, gaze=(0.03, 0.02))
    made = MODEL.controls(np.ones(50, np.float32), start, seed=seed)
    for name in ("pose", "gaze", "blink"):
        np.testing.assert_array_equal(getattr(made, name)[0], getattr(start, name)[0])
    assert np.abs(np.diff(made.pose[:3], axis=0)).max() < 0.004, "starts without a jerk"


@pytest.mark.parametrize(
    "energy", [np.zeros(THREE_MINUTES), np.ones(THREE_MINUTES)], ids=["silence", "loud"]
)
def test_the_head_is_smooth_and_stays_within_its_limits(energy: np.ndarray) -> None:
    pose = MODEL.controls(energy, portrait(), seed=7).pose.astype(np.float64)
    assert (np.abs(pose - pose[0]).max(0) <= np.array(LIMITS) + 1e-6).all()
    speed = np.diff(pose, axis=0)
    assert (np.abs(speed).max(0) < [0.04, 0.08, 0.035, 0.02, 0.02, 0.02]).all()
    assert (np.abs(np.diff(speed, axis=0)).max(0) < 0.9 * np.abs(speed).max(0)).all(), (
        "no jumps of speed"
    )


def test_near_the_edge_the_head_has_less_room() -> None:
    pose = MODEL.controls(np.ones(2000), portrait(at=(0.76, 0.6)), seed=1).pose
    assert (
        0.005 < np.abs(pose[:, 3] - pose[0, 3]).max() < 0.013
        and np.abs(pose[:, 4] - pose[0, 4]).max() < 0.017
    )


def test_silence_still_lives_but_speech_moves_more() -> None:
    quiet, loud = (
        MODEL.controls(e, portrait(), seed=3)
        for e in (np.zeros(THREE_MINUTES), speech(THREE_MINUTES))
    )
    for made in (quiet, loud):
        table = np.concatenate([made.pose, made.gaze], 1).astype(np.float64)
        seconds = table[: len(table) // 25 * 25].reshape(-1, 25, 8)
        assert (np.ptp(seconds, axis=1)[:, :3].max(1) > np.radians(0.08)).all(), "never frozen"
        assert np.ptp(seconds[1:], axis=1)[:, 6:].min() > 0, "eyes never stand still"
        assert np.radians(0.5) < table[:, 1].std() < np.radians(8)
    speeds = [np.abs(np.diff(m.pose[:, :3], axis=0)).sum(1).mean() for m in (quiet, loud)]
    assert speeds[1] > 1.2 * speeds[0]


def test_gaze_stays_near_the_middle_and_jumps() -> None:
    gaze = MODEL.controls(speech(THREE_MINUTES), portrait(), seed=4).gaze
    assert np.abs(gaze).max() <= 0.36
    assert (np.abs(gaze[:, 0]) < 0.12).mean() > 0.95
    jumps = np.flatnonzero(np.abs(np.diff(gaze[:, 0])) > 0.02)
    assert 0.1 < len(jumps) / 180 < 3


def test_shut_eyes_and_glances_of_a_portrait_end_soon() -> None:
    made = MODEL.controls(speech(50), portrait(blink=0.95, gaze=(0.2, 0.1)), seed=0)
    assert made.blink[0] == np.float32(0.95) and made.blink[9:40].max() == 0
    assert np.hypot(*made.gaze[0]) > 0.2 > 0.15 > np.hypot(*made.gaze[15])


@pytest.mark.parametrize("blink", [0.0, 0.2, 0.9])
def test_without_blinks_lids_stay_as_in_the_portrait(blink: float) -> None:
    made = MODEL.controls(speech(1000), portrait(blink=blink), seed=0, blink=False)
    np.testing.assert_array_equal(made.blink, np.full(1000, blink, np.float32))
    with_blinks = MODEL.controls(speech(1000), portrait(blink=blink), seed=0)
    np.testing.assert_array_equal(made.pose, with_blinks.pose)


def test_made_up_energy_does_no_harm() -> None:
    made = MODEL.controls(np.array([np.nan, np.inf, -np.inf, -3, 7] * 20), portrait(), seed=0)
    assert np.isfinite(made.pose).all() and np.isfinite(made.gaze).all()
    assert len(MODEL.controls(np.zeros(0), portrait(), seed=0)) == 0


def test_a_portrait_is_one_frame_with_a_face() -> None:
    faceless = Controls(
        np.full((1, 6), np.nan, np.float32), np.zeros((1, 2), np.float32), np.zeros(1, np.float32)
    )
    for start in (portrait()[:0], faceless):
        with pytest.raises(ValueError, match="one frame with a face"):
            MODEL.controls(np.zeros(5), start, seed=0)


def test_the_shipped_parameters_are_read_whole_and_others_refused(tmp_path: Path) -> None:
    content = json.loads(store.current("behaviour").path.read_text())
    assert json.loads(json.dumps(MODEL.to_facts())) == content["parameters"]
    assert content["statistics"]["real"].keys() == content["statistics"]["made"].keys()
    assert MODEL.id == store.current("behaviour").id and MODEL.id.name == "behaviour-1"
    with pytest.raises(ModelError, match="missing"):
        Behaviour.load(tmp_path / "absent.json")
    (tmp_path / "wrong.json").write_text('{"parameters": {"head": {}, "eyes": {}}}')
    with pytest.raises(ModelError, match="not a behaviour model"):
        Behaviour.load(tmp_path / "wrong.json")


def test_the_shipped_motion_is_like_the_real_footage_it_was_fitted_on() -> None:
    real, made = (
        json.loads(store.current("behaviour").path.read_text())["statistics"][k]
        for k in ("real", "made")
    )
    for key, low, high in (("std", 0.65, 1.35), ("speed", 0.5, 1.3)):
        ratio = np.array(made[key]) / np.array(real[key])
        assert (ratio > low).all() and (ratio < high).all(), key
    assert made["speech_to_pause"] == pytest.approx(real["speech_to_pause"], rel=0.15)
