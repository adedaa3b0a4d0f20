"""Opus coding: every sample comes back, at its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.media import HZ, clicks, lag
from vqcodec.errors import BitstreamError, UnsupportedError, UsageError
from vqcodec.media.sound.opus_bytes import opus_head
from vqcodec.media.sound.opus_codec import AudioDecoder, AudioEncoder, packet_samples
from vqcodec.types import AudioHead


def coded(
    sound: np.ndarray, bitrate: int = 24000, frame_ms: int = 60, sizes: tuple[int, ...] = (960,)
) -> tuple[AudioEncoder, list[bytes]]:
    """Feed the sound in blocks of the sizes given, in turns."""
    encoder = AudioEncoder(bitrate, channels=sound.shape[1], frame_ms=frame_ms)
    packets, at, turn = [], 0, 0
    while at < len(sound):
        packets += encoder.encode(sound[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return encoder, packets + encoder.flush()


@pytest.mark.parametrize(
    ("bitrate", "channels", "frame_ms"),
    [(12000, 1, 60), (6000, 1, 60), (64000, 1, 20), (32000, 2, 40), (24000, 1, 10)],
)
def test_sound_comes_back_in_place(bitrate: int, channels: int, frame_ms: int) -> None:
    sound = clicks(2.0, channels=channels)
    encoder, packets = coded(sound, bitrate, frame_ms, (1000, 37, 5000))
    got = AudioDecoder(encoder.head).decode(packets, encoder.end_trim_samples)
    assert got.shape == sound.shape and got.dtype == np.int16
    assert (
        abs(lag(got[:, 0], sound[:, 0])) <= 3
    )  # Opus's own resamplers are known to a fraction of a sample at 8-16 kHz
    assert sum(map(len, packets)) * 8 / 2 < bitrate * 1.3
    assert (
        {packet_samples(packet) for packet in packets}
        == {encoder.packet_samples}
        == {HZ * frame_ms // 1000}
    )
    assert opus_head(encoder.head.extradata) == (channels, encoder.head.pre_skip_samples)


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(0, 9000),
    frame_ms=st.sampled_from([10, 20, 40, 60]),
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=4),
)
def test_as_many_samples_as_went_in(count: int, frame_ms: int, sizes: list[int]) -> None:
    encoder, packets = coded(np.zeros((count, 1), np.int16), 12000, frame_ms, tuple(sizes))
    got = AudioDecoder(encoder.head).decode(packets, encoder.end_trim_samples)
    assert got.shape == (count, 1)
    assert 0 <= encoder.end_trim_samples < encoder.packet_samples
    assert bool(packets) == bool(count)
    assert len(packets) * encoder.packet_samples == (
        count and encoder.head.pre_skip_samples + count + encoder.end_trim_samples
    )


def test_blocks_do_not_matter() -> None:
    sound = clicks(1.0)
    assert (
        coded(sound, sizes=(100000,))[1]
        == coded(sound, sizes=(311, 7))[1]
        == coded(sound, sizes=(2880,))[1]
    )


def test_decoding_in_pieces_and_from_the_middle() -> None:
    sound = clicks(2.0)
    encoder, packets = coded(sound)
    whole = AudioDecoder(encoder.head).decode(packets, encoder.end_trim_samples)
    decoder = AudioDecoder(encoder.head)
    parts = [
        decoder.decode(packets[:3]),
        decoder.decode([]),
        decoder.decode(packets[3:], encoder.end_trim_samples),
    ]
    assert np.array_equal(np.concatenate(parts), whole) and decoder.position == len(whole)
    late = AudioDecoder(encoder.head, first_sample=10 * encoder.packet_samples)
    begin = late.position
    assert begin == 10 * encoder.packet_samples - encoder.head.pre_skip_samples
    tail = late.decode(packets[10:], encoder.end_trim_samples)
    assert begin + len(tail) == len(whole)
    settled = HZ * 80 // 1000
    assert lag(tail[settled:, 0], whole[begin + settled :, 0]) == 0


def test_bad_packets_and_arguments() -> None:
    head = AudioEncoder(12000).head
    for packet in (b"", b"\xff", b"\xff\x3f", b"\x03"):
        with pytest.raises(BitstreamError) as caught:
            AudioDecoder(head).decode([packet])
        assert caught.value.code == "bad-audio"
    for data in (b"", b"OpusHead", b"OpusHead\x01\x06" + bytes(9), b"OpusHead\x10\x01" + bytes(9)):
        with pytest.raises(BitstreamError):
            opus_head(data)
    with pytest.raises(UnsupportedError):
        AudioDecoder(AudioHead(44100, 1, 0))
    with pytest.raises(UnsupportedError):
        AudioDecoder(AudioHead(48000, 6, 0))
    for arguments in (
        {"bitrate_bps": 5000},
        {"bitrate_bps": 600000},
        {"bitrate_bps": 12000, "channels": 3},
        {"bitrate_bps": 12000, "frame_ms": 25},
    ):
        with pytest.raises(UsageError):
            AudioEncoder(**arguments)
    encoder = AudioEncoder(12000)
    with pytest.raises(UsageError):
        encoder.encode(np.zeros(10, np.float32))  # type: ignore[arg-type]
    encoder.flush()
    with pytest.raises(UsageError):
        encoder.encode(np.zeros(10, np.int16))


def test_random_packets_never_crash() -> None:
    rng = np.random.default_rng(6)
    decoder = AudioDecoder(AudioEncoder(12000).head)
    for _ in range(200):
        try:
            decoder.decode([rng.bytes(int(rng.integers(1, 80)))])
        except BitstreamError:
            continue
