"""A motion head, a quantizer and the way back, for one row of the paper's Table 3: 48 motion features in, 48 out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vqcodec.errors import ModelError
from vqcodec.format import DIMS
from vqcodec.lab.paper.designs import DESIGNS, Design, quantizer_of

SPREAD_UNITS = 20.0
"""So many quantizer units bring motion to about unit scale."""
HIDDEN = 128


class CodedMotion(NamedTuple):
    """What a decoder would see: (N, 48) motion, its (N, G, R) indices; and the quantizer's `stray`."""

    delta: Tensor
    indices: Tensor
    stray: Tensor


class _Map(nn.Module):
    """A linear map plus a small network that starts as nothing."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.rest = nn.Sequential(nn.Linear(inputs, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, outputs))
        last = self.rest[2]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        out: Tensor = self.linear(x) + self.rest(x)
        return out


class MotionCoder(nn.Module):
    """f_t - f_s -> head -> quantizer -> tail -> decoded f_t - f_s.

    Args:
        design: the row.
        units: (48,) quantizer units of the motion space.
    """

    def __init__(self, design: Design, units: Tensor) -> None:
        super().__init__()
        self.design = design
        self.scale: Tensor
        self.register_buffer("scale", units.float() * SPREAD_UNITS)
        self.head, self.tail = _Map(DIMS, design.latent_dims), _Map(design.latent_dims, DIMS)
        self.quantizer = quantizer_of(design)

    @torch.no_grad()
    def fit(self, deltas: Tensor) -> None:
        """Start from principal directions of (N, 48) motion, spread over the latents, and a quantizer that fits them.

        With fewer latents than features the weakest directions are dropped; with more, a random orthonormal frame
        spreads all of them. Uses torch's random state.
        """
        x = deltas / self.scale
        vectors = torch.linalg.eigh(x.T @ x / len(x)).eigenvectors.flip(1).T
        latents = self.design.latent_dims
        if latents > DIMS:
            vectors = torch.linalg.qr(torch.randn(latents, latents)).Q[:, :DIMS] @ vectors
        self.head.linear.weight.copy_(vectors[:latents])
        self.tail.linear.weight.copy_(vectors[:latents].T)
        self.quantizer.fit(self.head(x))

    def forward(self, delta: Tensor, *, learn: bool = False, revive: bool = False) -> CodedMotion:
        """(N, 48) motion -> Coded; `learn` and `revive` are for learned codebooks."""
        quantized = self.quantizer(self.head(delta / self.scale), learn=learn, revive=revive)
        return CodedMotion(
            self.tail(quantized.values) * self.scale, quantized.indices, quantized.stray
        )

    def decode(self, indices: Tensor) -> Tensor:
        """(N, G, R) indices -> (N, 48) motion: all that a decoder needs."""
        delta: Tensor = self.tail(self.quantizer.decode(indices)) * self.scale
        return delta


def save(
    path: Path, coder: MotionCoder, conditioning: dict[str, Tensor], facts: dict[str, Any]
) -> None:
    """Write a trained row, atomically.

    Args:
        path: a .safetensors file.
        coder: the motion coder.
        conditioning: the renderer's conditioning layers that were trained with it.
        facts: how it was trained, JSON-able.
    """
    tensors = {f"coder.{k}": v.detach().contiguous() for k, v in coder.state_dict().items()}
    tensors |= {
        f"conditioning.{k}": v.detach().float().contiguous() for k, v in conditioning.items()
    }
    part = path.with_suffix(".part")
    save_file(tensors, str(part), metadata={"row": json.dumps({"key": coder.design.key, **facts})})
    part.replace(path)


def facts_of(path: Path) -> dict[str, Any]:
    """How a row was trained, with its "key".

    Raises:
        ModelError: the file is missing or something else.
    """
    try:
        with safe_open(str(path), "pt") as handle:
            facts: dict[str, Any] = json.loads((handle.metadata() or {})["row"])
            return facts
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelError(
            f"{path} is not a trained row: {error!r}",
            hint="Make it with python -m vqcodec.lab codebooks-train.",
        ) from error


def load(path: Path) -> tuple[MotionCoder, dict[str, Tensor]]:
    """A trained row: the coder, ready to use, and the renderer's conditioning layers.

    Raises:
        ModelError: the file is missing or something else.
    """
    facts = facts_of(path)
    design = next((d for d in DESIGNS if d.key == facts["key"]), None)
    if design is None:
        raise ModelError(
            f"{path} holds the unknown row {facts['key']!r}", hint="Was it made by another version?"
        )
    with safe_open(str(path), "pt") as handle:
        tensors = {k: handle.get_tensor(k) for k in handle.keys()}  # noqa: SIM118 (not a dict)
    coder = MotionCoder(design, torch.ones(DIMS))
    coder.load_state_dict(
        {k.removeprefix("coder."): v for k, v in tensors.items() if k.startswith("coder.")}
    )
    return coder.eval().requires_grad_(False), {
        k.removeprefix("conditioning."): v
        for k, v in tensors.items()
        if k.startswith("conditioning.")
    }
