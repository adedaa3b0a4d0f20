"""Outputs: what they keep of the file they replace, names, folders that others write to, and never the input itself."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import vqcodec
from tests.support.container import make_stream
from tests.support.media import picture
from vqcodec.config import DubOptions, EncodeOptions
from vqcodec.decoding.pipeline import decode
from vqcodec.dubbing.pipeline import dub
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import MediaError, UsageError
from vqcodec.media.out import pending, targets
from vqcodec.media.out.atomic import atomic_output, in_place_output
from vqcodec.media.out.pending import PendingFile
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.out.targets import check_output

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")


def write(path: Path, force: bool = False) -> None:
    with atomic_output(path, force=force) as sink:
        sink.write(b"new")


def write_video(path: Path, force: bool = False) -> None:
    with VideoSink(
        path, width=64, height=48, frame_rate_hz=Fraction(25), container="mp4", force=force
    ) as sink:
        sink.write_frame(picture(0), Fraction(0))


def write_live(path: Path, force: bool = False) -> None:
    with in_place_output(path, force=force) as sink:
        sink.write(b"new")


WRITERS = [write, write_video, write_live]


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
@pytest.mark.parametrize("writer", WRITERS)
def test_the_mode_is_kept(tmp_path: Path, writer: Callable[..., None], mode: int) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"old")
    path.chmod(mode)
    writer(path, force=True)
    assert path.stat().st_mode & 0o7777 == mode and path.read_bytes() != b"old"
    fresh = tmp_path / "fresh.mp4"
    writer(fresh)
    umask = os.umask(0)
    os.umask(umask)
    assert fresh.stat().st_mode & 0o7777 == 0o666 & ~umask


@POSIX
def test_a_private_file_is_private_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "out.vqt"
    path.write_bytes(b"old")
    path.chmod(0o600)
    pending = PendingFile(path, force=True)
    assert pending.path.stat().st_mode & 0o777 == 0o600
    pending.discard()


@pytest.mark.parametrize("letter", ["n", "名", "й", "😀", "e\u0301"])
@pytest.mark.parametrize("writer", WRITERS)
def test_names_are_counted_in_bytes(
    tmp_path: Path, writer: Callable[..., None], letter: str
) -> None:
    name = letter * ((255 - len(".mp4")) // len(letter.encode())) + ".mp4"
    writer(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["." + "x" * 254, "a." + "y" * 253, "名" * 85])
def test_names_without_a_usual_suffix(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_too_long_is_told_before_the_work(tmp_path: Path) -> None:
    for name in ("名" * 86, "x" * 300 + ".vqt"):
        with pytest.raises(MediaError, match="File name too long") as caught:
            check_output(tmp_path / name, force=True)
        assert "shorter" in caught.value.hint


@POSIX
@pytest.mark.parametrize("writer", [write, write_video])
def test_a_link_swapped_in_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Callable[..., None]
) -> None:
    """As soon as the temporary file is there, somebody else puts a link in its place."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    own = PendingFile.__init__

    def swapped(self: PendingFile, target: Any, *, force: bool = False) -> None:
        own(self, target, force=force)
        self.path.unlink()
        self.path.symlink_to(victim)

    monkeypatch.setattr(PendingFile, "__init__", swapped)
    with pytest.raises(MediaError, match="was replaced"):
        writer(tmp_path / "out.mp4")
    assert victim.read_bytes() == b"precious" and not (tmp_path / "out.mp4").exists()


@POSIX
@pytest.mark.parametrize("known", [True, False], ids=["seen before", "met at the end"])
@pytest.mark.parametrize("writer", [write, write_video])
def test_what_cannot_be_renamed_over_is_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Callable[..., None], known: bool
) -> None:
    """A file that is a mount point, as containers have them."""
    path = tmp_path / "out file.mp4"
    path.write_bytes(b"old" * 9999)
    number = path.stat().st_ino
    if known:
        mounts = tmp_path / "mountinfo"
        escaped = str(path).replace(" ", "\\040")
        mounts.write_text(f"36 35 98:0 /mnt1 {escaped} rw - ext3 /dev/root rw\n")
        monkeypatch.setattr(targets, "_MOUNTS", mounts)

    def busy(*names: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    writer(path, force=True)
    assert path.stat().st_ino == number and not path.read_bytes().startswith(b"old")
    assert not list(tmp_path.glob(".*"))
    if known:
        monkeypatch.setattr(os, "access", lambda name, mode: Path(name) != path)
        with pytest.raises(MediaError, match="neither replaced nor written"):
            check_output(path, force=True)


@POSIX
@pytest.mark.parametrize("writer", [write, write_live])
def test_a_link_put_where_the_output_was_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: Callable[..., None]
) -> None:
    """Whoever owns a file that is written into can swap it: after the path was looked at, before it is opened."""
    path, victim = tmp_path / "out.mp4", tmp_path / "victim"
    path.write_bytes(b"old")
    victim.write_bytes(b"precious")
    own = os.open

    def swapped(name: Any, flags: int, *mode: int) -> int:
        if Path(name) == path:
            path.unlink()
            path.symlink_to(victim)
        return own(name, flags, *mode)

    monkeypatch.setattr(os, "open", swapped)
    monkeypatch.setattr(pending, "renamable", lambda path: False)
    with pytest.raises(MediaError, match="out"):
        writer(path, force=True)
    assert victim.read_bytes() == b"precious"


@POSIX
def test_a_file_that_came_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.vqt"
    own = os.open

    def late(name: Any, flags: int, *mode: int) -> int:
        path.write_bytes(b"another program's")
        return own(name, flags, *mode)

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(MediaError, match="File exists"):
        write_live(path)
    assert path.read_bytes() == b"another program's"


def test_a_folder_that_takes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda name, mode: Path(name) != tmp_path)
    with pytest.raises(MediaError, match="takes no new file"):
        check_output(tmp_path / "out.mp4")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.vqt"
    path.write_bytes(make_stream())
    return path


def same(path: Path, kind: str) -> Path:
    """Another way to name a file."""
    other = path.with_name("other.vqt")
    if kind == "itself":
        return path
    if kind == "dots":
        return path.parent / "." / ".." / path.parent.name / path.name
    (other.symlink_to if kind == "link" else other.hardlink_to)(path)
    return other


@POSIX
@pytest.mark.parametrize("kind", ["itself", "dots", "link", "hard link"])
def test_an_input_is_never_the_output(source: Path, kind: str) -> None:
    other, kept = same(source, kind), source.read_bytes()
    picture_, video = source.with_name("p.png"), source.with_name("v.mp4")
    shutil.copy(source, picture_)
    video.hardlink_to(picture_)
    still = source.with_name("s.png")
    still.write_bytes(cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    poses = DubOptions(poses=source)
    calls: list[Callable[[], object]] = [
        lambda: vqcodec.thin(source, other, layers=1, force=True),
        lambda: encode(source, other, force=True),
        lambda: encode(source, other, EncodeOptions(live=True), force=True),
        lambda: decode(source, other, force=True),
        lambda: dub(source, picture_, other, force=True),
        lambda: dub(picture_, source, other, force=True),
        lambda: dub(video, still, other, poses, force=True),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="is the input itself"):
            call()
    with source.open("rb") as opened, pytest.raises(UsageError, match="is the input itself"):
        vqcodec.thin(opened, other, layers=1, force=True)
    with other.open("r+b") as opened, pytest.raises(UsageError, match="is the input itself"):
        vqcodec.thin(source, opened, layers=1)
    assert source.read_bytes() == kept == other.read_bytes()


def test_another_file_of_the_same_bytes_may_be_replaced(source: Path) -> None:
    other = Path(shutil.copy(source, source.with_name("copy.vqt")))
    vqcodec.thin(source, other, layers=1, force=True)
    vqcodec.thin(source, io.BytesIO(), layers=1)
    assert other.read_bytes() != source.read_bytes()
