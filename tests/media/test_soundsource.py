"""The sound of a file alone, and its way to 16 kHz."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.dub import spoken, write_wav
from tests.support.pipeline import write_swaying
from vqcodec.errors import MediaError, UsageError
from vqcodec.media.sound.source import SoundSource, SpeechResampler


def all_of(source: object) -> NDArray[np.int16]:
    with SoundSource(source) as sound:  # type: ignore[arg-type]
        blocks = list(sound.blocks())
    ends = [0, *(block.first_sample + len(block.samples) for block in blocks)]
    assert [block.first_sample for block in blocks] == ends[:-1]
    return np.concatenate([block.samples for block in blocks])[:, 0]


@pytest.mark.parametrize(
    ("rate_hz", "channels"), [(8000, 1), (16000, 1), (22050, 2), (48000, 2), (96000, 1)]
)
def test_rates_and_channels(tmp_path: Path, rate_hz: int, channels: int) -> None:
    heard = all_of(write_wav(tmp_path / "a.wav", spoken(1.5, rate_hz), rate_hz, channels))
    assert abs(len(heard) - 72_000) <= 8
    wanted = spoken(1.5, 48000)[: len(heard)] * 32767
    if rate_hz >= 16000:
        assert np.abs(heard - wanted)[200:-200].max() < 0.03 * 32767


def test_a_video_gives_its_sound_from_its_own_beginning(tmp_path: Path) -> None:
    clip = write_swaying(tmp_path / "a.mp4", 25, sound=True)
    heard = all_of(clip)
    assert 48_000 <= len(heard) <= 49_024 and np.abs(heard[100:2000]).max() > 6000
    assert np.array_equal(all_of(io.BytesIO(clip.read_bytes())), heard)


def test_lengths(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", spoken(2.0))
    with SoundSource(path) as sound:
        assert sound.duration_s == 2 and sound.name == str(path)
    with pytest.raises(UsageError, match="longer than") as caught:
        SoundSource(path, limit_s=Fraction(3, 2))
    assert caught.value.hint


def test_an_undeclared_length_is_limited_too(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = bytearray(write_wav(tmp_path / "a.wav", spoken(2.0)).read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4  # as programs write that can't seek
    with pytest.raises(UsageError), SoundSource(Pipe(bytes(data)), limit_s=Fraction(3, 2)) as sound:
        list(sound.blocks())


def test_damage_in_the_middle(tmp_path: Path, sample_clip: Path) -> None:
    data = bytearray((sample_clip.parent / "speech.opus").read_bytes())
    whole = len(all_of(io.BytesIO(bytes(data))))
    for at in range(9000, 12000, 7):
        data[at] ^= 0x5A
    with SoundSource(io.BytesIO(bytes(data))) as sound:
        heard = sum(len(block.samples) for block in sound.blocks())
    assert whole * 0.5 < heard <= whole + 2880


@pytest.mark.parametrize("count", [1, 2, 3, 100, 1919, 1920, 48_001])
@pytest.mark.parametrize("piece", [40, 777, 50_000])
def test_sixteen_kilohertz_in_any_pieces(count: int, piece: int) -> None:
    samples = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(count) / 48000)).astype(np.int16)
    resampler = SpeechResampler()
    parts = [resampler.push(samples[i : i + piece, None]) for i in range(0, count, piece)]
    out = np.concatenate([*parts, resampler.flush()])
    assert len(out) == -(-count // 3) and out.dtype == np.float32
    wanted = 8000 / 32768 * np.sin(2 * np.pi * 440 * np.arange(len(out)) / 16000)
    assert count < 200 or np.abs(out - wanted)[20:-20].max() < 1e-3


def test_nothing_in_nothing_out() -> None:
    assert len(SpeechResampler().flush()) == 0


def test_what_has_no_sound(tmp_path: Path, sample_portrait: Path) -> None:
    with pytest.raises(MediaError, match="is a picture") as caught:
        SoundSource(sample_portrait)
    assert "portrait second" in caught.value.hint
    with pytest.raises(MediaError, match="has no sound"):
        SoundSource(write_swaying(tmp_path / "a.mp4", 5))
    with (
        pytest.raises(MediaError, match="holds no sound"),
        SoundSource(write_wav(tmp_path / "a.wav", np.zeros(0))) as sound,
    ):
        list(sound.blocks())
