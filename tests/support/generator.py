"""A drawn head, a tiny generator with random weights, and noise: shared by tests of the generator and of what surrounds it."""

from __future__ import annotations

import numpy as np
import torch

from tests.support.geometry import shipped_head
from vqcodec.generate.generator import MotionGenerator, PortraitFacts
from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import read_controls
from vqcodec.models import store
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


def generator(basis: LandmarkBasis, shape: GeneratorShape = TINY, seed: int = 0) -> MotionGenerator:
    torch.manual_seed(seed)
    return MotionGenerator(
        store.current("renderer").id,
        GeneratorNetwork(shape),
        basis,
        NOBODY,
        NOBODY,
        torch.device("cpu"),
    )


def noise(seconds: float, dbfs: float, seed: int = 0) -> np.ndarray:
    return (
        np.random.default_rng(seed)
        .normal(0, 10 ** (dbfs / 20), int(16000 * seconds))
        .astype(np.float32)
    )
