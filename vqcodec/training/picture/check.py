"""Checks during training: figures on fixed pictures of corpus/val, and a sheet to look at. Nothing is chosen by them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.training.picture.data import Batch, assemble, load_clips
from vqcodec.training.picture.losses import PerceptualLoss
from vqcodec.training.picture.model import Tokenizer

FRAMES = 6


def _psnr(a: Tensor, b: Tensor) -> Tensor:
    return -10 * torch.log10(((a.clamp(0, 1) - b) ** 2).mean((1, 2, 3)) + 1e-10)


def _detail(picture: Tensor) -> Tensor:
    """Mean strength of the finest detail: what differs from the 3x3 mean around it."""
    return (
        (picture - torch.nn.functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False))
        .abs()
        .mean((1, 2, 3))
    )


class Checker:
    """Renders FRAMES spread over each validation clip from its first frame at 256."""

    def __init__(
        self,
        cache: Path,
        basis: LandmarkBasis,
        perceptual: PerceptualLoss,
        out: Path,
        device: torch.device,
    ) -> None:
        self.perceptual, self.out, self.device = perceptual, out, device
        self.batches: list[Batch] = []
        for clip in load_clips(cache, "val"):
            times = clip.valid[np.linspace(0, len(clip.valid) - 1, FRAMES + 1).round().astype(int)]
            times[0] = clip.valid[0]
            sample = assemble(
                np.stack([clip.frames[t] for t in times]),
                clip.landmarks[times].astype(np.float32),
                clip.surroundings[times],
                basis,
                np.full(FRAMES, 4),
                256,
            )
            self.batches.append({k: v[None] for k, v in sample.items()})

    @torch.no_grad()
    def run(self, model: Tokenizer, ema: dict[str, Tensor], step: int) -> dict[str, float]:
        """Figures of the averaged weights: means over frames, then clips; writes sheet-STEP.png."""
        from vqcodec.training.picture.loop import to_tensors

        kept = {n: p.detach().clone() for n, p in model.named_parameters()}
        for name, parameter in model.named_parameters():
            parameter.copy_(ema[name])
        rows, figures = [], []
        for batch in self.batches:
            tensors = to_tensors(batch, self.device)
            with torch.autocast(self.device.type, torch.bfloat16):
                rendering, learned = model(tensors)
            target = tensors["target"]
            still = tensors["source"].expand_as(target)
            figures.append(
                [
                    float(x.mean())
                    for x in (
                        _psnr(rendering.output.float(), target),
                        _psnr(rendering.warped.float(), target),
                        _psnr(still, target),
                        self.perceptual(rendering.output.float().clamp(0, 1), target),
                        self.perceptual(still, target),
                        _detail(rendering.output.float().clamp(0, 1)) / _detail(target),
                        learned.abs(),
                    )
                ]
            )
            rows.append(
                _row(
                    tensors["source"],
                    target,
                    rendering.warped,
                    rendering.generated,
                    rendering.output,
                )
            )
        for name, parameter in model.named_parameters():
            parameter.copy_(kept[name])
        self._sheet(rows, step)
        names = (
            "psnr",
            "psnr_warped",
            "psnr_still",
            "perc",
            "perc_still",
            "detail",
            "learned_units",
        )
        return {n: round(float(v), 4) for n, v in zip(names, np.mean(figures, 0), strict=True)}

    def _sheet(self, rows: list[NDArray[np.uint8]], step: int) -> None:
        rows = rows + [np.zeros_like(rows[0])] * (len(rows) % 2)
        half = len(rows) // 2
        sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
        cv2.imwrite(str(self.out / f"sheet-{step:06d}.png"), sheet[..., ::-1])


def _row(*images: Tensor) -> NDArray[np.uint8]:
    """Source, target, warped, generated, output of the third picture, at 192 px."""
    picked = [
        x[min(2, len(x) - 1)].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy() for x in images
    ]
    return np.concatenate(
        [
            cv2.resize((p * 255).astype(np.uint8), (192, 192), interpolation=cv2.INTER_AREA)
            for p in picked
        ],
        1,
    )
