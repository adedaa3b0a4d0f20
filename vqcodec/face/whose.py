"""Whose face it is: ours is where it was, as large as it was, and looks as it did; another's was seen beside ours.

ours seen          faces elsewhere are others', and stay so for a while
ours not seen      hold; a face where ours was is ours again
after FORGET_S     so is one elsewhere that looks like ours and isn't known as another's
after STRANGER_S   ... or doesn't look like ours: somebody else's turn, until a face is back where ours was
after OTHERS_S     ... or even is another's
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.face.crop import face_box
from vqcodec.face.landmarks import FaceObservation
from vqcodec.runtime.opencv import cv2

FORGET_S = Fraction(1, 2)
STRANGER_S = Fraction(3)
OTHERS_S = Fraction(5)
HOME_S = Fraction(10)
"""A face that took over for so long is ours from then on."""
JUMP_SHARE = 0.75
"""A face whose centre is further from the last one, over the last one's height, is somebody else."""
SIZE_RATIO_MAX = 1.8
ALIKE = 0.6
_OTHERS_AT_MOST = 8
_SIDE_PX = 24
_SHARE_KEPT = 0.1

Box = NDArray[np.float64]


def distance(box: Box, last: Box) -> float:
    """Of two `face_box`es' centres."""
    return float(np.hypot(*(box[:2] - last[:2])))


def same_place(box: Box, last: Box) -> bool:
    """Whether a face can be the one that was at `last` a moment ago."""
    ratio = max(box[3], 1e-6) / max(last[3], 1e-6)
    return bool(
        distance(box, last) <= JUMP_SHARE * last[3]
        and 1 / SIZE_RATIO_MAX <= ratio <= SIZE_RATIO_MAX
    )


class Whose:
    """Tells our face from others in one shot, from frame to frame.

    Args:
        home: where ours is to begin with; None takes the first largest one for ours.
        time_s: when that is.
    """

    def __init__(self, home: Box | None = None, time_s: Fraction = Fraction(0)) -> None:
        self._box = self._home = home
        self._look: NDArray[np.float32] | None = None
        self._seen_s = self._away_s = time_s
        self._others: list[Box] = []

    def ours(
        self, found: list[FaceObservation], square: NDArray[np.uint8], time_s: Fraction
    ) -> FaceObservation | None:
        """Which of the faces, largest first, of a square picture is ours; None if none is."""
        boxes = [face_box(face.points) for face in found]
        chosen = self._chosen(found, boxes, square, time_s)
        known = self._box is not None
        if chosen is not None:
            self._take(found[chosen], boxes[chosen], square, time_s)
        if known or chosen is not None:
            self._note([b for n, b in enumerate(boxes) if n != chosen], sure=chosen is not None)
        return None if chosen is None else found[chosen]

    def may_be_ours(self, box: Box, time_s: Fraction) -> bool:
        """Whether a face anywhere, in pixels of the square, may be ours that has left its place."""
        is_others = any(same_place(box, other) for other in self._others)
        return not is_others or time_s - self._seen_s > OTHERS_S

    def _chosen(
        self,
        found: list[FaceObservation],
        boxes: list[Box],
        square: NDArray[np.uint8],
        time_s: Fraction,
    ) -> int | None:
        if self._box is None or self._home is None:
            return 0 if found else None
        for last in (self._home, self._box):
            near = [n for n, box in enumerate(boxes) if same_place(box, last)]
            if near:
                return min(near, key=lambda n: distance(boxes[n], last))
        away_s = time_s - self._seen_s
        if away_s <= FORGET_S:
            return None
        free = [n for n, box in enumerate(boxes) if self.may_be_ours(box, time_s)]
        likeness = {n: self._likeness(found[n], square) for n in free}
        best = max(free, key=lambda n: likeness[n], default=None)
        if best is None or (likeness[best] < ALIKE and away_s <= STRANGER_S):
            return None
        return best

    def _take(
        self, face: FaceObservation, box: Box, square: NDArray[np.uint8], time_s: Fraction
    ) -> None:
        at_home = self._home is None or same_place(box, self._home)
        if at_home or self._likeness(face, square) >= ALIKE:
            self._away_s = time_s
        if self._home is None or time_s - self._away_s > HOME_S or self._away_s == time_s:
            self._home = box
        if self._away_s == time_s:
            look = _look(face, square)
            old = look if self._look is None else self._look
            self._look = (1 - _SHARE_KEPT) * old + _SHARE_KEPT * look
        self._box, self._seen_s = box, time_s

    def _note(self, boxes: list[Box], *, sure: bool) -> None:
        """Faces that aren't ours: new ones only while ours is seen; known ones are followed."""
        for box in boxes:
            if self._home is not None and same_place(box, self._home):
                continue
            places = [n for n, other in enumerate(self._others) if same_place(box, other)]
            if places:
                self._others[places[0]] = box
            elif sure:
                self._others = [*self._others[1 - _OTHERS_AT_MOST :], box]

    def _likeness(self, face: FaceObservation, square: NDArray[np.uint8]) -> float:
        """Correlation with what ours looked like, -1..1; 1 where there is nothing to see in either."""
        if self._look is None:
            return 1.0
        a, b = (look - look.mean((0, 1)) for look in (self._look, _look(face, square)))
        energies = [float((x * x).mean()) for x in (a, b)]
        if max(energies) < 1:
            return 1.0
        return float((a * b).mean()) / max(float(np.sqrt(energies[0] * energies[1])), 1e-6)


def _look(face: FaceObservation, square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The face's box as a small picture, (24, 24, 3)."""
    x, y, width, height = face_box(face.points)
    rows = np.clip(y + (np.arange(_SIDE_PX) / _SIDE_PX - 0.5) * height, 0, square.shape[0] - 1)
    columns = np.clip(x + (np.arange(_SIDE_PX) / _SIDE_PX - 0.5) * width, 0, square.shape[1] - 1)
    grid = square[rows.astype(int)[:, None], columns.astype(int)[None]].astype(np.float32)
    return np.asarray(cv2.blur(grid, (3, 3)), np.float32)
