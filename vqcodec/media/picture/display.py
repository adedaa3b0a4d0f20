"""How a stored picture is turned and flipped for showing: the display matrix that travels with it.

    container's matrix, EXIF orientation, SEI --libav--> side data of the decoded picture --> matrix --> upright picture

PyAV gives a picture's side data only if it knows the kinds of all of it. libav attaches others, too (EXIF since libav 8, numbers
to come): these are taken away first, by libav itself and from a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import av
import numpy as np
from av.buffer import Buffer
from av.filter import Graph
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from vqcodec.runtime.opencv import cv2

# AVFrameSideDataType has less than half as many in libav 8; PyAV passes none of those that it doesn't know
_KINDS = 128
_NO_TURN = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def display_matrix(frame: av.VideoFrame) -> tuple[int, ...]:
    """The nine numbers of the picture's display matrix (16.16), the identity where there is none.

    The picture and PyAV's list of its side data refer to each other afterwards, so that only Python's collector frees it:
    not for every picture of a video; `frame.rotation` tells when to ask.
    """
    try:
        data = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
    except ValueError:  # a kind that PyAV doesn't know
        data = cast("Buffer | None", _with_known_side_data(frame).side_data.get("DISPLAYMATRIX"))
    if data is None or len(raw := bytes(data)) < 36:
        return _NO_TURN
    return tuple(int(value) for value in np.frombuffer(raw[:36], "=i4"))


def _with_known_side_data(frame: av.VideoFrame) -> av.VideoFrame:
    """The picture, sharing its pixels, without what side data PyAV has no name for."""
    known = {cast(int, kind.value) for kind in Type}
    graph = Graph()
    last = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base,
    )
    for kind in range(_KINDS):
        if kind not in known:
            eraser = graph.add("sidedata", f"mode=delete:type={kind}")
            last.link_to(eraser)
            last = eraser
    last.link_to(graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    return cast(av.VideoFrame, graph.pull())


def degrees_clockwise(matrix: tuple[int, ...]) -> int:
    """0, 90, 180 or 270: how far the matrix turns the picture."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return 180 if a < 0 and d < 0 else 0
    return 90 if b > 0 else 270


def turn_of(matrix: tuple[int, ...]) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None:
    """The turn and flips of a display matrix (a b u, c d v, x y w; row vectors), None for none."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    swaps = abs(a) + abs(d) < abs(b) + abs(c)
    mirror, upset = (c < 0, b < 0) if swaps else (a < 0, d < 0)
    if not (swaps or mirror or upset):
        return None

    def turn(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        turned = cv2.transpose(rgb) if swaps else rgb
        if mirror or upset:
            turned = cv2.flip(turned, -1 if mirror and upset else int(mirror))
        return np.asarray(turned, dtype=np.uint8)

    return turn
