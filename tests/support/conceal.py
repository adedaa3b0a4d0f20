"""A stream to lose parts of, and what a recovering decode shows and plays of what is left."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from tests.support.pipeline import FakeSpace
from tests.support.recover import GROUP_FRAMES, kinds, playable, split
from vqcodec.config import DecodeOptions
from vqcodec.container import Reader, RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.conceal import Concealment
from vqcodec.decoding.heard import Samples
from vqcodec.decoding.window import Pose, Window, play

UNITS = FakeSpace().units
WHOLE = playable(6)
PARTS = split(WHOLE)
MOTION, SOUND = kinds(PARTS, b"MOTN"), kinds(PARTS, b"AUDO")
FRAMES = 6 * GROUP_FRAMES


def without(*numbers: int, parts: list[bytes] | None = None) -> bytes:
    return b"".join(part for number, part in enumerate(parts or PARTS) if number not in numbers)


def shown(data: bytes, **options: object) -> tuple[list[Pose], NDArray[np.int16], Damage]:
    """Poses and sound of a damaged stream."""
    chosen = DecodeOptions(recover=True, **options)  # type: ignore[arg-type]
    reader = RecoveringReader.open(io.BytesIO(data), from_s=chosen.start_s)
    window = Window(reader.head, UNITS, chosen, Concealment(reader))
    results = list(play(reader, window))
    pcm = [item.pcm for item in results if isinstance(item, Samples)]
    poses = [item for item in results if isinstance(item, Pose)]
    return poses, np.concatenate(pcm or [np.zeros((0, 1), np.int16)]), reader.damage


def undamaged() -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    reader = Reader(io.BytesIO(WHOLE))
    results = list(play(reader, Window(reader.head, UNITS, DecodeOptions())))
    return (
        np.stack([item.features for item in results if isinstance(item, Pose)]),
        np.concatenate([item.pcm for item in results if isinstance(item, Samples)]),
    )


POSES, PCM = undamaged()
