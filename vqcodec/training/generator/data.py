"""Examples for the generator: stretches of clips, seen through a random view, with the digits that a codec would make of them.

A stretch has one portrait, any frame of its clip. Digits of a layer are those nearest to what the layers before left over;
some of the layers before are made worse on purpose, because at run time they come from the network and aren't always the best.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.generate.conditions import conditions
from vqcodec.geometry.basis import BASIS_SIDE, LandmarkBasis, read_basis
from vqcodec.geometry.controls import Controls, moved_head, read_controls
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.layout import MOTION_2
from vqcodec.geometry.mesh import LANDMARKS
from vqcodec.gesture.emphasis import lower_face
from vqcodec.models import store
from vqcodec.quantize.grfsq import HALF, STEPS, quantize
from vqcodec.training.common.plain_loop import Batch
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import LEAST_CORRELATION, SIGNALS, shifted
from vqcodec.training.generator.recordings import Recordings
from vqcodec.training.picture.data import mirror_permutation, seen_through
from vqcodec.types import DIMS, LAYERS

Floats = NDArray[np.float32]
HELD_OUT = 12
"""Every 12th person, by number, is for checks only."""


@dataclass(frozen=True, slots=True)
class MotionClip:
    """One clip: (T, 478, 2) landmarks, (T, 12) surroundings and learned numbers, controls, speech of every frame.

    `mirrored` are the controls of the mirrored clip: the skull's points are not quite the same on both sides. `speech` is
    (V, T) int64 codes or (1, T, D) float16 features. `likely` are the (T, 3) lips that its sound lets expect.
    """

    name: str
    landmarks: Floats
    rest: Floats
    controls: Controls
    mirrored: Controls
    speech: NDArray[np.generic]
    real: bool
    likely: Floats | None = None

    def __len__(self) -> int:
        return len(self.landmarks)


def load_motion_clips(
    cache: Path,
    sounds: Path | None = None,
    *,
    continuous: bool = False,
    reader: LipReader | None = None,
) -> tuple[list[MotionClip], list[MotionClip]]:
    """Training clips and held-out ones of a cache (training.motion_cache), in step with their sound (training.lip_tracks).

    Args:
        cache: the folder.
        sounds: folder with the teacher's features (training.sound_cache).
        continuous: take those for speech instead of codes.
        reader: tells the lips to expect of them.
    """
    shape = read_head(store.current("head").path)
    sync = json.loads((cache / "sync.json").read_text()) if (cache / "sync.json").is_file() else {}
    swap = mirror_permutation(read_basis(store.current("motion_space").path).mean)
    train, held = list[MotionClip](), list[MotionClip]()
    for path in sorted(cache.glob("*.motion.npy")):
        name = path.name.removesuffix(".motion.npy")
        rows = np.load(path)
        taught = None if sounds is None else np.load(sounds / f"{name}.teacher.npy", mmap_mode="r")
        if taught is not None and continuous:
            speech: NDArray[np.generic] = taught[None]
        else:
            speech = np.load(cache / f"{name}.codes.npy").astype(np.int64)
        lag, correlation = sync.get(name, (0, 1.0))
        if correlation < LEAST_CORRELATION:
            continue
        speech = shifted(speech[0], lag)[None] if continuous else shifted(speech.T, lag).T
        count = min(len(rows), speech.shape[1])
        likely = (
            None
            if taught is None or reader is None
            else np.asarray(shifted(reader(taught), lag)[:count], np.float32)
        )
        facts = json.loads((cache / f"{name}.json").read_text())
        landmarks = np.ascontiguousarray(rows[:count, : 2 * LANDMARKS]).reshape(count, LANDMARKS, 2)
        clip = MotionClip(
            name,
            landmarks,
            rows[:count, 2 * LANDMARKS :],
            read_controls(landmarks, shape),
            read_controls(mirrored(landmarks, swap), shape),
            speech[:, :count],
            facts["kind"] == "real",
            likely,
        )
        out = zlib.crc32(f"person {facts['identity']}".encode()) % HELD_OUT == 0
        (held if out else train).append(clip)
    return train, held


def mirrored(landmarks: Floats, swap: NDArray[np.int64]) -> Floats:
    """(..., 478, 2) of the mirrored picture; `swap` says which landmark becomes which."""
    return landmarks[..., swap, :] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)


@dataclass(frozen=True, slots=True)
class View:
    """A random similarity of the square, applied to what was measured in it."""

    scale: float
    angle: float
    shift: Floats
    mirror: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> View:
        """Within what crops of real pictures look like."""
        return cls(
            float(np.exp(rng.uniform(-0.18, 0.15))),
            float(rng.uniform(-0.1, 0.1)),
            rng.uniform(-0.06, 0.06, 2).astype(np.float32),
            bool(rng.random() < 0.5),
        )

    def points(self, landmarks: Floats, swap: NDArray[np.int64]) -> Floats:
        """(..., 478, 2) in 0..1; `swap` as in `mirrored`."""
        if self.mirror:
            landmarks = mirrored(landmarks, swap)
        cosine, sine = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        turn = np.array([[cosine, sine], [-sine, cosine]], np.float32)
        return np.asarray((landmarks - 0.5) @ turn + 0.5 + self.shift, np.float32)

    def controls(self, given: Controls) -> Controls:
        """What `read_controls` would find in `points`; `given` are the mirrored clip's if the view is mirrored."""
        pose = given.pose.copy()
        cosine, sine = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        pose[:, 2] += self.angle
        pose[:, 3:5] = (
            (pose[:, 3:5] - 0.5) @ np.array([[cosine, sine], [-sine, cosine]], np.float32)
            + 0.5
            + self.shift
        )
        pose[:, 5] += np.log(self.scale)
        return Controls(pose, given.gaze, given.blink)

    def rest(self, numbers: Floats) -> Floats:
        """(T, 12) surroundings (turned only about themselves, not by the view's small angle) and learned numbers."""
        view = np.array(
            [
                [self.scale, 0, 0.5 - 0.5 * self.scale + self.shift[0]],
                [0, self.scale, 0.5 - 0.5 * self.scale + self.shift[1]],
            ]
        )
        view[:, 2] *= BASIS_SIDE
        around = seen_through(numbers[:, :8], view, self.mirror, int(BASIS_SIDE), int(BASIS_SIDE))
        return np.concatenate([around.astype(np.float32), numbers[:, 8:]], 1)


def digits_of(
    values: NDArray[np.integer], rng: np.random.Generator | None = None, worse: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Digits of every layer, and the targets they should have been.

    Args:
        values: (T, 48) whole units, -170..170.
        rng: for worse ones.
        worse: share of digits of the first three layers that take the second best value.

    Returns:
        (T, 48, 4) int64 of digits -2..2 in use, and of targets: the best for what the digits in use before left over.
    """
    left = values.astype(np.int64)
    used, wanted = (np.empty((*values.shape, LAYERS), np.int64) for _ in range(2))
    for layer, step in enumerate(STEPS):
        best = np.sign(left) * np.minimum((2 * np.abs(left) + step) // (2 * step), HALF)
        wanted[..., layer] = best
        if rng is not None and worse and layer < LAYERS - 1:
            second = np.clip(best + np.where(left >= step * best, 1, -1), -HALF, HALF)
            best = np.where(rng.random(values.shape) < worse, second, best)
        used[..., layer] = best
        left = left - step * best
    return used, wanted


class Stretches:
    """Endless batches of stretches.

    Args:
        clips: to draw from, real ones `real_weight` times as often.
        basis: of the motion space.
        batch: stretches in a batch.
        length: frames of each; shorter clips are padded.
        seed: of the draws.
        real_weight: see above.
        silence: (V, N) codes of silence, or None: a share of the stretches falls silent with closed lips.
        recordings: a share of the stretches gets the sound of one of these instead of its own.
        recorded: that share.
        spoil: views, worse digits, hidden speech.
    """

    SILENT_SHARE = 0.1
    HIDDEN_SHARE = 0.15
    WORSE_SHARE = 0.1

    def __init__(
        self,
        clips: list[MotionClip],
        basis: LandmarkBasis,
        *,
        batch: int,
        length: int,
        seed: int,
        real_weight: float = 3.0,
        silence: NDArray[np.int64] | None = None,
        recordings: Recordings | None = None,
        recorded: float = 0.3,
        spoil: bool = True,
    ) -> None:
        self._clips, self._basis, self._batch, self._length, self._spoil = (
            clips,
            basis,
            batch,
            length,
            spoil,
        )
        self._silence = silence
        self._recordings, self._recorded = recordings, recorded
        self._rng = np.random.default_rng(seed)
        self._shape = read_head(store.current("head").path)
        self._lower_face = lower_face(self._shape)
        self._mirror = mirror_permutation(basis.mean)
        weights = np.array([len(c) * (real_weight if c.real else 1.0) for c in clips])
        self._odds = weights / weights.sum()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            rows = [self._draw() for _ in range(self._batch)]
            yield {key: torch.from_numpy(np.stack([row[key] for row in rows])) for key in rows[0]}

    def _draw(self) -> dict[str, NDArray[np.generic]]:
        rng = self._rng
        clip = self._clips[int(rng.choice(len(self._clips), p=self._odds))]
        first = int(rng.integers(0, max(len(clip) - self._length, 0) + 1))
        span = slice(first, min(first + self._length, len(clip)))
        chosen = int(rng.integers(len(clip)))
        view = View.drawn(rng) if self._spoil else View(1.0, 0.0, np.zeros(2, np.float32), False)
        points = view.points(
            np.concatenate([clip.landmarks[chosen : chosen + 1], clip.landmarks[span]]),
            self._mirror,
        )
        seen = clip.mirrored if view.mirror else clip.controls
        given = view.controls(Controls.concatenate([seen[chosen : chosen + 1], seen[span]]))
        rest = view.rest(np.concatenate([clip.rest[chosen : chosen + 1], clip.rest[span]]))
        speech = clip.speech[int(rng.integers(len(clip.speech))) if self._spoil else 0, span]
        likely = (
            np.full((len(speech), len(SIGNALS)), np.nan, np.float32)
            if clip.likely is None
            else clip.likely[span]
        )
        recordings = self._recordings if rng.random() < self._recorded else None
        if recordings is not None:
            speech, likely = recordings.draw(len(speech), rng)
        elif self._spoil and self._silence is not None and rng.random() < self.SILENT_SHARE:
            points, speech = self._fallen_silent(points, given, speech)
            likely = np.full_like(likely, np.nan)
        if self._spoil and speech.ndim == 1:
            speech = np.where(rng.random(len(speech)) < self.HIDDEN_SHARE, -1, speech)
        row = self._example(points, given, rest, speech, view.mirror)
        return row | dict(
            filmed=np.array(recordings is None), likely=_padded(likely, self._length - len(likely))
        )

    def _fallen_silent(
        self, points: Floats, given: Controls, speech: NDArray[np.generic]
    ) -> tuple[Floats, NDArray[np.generic]]:
        """From some frame to another nobody speaks and the lips are as in the frame where they are closest."""
        assert self._silence is not None
        count, rng = len(speech), self._rng
        length = int(rng.integers(count // 3, count + 1))
        start = int(rng.integers(0, count - length + 1))
        gap = np.linalg.norm(points[1:, 13] - points[1:, 14], axis=-1)
        closed = 1 + int(gap.argmin())
        still = moved_head(points[closed], given.pose[closed], given.pose[1:], self._shape)
        inside = np.clip(
            np.minimum(np.arange(count) - start + 1, start + length - np.arange(count)) / 4, 0, 1
        )
        share = inside[:, None, None].astype(np.float32) * self._lower_face
        row = self._silence[int(rng.integers(len(self._silence)))]
        begin = int(rng.integers(0, len(row) - length + 1))
        quiet = speech.copy()
        quiet[start : start + length] = row[begin : begin + length]
        return np.concatenate([points[:1], points[1:] + share * (still - points[1:])]), quiet

    def _example(
        self,
        points: Floats,
        given: Controls,
        rest: Floats,
        speech: NDArray[np.generic],
        mirrored: bool,
    ) -> dict[str, NDArray[np.generic]]:
        basis, count = self._basis, len(speech)
        features = np.concatenate([basis.project(points), rest], 1)
        stored = (np.rint(features[0] / basis.units) * basis.units).astype(np.float32)
        values = quantize(features[1:] - stored, basis.units)
        used, wanted = digits_of(values, self._rng, self.WORSE_SHARE if self._spoil else 0.0)
        controls, turned, portrait = conditions(
            points[0], given[:1], given[1:], stored, basis, self._shape
        )
        pad = self._length - count
        weights = np.full(DIMS, not mirrored, np.float32)
        weights[: MOTION_2.learned_span.start] = 1
        out: dict[str, NDArray[np.generic]] = dict(
            speech=_padded(speech if speech.ndim == 1 else speech.astype(np.float32), pad),
            controls=_padded(controls, pad),
            turned=_padded(turned, pad),
            used=_padded(used.astype(np.int8), pad),
            wanted=_padded(wanted.astype(np.int8), pad),
            values=_padded(values, pad),
            portrait=portrait,
            weights=weights,
            mask=np.arange(self._length) < count,
        )
        return out


def _padded(rows: NDArray[np.generic], pad: int) -> NDArray[np.generic]:
    """Zeros at the end of the first axis."""
    return np.concatenate([rows, np.zeros((pad, *rows.shape[1:]), rows.dtype)])
