"""What a stranger to the specification had to guess at: each stands in a sentence now, and both decoders agree with it."""

from __future__ import annotations

import io

import pytest

from tests.support.container import make_audio, make_group, make_head, make_key_frame, make_stream
from tests.support.spec import REFERENCE, SPEC, VECTORS, VQT_TEXT, load, reference_result
from vqcodec.container import Writer, verify
from vqcodec.container import index as our_index
from vqcodec.container import rules as our_rules
from vqcodec.errors import BitstreamError

RAW = load(VECTORS / "raw_streams.py")
BASE = make_stream(2, 4, layers=2)


def ours(data: bytes) -> tuple[str, int]:
    with pytest.raises(BitstreamError) as caught:
        verify(io.BytesIO(data))
    return caught.value.code, caught.value.offset


def head_with(*changes: tuple[int, bytes]) -> bytes:
    """HEAD wrong in several places."""
    data = BASE
    for at, value in changes:
        data = RAW.edit(data, b"HEAD", RAW.put(at, value))
    return data


def group_of_no_frames_too_late() -> bytes:
    """A count of 0 frames behind a first frame that nothing led to."""
    return RAW.edit(BASE, b"MOTN", RAW.put(0, b"\x09\0"), 1)


def key_frame_twice_and_empty() -> bytes:
    """A second portrait before any group, without a still."""
    still_less = RAW.split(BASE)[1][1][:97]
    return RAW.insert(BASE, 2, (b"KEYF", still_less))


def sound_after_the_index() -> bytes:
    """AUDO behind INDX, of no packets."""
    return RAW.insert(BASE, 7, (b"AUDO", b"\0\0\0"))


@pytest.mark.parametrize(
    ("stream", "chunk", "codes"),
    [
        (head_with((3, b"\0\0"), (22, b"\5")), b"HEAD", {"bad-value", "unsupported-layout"}),
        (head_with((24, b"\0"), (26, b"\x1b")), b"HEAD", {"bad-value", "bad-text"}),
        (group_of_no_frames_too_late(), b"MOTN", {"bad-value", "bad-frame"}),
        (key_frame_twice_and_empty(), b"KEYF", {"bad-value", "bad-order"}),
        (sound_after_the_index(), b"AUDO", {"bad-value", "bad-order"}),
    ],
)
def test_any_code_is_right_when_two_rules_are_broken(
    stream: bytes, chunk: bytes, codes: set[str]
) -> None:
    """One of the broken rules' codes, and the offset of the chunk, from either decoder."""
    for code, offset in (ours(stream), reference_result(stream)):
        assert code in codes
        assert offset == stream.rindex(chunk) and stream[offset : offset + 4] == chunk


def too_many_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (our_rules, REFERENCE):
        monkeypatch.setattr(module, "MAX_FRAMES", 7)


def too_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEYF, MOTN, AUDO, then one too many."""
    monkeypatch.setattr(our_index, "MAX_INDEX_ENTRIES", 3)
    monkeypatch.setattr(REFERENCE, "MAX_INDEX_ENTRIES", 3)


@pytest.mark.parametrize("fewer", [too_many_frames, too_many_entries])
def test_where_too_many_is_reported(fewer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the chunk that doesn't fit any more: here the second group, whose eighth frame is one too many, or the fourth entry."""
    second = BASE.rindex(b"MOTN")
    fewer(monkeypatch)  # type: ignore[operator]
    assert ours(BASE) == reference_result(BASE) == ("too-many", second)


def with_sound(*groups: object) -> bytes:
    sink = io.BytesIO()
    with Writer(sink, make_head(layers=1)) as writer:
        writer.key_frame(make_key_frame())
        writer.motion(make_group(0, 2, 1))
        for group in groups:
            writer.audio(group)  # type: ignore[arg-type]
    return sink.getvalue()


def test_a_trim_is_at_fault_where_sound_follows() -> None:
    """Longer than its packet, and valid, until another AUDO comes: that one is at fault."""
    first = make_audio(0, 1, end_trim_samples=5760)
    trimmed = with_sound(first)
    verify(io.BytesIO(trimmed))
    assert isinstance(reference_result(trimmed), dict)
    both = with_sound(make_audio(0, 1), make_audio(48_000, 1))
    payload = RAW.split(trimmed)[3][1]
    both = RAW.edit(both, b"AUDO", lambda _: payload)
    assert ours(both) == reference_result(both) == ("bad-audio", both.rindex(b"AUDO"))


def test_sound_may_lie_anywhere() -> None:
    """Samples behind the first one of a group have no bound of their own."""
    late = with_sound(make_audio(0, 2), make_audio(2**53 - 1, 800, 1))
    verify(io.BytesIO(late))
    assert isinstance(reference_result(late), dict)


def test_the_reference_decoder_names_what_it_limits() -> None:
    assert (REFERENCE.MAX_FRAMES, REFERENCE.MAX_INDEX_ENTRIES) == (2**32 - 1, 2**20)


@pytest.mark.parametrize(
    "sentence",
    [
        "a wrong one is `bad-signature` in a file of\nfewer than 8 bytes, too",
        "`truncated`, however large the length already is",
        "`MoTN` and `MOTn` are not `MOTN` but unknown critical chunks",
        "no chunk stands between the two, an ancillary one neither",
        "a name or a `still` of 0 bytes is\n`bad-value`",
        "at the chunk for which there is no entry left",
        "at the MOTN whose last frame is one too many",
        "shows only when another one comes, which then is the chunk at fault",
        "Only the position of a group's first sample has a bound",
        "any of their errors may be reported, and all are right",
    ],
)
def test_the_sentences_stand(sentence: str) -> None:
    assert sentence in VQT_TEXT


def test_equal_pictures_are_no_demand() -> None:
    text = (SPEC / "conformance.md").read_text(encoding="utf-8")
    assert '"Equal" in the first row is equal to the reference pictures bit for bit' in text
