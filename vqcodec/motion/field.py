"""The field of a frame: what is left of the motion when landmarks and surroundings have been told (motion-3).

    portrait --base flow of a frozen network--> warped --DIS flow to the frame--> what is left, weighted
        --weighted least squares in the basis (geometry.field)--> coefficients, where they bring the portrait nearer

The base flow is that of a network which belongs to the motion space and never changes, whatever renderer shows the stream.
Coefficients are measured against the portrait that shows the frame: flows over other frames between the two don't add up.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import FEATURE_SIZE_PX
from vqcodec.geometry.field import FieldBasis
from vqcodec.runtime.opencv import cv2

GRID = 64
"""Side of base flows."""
CELLS = 16
"""Side of the grid on which what is left over is compared with the basis."""
_CHECK_SIDE = 128
_SCALES = (1.0, 0.5)
_WORTH = 0.98
_ROUND_TRIP_PX = 1.5
_MOST_TEXTURE = 400.0
_MOST_SHARE = 3.0
_RIDGE = 1e-2

State = TypeVar("State")
Floats = NDArray[np.float32]
Grey = NDArray[np.uint8]


class BaseFlow(Protocol[State]):
    """The flow that landmarks, surroundings and learned dimensions tell (vqcodec.render.reference)."""

    def prepare(self, square: NDArray[np.uint8], features: Floats) -> State:
        """(256, 256, 3) uint8 RGB and its features (48,), made ready."""
        ...

    def flow(self, state: State, features: Floats) -> tuple[Floats, Floats]:
        """(D,) features of a frame -> backward flow to the prepared one, and how much of a field counts where.

        Returns:
            (GRID, GRID, 2) float32 pixels of a 256 px crop; (GRID, GRID) float32 in 0..1.
        """
        ...


class FieldFit:
    """Finds coefficients.

    Args:
        field: the basis.
        used: coefficients that are fitted, the first ones, the others being zero; None: all.

    Attributes:
        count: number of coefficients.
    """

    def __init__(self, field: FieldBasis, used: int | None = None) -> None:
        self.count = len(field.components)
        self._used = self.count if used is None else used
        self._coarse = field.at(GRID)[: self._used]
        cells = field.at(CELLS)[: self._used].reshape(self._used, 2 * CELLS * CELLS)
        self._flat = cells.astype(np.float64)
        self._of_thread = threading.local()  # a search must not run twice at once

    def __call__(
        self, portrait: Grey, frame: Grey, base: Floats, share: Floats | None = None
    ) -> Floats:
        """Coefficients that say most of what `base` leaves over.

        Args:
            portrait: (256, 256) uint8.
            frame: (256, 256) uint8.
            base: (GRID, GRID, 2) float32 flow from frame to portrait, pixels of a 256 px crop.
            share: (GRID, GRID) float32 in 0..1, how much of the field counts where; None: all of it everywhere.

        Returns:
            (K,) float32; zero where they would bring the portrait no nearer to the frame.
        """
        left, weight = self.left_over(portrait, frame, base)
        weight = np.minimum(weight, _MOST_SHARE * weight.mean()).reshape(-1)
        told = np.zeros(self.count, np.float32)
        if not weight.any() or not self._used:
            return told
        # where little of the field counts it is fitted all the same: else it would be enlarged there
        weighted = self._flat * np.repeat(weight / weight.sum(), 2)
        gram = weighted @ self._flat.T + _RIDGE * np.eye(self._used)
        found = np.linalg.solve(gram, weighted @ left.reshape(-1)).astype(np.float32)
        added = np.tensordot(found, self._coarse, 1)
        added = added if share is None else added * share[..., None]
        told[: self._used] = found * np.float32(_worth(added, portrait, frame, base))
        return told

    @property
    def _search(self) -> cv2.DISOpticalFlow:
        found = getattr(self._of_thread, "search", None)
        if found is None:
            found = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
            self._of_thread.search = found
        return found

    def left_over(self, portrait: Grey, frame: Grey, base: Floats) -> tuple[Floats, Floats]:
        """What must be added to a flow, and where that is known.

        Args:
            portrait: (256, 256) uint8.
            frame: (256, 256) uint8.
            base: (GRID, GRID, 2) float32.

        Returns:
            (CELLS, CELLS, 2) pixels, and (CELLS, CELLS) weights: texture of the frame, none where it is hidden in the
            portrait.
        """
        flow = _resized(base, FEATURE_SIZE_PX)
        warped = _moved(portrait, flow)
        onward = self._search.calc(frame, warped, None)  # type: ignore[call-overload]
        back = self._search.calc(warped, frame, None)  # type: ignore[call-overload]
        missed = np.abs(onward + _moved(back, onward))
        round_trip = np.maximum(missed[..., 0], missed[..., 1])
        left = onward + _moved(flow, onward) - flow
        weight = np.where(round_trip < _ROUND_TRIP_PX, texture(frame), 0).astype(np.float32)
        cells = (CELLS, CELLS)
        mean = cv2.resize(weight, cells, interpolation=cv2.INTER_AREA)
        summed = cv2.resize(left * weight[..., None], cells, interpolation=cv2.INTER_AREA)
        return np.asarray(summed / (mean[..., None] + 1e-6), np.float32), np.asarray(
            mean, np.float32
        )


def _worth(added: Floats, portrait: Grey, frame: Grey, base: Floats) -> float:
    """Which part of a flow (GRID, GRID, 2) brings the warped portrait nearest to the frame, clearly nearer than none."""
    size = (_CHECK_SIDE, _CHECK_SIDE)
    small, target = (
        np.asarray(cv2.resize(x, size, interpolation=cv2.INTER_AREA), np.uint8)
        for x in (portrait, frame)
    )
    pixels = np.float32(_CHECK_SIDE / FEATURE_SIZE_PX)

    def apart(scale: float) -> float:
        flow = _resized((base + np.float32(scale) * added) * pixels, _CHECK_SIDE)
        return float(cv2.norm(_moved(small, flow), target, cv2.NORM_L1))

    best = min(_SCALES, key=apart)
    return best if apart(best) < _WORTH * apart(0.0) else 0.0


def _resized(flow: Floats, side: int) -> Floats:
    return np.asarray(cv2.resize(flow, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _moved(picture: NDArray[Any], flow: Floats) -> NDArray[Any]:
    rows = np.arange(flow.shape[0], dtype=np.float32)
    return np.asarray(
        cv2.remap(
            picture,
            flow[..., 0] + rows,
            flow[..., 1] + rows[:, None],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def grey_of(rgb: NDArray[np.uint8]) -> Grey:
    """(h, w, 3) -> (h, w) uint8."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def texture(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w) uint8 -> (h, w) float32: squared gradient, up to a limit; flat places say nothing of where they went."""
    smooth = cv2.GaussianBlur(np.asarray(grey, np.float32), (0, 0), 1)
    across, down = (
        cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))
    )
    return np.asarray(np.minimum(across**2 + down**2, _MOST_TEXTURE), np.float32)
