"""A change of portrait within a shot is faded over, a cut isn't, and every other frame is as it would be without."""

from __future__ import annotations

import io
import weakref
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.pipeline import (
    RENDERER_ID,
    SPACE_ID,
    FakeRenderer,
    FakeSpace,
    decoder_parts,
    draw,
)
from tests.support.recover import kinds, split, still
from vqcodec.config import DEFAULT_BATCH_FRAMES, DecodeOptions
from vqcodec.container import Reader, RecoveringReader, Writer
from vqcodec.decoding.conceal import Concealment
from vqcodec.decoding.fade import SAME_SHOT_UNITS
from vqcodec.decoding.pipeline import decode_frames
from vqcodec.decoding.window import Pose, Window, play
from vqcodec.errors import BitstreamError
from vqcodec.format import DIMS, to_indices
from vqcodec.media.still.stills import decode_still
from vqcodec.types import Head, KeyFrame, MotionGroup

UNITS = FakeSpace().units
SWITCH, FRAMES = 20, 40
OLD, NEW, FAR = 90, 120, 220


@dataclass
class Drawing(FakeRenderer):
    """Paints the portrait's level, and beside it the motion, in place of a picture.

    Attributes:
        alive: portraits that were in memory at each call.
    """

    alive: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._states: list[weakref.ref[Any]] = []

    @property
    def states(self) -> int:
        return sum(state() is not None for state in self._states)

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> Any:
        state = np.array(super().prepare(portrait, features))
        self._states.append(weakref.ref(state))
        return state

    def render(
        self, state: Any, features: NDArray[np.float32], size_px: int = 512
    ) -> NDArray[np.uint8]:
        self.alive.append(self.states)
        pictures = super().render(state, features, size_px)
        pictures[:, :4, :4] = (features[:, 0] * 2).astype(np.uint8)[:, None, None, None]
        return pictures


def key_frame(first_frame: int, level: int, value: int, picture: bytes | None = None) -> KeyFrame:
    return KeyFrame(
        first_frame, still(level) if picture is None else picture, np.full(DIMS, value, np.int16)
    )


@cache
def stream(
    *,
    jump: int = 0,
    new: int = NEW,
    fps: int = 25,
    gap: int = 1,
    first: bytes | None = None,
    switches: tuple[int, ...] = (SWITCH,),
) -> bytes:
    """40 frames, in each of which the motion goes on by a unit; other portraits from `switches` on.

    Args:
        jump: units by which the motion jumps at a switch.
        new: level of the second portrait; the first has OLD, the third OLD again.
        fps: frames per second.
        gap: frame times between the frames around a switch.
        first: the first portrait's file.
        switches: frames with which a portrait begins.
    """
    sink = io.BytesIO()
    starts = (0, *switches, FRAMES)
    most = min(10, 2 * fps)  # frames of a group
    with Writer(sink, Head(Fraction(1, fps), Fraction(fps), 4, SPACE_ID, RENDERER_ID)) as writer:
        for number, (start, stop) in enumerate(pairwise(starts)):
            writer.key_frame(
                key_frame(
                    start,
                    new if number % 2 else OLD,
                    start + number * jump,
                    first if number == 0 else None,
                )
            )
            for begin in range(start, stop, most):
                end = min(begin + most, stop)
                steps = np.arange(begin - start, end - start)
                ticks = np.arange(begin, end, dtype=np.int64) + number * (gap - 1)
                indices = to_indices(np.repeat(steps[:, None], DIMS, axis=1))
                writer.motion(MotionGroup(begin, ticks, np.zeros(end - begin, np.bool_), indices))
    return sink.getvalue()


def shown(
    data: bytes,
    renderer: Drawing | None = None,
    *,
    pipe: bool = False,
    batch_frames: int = DEFAULT_BATCH_FRAMES,
    **options: Any,
) -> list[NDArray[np.uint8]]:
    source = io.BytesIO(data)
    if pipe:
        source.seekable = lambda: False  # type: ignore[method-assign]
    parts = replace(decoder_parts(renderer or Drawing()), batch_frames=batch_frames)
    return [
        frame.rgb
        for frame in decode_frames(source, DecodeOptions(size_px=256, **options), parts=parts)
    ]


def unfaded(data: bytes) -> list[NDArray[np.uint8]]:
    """The frames, each from its own portrait alone."""
    pictures, renderer, units = [], Drawing(), FakeSpace().units
    reader = Reader(io.BytesIO(data))
    for pose in play(reader, Window(reader.head, units, DecodeOptions())):
        assert isinstance(pose, Pose) and isinstance(pose.shown.portrait, KeyFrame)
        state = renderer.prepare(
            decode_still(pose.shown.portrait.still), pose.shown.portrait.features * units
        )
        pictures += list(renderer.render(state, pose.features[None], 256))
    return pictures


def faded(data: bytes, **options: Any) -> list[int]:
    """Numbers of the frames that aren't as they would be without fades."""
    return [
        n
        for n, (a, b) in enumerate(zip(shown(data, **options), unfaded(data), strict=True))
        if not np.array_equal(a, b)
    ]


def levels(pictures: list[NDArray[np.uint8]]) -> list[float]:
    return [float(picture[100:, 100:].mean()) for picture in pictures]


# --- what is faded ---


def test_weights_go_evenly_from_one_portrait_to_the_other() -> None:
    pictures = shown(stream())
    old, new = levels(unfaded(stream()))[:: FRAMES - 1]
    assert new > old + 20
    share = (np.array(levels(pictures)) - old) / (new - old)
    assert (share[:SWITCH] == 0).all() and (share[SWITCH + 5 :] == 1).all()
    assert np.allclose(share[SWITCH : SWITCH + 5], np.arange(1, 6) / 6, atol=0.02)
    assert faded(stream()) == list(range(SWITCH, SWITCH + 5))


def test_both_portraits_show_the_motion_of_the_frame() -> None:
    motion = [int(picture[0, 0, 0]) for picture in shown(stream())]
    assert motion == list(range(FRAMES))  # units of a half, drawn twice as large


@pytest.mark.parametrize(("fps", "count"), [(10, 2), (25, 5), (30, 6), (60, 12), (5, 1), (4, 0)])
def test_the_fade_lasts_as_long_at_any_frame_rate(fps: int, count: int) -> None:
    assert faded(stream(fps=fps), batch_frames=4) == list(range(SWITCH, SWITCH + count))


def test_a_cut_is_not_faded() -> None:
    assert faded(stream(jump=int(SAME_SHOT_UNITS))) == []
    assert faded(stream(jump=int(SAME_SHOT_UNITS) - 1)) == list(range(SWITCH, SWITCH + 5))


def test_another_scene_in_the_same_pose_is_not_faded() -> None:
    assert faded(stream(new=FAR)) == []


def test_a_pause_is_not_faded_over() -> None:
    assert faded(stream(gap=5)) != [] and faded(stream(gap=6)) == []


def test_two_changes_in_a_row() -> None:
    data = stream(switches=(20, 23))
    assert faded(data) == list(range(20, 28))
    found = np.array(levels(shown(data)))
    assert (
        (np.diff(found[19:23]) > 0).all()
        and (np.diff(found[23:29]) < 0).all()
        and found[28] == found[19]
    )


def test_another_persons_portrait_has_nothing_to_fade(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "other.png"), draw(512, 512, [(256, 256, 256)]))
    renderer = Drawing()
    shown(stream(), renderer, portrait=tmp_path / "other.png")
    assert len(renderer.prepared) == 1 and sum(map(len, renderer.rendered)) == FRAMES


# --- what it costs ---


def test_two_portraits_in_memory_and_only_while_it_fades() -> None:
    renderer = Drawing()
    pictures = decode_frames(
        io.BytesIO(stream(switches=(10, 25))),
        DecodeOptions(size_px=256),
        parts=replace(decoder_parts(renderer), batch_frames=5),
    )
    assert sum(1 for _ in pictures) == FRAMES
    assert len(renderer.prepared) == 3 and max(renderer.alive) == 2 and renderer.alive[-1] == 1
    assert sum(map(len, renderer.rendered)) == FRAMES + 2 * 5


def test_a_fade_costs_one_more_call_for_its_own_frames() -> None:
    fading, cut = Drawing(), Drawing()
    shown(stream(), fading)
    shown(stream(jump=int(SAME_SHOT_UNITS)), cut)
    assert sum(map(len, cut.rendered)) == FRAMES
    assert len(fading.rendered) == len(cut.rendered) + 1
    assert sum(map(len, fading.rendered)) == FRAMES + 5


# --- random access ---


@pytest.mark.parametrize("pipe", [False, True])
@pytest.mark.parametrize("start", [1, 14, 15, 16, 19, 20, 21, 24, 25, 26, 39])
def test_a_frame_is_the_same_wherever_playing_began(start: int, pipe: bool) -> None:
    renderer = Drawing()
    pictures = shown(stream(), renderer, pipe=pipe, start_s=Fraction(start, 25))
    assert all(np.array_equal(a, b) for a, b in zip(pictures, shown(stream())[start:], strict=True))
    assert len(renderer.prepared) == (2 if start < SWITCH + 5 else 1)


def test_an_old_portrait_that_nothing_else_needs_may_be_broken() -> None:
    data, start_s = stream(first=b"no picture"), Fraction(SWITCH + 2, 25)
    with pytest.raises(BitstreamError):
        shown(data)
    for recover in (False, True):
        pictures = shown(data, start_s=start_s, recover=recover)
        assert len(set(levels(pictures))) == 1 and len(pictures) == FRAMES - SWITCH - 2


# --- damage ---


def test_recovering_an_intact_stream_fades_as_ever() -> None:
    assert all(
        np.array_equal(a, b)
        for a, b in zip(shown(stream(), recover=True), shown(stream()), strict=True)
    )


@pytest.mark.parametrize("lost", [1, 2])
def test_nothing_is_faded_over_missing_frames(lost: int) -> None:
    parts = split(stream())
    number = kinds(parts, b"MOTN")[lost]
    data = b"".join(parts[:number] + parts[number + 1 :])
    reader = RecoveringReader.open(io.BytesIO(data))
    window = Window(reader.head, UNITS, DecodeOptions(recover=True), Concealment(reader))
    poses = [pose for pose in play(reader, window) if isinstance(pose, Pose)]
    assert len(poses) == FRAMES and reader.damage.frames_concealed == 10
    assert all(pose.faded_from is None and pose.share == 1 for pose in poses)
