"""How large a shot may be where no bit rate is asked for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.encoding.test_coding import by_turns, coder
from vqcodec.config import EncodeOptions
from vqcodec.encoding.budget import allowance, fitted_setting
from vqcodec.encoding.choice import Spending
from vqcodec.encoding.coding import PlacedUnit

OPTIONS = EncodeOptions()
LIMITS = Spending(0.0, first="first")


def portrait_bytes(share: float, **more: Any) -> int:
    shot, made = by_turns(8, 8, 8, 8, **more), coder(LIMITS)
    setting = fitted_setting(shot, made, OPTIONS, share)
    foretold = made.unit_bytes(shot, setting)
    units = [i.unit.unit for i in made.items(shot, setting) if isinstance(i, PlacedUnit)]
    assert [len(unit) for unit in units] == foretold
    return sum(foretold)


def test_a_larger_share_buys_more_and_what_was_tried_is_what_is_written() -> None:
    sizes = [portrait_bytes(share) for share in (0.3, 1.0, 4.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize(
    "named",
    [dict(portrait_quality=40), dict(refs=3), dict(refs_every_s=Fraction(1)), dict(quality="best")],
)
def test_whoever_names_portraits_gets_them_whatever_they_take(named: dict[str, Any]) -> None:
    assert allowance(EncodeOptions(**named)) is None


def test_small_is_smaller_than_medium() -> None:
    small, medium = (allowance(EncodeOptions(quality=q)) for q in ("small", "medium"))
    assert small is not None and medium is not None
    assert small < medium
