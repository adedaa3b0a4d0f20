"""Figures of a renderer's weights from every kind of portrait, beside another's: the trainer's check, with more columns.

python -m vqcodec.training.picture.portrait_kinds CACHE renderer-3.safetensors renderer-4.safetensors --out figures.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open

from vqcodec.geometry.basis import read_basis
from vqcodec.models import store
from vqcodec.render.weights import take_weights
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.training.common import checkpoint
from vqcodec.training.picture.check import KINDS, Checker
from vqcodec.training.picture.fields import FieldTeller
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.picture.model import PictureAutoencoder

Figures = dict[str, dict[str, float]]


def model_of(renderer: Path) -> PictureAutoencoder:
    """The shipped motion space with the renderer of a file, frozen."""
    model = PictureAutoencoder(read_basis(store.current("motion_space").path))
    checkpoint.load_shipped(model, None)
    with safe_open(str(renderer), "pt") as handle:
        take_weights(model.renderer, {k: handle.get_tensor(k).float() for k in handle.keys()})  # noqa: SIM118 (not a dict)
    return model.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def figures_of(renderer: Path, checker: Checker, sheets: Path | None = None) -> Figures:
    """Figures by kind of portrait; one sheet of each into a folder if given."""
    model = model_of(renderer)
    return {
        kind: checker.figures(
            model, kind, None if sheets is None else sheets / f"{renderer.stem}-{kind}.png"
        )
        for kind in checker.batches
    }


def main() -> None:
    """Command line, see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("renderers", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sheets", type=Path)
    args = parser.parse_args()
    tune_allocator()
    basis = read_basis(store.current("motion_space").path)
    checker = Checker(
        args.cache,
        basis,
        PerceptualLoss(),
        args.out.parent,
        torch.device("cpu"),
        KINDS,
        fields=FieldTeller.of_space(store.current("motion_space").path),
    )
    result = {path.stem: figures_of(path, checker, args.sheets) for path in args.renderers}
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
