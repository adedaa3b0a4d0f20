"""Reading damaged streams: nothing intact is lost, nothing wrong is given, and what is lost is counted."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from tests.support.container import (
    make_audio,
    make_group,
    make_head,
    make_key_frame,
    make_stream,
    same_item,
)
from tests.support.damaged import CODED, ITEMS, PARTS, RAW, WHOLE, with_chunk
from tests.support.recover import flipped, kinds, labels, recovered, renumbered, split
from tests.support.spec import vector
from vqcodec.container import Reader, RecoveringReader, Writer
from vqcodec.container.payloads import CodedGroup, build_motion
from vqcodec.entropy import encode_layers
from vqcodec.errors import BitstreamError, MediaError, UnsupportedError, UsageError
from vqcodec.types import KeyFrame, MotionGroup

PLACE_IN_MOTION = WHOLE.index(PARTS[2]) + 8


def test_memory_is_bounded() -> None:
    class Noise(io.RawIOBase):
        left = 30_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            self.left -= size
            buffer[:size] = bytes(size)
            return size

    class Start(Noise):
        head = PARTS[0]

        def read1(self, size: int = -1) -> bytes:
            if self.head:
                head, self.head = self.head, b""
                return head
            return self.read(size) or b""

    tracemalloc.start()
    try:
        with pytest.raises(BitstreamError, match="not one motion group"):
            list(RecoveringReader.open(Start()))  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


# --- what is recovered ---


def test_an_intact_stream_is_read_as_it_is() -> None:
    items, damage = recovered(WHOLE)
    assert all(same_item(one, two) for one, two in zip(items, ITEMS, strict=True))
    assert (
        not damage.any and damage.sentences() == [] and damage.groups_read == 8 and damage.complete
    )


def test_any_one_chunk_lost() -> None:
    for number in range(1, len(PARTS)):
        rest = PARTS[:number] + PARTS[number + 1 :]
        for data in (b"".join(rest), flipped(WHOLE, sum(map(len, PARTS[:number])) + 12)):
            items, damage = recovered(data)
            expected = [CODED[part] for part in rest if part in CODED]
            assert len(items) == len(expected) and all(
                any(same_item(i, e) for i in items) for e in expected
            )
            kind = PARTS[number][:4]
            assert damage.any == (len(rest) != len(PARTS))
            assert damage.groups_lost == (kind == b"MOTN")
            assert damage.audio_groups_lost == (kind == b"AUDO")
            assert damage.key_frames_lost == (kind == b"KEYF")
            assert damage.complete == (kind not in (b"INDX", b"IEND"))
            assert damage.skipped_bytes == (len(PARTS[number]) if len(data) == len(WHOLE) else 0)


def test_frames_with_a_lost_portrait() -> None:
    first, second = kinds(PARTS, b"KEYF")
    items, damage = recovered(b"".join(PARTS[:second] + PARTS[second + 1 :]))
    assert labels(items[:2]) == "K0 M0" and damage.frames_other_portrait == 12
    items, damage = recovered(b"".join(PARTS[:first] + PARTS[first + 1 :]))
    assert labels(items[:3]) == "K12 M0 A0" and damage.frames_other_portrait == 12
    assert damage.sentences()[0] == "lost: 1 portrait"


def test_no_portrait_at_all() -> None:
    data = b"".join(part for part in PARTS if part[:4] != b"KEYF")
    with pytest.raises(BitstreamError, match="no portrait") as caught:
        recovered(data)
    assert "--portrait" in caught.value.hint
    items, damage = recovered(data, portrait_needed=False)
    assert labels(items[:3]) == "K0 M0 A0" and not items[0].features.any()  # type: ignore[union-attr]
    assert damage.key_frames_lost == 2 and damage.frames_other_portrait == 24


def test_a_cut_file() -> None:
    for length in range(len(PARTS[0]), len(WHOLE), 7):
        complete = [
            number for number in range(len(PARTS)) if sum(map(len, PARTS[: number + 1])) <= length
        ]
        if not kinds([PARTS[n] for n in complete], b"MOTN"):
            continue
        items, damage = recovered(WHOLE[:length])
        unused = PARTS[complete[-1]][:4] == b"KEYF"
        assert len(items) == sum(PARTS[n] in CODED for n in complete) - unused
        assert not damage.complete and "no readable end" in " ".join(damage.sentences())


def test_without_head_nothing_can_be_read() -> None:
    for data in (flipped(WHOLE, 40), WHOLE[len(PARTS[0]) :]):
        with pytest.raises(BitstreamError, match="HEAD") as caught:
            recovered(data)
        assert "first kilobyte" in caught.value.hint
    for data in (b"", b"no stream at all", bytes(5000)):
        with pytest.raises(BitstreamError, match=r"no \.vqt stream"):
            recovered(data)
    with pytest.raises(UnsupportedError):
        recovered(vector("invalid", "unsupported-major-3"))


def test_a_broken_signature_and_bytes_before_it_don_t_matter() -> None:
    for data in (flipped(WHOLE, 2), b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE):
        items, damage = recovered(data)
        assert labels(items) == labels(ITEMS) and damage.skipped_bytes > 0


def test_two_streams_in_one_file() -> None:
    other = renumbered(WHOLE, coded_size_px=256)
    assert labels(recovered(WHOLE[:900] + other)[0]) == labels(recovered(WHOLE[:900])[0])
    items, damage = recovered(WHOLE[:900] + other + b"".join([PARTS[0], *PARTS[10:]]))
    assert damage.foreign_chunks == len(PARTS) and labels(items).startswith("K0 M0")
    assert all(any(same_item(item, known) for known in ITEMS) for item in items)
    assert labels(items[-2:]) == "M21 A7"
    # the same stream again fills nothing in, and does no harm
    items, damage = recovered(flipped(WHOLE, WHOLE.rindex(b"MOTN") + 9)[:-40] + WHOLE)
    assert damage.groups_lost == 0 and damage.foreign_chunks == 0 and labels(items).count("M") == 8


def test_swapped_neighbours_are_put_in_order() -> None:
    at = kinds(PARTS, b"MOTN")
    parts = list(PARTS)
    parts[at[1]], parts[at[2]] = parts[at[2]], parts[at[1]]
    items, damage = recovered(b"".join(parts))
    motion = [item for item in items if isinstance(item, MotionGroup)]
    assert [group.first_frame for group in motion] == list(
        range(0, 24, 3)
    ) and damage.dropped_chunks == 0


@pytest.mark.parametrize(
    "group",
    [
        make_group(3000, 3, 1),
        make_group(6, 3, 1, first_tick=2**45),
        make_group(6, 3, 2),
        make_group(6, 2, 1, first_tick=0),
        make_group(2**31, 3, 1, first_tick=2**52),
    ],
)
def test_a_group_that_doesn_t_belong(group: MotionGroup) -> None:
    """Far ahead in frames or time, of another form, or back in time: it goes, and takes nothing with it."""
    coded = CodedGroup(
        group.first_frame, group.ticks, group.low_confidence, tuple(encode_layers(group.indices))
    )
    after_two_groups = kinds(PARTS, b"MOTN")[2]
    items, damage = recovered(with_chunk(after_two_groups, b"MOTN", build_motion(coded)))
    found = [item for item in items if isinstance(item, MotionGroup)]
    assert all(any(same_item(item, known) for known in ITEMS) for item in found)
    assert damage.dropped_chunks >= 1 and len(found) == 8


def test_payloads_that_break_rules_are_dropped() -> None:
    for kind in (b"MOTN", b"AUDO", b"KEYF", b"INDX", b"IEND", b"NEWC", b"anci"):
        items, damage = recovered(with_chunk(5, kind, b"\x01\x02\x03"))
        assert labels(items) == labels(ITEMS)
        assert damage.dropped_chunks == (kind not in (b"anci",))


def test_sound_that_was_not_announced_is_dropped() -> None:
    silent = split(make_stream(3, 3, layers=1, audio=None))
    sound = next(part for part in PARTS if part[:4] == b"AUDO")
    items, damage = recovered(b"".join([*silent[:3], sound, *silent[3:]]))
    assert labels(items) == "K0 M0 M3 M6" and damage.dropped_chunks == 1


def test_a_spoilt_fine_layer_leaves_the_coarse_ones() -> None:
    data = make_stream(3, 3, layers=3, audio=None)
    pairs = RAW.split(data)
    whole = list(Reader(io.BytesIO(data)))
    kind, payload = pairs[3]
    pairs[3] = (kind, payload[:-1] + bytes([payload[-1] ^ 0xFF]) + bytes(3))
    items, damage = recovered(RAW.join(pairs))
    found, original = items[2], whole[2]
    assert isinstance(found, MotionGroup) and isinstance(original, MotionGroup)
    assert (damage.groups_thinned, damage.groups_lost) == (1, 0)
    kept = found.indices.shape[2]
    assert kept == 2 and (found.indices == original.indices[..., :kept]).all()
    assert "without the finest layers" in " ".join(damage.sentences())


def test_layers_and_skipping_to_a_time() -> None:
    items, _ = recovered(make_stream(3, 3), layers=2)
    assert items[1].indices.shape == (3, 12, 2)  # type: ignore[union-attr]
    with pytest.raises(UsageError):
        recovered(WHOLE, layers=0)
    long = make_stream(60, 50, layers=1)
    from_s = RecoveringReader.open(io.BytesIO(long), from_s=make_head().time_base_s * 2500)
    motion = [item for item in from_s if isinstance(item, MotionGroup)]
    assert motion[0].first_frame == 2400 and len(motion) == 12 and not from_s.damage.any


def test_a_non_blocking_source_is_named() -> None:
    class Empty(io.RawIOBase):
        def readinto(self, buffer: bytearray) -> None:  # type: ignore[override]
            return None

        def readable(self) -> bool:
            return True

    with pytest.raises(MediaError, match="non-blocking"):
        RecoveringReader.open(Empty())  # type: ignore[arg-type]


def test_continuing_after_head() -> None:
    reader = Reader(io.BytesIO(flipped(WHOLE, PLACE_IN_MOTION)))
    assert isinstance(next(iter(reader)), KeyFrame)
    for source in (reader, Reader(Pipe(flipped(WHOLE, PLACE_IN_MOTION)))):  # type: ignore[arg-type]
        recovering = RecoveringReader.continuing(source)
        assert len(list(recovering)) == len(ITEMS) - 1 and recovering.damage.groups_lost == 1


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_sound_far_ahead_costs_nothing() -> None:
    sink = io.BytesIO()
    with Writer(sink, make_head(layers=1)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 3, 1))
        writer.audio(make_audio(0))
        writer.audio(make_audio(2**50))
    items, damage = recovered(sink.getvalue())
    assert labels(items) == "K0 M0 A0" and damage.dropped_chunks == 1


def test_a_portrait_behind_all_motion_is_shown_and_not_lost() -> None:
    parts = split(make_stream(3, 3, layers=1))
    (at,) = kinds(parts, b"KEYF")
    last = kinds(parts, b"AUDO")[-1]
    items, damage = recovered(
        b"".join([*parts[:at], *parts[at + 1 : last + 1], parts[at], *parts[last + 1 :]])
    )
    assert labels(items[:2]) == "K0 M0" and damage.key_frames_lost == 0


def test_an_end_beyond_the_greatest_tick_is_not_believed() -> None:
    pairs = RAW.split(WHOLE)
    pairs[-1] = (b"IEND", pairs[-1][1][:4] + (2**60).to_bytes(8, "big") + pairs[-1][1][12:])
    reader = RecoveringReader.open(io.BytesIO(bytes(RAW.join(pairs))))
    assert len(list(reader)) == len(ITEMS)
    assert reader.end is None and not reader.damage.complete
