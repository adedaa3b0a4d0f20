"""An encode that somebody watches: short groups at once, frames at their own pace, fewer where the machine is too slow."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.encoding.test_live import UNITS, groups_of
from tests.support.recorded import featured, frame, read, written
from vqcodec.config import EncodeOptions
from vqcodec.encoding.live import LiveRecorder
from vqcodec.encoding.live_shot import WATCHED_GROUP_S, GroupSpan
from vqcodec.encoding.pacing import MOST_LATE_S, MOST_LEFT_OUT, Pace
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.watched import watched_delay_s, watched_patience
from vqcodec.errors import UsageError
from vqcodec.face.smooth import LandmarkFilter
from vqcodec.geometry.layout import MOTION_2
from vqcodec.media.items import AudioBlock
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.stream.sound import SoundCoder
from vqcodec.stream.walk import posed_groups
from vqcodec.types import MotionGroup


@pytest.mark.parametrize(
    ("rate_hz", "frames"),
    [(25, 3), (30, 3), (24, 2), (20, 2), (Fraction(25, 2), 1), (10, 1), (5, 1)],
)
def test_groups_hold_at_most_120_ms_and_wait_for_no_frame_behind_them(
    rate_hz: Fraction | int, frames: int
) -> None:
    step_s = 1 / Fraction(rate_hz)
    made = LiveRecorder(
        UNITS,
        MOTION_2,
        Fraction(1, 600),
        Setting(50, 0.05, 4, 0.0),
        coder=lambda crf: PortraitCoder(crf, preset=12),
        span=GroupSpan(WATCHED_GROUP_S, step_s),
    )
    count = 4 * frames
    values = [0.5 * (i % 60) - 7 for i in range(count)]
    pictures = [frame(i, time_s=i * step_s) for i in range(count)]
    found, items = [], []
    for each in featured(pictures, values):
        found.append(made.push(*each))
        items += found[-1]
    groups = [[item for item in ready if isinstance(item, MotionGroup)] for ready in found]
    assert [len(ready) for ready in groups] == ([0] * (frames - 1) + [1]) * 4
    assert {len(group.ticks) for group in groups_of(items)} == {frames}
    rows = [g.features[:, 0] for g in posed_groups(read(written(items + made.flush())), UNITS)]
    assert np.concatenate(rows).tolist() == values


def test_less_waiting_is_promised() -> None:
    assert watched_patience(Fraction(25)).look_ahead_frames == 1
    assert watched_patience(Fraction(10)).look_ahead_frames == 0
    assert watched_delay_s(Fraction(25)) == Fraction(36, 100)


def test_a_filter_that_looks_less_ahead_gives_frames_sooner() -> None:
    still = np.zeros((478, 2), np.float32) + 0.5
    hasty = LandmarkFilter(1)
    given = [len(hasty.push(still, Fraction(i, 25))) for i in range(6)]
    assert given == [0, 1, 1, 1, 1, 1] and len(hasty.flush()) == 1
    assert len(LandmarkFilter(0).push(still, Fraction(0))) == 1


def test_sound_is_not_held_back() -> None:
    coder = SoundCoder([8000, 6000], prompt=True)
    samples = np.zeros((2880, 1), np.int16)
    pieces = [coder.push(AudioBlock(samples, 2880 * n)) for n in range(3)]
    starts = [[(piece.rung, piece.first_sample) for piece in ready] for ready in pieces]
    assert starts[1:] == [[(0, 2880 * n), (1, 2880 * n)] for n in (1, 2)] or starts[2]
    assert sum(map(len, pieces)) + len(coder.flush()) >= 6


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def paced() -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(lambda: clock.now_s, clock.sleep), clock


def test_frames_come_at_their_own_pace() -> None:
    pace, clock = paced()
    assert all(pace.takes(Fraction(n, 25)) for n in range(5))
    assert clock.slept == pytest.approx([0.04] * 4)


def test_a_machine_that_is_too_slow_gets_fewer_frames() -> None:
    pace, clock = paced()
    taken = []
    for n in range(100):
        if pace.takes(Fraction(n, 25)):
            taken.append(n)
            with pace.waiting():
                clock.now_s += 0.1
            pace.coded(Fraction(n, 25))
    assert 36 <= len(taken) <= 52 and pace.left_out == 100 - len(taken)
    assert clock.now_s - 100 - taken[-1] / 25 < MOST_LATE_S + 0.3
    assert max(np.diff(taken)) <= MOST_LEFT_OUT + 1


def test_an_input_that_pauses_costs_no_frames_afterwards() -> None:
    pace, clock = paced()
    assert pace.takes(Fraction(0))
    clock.now_s += 7
    assert all(pace.takes(Fraction(n, 25)) for n in range(1, 20)) and pace.left_out == 0


def test_low_delay_is_for_live_streams() -> None:
    with pytest.raises(UsageError, match="live"):
        EncodeOptions(low_delay=True)
