"""A renderer file with a trained Restoration: python -m vqcodec.training.restoration.export RUN RENDERER NAME OUT.

The rest of the renderer and the motion spaces it names stay as they are.
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


def trained(run: Path) -> dict[str, Tensor]:
    """Averaged weights of a run, fp16, named as in a renderer's file.

    Raises:
        ModelError: there is no checkpoint.
    """
    net = Restoration()
    averaged = {name: p.detach().clone() for name, p in net.named_parameters()}
    checkpoint.load(run / "checkpoint.safetensors", net, averaged, None)
    return {PREFIX + name: value.half().contiguous() for name, value in averaged.items()}


def export(run: Path, renderer: Path, name: str, target: Path) -> None:
    """Write a renderer that restores portraits.

    Args:
        run: folder of a training of Restoration.
        renderer: file of the renderer to add it to.
        name: of the new renderer.
        target: its file.

    Raises:
        ModelError: the run has no checkpoint, or the renderer's file isn't one.
    """
    with safe_open(str(renderer), "pt") as handle:
        facts = handle.metadata() or {}
        if facts.get("kind") != "renderer":
            raise ModelError(f"{renderer} is not a renderer", hint="Name a renderer-N.safetensors.")
        kept = {k: handle.get_tensor(k) for k in handle.keys() if not k.startswith(PREFIX)}  # noqa: SIM118
    save_file({**kept, **trained(run)}, str(target), metadata={**facts, "name": name})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=export.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("renderer", type=Path)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    export(args.run, args.renderer, args.name, args.out)


if __name__ == "__main__":
    main()
