"""VideoSink and the files it leaves: exact times, sound in place, pipes, and nothing after a failure."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.media import HZ, clicks, lag, level, picture
from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.out.atomic import atomic_output, check_output
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.opus_codec import AudioEncoder
from vqcodec.types import VideoFrame

BASE = Fraction(1001, 30000)


def write(
    target: object,
    times: list[Fraction],
    *,
    size: tuple[int, int] = (64, 48),
    sound: np.ndarray | None = None,
    opus: bool = False,
    **arguments: object,
) -> tuple[AudioEncoder, list[bytes]]:
    """Frames with the sound in step, as decode does it; returns what an Opus track got."""
    encoder, packets = AudioEncoder(32000), []
    settings: dict[str, object] = {
        "width": size[0],
        "height": size[1],
        "frame_rate_hz": 1 / BASE,
        **arguments,
    }
    if sound is not None:
        settings |= {"opus": encoder.head} if opus else {"channels": sound.shape[1]}
    with VideoSink(target, **settings) as sink:  # type: ignore[arg-type]
        done = 0
        for index, time_s in enumerate(times):
            sink.write_frame(picture(index, *size), time_s)
            if sound is not None:
                until = round(time_s * HZ) if index + 1 < len(times) else len(sound)
                new = encoder.encode(sound[done:until]) if opus else []
                packets += new
                sink.write_packets(new) if opus else sink.write_audio(sound[done:until])
                done = until
        if opus:
            last = encoder.flush()
            packets += last
            sink.write_packets(last, encoder.end_trim_samples)
    return encoder, packets


def read(source: object, sound: str = "decode") -> tuple[list[VideoFrame], np.ndarray]:
    with VideoSource(source, sound=sound) as video:  # type: ignore[arg-type]
        items = list(video.items())
        assert not video.truncated
    blocks = [item.samples for item in items if isinstance(item, AudioBlock)]
    frames = [item for item in items if isinstance(item, VideoFrame)]
    return frames, np.concatenate(blocks)[:, 0] if blocks else np.zeros(0, np.int16)


def uneven(count: int, base: Fraction) -> list[Fraction]:
    steps = np.random.default_rng(8).integers(1, 4, count - 1)
    return [Fraction(0), *(int(step) * base for step in np.cumsum(steps))]


@pytest.mark.parametrize(
    "base", [BASE, Fraction(1, 24), Fraction(1, 12800) * 512, Fraction(1, 600) * 25]
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_times_are_exact(tmp_path: Path, base: Fraction, name: str) -> None:
    times = uneven(30, base)
    write(tmp_path / name, times, time_base_s=base)
    frames, _ = read(tmp_path / name)
    shown = [frame.time_s for frame in frames]
    assert shown == times
    assert all(abs(frame.rgb.mean() - level(index)) < 5 for index, frame in enumerate(frames))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "pipe"])
@pytest.mark.parametrize("opus", [False, True])
def test_sound_is_in_place(tmp_path: Path, name: str, opus: bool) -> None:
    if opus and name == "a.mov":
        with pytest.raises(UsageError):
            write(tmp_path / name, [], sound=clicks(0.1), opus=True)
        return
    target: object = io.BytesIO() if name == "pipe" else tmp_path / name
    sound, times = clicks(2.0), [index * BASE for index in range(60)]
    encoder, packets = write(target, times, sound=sound, opus=opus)
    source = io.BytesIO(target.getvalue()) if isinstance(target, io.BytesIO) else target
    frames, got = read(source)
    assert len(frames) == 60
    assert max(
        abs(frame.time_s - time) for frame, time in zip(frames, times, strict=True)
    ) <= Fraction(1, 1000)
    tolerance = (3 if opus or name == "a.webm" else 0) + (24 if name in ("a.mkv", "a.webm") else 0)
    assert abs(lag(got, sound[:, 0])) <= tolerance
    assert 0 <= len(got) - len(sound) < 3000
    if opus:
        again = io.BytesIO(target.getvalue()) if isinstance(target, io.BytesIO) else target
        with VideoSource(again, sound="copy") as video:
            copied = [item.data for item in video.items() if isinstance(item, AudioPacket)]
            assert video.audio_head is not None
            assert video.audio_head.pre_skip_samples == encoder.head.pre_skip_samples
            assert abs(video.copy_end_trim_samples - encoder.end_trim_samples) <= 2880 * (
                name in ("a.mkv", "a.webm")
            )
        assert copied == packets


def test_odd_sizes_grow_by_a_line(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [Fraction(0)], size=(65, 47))
    frames, _ = read(tmp_path / "a.mp4")
    assert frames[0].rgb.shape == (48, 66, 3)


def test_a_pipe_gets_frames_before_the_end() -> None:
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.data += bytes(piece)  # type: ignore[arg-type]
            return len(bytes(piece))  # type: ignore[arg-type]

    pipe = Pipe()
    with VideoSink(pipe, width=64, height=48, frame_rate_hz=Fraction(25)) as sink:
        for index in range(200):
            sink.write_frame(picture(index), Fraction(index, 25))
        assert b"moof" in pipe.data
    frames, _ = read(io.BytesIO(pipe.data))
    assert len(frames) == 200 and not pipe.closed


def test_files_for_the_web_have_their_index_first(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [index * BASE for index in range(5)])
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]


def test_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("mine")
    with pytest.raises(OutputExistsError):
        write(tmp_path / "a.mp4", [Fraction(0)])
    assert (tmp_path / "a.mp4").read_text() == "mine"
    write(tmp_path / "a.mp4", [Fraction(0)], force=True)
    assert len(read(tmp_path / "a.mp4")[0]) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_after_an_exception(tmp_path: Path, error: type[BaseException]) -> None:
    with (
        pytest.raises(error),
        VideoSink(tmp_path / "a.mp4", width=64, height=48, frame_rate_hz=Fraction(25)) as sink,
    ):
        sink.write_frame(picture(0), Fraction(0))
        raise error
    with pytest.raises(error), atomic_output(tmp_path / "b.vqt") as out:
        out.write(b"half")
        raise error
    with (
        pytest.raises(MediaError),
        VideoSink(tmp_path / "c.mp4", width=64, height=48, frame_rate_hz=Fraction(25)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [BrokenPipeError, KeyboardInterrupt])
def test_errors_of_a_pipe_get_through(error: type[BaseException]) -> None:
    class Broken(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            raise error

    expected = MediaError if error is BrokenPipeError else error
    with (
        pytest.raises(expected),
        VideoSink(Broken(), width=64, height=48, frame_rate_hz=Fraction(25)) as sink,
    ):
        for index in range(200):
            sink.write_frame(picture(index), Fraction(index, 25))


def test_wrong_use_is_told(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "a.mp4", width=64, height=48, frame_rate_hz=Fraction(25)) as sink:
        sink.write_frame(picture(0), Fraction(0))
        for rgb, time_s in (
            (picture(0), Fraction(0)),
            (picture(0), Fraction(1, 60)),
            (picture(0, 62, 48), Fraction(1, 25)),
            (picture(0).astype(np.float32), Fraction(1, 25)),
        ):
            with pytest.raises(UsageError):
                sink.write_frame(rgb, time_s)
        with pytest.raises(UsageError):
            sink.write_audio(np.zeros(10, np.int16))
    sink.close()
    sink.abort()
    assert (tmp_path / "a.mp4").exists()
    for name, arguments in (
        ("a.gif", {}),
        ("b.mp4", {"channels": 3}),
        ("b.mp4", {"crf": 99}),
        ("b.mp4", {"width": 0}),
    ):
        with pytest.raises(UsageError):
            VideoSink(
                tmp_path / name,
                **{"width": 64, "height": 48, "frame_rate_hz": Fraction(25), **arguments},
            )  # type: ignore[arg-type]


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "no" / "a.vqt"):
        with pytest.raises(MediaError) as caught:
            check_output(target)
        assert str(target) in str(caught.value) and caught.value.hint
        with pytest.raises(MediaError), atomic_output(target):
            pass
    with pytest.raises(UsageError):
        check_output(7)  # type: ignore[arg-type]


def test_atomic_output(tmp_path: Path) -> None:
    path = tmp_path / "a.vqt"
    with atomic_output(path) as out:
        out.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with pytest.raises(OutputExistsError), atomic_output(path):
        pass
    with pytest.raises(OutputExistsError), atomic_output(tmp_path / "b") as out:
        (tmp_path / "b").write_bytes(b"somebody else's")
    assert (tmp_path / "b").read_bytes() == b"somebody else's"
    with atomic_output(path, force=True) as out:
        out.write(b"newer")
    assert path.read_bytes() == b"newer"
    with atomic_output("/dev/null") as out:
        out.write(b"gone")
    buffer = io.BytesIO()
    with atomic_output(buffer) as out:
        out.write(b"x")
    assert buffer.getvalue() == b"x" and sorted(p.name for p in tmp_path.iterdir()) == [
        "a.vqt",
        "b",
    ]


def test_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = type("Stdout", (), {"buffer": io.BytesIO(), "isatty": lambda self: False})()
    monkeypatch.setattr("sys.stdout", stdout)
    write("-", [index * BASE for index in range(5)])
    assert len(read(io.BytesIO(stdout.buffer.getvalue()))[0]) == 5
    monkeypatch.setattr(type(stdout), "isatty", lambda self: True)
    with pytest.raises(MediaError), atomic_output("-"):
        pass


def test_players_find_the_usual_formats(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [index * BASE for index in range(5)], sound=clicks(0.2))
    with av.open(str(tmp_path / "a.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, audio.codec_context.name) == (
            "h264",
            "yuv420p",
            "aac",
        )
        assert (audio.codec_context.sample_rate, audio.codec_context.layout.name) == (48000, "mono")


def test_a_hole_that_mp4_can_not_hold_is_told_with_what_can(tmp_path: Path) -> None:
    for suffix in (".mkv", ".mp4"):
        try:
            with VideoSink(
                tmp_path / f"far{suffix}", width=64, height=48, frame_rate_hz=Fraction(25)
            ) as sink:
                for time_s in (0, 1_000_000):
                    sink.write_frame(np.zeros((48, 64, 3), np.uint8), Fraction(time_s))
        except MediaError as error:
            assert suffix == ".mp4" and ".mkv" in error.hint
    assert [path.name for path in tmp_path.iterdir()] == ["far.mkv"]
