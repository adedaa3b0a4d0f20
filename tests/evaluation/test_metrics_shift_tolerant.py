"""ST-LPIPS: zero for equal pictures, patient with a shift, not with blur, and its stand-ins don't stay."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.support.evaluation import blurred, moving
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics import shift_tolerant
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.extras import MissingExtraError


@pytest.fixture(scope="module")
def distance() -> ShiftTolerantLpips:
    pytest.importorskip("numpy")
    try:
        return ShiftTolerantLpips()
    except MissingExtraError as error:
        pytest.skip(str(error))


def test_equal_pictures_are_at_zero(distance: ShiftTolerantLpips) -> None:
    frames = moving(2)
    values = distance(frames, frames.copy())
    assert values.shape == (2,) and np.allclose(values, 0, atol=1e-6)


def test_a_shift_by_a_pixel_counts_far_less_than_blur(distance: ShiftTolerantLpips) -> None:
    frames = moving(1)
    shifted = distance(frames, np.roll(frames, 1, axis=2))[0]
    assert 0 < 3 * shifted < distance(frames, blurred(frames, 2.0))[0] < 2


def test_batches_and_order_do_not_matter(distance: ShiftTolerantLpips) -> None:
    frames = moving(12)
    worse = blurred(frames, 1.0)
    together = distance(frames, worse)
    assert np.allclose(together[[0, 11]], distance(frames[[0, 11]], worse[[0, 11]]), atol=1e-5)


def test_nothing_stands_in_afterwards(distance: ShiftTolerantLpips) -> None:
    for name in shift_tolerant._UNUSED:
        module = sys.modules.get(name)
        assert module is None or module.__spec__ is not None


def test_pictures_must_match(distance: ShiftTolerantLpips) -> None:
    with pytest.raises(UsageError):
        distance(moving(2), moving(1))


def test_the_package_is_named_where_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift_tolerant, "_PACKAGE", "no_such_package")
    with pytest.raises(MissingExtraError, match="no_such_package"):
        ShiftTolerantLpips()
