"""Streams that are still being written, live pipes, and seeking: what is read, when, and how little."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.support.pipeline import decoder_parts, encoder_parts, swaying, video_writer
from tests.support.recover import GROUP_FRAMES, flipped, kinds, playable, split, times
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import TruncatedError, UsageError
from vqcodec.stream.opening import GrowingFile

WHOLE = playable(6)
PARTS = split(WHOLE)
FRAMES = 6 * GROUP_FRAMES


# --- growing files ---


@contextmanager
def growing(path: Path, pieces: list[bytes], pause_s: float = 0.1) -> Iterator[None]:
    """A thread that writes a file in pieces while the block runs."""
    path.write_bytes(pieces[0])

    def write() -> None:
        for piece in pieces[1:]:
            time.sleep(pause_s)
            with path.open("ab") as file:
                file.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        writer.join()


def cut_in(data: bytes, count: int) -> list[bytes]:
    """Pieces of equal length, chunks cut anywhere."""
    size = -(-len(data) // count)
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("recover", [False, True])
def test_a_growing_file_is_decoded_to_its_end(tmp_path: Path, recover: bool) -> None:
    path, target = tmp_path / "growing.vqt", io.BytesIO()
    with growing(path, cut_in(WHOLE, 8)):
        report = decode(
            path, target, DecodeOptions(follow_s=30, recover=recover), parts=decoder_parts()
        )
        assert path.read_bytes() == WHOLE
    assert report.frames == FRAMES and report.warnings == ()


def test_frames_of_a_growing_file_come_before_its_end(tmp_path: Path) -> None:
    path = tmp_path / "growing.vqt"
    first = b"".join(PARTS[: kinds(PARTS, b"MOTN")[3]])
    path.write_bytes(first)
    frames = decode_frames(
        path,
        DecodeOptions(follow_s=30, size_px=256),
        parts=replace(decoder_parts(), batch_frames=5),
    )
    seen = [
        next(frames).time_s for _ in range(3 * GROUP_FRAMES - 5)
    ]  # the last batch waits for more
    assert seen == times(3 * GROUP_FRAMES - 5) and path.stat().st_size == len(first)
    with path.open("ab") as file:
        file.write(WHOLE[len(first) :])
    assert seen + [frame.time_s for frame in frames] == times(FRAMES)


@pytest.mark.parametrize("recover", [False, True])
def test_a_file_that_stops_growing_is_decoded_as_far_as_it_goes(
    tmp_path: Path, recover: bool
) -> None:
    path, target = tmp_path / "growing.vqt", io.BytesIO()
    cut = kinds(PARTS, b"MOTN")[3]
    path.write_bytes(b"".join(PARTS[:cut]) + PARTS[cut][:20])
    report = decode(
        path, target, DecodeOptions(follow_s=0.3, recover=recover), parts=decoder_parts()
    )
    assert report.frames == 3 * GROUP_FRAMES and "nothing came for 0.3 s" in report.warnings[0]
    with pytest.raises(TruncatedError):
        decode(path, io.BytesIO(), parts=decoder_parts())
    assert (
        decode(path, io.BytesIO(), DecodeOptions(recover=True), parts=decoder_parts()).frames
        == 3 * GROUP_FRAMES
    )


def test_a_damaged_growing_file(tmp_path: Path) -> None:
    path = tmp_path / "growing.vqt"
    damaged = flipped(WHOLE, sum(map(len, PARTS[: kinds(PARTS, b"MOTN")[1]])) + 20)
    with growing(path, cut_in(damaged, 5)):
        options = DecodeOptions(follow_s=30, recover=True)
        report = decode(path, io.BytesIO(), options, parts=decoder_parts())
    assert (
        report.frames == FRAMES
        and report.recovery is not None
        and report.recovery.frames_concealed == GROUP_FRAMES
    )


def test_following_from_a_time(tmp_path: Path) -> None:
    path = tmp_path / "growing.vqt"
    with growing(path, cut_in(WHOLE, 3)):
        options = DecodeOptions(follow_s=30, start_s=Fraction(1), end_s=Fraction(2), size_px=256)
        assert [
            frame.time_s for frame in decode_frames(path, options, parts=decoder_parts())
        ] == times(25)


def test_a_growing_file_reads_like_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        source = GrowingFile(file, 0.2)
        assert (source.read(2), source.seekable(), source.timed_out) == (b"ab", False, False)
        with path.open("ab") as more:
            more.write(b"defg")
        assert (source.read(3), source.read1(9)) == (b"cde", b"fg")
        start_s = time.monotonic()
        assert (source.read(1), source.timed_out) == (b"", True)
        assert 0.2 <= time.monotonic() - start_s < 5
    with path.open("rb") as file:
        source = GrowingFile(file, 60)
        threading.Timer(0.1, source.stop).start()
        assert source.read(100) == b"abcdefg"


def test_giving_up_doesn_t_wait_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "growing.vqt"
    path.write_bytes(b"".join(PARTS[: kinds(PARTS, b"MOTN")[3]]))
    frames = decode_frames(path, DecodeOptions(follow_s=600, size_px=256), parts=decoder_parts())
    next(frames)
    start_s = time.monotonic()
    frames.close()
    assert time.monotonic() - start_s < 4
    with pytest.raises(UsageError):
        DecodeOptions(follow_s=0)


# --- live pipes ---

DELAY_S = 6
"""From camera to picture: a second for the square, two fifths for a group, and what the threads hold between them."""


class Live(io.RawIOBase):
    """A recording that goes on only until some time, and from there when it is told to.

    Attributes:
        go_on: lets the rest through.
        blocked: someone waits for the rest.
    """

    def __init__(self, data: bytes, open_bytes: int) -> None:
        self._data, self._open, self._at = data, open_bytes, 0
        self.go_on, self.blocked = threading.Event(), threading.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._at >= self._open and not self.go_on.is_set():
            self.blocked.set()
            self.go_on.wait(60)
        size = min(
            len(buffer), 2000, (len(self._data) if self.go_on.is_set() else self._open) - self._at
        )
        buffer[:size] = self._data[self._at : self._at + size]
        self._at += size
        return size


def recording(path: Path, seconds: int, until_s: int) -> tuple[bytes, int]:
    """A video in Matroska, and how many of its bytes hold what comes before a time."""
    with video_writer(path, width=64, height=64, sound=True) as write:
        for frame in swaying(seconds * 25, width=64, height=64, size=32):
            write(frame.rgb)
    with av.open(str(path)) as container:
        position = next(
            packet.pos
            for packet in container.demux(video=0)
            if packet.pts is not None and packet.pts * packet.time_base >= until_s
        )
    return path.read_bytes(), position


def test_pictures_come_out_while_the_input_goes_on(tmp_path: Path) -> None:
    """encode --live - - | decode - -: the first picture is there after at most DELAY_S seconds of input."""
    data, open_bytes = recording(tmp_path / "live.mkv", 2 * DELAY_S, DELAY_S)
    assert open_bytes < 0.7 * len(data)
    source = Live(data, open_bytes)
    read, write = os.pipe()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with open(write, "wb", buffering=0) as sink:
                options = EncodeOptions(live=True)
                encode(source, sink, options, parts=encoder_parts())  # type: ignore[arg-type]
        except BaseException as error:
            failures.append(error)

    encoder = threading.Thread(target=run)
    encoder.start()
    try:
        with open(read, "rb") as stream:
            frames = decode_frames(stream, DecodeOptions(size_px=256), parts=decoder_parts())
            first = next(frames)
            assert first.time_s == 0 and not source.go_on.is_set()
            source.go_on.set()
            rest = [frame.time_s for frame in frames]
    finally:
        source.go_on.set()
        encoder.join()
    assert not failures and [first.time_s, *rest] == times(2 * DELAY_S * 25)


class Sink(io.RawIOBase):
    """Tells when the first bytes of media data arrive."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.media = threading.Event()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        if b"mdat" in self.data:
            self.media.set()
        return len(data)


def test_a_player_has_something_to_play_while_the_stream_goes_on() -> None:
    """decode - -: the first fragment of the MP4 is out while the .vqt stream is still being written."""
    stream = playable(20)
    parts = split(stream)
    source, sink = (
        Live(stream, len(b"".join(parts[: kinds(parts, b"MOTN")[15]]))),
        Sink(),
    )  # 6 of 8 s
    worker = threading.Thread(target=lambda: decode(source, sink, parts=decoder_parts()))  # type: ignore[arg-type]
    worker.start()
    try:
        assert sink.media.wait(60) and not source.go_on.is_set()
    finally:
        source.go_on.set()
        worker.join()
    with av.open(io.BytesIO(bytes(sink.data))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 200
