"""What was heard, and how the head moves besides -> motion groups for a portrait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DubOptions
from vqcodec.dubbing.listen import Heard
from vqcodec.dubbing.manner import Manner, own_seed
from vqcodec.dubbing.parts import DubParts
from vqcodec.dubbing.person import Person
from vqcodec.dubbing.poses import DUB_HZ, read_poses
from vqcodec.format import DIMS, MAX_GROUP_SPAN_S, to_indices
from vqcodec.geometry.controls import Controls
from vqcodec.geometry.portrait import PortraitFacts
from vqcodec.types import MotionGroup

GROUP_FRAMES = int(MAX_GROUP_SPAN_S * DUB_HZ)


def head_controls(
    heard: Heard, person: Person, parts: DubParts, options: DubOptions
) -> tuple[Controls, tuple[str, ...]]:
    """Head motion, gaze and blinks of every frame: from options.poses, or made up; and what a person should know.

    Raises:
        MediaError, BitstreamError, UnsupportedError, NoFaceError: as read_poses.
        UsageError: as Manner.of.
    """
    own, manner = person.controls, Manner.of(options)
    made_up, recorded, warnings = None, None, tuple[str, ...]()
    if options.poses is not None:
        poses = read_poses(options.poses, parts, heard.seconds)
        recorded, warnings = poses.controls(own, len(heard)), poses.warnings_for(len(heard))
    if manner.makes_up or recorded is None:
        seed = own_seed(options.seed, person.face.square, heard.tokens)
        made_up = parts.behaviour.controls(heard.energy, own, seed=seed)
    return manner.controls(own, made_up, recorded), warnings


def motion_groups(
    heard: Heard, controls: Controls, person: Person, parts: DubParts, options: DubOptions
) -> Iterator[MotionGroup]:
    """Groups of two seconds, made as they are asked for."""
    facts = PortraitFacts(
        features=person.features, landmarks=person.face.points, controls=person.controls
    )
    windows = parts.generator.generate(
        heard.tokens,
        controls,
        facts,
        rest=heard.rest,
        shut=heard.shut,
        temperature=options.temperature,
        argmax=options.argmax,
        seed=own_seed(options.seed, person.face.square, heard.tokens),
    )
    return _grouped(windows)


def _grouped(windows: Iterable[NDArray[np.int16]]) -> Iterator[MotionGroup]:
    """Motion values (t, 48) of consecutive windows, any t -> groups."""
    first = 0
    waiting = np.zeros((0, DIMS), np.int16)
    for window in windows:
        waiting = np.concatenate([waiting, window])
        while len(waiting) >= GROUP_FRAMES:
            yield _group(first, waiting[:GROUP_FRAMES])
            first, waiting = first + GROUP_FRAMES, waiting[GROUP_FRAMES:]
    if len(waiting):
        yield _group(first, waiting)


def _group(first: int, values: NDArray[np.int16]) -> MotionGroup:
    ticks = np.arange(first, first + len(values), dtype=np.int64)
    return MotionGroup(first, ticks, np.zeros(len(values), bool), to_indices(values))
