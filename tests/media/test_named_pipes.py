"""Videos that come through named pipes and shells' `<(...)`."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.media.pictures.table import scene
from tests.support.media import make_clip, times_at
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.still.picture_file import load_picture


def read(path: object) -> list[tuple[float, float]]:
    with VideoSource(path) as source:  # type: ignore[arg-type]
        return [(float(f.time_s), float(f.rgb.mean())) for f in source]


@pytest.mark.parametrize("name", ["late.mp4", "a.mkv"])
def test_named_pipes_are_read_as_standard_input_is(tmp_path: Path, name: str) -> None:
    clip = make_clip(tmp_path / name, times_at(25, 12))  # an MP4's index comes last
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(clip.read_bytes()), daemon=True)
    writer.start()
    assert read(pipe) == read(clip)
    writer.join(10)
    data, ends = clip.read_bytes(), os.pipe()
    writer = threading.Thread(target=lambda: _fill(ends[1], data), daemon=True)
    writer.start()
    assert read(f"/dev/fd/{ends[0]}") == read(clip)  # what a shell's <(...) is
    os.close(ends[0])


def test_a_portrait_comes_through_a_pipe(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(scene()).save(picture)
    ends = os.pipe()
    _fill(ends[1], picture.read_bytes())
    assert (load_picture(f"/dev/fd/{ends[0]}").rgb == scene()).all()
    os.close(ends[0])


def _fill(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as sink:
        sink.write(data)
