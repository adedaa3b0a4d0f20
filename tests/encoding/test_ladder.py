"""From the smallest file to the best one: every step's setting, within the caller's limits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.encoding.ladder import (
    BOOST_CRFS,
    LAST_STEP,
    audio_rates_bps,
    setting_at,
    setting_for,
)
from vqcodec.encoding.settings import BEST_CRF, WORST_CRF, Setting, crf_of, quality_of

STEPS = range(LAST_STEP + 1)


def ladder(**options: Any) -> list[Setting]:
    return [setting_at(step, EncodeOptions(**options)) for step in STEPS]


def coarseness(setting: Setting) -> int:
    """CRF with variance boost that takes as many bits."""
    return setting.crf + (0 if setting.boosted else BOOST_CRFS)


def test_every_step_is_at_least_as_good_as_the_one_before() -> None:
    steps = ladder()
    for low, high in pairwise(steps):
        assert coarseness(high) <= coarseness(low) and high.boosted >= low.boosted
        assert high.price < low.price and high.layers >= low.layers
        assert high.rdo <= low.rdo and high.audio_bps >= low.audio_bps
    assert (steps[0].crf, steps[-1].crf) == (WORST_CRF, BEST_CRF)
    assert (steps[-1].layers, steps[-1].rdo) == (4, 0.0)
    assert len({(s.crf, s.boosted, s.price) for s in steps}) == len(steps)


def test_steps_are_even() -> None:
    for low, high in pairwise(ladder()):
        assert coarseness(low) - coarseness(high) <= 1 and low.rdo - high.rdo < 0.2
        assert high.price > 0.85 * low.price and high.layers - low.layers <= 1


def test_limits_hold() -> None:
    limited = ladder(layers=3, portrait_quality=40, rdo=0.25, audio=AudioChoice("opus", 9_000))
    for plain, step in zip(ladder(), limited, strict=True):
        assert step.layers == min(plain.layers, 3) and step.rdo == 0.25
        assert step.crf == max(plain.crf, crf_of(40)) and step.price == plain.price
        assert step.audio_bps == min(plain.audio_bps, 9_000)


def test_sound_is_coded_at_every_rate_of_the_ladder() -> None:
    for audio in (AudioChoice(), AudioChoice("opus", 9_000), AudioChoice("opus", 64_000)):
        options = EncodeOptions(audio=audio)
        rates = audio_rates_bps(options)
        assert rates == sorted(set(rates))
        assert {setting_at(step, options).audio_bps for step in STEPS} == set(rates)


def test_names() -> None:
    small, medium, best = (
        setting_for(EncodeOptions(quality=quality)) for quality in ("small", "medium", "best")
    )
    assert small.crf > medium.crf > best.crf and small.price > medium.price > best.price
    assert small.rdo > medium.rdo >= best.rdo
    assert small.layers == medium.layers == best.layers == 4
    assert setting_for(EncodeOptions()) == medium


def test_what_the_caller_names_is_taken() -> None:
    named = setting_for(EncodeOptions(quality="small", portrait_quality=90, rdo=0.0, layers=2))
    assert (named.crf, named.rdo, named.layers) == (crf_of(90), 0.0, 2)
    assert named.price == setting_for(EncodeOptions(quality="small")).price


@pytest.mark.parametrize("quality", [1, 17, 50, 99, 100])
def test_quality_is_said_as_it_was_asked_for(quality: int) -> None:
    assert abs(quality_of(crf_of(quality)) - quality) <= 1
    assert 0 <= crf_of(quality) <= 63


def test_a_finer_quality_is_a_lower_crf() -> None:
    crfs = [crf_of(quality) for quality in range(1, 101)]
    assert crfs == sorted(crfs, reverse=True) and [crf_of(q) for q in (50, 100)] == [44, BEST_CRF]
    assert [quality_of(crf) for crf in (WORST_CRF, BEST_CRF)] == [2, 100]
