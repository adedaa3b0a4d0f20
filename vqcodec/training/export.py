"""From a checkpoint to the files that ship: motion space and renderer as safetensors, and the manifest."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqcodec.models.basis import LandmarkBasis
from vqcodec.training.model import Tokenizer


def _tensors(model: Tokenizer, ema: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n[len(prefix):]: ema[n].half().contiguous() for n, _ in model.named_parameters() if n.startswith(prefix)}


def export_motion_space(model: Tokenizer, ema: dict[str, Tensor], basis: LandmarkBasis, target: Path, name: str) -> None:
    """Write the motion space: basis in float32 (a token's meaning must not wobble), CNN in fp16."""
    tensors = {f"cnn.{k}": v for k, v in _tensors(model, ema, "cnn.").items()}
    for key in ("mean", "components", "units"):
        tensors[f"basis.{key}"] = torch.from_numpy(np.ascontiguousarray(getattr(basis, key)))
    save_file(tensors, str(target), metadata={"kind": "motion space", "name": name})


def export_renderer(model: Tokenizer, ema: dict[str, Tensor], space: Path, target: Path, name: str) -> None:
    """Write the renderer in fp16, bound to the motion space file by name and sha256."""
    with safe_open(str(space), "np") as handle:
        space_name = (handle.metadata() or {})["name"]
    digest = hashlib.sha256(space.read_bytes()).hexdigest()
    metadata = {"kind": "renderer", "name": name, "motion_space_name": space_name, "motion_space_sha256": digest}
    save_file(_tensors(model, ema, "renderer."), str(target), metadata=metadata)


def write_manifest(folder: Path, space: Path, renderer: Path) -> dict[str, Any]:
    """Write `manifest.json`, which names the current models and their sha256; returns its content."""
    content = {}
    for kind, path in (("motion_space", space), ("renderer", renderer)):
        with safe_open(str(path), "np") as handle:
            name = (handle.metadata() or {})["name"]
        content[kind] = dict(name=name, file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    (folder / "manifest.json").write_text(json.dumps(content, indent=1) + "\n")
    return content
