"""Telling a field: known flows are found again, hidden and flat places don't count, what doesn't help isn't told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.support.field import STILL, TOLD, bent, picture, smooth_basis
from vqcodec.geometry.field import FieldBasis
from vqcodec.motion.field import CELLS, GRID, FieldFit, grey_of, texture


def test_a_known_field_is_found() -> None:
    field, source = smooth_basis(), picture()
    found = FieldFit(field)(source, bent(source, field, TOLD), STILL)
    assert np.abs(found - TOLD).max() < 0.2


def test_what_the_base_flow_says_already_is_not_told_again() -> None:
    field, source = smooth_basis(), picture()
    frame = bent(source, field, TOLD)
    found = FieldFit(field)(source, frame, field.flow(TOLD[None], GRID)[0])
    assert np.abs(found).max() < 0.15


def test_a_covered_part_and_a_flat_wall_say_nothing() -> None:
    field, source = smooth_basis(), picture()
    frame = bent(source, field, TOLD)
    frame[:, 208:] = picture(7)[:, 208:]  # something came before it
    frame[220:] = 128
    found = FieldFit(field)(source, frame, STILL)
    assert np.abs(found - TOLD).max() < 0.7
    flat = np.full_like(source, 90)
    assert not FieldFit(field)(flat, flat, STILL).any()


@pytest.mark.parametrize("used", [0, 4])
def test_only_the_first_components_are_used(used: int) -> None:
    field, source = smooth_basis(), picture()
    frame = bent(source, field, TOLD)
    fit = FieldFit(field, used)
    found = fit(source, frame, STILL)
    assert fit.count == len(TOLD) == len(found)
    assert not found[used:].any()
    assert found[:used].any() == bool(used)
    alone = FieldFit(FieldBasis(field.components[:used]))(source, frame, STILL) if used else []
    assert np.array_equal(found[:used], alone)


def test_what_brings_the_portrait_no_nearer_is_not_told() -> None:
    source = picture()
    away = np.zeros((1, CELLS, CELLS, 2), np.float32)
    away[..., 0] = np.where(np.arange(CELLS) < CELLS // 2, 1.0, -1.0)
    frame = bent(source, FieldBasis(np.ones_like(away)), np.float32([2.0]))  # all of it one way
    assert not FieldFit(FieldBasis(away))(source, frame, STILL).any()
    assert not FieldFit(smooth_basis())(source, source, STILL).any()


def test_two_threads_find_what_one_finds() -> None:
    field, source = smooth_basis(), picture()
    fit = FieldFit(field)
    frames = [bent(source, field, TOLD * share) for share in np.linspace(-1, 1, 16, dtype="f")]

    def found(frame: np.ndarray) -> np.ndarray:
        return fit(source, frame, STILL)

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(found, frames))
    assert np.array_equal(np.stack(together), np.stack([found(frame) for frame in frames]))


def test_texture_is_where_brightness_changes_and_has_a_limit() -> None:
    step = np.zeros((64, 64, 3), np.uint8)
    step[:, 32:] = 255
    found = texture(grey_of(step))
    assert found.shape == (64, 64) and not found[:, :24].any() and not found[:, 40:].any()
    assert found.max() == found[10, 31] > texture(grey_of(step // 16)).max() > 0


def test_a_share_holds_back_what_is_checked_not_what_is_fitted() -> None:
    field, source = smooth_basis(), picture()
    frame, fit = bent(source, field, TOLD), FieldFit(field)
    share = np.ones((GRID, GRID), np.float32)
    whole = fit(source, frame, STILL)
    assert np.array_equal(fit(source, frame, STILL, share), whole)
    share[20:40, 20:40] = 0.25
    assert np.allclose(fit(source, frame, STILL, share), whole, atol=1e-6)
    # where nothing of it counts, it brings nothing nearer
    assert not fit(source, frame, STILL, np.zeros_like(share)).any()
