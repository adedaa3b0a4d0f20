"""Pictures of two fields, taken one after the other, as whole ones: libavfilter's bwdif.

picture --not interlaced, and none was before--> as it is
--else--> bwdif (one picture late; touches only those that say they are interlaced) --> same rate, same times
"""

from __future__ import annotations

from collections import deque
from typing import cast

import av
from av.filter import Graph

_OPTIONS = "mode=send_frame:parity=auto:deint=interlaced"


class Deinterlacer:
    """Takes decoded pictures in order, gives as many, those of two fields deinterlaced.

    Attributes:
        changed: pictures that were.
    """

    def __init__(self) -> None:
        self.changed = 0
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None
        self._inside: deque[av.VideoFrame] = deque()

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """The next picture; gives those that are ready."""
        kind = frame.width, frame.height, frame.format.name
        ready: list[av.VideoFrame] = []
        if self._graph is not None and kind != self._kind:
            ready += self.flush()
        if self._graph is None and not frame.interlaced_frame:
            return [*ready, frame]
        self.changed += bool(frame.interlaced_frame)
        if self._graph is None:
            self._graph, self._kind = _graph(frame), kind
        self._inside.append(frame)
        self._graph.push(frame)
        return ready + self._pulled(self._graph)

    def flush(self) -> list[av.VideoFrame]:
        """What is left, at the end."""
        graph, self._graph = self._graph, None
        if graph is None:
            return []
        graph.push(None)
        rest = self._pulled(graph)
        # never fewer than came in: the filter keeps one to itself if it got no more than that
        rest += self._inside
        self._inside.clear()
        return rest

    def _pulled(self, graph: Graph) -> list[av.VideoFrame]:
        ready = []
        while self._inside:
            try:
                frame = cast(av.VideoFrame, graph.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            ready.append(_like(frame, self._inside.popleft()))
        return ready


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        ),
        graph.add("bwdif", _OPTIONS),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes)
    graph.configure()
    return graph


def _like(frame: av.VideoFrame, source: av.VideoFrame) -> av.VideoFrame:
    """What the filter doesn't keep: it halves the tick."""
    frame.pts, frame.dts, frame.time_base = source.pts, source.dts, source.time_base
    frame.colorspace, frame.color_range = source.colorspace, source.color_range
    return frame
