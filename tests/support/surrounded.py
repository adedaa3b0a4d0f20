"""A stream with a scene around its square: that of a reference stream, in the middle of a drawn picture, and later in another."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np

from vqcodec.container import Reader, Writer
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.types import Crop, MotionGroup, PortraitUnit, ScenePicture, ScenePlace

WIDTH, HEIGHT, LEFT, TOP, SIDE = 640, 384, 192, 64, 256
PLACE = ScenePlace(WIDTH, HEIGHT, 16 * LEFT, 16 * TOP, 16 * SIDE)


def drawn(shift: int) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8: a soft pattern."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin((x + shift) / 40), np.cos((y + shift) / 30), np.sin((x + y) / 60)]
    return np.stack([128 + 60 * wave for wave in waves], -1).round().astype(np.uint8)


def surrounded_stream(source: Path, second_from: int) -> bytes:
    """All items of `source`, a stream of one shot; from frame `second_from` on another picture is around the square."""
    coder = PortraitCoder(40, preset=8, size_px=(WIDTH, HEIGHT))
    first, second = (coder.add(drawn(shift)) for shift in (0, 60))
    scenes = [
        ScenePicture(0, 0, 0, None, PLACE, first.unit),
        ScenePicture(second_from, 0, 1, second.depends_on, None, second.unit),
    ]
    with source.open("rb") as file:
        reader = Reader(file)
        items = list(reader)
        crop = Crop(WIDTH, HEIGHT, LEFT, TOP, SIDE)
        head, end = dataclasses.replace(reader.head, crop=crop), reader.end_tick
    sink = io.BytesIO()
    with Writer(sink, head) as writer:
        for item in items:
            if isinstance(item, PortraitUnit):
                writer.portrait(item)
                if item.number == 0:
                    writer.scene(scenes.pop(0))
            elif isinstance(item, MotionGroup):
                while scenes and scenes[0].first_frame < item.first_frame + len(item.ticks):
                    writer.scene(scenes.pop(0))
                writer.motion(item)
        writer.close(end)
    return sink.getvalue()
