"""The models that an encode works with, and how the shipped ones are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from vqcodec.config import Device, RuntimeOptions
from vqcodec.encoding.field import FieldMeter
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import TRACKED_FACES, OpenDetector
from vqcodec.format import DIMS
from vqcodec.motion.ports import MotionFeatures
from vqcodec.runtime.device import dtype_of
from vqcodec.runtime.halves import Halves
from vqcodec.types import ModelId

if TYPE_CHECKING:
    import torch

    from vqcodec.motion.space import MotionSpace
    from vqcodec.render.renderer import Renderer


@dataclass(frozen=True, slots=True)
class EncoderParts:
    """The models of an encode, replaceable in tests.

    Attributes:
        space: the motion space.
        renderer: the renderer to name in the header.
        detector: opens a face detector.
        refining: gives the renderer that an effort above 0 refines with; None loads the shipped one.
        meter: makes what measures the field of one file; None: the space has none, or it stays at zero.
    """

    space: MotionFeatures
    renderer: ModelId
    detector: OpenDetector
    refining: Callable[[], Renderer] | None = None
    meter: Callable[[], FieldMeter[Any]] | None = None

    @classmethod
    def load(cls, runtime: RuntimeOptions | None = None) -> EncoderParts:
        """The shipped models.

        Raises:
            ModelError: one of them is missing or changed.
        """
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace

        runtime = runtime or RuntimeOptions()
        model = None if runtime.face_model is None else str(runtime.face_model)
        space = MotionSpace.load(device=runtime.device)
        measuring = "fp32" if runtime.precision == "int8" else runtime.precision
        return cls(
            space,
            store.current("renderer").id,
            lambda: FaceLandmarker(max_faces=TRACKED_FACES, model=model),
            meter=field_meters(space, runtime.device, dtype_of(measuring, runtime.device)),
        )

    def new_meter(self) -> FieldMeter[Any] | None:
        """What measures the field of a file; None where it stays at zero."""
        return None if self.meter is None else self.meter()

    def plain(self, device: Device = "auto") -> EncoderParts:
        """These parts, if need be with the motion space that has no field (models.store.plain_motion_space).

        Raises:
            ModelError: its file is missing or changed.
        """
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace

        if len(self.space.units) == DIMS:
            return self
        space = MotionSpace.from_file(store.plain_motion_space(), device)
        return replace(self, space=space, meter=None, refining=None)


def field_meters(
    space: MotionSpace, device: Device = "auto", precision: torch.dtype | None = None
) -> Callable[[], FieldMeter[Any]] | None:
    """Makes what measures the field of one file, with the flow network inside a motion space's file; None where it has no field.

    Raises:
        ModelError: the file has no such network.
    """
    from vqcodec.render.reference import ReferenceFlow

    if space.field is None:
        return None
    flow, halves = ReferenceFlow.load(space.id, device, precision), Halves()
    return partial(FieldMeter, space.field, flow, space.layout, halves=halves)


EncoderPartsSource: TypeAlias = EncoderParts | Callable[[], EncoderParts]
"""The models, or what gives them: asked when output and options have been checked."""


def encoder_parts(source: EncoderPartsSource | None) -> EncoderParts:
    """The models of an encode; the shipped ones for None."""
    if source is None:
        return EncoderParts.load()
    return source if isinstance(source, EncoderParts) else source()
