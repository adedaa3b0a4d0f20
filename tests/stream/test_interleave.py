"""The order of a file of major version 2: what is given to the interleaver lies in it, portraits in their place."""

from __future__ import annotations

import io
from fractions import Fraction

import vqcodec
from tests.support.container import MONO, make_audio, make_group, same_item
from tests.support.units import in_shot, make_head_2, make_portrait
from vqcodec.container import Reader
from vqcodec.stream.interleave import Interleaver
from vqcodec.stream.sound import SoundPiece
from vqcodec.types import AudioGroup, Crop, PortraitRun

CROP = Crop(640, 480, 1, 2, 300)


def written() -> tuple[bytes, list[object]]:
    """A stream of two shots, and its items without sound."""
    items: list[object] = [
        make_portrait(),
        in_shot(make_group(0, 25, 2), 0),
        make_portrait(25, 0, 1),
        make_portrait(25, 0, 2, 0),
        in_shot(make_group(25, 25, 2), 0, PortraitRun(9, 0, 2), PortraitRun(16, 2)),
        make_portrait(50, 1, continues=True),
        in_shot(make_group(50, 5, 2), 1),
    ]
    sink = io.BytesIO()
    file = Interleaver(sink, make_head_2(layers=2, crop=None, delay_ms=300))
    for number, packet in enumerate(make_audio(0, 100, 20).packets):
        file.sound(SoundPiece(0, packet, number * 960))
    for item in items:
        if hasattr(item, "unit"):
            file.portrait(item, CROP)  # type: ignore[arg-type]
        else:
            file.motion(item)  # type: ignore[arg-type]
    sizes = file.close()
    data = sink.getvalue()
    assert sizes.portrait + sizes.motion + sizes.audio + sizes.container == len(data)
    return data, items


def test_portraits_lie_where_they_were_given() -> None:
    data, items = written()
    found = list(Reader(io.BytesIO(data)))
    assert Reader(io.BytesIO(data)).head == make_head_2(layers=2, crop=CROP, delay_ms=300)
    silent = [item for item in found if not isinstance(item, AudioGroup)]
    assert len(silent) == len(items) and all(map(same_item, silent, items))
    sound = [item for item in found if isinstance(item, AudioGroup)]
    assert sum(len(group.packets) for group in sound) == 100
    heard_s = Fraction(sound[1].first_sample - MONO.pre_skip_samples, 48_000)
    assert abs(heard_s - 1) < Fraction(1, 40)


def test_info_and_verify_say_what_the_portraits_take() -> None:
    data, _ = written()
    told = vqcodec.info(io.BytesIO(data))
    assert (told["version"], told["delay_ms"], told["key_frames"]) == ("2.0", 300, 4)
    first, second = told["shots"]
    assert (first["portraits"], first["frames"], first["continues"]) == (3, 50, False)
    assert (second["portraits"], second["frames"], second["continues"]) == (1, 5, True)
    assert first["seconds"] == 2.0 and first["portraits_per_minute"] == 90.0
    assert first["portrait_bytes"] + second["portrait_bytes"] == told["portrait_bytes"]
    checked = vqcodec.verify(io.BytesIO(data)).to_json()
    assert (checked["key_frames"], checked["shots"]) == (4, 2)
