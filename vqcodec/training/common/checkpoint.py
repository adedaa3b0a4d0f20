"""Checkpoints without pickle: tensors in safetensors, the rest in its JSON header."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vqcodec.errors import ModelError
from vqcodec.models import store


def save(
    path: Path,
    model: nn.Module,
    ema: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    facts: dict[str, Any],
) -> None:
    """Write everything needed to go on, atomically.

    Args:
        path: the file.
        model: trainable parameters.
        ema: their running averages by name.
        optimizer: AdamW over `model.named_parameters()` in order.
        facts: JSON-able numbers such as step and seconds trained.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        tensors[f"model.{name}"] = parameter.detach().contiguous()
        tensors[f"ema.{name}"] = ema[name].contiguous()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"opt.{name}.{key}"] = torch.as_tensor(value).contiguous()
    temporary = path.with_suffix(".tmp")
    save_file(tensors, str(temporary), metadata={"facts": json.dumps(facts)})
    os.replace(temporary, path)


def load(
    path: Path, model: nn.Module, ema: dict[str, Tensor], optimizer: torch.optim.Optimizer | None
) -> dict[str, Any]:
    """Restore what `save` wrote; returns the facts. Parameters the file lacks keep their values.

    Raises:
        ModelError: the file is missing or not a checkpoint.
    """
    if not path.is_file():
        raise ModelError(f"no checkpoint at {path}", hint="Start without --resume.")
    with safe_open(str(path), "pt") as handle:
        facts = json.loads((handle.metadata() or {}).get("facts", "null"))
        if facts is None:
            raise ModelError(
                f"{path} is not a checkpoint of this trainer", hint="Choose another --out folder."
            )
        names = set(handle.keys())
        for name, parameter in model.named_parameters():
            if f"model.{name}" not in names or handle.get_slice(
                f"model.{name}"
            ).get_shape() != list(parameter.shape):
                continue
            with torch.no_grad():
                parameter.copy_(handle.get_tensor(f"model.{name}"))
                ema[name].copy_(handle.get_tensor(f"ema.{name}"))
            keys = [k for k in ("step", "exp_avg", "exp_avg_sq") if f"opt.{name}.{k}" in names]
            if optimizer is not None and keys:
                optimizer.state[parameter] = {k: handle.get_tensor(f"opt.{name}.{k}") for k in keys}
    result: dict[str, Any] = facts
    return result


def load_shipped(model: nn.Module, ema: dict[str, Tensor] | None) -> None:
    """Start from the shipped motion space and renderer; tensors they lack keep their values."""
    names = dict(model.named_parameters())
    for kind, prefix in (("motion_space", ""), ("renderer", "renderer.")):
        with safe_open(str(store.current(kind).path), "pt") as handle:
            for key in handle.keys():  # noqa: SIM118 (not a dict)
                name = prefix + key
                if name in names and handle.get_slice(key).get_shape() == list(names[name].shape):
                    with torch.no_grad():
                        names[name].copy_(handle.get_tensor(key))
                        if ema is not None:
                            ema[name].copy_(names[name])
