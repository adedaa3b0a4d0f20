"""Decoded training material: uint8 frames and landmarks on disk, so that a training step reads and never decodes.

    cache/NAME.lm.npy     (T, 478, 2) float32, landmarks in units of the frame's side (0..1), NaN where no face was found
    cache/NAME.256.npy    (N, 256, 256, 3) uint8, every `stride`-th frame
    cache/NAME.512.npy    (M, 512, 512, 3) uint8, every `stride_512`-th frame of clips that are 512 px large
    cache/NAME.sur.npy    (N, 8) float32, motion of background and torso (motion.surroundings) at the frames of NAME.256.npy
    cache/NAME.json       clip facts: strides, size, kind, identity; written last, so a partial clip is never used

All `.npy` files are plain arrays (no pickle) and are opened memory-mapped.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError

STRIDES = {"real": (2, 6), "generated": (3, 9)}


@dataclass(frozen=True, slots=True)
class ClipRow:
    """One line of the corpus index: path below the corpus, split, kind (real or generated) and identity cluster."""

    file: str
    split: str
    kind: str
    identity: int
    audio: bool

    @property
    def name(self) -> str:
        """File name without folder and extension."""
        return Path(self.file).stem


def read_index(corpus: Path) -> list[ClipRow]:
    """Rows of `corpus/index.tsv`.

    Raises:
        MediaError: the index is missing.
    """
    path = corpus / "index.tsv"
    if not path.is_file():
        raise MediaError(
            f"no index.tsv in {corpus}",
            hint="Pass --data with a folder laid out as in the training guide.",
        )
    with path.open(newline="") as handle:
        return [
            ClipRow(r["file"], r["split"], r["kind"], int(r["identity"]), r["audio"] == "1")
            for r in csv.DictReader(handle, delimiter="\t")
        ]


def _decode(path: Path) -> list[NDArray[np.uint8]]:
    import av

    with av.open(str(path)) as container:
        return [
            f.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
            for f in container.decode(video=0)
        ]


def _resize(frames: list[NDArray[np.uint8]], side: int) -> NDArray[np.uint8]:
    return np.stack(
        [
            f if f.shape[0] == side else cv2.resize(f, (side, side), interpolation=cv2.INTER_AREA)
            for f in frames
        ]
    ).astype(np.uint8)


def build_surroundings(cache: Path, name: str) -> None:
    """Follow background and torso through a cached clip, unless that is done."""
    from vqcodec.geometry.layout import SURROUND_DIMS
    from vqcodec.motion.surroundings import SurroundingsTracker

    target = cache / f"{name}.sur.npy"
    if target.is_file():
        return
    stride = json.loads((cache / f"{name}.json").read_text())["stride"]
    frames = np.load(cache / f"{name}.256.npy", mmap_mode="r")
    landmarks = np.load(cache / f"{name}.lm.npy")[::stride][: len(frames)]
    tracker, values = SurroundingsTracker(), np.zeros((len(frames), SURROUND_DIMS), np.float32)
    for i, (frame, points) in enumerate(zip(frames, landmarks, strict=True)):
        values[i] = values[max(i - 1, 0)]
        if np.isfinite(points[0, 0]):
            values[i] = tracker.push(np.ascontiguousarray(frame), points)
    np.save(target, values)


def _landmarks(cache: Path, name: str, frames: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """(T, 478, 2) landmarks of a clip in 0..1: those in the cache if another machine found them, else looked for here."""
    from vqcodec.face.landmarks import FaceLandmarker
    from vqcodec.format import LANDMARKS

    path = cache / f"{name}.lm.npy"
    if path.is_file():
        found: NDArray[np.float32] = np.load(path)
        if len(found) == len(frames):
            return found
    points = np.full((len(frames), LANDMARKS, 2), np.nan, np.float32)
    with FaceLandmarker() as landmarker:
        for i, frame in enumerate(frames):
            face = landmarker.largest(frame)
            if face is not None:
                points[i] = face.points / frame.shape[0]
    np.save(path, points)
    return points


def build_clip(corpus: Path, cache: Path, row: ClipRow) -> int:
    """Decode one clip into the cache unless it is there; returns the number of its frames."""
    facts = cache / f"{row.name}.json"
    if facts.is_file():
        build_surroundings(cache, row.name)
        return int(json.loads(facts.read_text())["frames"])
    frames = _decode(corpus / row.file)
    _landmarks(cache, row.name, frames)
    stride, stride_512 = STRIDES[row.kind] if row.split == "train" else (1, 5)
    np.save(cache / f"{row.name}.256.npy", _resize(frames[::stride], 256))
    size = frames[0].shape[0]
    if size == 512:
        np.save(cache / f"{row.name}.512.npy", _resize(frames[::stride_512], 512))
    info: dict[str, Any] = dict(
        frames=len(frames),
        stride=stride,
        stride_512=stride_512,
        size=size,
        kind=row.kind,
        identity=row.identity,
        split=row.split,
    )
    facts.with_suffix(".tmp").write_text(json.dumps(info))
    os.replace(facts.with_suffix(".tmp"), facts)
    build_surroundings(cache, row.name)
    return len(frames)


def build_cache(corpus: Path, cache: Path, *, workers: int = 2) -> None:
    """Fill `cache` from `corpus`, in a fixed shuffled order so that a partial cache is a fair sample."""
    cache.mkdir(parents=True, exist_ok=True)
    rows = read_index(corpus)
    order = np.random.default_rng(0).permutation(len(rows))
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(build_clip, corpus, cache, rows[i]) for i in order]
        for done, job in enumerate(jobs, 1):
            job.result()
            if done % 20 == 0:
                print(f"cache: {done} of {len(jobs)} clips", flush=True)


def main() -> None:
    """Command line: python -m vqcodec.training.common.cache CORPUS CACHE."""
    parser = argparse.ArgumentParser(description=build_cache.__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("cache", type=Path)
    args = parser.parse_args()
    build_cache(args.corpus, args.cache)


if __name__ == "__main__":
    main()
