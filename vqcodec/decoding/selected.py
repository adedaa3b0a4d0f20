"""Some frames of a stream as a decode shows them, without those between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.container import Reader
from vqcodec.decoding.parts import DecoderParts
from vqcodec.decoding.pictures import rendered
from vqcodec.decoding.portraits import PortraitStates
from vqcodec.decoding.window import Pose, Window, play
from vqcodec.format import CODED_SIZE_PX
from vqcodec.types import AudioGroup, VideoFrame


def selected_frames(
    source: BinaryIO,
    parts: DecoderParts,
    wanted: Callable[[int], bool],
    size_px: int = CODED_SIZE_PX,
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Frames by their numbers; one depends on its portraits and its own tokens alone.

    Args:
        source: a .vqt stream.
        parts: renderer and motion space.
        wanted: of a frame's number, whether it is to be rendered.
        size_px: side of the pictures.

    Yields:
        Number and (size_px, size_px, 3) uint8 RGB, in order.

    Raises:
        BitstreamError: the stream is damaged.
        UnsupportedError: it needs another motion space.
    """
    reader = Reader(source)
    parts.check(reader.head)
    units = parts.space.units
    silent = (item for item in reader if not isinstance(item, AudioGroup))
    every = play(silent, Window(reader.head, units, DecodeOptions()))
    numbers: list[int] = []

    def chosen() -> Iterator[Pose]:
        for number, pose in enumerate(pose for pose in every if isinstance(pose, Pose)):
            if wanted(number):
                numbers.append(number)
                yield pose

    states = PortraitStates(parts.renderer, units, reader.head.coded_size_px)
    pictures = rendered(chosen(), states, parts.renderer, size_px, parts.batch_frames)
    for order, frame in enumerate(pictures):
        assert isinstance(frame, VideoFrame)  # no sound was given
        yield numbers[order], frame.rgb
