"""What the generator's log tells: how sure it is, and how lips follow the sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vqcodec.format import DIMS
from vqcodec.generate.network import REACH_UNITS, GeneratorNetwork
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.openings import lip_gap_per_eye_distance, track_correlation
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.clips import MotionClip
from vqcodec.training.generator.data import Stretches
from vqcodec.training.generator.form import SHIPPED_FORM, GeneratorForm


class MotionCheck:
    """On held-out people: surprise by layer, and how lips follow the sound when all four layers come from the network.

    Args:
        clips: held-out ones.
        basis: of the motion space.
        length: frames of a stretch.
        form: of the network that is checked.
        stretches: at most so many.
    """

    def __init__(
        self,
        clips: list[MotionClip],
        basis: LandmarkBasis,
        length: int,
        form: GeneratorForm = SHIPPED_FORM,
        stretches: int = 24,
    ) -> None:
        self._basis, self._form = basis, form
        longest = sorted(
            (c for c in clips if len(c) >= length), key=lambda c: (not c.real, -len(c))
        )[:stretches]
        draws = iter(
            Stretches(
                longest or clips,
                basis,
                batch=4,
                length=length,
                seed=5,
                real_weight=1.0,
                spoil=False,
            )
        )
        self._batches = [next(draws) for _ in range(max(len(longest) // 4, 1))] if clips else []

    def __call__(self, model: nn.Module) -> dict[str, Any]:
        """Figures for the log; `sync` is the mean correlation of lip opening, `still` that of a wrong sound."""
        assert isinstance(model, GeneratorNetwork)
        right, wrong, nats = list[float](), list[float](), list[float]()
        torch.manual_seed(1)
        for batch in self._batches:
            nats.append(float(self._form.loss(model, batch, torch.ones(DIMS))["total"].detach()))
            right += self._sync(model, batch, batch["speech"])
            wrong += self._sync(model, batch, batch["speech"].roll(1, 0))
        if not self._batches:
            return {}
        return dict(
            nats_per_digit=round(float(np.mean(nats)), 4),
            sync=round(float(np.nanmean(right)), 4),
            wrong_sync=round(float(np.nanmean(wrong)), 4),
        )

    def _sync(self, model: GeneratorNetwork, batch: Batch, speech: Tensor) -> list[float]:
        told = (batch[key] for key in ("controls", "turned", "portrait", "mask"))
        values = self._form.motion(model, speech, *told, expected=True)
        out = []
        for row, true, portrait, mask in zip(
            values, batch["values"], batch["portrait"], batch["mask"], strict=True
        ):
            made, real = (self._opening(v[mask].numpy(), portrait.numpy()) for v in (row, true))
            out.append(track_correlation(real, made))
        return out

    def _opening(
        self, values: NDArray[np.number], portrait: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        start = portrait[:DIMS] * REACH_UNITS * self._basis.units
        points = self._basis.landmarks((values * self._basis.units + start).astype(np.float32))
        return lip_gap_per_eye_distance(points.astype(np.float64))
