"""A tiny cache for the trainer: drawn faces that move, no third-party pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.geometry import shipped_basis
from vqcodec.training.common.recipe import Recipe, Stage


def moving_landmarks(frames: int, seed: int) -> NDArray[np.float32]:
    """(T, 478, 2) landmarks in 0..1: the mean face, shifted and stretched over time."""
    rng = np.random.default_rng(seed)
    mean = shipped_basis().mean.reshape(478, 2) / 256
    t = np.linspace(0, 2 * np.pi, frames)[:, None]
    shift = 0.03 * np.concatenate(
        [np.sin(t + rng.uniform(0, 6)), np.cos(2 * t + rng.uniform(0, 6))], 1
    )
    zoom = 1 + 0.05 * np.sin(3 * t)[:, None]
    return ((mean - 0.5) * zoom + 0.5 + shift[:, None]).astype(np.float32)


def draw_face(points: NDArray[np.float32], seed: int, side: int) -> NDArray[np.uint8]:
    """(side, side, 3) picture of dots on a coloured oval."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), rng.integers(40, 200, 3), np.uint8)
    pixels = (points * side).astype(np.int32)
    cv2.fillConvexPoly(
        picture, cv2.convexHull(pixels), rng.integers(90, 255, 3).tolist(), cv2.LINE_AA
    )
    for x, y in pixels[::3]:
        cv2.circle(picture, (int(x), int(y)), 2, rng.integers(0, 255, 3).tolist(), -1, cv2.LINE_AA)
    return picture


def make_cache(folder: Path, *, clips: int = 3, frames: int = 12, large: bool = False) -> Path:
    """Write a cache of drawn clips: the last one is the validation split."""
    folder.mkdir(parents=True, exist_ok=True)
    for clip in range(clips):
        landmarks = moving_landmarks(frames, clip)
        name = f"c{clip}"
        np.save(folder / f"{name}.lm.npy", landmarks)
        np.save(folder / f"{name}.sur.npy", np.zeros((len(landmarks), 8), np.float32))
        for side in (256, 512) if large else (256,):
            np.save(
                folder / f"{name}.{side}.npy",
                np.stack([draw_face(p, clip, side) for p in landmarks]),
            )
        facts = dict(
            frames=frames,
            stride=1,
            stride_512=1,
            size=512 if large else 256,
            kind="real",
            identity=clip,
            split="val" if clip == clips - 1 else "train",
        )
        (folder / f"{name}.json").write_text(json.dumps(facts))
    return folder


def tiny_recipe(**changes: object) -> Recipe:
    """One stage at 128 px; `changes` are fields of it."""
    stage = dict(
        name="t",
        size_px=128,
        steps=50,
        lr=3e-3,
        lr_end=1e-3,
        portraits=1,
        targets=2,
        warmup=1,
        weights=dict(
            output=10.0,
            generated=2.0,
            warped=2.0,
            perceptual=0.2,
            landmark=20.0,
            smooth=1.0,
            rate=0.0,
        ),
    )
    stage.update(changes)
    return Recipe(
        name="tiny", seed=3, ema=0.9, check_every=1000, save_every_s=1e9, stages=(Stage(**stage),)
    )
