"""A shot's recorded scene and a setting -> its pictures as one AV1 sequence.

What the square covers is filled smoothly, since nobody sees it: a hole that costs nothing. A border of it stays as it is, where
the square is faded in (face.paste).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.scene import LONG_SIDE_PX, RecordedScene, SceneChange, fitted, is_drawn
from vqcodec.encoding.settings import WORST_CRF, Setting
from vqcodec.encoding.shots import RecordedShot
from vqcodec.face.paste import SCENE_FEATHER_SHARE
from vqcodec.format import MAX_PORTRAITS, SCENE_PARTS
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop, ScenePicture, ScenePlace

CRF_ABOVE = 4
"""A scene is coded so much coarser than the portraits beside it: nobody looks at it for long."""
FIRST_BYTES, AT_CRF, OCTAVE = 7000.0, 53, 12.0
"""A photograph of a scene takes no more beside portraits of this CRF, twice as much at a CRF lower by OCTAVE: under a kilobit a
second of a minute. A slide takes what it needs to be read."""
SIDES_PX = (LONG_SIDE_PX, LONG_SIDE_PX * 3 // 4, LONG_SIDE_PX // 2)
SMALLER_FROM_CRF = (0, 58, 61)
"""From such a CRF of the portraits on, the larger sides aren't tried."""
PRESET, DRAWN_PRESET = 5, 6
UNSTEADY_PX, UNSTEADY_BLUR_PX = LONG_SIDE_PX // 2, 24.0
_CRF_STEP = 4
_KEPT_SHARE = 1.5 * SCENE_FEATHER_SHARE
_FILL_PX = 64
_FRESH_SHARE, _FRESH_DRAWN_SHARE = 0.3, 0.01

Picture = NDArray[np.uint8]
Changes = Sequence[SceneChange]
Key = tuple[object, ...]


class SceneCoder:
    """Codes the scenes of a file's shots.

    Args:
        keep: keep what was coded, since the same shots come again with other settings.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._coded: dict[Key, list[ScenePicture]] = {}

    def before(
        self, shot: RecordedShot, setting: Setting, number: int, span: tuple[int, int]
    ) -> Iterator[ScenePicture]:
        """Pictures that a group of frames, first and stop in the shot, begins to show."""
        scene = shot.scene
        if scene is None:
            return
        key = number, setting.crf
        if key not in self._coded:
            if not self._keep:
                self._coded.clear()
            self._coded[key] = [
                picture
                for changes in _sequences(scene.changes)
                for picture in _sequence(shot, scene, changes, setting.crf, number)
            ]
        first, stop = (shot.frames[place].index for place in (span[0], span[1] - 1))
        yield from (p for p in self._coded[key] if first <= p.first_frame <= stop)


def _sequences(changes: Changes) -> Iterator[Changes]:
    """A picture that has little in common with the one before begins a sequence: predicted from it, it would show through."""
    begins = [n for n, change in enumerate(changes) if n == 0 or _is_fresh(change)]
    for first, stop in zip(begins, [*begins[1:], len(changes)], strict=True):
        yield from (
            changes[at : min(at + MAX_PORTRAITS, stop)] for at in range(first, stop, MAX_PORTRAITS)
        )


def _is_fresh(change: SceneChange) -> bool:
    if _FRESH_DRAWN_SHARE < change.changed <= _FRESH_SHARE:
        return is_drawn(change.picture.rgb())
    return change.changed > _FRESH_SHARE


def _sequence(
    shot: RecordedShot, scene: RecordedScene, changes: Changes, crf: int, number: int
) -> Iterator[ScenePicture]:
    """The pictures of one AV1 sequence, beside portraits of a CRF."""
    first = changes[0].picture.rgb()
    drawn = not scene.unsteady and is_drawn(first)
    own_crf, side_px = _fitting(first, scene, crf, drawn=drawn, alone=changes[0].alone)
    size: tuple[int, int] | None = None
    coder: PortraitCoder | None = None
    for count, change in enumerate(changes):
        picture = _prepared(change.picture.rgb(), scene, side_px, alone=change.alone)
        size = size or (picture.shape[1], picture.shape[0])
        if picture.shape[1::-1] != size:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        coder = coder or _coder(own_crf, size, drawn)
        coded = coder.add(picture)
        yield ScenePicture(
            shot.frames[change.place].index,
            number,
            count,
            coded.depends_on,
            None if count else _place(scene, *size),
            coded.unit,
            change.alone,
            scene.unsteady,
        )
    if coder is not None:
        coder.close()


def _coder(crf: int, size: tuple[int, int], drawn: bool) -> PortraitCoder:
    preset = DRAWN_PRESET if drawn else PRESET
    return PortraitCoder(crf, preset=preset, size_px=size, drawn=drawn)


def _fitting(
    picture: Picture, scene: RecordedScene, crf: int, *, drawn: bool, alone: bool
) -> tuple[int, int]:
    """CRF and longest side of a scene beside portraits of a CRF."""
    own = min(crf + CRF_ABOVE, WORST_CRF)
    if scene.unsteady:
        return own, UNSTEADY_PX
    smallest = 1 if drawn else len(SIDES_PX) - 1  # a slide is to be read
    sides = SIDES_PX[min(sum(crf >= at for at in SMALLER_FROM_CRF) - 1, smallest) :]
    if drawn:
        return own, sides[0]
    most = FIRST_BYTES * 2.0 ** ((AT_CRF - crf) / OCTAVE)
    for side_px in sides:
        prepared = _prepared(picture, scene, side_px, alone=alone)
        for at in (*range(own, WORST_CRF, _CRF_STEP), WORST_CRF):
            with closing(_coder(at, (prepared.shape[1], prepared.shape[0]), drawn)) as coder:
                if len(coder.add(prepared).unit) <= most:
                    return at, side_px
    return WORST_CRF, sides[-1]


def _place(scene: RecordedScene, width: int, height: int) -> ScenePlace:
    """Where the square was; before a backdrop in the middle, as large as it can be."""
    if scene.unsteady:
        side = SCENE_PARTS * min(width, height)
        left, top = ((SCENE_PARTS * length - side) // 2 for length in (width, height))
        return ScenePlace(width, height, left, top, side)
    crop = scene.crop
    across, down = (
        SCENE_PARTS * side / source
        for side, source in zip(
            (width, height), (crop.source_width_px, crop.source_height_px), strict=True
        )
    )
    return ScenePlace(
        width,
        height,
        round(crop.x_px * across),
        round(crop.y_px * down),
        max(round(crop.side_px * (across + down) / 2), 1),
    )


def _prepared(picture: Picture, scene: RecordedScene, side_px: int, *, alone: bool) -> Picture:
    """A picture as it is coded."""
    picture = fitted(picture, side_px)
    if scene.unsteady:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), UNSTEADY_BLUR_PX), np.uint8)
    return picture if alone else _hollow(picture, scene.crop)


def _hollow(picture: Picture, crop: Crop) -> Picture:
    """A picture (H, W, 3) whose square is filled from its border on inwards."""
    height, width = picture.shape[:2]
    across, down = width / crop.source_width_px, height / crop.source_height_px
    left, top = crop.x_px + _KEPT_SHARE * crop.side_px, crop.y_px + _KEPT_SHARE * crop.side_px
    inner = (1 - 2 * _KEPT_SHARE) * crop.side_px
    # where the square reaches the picture's edge it is shown up to there: nothing of the scene is
    x0, x1 = _hidden(
        left * across, (left + inner) * across, width, _KEPT_SHARE * crop.side_px * across
    )
    y0, y1 = _hidden(top * down, (top + inner) * down, height, _KEPT_SHARE * crop.side_px * down)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return picture
    small = cv2.resize(picture, (_FILL_PX, _FILL_PX), interpolation=cv2.INTER_AREA)
    known = np.ones((height, width), np.float32)
    known[y0:y1, x0:x1] = 0
    weight = cv2.resize(known, (_FILL_PX, _FILL_PX), interpolation=cv2.INTER_AREA)
    weight = np.where(weight > 0.99, weight, 0)
    spread = cv2.GaussianBlur(weight, (0, 0), _FILL_PX / 8) + 1e-4
    mean = cv2.GaussianBlur(small * weight[..., None], (0, 0), _FILL_PX / 8) / spread[..., None]
    full = cv2.resize(mean.clip(0, 255), (width, height), interpolation=cv2.INTER_LINEAR)
    out = picture.copy()
    out[y0:y1, x0:x1] = full[y0:y1, x0:x1]
    return out


def _hidden(low: float, high: float, length: int, kept: float) -> tuple[int, int]:
    """The span of the hole on one axis, up to the edge where the square reaches the edge."""
    first = 0 if low - kept <= 0 else int(np.ceil(low))
    last = length if high + kept >= length else int(high)
    return min(first, length), max(last, 0)
