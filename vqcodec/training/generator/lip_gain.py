"""How far a generator's lips must be enlarged to move as far as real ones (gesture.emphasis).

    python -m vqcodec.training.generator.lip_gain CACHE GENERATOR.safetensors

Measured on the held-out people of the training clips, and written into the file: of the gains from 1 to 3 the one whose
openings spread as the real ones do, median over the clips.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vqcodec.errors import UsageError
from vqcodec.generate.generator import MotionGenerator
from vqcodec.generate.inputs import network_inputs
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.controls import HeadShape
from vqcodec.geometry.headpose import read_head
from vqcodec.geometry.openings import lip_gap_per_eye_distance
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.gesture.emphasis import LipEmphasis
from vqcodec.gesture.finish import MotionFinish
from vqcodec.models import store
from vqcodec.training.generator.clips import MotionClip, load_motion_clips

GAINS = tuple(np.arange(1.0, 3.01, 0.1).round(2).tolist())
CLIPS = 30


def spreads(
    generator: MotionGenerator, clip: MotionClip, basis: LandmarkBasis, shape: HeadShape
) -> NDArray[np.float64]:
    """Spread of a dub's mouth openings over that of the real ones, for each of GAINS."""
    features = np.concatenate([basis.project(clip.landmarks[:1])[0], clip.rest[0]])
    stored = (np.rint(features / basis.units) * basis.units).astype(np.float32)
    facts = PortraitFacts(stored, clip.controls[:1], clip.landmarks[0])
    values = np.concatenate(list(generator.generate(clip.speech[0], clip.controls, facts))).astype(
        np.float32
    )
    _, turned, _ = network_inputs(
        clip.landmarks[0], clip.controls[:1], clip.controls, stored, basis, shape
    )
    emphasis = LipEmphasis(basis, shape)
    made = [
        basis.landmarks(
            (stored + emphasis(values, turned, stored, gain) * basis.units).astype(np.float32)
        )
        for gain in GAINS
    ]
    return np.array([_opening_spread(points) for points in made]) / max(
        _opening_spread(clip.landmarks), 1e-3
    )


def _opening_spread(points: NDArray[np.float32]) -> float:
    return float(lip_gap_per_eye_distance(points.astype(np.float64)).std())


def fitted_gain(generator: MotionGenerator, clips: list[MotionClip], basis: LandmarkBasis) -> float:
    """The gain at which the median spread is nearest to the real one.

    Raises:
        UsageError: no clips.
    """
    if not clips:
        raise UsageError(
            "no held-out clips to fit the lips' gain on",
            hint="Fill the cache with vqcodec train speech.",
        )
    shape = read_head(store.current("head").path)
    table = np.median(
        np.stack([spreads(generator, clip, basis, shape) for clip in clips[:CLIPS]]), axis=0
    )
    return GAINS[int(np.abs(np.log(table)).argmin())]


def write_gain(path: Path, gain: float) -> None:
    """Put a gain into a generator's file, in place of the one it had."""
    with safe_open(str(path), "pt") as handle:
        facts = dict(handle.metadata() or {})
    part = path.with_suffix(".part")
    save_file(load_file(str(path)), str(part), metadata=facts | {"lip_gain": json.dumps(gain)})
    os.replace(part, path)


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    parser.add_argument("generator", type=Path)
    args = parser.parse_args()
    write_gain(args.generator, 1.0)
    _, held = load_motion_clips(args.cache)
    gain = fitted_gain(
        MotionGenerator.load(args.generator, "cpu", finish=MotionFinish),
        held,
        read_basis(store.plain_motion_space().path),
    )
    write_gain(args.generator, gain)
    print(f"lips enlarged {gain} times in {args.generator}")


if __name__ == "__main__":
    main()
