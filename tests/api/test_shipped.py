"""The programming interface from end to end with the shipped weights, on a short cut of the sample."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import vqcodec
from vqcodec.geometry.basis import read_basis
from vqcodec.models import store
from vqcodec.motion.space import MotionSpace
from vqcodec.render.renderer import Renderer

FRAMES = 12
SIZE_PX = 256


@pytest.fixture(scope="module")
def pictures(sample_clip: Path) -> NDArray[np.uint8]:
    """The sample's frames 20 to 31."""
    with av.open(str(sample_clip)) as source:
        frames = islice(source.decode(video=0), 20, 20 + FRAMES)
        return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]).astype(np.uint8)


@pytest.fixture(scope="module")
def codec() -> vqcodec.Codec:
    return vqcodec.Codec(device="cpu")


def test_frames_tokens_frames(codec: vqcodec.Codec, pictures: NDArray[np.uint8]) -> None:
    frames = vqcodec.Frames(pictures, rate_hz=Fraction(25))
    report = codec.encode(frames)
    assert report.data is not None and codec.info(report.data)["frames"] == FRAMES
    tokens = codec.tokens(frames)
    assert tokens.head.motion_space == store.current("motion_space").id
    assert tokens.to_bytes() == report.data and tokens.tokens.shape == (
        FRAMES,
        tokens.head.groups,
        4,
    )
    shown = codec.render(tokens, size_px=SIZE_PX)
    with codec.open(report.data) as stream:
        decoded = np.stack([frame.rgb for frame in stream.frames(size_px=SIZE_PX)])
    assert np.array_equal(shown, decoded)
    source = pictures[:, ::2, ::2].astype(float)
    assert np.abs(shown - source).mean() < 12  # a picture of that person, not of anything


def test_features_are_those_of_the_portrait_where_nothing_moves(
    codec: vqcodec.Codec, pictures: NDArray[np.uint8]
) -> None:
    portrait = codec.portrait(pictures[0])
    still = np.full((2, 12, 4), 312, np.uint16)  # the middle of every digit: no motion
    sequence = vqcodec.TokenSequence.of(still, portrait)
    units = read_basis(store.plain_motion_space().path).units
    assert np.allclose(sequence.features(), portrait.features * units)
    shown = codec.render(still, portrait, size_px=SIZE_PX)
    assert np.array_equal(shown[0], shown[1])
    small = portrait.rgb.reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(shown[0] - small).mean() < 6


def test_two_threads_give_the_serial_bytes(
    codec: vqcodec.Codec, pictures: NDArray[np.uint8]
) -> None:
    serial = vqcodec.Codec(device="cpu")
    clips = [vqcodec.Frames(pictures), vqcodec.Frames(pictures[::-1].copy())]
    coded = [serial.encode(clip).data for clip in clips]
    shown = [serial.decode(data or b"").data for data in coded]

    def both(number: int) -> tuple[bytes | None, bytes | None]:
        return codec.encode(clips[number]).data, codec.decode(coded[number] or b"").data

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(both, (0, 1))) == list(zip(coded, shown, strict=True))


def _counted(load: object, loads: list[str]) -> object:
    def wrapper(*arguments: object, **named: object) -> object:
        loads.append(str(load))
        return load(*arguments, **named)  # type: ignore[operator]

    return wrapper


def test_the_second_call_loads_nothing(pictures: NDArray[np.uint8]) -> None:
    codec, loads = vqcodec.Codec(device="cpu"), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MotionSpace, "from_file", _counted(MotionSpace.from_file, loads))
        patch.setattr(Renderer, "__init__", _counted(Renderer.__init__, loads))
        codec.encode(vqcodec.Frames(pictures))
        assert len(loads) == 1
        data = codec.encode(vqcodec.Frames(pictures)).data
        assert len(loads) == 1 and data is not None
        codec.decode(data)
        assert len(loads) == 3
        codec.decode(data)
    assert len(loads) == 3


def test_a_dub_in_memory(codec: vqcodec.Codec, sample_clip: Path, sample_portrait: Path) -> None:
    speech = sample_clip.parent / "speech.opus"
    report = codec.dub(speech.read_bytes(), sample_portrait.read_bytes())
    assert report.data is not None and codec.info(report.data)["synthetic"] is True
    tokens = codec.tokens(report.data)
    assert codec.render(tokens[:2], size_px=SIZE_PX).shape == (2, SIZE_PX, SIZE_PX, 3)
