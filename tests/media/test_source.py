"""VideoSource and probe: pictures, times, turning, damage."""

from __future__ import annotations

import gc
import io
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.support.media import Pipe, clicks, level, make_clip, set_matrix, times_at
from vqcodec.errors import MediaError, UsageError, VqcodecError
from vqcodec.media.picture.probe import probe
from vqcodec.media.picture.source import VideoSource

NTSC = Fraction(30000, 1001)


def read(source: object, **arguments: object) -> tuple[list[int], list[Fraction]]:
    """Grey levels and times of all frames."""
    with VideoSource(source, **arguments) as video:  # type: ignore[arg-type]
        frames = list(video)
    return [round(float(frame.rgb.mean())) for frame in frames], [frame.time_s for frame in frames]


def same_pictures(greys: list[int], indices: list[int]) -> bool:
    return len(greys) == len(indices) and all(
        abs(g - level(i)) <= 4 for g, i in zip(greys, indices, strict=True)
    )


@pytest.mark.parametrize(
    ("rate", "step"),
    [(8, 1), (25, 1), (NTSC, 1), (30, 1), (50, 2), (2 * NTSC, 2), (60, 2), (48, 2), (120, 4)],
)
def test_times_are_exact_and_fast_streams_are_thinned(
    tmp_path: Path, rate: Fraction, step: int
) -> None:
    base = 1 / Fraction(rate) if isinstance(rate, int) else Fraction(1, 60000)
    times = times_at(rate, 24)
    clip = make_clip(tmp_path / "a.mp4", times, rate=rate, base=base)
    greys, got = read(clip)
    assert got == times[::step]
    assert same_pictures(greys, list(range(0, 24, step)))
    with VideoSource(clip) as source:
        assert source.frame_rate_hz == Fraction(rate) / step
        assert source.info.frame_rate_hz == rate
        assert all((time / source.time_base_s).denominator == 1 for time in got)
        assert source.duration_s == 24 / Fraction(rate)


def test_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    ticks = np.cumsum(rng.integers(3000, 9000, 30))
    times = [Fraction(int(tick - ticks[0]), 90000) for tick in ticks]
    greys, got = read(make_clip(tmp_path / "a.mp4", times))
    assert got == times
    assert same_pictures(greys, list(range(30)))


def test_a_stream_that_slows_down_is_not_thinned_there(tmp_path: Path) -> None:
    times = times_at(60, 40) + [Fraction(40, 60) + time for time in times_at(15, 10)]
    _, got = read(make_clip(tmp_path / "a.mp4", times, rate=60))
    assert got == times[:40:2] + times[40:]


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(25), NTSC, Fraction(40)])
def test_resampling_takes_the_nearest(tmp_path: Path, fps: Fraction) -> None:
    rng = np.random.default_rng(2)
    ticks = [0, *np.cumsum(rng.integers(2000, 9000, 25)).tolist()]
    times = [Fraction(tick, 90000) for tick in ticks]
    greys, got = read(make_clip(tmp_path / "a.mp4", times), fps=fps)
    assert got == [Fraction(k) / fps for k in range(len(got))]
    assert abs(got[-1] - times[-1]) <= Fraction(1, 8)
    nearest = [min(range(26), key=lambda index: (abs(times[index] - time), index)) for time in got]
    assert same_pictures(greys, nearest)


def test_times_start_at_zero_wherever_the_file_begins(tmp_path: Path) -> None:
    times = [time + Fraction(7, 2) for time in times_at(25, 10)]
    _, got = read(make_clip(tmp_path / "a.ts", times))
    assert got == times_at(25, 10)


@pytest.mark.parametrize("size", [(65, 47), (17, 33), (640, 480)])
def test_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = make_clip(
        tmp_path / "a.mkv", times_at(25, 3), size=size, codec="ffv1", pix_fmt="yuv444p"
    )
    with VideoSource(clip) as source:
        frames = list(source)
        assert (source.width, source.height) == size
    assert all(
        frame.rgb.shape == (size[1], size[0], 3) and frame.rgb.dtype == np.uint8 for frame in frames
    )


def test_pixels_become_square(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", times_at(25, 3), aspect=Fraction(16, 11))
    with VideoSource(clip) as source:
        assert next(iter(source)).rgb.shape == (48, 93, 3)
        assert (source.info.width, source.info.height) == (93, 48)


# Display matrix (a b c d) -> what a viewer sees, as a NumPy operation on the stored picture.
TURNS = {
    (1, 0, 0, 1): lambda p: p,
    (0, 1, -1, 0): lambda p: np.rot90(p, -1),
    (-1, 0, 0, -1): lambda p: np.rot90(p, 2),
    (0, -1, 1, 0): lambda p: np.rot90(p, 1),
    (-1, 0, 0, 1): np.fliplr,
    (1, 0, 0, -1): np.flipud,
    (0, 1, 1, 0): lambda p: p.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda p: np.rot90(p, 2).transpose(1, 0, 2),
}


@pytest.mark.parametrize("matrix", TURNS)
def test_rotation_and_mirroring(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:24, :32], stored[:24, 32:], stored[24:, :32], stored[24:, 32:] = (
        (220, 30, 30),
        (30, 220, 30),
        (30, 30, 220),
        120,
    )
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode(None))
    set_matrix(path, matrix)
    wanted = TURNS[matrix](stored).astype(int)
    with VideoSource(path) as source:
        got = next(iter(source)).rgb
        assert (source.info.height, source.info.width) == got.shape[:2] == wanted.shape[:2]
    assert np.abs(got - wanted).mean() < 8
    turned = {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
    assert probe(path).rotation == turned.get(matrix, probe(path).rotation)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a%03d.png"])
def test_a_still_picture_is_one_frame(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (40, 30), (200, 100, 50)).save(tmp_path / name)
    with VideoSource(tmp_path / name) as source:
        frames = list(source)
        assert (
            source.info.is_still and source.info.frame_rate_hz == 0 and source.frame_rate_hz == 25
        )
    assert [frame.time_s for frame in frames] == [0]
    assert np.abs(frames[0].rgb.astype(int) - (200, 100, 50)).max() <= 4


def test_probe(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "a.mp4", times_at(25, 25), sound=clicks(1.0, 16000, channels=2), sound_hz=16000
    )
    info = probe(clip)
    assert (info.width, info.height, info.frame_rate_hz, info.duration_s) == (64, 48, 25, 1)
    assert (info.video_codec, info.audio_codec, info.audio_rate_hz, info.audio_channels) == (
        "h264",
        "aac",
        16000,
        2,
    )
    assert info.has_video and info.has_audio and not info.is_still
    with clip.open("rb") as stream:
        assert probe(stream).width == 64
        assert stream.tell() == 0


def test_pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = make_clip(
        tmp_path / "late.mp4", times_at(25, 12)
    )  # its index comes last: a temporary copy is made
    early = make_clip(tmp_path / "early.mp4", times_at(25, 12), options={"movflags": "faststart"})
    matroska = make_clip(tmp_path / "a.mkv", times_at(25, 12))
    for path in (late, early, matroska):
        assert read(Pipe(path.read_bytes())) == read(path)
        assert read(io.BytesIO(path.read_bytes())) == read(path)
    stdin = type(
        "Stdin", (), {"buffer": Pipe(matroska.read_bytes()), "isatty": lambda self: False}
    )()
    monkeypatch.setattr("sys.stdin", stdin)
    assert read("-") == read(matroska)


def test_a_file_object_stays_open(tmp_path: Path) -> None:
    with make_clip(tmp_path / "a.mp4", times_at(25, 3)).open("rb") as stream:
        read(stream)
        assert not stream.closed


def test_an_interrupt_while_reading_gets_through(tmp_path: Path) -> None:
    class Interrupted(Pipe):
        def readinto(self, buffer: object) -> int:
            if len(self._rest) < 3000:
                raise KeyboardInterrupt
            return super().readinto(buffer)

    data = make_clip(tmp_path / "a.mkv", times_at(25, 100), size=(320, 240)).read_bytes()
    with pytest.raises(KeyboardInterrupt):
        read(Interrupted(data))


def test_errors_are_typed_and_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 500)
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXTINF:1,\n{make_clip(tmp_path / 'x.ts', times_at(25, 60)).as_uri()}\n"
    )
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    for name in ("missing.mp4", "empty.mp4", "text.mp4", ".", "sound.wav", "list.m3u8"):
        with pytest.raises(MediaError) as caught:
            read(tmp_path / name)
        assert str(tmp_path) in str(caught.value) and caught.value.hint, name
    with pytest.raises(MediaError):
        read(io.BytesIO(b""))
    for arguments in ({"fps": 0}, {"fps": 1000}, {"channels": 3}, {"sound": "loud"}):
        with pytest.raises(UsageError):
            read(tmp_path / "x.ts", **arguments)


def test_protocols_are_only_names(tmp_path: Path) -> None:
    for name in ("http://127.0.0.1:9/x.mp4", "concat:a.mp4|b.mp4", "lavfi:testsrc"):
        with pytest.raises(MediaError):
            VideoSource(name)


def test_a_cut_file_gives_what_it_has(tmp_path: Path) -> None:
    whole = make_clip(
        tmp_path / "a.mp4", times_at(25, 100), size=(160, 120), options={"movflags": "faststart"}
    )
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    with VideoSource(tmp_path / "cut.mp4") as source:
        frames = list(source)
        assert source.truncated and 20 < len(frames) < 95
    with VideoSource(whole) as source:
        assert len(list(source)) == 100 and not source.truncated
    (tmp_path / "head.mp4").write_bytes(data[:400])
    with pytest.raises(MediaError):
        VideoSource(tmp_path / "head.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_damage_never_gives_an_untyped_error(tmp_path: Path, name: str) -> None:
    clean = make_clip(tmp_path / name, times_at(25, 10), sound=clicks(0.4)).read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(25):
        data = bytearray(clean)
        for at in rng.integers(0, len(data), 12):
            data[at] = int(rng.integers(0, 256))
        try:
            with VideoSource(io.BytesIO(data), sound="decode") as source:
                times = [item.time_s for item in source.items() if hasattr(item, "time_s")]
        except VqcodecError:
            continue
        assert times == sorted(set(times))


def test_nothing_is_written_to_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = make_clip(
        tmp_path / "a.mp4", times_at(25, 30), options={"movflags": "faststart"}
    ).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[:-500] + os.urandom(100))
    read(tmp_path / "cut.mp4")
    assert capfd.readouterr() == ("", "")


def test_pictures_that_were_given_are_let_go(tmp_path: Path) -> None:
    # PyAV's side data and its picture hold each other: what the collector must free stays for hundreds of pictures
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 40))
    gc.collect()
    gc.disable()
    try:
        with VideoSource(clip) as source:
            for _ in source:
                pass
            alive = sum(type(each) is av.VideoFrame for each in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 10
