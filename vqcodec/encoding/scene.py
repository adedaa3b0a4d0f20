"""What is around the square, looked at while frames pass: which pictures of it are worth keeping.

    VideoFrame --WholePictures: each .2 s, at most 1280 px--> FaceFrame.whole --SceneWatch--> SceneChange, a few a shot

A picture is kept where it differs from the last kept one and stands still (a slide, a switched light); what keeps moving,
and what changes little of anything but a slide (shoulders, a passer-by), is kept a few times a minute. Where most of the
picture moves most of the time it is the camera: then one picture is kept, as little of it as makes a background.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.encoding.kept import KeptPicture, PictureFile
from vqcodec.face.scene import Scene
from vqcodec.face.shots import FaceFrame
from vqcodec.format import MAX_SCENE_SQUARE, MIN_SCENE_PX
from vqcodec.runtime.opencv import cv2
from vqcodec.types import Crop, VideoFrame

LONG_SIDE_PX = 1280
LOOK_EVERY_S = Fraction(1, 5)
MOVING_EVERY_S = Fraction(20)
"""Between pictures of a part that never stands still."""
LARGE_SHARE = 0.15
"""From such a share of what is outside the square on, a change is shown as soon as it stands still, whatever it shows."""
GONE_S = Fraction(1)
"""From so long without a face on the picture is shown without the square."""
CAMERA_SHARE, CAMERA_LOOKS = 0.3, 0.5
"""The camera moves where so much of the picture is never still, in so many of the looks."""
_CELL_PX = 8
_LOOKED_AT_PX = 320
_CHANGED_LEVELS = 9.0
_CHANGED_CELLS = 2
_BLOCK_PX, _PAPER_LEVELS, _INK_LEVELS = 16, 3, 60
_DRAWN_SHARE = 0.015

Picture = NDArray[np.uint8]
Cells = NDArray[np.float32]
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True, eq=False)
class SceneChange:
    """A picture that is shown around the square from a frame on.

    Attributes:
        place: of that frame in its shot.
        picture: the whole picture.
        alone: nobody is to be seen in it.
        changed: how much of it differs from the one before, 0..1; 1 without one.
    """

    place: int
    picture: KeptPicture
    alone: bool = False
    changed: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class RecordedScene:
    """The scene of a shot.

    Attributes:
        changes: by place, the first one at 0.
        crop: where the square lies in the source's pictures.
        unsteady: the camera moves.
    """

    changes: tuple[SceneChange, ...]
    crop: Crop
    unsteady: bool

    def moved(self, file: PictureFile) -> RecordedScene:
        """The same, its pictures in a file."""
        moved = tuple(replace(c, picture=file.moved(c.picture)) for c in self.changes)
        return replace(self, changes=moved)

    def split(self, cut: int) -> tuple[RecordedScene, RecordedScene]:
        """Those of the frames before a place of the shot, and of those from there on."""
        before = tuple(c for c in self.changes if c.place < cut)
        after = tuple(replace(c, place=c.place - cut) for c in self.changes if c.place > cut)
        begins = next(c for c in reversed(self.changes) if c.place <= cut)
        rest = (replace(begins, place=0), *after)
        return replace(self, changes=before), replace(self, changes=rest)


class WholePictures:
    """Holds some of the frames that pass, made smaller, until they come back with their face."""

    def __init__(self) -> None:
        self._held: dict[int, Picture] = {}
        self._count, self._due_s = 0, Fraction(0)

    def noted(self, items: Iterable[VideoFrame | Other]) -> Iterator[VideoFrame | Other]:
        """The same items."""
        for item in items:
            if isinstance(item, VideoFrame):
                if item.time_s >= self._due_s and not item.is_damaged:
                    self._held[self._count] = fitted(item.rgb)
                    self._due_s = item.time_s + LOOK_EVERY_S
                self._count += 1
            yield item

    def attached(self, frame: FaceFrame) -> FaceFrame:
        """A frame with its whole picture, where that was held."""
        whole = self._held.pop(frame.index, None)
        return frame if whole is None else replace(frame, whole=whole)


@dataclass(slots=True)
class _Shot:
    """The shot at hand.

    Attributes:
        changes: pictures kept so far.
        kept: cells of the last one kept, `kept_s` when it was; `alone` whether nobody is in it.
        last: cells of the last one seen.
        latest: the last one seen.
        seen_s: when a face was seen last.
        looks, restless: pictures looked at, and those of which much had moved since the one before.
    """

    changes: list[SceneChange] = field(default_factory=list)
    kept: Cells | None = None
    kept_s: Fraction = Fraction(0)
    alone: bool = False
    last: Cells | None = None
    latest: Picture | None = None
    seen_s: Fraction | None = None
    looks: int = 0
    restless: int = 0

    def keep(self, change: SceneChange, cells: Cells, at_s: Fraction) -> None:
        """Keep a picture."""
        if self.changes and self.changes[-1].place == change.place:
            change = replace(change, changed=max(self.changes.pop().changed, change.changed))
        self.changes.append(change)
        self.kept, self.kept_s, self.alone = cells, at_s, change.alone

    def is_unsteady(self) -> bool:
        """Whether the camera moves."""
        return self.looks > 3 and self.restless > CAMERA_LOOKS * self.looks


class SceneWatch:
    """Follows what is around the square, shot by shot.

    Args:
        notes: told of shots whose camera moves.
    """

    def __init__(self, notes: Scene | None = None) -> None:
        self._notes = notes or Scene()
        self._shot = _Shot()

    def see(self, place: int, frame: FaceFrame, crop: Crop | None) -> None:
        """Take the next frame of the shot.

        Args:
            place: of the frame in the shot.
            frame: with its whole picture, or without one.
            crop: the shot's square, where that is known.
        """
        shot = self._shot
        if frame.face is not None or shot.seen_s is None:
            shot.seen_s = frame.time_s
        if frame.whole is None:
            return
        cells = _cells(frame.whole)
        last = cells if shot.last is None or shot.last.shape != cells.shape else shot.last
        alone = frame.time_s - shot.seen_s >= GONE_S
        outside = _outside(cells.shape, None if alone else crop)
        moving = int((_changed(cells, last) & outside).sum())
        shot.looks += 1
        shot.restless += moving > CAMERA_SHARE * outside.sum()
        shot.latest, shot.last = frame.whole, cells
        waited = frame.time_s - shot.kept_s >= MOVING_EVERY_S
        changed = _changed_share(shot, cells, outside)
        least = _CHANGED_CELLS / max(outside.sum(), 1)
        settled = moving < _CHANGED_CELLS and changed >= least
        shown = settled and (changed >= LARGE_SHARE or is_drawn(frame.whole))
        if changed == 1 or alone != shot.alone or shown or (waited and changed >= least):
            kept = KeptPicture.of(frame.whole)
            change = SceneChange(place if shot.changes else 0, kept, alone, changed)
            shot.keep(change, cells, frame.time_s)

    def finish(self, crop: Crop, *, continues: bool) -> RecordedScene | None:
        """The shot is over.

        Args:
            crop: its square.
            continues: the next one shows the same scene, and begins with the last picture.

        Returns:
            Its scene; None where no picture was seen, and where the square is far larger than the picture.
        """
        shot, self._shot = self._shot, _Shot()
        if continues and shot.latest is not None and shot.last is not None:
            first = SceneChange(0, KeptPicture.of(shot.latest), shot.alone)
            self._shot.keep(first, shot.last, shot.kept_s)
            self._shot.last, self._shot.latest = shot.last, shot.latest
            self._shot.seen_s = shot.seen_s
        if not shot.changes or crop.side_px > MAX_SCENE_SQUARE * max(
            crop.source_width_px, crop.source_height_px
        ):  # a square that was asked for, and all of the picture a small part of it
            return None
        unsteady = shot.is_unsteady()
        self._notes.unsteady += unsteady
        return RecordedScene(tuple(shot.changes[: 1 if unsteady else None]), crop, unsteady)


def _changed_share(shot: _Shot, cells: Cells, outside: NDArray[np.bool_]) -> float:
    """Of the cells outside the square, those that differ from the picture kept last; 1 where there is none."""
    if shot.kept is None or shot.kept.shape != cells.shape:
        return 1.0
    return float((_changed(cells, shot.kept) & outside).sum() / max(outside.sum(), 1))


def fitted(rgb: Picture, long_side_px: int = LONG_SIDE_PX) -> Picture:
    """A picture (H, W, 3) with no side above a length, and even sides of at least 16 pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, long_side_px / max(height, width))
    size = [max(round(side * scale) // 2 * 2, MIN_SCENE_PX) for side in (width, height)]
    if size == [width, height]:
        return rgb
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def is_drawn(picture: Picture) -> bool:
    """Whether a picture (H, W, 3) is a slide or the like: many places have ink on a paper of one colour."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    rows, columns = (side // _BLOCK_PX for side in grey.shape)
    whole = grey[: rows * _BLOCK_PX, : columns * _BLOCK_PX].astype(np.int16)
    cut = whole.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX).transpose(0, 2, 1, 3)
    blocks = cut.reshape(rows * columns, _BLOCK_PX * _BLOCK_PX)
    away = np.abs(blocks - np.median(blocks, 1).astype(np.int16)[:, None])
    paper, ink = (away <= _PAPER_LEVELS).mean(1), (away >= _INK_LEVELS).mean(1)
    return bool(((paper > 0.5) & (ink > 0.03)).mean() > _DRAWN_SHARE)


def _cells(picture: Picture) -> Cells:
    """(h, w, 3) cells of a picture, as means."""
    height, width = picture.shape[:2]
    scale = _LOOKED_AT_PX / max(height, width) / _CELL_PX
    size = [max(round(side * scale), 1) for side in (width, height)]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _changed(one: Cells, other: Cells) -> NDArray[np.bool_]:
    """(h, w) cells that differ, but for a change of light that all share."""
    difference = one - other
    difference -= np.median(difference, (0, 1))
    return np.asarray(np.abs(difference).max(-1) > _CHANGED_LEVELS)


def _outside(shape: tuple[int, ...], crop: Crop | None) -> NDArray[np.bool_]:
    """(h, w) cells that don't lie in the square."""
    outside = np.ones(shape[:2], bool)
    if crop is not None:
        across, down = shape[1] / crop.source_width_px, shape[0] / crop.source_height_px
        left, right = crop.x_px * across, (crop.x_px + crop.side_px) * across
        top, bottom = crop.y_px * down, (crop.y_px + crop.side_px) * down
        rows = slice(max(int(top), 0), max(int(np.ceil(bottom)), 0))
        outside[rows, max(int(left), 0) : max(int(np.ceil(right)), 0)] = False
    return outside
