"""The field of a new motion space: principal components of the flow that the other dimensions leave over.

    python -m vqcodec.training.picture.field_fit CACHE TARGET [--space FILE] [--renderer FILE] [--components 16]

    pairs of frames of one training clip, up to MOST_APART_S apart
        --reference flow (render.reference), what is left over (motion.field)--> vectors on 16x16 cells, with weights
        --completed smoothly where nothing is known, weighted principal components--> field.components

TARGET is a motion space file: that of --space with the field, its units, and the flow network of --renderer frozen in it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from vqcodec.format import DIMS
from vqcodec.geometry.basis import read_basis
from vqcodec.geometry.field import TENSOR, FieldBasis
from vqcodec.geometry.layout import Layout, read_layout
from vqcodec.models import store
from vqcodec.motion.field import CELLS, FieldFit, grey_of
from vqcodec.motion.space import MotionSpace
from vqcodec.render.reference import PREFIX, ReferenceFlow, ReferenceNet, reference_weights
from vqcodec.training.picture.clips import CachedClip, load_clips

PAIRS = 14
MOST_APART_S = 2.5
LEAST_APART_S = 0.16
UNIT_PX = 0.25
HELD_OUT = 4
"""One identity of so many."""
_SMOOTHNESS, _SHRINKAGE = 0.15, 0.01
_REACH_PX = 20.0
_LEAST_SHARE = 1e-6

Floats = NDArray[np.float64]


def pairs(clip: CachedClip, rng: np.random.Generator) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Two frames of a clip, each with some others before and after it (all numbers among the valid ones)."""
    for _ in range(2):
        first = int(rng.integers(len(clip.valid)))
        apart = rng.uniform(LEAST_APART_S, MOST_APART_S, PAIRS // 2) * clip.rate_hz
        others = first + np.round(apart * rng.choice((-1, 1), len(apart))).astype(np.int64)
        others = np.unique(others.clip(0, len(clip.valid) - 1))
        yield first, others[others != first]


def held_out(clip: CachedClip) -> bool:
    """Clips that the basis doesn't see, so that they can tell how much of the flow it says."""
    return clip.identity % HELD_OUT == 0


def left_over(
    clips: list[CachedClip], space: MotionSpace, flow: ReferenceFlow, seed: int
) -> tuple[Floats, Floats]:
    """(N, 16, 16, 2) vectors in pixels of a 256 px crop and (N, 16, 16) weights."""
    rng = np.random.default_rng(seed)
    fit = FieldFit(FieldBasis(np.zeros((1, CELLS, CELLS, 2), np.float32)))
    vectors, weights = [], []
    for number, clip in enumerate(clips):
        for first, others in pairs(clip, rng):
            places = clip.valid[np.r_[first, others]]
            frames = np.stack([clip.frames[i] for i in places])
            features = space.features(frames, clip.landmarks[places], clip.surroundings[places])
            state, first_grey = flow.prepare(frames[0], features[0]), grey_of(frames[0])
            for frame, row in zip(frames[1:], features[1:], strict=True):
                known, weight = fit.left_over(first_grey, grey_of(frame), flow.flow(state, row)[0])
                vectors.append(known)
                weights.append(weight)
        if number % 20 == 0:
            print(f"left over: {number} of {len(clips)} clips", flush=True)
    return np.array(vectors, np.float64), np.array(weights, np.float64)


def smoothly_completed(vectors: Floats, weights: Floats) -> Floats:
    """What is near known vectors where known, and smooth, towards zero, elsewhere: (N, 16, 16, 2) -> the same."""
    rough = _SMOOTHNESS * _laplacian(CELLS) + _SHRINKAGE * np.eye(CELLS * CELLS)
    flat = vectors.clip(-_REACH_PX, _REACH_PX).reshape(len(vectors), -1, 2)
    return np.stack(
        [
            np.linalg.solve(rough + np.diag(w), w[:, None] * v)
            for v, w in zip(flat, weights.reshape(len(weights), -1), strict=True)
        ]
    ).reshape(vectors.shape)


def _laplacian(side: int) -> Floats:
    """Graph Laplacian of a grid."""
    line = 2 * np.eye(side) - np.eye(side, k=1) - np.eye(side, k=-1)
    line[0, 0] = line[-1, -1] = 1
    return np.asarray(np.kron(line, np.eye(side)) + np.kron(np.eye(side), line))


def components(vectors: Floats, weights: Floats, count: int) -> NDArray[np.float32]:
    """The first `count` principal components, (count, 16, 16, 2); each moves the weighted places by 1 px (RMS)."""
    shares = np.minimum(weights, np.quantile(weights[weights > 0], 0.8))
    shares = shares / shares.max()
    fields = smoothly_completed(vectors, shares)
    place = np.repeat(np.maximum(shares.mean(0), _LEAST_SHARE).reshape(-1), 2)
    _, strength, rows = np.linalg.svd(
        fields.reshape(len(fields), -1) * np.sqrt(place), full_matrices=False
    )
    energy = np.cumsum(strength**2) / (strength**2).sum()
    told = {k: round(float(energy[k - 1]), 3) for k in (4, 8, 16, 32) if k <= len(energy)}
    print("share of the energy:", told)
    basis = rows[:count] / np.sqrt(place)
    length = np.sqrt((basis**2 * place).sum(1) / place[::2].sum())
    return (basis / length[:, None]).reshape(count, CELLS, CELLS, 2).astype(np.float32)


def fit(cache: Path, target: Path, space: Path, renderer: Path, count: int, seed: int = 0) -> None:
    """Write a motion space with a field (see the module)."""
    with safe_open(str(renderer), "pt") as handle:
        weights = {k: handle.get_tensor(k) for k in handle.keys()}  # noqa: SIM118 (not a dict)
    frozen = reference_weights(weights)
    net = ReferenceNet()
    net.load_state_dict(
        {k.removeprefix(PREFIX): v.float() for k, v in frozen.items()}, strict=False
    )
    flow = ReferenceFlow(net, read_basis(space), read_layout(space), torch.device("cpu"))
    clips = [c for c in load_clips(cache, "train") if not held_out(c)]
    found = components(*left_over(clips, MotionSpace.load(space), flow, seed), count)
    with safe_open(str(space), "pt") as handle:
        facts = dict(handle.metadata() or {})
        tensors = {k: handle.get_tensor(k) for k in handle.keys()}  # noqa: SIM118 (not a dict)
    layout = read_layout(space)
    facts["name"] = target.stem
    facts["layout"] = Layout(layout.surround, layout.learned, count).to_text()
    units = tensors["basis.units"][:DIMS]
    tensors["basis.units"] = torch.cat([units, torch.full((count,), UNIT_PX, dtype=units.dtype)])
    tensors[TENSOR] = torch.from_numpy(found).half()
    save_file(
        {**tensors, **{k: v.half().contiguous() for k, v in frozen.items()}}, str(target), facts
    )
    print(json.dumps({"written": str(target), "bytes": target.stat().st_size}))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=fit.__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--space", type=Path, default=store.plain_motion_space().path)
    parser.add_argument("--renderer", type=Path, default=store.current("renderer").path)
    parser.add_argument("--components", type=int, default=16)
    args = parser.parse_args()
    fit(args.cache, args.target, args.space, args.renderer, args.components)


if __name__ == "__main__":
    main()
