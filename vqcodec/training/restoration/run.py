"""Trains render.restoration: python -m vqcodec.training.restoration.run CACHE OUT (pairs first: restoration.data).

    loss = L1 + what EfficientNet-Lite0 sees of it at two sizes, which are drawn anew for every batch, as is where it looks
         + how much finer structure each place has than it should

Windows of which coding took little count as much as coarse ones (`emphasized`). Without the last term both others are
served best by smoothing, which ST-LPIPS sees (step 1,500: perceptual distance -1.5 %, ST-LPIPS +6 %). At one size and place
the network finds a fine hatching that the features like and no eye does (step 1,000: perceptual distance -3 %, ST-LPIPS +13 %).
The check measures held-out training clips, before and after; `python -m vqcodec.lab restored` adds ST-LPIPS, which no
loss has seen, and must agree.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqcodec.render.restoration import Restoration
from vqcodec.runtime.device import choose_device
from vqcodec.training.common.plain_loop import Batch, PlainLoop, Schedule
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.restoration.data import CUT_PX, Pairs

BATCH = 6
L1_WEIGHT, SMALL_WEIGHT, LARGE_WEIGHT, DETAIL_WEIGHT = 20.0, 1.0, 0.5, 60.0
LEAST_ERROR, MOST_EMPHASIS = 0.004, 4.0
_PLACE_PX = 8


class Losses:
    """See the module."""

    def __init__(self, device: torch.device) -> None:
        self.perceptual = PerceptualLoss().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch by name, among them "total"."""
        output, wanted = model(batch["given"]), batch["wanted"]
        emphasis = emphasized(batch["given"], wanted)
        l1 = (emphasis * (output - wanted).abs().mean((1, 2, 3))).mean()
        both = torch.cat([output, wanted])
        large, small = ((emphasis * self._seen(both, v)).mean() for v in batch["views"].tolist())
        strays = (fine_structure(output) - fine_structure(wanted)).abs().mean((1, 2, 3))
        detail = (emphasis * strays).mean()
        total = L1_WEIGHT * l1 + LARGE_WEIGHT * large + SMALL_WEIGHT * small
        total = total + DETAIL_WEIGHT * detail
        return {"total": total, "l1": l1, "large": large, "small": small, "detail": detail}

    def _seen(self, both: Tensor, view: list[int]) -> Tensor:
        """(N,) distances of outputs and what was wanted, one after the other, seen as a row of `Pairs` "views" says."""
        side, top, left = view
        small = F.interpolate(both, (side, side), mode="bilinear", antialias=True)
        seen = side - CUT_PX
        output, wanted = small[..., top : top + seen, left : left + seen].chunk(2)
        distance: Tensor = self.perceptual(output, wanted)
        return distance


def emphasized(given: Tensor, wanted: Tensor) -> Tensor:
    """(N,) weights of windows, 1 on average: the more, the less coding took from them.

    Else a few coarse windows are most of the loss, and fine portraits are made worse for their sake (ST-LPIPS +5 %, of
    enlarged pictures +22 %).
    """
    lost = (given - wanted).abs().mean((1, 2, 3)) + LEAST_ERROR
    weights = (lost.mean() / lost).clamp_max(MOST_EMPHASIS)
    return weights / weights.mean()


def fine_structure(rgb: Tensor) -> Tensor:
    """How far brightness strays from its surroundings of 3 and of 6 pixels: (N, 3, S, S) -> (N, 2, S / 8, S / 8) means."""
    luma = rgb.mean(1, keepdim=True)
    coarse = F.avg_pool2d(luma, 2)
    strays = [(x - F.avg_pool2d(x, 3, 1, 1)).abs() for x in (luma, coarse)]
    means = [
        F.avg_pool2d(x, size) for x, size in zip(strays, (_PLACE_PX, _PLACE_PX // 2), strict=True)
    ]
    return torch.cat(means, 1)


class Check:
    """Perceptual distance and PSNR of held-out training clips at 256x256, as given ("before_") and as restored."""

    def __init__(self, pairs: Pairs, losses: Losses) -> None:
        self._pairs, self._losses = pairs, losses
        self._before: dict[str, float] = {}

    def __call__(self, model: nn.Module) -> dict[str, Any]:
        """Means over clips and draws."""
        if not self._before:
            self._before = {f"before_{k}": v for k, v in self._means(nn.Identity()).items()}
        return {**self._before, **self._means(model)}

    def _means(self, model: nn.Module) -> dict[str, float]:
        rows = [self._row(model, *pair) for pair in self._pairs.whole()]
        return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}

    def _row(self, model: nn.Module, given: Tensor, wanted: Tensor) -> dict[str, float]:
        with torch.autocast(given.device.type, torch.bfloat16):
            output = model(given).float().clamp(0, 1)
        made, right = (F.avg_pool2d(x, 2) for x in (output, wanted))
        error = (made - right).square().mean((1, 2, 3)).clamp_min(1e-9)
        distance = self._losses.perceptual(made, right)
        return {"perc": float(distance.mean()), "psnr": float((-10 * error.log10()).mean())}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the network that restores portraits.")
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float)
    args = parser.parse_args()
    device = choose_device("auto")
    pairs = Pairs(args.cache)
    schedule = Schedule(args.steps, 6e-4, 1e-5, warmup=100, ema=0.995, check_every=500)
    model = Restoration().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loop = PlainLoop(model, schedule, args.out, device)
    loop.resume()
    batches = pairs.batches(BATCH, schedule.seed + loop.step)
    losses = Losses(device)
    loop.run(batches, losses, Check(pairs, losses), minutes=args.minutes)


if __name__ == "__main__":
    main()
