"""Compare our controls with MediaPipe's own outputs: python -m vqcodec.training.behaviour.controls_check CACHE [--clips N].

MediaPipe tells a pose matrix and blendshapes beside its landmarks; ours come from the landmarks alone, so that a .vqt stream
gives them too. Printed for real training clips of different people: the correlation within each clip (median and least), over
all frames, and ours as a multiple of MediaPipe's. A second table says how well `moved_head` explains real turns: the distance
between the landmarks of a clip's most frontal frame, turned, and those of its other frames, in radii of the head.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.geometry.controls import Controls, HeadShape, moved_head, read_controls
from vqcodec.geometry.headpose import angles, read_head
from vqcodec.geometry.mesh import SKULL
from vqcodec.models import store
from vqcodec.training.behaviour.head_shape import DepthLandmarker

CLIPS = 24
SHORTEST_FRAMES = 100
# a clip in which a number hardly moves says nothing about its correlation
LEAST_STD = {
    "pitch": 0.01,
    "yaw": 0.01,
    "roll": 0.01,
    "blink": 0.05,
    "gaze x": 0.05,
    "gaze y": 0.05,
}
TURNS_DEG = ((0, 5), (5, 10), (10, 20), (20, 30))

Series = dict[str, NDArray[np.floating]]


def real_clips(cache: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Names and facts of the cached real training clips, in order of name."""
    for path in sorted(cache.glob("*.json")):
        facts = json.loads(path.read_text())
        if (
            facts["split"] == "train"
            and facts["kind"] == "real"
            and facts["frames"] >= SHORTEST_FRAMES
        ):
            yield path.stem, facts


def ours(controls: Controls) -> Series:
    """Controls by name."""
    return {
        "pitch": controls.pose[:, 0],
        "yaw": controls.pose[:, 1],
        "roll": controls.pose[:, 2],
        "blink": controls.blink,
        "gaze x": controls.gaze[:, 0],
        "gaze y": controls.gaze[:, 1],
    }


def theirs(rotation: NDArray[np.float64], shapes: list[dict[str, float]]) -> Series:
    """The same from MediaPipe's matrix and blendshapes; "in" is towards the nose, left and right are the person's own."""
    turn = angles(rotation)
    s = {key: np.array([shape[key] for shape in shapes]) for key in shapes[0]}
    return {
        "pitch": turn[:, 0],
        "yaw": turn[:, 1],
        "roll": turn[:, 2],
        "blink": (s["eyeBlinkLeft"] + s["eyeBlinkRight"]) / 2,
        "gaze x": (
            s["eyeLookOutLeft"] - s["eyeLookInLeft"] + s["eyeLookInRight"] - s["eyeLookOutRight"]
        )
        / 2,
        "gaze y": (
            s["eyeLookDownLeft"] - s["eyeLookUpLeft"] + s["eyeLookDownRight"] - s["eyeLookUpRight"]
        )
        / 2,
    }


def compared(cache: Path, shape: HeadShape, clips: int) -> list[tuple[Series, Series]]:
    """Both readings of one clip of each of `clips` people, at the frames the cache kept."""
    people: dict[int, str] = {}
    for name, facts in real_clips(cache):
        people.setdefault(facts["identity"], name)
    names = list(people.values())
    landmarker, pairs = DepthLandmarker(), []
    for name in names[:: max(1, len(names) // clips)][:clips]:
        frames = np.load(cache / f"{name}.256.npy", mmap_mode="r")
        found = [r for r in map(landmarker.read, frames) if r is not None]
        points = np.stack([r[0][:, :2] for r in found]).astype(np.float32)
        pairs.append(
            (
                ours(read_controls(points, shape)),
                theirs(np.stack([r[1] for r in found]), [r[2] for r in found]),
            )
        )
    landmarker.close()
    return pairs


def correlation_table(pairs: list[tuple[Series, Series]]) -> str:
    """Lines of text, one per number."""
    lines = ["            clips  within, median   least   all frames   ours / theirs"]
    for key, least in LEAST_STD.items():
        both = [(a[key], b[key]) for a, b in pairs]
        within = [np.corrcoef(x, y)[0, 1] for x, y in both if y.std() > least and x.std() > 0]
        x, y = (np.concatenate(v) for v in zip(*both, strict=True))
        lines.append(
            f"{key:10}{len(within):7}{np.median(within):16.3f}{min(within):8.3f}{np.corrcoef(x, y)[0, 1]:13.3f}"
            f"{np.polyfit(y, x, 1)[0]:16.2f}"
        )
    return "\n".join(lines)


def turn_table(cache: Path, shape: HeadShape) -> str:
    """Landmark distance by the angle turned: unmoved, moved in the picture's plane only, moved by `moved_head`."""
    sums = np.zeros((len(TURNS_DEG), 7))
    for name, _ in real_clips(cache):
        landmarks = np.load(cache / f"{name}.lm.npy")[::5]
        landmarks = landmarks[np.isfinite(landmarks).all((-1, -2))]
        if not len(landmarks):
            continue
        poses = read_controls(landmarks, shape).pose
        a = int(np.argmin(np.abs(poses[:, :2]).sum(1)))
        plane = poses.copy()
        plane[:, :2] = poses[a, :2]
        turn = np.degrees(np.abs(poses[:, :2] - poses[a, :2]).max(1))
        shown = (
            landmarks[a][None],
            moved_head(landmarks[a], poses[a], plane, shape),
            moved_head(landmarks[a], poses[a], poses, shape),
        )
        off = [np.linalg.norm(s - landmarks, axis=-1) / np.exp(poses[:, 5:]) for s in shown]
        table = np.stack([d[:, list(SKULL)].mean(1) for d in off] + [d.mean(1) for d in off], 1)
        for row, (low, high) in enumerate(TURNS_DEG):
            inside = (turn >= low) & (turn < high)
            sums[row] += [inside.sum(), *table[inside].sum(0)]
    lines = [
        "turned, deg  frames   skull: still   in plane   turned   all: still   in plane   turned"
    ]
    for (low, high), (count, *values) in zip(TURNS_DEG, sums, strict=True):
        v = np.array(values) / max(count, 1)
        lines.append(
            f"{low:3} to {high:2}{int(count):11}{v[0]:15.3f}{v[1]:11.3f}{v[2]:9.3f}{v[3]:13.3f}{v[4]:11.3f}{v[5]:9.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Command line: print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("--clips", type=int, default=CLIPS)
    args = parser.parse_args()
    shape = read_head(store.current("head").path)
    sys.stdout.write(turn_table(args.cache, shape) + "\n\n")
    sys.stdout.write(correlation_table(compared(args.cache, shape, args.clips)) + "\n")


if __name__ == "__main__":
    main()
