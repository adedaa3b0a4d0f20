"""Sound on the picture's clock: sample 0 is at the first frame, blocks follow each other, nothing drifts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.media import HZ, clicks, lag, make_clip, times_at
from vqcodec.errors import UsageError
from vqcodec.media.items import AudioBlock, AudioPacket
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.sound.clock import ClockedSound
from vqcodec.media.sound.opus_bytes import silent_packet
from vqcodec.media.sound.opus_codec import AudioDecoder, packet_samples


def hear(path: object, **arguments: object) -> np.ndarray:
    """All samples (n, channels); the blocks must follow each other."""
    blocks: list[np.ndarray] = []
    with VideoSource(path, sound="decode", **arguments) as source:  # type: ignore[arg-type]
        assert source.has_audio and source.audio_head is None
        for item in source.items():
            if isinstance(item, AudioBlock):
                assert (
                    item.first_sample == sum(map(len, blocks))
                    and item.samples.dtype == np.int16
                    and len(item.samples)
                )
                blocks.append(item.samples)
    return np.concatenate(blocks)


def upsampled(sound: np.ndarray, rate: int) -> np.ndarray:
    at = np.arange(len(sound) * HZ // rate) * rate / HZ
    return np.interp(at, np.arange(len(sound)), sound[:, 0])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.avi"])
@pytest.mark.parametrize(("rate", "channels"), [(48000, 1), (44100, 2), (8000, 1)])
def test_sound_and_picture_begin_together(
    tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    sound = clicks(1.5, rate, channels=channels)
    avi = name == "a.avi"
    clip = make_clip(
        tmp_path / name,
        times_at(25, 37),
        sound=sound,
        sound_hz=rate,
        sound_codec="pcm_s16le" if avi else "aac",
        base=Fraction(1, 25) if avi else None,
        codec="mpeg4" if avi else "libx264",
    )
    got = hear(clip)
    assert got.shape[1] == 1
    # MPEG-TS doesn't say how much of AAC's beginning is priming, and Matroska's times are in milliseconds.
    tolerance = {"a.ts": 1024 * HZ // rate + 100, "a.mkv": 48}.get(name, 2)
    assert abs(lag(got[:, 0], upsampled(sound, rate))) <= tolerance
    assert (
        len(upsampled(sound, rate)) - 2
        <= len(got)
        <= len(upsampled(sound, rate)) + 4096 * HZ // rate
    )


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("offset", [Fraction(1, 2), Fraction(37, 100), Fraction(-3, 10)])
def test_an_offset_of_the_sound_is_kept(tmp_path: Path, name: str, offset: Fraction) -> None:
    start = Fraction(1)  # of the video in the file
    sound = clicks(1.5)
    clip = make_clip(
        tmp_path / name,
        [start + time for time in times_at(25, 40)],
        sound=sound,
        sound_start_s=start + offset,
    )
    got = hear(clip)[:, 0]
    # Sound that begins before the pictures begins at time zero, behind what a coder puts before it.
    shift, priming = max(0, round(offset * HZ)), 1024 if offset < 0 else 0
    late = lag(got, sound[:, 0]) - shift
    assert -48 <= late <= 48 + priming  # both tell it in milliseconds
    assert not got[: max(0, shift - 1100)].any()


def test_stereo_is_kept_or_mixed(tmp_path: Path) -> None:
    sound = clicks(0.6, channels=2)
    sound[:, 1] = 0
    clip = make_clip(tmp_path / "a.mkv", times_at(25, 15), sound=sound, sound_codec="pcm_s16le")
    stereo, mono = hear(clip, channels=2), hear(clip)
    assert np.array_equal(stereo, sound)
    assert np.abs(mono[:, 0] - sound[:, 0] / 2).max() <= 1


def test_holes_become_silence(tmp_path: Path) -> None:
    sound = clicks(2.0)
    clip = make_clip(
        tmp_path / "a.mkv",
        times_at(25, 50),
        sound=sound,
        sound_codec="pcm_s16le",
        holes=[(0.5, 0.8), (1.2, 1.25)],
    )
    got = hear(clip)[:, 0]
    assert abs(len(got) - len(sound)) <= 48
    changed = np.flatnonzero(got[: len(sound) - 48] != sound[: len(sound) - 48, 0])
    assert changed.size and changed.min() > 0.47 * HZ
    tail = slice(int(1.3 * HZ), int(1.95 * HZ))
    assert abs(lag(got[tail], sound[tail, 0])) <= 48
    middle = slice(int(0.85 * HZ), int(1.15 * HZ))
    assert abs(lag(got[middle], sound[middle, 0])) <= 48


def track(frames: list[tuple[np.ndarray, Fraction | None]], rate: int = HZ) -> np.ndarray:
    """What a ClockedSound makes of mono frames and their times."""
    sound = ClockedSound(1)
    blocks = []
    for samples, time_s in frames:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        blocks += list(sound.push(frame, time_s))
    blocks += list(sound.finish())
    assert [block.first_sample for block in blocks] == np.cumsum(
        [0, *(len(b.samples) for b in blocks[:-1])]
    ).tolist()
    return np.concatenate([block.samples for block in blocks])[:, 0]


@pytest.mark.parametrize("true_hz", [47900, 48100])
def test_a_clock_that_runs_off_is_followed(true_hz: int) -> None:
    # A sound card that gives true_hz samples in a second of the picture's clock, for a minute: 125 ms in the end.
    sound = np.zeros(60 * true_hz, np.int16)
    sound[::true_hz] = 20000  # a click each second of the picture's clock
    frames = [(sound[at : at + 960], Fraction(at, true_hz)) for at in range(0, len(sound), 960)]
    got = track(frames)
    late = [
        int(np.abs(got[second * HZ - 4000 : second * HZ + 4000]).argmax()) - 4000
        for second in range(1, 60)
    ]
    assert max(map(abs, late)) < 0.013 * HZ
    assert abs(len(got) - 60 * HZ) < 0.02 * HZ


def test_jitter_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    sound = clicks(3.0)[:, 0]
    frames = [
        (sound[at : at + 960], Fraction(at, HZ) + Fraction(int(rng.integers(-8, 9)), 1000))
        for at in range(0, len(sound), 960)
    ]
    frames[0] = (frames[0][0], Fraction(0))
    assert np.array_equal(track(frames), sound)


def test_unknown_times_and_restarted_clocks_continue() -> None:
    sound = clicks(1.0)[:, 0]
    half = len(sound) // 2
    assert np.array_equal(track([(sound[:half], Fraction(0)), (sound[half:], None)]), sound)
    assert np.array_equal(
        track([(sound[:half], Fraction(0)), (sound[half:], Fraction(10**9))]), sound
    )
    assert np.array_equal(
        track([(sound[:half], Fraction(9)), (sound[half:], Fraction(-100))])[9 * HZ :], sound
    )


def test_sound_before_time_zero_is_cut_to_the_sample() -> None:
    sound = clicks(1.0)[:, 0]
    assert np.array_equal(track([(sound, Fraction(-12345, HZ))]), sound[12345:])
    assert np.array_equal(
        track([(sound, Fraction(777, HZ))]), np.concatenate([np.zeros(777, np.int16), sound])
    )


@pytest.mark.parametrize(
    "offset", [Fraction(0), Fraction(1, 2), Fraction(337, 1000), Fraction(-1, 5), Fraction(-1, 50)]
)
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_copied_opus_is_aligned_without_decoding(
    tmp_path: Path, name: str, offset: Fraction
) -> None:
    sound = clicks(1.5)
    clip = make_clip(
        tmp_path / name,
        [Fraction(1) + time for time in times_at(25, 40)],
        sound=sound,
        sound_codec="libopus",
        sound_start_s=1 + offset,
    )
    with VideoSource(clip, sound="copy") as source:
        assert source.audio_head is not None and source.audio_head.channels == 1
        packets = [item for item in source.items() if isinstance(item, AudioPacket)]
        trim = source.copy_end_trim_samples
        got = AudioDecoder(source.audio_head).decode([packet.data for packet in packets], trim)[
            :, 0
        ]
    assert [packet.first_sample for packet in packets] == np.cumsum(
        [0, *(packet.samples for packet in packets[:-1])]
    ).tolist()
    tolerance = 50  # a late start is told in milliseconds by both
    # less than 50 ms before the pictures is trimmed, more is kept
    kept = offset < -Fraction(1, 20)
    shift = 0 if kept else round(offset * HZ)
    late = lag(got, sound[max(0, -shift) :, 0]) - max(0, shift)
    assert -tolerance <= late <= tolerance + 312 * kept  # Opus' own delay is heard in an MP4
    assert abs(len(got) - (len(sound) + shift)) <= 960 + tolerance


def test_holes_in_copied_opus(tmp_path: Path) -> None:
    sound = clicks(2.0)
    clip = make_clip(
        tmp_path / "a.mkv", times_at(25, 50), sound=sound, sound_codec="libopus", holes=[(0.5, 0.9)]
    )
    with VideoSource(clip, sound="copy") as source:
        packets = [item.data for item in source.items() if isinstance(item, AudioPacket)]
        assert source.audio_head is not None
        got = AudioDecoder(source.audio_head).decode(packets)[:, 0]
    tail = slice(int(1.1 * HZ), int(1.95 * HZ))
    assert abs(lag(got[tail], sound[tail, 0])) <= 480


def test_only_opus_is_copied(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 5), sound=clicks(0.2))
    with pytest.raises(UsageError) as caught:
        VideoSource(clip, sound="copy")
    assert "aac" in str(caught.value) and "12k" in caught.value.hint


def test_files_without_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", times_at(25, 5))
    for sound in ("none", "decode", "copy"):
        with VideoSource(clip, sound=sound) as source:  # type: ignore[arg-type]
            assert not source.has_audio and source.audio_head is None
            assert len(list(source.items())) == 5


@pytest.mark.parametrize(
    "packet", [b"\x08abc", b"\x09abcd", b"\x0aabcd", b"\x0b\x03abc", b"\xfc", b"\xff\x82\x01a"]
)
def test_silent_packets_are_as_long(packet: bytes) -> None:
    assert packet_samples(silent_packet(packet)) == packet_samples(packet)


@pytest.mark.parametrize("shift", [0, 17, -40])
def test_lag_finds_the_shift(shift: int) -> None:
    sound = clicks(1.0)[:, 0]
    assert lag(np.roll(sound, shift), sound) == shift
