"""Disks that are full and inputs that fail: a MediaError that names the file, from every door, and nothing left behind."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import vqcodec
from tests.support.container import make_stream
from tests.support.media import Pipe, make_clip, picture, times_at
from vqcodec.config import DecodeOptions
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.encoding.kept import KeptPicture, PictureFile
from vqcodec.errors import MediaError
from vqcodec.media.out.atomic import atomic_output, in_place_output
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.system import NO_SPACE_HINT

STREAM = make_stream()
HZ = Fraction(25)


class Failing(io.RawIOBase):
    """A file that gives some bytes and then fails; it takes none."""

    name = "failing.bin"

    def __init__(self, data: bytes, code: int, seeks: bool) -> None:
        self._rest, self._code, self._seeks = io.BytesIO(data), code, seeks

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seeks

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._rest.seek(offset, whence)

    def tell(self) -> int:
        return self._rest.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._rest.read(len(buffer))
        if not data:
            raise OSError(self._code, os.strerror(self._code))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        raise OSError(self._code, os.strerror(self._code))


def read_all(source: Any, **options: Any) -> None:
    list(decode_frames(source, DecodeOptions(**options)))


def look_into(source: Any) -> None:
    with vqcodec.open(source) as stream:
        list(stream)


READERS: dict[str, Callable[[Any], Any]] = {
    "info": vqcodec.info,
    "verify": vqcodec.verify,
    "thin": lambda source: vqcodec.thin(source, io.BytesIO(), layers=1),
    "open": look_into,
    "decode": read_all,
    "recover": lambda source: read_all(source, recover=True),
    "video": lambda source: list(VideoSource(source).items()),
}


@pytest.mark.parametrize("seeks", [True, False], ids=["file", "pipe"])
@pytest.mark.parametrize("kept", [0, 100])
@pytest.mark.parametrize("name", READERS)
def test_an_input_that_fails(name: str, kept: int, seeks: bool) -> None:
    with pytest.raises(MediaError, match=r"failing\.bin") as caught:
        READERS[name](Failing(STREAM[:kept], errno.EIO, seeks))
    assert caught.value.hint


def write_bytes(target: Any, opened: Any = atomic_output) -> None:
    with opened(target) as sink:
        for _ in range(40):
            sink.write(bytes(1000))


def write_video(target: Any) -> None:
    with VideoSink(target, width=64, height=48, frame_rate_hz=HZ, container="mp4") as sink:
        for index in range(60):
            sink.write_frame(picture(index), index / HZ)


WRITERS: dict[str, Callable[[Any], Any]] = {
    "atomic": write_bytes,
    "in place": lambda target: write_bytes(target, in_place_output),
    "video": write_video,
    "thin": lambda target: vqcodec.thin(STREAM, target, layers=1),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_output_that_takes_nothing(name: str) -> None:
    with pytest.raises(MediaError) as caught:
        WRITERS[name](Failing(b"", errno.ENOSPC, False))
    assert caught.value.hint == NO_SPACE_HINT


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_device(name: str) -> None:
    with pytest.raises(MediaError, match=r"cannot .* /dev/full") as caught:
        WRITERS[name]("/dev/full")
    assert caught.value.hint == NO_SPACE_HINT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of POSIX")
@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_fills_up(tmp_path: Path, name: str) -> None:
    """A limit on the size of files fails as a full disk does, in the middle of a file."""
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, limits[1]))
    try:
        with pytest.raises(MediaError, match=r"out\.mp4: File too large"):
            WRITERS[name](tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["out.mp4"] if name == "in place" else [])


class FullTemporary(tempfile.SpooledTemporaryFile):  # type: ignore[type-arg]
    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def spooled(tmp_path: Path) -> None:
    """An MP4 whose index comes last, through a pipe, is copied to a temporary file."""
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 3))
    VideoSource(io.BufferedReader(Pipe(clip.read_bytes())))


def kept(tmp_path: Path) -> None:
    PictureFile().moved(KeptPicture(b"jpeg"))


@pytest.mark.parametrize("use", [spooled, kept])
def test_a_full_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", FullTemporary)
    with pytest.raises(MediaError, match="temporary file") as caught:
        use(tmp_path)
    assert caught.value.hint == NO_SPACE_HINT


def test_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(MediaError, match="temporary file"):
        spooled(tmp_path)
