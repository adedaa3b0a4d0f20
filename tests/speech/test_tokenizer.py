"""Speech tokens: the spectrogram, the windows, and that a stream and a file get the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqcodec.errors import ModelError, UsageError
from vqcodec.speech import mel
from vqcodec.speech.encoder import TOKEN_CODES, EncoderShape, SpeechEncoder, TokenHead
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.types import ModelId

TINY = EncoderShape(width=16, layers=1, heads=2, trunk_layers=1, trunk_width=16, trunk_heads=2)


def tiny_tokenizer(seed: int = 0) -> SpeechTokenizer:
    torch.manual_seed(seed)
    encoder = SpeechEncoder(TINY)
    with torch.no_grad():
        for part in (encoder.trunk.first, encoder.trunk.halve):  # many different codes
            part.weight.mul_(4)
        encoder.head.narrow.weight.mul_(2)
        encoder.head.narrow.bias.zero_()
    return SpeechTokenizer(ModelId("tiny", bytes(32)), encoder, torch.device("cpu"))


def noise(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(count) * np.abs(np.sin(np.arange(count) / 3000)) * 0.2).astype(
        np.float32
    )


def test_a_tone_lies_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    spectrum = mel.log_mel(tone)
    assert spectrum.shape == (100, mel.BANDS)
    centre = mel.mel_to_hertz(
        np.linspace(0, float(mel.hertz_to_mel(np.array(8000.0))), mel.BANDS + 2)
    )[1:-1]
    assert abs(centre[spectrum[50].argmax()] - 1000) < 50
    assert np.allclose(mel.log_mel(np.zeros(640, np.float32)), np.log10(mel.FLOOR))


def test_mel_scale_there_and_back() -> None:
    hertz = np.array([0.0, 100, 999, 1000, 1001, 4000, 8000])
    assert np.allclose(mel.mel_to_hertz(mel.hertz_to_mel(hertz)), hertz)


def test_a_click_is_in_the_frame_whose_time_it_is() -> None:
    click = np.zeros(16000, np.float32)
    click[160 * 37 + 80] = 1
    assert mel.log_mel(click).sum(1).argmax() == 37


@pytest.mark.parametrize("count", [0, 1, 639, 640, 641, 32000, 64001, 100000])
def test_a_token_for_every_begun_40_ms(count: int) -> None:
    tokens = tiny_tokenizer().tokens(noise(count))
    assert tokens.shape == (-(-count // 640),) and tokens.dtype == np.int64
    assert ((tokens >= 0) & (tokens < TOKEN_CODES)).all()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 40000), min_size=1, max_size=6), st.integers(0, 5))
def test_stream_and_file_are_equal(sizes: list[int], seed: int) -> None:
    tokenizer = tiny_tokenizer()
    samples = noise(sum(sizes), seed)
    stream, pieces, at = tokenizer.stream(), [], 0
    for size in sizes:
        pieces.append(stream.push(samples[at : at + size]))
        at += size
    pieces.append(stream.flush())
    assert np.array_equal(np.concatenate(pieces), tokenizer.tokens(samples))


def test_tokens_depend_on_the_sound_near_them_only() -> None:
    tokenizer = tiny_tokenizer()
    first = noise(16000 * 12)
    other = first.copy()
    other[16000 * 9 :] = noise(16000 * 3, 9)
    a, b = tokenizer.tokens(first), tokenizer.tokens(other)
    assert len(set(a.tolist())) > 8
    assert np.array_equal(a[: 25 * 9 - 100], b[: 25 * 9 - 100]) and not np.array_equal(
        a[225:], b[225:]
    )


def test_a_stream_gives_tokens_within_three_seconds() -> None:
    stream = tiny_tokenizer().stream()
    assert len(stream.push(noise(16000 * 3 + 640))) == 50


def test_bad_sound_and_a_closed_stream() -> None:
    tokenizer = tiny_tokenizer()
    with pytest.raises(UsageError, match="finite samples"):
        tokenizer.tokens(np.zeros((10, 2), np.float32))
    with pytest.raises(UsageError):
        tokenizer.tokens(np.full(640, np.nan, np.float32))
    stream = tokenizer.stream()
    stream.flush()
    with pytest.raises(UsageError, match="flushed"):
        stream.push(noise(10))


def test_straight_through_rounding_and_codes() -> None:
    bounded = torch.tensor([[-2.4, -0.6, 0.2, 1.4, 2.39]], requires_grad=True)
    levels = TokenHead.quantized(bounded)
    levels.sum().backward()
    assert levels.tolist() == [[-2.0, -1.0, 0.0, 1.0, 2.0]] and torch.equal(
        bounded.grad, torch.ones(1, 5)
    )
    assert TokenHead.codes(bounded).tolist() == [0 + 1 * 5 + 2 * 25 + 3 * 125 + 4 * 625]


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not a speech tokenizer"):
        SpeechTokenizer.load(path)


@pytest.fixture(scope="module")
def shipped() -> SpeechTokenizer:
    return SpeechTokenizer.load(device="cpu")


def test_the_shipped_one_is_small(shipped: SpeechTokenizer) -> None:
    assert (
        sum(p.numel() for p in shipped._encoder.parameters()) <= 12_500_000
        and shipped.codes == 3125
    )


def test_the_shipped_one_streams_as_it_reads_files(shipped: SpeechTokenizer) -> None:
    samples = noise(16000 * 7 + 123)
    stream = shipped.stream()
    pieces = [stream.push(part) for part in np.array_split(samples, 17)]
    assert np.array_equal(np.concatenate([*pieces, stream.flush()]), shipped.tokens(samples))


def test_silence_is_one_or_few_tokens(shipped: SpeechTokenizer) -> None:
    tokens = shipped.tokens(np.zeros(16000 * 10, np.float32))
    # Whisper's layers are told their place in the window: silence isn't the same everywhere, but always near
    assert len(set(tokens.tolist())) <= 8
