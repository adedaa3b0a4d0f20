"""Portraits of a shot -> units of one AV1 sequence, each with the portrait that it is predicted from.

    0 --> 1 --> 2 .. 7         a branch of seven, each predicted from those before it
    0 --> 8 --> 9 .. 14        the next branch begins at the first portrait again
    0 --> 15 ..

So no path is longer than MAX_PATH_UNITS, a lost unit costs its branch at most, and a seek decodes eight units. A branch has
an encoder of its own that was fed the first picture, too: the same encoder with the same picture gives the same unit.
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import MediaError
from vqcodec.format import CODED_SIZE_PX, MAX_PATH_UNITS
from vqcodec.media.picture.colour import YuvConverter
from vqcodec.runtime.priority import usual_priority

MAX_BRANCH_UNITS = MAX_PATH_UNITS - 1
PRESET = 3
"""Preset 5 takes a third of the time and a fifth to a half more bytes for every portrait but the first."""
_ENCODER = "libsvtav1"
_LOW_DELAY = "pred-struct=1:keyint=-1:lp=1"
_BOOST = ":enable-variance-boost=1:enable-qm=1:qm-min=4:sharpness=4:ac-bias=2"
"""At the same perceptual distance a fifth less than without for a first portrait, a twentieth for all of a shot. The last two
keep fine structure: 1 % less by perceptual distance, 4 % by ST-LPIPS."""
_DRAWN = ":scm=1"
"""A slide takes less than half of its bytes with the tools for screen content, and several times as long."""
_INFINITE_GOP = 10_000
_TEMPORAL_DELIMITER = b"\x12\x00"


@dataclass(frozen=True, slots=True)
class CodedUnit:
    """A portrait as AV1.

    Attributes:
        unit: OBUs of one shown picture, without temporal delimiter.
        depends_on: number of the portrait that it is predicted from; None for the first.
    """

    unit: bytes
    depends_on: int | None


class _Sequence:
    """One encoder: low delay, one key picture, one unit a picture as soon as the picture is there."""

    def __init__(self, size_px: tuple[int, int], crf: int, preset: int, kind: str) -> None:
        # it greets on standard error unless its environment says that only errors are wanted
        os.environ.setdefault("SVT_LOG", "1")
        context: Any = av.CodecContext.create(_ENCODER, "w")
        context.width, context.height = size_px
        context.pix_fmt, context.framerate = "yuv420p", Fraction(25)
        context.time_base, context.gop_size, context.thread_count = (
            Fraction(1, 25),
            _INFINITE_GOP,
            1,
        )
        context.color_primaries = context.color_trc = context.colorspace = 1
        context.color_range = 1
        context.options = {
            "preset": str(preset),
            "crf": str(crf),
            "svtav1-params": _LOW_DELAY + kind,
        }
        self._context, self._count = context, 0
        # an encode that is stopped closes nothing
        self._end = weakref.finalize(self, _finish, context)

    def add(self, frame: av.VideoFrame) -> bytes:
        frame.pts, self._count = self._count, self._count + 1
        frame.time_base = self._context.time_base
        try:
            with usual_priority():
                packets = self._context.encode(frame)
        except av.error.FFmpegError as error:
            raise MediaError(
                f"AV1 can't code a portrait: {error}", hint="PyAV must come with libsvtav1."
            ) from error
        if len(packets) != 1:
            raise MediaError(f"the AV1 encoder gave {len(packets)} units for a portrait, not one")
        return bytes(packets[0]).removeprefix(_TEMPORAL_DELIMITER)

    def close(self) -> None:
        """No more pictures."""
        self._end()


def _finish(context: Any) -> None:
    """Else SVT-AV1 complains on standard error, when its memory is released."""
    with suppress(av.error.FFmpegError):
        context.encode(None)


class PortraitCoder:
    """Codes the portraits of one shot in the order they come.

    Args:
        crf: quality of all of them, 0 (best) .. 63.
        preset: of SVT-AV1, 0 (slowest) .. 13.
        size_px: side of the pictures, or their width and height, even.
        boosted: spend more bits on flat places, where losses are seen first; costs as much as eight CRF less.
        drawn: they are slides and the like, not photographs.
        branch_units: portraits in a branch, 1 (every one is predicted from the first alone) .. MAX_BRANCH_UNITS.
    """

    def __init__(
        self,
        crf: int,
        *,
        preset: int = PRESET,
        size_px: int | tuple[int, int] = CODED_SIZE_PX,
        boosted: bool = True,
        drawn: bool = False,
        branch_units: int = MAX_BRANCH_UNITS,
    ) -> None:
        size = (size_px, size_px) if isinstance(size_px, int) else size_px
        kind = (_BOOST if boosted else "") + (_DRAWN if drawn else "")
        self._arguments = size, crf, preset, kind
        self._branch_units = branch_units
        self._yuv = YuvConverter()
        self._first: tuple[NDArray[np.uint8], bytes] | None = None
        self._sequence = _Sequence(*self._arguments)
        self._count = self._in_branch = 0

    def add(self, rgb: NDArray[np.uint8]) -> CodedUnit:
        """Code the next portrait, (height, width, 3) uint8.

        Raises:
            MediaError: the encoder refuses, or isn't repeatable.
        """
        number, self._count = self._count, self._count + 1
        if self._first is None:
            unit = self._sequence.add(self._yuv.yuv(rgb))
            self._first = rgb, unit
            return CodedUnit(unit, None)
        if self._in_branch == self._branch_units:
            self._branch_off(*self._first)
        depends_on = number - 1 if self._in_branch else 0
        self._in_branch += 1
        return CodedUnit(self._sequence.add(self._yuv.yuv(rgb)), depends_on)

    def close(self) -> None:
        """No more portraits."""
        self._sequence.close()

    def _branch_off(self, rgb: NDArray[np.uint8], unit: bytes) -> None:
        self._sequence.close()
        self._sequence, self._in_branch = _Sequence(*self._arguments), 0
        if self._sequence.add(self._yuv.yuv(rgb)) != unit:
            raise MediaError(
                "the AV1 encoder gives another unit for the same picture",
                hint="Try PyAV's own wheel, or `--refs 1`.",
            )
