"""What counts as frozen: wrong and standing still, for as long as that lasts."""

from __future__ import annotations

import numpy as np
import pytest

from vqcodec.lab.faces.frozen import BLOCK_PX, Seen, frozen_runs, longest, sheet_row, told

SIDE = 4 * BLOCK_PX


def grey(*levels: float) -> np.ndarray:
    """Pictures of one level each."""
    return np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in levels])


def test_a_wrong_picture_that_stands_is_counted_and_a_right_one_ends_it() -> None:
    runs = frozen_runs(grey(0, 100, 100, 100, 0, 100), grey(0, 0, 0, 0, 0, 0))
    assert runs[:, 0, 0].tolist() == [0, 1, 2, 3, 0, 1]
    assert (runs == runs[:, :1, :1]).all()


def test_a_wrong_picture_that_changes_begins_anew() -> None:
    runs = frozen_runs(grey(*[200] * 6), grey(0, 4, 8, 12, 40, 44))
    assert runs[:, 1, 1].tolist() == [1, 2, 3, 1, 1, 2]  # within 8 levels of the first of them


def test_only_where_it_is_so() -> None:
    source, shown = grey(0, 0, 0), grey(0, 0, 0)
    source[1:, BLOCK_PX : 2 * BLOCK_PX, :BLOCK_PX] = 90
    assert np.argwhere(frozen_runs(source, shown)[2]).tolist() == [[1, 0]]


def test_one_block_is_no_hand() -> None:
    runs = np.zeros((3, 2, 2), np.int64)
    runs[:, 0, 0] = 9
    assert longest(runs)[0] == 0
    runs[1] = [[9, 4], [2, 1]]
    assert longest(runs) == (2, 1)


def test_figures_marks_and_table() -> None:
    source, shown = grey(*[0, 200, 200]), grey(0, 0, 0)
    found = Seen(source, shown, frozen_runs(source, shown), 1.0)
    assert found.figures() == {"longest_s": 2.0, "share": pytest.approx(1 / 3)}
    assert found.marked(1)[0, 0].tolist() == [255, 40, 40] and not found.marked(0).any()
    still = Seen(source, source, frozen_runs(source, source), 1.0)
    assert sheet_row("a", {"one": found, "default": still}).shape == (SIDE, 3 * SIDE, 3)
    figures = {"one": found.figures(), "default": still.figures()}
    rows = told({"a": figures, "b": {"one": still.figures(), "default": still.figures()}})
    assert rows[2:] == [
        "| a | 2.0 | 0.0 | 33.33% | 0.00% |",
        "| **clips with 2 s or more, of 2** | 1 | 0 | 16.67% | 0.00% |",
    ]
