"""A renderer file with a trained Restoration.

    python -m vqcodec.training.restoration.export RUN RENDERER NAME OUT [--mean-with RUN2]

The mean of two stages of one training serves both perceptual distances where the later one serves training's alone. The rest of
the renderer and the motion spaces it names stay as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqcodec.errors import ModelError
from vqcodec.render.restoration import Restoration
from vqcodec.training.common import checkpoint

PREFIX = "restoration."


def trained(run: Path, other: Path | None = None) -> dict[str, Tensor]:
    """Averaged weights of a run, fp16, named as in a renderer's file; with `other`, the mean of both runs' weights.

    Raises:
        ModelError: there is no checkpoint.
    """
    weights = _averaged(run)
    if other is not None:
        weights = {name: (value + _averaged(other)[name]) / 2 for name, value in weights.items()}
    return {PREFIX + name: value.half().contiguous() for name, value in weights.items()}


def _averaged(run: Path) -> dict[str, Tensor]:
    net = Restoration()
    averaged = {name: p.detach().clone() for name, p in net.named_parameters()}
    checkpoint.load(run / "checkpoint.safetensors", net, averaged, None)
    return averaged


def export(
    run: Path, renderer: Path, name: str, target: Path, *, other: Path | None = None
) -> None:
    """Write a renderer that restores portraits.

    Args:
        run: folder of a training of Restoration.
        renderer: file of the renderer to add it to.
        name: of the new renderer.
        target: its file.
        other: folder of a training whose weights are averaged with those of `run`.

    Raises:
        ModelError: the run has no checkpoint, or the renderer's file isn't one.
    """
    with safe_open(str(renderer), "pt") as handle:
        facts = handle.metadata() or {}
        if facts.get("kind") != "renderer":
            raise ModelError(f"{renderer} is not a renderer", hint="Name a renderer-N.safetensors.")
        kept = {k: handle.get_tensor(k) for k in handle.keys() if not k.startswith(PREFIX)}  # noqa: SIM118
    save_file({**kept, **trained(run, other)}, str(target), metadata={**facts, "name": name})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=export.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("renderer", type=Path)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("--mean-with", type=Path, metavar="RUN2", help="average both runs' weights")
    args = parser.parse_args()
    export(args.run, args.renderer, args.name, args.out, other=args.mean_with)


if __name__ == "__main__":
    main()
