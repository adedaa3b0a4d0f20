"""Speech tokens: 16 kHz mono sound to one of 3125 codes every 40 ms, the same whether it comes at once or bit by bit.

The network always sees the same windows, whatever the sizes of the pieces the sound comes in:

    tokens   ... | 25 before | 50 of this window | 25 after | ...
                   context      codes are kept     context

so a stream's code is final 3 s after its sound at the latest, memory is flat, and codes of streaming and whole files are equal by
construction. Before the beginning and after the end is silence.
"""

from __future__ import annotations

import json
import os
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file

from vqcodec.config import Device
from vqcodec.errors import UsageError
from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_HZ, SPEECH_TOKEN_SAMPLES
from vqcodec.geometry.reading import model_faults
from vqcodec.models import store
from vqcodec.runtime.device import choose_device
from vqcodec.speech.encoder import TOKEN_CODES, EncoderShape, SpeechEncoder, TokenHead
from vqcodec.speech.mel import FRAMES_PER_TOKEN, LEAD_SAMPLES, TAIL_SAMPLES, framed_log_mel
from vqcodec.speech.trunk import Trunk
from vqcodec.types import ModelId

CONTEXT_TOKENS = 25
KEPT_TOKENS = 50
WINDOW_TOKENS = KEPT_TOKENS + 2 * CONTEXT_TOKENS

Samples = NDArray[np.float32]
Codes = NDArray[np.int64]


class SpeechTokens(Protocol):
    """What gives speech tokens: this module's SpeechTokenizer, or another's (vqcodec.lab.speech.foreign)."""

    @property
    def codes(self) -> int:
        """How many different tokens there are."""
        ...

    def tokens(self, samples: Samples) -> Codes:
        """(N,) float32, 16 kHz mono -> (ceil(N / 640),) int64."""
        ...


class SpeechTokenizer:
    """The shipped speech tokenizer.

    Attributes:
        id: name and sha256 of the weights: what a token means.
        codes: 3125.
    """

    codes = TOKEN_CODES

    def __init__(self, identity: ModelId, encoder: SpeechEncoder, device: torch.device) -> None:
        self.id = identity
        self._encoder, self._device = encoder.eval().to(device), device

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, device: Device = "auto"
    ) -> SpeechTokenizer:
        """The shipped tokenizer, or the one in a file; always in float32.

        Raises:
            ModelError: the file is missing, has the wrong hash or isn't a speech tokenizer.
        """
        model = store.current("speech_tokenizer") if path is None else store.opened(path)
        with model_faults(model.path, "a speech tokenizer"):
            with safe_open(str(model.path), "pt") as handle:
                facts = json.loads((handle.metadata() or {})["encoder"])
            encoder = SpeechEncoder(EncoderShape(**facts))
            encoder.load_state_dict({k: v.float() for k, v in load_file(str(model.path)).items()})
        return cls(model.id, encoder, choose_device(device))

    @property
    def trunk(self) -> Trunk:
        """What it hears with; for training."""
        return self._encoder.trunk

    def stream(self) -> TokenStream:
        """For sound that comes in pieces."""
        return TokenStream(self)

    def tokens(self, samples: Samples) -> Codes:
        """Tokens of a whole sound.

        Args:
            samples: (N,) float32, 16 kHz mono, -1..1.

        Returns:
            (ceil(N / 640),) int64 in 0..3124.

        Raises:
            UsageError: a wrong shape, or samples that aren't finite.
        """
        stream = self.stream()
        return np.concatenate([stream.push(samples), stream.flush()])

    @torch.inference_mode()
    def windows(self, mel: NDArray[np.float32]) -> Codes:
        """(W, 400, 80) log-mel of whole windows -> (W, 50) codes of their middles."""
        # one window at a time: a batch would choose other kernels, and an equal sound must get equal codes
        rows = [
            TokenHead.codes(self._encoder(torch.from_numpy(one[None]).to(self._device)))
            for one in mel
        ]
        middle: Codes = (
            torch.cat(rows).cpu().numpy()[:, CONTEXT_TOKENS : CONTEXT_TOKENS + KEPT_TOKENS]
        )
        return middle


class TokenStream:
    """Sound in, tokens out, as soon as their context is there."""

    def __init__(self, tokenizer: SpeechTokenizer) -> None:
        self._tokenizer = tokenizer
        # what the next window sees, from its first sample on
        self._samples = np.zeros(LEAD_SAMPLES + CONTEXT_TOKENS * SPEECH_TOKEN_SAMPLES, np.float32)
        self._heard = self._given = 0
        self._closed = False

    def push(self, samples: Samples) -> Codes:
        """Add (N,) samples; returns the tokens that are final now, (n,) int64.

        Raises:
            UsageError: a wrong shape, samples that aren't finite, or the stream was flushed.
        """
        if self._closed:
            raise UsageError(
                "this stream of tokens was flushed", hint="Begin another one for another sound."
            )
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise UsageError(
                f"speech must be (N,) finite samples, not {samples.shape}",
                hint="Mix it to mono at 16 kHz.",
            )
        self._heard += len(samples)
        self._samples = np.concatenate([self._samples, samples.astype(np.float32, copy=False)])
        return self._ready()

    def flush(self) -> Codes:
        """The tokens that still waited for what comes after them; the stream ends."""
        self._closed = True
        wanted = -(-self._heard // SPEECH_TOKEN_SAMPLES) - self._given
        missing = (
            -(-wanted // KEPT_TOKENS) * KEPT_TOKENS * SPEECH_TOKEN_SAMPLES
            + _SPAN
            - KEPT_TOKENS * SPEECH_TOKEN_SAMPLES
        )
        if wanted > 0 and missing > len(self._samples):
            self._samples = np.concatenate(
                [self._samples, np.zeros(missing - len(self._samples), np.float32)]
            )
        return self._ready()[: max(wanted, 0)]

    def _ready(self) -> Codes:
        step = KEPT_TOKENS * SPEECH_TOKEN_SAMPLES
        out = [np.zeros(0, np.int64)]
        start = 0
        while len(self._samples) - start >= _SPAN:
            mel = framed_log_mel(
                self._samples[start : start + _SPAN], WINDOW_TOKENS * FRAMES_PER_TOKEN
            )
            out.append(self._tokenizer.windows(mel[None])[0])
            start += step
        self._samples = self._samples[start:]
        result = np.concatenate(out)
        self._given += len(result)
        return result


_SPAN = LEAD_SAMPLES + WINDOW_TOKENS * SPEECH_TOKEN_SAMPLES + TAIL_SAMPLES
assert SPEECH_RATE_HZ == SPEECH_TOKEN_HZ * SPEECH_TOKEN_SAMPLES
