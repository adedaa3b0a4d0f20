"""Run by torchrun in tests/training/test_picture.py: two steps in each of two processes, then what they ended with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tests.support.geometry import shipped_basis
from tests.support.training import tiny_recipe
from vqcodec.training.picture.loop import Trainer


def main() -> None:
    cache, out = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    run = Trainer(tiny_recipe(targets=1), shipped_basis(), cache, out, device=torch.device("cpu"))
    _, sampler = next(run._stages())
    batch = float(next(sampler)["source"].sum())
    run.run(steps=2)
    weights = [float(p.detach().double().sum()) for p in run.model.parameters()]
    (out / f"rank{rank}.json").write_text(json.dumps(dict(weights=weights, batch=batch)))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
