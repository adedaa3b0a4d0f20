"""Between sCNe payloads and their values, and finding those chunks where the index leads past them (vqt.md, "sCNe").

The chunk is ancillary: one that can't be used is skipped, as a decoder does that knows nothing of scenes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vqcodec.container.chunks import ByteSource, Chunk, read_chunk, read_chunk_head
from vqcodec.container.faults import Fault
from vqcodec.container.portraits import check_unit
from vqcodec.container.structs import ALONE_FORM, BACKDROP_FORM, SCENE, build_struct, parse_struct
from vqcodec.errors import BitstreamError
from vqcodec.format import (
    CRC_BYTES,
    MAX_SCENE_SQUARE,
    MAX_UNIT_BYTES,
    SCENE_PARTS,
    SCNE_TYPE,
    TYPE_BYTES,
)
from vqcodec.late import np
from vqcodec.types import ScenePicture, ScenePlace

if TYPE_CHECKING:
    from numpy.typing import NDArray


def parse_scene(payload: bytes) -> ScenePicture:
    """Read an sCNe payload.

    Raises:
        Fault: it breaks what the specification says of it.
    """
    fields = parse_struct(SCENE, payload)
    place = fields.place and ScenePlace(
        *(fields.place[name] for name in ("width_px", "height_px", "x", "y", "side"))
    )
    if place and (place.width_px % 2 or place.height_px % 2):
        raise Fault("bad-value", f"a scene of {place.width_px}x{place.height_px} has odd sides")
    if place and place.side > MAX_SCENE_SQUARE * SCENE_PARTS * max(place.width_px, place.height_px):
        raise Fault("bad-value", f"a square of {place.side} parts is too large for its scene")
    if fields.depends_on is not None and fields.depends_on >= fields.number:
        raise Fault("bad-value", f"picture {fields.number} depends on {fields.depends_on}")
    if not 1 <= len(fields.unit) <= MAX_UNIT_BYTES:
        raise Fault(
            "bad-value", f"the unit has {len(fields.unit)} bytes, outside 1..{MAX_UNIT_BYTES}"
        )
    size_px = (place.width_px, place.height_px) if place else (0, 0)
    check_unit(fields.unit, fields.number == 0, size_px)
    return ScenePicture(
        fields.first_frame,
        fields.shot,
        fields.number,
        fields.depends_on,
        place,
        fields.unit,
        bool(fields.form & ALONE_FORM),
        bool(fields.form & BACKDROP_FORM),
    )


def build_scene(scene: ScenePicture) -> bytes:
    """Write an sCNe payload.

    Raises:
        Fault: it can't be written.
    """
    place = scene.place
    if (place is None) != (scene.number > 0) or (scene.depends_on is None) != (scene.number == 0):
        raise Fault("bad-value", "number 0 has a place, every other picture depends on one")
    fields = {
        "first_frame": scene.first_frame,
        "shot": scene.shot,
        "number": scene.number,
        "form": ALONE_FORM * scene.alone | BACKDROP_FORM * scene.backdrop,
        "depends_on": scene.depends_on,
        "place": None
        if place is None
        else {
            "width_px": place.width_px,
            "height_px": place.height_px,
            "x": place.x,
            "y": place.y,
            "side": place.side,
        },
        "unit": scene.unit,
    }
    payload = build_struct(SCENE, fields)
    parse_scene(payload)
    return payload


def scene_of(chunk: Chunk) -> ScenePicture | None:
    """What an intact chunk holds of the scene; None for any other chunk, and for one that can't be used."""
    if chunk.type != SCNE_TYPE:
        return None
    try:
        return parse_scene(chunk.payload)
    except Fault:
        return None


class SceneWalk:
    """Gives the scene's pictures between the chunks that an index leads to.

    A shot has some only if one stands directly behind its first portrait: of all others nothing more is read.

    Args:
        source: of the stream.
        offsets: (N,) int64 of all chunks in the index, ascending.
    """

    def __init__(self, source: ByteSource, offsets: NDArray[np.int64]) -> None:
        self._source, self._offsets = source, offsets
        self._walks, self._reached = False, 0

    def until(self, offset: int) -> Iterator[ScenePicture]:
        """Those between the last chunk that was read and the chunk at an offset. Of other chunks only the head is read.

        Raises:
            BitstreamError, TruncatedError: there is no chunk where one is due.
        """
        if self._walks and self._reached < offset:
            self._source.seek(self._reached)
            while self._source.offset < offset:
                yield from self._next()
            self._reached = offset

    def read(self, offset: int, begins: bool) -> None:
        """The chunk at an offset has just been read; whether it is a shot's first portrait."""
        end = self._source.offset
        if begins:
            after = int(np.searchsorted(self._offsets, offset, side="right"))
            self._walks = after < len(self._offsets) and int(self._offsets[after]) != end
        self._reached = max(self._reached, end)

    def _next(self) -> Iterator[ScenePicture]:
        start = self._source.offset
        head, length = read_chunk_head(self._source)
        after = start + len(head) + length + CRC_BYTES
        if head[:TYPE_BYTES] == SCNE_TYPE:
            self._source.seek(start)
            try:
                scene = scene_of(read_chunk(self._source))
            except BitstreamError as error:
                if error.code != "bad-crc":
                    raise
                scene = None
            if scene is not None:
                yield scene
        self._source.seek(after)
