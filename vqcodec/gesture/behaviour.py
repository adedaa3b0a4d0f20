"""What a speaker's head and eyes do by themselves: a small generative model, driven by how loud the speech is.

The head holds and moves. Four processes (posture, gestures, beats, sway) each keep a target pose for a random while, then
take another; the head follows each target through three equal low-pass filters, so that neither place nor speed nor
acceleration jumps. Sway is what a head does that keeps still. The louder the speech, the more often and the further gestures
and beats go; a rise of loudness (a stressed syllable) makes a new target likelier and lowers the head a little. Silence leaves
a quieter head, never a frozen one. The sum is bounded softly: a head leaves neither its square nor what one portrait can show.

The amplitudes are those of real footage (`vqcodec.training.behaviour.fit` makes `models/behaviour-1.json`). Everything is
relative to the portrait, which is the first frame, at rest.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.controls import Controls
from vqcodec.geometry.headpose import POSE_NUMBERS
from vqcodec.geometry.reading import model_faults
from vqcodec.gesture.eyes import FRAME_S, Blinker, EyeModel, Gazer, is_shut
from vqcodec.models import store
from vqcodec.types import ModelId

NO_FILE = ModelId("unnamed", bytes(32))
"""The identity of parameters that come from no file."""
PROCESSES = ("posture", "gestures", "beats", "sway")
# furthest from the portrait: pitch, yaw, roll in radians, x and y in sides of the square, log of the size
LIMITS = (0.14, 0.21, 0.09, 0.06, 0.05, 0.06)
# the head's rims from its centre, in head radii: left and right, top, bottom
_SIDE, _TOP, _BOTTOM = 1.3, 0.75, 2.1
_LEAST_ROOM = 0.012
_ATTACK_S, _RELEASE_S, _MEAN_S = 0.08, 0.25, 1.5
_RISE_GAIN = 2.0
_LEAST_STRENGTH = 0.2

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadModel:
    """Parameters of the head.

    Attributes:
        hold_s: (4,) mean seconds that a process keeps its target.
        follow_s: (4,) time constant of each of its three filters.
        amplitude: (4, 6) standard deviations of the targets, in the units of `Controls.pose`.
        correlation: (6, 6) between the numbers of a target.
        gain: (4,) how much loudness strengthens a process: strength 1 - gain in silence, 1 + gain at full loudness.
        nod: radians of pitch per unit that loudness is over its running mean.
    """

    hold_s: tuple[float, ...]
    follow_s: tuple[float, ...]
    amplitude: tuple[tuple[float, ...], ...]
    correlation: tuple[tuple[float, ...], ...]
    gain: tuple[float, ...]
    nod: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The model.

    Attributes:
        head: parameters of the head.
        eyes: parameters of lids and gaze.
        id: name and sha256 of its file: with the same one a seed gives the same motion.
    """

    head: HeadModel
    eyes: EyeModel
    id: ModelId = field(default=NO_FILE, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Behaviour:
        """The shipped one, or the one in a file.

        Raises:
            ModelError: the file is missing, has the wrong hash or makes no sense.
        """
        model = store.current("behaviour") if path is None else store.opened(path)
        with model_faults(model.path, "a behaviour model"):
            return cls.from_facts(json.loads(model.path.read_text())["parameters"], model.id)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], identity: ModelId = NO_FILE) -> Behaviour:
        """Out of plain numbers, as `to_facts` gives them.

        Raises:
            KeyError, TypeError, ValueError: they make no sense.
        """
        head = {k: _tuples(v) for k, v in facts["head"].items()}
        model = cls(
            HeadModel(**head),
            EyeModel(**{k: _tuples(v) for k, v in facts["eyes"].items()}),
            identity,
        )
        if np.shape(model.head.amplitude) != (len(PROCESSES), POSE_NUMBERS):
            raise ValueError(f"amplitudes are {np.shape(model.head.amplitude)}")
        return model

    def to_facts(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {"head": asdict(self.head), "eyes": asdict(self.eyes)}

    def stream(self, start: Controls, *, seed: int, blink: bool = True) -> BehaviourStream:
        """Begin at a portrait; see `controls`."""
        return BehaviourStream(self, start, seed=seed, blink=blink)

    def controls(
        self, energy: NDArray[np.floating], start: Controls, *, seed: int, blink: bool = True
    ) -> Controls:
        """Motion for a whole sound.

        Args:
            energy: (T,) loudness in 0..1, one per frame of 40 ms (`vqcodec.speech.energy`).
            start: one frame, the portrait.
            seed: the same gives the same.
            blink: False leaves the lids as they are in the portrait.

        Returns:
            T frames; the first one is `start`.

        Raises:
            ValueError: `start` is not one frame with a face.
        """
        return self.stream(start, seed=seed, blink=blink).push(energy)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list | tuple) else value


class BehaviourStream:
    """Motion for sound that comes in pieces: the same as for the whole.

    Every frame takes the same number of draws from two generators, so pieces of any length take the same ones.
    """

    def __init__(self, model: Behaviour, start: Controls, *, seed: int, blink: bool) -> None:
        if (
            len(start) != 1
            or not np.isfinite(start.pose).all()
            or not np.isfinite(start.blink).all()
        ):
            raise ValueError(f"a portrait is one frame with a face, not {len(start)} frames")
        first, second = np.random.SeedSequence(seed).spawn(2)
        self._normal = np.random.Generator(np.random.PCG64(first))
        self._uniform = np.random.Generator(np.random.PCG64(second))
        self._start = start.pose[0].astype(np.float64)
        gaze = np.nan_to_num(start.gaze[0].astype(np.float64))
        self._head = _Head(model.head, self._start)
        self._blinker = Blinker(model.eyes, float(start.blink[0])) if blink else None
        self._gazer = Gazer(model.eyes, gaze, is_shut(float(start.blink[0])))
        self._lids, self._dip = float(start.blink[0]), model.eyes.dip

    def push(self, energy: NDArray[np.floating]) -> Controls:
        """The frames of the next piece: (n,) energies -> n frames."""
        n, normals, uniforms = len(energy), self._head.NORMALS, self._head.UNIFORMS
        normal = self._normal.standard_normal((n, normals + Gazer.NORMALS + Blinker.NORMALS))
        uniform = self._uniform.random((n, uniforms + Gazer.UNIFORMS + Blinker.UNIFORMS))
        loud = np.clip(np.nan_to_num(np.asarray(energy, np.float64)), 0, 1)
        pose, gaze, blink = np.empty((n, POSE_NUMBERS)), np.empty((n, 2)), np.full(n, self._lids)
        for i in range(n):
            moved = self._head.step(float(loud[i]), uniform[i, :uniforms], normal[i, :normals])
            pose[i] = self._start + moved
            gaze[i] = self._gazer.step(
                moved[[1, 0]], float(uniform[i, uniforms]), normal[i, normals:-1]
            )
            if self._blinker is not None:
                blink[i] = self._blinker.step(
                    self._head.loudness, float(uniform[i, -1]), float(normal[i, -1])
                )
                gaze[i, 1] += self._dip * self._blinker.shut
        return Controls(pose.astype(np.float32), gaze.astype(np.float32), blink.astype(np.float32))


class _Head:
    """The processes of the head, relative to the portrait."""

    UNIFORMS, NORMALS = len(PROCESSES), len(PROCESSES) * POSE_NUMBERS

    def __init__(self, model: HeadModel, start: Array) -> None:
        self._model = model
        self._amplitude = np.array(model.amplitude)
        self._mix = np.linalg.cholesky(np.array(model.correlation)).T
        self._hold_s, self._gain = np.array(model.hold_s), np.array(model.gain)
        self._follow = (1 - np.exp(-FRAME_S / np.array(model.follow_s)))[:, None]
        self._nod_follow = float(self._follow[PROCESSES.index("beats"), 0])
        self._limits = _limits(start)
        self._target = np.zeros((len(PROCESSES), POSE_NUMBERS))
        self._poles = np.zeros((3, len(PROCESSES), POSE_NUMBERS))
        self._nod = np.zeros(3)
        self._begun = False
        self.loudness = 0.0
        self._mean = 0.0

    def step(self, energy: float, uniforms: Array, normals: Array) -> Array:
        """The next frame: (6,) away from the portrait. The first is 0."""
        moved = self._poles[2].sum(0)
        moved[0] += self._nod[2]
        rise = max(energy - self.loudness, 0.0)
        self.loudness += (energy - self.loudness) * _share(
            _ATTACK_S if energy > self.loudness else _RELEASE_S
        )
        self._mean += (self.loudness - self._mean) * _share(_MEAN_S)
        strength = np.maximum(1 + self._gain * (2 * self.loudness - 1), _LEAST_STRENGTH)
        rate = strength * (1 + _RISE_GAIN * rise * (self._gain > 0)) / self._hold_s
        new = uniforms < 1 - np.exp(-FRAME_S * rate)
        # sway has a target from the first frame on: a head that waited for its draws would stand still till then
        new[PROCESSES.index("sway")] |= not self._begun
        self._begun = True
        if new.any():
            drawn = (
                normals.reshape(self._target.shape)
                @ self._mix
                * self._amplitude
                * strength[:, None]
            )
            self._target = np.where(new[:, None], drawn, self._target)
        wanted, nod = self._target, self._model.nod * (self.loudness - self._mean)
        for k in range(3):
            self._poles[k] += self._follow * (wanted - self._poles[k])
            self._nod[k] += self._nod_follow * (nod - self._nod[k])
            wanted, nod = self._poles[k], float(self._nod[k])
        return np.asarray(self._limits * np.tanh(moved / self._limits))


def _share(time_s: float) -> float:
    return 1 - math.exp(-FRAME_S / time_s)


def _limits(start: Array) -> Array:
    """How far the head may go from where it is: less where the picture's edge is near."""
    x, y, radius = start[3], start[4], math.exp(min(start[5], 0.0))
    limits = np.array(LIMITS)
    limits[3] = min(limits[3], max(min(x, 1 - x) - _SIDE * radius, _LEAST_ROOM))
    limits[4] = min(limits[4], max(min(y - _TOP * radius, 1 - y - _BOTTOM * radius), _LEAST_ROOM))
    return limits
