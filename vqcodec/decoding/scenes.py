"""The scene around the square: its pictures decoded, and filled with the square.

    ScenePicture --ScenesToCome (scenes_due.py): by frame number--> before its first pose --SceneFiller--> whole pictures
                                                                                            AV1, face.paste

What can't be decoded isn't shown: the picture before it stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from vqcodec.decoding.heard import Samples
from vqcodec.decoding.window import Held
from vqcodec.errors import BitstreamError
from vqcodec.face.paste import LONG_SIDE_PX, SCENE_FEATHER_SHARE, PasteBack
from vqcodec.format import MAX_PATH_UNITS, SCENE_PARTS
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop, Head, ScenePicture, ScenePlace, VideoFrame

Picture = NDArray[np.uint8]


class SceneFiller:
    """Puts squares into the scene's pictures.

    Attributes:
        width, height: of the whole pictures, even: the source's, or scaled so that no side is above 1920.
        undecoded: pictures of the scene that can't be decoded, or whose path is broken.

    Args:
        head: of the stream; its crop says how large the source was.
        place: of the first scene.
    """

    def __init__(self, head: Head, place: ScenePlace) -> None:
        crop = head.crop
        source = (crop.source_width_px, crop.source_height_px) if crop else _size(place)
        scale = min(1.0, LONG_SIDE_PX / max(source))
        self.width, self.height = (max(round(side * scale) // 2 * 2, 2) for side in source)
        self.undecoded = 0
        self._place: ScenePlace | None = None
        self._paths: dict[int, list[bytes]] = {}
        self._decoder: PathDecoder | None = None
        self._alone: Picture | None = None
        self._due: ScenePicture | None = None
        self._paste = PasteBack(
            np.zeros((self.height, self.width, 3), np.uint8),
            Crop(self.width, self.height, 0, 0, min(self.width, self.height)),
        )

    def show(self, scene: ScenePicture) -> None:
        """From now on this picture is around the square; nothing is decoded before a frame needs it."""
        if scene.place is not None:
            self._place, self._paths = scene.place, {}
            self._decoder = PathDecoder(_size(scene.place))
        path = [*self._path_before(scene), scene.unit]
        whole = len(path) > 1 if scene.number else scene.place is not None
        if self._place is None or not whole or len(path) > MAX_PATH_UNITS:
            self.undecoded += 1
            return
        self._paths[scene.number], self._due = path, scene

    def frame(self, square: Picture) -> Picture:
        """The whole picture (height, width, 3) uint8 with one rendered square (S, S, 3) in it, where that is shown."""
        if self._due is not None:
            due, self._due = self._due, None
            self._prepare(due)
        return self._paste.frame(square) if self._alone is None else self._alone

    def _prepare(self, scene: ScenePicture) -> None:
        assert self._decoder is not None and self._place is not None  # `show` saw to it
        try:
            picture = self._decoder.picture(self._paths[scene.number])
        except BitstreamError:
            self.undecoded += 1
            return
        whole, crop = self._fitted(picture, self._place)
        self._alone = whole if scene.alone else None
        self._paste = PasteBack(whole, crop, SCENE_FEATHER_SHARE, matched=not scene.backdrop)

    def _path_before(self, scene: ScenePicture) -> list[bytes]:
        return [] if scene.depends_on is None else self._paths.get(scene.depends_on, [])

    def _fitted(self, picture: Picture, place: ScenePlace) -> tuple[Picture, Crop]:
        """A scene's picture in the whole one, with bars where its form is another, and where the square lies there."""
        scale = min(self.width / place.width_px, self.height / place.height_px)
        width, height = (
            min(round(side * scale), most)
            for side, most in zip(_size(place), (self.width, self.height), strict=True)
        )
        left, top = (self.width - width) // 2, (self.height - height) // 2
        whole = np.zeros((self.height, self.width, 3), np.uint8)
        way = cv2.INTER_CUBIC if scale >= 1 else cv2.INTER_AREA
        whole[top : top + height, left : left + width] = cv2.resize(
            picture, (width, height), interpolation=way
        )
        part = scale / SCENE_PARTS
        crop = Crop(
            self.width,
            self.height,
            round(place.x * part) + left,
            round(place.y * part) + top,
            max(round(place.side * part), 1),
        )
        return whole, crop


def filled(
    items: Iterable[VideoFrame | Samples | Held | ScenePicture], filler: SceneFiller | None
) -> Iterator[VideoFrame | Samples | Held]:
    """Frames put into the scene as it is at each, where it is shown; whatever else is among them is passed on."""
    for item in items:
        if isinstance(item, ScenePicture):
            if filler is not None:
                filler.show(item)
        elif isinstance(item, VideoFrame) and filler is not None:
            yield VideoFrame(filler.frame(item.rgb), item.time_s)
        else:
            yield item


def first_scene(
    items: Iterator[VideoFrame | Samples | Held | ScenePicture],
) -> tuple[ScenePlace | None, Iterator[VideoFrame | Samples | Held | ScenePicture]]:
    """Whether a scene comes before the first frame, and all items again, the first ones among them."""
    taken: list[VideoFrame | Samples | Held | ScenePicture] = []
    for item in items:
        taken.append(item)
        if isinstance(item, VideoFrame):
            break
        if isinstance(item, ScenePicture) and item.place is not None:
            return item.place, chain(taken, items)
    return None, chain(taken, items)


def _size(place: ScenePlace) -> tuple[int, int]:
    return place.width_px, place.height_px
