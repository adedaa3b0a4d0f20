"""Stand-ins for the models of a dub, and sounds and pictures to dub: fast, deterministic, without weights."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.support.geometry import shipped_head
from tests.support.pipeline import RENDERER_ID, DrawnFaces, FakeRenderer, FakeSpace, draw
from vqcodec.decoding.parts import DecoderParts
from vqcodec.dubbing.parts import DubParts
from vqcodec.format import DIMS
from vqcodec.geometry.controls import Controls, moved_head
from vqcodec.types import ModelId

TOKENIZER_ID = ModelId("fake-tokenizer", bytes(range(64, 96)))
GENERATOR_ID = ModelId("fake-generator", bytes(range(96, 128)))
BEHAVIOUR_ID = ModelId("fake-behaviour", bytes(range(128, 160)))
WINDOW = 37
"""Frames that the stand-in generator gives at once: no divisor of anything."""


def head_template(yaw: float = 0.0) -> NDArray[np.float32]:
    """(478, 2) the mean head, turned, in a box around 0 of width 0.8 and height 1."""
    shape = shipped_head()
    straight = np.array([0, 0, 0, 0.5, 0.5, np.log(0.15)], np.float32)
    points = shape.points[:, :2] * np.float32(0.15) + np.float32(0.5)
    poses = straight[None] + np.array([[0, yaw, 0, 0, 0, 0]], np.float32)
    points = moved_head(points.astype(np.float32), straight, poses, shape)[0]
    low, high = points.min(0), points.max(0)
    return ((points - (low + high) / 2) / (high - low) * np.array([0.8, 1])).astype(np.float32)


class DrawnHeads(DrawnFaces):
    """DrawnFaces with landmarks that a head could have."""

    yaw = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.template = head_template(self.yaw)


class TurnedHeads(DrawnHeads):
    """Heads seen half from the side."""

    yaw = 0.8


class SideHeads(DrawnHeads):
    """Heads seen from the side."""

    yaw = 1.25


class HeadSpace(FakeSpace):
    """FakeSpace whose landmarks can be had back, as near as 48 numbers tell them: place, size and tilt exactly."""

    def __post_init__(self) -> None:
        super().__post_init__()
        middle = head_template() * np.float32(0.5)
        self._mean = (middle + np.float32(0.5)).reshape(-1)
        x, y = np.tile([1, 0], len(middle)), np.tile([0, 1], len(middle))
        tilt = np.stack([-middle[:, 1], middle[:, 0]], 1).reshape(-1)
        columns = np.stack([x, y, middle.reshape(-1), tilt, *self.basis.T[4:]], 1)
        self.basis = np.linalg.qr(columns)[0].astype(np.float32)
        self.units = np.full(
            DIMS, 2, np.float32
        )  # a tenth of the square to either side is within reach

    field = None

    def project(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([(points.reshape(-1) * 256) @ self.basis for points in landmarks])

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        rest = features / np.float32(256) - self._mean @ self.basis
        return (self._mean + rest @ self.basis.T).reshape(len(features), -1, 2).astype(np.float32)


class LevelStream:
    """One token per 640 samples: their mean level in thousandths."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.int64]:
        assert samples.dtype == np.float32 and samples.ndim == 1
        both = np.concatenate([self._rest, samples])
        whole = len(both) // 640 * 640
        self._rest = both[whole:]
        return self._codes(both[:whole].reshape(-1, 640))

    def flush(self) -> NDArray[np.int64]:
        return self._codes(self._rest[None]) if len(self._rest) else np.zeros(0, np.int64)

    def _codes(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.array([round(1000 * float(np.abs(row).mean())) for row in rows], np.int64)


@dataclass
class LevelTokenizer:
    """Makes LevelStreams."""

    id: ModelId = TOKENIZER_ID

    def stream(self) -> LevelStream:
        return LevelStream()


@dataclass
class SteppingGenerator:
    """Motion that tells what it was made from; remembers what it was asked for."""

    id: ModelId = GENERATOR_ID

    def __post_init__(self) -> None:
        self.asked: list[Any] = []

    def generate(
        self,
        speech: NDArray[np.int64],
        controls: Controls,
        portrait: Any,
        *,
        rest: NDArray[np.float32],
        shut: NDArray[np.float32],
        temperature: float = 0.0,
        seed: int = 0,
        argmax: bool = False,
    ) -> Iterator[NDArray[np.int16]]:
        assert (
            len(speech) == len(controls) == len(rest) == len(shut)
            and portrait.features.shape == (48,)
            and len(portrait.controls) == 1
        )
        self.asked.append((speech, controls, portrait, temperature, seed))
        rng = np.random.default_rng(seed)
        for start in range(0, len(speech), WINDOW):
            part = speech[start : start + WINDOW]
            values = np.zeros((len(part), 48), np.int16)
            values[:, 0] = part % 100
            if temperature:
                values[:, 1] = rng.integers(-170, 171, len(part))
            yield values


class Swaying:
    """A head that turns slowly and blinks every four seconds."""

    id = BEHAVIOUR_ID

    def controls(
        self, energy: NDArray[np.float32], start: Controls, *, seed: int, blink: bool = True
    ) -> Controls:
        assert energy.dtype == np.float32 and len(start) == 1
        at = np.arange(len(energy))
        pose = np.repeat(start.pose, len(at), 0)
        pose[:, 1] += 0.1 * np.sin(at / (10 + seed % 7)).astype(np.float32)
        shut = (
            np.where(at % 100 == 50, np.float32(1), start.blink[0])
            if blink
            else np.repeat(start.blink, len(at))
        )
        return Controls(pose, np.repeat(start.gaze, len(at), 0), shut.astype(np.float32))


def dub_parts(
    generator: SteppingGenerator | None = None,
    renderer: FakeRenderer | None = None,
    detector: type[DrawnHeads] = DrawnHeads,
) -> DubParts:
    space = HeadSpace()
    decoder = DecoderParts(space, renderer or FakeRenderer(), detector)
    return DubParts(
        space,
        RENDERER_ID,
        detector,
        LevelTokenizer(),
        generator or SteppingGenerator(),
        Swaying(),
        shipped_head(),
        decoder,
    )


def spoken(seconds: float, rate_hz: int = 16000, *, level: float = 0.4) -> NDArray[np.float64]:
    """A buzz in syllables of a quarter of a second, (n,) in -1..1."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    buzz = sum(np.sin(2 * np.pi * 120 * k * at) / k for k in range(1, 8))
    return np.asarray(level * 0.5 * buzz * np.clip(np.sin(2 * np.pi * 2 * at), 0, 1))


def write_wav(
    path: Path, samples: NDArray[np.float64], rate_hz: int = 16000, channels: int = 1
) -> Path:
    """Samples (n,) in -1..1 as a 16-bit WAV, the same in every channel."""
    pcm = np.repeat(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2"), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())
    return path


def write_portrait(
    path: Path,
    faces: list[tuple[float, float, float]] | None = None,
    width: int = 400,
    height: int = 300,
) -> Path:
    """A drawn picture; by default with one face of 120 pixels."""
    Image.fromarray(draw(width, height, [(180, 150, 120)] if faces is None else faces)).save(path)
    return path
