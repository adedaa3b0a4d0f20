"""What a viewer is sent: packets as specified, less where the line is thin, pieces a few at a time."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.live import FRAMES, live_stream, moments
from tests.support.recover import playable
from vqcodec.container.payloads import CodedGroup, build_motion, parse_motion
from vqcodec.entropy import decode_layers
from vqcodec.errors import BitstreamError, UnsupportedError
from vqcodec.live.feed import COPY_LAYERS, FIRST_PIECES, PIECE_BYTES, Feed
from vqcodec.live.ladder import RESTING_REPORTS, STEPS, TRIAL_REPORTS, Ladder
from vqcodec.live.playout import Playout
from vqcodec.live.programme import Programme
from vqcodec.live.thinning import among, runs_of_frames, shown_from, thinned
from vqcodec.live.wire import (
    NUMBERS,
    Part,
    PartKind,
    Report,
    ahead,
    build_packet,
    build_report,
    parse_packet,
    parse_report,
)
from vqcodec.types import PortraitRun

MADE = moments(live_stream())
GROUPS = 12
GOOD, LOSSY, SLOW = (Report(9, 10, 10, 5), Report(9, 10, 7, 5), Report(9, 10, 10, 900))


def test_a_packet_is_what_the_specification_says() -> None:
    data = build_packet(65537, [Part(1, b"ab"), Part(9, bytes(200)), Part(3, b"")])
    assert data[:2] == b"\x00\x01" and data[2:6] == b"\x01\x02ab" and data[6:9] == b"\x09\xc8\x01"
    packet = parse_packet(data)
    assert packet.number == 1 and [part.kind for part in packet.parts] == [1, 9, 3]
    assert parse_packet(b"\x00\x00").parts == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x00\x01",
        b"\x00\x00\x01\x02a",
        b"\x00\x00\x01\x80\x00",
        b"\0\0" + b"\x01\x00" * 17,
    ],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        parse_packet(data)


def test_reports_are_bounded_and_may_grow() -> None:
    report = Report(3, 100_000, 7, -4)
    assert parse_report(build_report(report) + b"more") == Report(3, 65535, 7, 0)
    with pytest.raises(BitstreamError):
        parse_report(bytes(7))


@given(number=st.integers(0, NUMBERS - 1), step=st.integers(-1000, 1000))
def test_numbers_count_round(number: int, step: int) -> None:
    assert ahead((number + step) % NUMBERS, number) == step


# --- what is on air ---


def test_moments_hold_all_and_what_a_newcomer_needs() -> None:
    assert sum(len(group.ticks) for moment in MADE for group in moment.groups) == FRAMES
    assert [moment.over for moment in MADE] == [False] * (len(MADE) - 1) + [True]
    whole = b"".join(moment.whole for moment in MADE)
    shots = [MADE[0].joining, MADE[3].joining, MADE[8].joining]
    assert whole.startswith(shots[0]) and shots[1].startswith(shots[0])
    assert shots[2] != shots[1] and shots[2][:100] == shots[0][:100]


def test_a_programme_of_version_1_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        Programme().push(playable(1))


# --- what a viewer gets ---


def parts(packet: bytes) -> dict[int, bytes]:
    return {part.kind: part.payload for part in parse_packet(packet).parts}


def test_packets_hold_a_group_its_sound_and_a_copy_of_the_one_before() -> None:
    feed = Feed(b"", GROUPS)
    packets = [packet for moment in MADE for packet in feed.packets(moment)]
    assert [parse_packet(packet).number for packet in packets] == list(range(FRAMES // 3))
    assert PartKind.COPY not in parts(packets[0])
    for before, after in pairwise(packets):
        own, copy = (parse_motion(parts(p)[k], 2) for p, k in ((before, 1), (after, 2)))
        assert copy.payloads == own.payloads[:COPY_LAYERS] and copy.first_frame == own.first_frame
        assert PartKind.SOUND in parts(after)


def test_what_must_arrive_goes_a_few_pieces_at_a_time() -> None:
    feed = Feed(bytes(20 * PIECE_BYTES), GROUPS)
    counts = [len(list(feed.pieces(1))) for _ in range(10)]
    assert counts[0] == FIRST_PIECES and sum(counts) == 20 and counts[-3:] == [0, 0, 0]


def test_less_is_sent_on_lower_steps() -> None:
    sizes = []
    for place in range(len(STEPS)):
        feed = Feed(b"", GROUPS)
        feed.ladder._place = place
        packets = [parts(packet) for moment in MADE for packet in feed.packets(moment)]
        sizes.append(sum(len(p.get(1, b"")) + len(p.get(2, b"")) for p in packets))
    assert all(after < before for before, after in pairwise(sizes[:4]))
    assert sizes[6] < sizes[5] < sizes[3] == sizes[4]  # 4: the sound alone


def test_a_group_with_fewer_frames_has_their_tokens() -> None:
    for moment in MADE:
        for group in moment.groups:
            tokens = decode_layers(group.payloads, 3, GROUPS)
            small = thinned(group, 3, 2, GROUPS)
            assert small is not None
            kept = [n for n in range(3) if (group.first_frame + n) % 2 == 0]
            assert small.ticks.tolist() == group.ticks[kept].tolist()
            found = decode_layers(small.payloads, len(kept), GROUPS)
            assert np.array_equal(found, tokens[kept][..., :3])
    assert thinned(MADE[0].groups[0], 4, 1, GROUPS) == MADE[0].groups[0]


def test_what_shows_a_frame_stays_with_it() -> None:
    group = next(g for m in MADE for g in m.groups if len(g.runs) == 2)
    assert shown_from(group) == [(0, None, 0), (0, 1, 5), (0, 1, 11)]
    assert among(group, 0).runs == () and among(group, 1) is group
    assert runs_of_frames([(1, None, 0), (1, 1, 3), (2, None, 0)]) == (
        PortraitRun(2, 1),
        PortraitRun(1, 2),
    )


def test_a_thinned_group_is_one_that_can_be_written() -> None:
    made = [group for moment in MADE for group in moment.groups]
    for group in made:
        for every in (2, 4):
            small = thinned(group, 2, every, GROUPS)
            if small is not None:
                assert isinstance(parse_motion(build_motion(small, 2), 2), CodedGroup)


# --- how much ---


def after(*reports: Report) -> int:
    ladder = Ladder()
    for report in reports:
        ladder.report(report)
    return STEPS.index(ladder.step)


def test_a_queue_takes_layers_then_sound_then_frames() -> None:
    assert [after(*[SLOW] * n) for n in range(9)] == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert [step.layers for step in STEPS[:5]] == [4, 3, 2, 1, 1] and not STEPS[4].full_sound
    assert [step.keep_every for step in STEPS] == [1, 1, 1, 1, 1, 2, 4]


def test_loss_that_fewer_bits_do_not_change_is_borne() -> None:
    trial = [LOSSY] * (1 + TRIAL_REPORTS)
    assert after(LOSSY) == 1 and after(*trial) == 0
    assert after(*trial, *[LOSSY] * (RESTING_REPORTS - 1)) == 0


def test_loss_that_fewer_bits_end_is_a_thin_line_and_comes_back_slowly() -> None:
    helped = [LOSSY, *[GOOD] * TRIAL_REPORTS]
    assert after(*helped) == 1 and after(*helped, *[GOOD] * 4) == 1
    assert after(*helped, *[GOOD] * 5) == 0


def test_a_queue_here_is_one_on_the_line() -> None:
    ladder = Ladder()
    ladder.full()
    assert ladder.step == STEPS[1]


# --- when it is shown ---


def arrivals(lost: int = 0, jitter_s: float = 0.0, count: int = 40) -> Playout:
    playout = Playout()
    for n in range(count):
        last_s = Fraction(3 * n + 2, 25)
        way_s = 0.1 + jitter_s * (n % 5 == 4)
        if lost and n % lost == lost - 1:
            continue
        missing = int(bool(lost) and n > 0 and (n - 1) % lost == lost - 1)
        playout.arrived(last_s - Fraction(2, 25), last_s, float(last_s) + way_s, missing)
    return playout


def test_a_sender_that_was_late_at_first_is_caught_up_with() -> None:
    playout, delays = Playout(), []
    for n in range(150):
        last_s = Fraction(3 * n + 2, 25)
        way_s = 0.9 if n < 5 else 0.1
        playout.arrived(last_s - Fraction(2, 25), last_s, float(last_s) + way_s, 0)
        delays.append(playout.delay_s)
    assert delays[5] > 0.8 and delays[80] < 0.35 and delays[-1] < 0.12


def test_frames_wait_for_their_packet_for_late_ones_and_for_copies() -> None:
    even, uneven, lossy = arrivals(), arrivals(jitter_s=0.06), arrivals(lost=5)
    assert even.delay_s == pytest.approx(0.09, abs=0.005)  # two frames and the margin
    assert uneven.delay_s == pytest.approx(0.15, abs=0.005)
    assert lossy.delay_s == pytest.approx(0.21, abs=0.03)
    assert even.base_s == pytest.approx(0.1) and uneven.late_ms(0.0) == 60
