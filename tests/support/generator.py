"""A drawn head, a tiny generator with random weights, and noise: shared by tests of the generator and of what surrounds it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tests.support.geometry import shipped_head
from vqcodec.generate.generator import MotionGenerator
from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import read_controls
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.gesture.finish import MotionFinish
from vqcodec.models import store
from vqcodec.training.generator.clips import MotionClip
from vqcodec.training.generator.data import Stretches
from vqcodec.training.generator.form import GeneratorForm
from vqcodec.types import ModelId

TINY = GeneratorShape(width=16, layers=1, heads=2)
NOBODY = ModelId("nobody", bytes(32))


def drawn_face(frames: int, seed: int = 0, opening: float = 0.1) -> np.ndarray:
    """(T, 478, 2) of a head that turns and speaks."""
    rng = np.random.default_rng(seed)
    points = shipped_head().points
    angle = 0.2 * np.sin(np.arange(frames) / 9 + seed)
    flat = np.stack([points[:, 0] * np.cos(a) + points[:, 2] * np.sin(a) for a in angle])
    rows = np.stack([flat, np.broadcast_to(points[:, 1], flat.shape)], -1)
    lower = points[:, 1] > points[14, 1] - 1e-3
    rows[:, lower, 1] += opening * np.abs(np.sin(np.arange(frames) / 3))[:, None]
    return (0.5 + 0.17 * rows + rng.normal(0, 1e-4, rows.shape)).astype(np.float32)


def facts(points: np.ndarray, basis: LandmarkBasis) -> PortraitFacts:
    features = np.concatenate([basis.project(points[:1])[0], np.zeros(12, np.float32)])
    return PortraitFacts(features, read_controls(points[:1], shipped_head()), points[0])


def drawn_clip(frames: int = 60, seed: int = 0, opening: float = 0.1) -> MotionClip:
    points = drawn_face(frames, seed, opening)
    rng = np.random.default_rng(seed)
    controls = read_controls(points, shipped_head())
    rest = rng.normal(0, 0.02, (frames, 12)).astype(np.float32)
    return MotionClip(
        f"clip{seed}",
        points,
        rest,
        controls,
        controls,
        rng.integers(0, 3125, (2, frames)),
        real=True,
    )


def learning(
    model: GeneratorNetwork, form: GeneratorForm, basis: LandmarkBasis, speech: Tensor | None = None
) -> list[float]:
    """Losses of forty steps on one batch; `speech` in place of its tokens."""
    torch.manual_seed(0)
    batch = next(iter(Stretches([drawn_clip()], basis, batch=4, length=40, seed=0)))
    if speech is not None:
        batch["speech"] = speech
    loss, optimizer = form.loss_for(basis, 6.0), torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        total = loss(model, batch)["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(float(total.detach()))
    return losses


def generator(
    basis: LandmarkBasis,
    shape: GeneratorShape = TINY,
    seed: int = 0,
    *,
    finish: type[MotionFinish] | None = MotionFinish,
) -> MotionGenerator:
    torch.manual_seed(seed)
    return MotionGenerator(
        store.current("renderer").id,
        GeneratorNetwork(shape),
        basis,
        shipped_head(),
        NOBODY,
        NOBODY,
        torch.device("cpu"),
        finish=None if finish is None else finish(basis, shipped_head()),
    )


def noise(seconds: float, dbfs: float, seed: int = 0) -> np.ndarray:
    return (
        np.random.default_rng(seed)
        .normal(0, 10 ** (dbfs / 20), int(16000 * seconds))
        .astype(np.float32)
    )
