"""From a checkpoint to the files that ship: motion space and renderer as safetensors, and the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.layout import MOTION_2, Layout
from vqcodec.models.manifest import FILE, Entry, read_manifest, with_kind, write_manifest
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
    entries = [_entry("motion_space", space) for space in spaces]
    named = [dict(name=entry.name, sha256=entry.sha256) for entry in entries]
    metadata = {"kind": "renderer", "name": name, "motion_spaces": json.dumps(named)}
    save_file(_tensors(model, ema, "renderer."), str(target), metadata=metadata)


def _entry(kind: str, path: Path, *, current: bool = True) -> Entry:
    """A model file as the manifest names it: JSON files and safetensors say their names themselves."""
    if path.suffix == ".json":
        name = json.loads(path.read_text())["name"]
    else:
        with safe_open(str(path), "np") as handle:
            name = (handle.metadata() or {})["name"]
    return Entry(kind, name, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), current)


def name_pictures(folder: Path, spaces: Sequence[Path], renderer: Path) -> tuple[Entry, ...]:
    """Name motion spaces, the current one first, and a renderer in a folder's manifest; returns its entries.

    Entries of other kinds that are there stay.
    """
    named = [_entry("motion_space", path, current=i == 0) for i, path in enumerate(spaces)]
    entries = with_kind(with_kind(_known(folder), named), [_entry("renderer", renderer)])
    write_manifest(folder, entries)
    return entries


def name_model(folder: Path, kind: str, model: Path) -> tuple[Entry, ...]:
    """Name the one model of a kind ("head", ...) in a folder's manifest, in place of what was; returns its entries."""
    entries = with_kind(_known(folder), [_entry(kind, model)])
    write_manifest(folder, entries)
    return entries


def _known(folder: Path) -> tuple[Entry, ...]:
    return read_manifest(folder) if (folder / FILE).is_file() else ()
