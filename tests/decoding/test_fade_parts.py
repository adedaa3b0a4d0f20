"""What a fade is made of: weights, the question whether a shot goes on, the blend."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.support.pipeline import FakeSpace
from tests.support.recover import still
from tests.support.spec import SPEC
from vqcodec.decoding.fade import (
    PORTRAIT_FADE_S,
    SAME_SCENE,
    SAME_SHOT_UNITS,
    Fade,
    cross_faded,
    goes_on,
)
from vqcodec.format import DIMS
from vqcodec.types import KeyFrame

UNITS = FakeSpace().units
OLD, NEW, FAR = 90, 120, 220


def key_frame(first_frame: int, level: int, value: int, picture: bytes | None = None) -> KeyFrame:
    return KeyFrame(
        first_frame, still(level) if picture is None else picture, np.full(DIMS, value, np.int16)
    )


def test_share() -> None:
    fade = Fade(key_frame(0, OLD, 0), Fraction(19, 25), Fraction(20, 25))
    assert [fade.share(Fraction(n, 25)) for n in range(19, 26)] == [
        None,
        *(pytest.approx(n / 6) for n in range(1, 6)),
        None,
    ]


def test_goes_on() -> None:
    before = np.zeros(DIMS, np.float32)
    assert goes_on(before, before + SAME_SHOT_UNITS * UNITS, UNITS)
    assert not goes_on(before, before - np.float32(1.01 * SAME_SHOT_UNITS) * UNITS, UNITS)


def test_cross_faded() -> None:
    old, new = np.full((256, 256, 3), 100, np.uint8), np.full((256, 256, 3), 140, np.uint8)
    assert [int(cross_faded(old, new, share)[9, 9, 0]) for share in (0.0, 0.25, 0.5, 1.0)] == [
        100,
        110,
        120,
        140,
    ]
    far = np.full((256, 256, 3), 101 + int(SAME_SCENE * 255), np.uint8)
    assert cross_faded(old, far, 0.1) is far


def test_the_specification_tells_the_same_numbers() -> None:
    text = (SPEC / "vqt.md").read_text(encoding="utf-8").split("## 19.")[1]
    assert (
        f"{float(PORTRAIT_FADE_S)} s from the first frame" in text
        and f"at most {SAME_SHOT_UNITS:g} units" in text
    )
    assert (
        "1/6, 2/6, 3/6, 4/6, 5/6" in text
        and "a quarter of the range" in text
        and SAME_SCENE == 0.25
    )
    assert "section 19" in (SPEC / "conformance.md").read_text(encoding="utf-8")
