"""The writer refuses what a reader would refuse, and writes nothing of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.support.container import MONO, make_audio, make_group, make_head, make_key_frame
from vqcodec.container import CodedGroup, Reader, Writer, verify
from vqcodec.errors import UsageError
from vqcodec.types import Crop, ModelId

GROUP = make_group(0, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": 0},
        {"layers": 5},
        {"coded_size_px": 15},
        {"coded_size_px": 4097},
        {"time_base_s": Fraction(0)},
        {"time_base_s": Fraction(1, 2**32)},
        {"time_base_s": Fraction(3, 2)},
        {"frame_rate_hz": Fraction(241)},
        {"version": (1, 1)},
        {"motion_space": ModelId("", bytes(32))},
        {"motion_space": ModelId("a" * 65, bytes(32))},
        {"motion_space": ModelId("bell\a", bytes(32))},
        {"motion_space": ModelId("\ud800", bytes(32))},
        {"renderer": ModelId("short", bytes(31))},
        {"audio": replace(MONO, sample_rate_hz=44_100)},
        {"audio": replace(MONO, channels=3)},
        {"audio": replace(MONO, pre_skip_samples=65_536)},
        {"audio": replace(MONO, extradata=bytes(256))},
        {"crop": Crop(0, 10, 0, 0, 5)},
        {"crop": Crop(10, 10, 0, 131_071, 5)},
    ],
    ids=str,
)
def test_head_out_of_range(changes: dict[str, object]) -> None:
    sink = io.BytesIO()
    with pytest.raises(UsageError, match="can't write this"):
        Writer(sink, make_head(**changes))
    assert not sink.getvalue()


def started(sink: io.BytesIO) -> Writer:
    writer = Writer(sink, make_head())
    writer.key_frame(make_key_frame())
    return writer


BAD_ITEMS: dict[str, Callable[[Writer], None]] = {
    "two key frames": lambda w: w.key_frame(make_key_frame()),
    "frame number": lambda w: w.motion(make_group(1, 3)),
    "no frames": lambda w: w.motion(make_group(0, 0)),
    "too many frames": lambda w: w.motion(make_group(0, 241)),
    "layers": lambda w: w.motion(make_group(0, 3, 3)),
    "index range": lambda w: w.motion(replace(GROUP, indices=GROUP.indices + np.uint16(625))),
    "index type": lambda w: w.motion(replace(GROUP, indices=GROUP.indices.astype(np.int32))),
    "ticks equal": lambda w: w.motion(make_group(0, 3, ticks=[0, 1, 1])),
    "ticks negative": lambda w: w.motion(make_group(0, 3, ticks=[-1, 0, 1])),
    "span": lambda w: w.motion(make_group(0, 3, ticks=[0, 1, 51])),
    "flags shape": lambda w: w.motion(replace(GROUP, low_confidence=np.zeros(2, dtype=np.bool_))),
    "no layer": lambda w: w.coded_motion(CodedGroup(0, GROUP.ticks, GROUP.low_confidence, ())),
    "five layers": lambda w: w.coded_motion(
        CodedGroup(0, GROUP.ticks, GROUP.low_confidence, (b"",) * 5)
    ),
    "long layer": lambda w: w.coded_motion(
        CodedGroup(0, GROUP.ticks, GROUP.low_confidence, (bytes(65_536),) * 4)
    ),
    "no packets": lambda w: w.audio(make_audio(0, 0)),
    "empty packet": lambda w: w.audio(replace(make_audio(0), packets=(b"",))),
    "long packet": lambda w: w.audio(make_audio(0, 1, 8192)),
    "many packets": lambda w: w.audio(make_audio(0, 801)),
    "much sound": lambda w: w.audio(make_audio(0, 33, 8000)),
    "trim": lambda w: w.audio(make_audio(0, end_trim_samples=5761)),
    "sample": lambda w: w.audio(make_audio(2**53)),
    "critical type": lambda w: w.ancillary(b"NEWC", b""),
    "own type": lambda w: w.ancillary(b"MOTN", b""),
    "no type": lambda w: w.ancillary(b"a1b2", b""),
    "long chunk": lambda w: w.ancillary(b"long", bytes(1_049_601)),
    "key frame last": lambda w: w.close(),
}


@pytest.mark.parametrize("name", BAD_ITEMS)
def test_items_that_break_a_rule(name: str) -> None:
    sink = io.BytesIO()
    writer = started(sink)
    before = sink.getvalue()
    with pytest.raises(UsageError):
        BAD_ITEMS[name](writer)
    assert sink.getvalue() == before
    writer.motion(GROUP)  # the refused item left no trace
    writer.close()
    assert verify(io.BytesIO(sink.getvalue())).frames == 3


@pytest.mark.parametrize("still", [b"", bytes(1_048_577)])
def test_still_size(still: bytes) -> None:
    with pytest.raises(UsageError, match="still"):
        Writer(io.BytesIO(), make_head()).key_frame(replace(make_key_frame(), still=still))


@pytest.mark.parametrize("features", [np.zeros(47, dtype=np.int16), np.zeros(48, dtype=np.int32)])
def test_features_shape_and_type(features: np.ndarray) -> None:
    with pytest.raises(UsageError, match="features"):
        Writer(io.BytesIO(), make_head()).key_frame(replace(make_key_frame(), features=features))


def test_motion_needs_a_key_frame_and_a_stream_needs_motion() -> None:
    with pytest.raises(UsageError, match="key frame"):
        Writer(io.BytesIO(), make_head()).motion(GROUP)
    with pytest.raises(UsageError, match="without a motion group"):
        Writer(io.BytesIO(), make_head()).close()


def test_sound_rules() -> None:
    writer = started(io.BytesIO())
    writer.audio(make_audio(1000, packets=5))
    with pytest.raises(UsageError, match="1600 at least"):
        writer.audio(make_audio(1599))
    writer.audio(make_audio(1600, end_trim_samples=1))
    with pytest.raises(UsageError, match="trimmed"):
        writer.audio(make_audio(9000))
    silent = Writer(io.BytesIO(), make_head(audio=None))
    with pytest.raises(UsageError, match="without sound"):
        silent.audio(make_audio(0))


def test_group_times_follow_each_other() -> None:
    writer = started(io.BytesIO())
    writer.motion(GROUP)
    with pytest.raises(UsageError, match="not after 2"):
        writer.motion(make_group(3, 2, first_tick=2))


def test_close_checks_the_end_first_and_happens_once() -> None:
    sink = io.BytesIO()
    writer = started(sink)
    writer.motion(GROUP)
    for end_tick in (2, 2**53):
        with pytest.raises(UsageError, match="ends at tick"):
            writer.close(end_tick)
    writer.close(50)
    written = sink.getvalue()
    writer.close()
    assert sink.getvalue() == written
    assert verify(io.BytesIO(written)).sizes.seconds == 2
    with pytest.raises(UsageError, match="closed"):
        writer.audio(make_audio(0))


def test_the_last_frame_lasts_one_nominal_frame_by_default() -> None:
    sink = io.BytesIO()
    with Writer(
        sink, make_head(time_base_s=Fraction(1, 90_000), frame_rate_hz=Fraction(30_000, 1001))
    ) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 10, step=3003))
    assert Reader(sink).index().end_tick == 30_030 if sink.seek(0) == 0 else False


def test_an_error_in_the_block_leaves_the_stream_open() -> None:
    sink = io.BytesIO()
    with pytest.raises(RuntimeError), Writer(sink, make_head()) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(GROUP)
        raise RuntimeError
    assert b"IEND" not in sink.getvalue()
