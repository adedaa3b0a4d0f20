"""What is shown and heard in place of what was lost: exact times, held and faded poses, silence of the right length."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.conceal import (
    FRAMES,
    MOTION,
    PARTS,
    PCM,
    POSES,
    SOUND,
    UNITS,
    WHOLE,
    shown,
    without,
)
from tests.support.container import make_stream
from tests.support.recover import FPS, GROUP_FRAMES, kinds, playable, split, times, tone_packets
from tests.support.spec import SPEC
from vqcodec.config import DecodeOptions
from vqcodec.container import Reader, Writer
from vqcodec.container.chunks import make_chunk
from vqcodec.container.ledger import MAX_HOLE_S, SECONDS_PER_LOST_BYTE
from vqcodec.container.payloads import build_audio
from vqcodec.decoding.conceal import EDGE_SAMPLES, HOLE_FADE_S, hole_ticks
from vqcodec.decoding.heard import Samples
from vqcodec.decoding.window import Window, play
from vqcodec.errors import BitstreamError
from vqcodec.media.sound.opus_codec import AudioDecoder
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup

FADED = int(HOLE_FADE_S * FPS)


# --- times ---


def test_times_of_missing_frames() -> None:
    base_s = Fraction(1, 25)
    assert list(hole_ticks(4, 8, 3, base_s)) == [5, 6, 7]
    assert list(hole_ticks(None, 3, 3, base_s)) == [0, 1, 2]
    assert list(hole_ticks(None, 3003, 3, Fraction(1, 30000))) == [0, 1001, 2002]
    assert list(hole_ticks(2002, 6006, 3, Fraction(1, 30000))) == [3003, 4004, 5005]
    assert list(hole_ticks(0, 10, 2, base_s)) == [3, 6]
    assert list(hole_ticks(4, 5, 3, base_s)) == [] == list(hole_ticks(4, 8, 0, base_s))
    assert list(hole_ticks(4, 7, 99, base_s)) == [5, 6]


@given(
    st.none() | st.integers(0, 2**50),
    st.integers(0, 5000),
    st.integers(0, 10**9),
    st.sampled_from([1, 25, 30000]),
)
@settings(deadline=None, max_examples=200)
def test_missing_frames_fit_into_their_hole(
    before: int | None, length: int, missing: int, rate: int
) -> None:
    after = (before or 0) + length
    ticks = list(hole_ticks(before, after, missing, Fraction(1, rate)))
    assert ticks == sorted(set(ticks)) and len(ticks) <= min(
        missing, Fraction(length, rate) * 240 + 1
    )
    assert all((before is None or tick > before) and tick < after for tick in ticks)


def test_the_specification_tells_the_same_numbers() -> None:
    text = (SPEC / "vqt.md").read_text(encoding="utf-8").split("## 18.")[1]
    assert (
        f"over the last {float(HOLE_FADE_S)} s fades" in text
        and f"edges of {EDGE_SAMPLES // 48} ms" in text
    )
    assert (
        f"more than {MAX_HOLE_S} s ahead" in text
        and f"{1 / SECONDS_PER_LOST_BYTE} lost bytes a second" in text
    )


# --- pictures ---


def test_an_intact_stream_is_played_as_ever() -> None:
    poses, pcm, damage = shown(WHOLE)
    assert [pose.time_s for pose in poses] == times(FRAMES)
    assert np.array_equal(np.stack([pose.features for pose in poses]), POSES) and np.array_equal(
        pcm, PCM
    )
    assert not damage.any and (damage.frames_intact, damage.frames_concealed) == (FRAMES, 0)


@pytest.mark.parametrize("lost", [(1,), (2, 3), (1, 3), (4,)])
def test_a_hole_is_held_then_faded(lost: tuple[int, ...]) -> None:
    poses, _, damage = shown(without(*(MOTION[n] for n in lost)))
    assert [pose.time_s for pose in poses] == times(FRAMES)
    found = np.stack([pose.features for pose in poses])
    made_up = np.repeat([n in lost for n in range(6)], GROUP_FRAMES)
    assert np.array_equal(found[~made_up], POSES[~made_up])
    assert damage.frames_concealed == made_up.sum() and damage.frames_intact == (~made_up).sum()
    assert damage.groups_lost == len(lost)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], made_up.astype(int), [0]]))).reshape(-1, 2)
    assert damage.concealed == [(Fraction(int(a), FPS), Fraction(int(b), FPS)) for a, b in edges]
    for first, stop in edges:
        held, target = POSES[first - 1], POSES[stop]
        fading = found[max(first, stop - FADED) : stop]
        assert (found[first : stop - FADED + 1] == held).all()
        way = np.linalg.norm(fading - held, axis=1)
        assert (np.diff(way) > 0).all() and way[-1] < np.linalg.norm(target - held)
        part = way / np.linalg.norm(target - held)
        assert np.allclose(
            fading, held + part[:, None] * (target - held), atol=1e-3
        )  # a straight way


def test_a_hole_at_the_start_holds_the_first_good_pose() -> None:
    poses, _, damage = shown(without(*MOTION[:2]))
    assert [pose.time_s for pose in poses] == times(FRAMES)
    assert all(np.array_equal(pose.features, POSES[20]) for pose in poses[:20])
    assert damage.frames_concealed == 20 and damage.concealed == [(Fraction(0), Fraction(20, FPS))]


def test_a_hole_at_the_end_is_held_as_far_as_is_known() -> None:
    with_end = shown(without(*MOTION[4:]))[0]
    assert [pose.time_s for pose in with_end] == times(FRAMES)
    assert all(np.array_equal(pose.features, POSES[39]) for pose in with_end[40:])
    with_sound = shown(without(*MOTION[4:], len(PARTS) - 2, len(PARTS) - 1))[0]
    assert len(with_sound) in (FRAMES - 1, FRAMES) and [p.time_s for p in with_sound] == times(
        len(with_sound)
    )
    cut = shown(b"".join(PARTS[: MOTION[4]]))[0]
    assert [pose.time_s for pose in cut] == times(40)


def test_a_new_portrait_after_a_hole_is_not_faded_to() -> None:
    parts = split(playable(6, 3))
    motion = kinds(parts, b"MOTN")
    poses, _, damage = shown(without(motion[2], motion[3], parts=parts))
    assert [pose.time_s for pose in poses] == times(FRAMES)
    assert [pose.shown.portrait.first_frame for pose in poses] == [0] * 30 + [30] * 30
    assert all(np.array_equal(pose.features, poses[19].features) for pose in poses[20:30])
    assert all(np.array_equal(pose.features, poses[40].features) for pose in poses[30:40])
    assert damage.frames_concealed == 20


def test_a_lost_portrait_is_replaced_by_the_one_before() -> None:
    parts = split(playable(6, 3))
    poses, _, damage = shown(without(kinds(parts, b"KEYF")[1], parts=parts))
    assert {pose.shown.portrait.first_frame for pose in poses} == {
        0
    } and damage.frames_other_portrait == 30
    poses, _, damage = shown(without(kinds(parts, b"KEYF")[0], parts=parts))
    assert {pose.shown.portrait.first_frame for pose in poses} == {30} and len(poses) == FRAMES
    assert damage.key_frames_lost == 1


@pytest.mark.parametrize(
    ("start", "end", "first", "stop"),
    [("0.5", "1.5", 13, 38), ("0.9", None, 23, 60), ("2", "9", 50, 60)],
)
def test_a_window_of_a_damaged_stream(start: str, end: str | None, first: int, stop: int) -> None:
    poses, pcm, damage = shown(
        without(MOTION[1], MOTION[2], SOUND[2]),
        start_s=Fraction(start),
        end_s=None if end is None else Fraction(end),
    )
    assert [pose.time_s for pose in poses] == times(stop - first)
    assert damage.frames_concealed == sum(10 <= n < 30 for n in range(first, stop))
    limit = stop / FPS - first / FPS
    assert all(0 <= a < b <= limit for a, b in damage.concealed)
    # the sound is that of the same span
    heard = round((min(Fraction(stop, FPS), Fraction(end or 99)) - Fraction(first, FPS)) * 48000)
    assert abs(len(pcm) - heard) <= 312 + 960


# --- sound ---


@pytest.mark.parametrize("lost", [(0,), (2,), (1, 2), (1, 4), (5,), (0, 5)])
def test_sound_keeps_its_place(lost: tuple[int, ...]) -> None:
    """Every group that is there is heard at its own samples, whatever is missing around it."""
    _, pcm, damage = shown(without(*(SOUND[n] for n in lost)))
    reader = Reader(io.BytesIO(WHOLE))
    head = reader.head.audio
    assert head is not None
    end = len(PCM) if 5 not in lost else round(Fraction(FRAMES, FPS) * 48000)
    assert len(pcm) == end
    decoder, following = AudioDecoder(head), 0
    for number, group in enumerate(item for item in reader if isinstance(item, AudioGroup)):
        if number in lost:
            continue
        fresh = group.first_sample != following
        if fresh:
            decoder = AudioDecoder(head, first_sample=group.first_sample)
        at, alone = decoder.position, decoder.decode(group.packets)
        following = group.first_sample + 20 * 960
        soft = EDGE_SAMPLES if fresh else 0
        assert np.array_equal(pcm[at + soft : at + len(alone)], alone[soft:])
        assert soft == 0 or np.abs(pcm[at : at + 5]).max() < 700
    for number in lost:
        first, stop = (
            max(number * 19200 - head.pre_skip_samples, 0) + EDGE_SAMPLES,
            min((number + 1) * 19200 - head.pre_skip_samples, end),
        )
        assert not pcm[first:stop].any()
        jumps = np.abs(np.diff(pcm[max(first - EDGE_SAMPLES - 50, 0) : first].astype(int), axis=0))
        assert jumps.max() < 1200  # the tone itself steps by 350
    assert damage.audio_groups_lost == len(lost)
    assert abs(float(damage.audio_lost_s) - 0.4 * len(lost)) < 0.03


_METHODS: dict[type, str] = {KeyFrame: "key_frame", MotionGroup: "motion", AudioGroup: "audio"}


def test_gaps_that_were_there_from_the_beginning_are_not_called_lost() -> None:
    reader, sink = Reader(io.BytesIO(WHOLE)), io.BytesIO()
    with Writer(sink, reader.head) as writer:
        for number, item in enumerate(reader):
            if number % 4 or not isinstance(item, AudioGroup):
                getattr(writer, _METHODS[type(item)])(item)
    assert len(split(sink.getvalue())) < len(PARTS)
    _, pcm, damage = shown(sink.getvalue())
    assert not damage.any and len(pcm) > 0


def _with_sound_at(first_sample: int) -> bytes:
    """The whole stream, and five packets more."""
    reader, sink = Reader(io.BytesIO(WHOLE)), io.BytesIO()
    with Writer(sink, reader.head) as writer:
        for item in reader:
            getattr(writer, _METHODS[type(item)])(item)
        writer.audio(AudioGroup(first_sample, tone_packets(120)[1][:5]))
    return sink.getvalue()


def test_sound_centuries_away_is_not_waited_for() -> None:
    far = Reader(io.BytesIO(data := _with_sound_at(2**52)))
    window = Window(far.head, UNITS, DecodeOptions())
    heard = sum(len(item.pcm) for item in play(far, window) if isinstance(item, Samples))
    assert heard == len(PCM)
    assert window.sentences() == [
        f"sound at {2**52 // 48_000} s is left out: no picture comes within an hour before it"
    ]
    cut = Window(far.head, UNITS, DecodeOptions(end_s=Fraction(1)))
    assert list(play(Reader(io.BytesIO(data)), cut)) and not cut.sentences()


def test_minutes_without_sound_are_told() -> None:
    far = Reader(io.BytesIO(_with_sound_at(len(PCM) + 90 * 48_000)))
    window = Window(far.head, UNITS, DecodeOptions())
    assert list(play(far, window))
    at_s = len(PCM) // 48_000
    assert window.sentences() == [f"the stream has no sound from {at_s} to {at_s + 90} s: silence"]


def test_a_packet_that_is_no_opus() -> None:
    """Behind a right CRC; the rest of the sound stays in place."""
    parts = split(make_stream(3, 10, layers=1))
    poses, pcm, damage = shown(b"".join(parts))
    assert len(poses) == 30 and not damage.any and len(pcm) > 0
    data = split(WHOLE)
    reader = Reader(io.BytesIO(WHOLE))
    group = [item for item in reader if isinstance(item, AudioGroup)][2]
    broken = AudioGroup(group.first_sample, (b"\x03", *group.packets[1:]))
    data[SOUND[2]] = make_chunk(b"AUDO", build_audio(broken), 0)[1]
    _, pcm, damage = shown(b"".join(data))
    assert damage.dropped_chunks == 1 and len(pcm) == len(PCM)


# --- any losses ---


@given(st.sets(st.integers(1, len(PARTS) - 1)))
@settings(deadline=None, max_examples=60)
def test_any_losses_keep_the_timeline(lost: set[int]) -> None:
    """Whatever chunks are missing, every picture that is left is at its time, and no time is missing before the end."""
    data = without(*lost)
    left = [n for n, number in enumerate(MOTION) if number not in lost]
    if not left or 1 in lost:
        with pytest.raises(BitstreamError):
            shown(data)
        return
    poses, pcm, damage = shown(data)
    assert [pose.time_s for pose in poses] == times(len(poses))
    assert len(poses) >= (left[-1] + 1) * GROUP_FRAMES
    assert len(PARTS) - 1 in lost or len(poses) == FRAMES
    for number in left:
        span = slice(number * GROUP_FRAMES, (number + 1) * GROUP_FRAMES)
        assert np.array_equal(np.stack([pose.features for pose in poses[span]]), POSES[span])
    assert damage.frames_intact == len(left) * GROUP_FRAMES
    assert damage.frames_intact + damage.frames_concealed == len(poses)
    heard = [n for n, number in enumerate(SOUND) if number not in lost]
    if heard:
        assert len(pcm) >= (heard[-1] + 1) * 19200 - 312
