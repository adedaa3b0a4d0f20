"""CosyVoice's speech tokens in place of ours, for those who have its weights (package s3tokenizer; neither is needed otherwise).

`S3Tokens` gives what `vqcodec.speech.tokenizer.SpeechTokens` asks for: one token per 40 ms. CosyVoice 2's tokenizer has that
rate; the first CosyVoice's has 50 Hz, of which every other token is taken, where the paper has a downsampling layer to the
frame rate ("Model Configuration"). Its tokens mean something else than ours: a generator has to be trained on them (`codes`
tells how many there are).
Nothing is downloaded: the weights are read from a file that is already there.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.config import Device
from vqcodec.errors import ModelError, UsageError
from vqcodec.format import SPEECH_TOKEN_SAMPLES
from vqcodec.runtime.device import choose_device

PACKAGE = "s3tokenizer"
CODEBOOK_SIZES = {
    "speech_tokenizer_v2_25hz": 6561,
    "speech_tokenizer_v1_25hz": 4096,
    "speech_tokenizer_v1": 4096,
}
"""Known tokenizers and how many codes each has; a weights file is called NAME.onnx."""
WINDOW_TOKENS, CONTEXT_TOKENS = 700, 50
"""It hears at most 30 s: 28 s at once, of which 2 s on either side are context where there is more sound."""

Samples = NDArray[np.float32]


class S3Tokens:
    """A tokenizer of CosyVoice's.

    Attributes:
        codes: how many different tokens there are: 6561 or 4096.
    """

    def __init__(self, package: Any, network: Any, codes: int, device: torch.device) -> None:
        self.codes = codes
        self._package, self._network, self._device = package, network, device

    @classmethod
    def load(cls, weights: str | os.PathLike[str], device: Device = "auto") -> S3Tokens:
        """The tokenizer in an ONNX file that CosyVoice's authors published.

        Args:
            weights: a file with one of the names in `CODEBOOK_SIZES`, ".onnx" at its end.
            device: where it runs.

        Raises:
            UsageError: the file's name is none of these, so its codes aren't known.
            ModelError: the package or the file is missing, or the file holds something else.
        """
        path = Path(weights)
        if path.suffix != ".onnx" or path.stem not in CODEBOOK_SIZES:
            names = ", ".join(f"{name}.onnx" for name in CODEBOOK_SIZES)
            raise UsageError(
                f"{path.name} is no known name of CosyVoice's speech tokenizer",
                hint=f"Call the file {names}.",
            )
        if not path.is_file():
            raise ModelError(
                f"no weights of CosyVoice's speech tokenizer at {path}",
                hint="Get them where CosyVoice is published.",
            )
        try:
            package = importlib.import_module(PACKAGE)
        except ImportError as error:
            raise ModelError(
                f"CosyVoice's tokens need the package {PACKAGE}", hint=f"pip install {PACKAGE}"
            ) from error
        chosen = choose_device(device)
        try:
            # an existing file's path, never a name: a name would be downloaded
            network = package.load_model(str(path)).to(chosen).eval()
        except (
            Exception
        ) as error:  # the ONNX reader, torch and the package each have errors of their own
            raise ModelError(
                f"{path} can't be read as CosyVoice's speech tokenizer: {error}",
                hint="Check that the download is whole and that its name tells its version.",
            ) from error
        return cls(package, network, CODEBOOK_SIZES[path.stem], chosen)

    def tokens(self, samples: Samples) -> NDArray[np.int64]:
        """Tokens of a whole sound.

        Unlike our own tokenizer's they can't be had bit by bit: its log-mel is scaled by the loudest moment of 28 s.

        Args:
            samples: (N,) float32, 16 kHz mono, -1..1.

        Returns:
            (ceil(N / 640),) int64 in 0..codes - 1.

        Raises:
            UsageError: a wrong shape, or samples that aren't finite.
            ModelError: the network gave another number of tokens, or other tokens, than it should.
        """
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise UsageError(
                f"speech must be (N,) finite samples, not {samples.shape}",
                hint="Mix it to mono at 16 kHz.",
            )
        wanted = -(-len(samples) // SPEECH_TOKEN_SAMPLES)
        padded = np.zeros(wanted * SPEECH_TOKEN_SAMPLES, np.float32)
        padded[: len(samples)] = samples
        out = np.empty(wanted, np.int64)
        step = WINDOW_TOKENS - 2 * CONTEXT_TOKENS
        for start in range(0, wanted, step):
            first, end = max(start - CONTEXT_TOKENS, 0), min(start + step, wanted)
            last = min(first + WINDOW_TOKENS, wanted)
            heard = self._window(padded[first * SPEECH_TOKEN_SAMPLES : last * SPEECH_TOKEN_SAMPLES])
            out[start:end] = heard[start - first : end - first]
        return out

    @torch.inference_mode()
    def _window(self, samples: Samples) -> NDArray[np.int64]:
        """(640 n,) -> (n,) tokens of one window."""
        count = len(samples) // SPEECH_TOKEN_SAMPLES
        mels, lengths = self._package.padding(
            [self._package.log_mel_spectrogram(torch.from_numpy(samples))]
        )
        found, sizes = self._network.quantize(mels.to(self._device), lengths.to(self._device))
        tokens = found[0, : int(sizes[0])].cpu().numpy().astype(np.int64)
        if len(tokens) == 2 * count:
            tokens = tokens[::2]
        if len(tokens) != count or (count and not 0 <= tokens.min() <= tokens.max() < self.codes):
            raise ModelError(
                f"CosyVoice's speech tokenizer gave {len(tokens)} tokens for {count}, of {self.codes} codes",
                hint=f"Install a current {PACKAGE} and check the weights' name.",
            )
        return tokens
