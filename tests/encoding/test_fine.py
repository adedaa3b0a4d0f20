"""Fine dimensions beside a field: where bits have a price they stay as in a shot's portrait 0, else they are told."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.recorded import frame, kept
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import FINE_BELOW, PlacedUnit, ShotCoder, leave_fine
from vqcodec.encoding.live import LiveRecorder
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import Candidate, RecordedFrame, RecordedShot
from vqcodec.format import DIMS, from_indices
from vqcodec.geometry.layout import COARSE_LANDMARKS, MOTION_2, SURROUND_DIMS, Layout
from vqcodec.types import Crop, MotionGroup

WIDE = Layout(SURROUND_DIMS, MOTION_2.learned, 8)
FRAMES = 40


def row(layout: Layout, t: int) -> NDArray[np.float32]:
    """All of a frame's features move alike, far enough to be worth their bits."""
    return np.full(layout.dims, 20 * np.sin(t / 6), np.float32)


def units(layout: Layout) -> NDArray[np.float32]:
    return np.full(layout.dims, 0.5, np.float32)


def told(items: list[object]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """(P, D) of the portraits, (T, D) of the frames, in units."""
    own = [item.unit.features for item in items if isinstance(item, PlacedUnit)]
    rows = [from_indices(item.indices) for item in items if isinstance(item, MotionGroup)]
    return np.stack(own), np.concatenate(rows)


def coded(layout: Layout, rdo: float) -> list[object]:
    frames = tuple(RecordedFrame(t, t, row(layout, t)) for t in range(FRAMES))
    candidates = tuple(
        Candidate(Fraction(t, 25), row(layout, t), kept(80), Crop(512, 512, 0, 0, 512))
        for t in (0, 20)
    )
    costs = np.where(np.arange(10)[:, None] < 5, [0.0, 0.6], [0.6, 0.0]).astype(np.float32)
    shot = RecordedShot(frames, candidates, np.arange(10, dtype=np.int64) * 4, costs, False)
    coder = ShotCoder(
        units(layout),
        layout,
        Fraction(1, 25),
        Fraction(25),
        Spending(0.0, first="first"),
        preset=12,
    )
    return list(coder.items(shot, Setting(50, 0.01, 4, rdo)))


def live(layout: Layout, rdo: float) -> list[object]:
    setting = Setting(50, 0.01, 4, rdo)
    recorder = LiveRecorder(units(layout), layout, Fraction(1, 25), setting)
    pushed = [item for t in range(FRAMES) for item in recorder.push(frame(t), row(layout, t))]
    return pushed + recorder.flush()


def test_which_are_fine() -> None:
    learned = range(DIMS)[WIDE.learned_span]
    assert WIDE.fine == (*range(COARSE_LANDMARKS, 36), *learned) and max(WIDE.fine) < DIMS
    assert MOTION_2.fine == Layout().fine == (), "without a field nothing else tells them"


@pytest.mark.parametrize("make", [coded, live])
def test_they_stay_where_bits_have_a_price(make: object) -> None:
    assert callable(make)
    fine = np.isin(np.arange(WIDE.dims), WIDE.fine)
    own, moved = told(make(WIDE, FINE_BELOW))
    assert not moved[:, fine].any() and (np.ptp(moved[:, ~fine], axis=0) > 10).all()
    assert (own[:, fine] == own[0, fine]).all()
    for layout, rdo in ((WIDE, 0.0), (MOTION_2, FINE_BELOW)):
        _, moved = told(make(layout, rdo))
        assert (np.ptp(moved, axis=0) > 10).all()


def test_what_is_left_is_changed_in_place() -> None:
    features = np.arange(3 * WIDE.dims, dtype=np.float32).reshape(3, -1)
    base, before = np.full(WIDE.dims, -1, np.float32), features.copy()
    leave_fine(features, base, WIDE)
    fine = list(WIDE.fine)
    assert (features[:, fine] == -1).all()
    assert np.array_equal(np.delete(features, fine, 1), np.delete(before, fine, 1))
