"""From a checkpoint to the files that ship: motion space and renderer as safetensors, and the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import MOTION_2, Layout
from vqcodec.training.picture.model import PictureAutoencoder


def _tensors(model: PictureAutoencoder, ema: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        n[len(prefix) :]: ema[n].half().contiguous()
        for n, _ in model.named_parameters()
        if n.startswith(prefix)
    }


def export_motion_space(
    model: PictureAutoencoder,
    ema: dict[str, Tensor],
    basis: LandmarkBasis,
    target: Path,
    name: str,
    layout: Layout = MOTION_2,
) -> None:
    """Write the motion space: basis in float32 (a token's meaning must not wobble), CNN in fp16."""
    tensors = {f"cnn.{k}": v for k, v in _tensors(model, ema, "cnn.").items()}
    for key in ("mean", "components", "units"):
        tensors[f"basis.{key}"] = torch.from_numpy(np.ascontiguousarray(getattr(basis, key)))
    save_file(
        tensors,
        str(target),
        metadata={"kind": "motion space", "name": name, "layout": layout.to_text()},
    )


def export_renderer(
    model: PictureAutoencoder,
    ema: dict[str, Tensor],
    spaces: Sequence[Path],
    target: Path,
    name: str,
) -> None:
    """Write the renderer in fp16, bound to motion space files by name and sha256, the one it is best at first."""
    named = []
    for space in spaces:
        entry = _entry(space)
        named.append(dict(name=entry["name"], sha256=entry["sha256"]))
    metadata = {"kind": "renderer", "name": name, "motion_spaces": json.dumps(named)}
    save_file(_tensors(model, ema, "renderer."), str(target), metadata=metadata)


def _entry(path: Path) -> dict[str, str]:
    with safe_open(str(path), "np") as handle:
        name = (handle.metadata() or {})["name"]
    return dict(name=name, file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def write_manifest(folder: Path, spaces: Sequence[Path], renderer: Path) -> dict[str, Any]:
    """Write `manifest.json`, which names the models and their sha256, the current motion space first; returns its content.

    Entries of other kinds that are there stay.
    """
    content = _written(folder)
    content |= {
        "motion_space": _entry(spaces[0]),
        "renderer": _entry(renderer),
        "older_motion_spaces": [_entry(path) for path in spaces[1:]],
    }
    (folder / "manifest.json").write_text(json.dumps(content, indent=1) + "\n")
    return content


def add_to_manifest(folder: Path, kind: str, model: Path) -> dict[str, Any]:
    """Name one more model in `manifest.json` ("head", ...), or another one of its kind; returns the new content."""
    content = _written(folder) | {kind: _entry(model)}
    (folder / "manifest.json").write_text(json.dumps(content, indent=1) + "\n")
    return content


def _written(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return content
