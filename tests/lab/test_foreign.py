"""CosyVoice's tokenizer stands in for ours: against a stub of the same shape."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from vqcodec.errors import ModelError, UsageError
from vqcodec.lab.speech.foreign import CODEBOOK_SIZES, CONTEXT_TOKENS, WINDOW_TOKENS, S3Tokens
from vqcodec.speech.tokenizer import SpeechTokens

NAME = "speech_tokenizer_v2_25hz"


class StubNetwork:
    """Tokens from the mean of their frames' first band, at 25 or 50 Hz."""

    def __init__(self, frames_per_token: int, codes: int) -> None:
        self.frames_per_token, self.codes = frames_per_token, codes
        self.lengths: list[int] = []

    def to(self, device: torch.device) -> StubNetwork:
        return self

    def eval(self) -> StubNetwork:
        return self

    def quantize(
        self, mel: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        assert mel.shape[:2] == (1, 128) and mel.shape[2] == int(lengths[0])
        self.lengths.append(mel.shape[2])
        k = self.frames_per_token
        means = mel[:, 0, : mel.shape[2] // k * k].reshape(1, -1, k).mean(-1)
        return (means * 1000).round().int() % self.codes, lengths // k


def stub_package(network: StubNetwork) -> ModuleType:
    """The four functions of s3tokenizer that are used; its log-mel's band 0 is the samples' mean of 10 ms."""
    package: Any = ModuleType("s3tokenizer")

    def log_mel_spectrogram(audio: torch.Tensor) -> torch.Tensor:
        return audio.reshape(-1, 160).mean(-1).expand(128, -1)

    def padding(mels: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.stack(mels), torch.tensor([mel.shape[1] for mel in mels], dtype=torch.int32)

    def load_model(name: str) -> StubNetwork:
        assert Path(name).is_file(), "a name would be downloaded"
        if not Path(name).read_bytes():
            raise RuntimeError("empty protobuf")
        return network

    package.log_mel_spectrogram, package.padding, package.load_model = (
        log_mel_spectrogram,
        padding,
        load_model,
    )
    return package


def loaded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str = NAME,
    frames_per_token: int = 4,
    codes: int | None = None,
) -> tuple[S3Tokens, StubNetwork]:
    network = StubNetwork(frames_per_token, CODEBOOK_SIZES[name] if codes is None else codes)
    monkeypatch.setitem(sys.modules, "s3tokenizer", stub_package(network))
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(b"weights")
    return S3Tokens.load(path, "cpu"), network


def steps(tokens: int) -> np.ndarray:
    """Sound whose token t is t % 1000."""
    return np.repeat(np.arange(tokens) % 1000 / 1000, 640).astype(np.float32)


@pytest.mark.parametrize(("name", "codes"), CODEBOOK_SIZES.items())
def test_it_gives_a_token_for_each_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, codes: int
) -> None:
    tokenizer: SpeechTokens
    tokenizer, _ = loaded(tmp_path, monkeypatch, name, 2 if name == "speech_tokenizer_v1" else 4)
    assert tokenizer.codes == codes
    tokens = tokenizer.tokens(steps(30))
    assert tokens.dtype == np.int64
    np.testing.assert_array_equal(tokens, np.arange(30))


@pytest.mark.parametrize("count", [0, 1, 639, 640, 641, 16000])
def test_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    tokenizer, _ = loaded(tmp_path, monkeypatch)
    assert tokenizer.tokens(np.zeros(count, np.float32)).shape == (-(-count // 640),)


@pytest.mark.parametrize("frames_per_token", [2, 4])
def test_long_sound_goes_in_windows_with_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames_per_token: int
) -> None:
    tokenizer, network = loaded(tmp_path, monkeypatch, frames_per_token=frames_per_token)
    count = 3 * WINDOW_TOKENS + 17
    np.testing.assert_array_equal(tokenizer.tokens(steps(count)), np.arange(count) % 1000)
    assert len(network.lengths) > 3 and max(network.lengths) <= 4 * WINDOW_TOKENS <= 3000
    assert network.lengths[1] == 4 * WINDOW_TOKENS > 4 * 2 * CONTEXT_TOKENS


def test_wrong_samples_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, _ = loaded(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="finite"):
        tokenizer.tokens(np.zeros((10, 2), np.float32))
    with pytest.raises(UsageError, match="finite"):
        tokenizer.tokens(np.full(10, np.nan, np.float32))


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"{NAME}.onnx"
    with pytest.raises(ModelError, match="no weights"):
        S3Tokens.load(path)
    path.write_bytes(b"weights")
    monkeypatch.setitem(sys.modules, "s3tokenizer", None)
    with pytest.raises(ModelError, match="package") as caught:
        S3Tokens.load(path)
    assert "pip install s3tokenizer" in caught.value.hint
    with pytest.raises(UsageError, match="no known name"):
        S3Tokens.load(tmp_path / "other.onnx")
    assert "s3tokenizer" not in {name for name, module in sys.modules.items() if module is not None}


def test_weights_of_another_kind_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer, _ = loaded(tmp_path, monkeypatch, frames_per_token=8)
    with pytest.raises(ModelError, match="gave"):
        tokenizer.tokens(steps(40))
    (tmp_path / f"{NAME}.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match="empty protobuf"):
        S3Tokens.load(tmp_path / f"{NAME}.onnx", "cpu")
