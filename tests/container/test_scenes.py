"""The scene's chunks: written and read, skipped where they are wrong, found by a seek, kept by thinning, counted."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import pytest

from tests.support.container import make_group
from tests.support.spec import vector
from tests.support.units import in_shot, make_head_2, make_portrait
from vqcodec.container import Reader, RecoveringReader, Writer, survey, thin
from vqcodec.container.faults import Fault
from vqcodec.container.scenes import build_scene, parse_scene
from vqcodec.errors import UsageError
from vqcodec.format import MAX_SCENE_PX
from vqcodec.types import MotionGroup, ScenePicture, ScenePlace

STREAM = vector("valid", "2-scene")
SCENES = [i for i in Reader(io.BytesIO(STREAM), scenes=True) if isinstance(i, ScenePicture)]
FIRST, SECOND = SCENES[:2]


def scenes_of(reader: Reader | RecoveringReader) -> list[ScenePicture]:
    return [item for item in reader if isinstance(item, ScenePicture)]


def test_what_is_written_is_read() -> None:
    assert [(s.first_frame, s.shot, s.number, s.alone, s.backdrop) for s in SCENES] == [
        (0, 0, 0, False, False),
        (3, 0, 1, False, False),
        (5, 0, 0, True, False),
        (6, 1, 0, False, True),
    ]
    assert FIRST.place == ScenePlace(64, 48, 320, 168, 480) and SECOND.place is None
    assert all(parse_scene(build_scene(scene)) == scene for scene in SCENES)


def test_nobody_gets_scenes_unasked() -> None:
    assert not scenes_of(Reader(io.BytesIO(STREAM)))
    assert not scenes_of(RecoveringReader.open(io.BytesIO(STREAM)))


@pytest.mark.parametrize(
    "wrong",
    [
        replace(FIRST, place=None),
        replace(FIRST, depends_on=0),
        replace(FIRST, place=ScenePlace(64, 48, 0, 0, 0)),
        replace(FIRST, place=ScenePlace(64, 48, 0, 0, 16 * 129)),
        replace(FIRST, place=ScenePlace(MAX_SCENE_PX + 2, 48, 0, 0, 16)),
        replace(FIRST, place=ScenePlace(64, 50, 0, 0, 16)),  # not the unit's size
        replace(FIRST, unit=SECOND.unit),
        replace(SECOND, place=FIRST.place),
        replace(SECOND, depends_on=1),
        replace(SECOND, depends_on=None),
        replace(SECOND, unit=b""),
        replace(SECOND, unit=FIRST.unit),
    ],
)
def test_what_breaks_the_text_is_not_written(wrong: ScenePicture) -> None:
    with pytest.raises(Fault):
        build_scene(wrong)
    sink = io.BytesIO()
    writer = Writer(sink, make_head_2(audio=None, layers=1))
    writer.portrait(make_portrait(0, 0, 0))
    before = sink.getvalue()
    with pytest.raises(UsageError):
        writer.scene(wrong)
    assert sink.getvalue() == before


def test_chunks_that_break_the_text_are_skipped() -> None:
    stream = vector("valid", "2-scene-unusable")
    assert [s.number for s in scenes_of(Reader(io.BytesIO(stream), scenes=True))] == [1]


def test_a_seek_gives_the_scene_so_far_and_what_follows() -> None:
    reader = Reader(io.BytesIO(STREAM), scenes=True)
    for start_s, expected in (
        (Fraction(0), SCENES),
        (Fraction(3, 25), SCENES),
        (Fraction(7, 25), SCENES[3:]),
    ):
        items = list(reader.groups_from(start_s))
        assert [i for i in items if isinstance(i, ScenePicture)] == expected, start_s
        groups = [i for i in items if isinstance(i, MotionGroup)]
        for scene in expected:
            shown = next(g for g in groups if g.first_frame + len(g.ticks) > scene.first_frame)
            assert items.index(scene) < items.index(shown)


def test_a_damaged_scene_is_lost_alone() -> None:
    at = STREAM.index(FIRST.unit) + 20
    damaged = STREAM[:at] + bytes([STREAM[at] ^ 1]) + STREAM[at + 1 :]
    reader = RecoveringReader.open(io.BytesIO(damaged), scenes=True)
    assert scenes_of(reader) == SCENES[1:]
    assert reader.damage.groups_read == 3
    walked = Reader(io.BytesIO(damaged), scenes=True).groups_from(Fraction(3, 25))
    assert [i for i in walked if isinstance(i, ScenePicture)] == SCENES[1:]


def test_thinning_keeps_them() -> None:
    sink = io.BytesIO()
    with Writer(sink, make_head_2(audio=None, layers=2)) as writer:
        writer.portrait(make_portrait(0, 0, 0))
        writer.scene(FIRST)
        writer.motion(in_shot(make_group(0, 4, 2), 0))
    thinned = io.BytesIO()
    thin(io.BytesIO(sink.getvalue()), thinned, 1)
    assert scenes_of(Reader(io.BytesIO(thinned.getvalue()), scenes=True)) == [FIRST]


def test_their_bytes_are_counted() -> None:
    expected = sum(len(build_scene(scene)) for scene in SCENES)
    reader = Reader(io.BytesIO(STREAM))
    list(reader)
    for sizes in (reader.sizes, survey(io.BytesIO(STREAM)).sizes):
        assert sizes.scene == expected
        parts = sizes.portrait, sizes.motion, sizes.audio, sizes.scene, sizes.container
        assert sum(parts) == len(STREAM)
