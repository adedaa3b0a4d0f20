"""Streams of major version 2 through the whole decoder: in order, from a point in time, in part, and told apart by damage."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import decoder_parts, draw
from tests.support.recover import kinds, split
from tests.support.shots import Painting, level, shot_stream
from tests.support.units import make_unit
from vqcodec.codec.look import thin
from vqcodec.codec.tokens import TokenSequence
from vqcodec.config import DecodeOptions
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.decoding.selected import selected_frames
from vqcodec.errors import BitstreamError
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.types import PortraitRun

FRAMES = 35
PASSING = [60 + 12 * n for n in range(1, 5)]
FADE = [180 + 20 * n / 6 for n in range(1, 6)]
LEVELS = [60] * 10 + PASSING + [120] * 2 + [180] * 4 + FADE + [200] * 5 + [230] * 5


def shown(
    data: bytes,
    renderer: Painting | None = None,
    *,
    pipe: bool = False,
    **options: Any,
) -> list[NDArray[np.uint8]]:
    source = io.BytesIO(data)
    if pipe:
        source.seekable = lambda: False  # type: ignore[method-assign]
    parts = decoder_parts(renderer or Painting())
    asked = DecodeOptions(size_px=256, **options)
    return [frame.rgb for frame in decode_frames(source, asked, parts=parts)]


def levels(pictures: list[NDArray[np.uint8]]) -> list[int]:
    return [level(picture[None]) for picture in pictures]


def test_every_frame_is_shown_as_the_runs_say() -> None:
    found = levels(shown(shot_stream()))
    assert len(found) == FRAMES and np.abs(np.subtract(found, LEVELS)).max() <= 2


def test_a_file_with_sound(tmp_path: Path) -> None:
    report = decode(
        io.BytesIO(shot_stream(sound=True)), tmp_path / "a.mp4", parts=decoder_parts(Painting())
    )
    assert report.frames == FRAMES and report.seconds == Fraction(FRAMES, 25)


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("start", [0, 1, 9, 10, 12, 14, 15, 19, 20, 22, 24, 25, 26, 30, 34])
def test_a_frame_is_the_same_wherever_playing_began(start: int, pipe: bool) -> None:
    whole = shown(shot_stream())
    part = shown(shot_stream(), pipe=pipe, start_s=Fraction(start, 25))
    assert all(np.array_equal(a, b) for a, b in zip(part, whole[start:], strict=True))


def test_a_seek_prepares_only_what_it_shows() -> None:
    renderer = Painting()
    shown(shot_stream(), renderer, start_s=Fraction(30, 25))
    assert len(renderer.prepared) == 1


def test_selected_frames_are_those_of_a_decode() -> None:
    whole, renderer = shown(shot_stream()), Painting()
    wanted = (0, 11, 13, 19, 21, 34)
    found = list(
        selected_frames(
            io.BytesIO(shot_stream()), decoder_parts(renderer), wanted.__contains__, 256
        )
    )
    assert [number for number, _ in found] == list(wanted)
    assert all(np.array_equal(picture, whole[number]) for number, picture in found)
    assert sum(map(len, renderer.rendered)) == len(wanted) + 3  # two of the pass, one of the fade


def test_a_file_that_grows(tmp_path: Path) -> None:
    (tmp_path / "a.vqt").write_bytes(shot_stream()[:-60])  # INDX and IEND are still to come
    frames = decode_frames(
        tmp_path / "a.vqt",
        DecodeOptions(size_px=256, follow_s=0.2),
        parts=decoder_parts(Painting()),
    )
    assert levels([frame.rgb for frame in frames])[:30] == levels(shown(shot_stream()))[:30]


@pytest.mark.parametrize("layers", [1, 3])
def test_fewer_layers(layers: int) -> None:
    thinned, asked, whole = io.BytesIO(), Painting(), Painting()
    thin(shot_stream(), thinned, layers=layers)
    shown(thinned.getvalue(), whole)
    found = shown(shot_stream(), asked, layers=layers)
    assert np.abs(np.subtract(levels(found), LEVELS)).max() <= 2
    pairs = zip(asked.rendered, whole.rendered, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert not np.array_equal(whole.rendered[0][0], features_of_all()[0])


def features_of_all() -> list[NDArray[np.float32]]:
    renderer = Painting()
    shown(shot_stream(), renderer)
    return list(renderer.rendered[0])


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("start", [0, 12, 22, 31])
def test_another_persons_motion_counts_from_the_first_shot(
    tmp_path: Path, start: int, pipe: bool
) -> None:
    cv2.imwrite(str(tmp_path / "other.png"), draw(512, 512, [(256, 256, 256)]))
    driven = []
    for begin in (0, start):
        renderer = Painting()
        found = shown(
            shot_stream(),
            renderer,
            pipe=pipe,
            portrait=tmp_path / "other.png",
            start_s=Fraction(begin, 25),
        )
        assert len(renderer.prepared) == 1 and len(found) == FRAMES - begin
        driven.append(np.concatenate(renderer.rendered))
    assert len(driven[0]) == FRAMES  # nothing is drawn twice
    assert np.array_equal(driven[0][start:], driven[1])


# --- damage ---


def with_unit(number: int, unit: bytes) -> bytes:
    """The stream with another unit for one portrait, in order."""
    tokens = TokenSequence.read(shot_stream())
    portraits = [p for p in tokens.portraits if isinstance(p, StreamPortrait)]
    path = portraits[number].path
    portraits[number] = StreamPortrait((*path[:-1], replace(path[-1], unit=unit)))
    return replace(tokens, portraits=tuple(portraits)).to_bytes()


def test_a_damaged_unit_is_refused() -> None:
    data = with_unit(1, make_unit(1, size=200))
    with pytest.raises(BitstreamError) as caught:
        shown(data)
    assert caught.value.code == "bad-unit" and "--recover" in caught.value.hint
    assert len(shown(data, end_s=Fraction(8, 25))) == 8  # as long as it isn't shown


def test_a_damaged_unit_is_recovered_from() -> None:
    report = decode(
        io.BytesIO(with_unit(1, make_unit(1, size=200))),
        io.BytesIO(),
        DecodeOptions(recover=True),
        parts=decoder_parts(Painting()),
    )
    assert report.recovery is not None and report.recovery.stills_lost == 2
    assert any("2 portraits" in warning for warning in report.warnings)
    found = levels(shown(with_unit(1, make_unit(1, size=200)), recover=True))
    assert np.abs(np.subtract(found[:20], 60)).max() <= 2 and len(found) == FRAMES


def test_recovering_a_whole_stream_shows_the_same() -> None:
    pairs = zip(shown(shot_stream(), recover=True), shown(shot_stream()), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (1, [60] * 20 + [*(60 + 140 * n / 6 for n in range(1, 6)), *LEVELS[25:]]),
        (2, LEVELS[:16] + [120] * 4 + [*(120 + 80 * n / 6 for n in range(1, 6)), *LEVELS[25:]]),
        (3, LEVELS[:20] + [180] * 15),
        (4, LEVELS[:30] + [200] * 5),
    ],
)
def test_a_lost_portrait(lost: int, expected: list[float]) -> None:
    parts = split(shot_stream())
    number = kinds(parts, b"PORT")[lost]
    data = b"".join(parts[:number] + parts[number + 1 :])
    with pytest.raises(BitstreamError):
        shown(data)
    renderer = Painting()
    report = decode(
        io.BytesIO(data),
        io.BytesIO(),
        DecodeOptions(recover=True),
        parts=decoder_parts(renderer),
    )
    found = levels(shown(data, recover=True))
    assert np.abs(np.subtract(found, expected)).max() <= 2
    damage = report.recovery
    assert damage is not None and damage.key_frames_lost == 1 and damage.frames_intact == FRAMES
    assert damage.frames_other_portrait == [10, 4, 15, 5][lost - 1]


def without_group(data: bytes, lost: int) -> bytes:
    parts = split(data)
    number = kinds(parts, b"MOTN")[lost]
    return b"".join(parts[:number] + parts[number + 1 :])


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (1, [60] * 20 + [200] * 10 + [230] * 5),
        (2, [*LEVELS[:20], *[230] * 15]),
        (3, [*LEVELS[:30], *[200] * 5]),
    ],
)
def test_a_lost_group_beside_another_shot(lost: int, expected: list[float]) -> None:
    found = levels(shown(without_group(shot_stream(), lost), recover=True))
    assert np.abs(np.subtract(found, expected)).max() <= 2  # and nothing is faded over a hole


def test_over_a_hole_in_a_shot_portraits_pass_as_poses_do() -> None:
    tokens = TokenSequence.read(shot_stream())[:20]
    runs = (PortraitRun(10, 0), PortraitRun(3, 0), PortraitRun(7, 2))
    data = replace(tokens, runs=runs, groups=(0, 7, 13)).to_bytes()
    found = levels(shown(without_group(data, 1), recover=True))
    assert found[:7] == found[:1] * 7 and len(found) == 20
    assert np.abs(np.subtract(found[13:], 180)).max() <= 2
    steps = np.diff(found[6:14])
    assert (steps > 0).all() and steps.max() < 50
