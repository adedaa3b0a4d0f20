"""Lips that meet: which speech tokens ask for a shut mouth, as p, b and m do, or for teeth on the lower lip, as f and v do.

    (T,) codes --digits, each one-hot--> (T, 25) --layer--> (T, width) --convolutions in time--> (T, 2) logits of SOUNDS

The generator tells where lips most likely are, which is an average over everything that sounds alike: at a p that it half
hears they come half together. A viewer forgives a p too many sooner than one that stays open; so where this network is sure
enough, lips shut whatever was made (gesture.finish). What teaches it is vqcodec.training.closure.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from vqcodec.errors import ModelError
from vqcodec.geometry.reading import model_faults
from vqcodec.models import store
from vqcodec.speech.encoder import TOKEN_CODES, TOKEN_DIMS, TOKEN_LEVELS
from vqcodec.types import ModelId

SOUNDS = ("meeting", "teeth")
CLOSINGS = (1.0, 0.5)
"""How far lips come together for each; filmed ones at f and v are half as far apart as on average."""
_SHOULDER = 0.45
"""Of that, a frame (40 ms) before and a frame after."""
_PIECE = 4096

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClosureShape:
    """Size of the network: `layers` convolutions of `reach` frames, of so many channels."""

    width: int = 96
    layers: int = 4
    reach: int = 5

    def to_facts(self) -> dict[str, int]:
        """For a file's header."""
        return asdict(self)


class ClosureNetwork(nn.Module):
    """See the module.

    Args:
        shape: its size.
        dropout: while it is trained.
    """

    def __init__(self, shape: ClosureShape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.first = nn.Linear(TOKEN_DIMS * TOKEN_LEVELS + 1, shape.width)
        self.near = nn.ModuleList(
            nn.Conv1d(shape.width, shape.width, shape.reach, padding=shape.reach // 2)
            for _ in range(shape.layers)
        )
        self.last = nn.Linear(shape.width, len(SOUNDS))
        self.drop = nn.Dropout(dropout)

    def forward(self, codes: Tensor) -> Tensor:
        """(B, T) int64 codes, -1 where there is no sound -> (B, T, 2) logits of SOUNDS."""
        places = TOKEN_LEVELS ** torch.arange(TOKEN_DIMS, device=codes.device)
        digits = codes.clamp(min=0)[..., None] // places % TOKEN_LEVELS
        known = (codes >= 0)[..., None].float()
        split = functional.one_hot(digits, TOKEN_LEVELS).flatten(-2).float() * known
        x = functional.gelu(self.first(torch.cat([split, known], -1))).transpose(1, 2)
        for near in self.near:
            x = x + functional.gelu(near(self.drop(x)))
        logits: Tensor = self.last(x.transpose(1, 2))
        return logits


def closing(odds: Floats, sure: Sequence[float]) -> Floats:
    """How far lips are on their way to each other.

    Args:
        odds: (T, 2) of SOUNDS, 0..1, 25 a second.
        sure: of each, from where on lips follow it.

    Returns:
        (T,) float32: CLOSINGS where a sound is, `_SHOULDER` of that beside it, 0 elsewhere.
    """
    told = (odds >= np.asarray(sure, np.float32)) * np.asarray(CLOSINGS, np.float32)
    here = told.max(1)
    beside = np.pad(here, 1)
    return np.asarray(np.maximum(here, _SHOULDER * np.maximum(beside[:-2], beside[2:])), np.float32)


class LipClosure:
    """The shipped network.

    Attributes:
        id: name and sha256 of the weights.
        speech_tokenizer: whose tokens it understands.

    Args:
        identity, speech_tokenizer: see above.
        network: the network.
        sure: as of `closing`.
    """

    def __init__(
        self,
        identity: ModelId,
        network: ClosureNetwork,
        speech_tokenizer: ModelId,
        sure: Sequence[float],
    ) -> None:
        self.id, self.speech_tokenizer = identity, speech_tokenizer
        self._network, self._sure = network.eval(), sure

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> LipClosure:
        """The shipped one, or the one in a file; always on the CPU: it takes a millisecond for a second of speech.

        Raises:
            ModelError: the file is missing, has the wrong hash or is something else.
        """
        model = store.current("closure") if path is None else store.opened(path)
        with model_faults(model.path, "a closure network"):
            with safe_open(str(model.path), "pt") as handle:
                facts = handle.metadata() or {}
            network = ClosureNetwork(ClosureShape(**json.loads(facts["shape"])))
            network.load_state_dict({k: v.float() for k, v in load_file(str(model.path)).items()})
            return cls(
                model.id,
                network,
                ModelId.of(facts["speech_tokenizer"]),
                [float(odds) for odds in json.loads(facts["sure"])],
            )

    def understands(self, tokenizer: ModelId) -> None:
        """Make sure that tokens are the ones it was trained on.

        Raises:
            ModelError: they aren't.
        """
        if tokenizer.sha256 != self.speech_tokenizer.sha256:
            raise ModelError(
                f"{self.id} doesn't know the tokens of {tokenizer}",
                hint="Take both models of one version.",
            )

    @torch.inference_mode()
    def odds(self, tokens: NDArray[np.int64]) -> Floats:
        """(T,) codes -> (T, 2) odds of SOUNDS, 0..1."""
        if not len(tokens):
            return np.zeros((0, len(SOUNDS)), np.float32)
        reach = self._network.shape.layers * (self._network.shape.reach // 2)
        codes = torch.from_numpy(np.clip(tokens, -1, TOKEN_CODES - 1))
        parts = []
        for first in range(0, len(codes), _PIECE):  # so that memory doesn't grow with the sound
            begin = max(first - reach, 0)
            part = self._network(codes[None, begin : first + _PIECE + reach])[0].sigmoid()
            parts.append(part[first - begin :][:_PIECE].numpy())
        return np.concatenate(parts).astype(np.float32)

    def __call__(self, tokens: NDArray[np.int64]) -> Floats:
        """(T,) codes -> (T,) how far lips are on their way to each other, 0..1."""
        return closing(self.odds(tokens), self._sure)
