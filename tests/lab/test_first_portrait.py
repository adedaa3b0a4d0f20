"""Bytes of a first portrait beside an AVIF still."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vqcodec.format import CODED_SIZE_PX
from vqcodec.lab.rate.first_portrait import Figures, equal_bytes, summary, told


def squared_error(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.square(reference.astype(np.float32) - other).mean((1, 2, 3))


def test_equal_bytes_lie_on_a_line_of_their_logarithm() -> None:
    sizes, distances = (4000, 2000, 1000), (0.1, 0.2, 0.4)
    assert equal_bytes(sizes, distances, 0.2) == pytest.approx(2000)
    assert equal_bytes(sizes, distances, 0.15) == pytest.approx(np.sqrt(4000 * 2000))
    assert (
        equal_bytes(sizes, distances, 0.05) is None and equal_bytes(sizes, distances, 0.5) is None
    )


def test_what_shows_a_portrait_better_saves_bytes() -> None:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (48, 48, 3), np.uint8)
    square = cv2.resize(noise, (CODED_SIZE_PX, CODED_SIZE_PX), interpolation=cv2.INTER_CUBIC)

    def nearer(rgb: np.ndarray) -> np.ndarray:
        """Three quarters as far from what was coded."""
        return ((3 * rgb.astype(np.int64) + square) // 4).astype(np.uint8)

    avif_bytes, found = Figures({"error": squared_error}, nearer).shares(square)
    plain, better = found["as decoded", "error"], found["restored", "error"]
    assert plain is not None and better is not None
    assert 0 < better < plain < 2 * avif_bytes


def test_medians_leave_out_clips_that_do_not_reach_it() -> None:
    key = ("as decoded", "perceptual")
    results = summary([(1000, {key: 800.0}), (2000, {key: None}), (3000, {key: 1500.0})])
    assert results["avif_bytes"] == 2000
    assert results["rows"] == [
        {
            "shown": "as decoded",
            "metric": "perceptual",
            "clips": 2,
            "bytes": 1150,
            "share": 0.65,
        }
    ]
    assert "-35%" in told(results).replace("−", "-")
    nothing = summary([(1000, {key: None})])
    assert nothing["rows"][0]["share"] is None and "| - | - | 0 |" in told(nothing)
