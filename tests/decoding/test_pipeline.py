"""Decoding with a stand-in renderer: pictures, times and sound of the whole, of a window, of fewer layers."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import (
    FakeRenderer,
    FakeSpace,
    decoder_parts,
    draw,
    encoder_parts,
    read_sound,
    read_video,
    swaying,
    video_writer,
)
from vqcodec import api
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import (
    BitstreamError,
    MediaError,
    NoFaceError,
    OutputExistsError,
    UnsupportedError,
    UsageError,
)
from vqcodec.format import from_indices
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.quantize.grfsq import dequantize
from vqcodec.types import ModelId, MotionGroup, PortraitUnit

FRAMES = 130
COUNT_S = Fraction(FRAMES, 25)


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5.2 s of a swaying face with a tone, as .vqt."""
    folder = tmp_path_factory.mktemp("coded")
    with video_writer(folder / "in.mp4", width=96, height=96, sound=True) as write:
        for frame in swaying(FRAMES):
            write(frame.rgb)
    options = EncodeOptions(refs=1)  # further portraits are tested with streams of shots
    encode(folder / "in.mp4", folder / "in.vqt", options, parts=encoder_parts())
    return folder / "in.vqt"


def features(path: Path, layers: int = 4) -> NDArray[np.float32]:
    """Features of all frames, straight from the container."""
    units, rows, base = FakeSpace().units, [], np.zeros(48, np.float32)
    with path.open("rb") as file:
        for item in Reader(file):
            if isinstance(item, PortraitUnit):
                assert item.number == 0
                base = dequantize(item.features, units)
            elif isinstance(item, MotionGroup):
                rows.append(base + dequantize(from_indices(item.indices[..., :layers]), units))
    return np.concatenate(rows)


def rendered(path: Path, **options: object) -> tuple[list[Fraction], NDArray[np.float32]]:
    """Times given and features asked for."""
    renderer = FakeRenderer()
    times = [
        f.time_s
        for f in decode_frames(path, DecodeOptions(**options), parts=decoder_parts(renderer))
    ]  # type: ignore[arg-type]
    return times, np.concatenate(renderer.rendered)


def test_whole_file(coded: Path, tmp_path: Path) -> None:
    renderer = FakeRenderer()
    report = decode(coded, tmp_path / "out.mp4", parts=decoder_parts(renderer))
    times, pictures = read_video(tmp_path / "out.mp4")
    assert times == [Fraction(i, 25) for i in range(FRAMES)]
    assert pictures[0].shape == (512, 512, 3)
    assert (report.frames, report.seconds, report.layers, report.size_px) == (
        FRAMES,
        COUNT_S,
        4,
        512,
    )
    assert report.renderer == renderer.id and report.device == "cpu" and not report.synthetic
    with coded.open("rb") as file:
        unit = next(i.unit for i in Reader(file) if isinstance(i, PortraitUnit))
    still = PathDecoder().picture([unit])
    assert np.abs(pictures[50].astype(int) - still).mean() < 4
    assert list(tmp_path.iterdir()) == [tmp_path / "out.mp4"]


def test_features_reach_the_renderer_in_batches(coded: Path) -> None:
    renderer = FakeRenderer()
    list(decode_frames(coded, parts=decoder_parts(renderer)))
    assert [len(batch) for batch in renderer.rendered] == [16] * 8 + [2]
    assert np.array_equal(np.concatenate(renderer.rendered), features(coded))
    assert len(renderer.prepared) == 1


def test_sound_is_in_sync_and_complete(coded: Path, tmp_path: Path) -> None:
    decode(coded, tmp_path / "out.mp4", parts=decoder_parts())
    heard = read_sound(tmp_path / "out.mp4")
    assert abs(len(heard) - COUNT_S * 48000) <= 2048
    middle = heard[48000:96000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert int(np.argmax(spectrum)) == 440


def test_size_256(coded: Path) -> None:
    frames = list(
        decode_frames(
            coded, DecodeOptions(size_px=256, end_s=Fraction(1, 5)), parts=decoder_parts()
        )
    )
    assert [f.rgb.shape for f in frames] == [(256, 256, 3)] * 5


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_fewer_layers(coded: Path, layers: int) -> None:
    assert np.array_equal(rendered(coded, layers=layers)[1], features(coded, layers))
    with api.open(coded) as stream:
        assert stream.head.layers == 4


def test_more_layers_than_there_are(coded: Path, tmp_path: Path) -> None:
    api.thin(coded, tmp_path / "thin.vqt", layers=2)
    report = decode(
        tmp_path / "thin.vqt",
        tmp_path / "out.mp4",
        DecodeOptions(layers=4, end_s=Fraction(1, 5)),
        parts=decoder_parts(),
    )
    assert report.layers == 2


@pytest.mark.parametrize("seekable", [True, False])
@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("0", "1", 0, 24),
        ("1", None, 25, 129),
        ("2.01", "2.99", 51, 74),
        ("4.999", "5", 124, 124),  # none begins there: the one that is still shown
        ("3", "99", 75, 129),
    ],
)
def test_window(
    coded: Path, seekable: bool, start: str, end: str | None, first: int, last: int
) -> None:
    source = io.BytesIO(coded.read_bytes())
    if not seekable:
        source.seekable = lambda: False  # type: ignore[method-assign]
    renderer = FakeRenderer()
    options = DecodeOptions(start_s=Fraction(start), end_s=None if end is None else Fraction(end))
    frames = decode_frames(source, options, parts=decoder_parts(renderer))
    assert [f.time_s for f in frames] == [Fraction(i, 25) for i in range(last - first + 1)]
    assert np.array_equal(np.concatenate(renderer.rendered), features(coded)[first : last + 1])


def test_window_past_the_end(coded: Path) -> None:
    with pytest.raises(UsageError):
        list(decode_frames(coded, DecodeOptions(start_s=Fraction(6)), parts=decoder_parts()))


def test_another_portrait(coded: Path, tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(
        str(tmp_path / "other.png"), draw(640, 480, [(300, 200, 150)], background=90)[:, :, ::-1]
    )
    own, own_times = features(coded), rendered(coded)[0]
    renderer = FakeRenderer()
    options = DecodeOptions(portrait=tmp_path / "other.png")
    frames = list(decode_frames(coded, options, parts=decoder_parts(renderer)))
    assert [f.time_s for f in frames] == own_times
    asked = np.concatenate(renderer.rendered)
    with coded.open("rb") as file:
        first = next(
            dequantize(i.features, FakeSpace().units)
            for i in Reader(file)
            if isinstance(i, PortraitUnit)
        )
    assert np.allclose(asked - renderer.prepared[0], own - first, atol=1e-3)
    assert not np.allclose(renderer.prepared[0], first)
    assert frames[0].rgb[20, 20, 0] == 90  # the other picture's background
    cv2.imwrite(str(tmp_path / "empty.png"), draw(640, 480, []))
    with pytest.raises(NoFaceError):
        list(
            decode_frames(
                coded, DecodeOptions(portrait=tmp_path / "empty.png"), parts=decoder_parts()
            )
        )


def test_shots_change_the_portrait(tmp_path: Path) -> None:
    dark = [f.rgb for f in swaying(30)]
    light = [255 - draw(96, 96, []) for _ in range(30)]
    for rgb in light:
        rgb[:, :, 2] = 90
        rgb[20:70, 30:70, 2] = 250
    with video_writer(tmp_path / "in.mp4", width=96, height=96) as write:
        for rgb in dark + light:
            write(rgb)
    options = EncodeOptions(refs=1)
    report = encode(tmp_path / "in.mp4", tmp_path / "in.vqt", options, parts=encoder_parts())
    assert report.key_frames == 2
    renderer = FakeRenderer()
    frames = list(decode_frames(tmp_path / "in.vqt", parts=decoder_parts(renderer)))
    assert len(frames) == 60 and len(renderer.prepared) == 2
    assert all(f.rgb[5, 5, 0] < 100 for f in frames[:30]) and all(
        f.rgb[5, 5, 0] > 150 for f in frames[30:]
    )
    assert np.array_equal(np.concatenate(renderer.rendered), features(tmp_path / "in.vqt"))


# --- what is refused ---


def test_another_motion_space(coded: Path, tmp_path: Path) -> None:
    renderer = replace(FakeRenderer(), motion_space=ModelId("other-space", bytes(32)))
    with pytest.raises(UnsupportedError, match=r"fake-space.*000102030405"):
        decode(coded, tmp_path / "out.mp4", parts=decoder_parts(renderer))
    with pytest.raises(UnsupportedError) as caught:  # the shipped models don't know it either
        decode(coded, tmp_path / "out.mp4")
    assert caught.value.exit_code == 4 and "fake-space" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_stays(coded: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(OutputExistsError):
        decode(coded, target, parts=decoder_parts())
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b[:-400] + b"\0" + b[-399:], lambda b: b"RIFF" + b],
)
def test_damaged_files_leave_nothing(
    coded: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(BitstreamError):
        decode(io.BytesIO(damage(coded.read_bytes())), tmp_path / "out.mp4", parts=decoder_parts())
    assert not list(tmp_path.iterdir())


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"absent\.vqt"):
        decode(tmp_path / "absent.vqt", tmp_path / "out.mp4", parts=decoder_parts())


# --- the public interface ---


def test_open(coded: Path) -> None:
    with api.open(coded) as stream:
        kinds = [type(item) for item in stream]
        assert kinds.count(PortraitUnit) == 1 and kinds.count(MotionGroup) == 3
        assert [type(item) for item in stream] == kinds
        with pytest.raises(TypeError, match="colour"):
            stream.frames(colour="sepia")  # type: ignore[call-arg]
        with pytest.raises(UsageError, match="size is 300"):
            stream.frames(size_px=300)
    with pytest.raises(BitstreamError):
        api.open(io.BytesIO(b"not this"))


def test_a_pipe_to_a_pipe(coded: Path) -> None:
    source, target = io.BytesIO(coded.read_bytes()), io.BytesIO()
    source.seekable = target.seekable = lambda: False  # type: ignore[method-assign]
    decode(source, target, parts=decoder_parts())
    assert read_video(io.BytesIO(target.getvalue()))[0] == [Fraction(i, 25) for i in range(FRAMES)]
