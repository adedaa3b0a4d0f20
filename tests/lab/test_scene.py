"""Figures of scenes: what the border's measures see, and how a late slide is told."""

from __future__ import annotations

import numpy as np

from vqcodec.lab.faces.scene import (
    RATE_HZ,
    SLIDE_S,
    Border,
    back_and_forth,
    delays_s,
    lecture,
    slide,
    told,
)
from vqcodec.types import Crop


def test_the_border_is_seen_and_nothing_else() -> None:
    crop = Crop(100, 80, 20, 40, 40)  # its lower edge is the picture's
    border = Border(crop)
    picture = np.full((80, 100, 3), 50, np.uint8)
    picture[50:60, 30:50] = 255  # inside
    border.see(picture)
    assert border.steps == 0 == border.changes
    picture = picture.copy()
    picture[40:80, 20:60] = 60
    border.see(picture)
    assert border.steps == 10 and 0 < border.changes <= 10
    border.see(picture)
    assert border.steps == 20 and border.changes <= 10


def test_delays_are_counted_from_the_change() -> None:
    change = SLIDE_S * RATE_HZ
    frames = [slide(0)] * (change + 10) + [slide(1)] * 5 + [slide(1)]
    assert delays_s(enumerate(frames)) == [10 / RATE_HZ]
    assert delays_s(enumerate([slide(0)] * 3)) == []


def test_a_lecture_has_the_speaker_in_its_corner() -> None:
    clip = np.stack([np.full((64, 64, 3), level, np.uint8) for level in (0, 100, 200)])
    assert [p[0, 0, 0] for p in back_and_forth(clip, 6)] == [0, 100, 200, 100, 0, 100]
    pages = list(lecture(clip, 2))
    assert pages[1].shape == (1080, 1920, 3) and (pages[1][-1, -1] == 100).all()
    assert np.array_equal(pages[0][:600], slide(0)[:600]) and not np.array_equal(slide(0), slide(1))


def test_the_table() -> None:
    rows = [{"form": "room", "clips": 2, "scene_kbps": 0.934, "seam": 0.9, "flicker": 0.1}]
    assert told({"rows": rows}).splitlines()[-1] == "| room | 2 | 0.93 | 0.90 | 0.10 |  |"
