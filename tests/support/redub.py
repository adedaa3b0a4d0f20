"""Stand-ins with which a drawn recording gets new lips: a motion space that knows a mouth, a generator that opens it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tests.support.dub import (
    GENERATOR_ID,
    DrawnHeads,
    HeadSpace,
    dub_parts,
    head_template,
)
from tests.support.pipeline import RENDERER_ID
from vqcodec.container import Reader
from vqcodec.dubbing.parts import DubParts
from vqcodec.encoding.parts import EncoderParts
from vqcodec.geometry.controls import Controls
from vqcodec.geometry.mesh import LIPS_INNER, LIPS_OUTER
from vqcodec.stream.walk import poses
from vqcodec.types import Head

MOUTH = 4
"""Dimension that opens it."""


class MouthSpace(HeadSpace):
    """HeadSpace of which one number opens the mouth by lowering the lower lip."""

    def __post_init__(self) -> None:
        super().__post_init__()
        lower = np.zeros((478, 2))
        lower[list(LIPS_INNER[1:10] + LIPS_OUTER[1:10]), 1] = 1
        columns = [*self.basis.T[:MOUTH], lower.reshape(-1), *self.basis.T[MOUTH:-1]]
        self.basis = np.linalg.qr(np.stack(columns, 1))[0].astype(np.float32)
        if self.basis[2 * LIPS_INNER[5] + 1, MOUTH] < 0:
            self.basis[:, MOUTH] *= -1


@dataclass
class OpeningGenerator:
    """Opens the mouth as far as a token says; remembers what it was asked for."""

    id: Any = GENERATOR_ID
    asked: list[Any] = field(default_factory=list)

    def generate(
        self,
        speech: NDArray[np.int64],
        controls: Controls,
        portrait: Any,
        *,
        rest: NDArray[np.float32],
        seed: int = 0,
        **others: Any,
    ) -> Iterator[NDArray[np.int16]]:
        assert len(speech) == len(controls) == len(rest)
        self.asked.append((speech, controls, portrait, seed))
        values = np.zeros((len(speech), 48), np.int16)
        values[:, MOUTH] = speech // 8
        yield values[:20]
        yield values[20:]


def redub_parts(generator: OpeningGenerator | None = None) -> DubParts:
    """The models of a re-dubbing."""
    space, parts = MouthSpace(), dub_parts()
    assert parts.decoder is not None and not callable(parts.decoder)
    return replace(
        parts,
        space=space,
        generator=generator or OpeningGenerator(),
        decoder=replace(parts.decoder, space=space),
        encoder=coder_parts(),
    )


def coder_parts() -> EncoderParts:
    """What recordings are coded with."""
    return EncoderParts(MouthSpace(), RENDERER_ID, DrawnHeads)


def faces_of(stream: Path | BinaryIO) -> tuple[Head, NDArray[np.float32], NDArray[np.int64]]:
    """Head, (T, 478, 2) landmarks in 0..1 and (T,) ticks of a stream."""
    space = MouthSpace()
    with open(stream, "rb") if isinstance(stream, Path) else stream as file:
        reader = Reader(file)
        every = list(poses(reader, space.units))
    points = space.landmarks(np.stack([pose.features for pose in every]))
    return reader.head, points, np.array([pose.tick for pose in every])


def template_gap() -> float:
    """How far the drawn heads' lips are apart, in the template's units."""
    points = head_template()
    return float(points[14, 1] - points[13, 1])
