"""Make the mean head: python -m vqcodec.training.behaviour.head_shape CACHE MODELS.

MediaPipe's landmarker gives a depth with every landmark, on the scale of x. One frame of every training clip (the most
frontal that the cache kept, mouth most nearly closed) is measured again, turned upright by MediaPipe's own pose matrix, scaled
to a skull of radius 1, averaged over the clips of an identity, then over identities by an aligned mean (Procrustes on the
skull's points), and made symmetric. The same cache gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from vqcodec.errors import UsageError
from vqcodec.face.asset import face_model_path
from vqcodec.geometry.headpose import normalized
from vqcodec.geometry.mesh import OUTER_EYE_CORNERS, SKULL
from vqcodec.geometry.openings import BOTH_EYES, distance, lip_gap_per_eye_distance
from vqcodec.training.common.export import name_model
from vqcodec.training.picture.views import mirror_permutation

NAME = "head-1"
MOST_TURNED_RAD = 0.25
ROUNDS = 5
# MediaPipe's y points up and its z to the viewer; ours the other ways
_AXES = np.diag([1.0, -1.0, -1.0])

Array = NDArray[np.float64]


class DepthLandmarker:
    """MediaPipe's landmarker with everything it can tell: depth, pose matrix, blendshapes."""

    def __init__(self) -> None:
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        self._mp: Any = mp
        self._task: Any = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=str(face_model_path(None))),
                num_faces=1,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
        )

    def read(self, frame: NDArray[np.uint8]) -> tuple[Array, Array, dict[str, float]] | None:
        """Landmarks (478, 3) in sides of the square `frame`, rotation (3, 3) in our axes, blendshapes; None without a face."""
        found = self._task.detect(
            self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        )
        if not found.face_landmarks:
            return None
        matrix = np.asarray(found.facial_transformation_matrixes[0], np.float64)[:3, :3]
        u, _, v = np.linalg.svd(matrix)
        points = np.array([(p.x, p.y, p.z) for p in found.face_landmarks[0]])
        return (
            points,
            _AXES @ u @ v @ _AXES,
            {c.category_name: float(c.score) for c in found.face_blendshapes[0]},
        )

    def close(self) -> None:
        """Release the graph."""
        self._task.close()


def _best_frame(landmarks: NDArray[np.float32]) -> int | None:
    """Index of the most frontal frame with open eyes and a closed mouth, from the 2-D landmarks alone."""
    if not np.isfinite(landmarks).all((-1, -2)).any():
        return None
    p = landmarks.astype(np.float64)
    width = distance(p, OUTER_EYE_CORNERS)
    middle = (p[:, 263] + p[:, 33]) / 2
    across = (p[:, 263] - p[:, 33]) / width[:, None]
    turned = np.abs(((p[:, 4] - middle) * across).sum(-1)) / width
    mouth = lip_gap_per_eye_distance(p)
    middles = (eye.lids[1] for eye in BOTH_EYES)
    lids = sum(distance(p, pair) for pair in middles) / width
    return int(np.nanargmin(turned + mouth - lids))


def _aligned(points: Array, target: Array) -> Array:
    """`points` turned (not scaled) so that the skull lies best on the target's."""
    u, _, v = np.linalg.svd(points[list(SKULL)].T @ target[list(SKULL)])
    u[:, -1] *= np.sign(np.linalg.det(u @ v))
    return np.asarray(points @ (u @ v))


def mean_head(heads: Array) -> Array:
    """Mean of upright heads of radius 1, (N, 478, 3) -> (478, 3): aligned on the skull, upright as the plain mean, symmetric."""
    plain = normalized(heads.mean(0))
    mean = plain
    for _ in range(ROUNDS):
        mean = normalized(
            _aligned(normalized(np.median([_aligned(h, mean) for h in heads], axis=0)), plain)
        )
    mirrored = mean[mirror_permutation(mean[:, :2].astype(np.float32).reshape(-1))] * np.array(
        [-1.0, 1.0, 1.0]
    )
    return normalized((mean + _aligned(mirrored, mean)) / 2)


def measured_heads(cache: Path) -> Array:
    """Upright heads of radius 1, one per identity of the training clips, (N, 478, 3).

    Raises:
        UsageError: the cache holds no training clip with a frontal face.
    """
    found: dict[int, list[Array]] = defaultdict(list)
    landmarker = DepthLandmarker()
    for facts_path in sorted(cache.glob("*.json")):
        facts = json.loads(facts_path.read_text())
        frames = np.load(cache / f"{facts_path.stem}.256.npy", mmap_mode="r")
        best = _best_frame(
            np.load(cache / f"{facts_path.stem}.lm.npy")[:: facts["stride"]][: len(frames)]
        )
        if facts["split"] != "train" or best is None:
            continue
        reading = landmarker.read(frames[best])
        if reading is None or np.arccos(np.clip(reading[1][2, 2], -1, 1)) > MOST_TURNED_RAD:
            continue
        found[facts["identity"]].append(normalized(reading[0] @ reading[1]))
    landmarker.close()
    if not found:
        raise UsageError(
            f"no frontal face in the training clips of {cache}",
            hint="Fill the cache with python -m vqcodec.training.common.cache.",
        )
    return np.stack([normalized(np.mean(found[k], axis=0)) for k in sorted(found)])


def main() -> None:
    """Command line: write head-1.safetensors into MODELS and name it in its manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("models", type=Path)
    args = parser.parse_args()
    heads = measured_heads(args.cache)
    target = args.models / f"{NAME}.safetensors"
    points = np.round(mean_head(heads), 5).astype(np.float32)
    save_file(
        {"points": np.ascontiguousarray(points)},
        str(target),
        metadata={"kind": "head", "name": NAME},
    )
    name_model(args.models, "head", target)
    sys.stdout.write(f"{target.name}: {len(heads)} identities\n")


if __name__ == "__main__":
    main()
