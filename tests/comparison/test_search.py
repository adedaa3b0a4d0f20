"""Finding the quality for a rate, and keeping what was found."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.compare import point
from vqcodec.comparison.anchors.search import (
    TOLERANCE,
    TRIES,
    UNREACHED,
    RateSearch,
    ladder,
)
from vqcodec.comparison.store import Store


class Encoder:
    """Rates that halve every so many steps of CRF; counts encodes."""

    def __init__(self, at_zero_kbps: float, steps_per_octave: float) -> None:
        self.at_zero, self.steps, self.calls = at_zero_kbps, steps_per_octave, 0

    def __call__(self, crf: int) -> float:
        self.calls += 1
        return self.at_zero * 2 ** (-crf / self.steps)


def search(encoder: Encoder, known: dict[int, float] | None = None) -> RateSearch:
    return RateSearch(encoder, 63, 40, known or {})


@given(at_zero=st.floats(500, 50_000), steps=st.floats(4, 12), target=st.floats(5, 40))
@settings(deadline=None, max_examples=200)
def test_a_rate_is_found_in_few_encodes(at_zero: float, steps: float, target: float) -> None:
    encoder = Encoder(at_zero, steps)
    found = search(encoder)
    rate = found.known[found.find(target)]
    assert encoder.calls <= TRIES
    lowest = at_zero * 2 ** (-63 / steps)
    if lowest < target:
        # integer steps can't come nearer than half an octave over the steps in one
        assert (
            abs(math.log(rate / target)) <= max(math.log1p(TOLERANCE), math.log(2) / steps) + 1e-9
        )
    else:
        # where the least rate is all but the target, the last try may stop two steps short of it
        assert -1e-9 <= math.log(rate / lowest) <= 2 * math.log(2) / steps + 1e-9
        if lowest > 1.2 * target:
            assert rate == pytest.approx(lowest)


def test_known_rates_cost_nothing() -> None:
    encoder = Encoder(4000, 6)
    first = search(encoder)
    crf = first.find(20)
    calls = encoder.calls
    again = search(encoder, first.known)
    assert again.find(20) == crf and encoder.calls == calls


def test_a_ladder_leaves_out_what_cannot_be_reached() -> None:
    encoder = Encoder(1000, 10)  # 12.7 kbit/s at worst
    found = search(encoder)
    chosen = ladder(found, [5, 10, 20, 40])
    assert sorted(chosen.values()) == [20, 40]
    assert all(found.known[crf] <= UNREACHED * target for crf, target in chosen.items())


def test_rates_that_do_not_fall_evenly_end_the_search() -> None:
    stairs = RateSearch(lambda crf: 100.0 if crf < 50 else 1.0, 63, 40, {})
    assert stairs.find(10) in range(64)
    assert len(stairs.known) <= TRIES


def test_progress_is_kept_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "av1.json"
    store = Store(path, {"every": 5, "coder": ("a", 1)})
    store.progress.points["256 crf 50"] = point("av1", 10.0, {"perc": 0.5})
    store.progress.points["256 crf 40"] = point("av1", 20.0, {"perc": None})
    store.progress.rates["256"] = {"50": 10.0}
    store.progress.matched = "256 crf 40"
    store.save()
    again = Store(path, {"every": 5, "coder": ("a", 1)}).progress
    assert again == store.progress or again.points == store.progress.points
    assert [p.matched for p in again.all_points()] == [False, True]
    assert again.rates == {"256": {"50": 10.0}}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"points": {}}', '{"points": {"a": 1}, "fingerprint": {}}']
)
def test_anything_else_is_measured_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "av1.json"
    path.write_text(content)
    assert Store(path, {"every": 5}).progress.points == {}


def test_another_fingerprint_is_measured_anew(tmp_path: Path) -> None:
    path = tmp_path / "av1.json"
    store = Store(path, {"every": 5})
    store.progress.points["x"] = point("av1", 10.0, {})
    store.save()
    assert Store(path, {"every": 6}).progress.points == {}
    assert list(Store(path, {"every": 5}).progress.points) == ["x"]
    assert json.loads(path.read_text())["fingerprint"] == {"every": 5}
