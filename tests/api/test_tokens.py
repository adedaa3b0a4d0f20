"""Tokens and portraits as values: what is read is written again, and rendered as decoding shows it."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.codec import CountedLoads
from tests.support.pipeline import SPACE_ID, draw, write_swaying
from tests.support.spec import VECTORS
from vqcodec import CodedPortrait, EncodeOptions, Reader, TokenSequence, VideoFrame, verify
from vqcodec.codec.grouping import group_spans
from vqcodec.errors import BitstreamError, NoFaceError, OutputExistsError, UsageError

REWRITTEN = sorted(
    path
    for path in (VECTORS / "valid").glob("*.vqt")
    # chunks of others, and fields of newer versions, are left behind
    if not any(name in path.stem for name in ("ancillary", "newer-minor"))
)


@pytest.fixture
def coded(counted: CountedLoads, drawn_clip: Path) -> bytes:
    data = counted.codec().encode(drawn_clip).data
    assert data is not None
    return data


def made(
    count: int = 6, *, layers: int = 4, frame_rate_hz: Fraction = Fraction(25)
) -> TokenSequence:
    rng = np.random.default_rng(5)
    portrait = CodedPortrait.from_rgb(
        draw(512, 512, [(256, 256, 300)]), np.arange(48, dtype=np.int16)
    )
    tokens = rng.integers(0, 625, (count, 12, layers), np.uint16)
    return TokenSequence.of(tokens, portrait, frame_rate_hz=frame_rate_hz, motion_space=SPACE_ID)


@pytest.mark.parametrize("path", REWRITTEN, ids=lambda path: path.stem)
def test_every_valid_stream_is_written_as_it_was(path: Path) -> None:
    data = path.read_bytes()
    known = TokenSequence.read(data)
    again = TokenSequence.read(known.to_bytes())
    assert np.array_equal(again.tokens, known.tokens) and again.times_s == known.times_s
    assert np.array_equal(again.portrait_of, known.portrait_of) and again.sound == known.sound
    assert again.head == known.head and again.end_tick == known.end_tick
    assert again.to_bytes() == known.to_bytes()


def test_an_encodes_stream_is_written_byte_for_byte(coded: bytes, tmp_path: Path) -> None:
    known = TokenSequence.read(coded)
    assert known.to_bytes() == coded == replace(known, groups=()).to_bytes()
    sizes = known.write(tmp_path / "a.vqt")
    assert (tmp_path / "a.vqt").read_bytes() == coded and sizes.frames == len(known) == 30
    with pytest.raises(OutputExistsError):
        known.write(tmp_path / "a.vqt")


def test_what_it_holds(coded: bytes) -> None:
    known, reader = TokenSequence.read(io.BytesIO(coded)), Reader(io.BytesIO(coded))
    assert known.tokens.shape == (30, 12, 4) and known.tokens.dtype == np.uint16
    assert known.times_s == tuple(Fraction(i, 25) for i in range(30))
    assert known.head == reader.head and not known.low_confidence.any()
    assert known.portrait_of.tolist() == [0] * 30 and len(known.portraits) == 1
    portrait = known.portraits[0]
    assert portrait.rgb.shape == (512, 512, 3) and portrait.features.shape == (48,)


def test_encode_tokens_render_is_decode(counted: CountedLoads, coded: bytes) -> None:
    codec = counted.codec()
    tokens = codec.tokens(coded)
    with codec.open(coded) as stream:
        decoded = list(stream.frames(size_px=256))
    rendered = codec.render(tokens, size_px=256)
    assert rendered.shape == (30, 256, 256, 3) and rendered.dtype == np.uint8
    assert np.array_equal(rendered, np.stack([frame.rgb for frame in decoded]))
    one_by_one = list(codec.render_frames(tokens, size_px=256))
    assert all(isinstance(frame, VideoFrame) for frame in one_by_one)
    assert [frame.time_s for frame in one_by_one] == [frame.time_s for frame in decoded]


def test_several_portraits_fade_as_decoding_fades(counted: CountedLoads) -> None:
    sequence = made(40)
    other = CodedPortrait.from_rgb(draw(512, 512, [(200, 300, 250)]), np.zeros(48, np.int16))
    still = np.full((40, 12, 4), 312, np.uint16)
    two = replace(
        sequence,
        tokens=still,
        portraits=(CodedPortrait(sequence.portraits[0].still, other.features), other),
        portrait_of=np.repeat([0, 1], 20),
    )
    assert TokenSequence.read(two.to_bytes()).groups == (0, 20)
    codec = counted.codec()
    shown = codec.decode(two.to_bytes())
    assert shown.frames == 40
    with codec.open(two.to_bytes()) as stream:
        decoded = np.stack([frame.rgb for frame in stream.frames()])
    assert np.array_equal(codec.render(two), decoded)
    # the pictures after the switch are neither portrait alone: they fade
    assert not np.array_equal(decoded[20], decoded[0]) and not np.array_equal(
        decoded[20], decoded[-1]
    )


def test_a_slice_is_rendered_as_in_the_whole(counted: CountedLoads, coded: bytes) -> None:
    codec, whole = counted.codec(), TokenSequence.read(coded)
    part = whole[10:20]
    assert len(part) == 10 and part.times_s == whole.times_s[10:20] and part.sound == ()
    assert np.array_equal(codec.render(part), codec.render(whole)[10:20])
    assert verify(part.to_bytes()).report.sizes.frames == 10
    for wrong in (slice(5, 5), slice(0, 10, 2), slice(50, None)):
        with pytest.raises(UsageError):
            whole[wrong]


def test_made_tokens_make_a_stream(counted: CountedLoads) -> None:
    sequence = made(600, layers=2, frame_rate_hz=Fraction(30_000, 1001))
    checked = verify(sequence.to_bytes()).to_json()
    assert checked["frames"] == 600 and checked["layers"] == 2 and checked["synthetic"] is True
    assert checked["motion_groups"] == 10 and checked["frame_rate_hz"] == "30000/1001"
    again = TokenSequence.read(sequence.to_bytes())
    assert np.array_equal(again.tokens, sequence.tokens)
    assert counted.codec().render(sequence[:3], size_px=256).shape == (3, 256, 256, 3)


def test_tokens_of_a_file_a_video_and_a_stream(
    counted: CountedLoads, coded: bytes, drawn_clip: Path, tmp_path: Path
) -> None:
    codec, file = counted.codec(), io.BytesIO(b"xy" + coded)
    (tmp_path / "named.mp4").write_bytes(coded)
    file.seek(2)
    for source in (drawn_clip, drawn_clip.read_bytes(), tmp_path / "named.mp4", file):
        assert codec.tokens(source).to_bytes() == coded
    layers = codec.tokens(drawn_clip, EncodeOptions(layers=1))
    assert layers.tokens.shape == (30, 12, 1)
    with pytest.raises(BitstreamError):
        codec.tokens(coded[:-40])


def test_a_portrait_of_any_picture(counted: CountedLoads) -> None:
    codec = counted.codec()
    portrait = codec.portrait(draw(700, 600, [(300, 320, 240)]))
    assert portrait.rgb.shape == (512, 512, 3) and portrait.features.dtype == np.int16
    coarse = codec.portrait(draw(700, 600, [(300, 320, 240)]), quality=10)
    assert len(coarse.still) < len(portrait.still)
    with pytest.raises(NoFaceError, match="no face in the picture"):
        codec.portrait(draw(700, 600, []))


def test_groups_are_cut_at_two_seconds_240_frames_and_portraits() -> None:
    ticks, owners = np.arange(700), np.zeros(700, np.int64)
    owners[10:] = 1
    spans = list(group_spans(ticks, owners, Fraction(1, 1000)))
    assert spans == [(0, 10), (10, 250), (250, 490), (490, 700)]
    assert list(group_spans(ticks[:60], owners[:60] * 0, Fraction(1, 25))) == [(0, 50), (50, 60)]


def test_two_streams_of_one_file_object_that_cannot_seek(
    counted: CountedLoads, tmp_path: Path
) -> None:
    clip = write_swaying(tmp_path / "a.mkv", 5)
    with clip.open("rb") as file:
        file.seekable = lambda: False  # type: ignore[method-assign]
        assert len(counted.codec().tokens(file)) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": np.zeros((6, 12, 3), np.uint16)},
        {"tokens": np.full((6, 12, 4), 625, np.uint16)},
        {"tokens": np.zeros((0, 12, 4), np.uint16)},
        {"ticks": np.arange(5)},
        {"portrait_of": np.ones(6, np.int64)},
        {"portrait_of": np.full(6, -1)},
    ],
)
def test_values_that_do_not_fit(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        replace(made(), **wrong)


def test_times_that_do_not_grow_are_not_written() -> None:
    with pytest.raises(UsageError):
        replace(made(), ticks=np.zeros(6, np.int64)).to_bytes()


@pytest.mark.parametrize(
    ("rgb", "features"),
    [
        (np.zeros((256, 256, 3), np.uint8), np.zeros(48, np.int16)),
        (np.zeros((512, 512, 3), np.float32), np.zeros(48, np.int16)),
        (np.zeros((512, 512, 3), np.uint8), np.zeros(47, np.int16)),
        (np.zeros((512, 512, 3), np.uint8), np.zeros(48, np.float32)),
    ],
)
def test_portraits_that_do_not_fit(rgb: Any, features: Any) -> None:
    with pytest.raises(UsageError):
        CodedPortrait.from_rgb(rgb, features)


def test_bare_tokens_need_a_portrait(counted: CountedLoads) -> None:
    with pytest.raises(UsageError, match="portrait"):
        counted.codec().render(np.zeros((2, 12, 4), np.uint16))
