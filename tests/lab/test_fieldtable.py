"""How many dimensions the field gets: what a split leaves out, and the table of its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.recorded import frame, head
from tests.support.training import make_cache
from vqcodec.geometry.layout import LANDMARK_DIMS, MOTION_2, SURROUND_DIMS, Layout
from vqcodec.lab.rate.fieldtable import SCORES, SPLITS, Split, clips_of, show
from vqcodec.lab.rate.rdo import Tracked
from vqcodec.training.picture.field_fit import HELD_OUT

LAYOUT = Layout(SURROUND_DIMS, MOTION_2.learned, 8)


def tracked() -> Tracked:
    """Four frames whose features all count on, the second one without a face."""
    rows = np.arange(4, dtype=np.float32)[:, None] + np.arange(LAYOUT.dims, dtype=np.float32)
    frames = [(frame(n, seen=n != 1), None if n == 1 else row) for n, row in enumerate(rows)]
    return Tracked(head(), frames)


@pytest.mark.parametrize(
    ("split", "kept"),
    [(Split(36, 4, 8), (36, 4)), (Split(20, 0, 8), (20, 0)), (Split(28, 2, 0), (28, 2))],
)
def test_a_split_leaves_dimensions_as_in_the_first_frame(
    split: Split, kept: tuple[int, int]
) -> None:
    whole = tracked()
    part = split.of(whole, LAYOUT)
    assert part.head == whole.head and part.frames[1][1] is None
    rows = [row for _, row in part.frames if row is not None]
    moves = np.ptp(np.stack(rows), axis=0) > 0
    wanted = np.ones(LAYOUT.dims, bool)  # surroundings always do; the field is the meter's
    wanted[kept[0] : LANDMARK_DIMS] = False
    wanted[LAYOUT.learned_span][kept[1] :] = False
    assert np.array_equal(moves, wanted)
    first = whole.frames[0][1]
    assert first is not None and np.array_equal(rows[-1][~wanted], first[~wanted])
    assert rows[0].dtype == np.float32


def test_splits_are_whole_groups_and_begin_with_the_one_that_has_no_field() -> None:
    assert (SPLITS[0].groups, SPLITS[0].field) == (12, 0)
    for split in SPLITS:
        assert 4 * split.groups == split.landmarks + SURROUND_DIMS + split.learned + split.field
        assert split.landmarks <= LANDMARK_DIMS and split.learned <= len(MOTION_2.learned)


def test_only_clips_that_the_basis_has_not_seen(tmp_path: Path) -> None:
    cache = make_cache(tmp_path / "cache", clips=HELD_OUT + 3)
    (tmp_path / "train").mkdir()
    for n in range(HELD_OUT + 3):
        (tmp_path / "train" / f"c{n}.mp4").touch()
    found = [path.name for path in clips_of(tmp_path, cache, 9)]
    assert found == ["c0.mp4", f"c{HELD_OUT}.mp4"]
    assert clips_of(tmp_path, cache, 1) == [tmp_path / "train" / "c0.mp4"]


def test_the_table() -> None:
    figures = {name: n + 0.12345 for n, name in enumerate(SCORES)}
    rows = [
        dict(landmarks=36, learned=4, field=0, groups=12, rdo=0.0, **figures),
        dict(landmarks=24, learned=0, field=16, groups=12, rdo=1.0, **figures),
    ]
    lines = show({"rows": rows})
    assert len(lines) == 4
    cells = [cell.strip() for cell in lines[3].strip("|").split("|")]
    assert cells[:6] == ["12 groups", "24", "0", "16", "1", "0.12"]
    assert len(cells) == 5 + len(SCORES)
