"""Tokens of streams of major version 2: portraits of shots and runs as values, written back byte for byte, and cut."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.support.codec import CountedLoads
from tests.support.pipeline import decoder_parts
from tests.support.shots import Painting, level, shot_stream
from tests.support.units import make_stream_2
from vqcodec.codec.shots import group_runs, runs_between
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import DecodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.errors import UsageError
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import MotionGroup, PortraitRun, PortraitUnit


@pytest.mark.parametrize("shots", [(1,), (3, 2), (1, 4, 2)])
def test_reading_and_writing_gives_the_same_bytes(shots: tuple[int, ...]) -> None:
    data = make_stream_2(shots, sound=False, delay_ms=400)
    assert TokenSequence.read(data).to_bytes() == data


@pytest.mark.parametrize("sound", [False, True])
def test_real_units_come_back_too(sound: bool) -> None:
    data = shot_stream(sound=sound)
    assert TokenSequence.read(data).to_bytes() == data


def test_portraits_are_values() -> None:
    tokens = TokenSequence.read(shot_stream())
    units = [item for item in Reader(io.BytesIO(shot_stream())) if isinstance(item, PortraitUnit)]
    for portrait, unit in zip(tokens.portraits, units, strict=True):
        assert isinstance(portrait, StreamPortrait) and portrait.path[-1].unit == unit.unit
        assert np.array_equal(portrait.features, unit.features)
    levels = [level(portrait.rgb[None]) for portrait in tokens.portraits]
    assert np.abs(np.subtract(levels, [60, 120, 180, 200, 230])).max() <= 2


def test_portrait_of_is_what_tokens_are_relative_to() -> None:
    tokens = TokenSequence.read(shot_stream())
    assert tokens.portrait_of.tolist() == [0] * 20 + [3] * 15
    assert sum(run.frames for run in tokens.runs) == len(tokens) == 35


def test_runs_must_tell_of_every_frame() -> None:
    tokens = TokenSequence.read(shot_stream())
    for runs in ((), tokens.runs[:-1]):
        with pytest.raises(UsageError, match="runs of"):
            replace(tokens, runs=runs)


def pictures(data: bytes) -> list[int]:
    frames = decode_frames(
        io.BytesIO(data), DecodeOptions(size_px=256), parts=decoder_parts(Painting())
    )
    return [level(frame.rgb[None]) for frame in frames]


@pytest.mark.parametrize(("first", "stop"), [(0, 35), (0, 9), (3, 20), (14, 30), (25, 35)])
def test_a_slice_shows_what_the_whole_does(first: int, stop: int) -> None:
    whole = TokenSequence.read(shot_stream())
    part = TokenSequence.read(whole[first:stop].to_bytes())
    assert np.array_equal(part.tokens, whole.tokens[first:stop])
    bases = [part.portraits[owner].features for owner in part.portrait_of.tolist()]
    right = [whole.portraits[owner].features for owner in whole.portrait_of[first:stop].tolist()]
    assert np.array_equal(bases, right)
    shown, expected = pictures(part.to_bytes()), pictures(shot_stream())[first:stop]
    # the fade between the shots begins with a frame that a slice may not have
    ours = [n for n in range(stop - first) if first <= 19 or first + n >= 25]
    assert all(abs(shown[n] - expected[n]) <= 1 for n in ours)


def test_a_slice_begins_its_own_shots() -> None:
    part = TokenSequence.read(TokenSequence.read(shot_stream())[25:].to_bytes())
    assert isinstance(part.portraits[0], StreamPortrait)
    first = part.portraits[0].path[0]
    assert (first.shot, first.first_frame, first.continues) == (0, 0, False)
    assert len(part.portraits) == 2


def test_cut_runs() -> None:
    runs = (PortraitRun(4, 0), PortraitRun(4, 0, other=1), PortraitRun(2, 1), PortraitRun(3, 1))
    assert list(runs_between(runs, 2, 7)) == [PortraitRun(2, 0), PortraitRun(3, 0, other=1)]
    assert group_runs(runs, 0, 3) == ()
    assert group_runs(runs, 6, 13) == (PortraitRun(2, 0, other=1), PortraitRun(5, 1))


def test_a_group_without_runs_is_written_without() -> None:
    sequence = TokenSequence.read(shot_stream())
    items = list(Reader(io.BytesIO(sequence.to_bytes())))
    assert [bool(item.runs) for item in items if isinstance(item, MotionGroup)] == [
        False,
        True,
        False,
        True,
    ]


def test_an_open_stream_gives_its_frames(counted: CountedLoads) -> None:
    with counted.codec().open(shot_stream()) as stream:
        frames = [frame.rgb for frame in stream.frames(size_px=256, start_s=Fraction(28, 25))]
    assert len(frames) == 7


def test_tokens_are_rendered_as_decoding_shows_them(counted: CountedLoads) -> None:
    codec = counted.codec()
    pictures = codec.render(codec.tokens(shot_stream()), size_px=256)
    with codec.open(shot_stream()) as stream:
        frames = np.stack([frame.rgb for frame in stream.frames(size_px=256)])
    assert np.array_equal(pictures, frames)
