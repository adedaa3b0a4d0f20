"""Files that others read while they are written."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from vqcodec.errors import MediaError, OutputExistsError
from vqcodec.media.out.atomic import in_place_output


def test_it_has_its_name_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with in_place_output(path) as sink:
        assert path.stat().st_size == 0
        sink.write(b"abc")
        sink.flush()
        assert path.read_bytes() == b"abc"
        sink.write(b"def")
    assert path.read_bytes() == b"abcdef" and list(tmp_path.iterdir()) == [path]


def test_what_was_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(RuntimeError), in_place_output(path) as sink:
        sink.write(b"abc")
        raise RuntimeError
    assert path.read_bytes() == b"abc"


def test_a_file_in_which_there_is_nothing_goes(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), in_place_output(tmp_path / "out"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_an_old_file_is_replaced_by_the_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"a long old file")
    with pytest.raises(OutputExistsError), in_place_output(path):
        pass
    with pytest.raises(RuntimeError), in_place_output(path, force=True):
        raise RuntimeError
    assert path.read_bytes() == b"a long old file"
    with in_place_output(path, force=True) as sink:
        for _ in range(3):
            sink.write(b"ab")
            sink.flush()
    assert path.read_bytes() == b"ababab"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with in_place_output(tmp_path / "link", force=True) as sink:
        sink.write(b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_what_is_no_file_name(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with in_place_output(sink) as same:
        same.write(b"abc")
    assert sink.getvalue() == b"abc"
    with pytest.raises(MediaError, match="no folder"), in_place_output(tmp_path / "a" / "b"):
        pass
    with pytest.raises(MediaError, match="is a folder"), in_place_output(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with in_place_output(tmp_path / "pipe") as sink:
        sink.write(b"abc")
    assert os.read(reader, 10) == b"abc"
    os.close(reader)
