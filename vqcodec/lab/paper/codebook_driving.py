"""Cross-identity driving for Table 3: one clip's motion moves the portrait of another person.

Clips by name; every clip at an even place (0, 2, 4, ...) drives the portrait of the clip after it, its first frame. As
`decode --portrait` does it: the driver's motion relative to its own first frame is added to the portrait's features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.identity import IdentityEmbedder, identity_distance
from vqcodec.evaluation.metrics.stability import motion_stability
from vqcodec.evaluation.tools.frames import to_side
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import from_indices, to_indices
from vqcodec.lab.paper.codebook_counts import Indices
from vqcodec.lab.paper.motioncoder import MotionCoder
from vqcodec.lab.rate.rdo import track
from vqcodec.quantize.grfsq import dequantize, quantize
from vqcodec.render.renderer import Renderer

FRAMES = 50
IDENTITY_EVERY = 10
SIDE_PX = 256
_BATCH = 10

Motion = NDArray[np.float32]
Pictures = NDArray[np.uint8]
Points = NDArray[np.float32]
Stability = Callable[[Sequence[Points | None]], float]


class Coder(Protocol):
    """Motion as a decoder would have it, and the indices where there are any."""

    def __call__(self, delta: Motion) -> tuple[Motion, Indices | None]:
        """(N, 48) -> (N, 48) and (N, G, R)."""


def trained(coder: MotionCoder) -> Coder:
    """A trained row."""

    def code(delta: Motion) -> tuple[Motion, Indices | None]:
        with torch.inference_mode():
            coded = coder(torch.from_numpy(delta))
            return coded.delta.numpy(), coded.indices.numpy()

    return code


def plain(delta: Motion) -> tuple[Motion, Indices | None]:
    """No quantizer at all."""
    return delta, None


def shipped(units: NDArray[np.float32]) -> Coder:
    """The codec's own integers, bitstream_spec/tokens.md."""

    def code(delta: Motion) -> tuple[Motion, Indices | None]:
        indices = to_indices(quantize(delta, units))
        return dequantize(from_indices(indices), units), indices.astype(np.int64)

    return code


@dataclass(frozen=True, slots=True)
class Material:
    """What is needed of one validation clip.

    Attributes:
        name: of the clip.
        features: (T, 48) float32 as the encoder sees them; a frame without a face repeats the one before.
        portrait: (512, 512, 3) uint8, the first frame.
        shown: (up to FRAMES, 256, 256, 3) uint8, its first frames.
    """

    name: str
    features: Motion
    portrait: Pictures
    shown: Pictures

    @property
    def delta(self) -> Motion:
        """(T, 48) motion relative to the first frame."""
        return self.features - self.features[0]


def material(clip: Path, folder: Path, parts: EncoderParts) -> Material:
    """Track a clip, or read what was kept of it in `folder`.

    Raises:
        UsageError: no face in the first frame.
    """
    path, space = folder / f"{clip.stem}.material", str(parts.space.id)
    if path.is_file():
        with safe_open(str(path), "np") as handle:
            if (handle.metadata() or {}).get("space") == space:
                return Material(
                    clip.stem, *(handle.get_tensor(k) for k in ("features", "portrait", "shown"))
                )
    frames = track(clip, parts).frames
    rows: list[NDArray[np.float32]] = []
    pictures: list[Pictures] = []
    for frame, features in frames:
        if frame.face is None or features is None:
            if not rows:
                raise UsageError(
                    f"no face in the first frame of {clip}", hint="Leave this clip out."
                )
            features, square = rows[-1], pictures[-1]
        else:
            square = frame.face.square
        rows.append(features)
        pictures.append(square)
    found = Material(
        clip.stem,
        np.stack(rows),
        pictures[0].copy(),
        np.stack([to_side(p) for p in pictures[:FRAMES]]),
    )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {"features": found.features, "portrait": found.portrait, "shown": found.shown},
        str(path),
        {"space": space},
    )
    return found


def pairs(clips: Sequence[Material]) -> list[tuple[Material, Material]]:
    """(driver, portrait), by the rule above; the last clip of an odd number drives the first one's portrait."""
    return [(clips[i], clips[(i + 1) % len(clips)]) for i in range(0, len(clips), 2)]


@dataclass(frozen=True, slots=True)
class Driven:
    """Means over the frames of one driven portrait; NaN where nothing could be measured.

    Attributes:
        id_dist: dlib identity distance to the portrait, lower is better.
        csim: cosine of the same embeddings, higher is better.
        msi: motion stability index of the rendered frames.
        faces: frames with a face.
        frames: all of them.
    """

    id_dist: float
    csim: float
    msi: float
    faces: int
    frames: int


class DrivingStage:
    """Renders and measures driven portraits; a context manager, because MediaPipe must be closed."""

    def __init__(
        self, stability: Stability = motion_stability, *, identity_every: int = IDENTITY_EVERY
    ) -> None:
        self._stability, self._every = stability, identity_every
        self._landmarker, self._embedder = FaceLandmarker(), IdentityEmbedder()

    def __enter__(self) -> DrivingStage:
        return self

    def __exit__(self, *details: object) -> None:
        self._landmarker.close()

    def _points(self, pictures: Pictures) -> list[Points | None]:
        return [None if (f := self._landmarker.largest(p)) is None else f.points for p in pictures]

    def stability(self, pictures: Pictures) -> float:
        """MSI of a video as it is, (T, 256, 256, 3)."""
        return self._stability(self._points(pictures))

    def drive(
        self, driver: Material, portrait: Material, code: Coder, renderer: Renderer
    ) -> Driven:
        """Render the driver's first frames with the other's portrait, through a coder, and measure them."""
        state = renderer.prepare(portrait.portrait, portrait.features[0])
        poses = portrait.features[0] + code(driver.delta[:FRAMES])[0]
        pictures = np.concatenate(
            [
                renderer.render(state, poses[i : i + _BATCH], SIDE_PX)
                for i in range(0, len(poses), _BATCH)
            ]
        )
        points = self._points(pictures)
        still = portrait.shown[0]
        wanted = self._points(still[None])[0]
        distances, cosines = [], []
        for picture, found in list(zip(pictures, points, strict=True))[:: self._every]:
            if found is None or wanted is None:
                continue
            first, second = self._embedder(still, wanted), self._embedder(picture, found)
            distances.append(identity_distance(first, second))
            cosines.append(float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second))))
        return Driven(
            float(np.mean(distances)) if distances else float("nan"),
            float(np.mean(cosines)) if cosines else float("nan"),
            self._stability(points),
            sum(p is not None for p in points),
            len(points),
        )
