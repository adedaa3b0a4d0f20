"""The models that an encode works with, and how the shipped ones are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from vqcodec.config import RuntimeOptions
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import TRACKED_FACES, OpenDetector
from vqcodec.motion.ports import MotionFeatures
from vqcodec.types import ModelId

if TYPE_CHECKING:
    from vqcodec.render.renderer import Renderer


@dataclass(frozen=True, slots=True)
class EncoderParts:
    """The models of an encode, replaceable in tests.

    Attributes:
        space: the motion space.
        renderer: the renderer to name in the header.
        detector: opens a face detector.
        refining: gives the renderer that an effort above 0 refines with; None loads the shipped one.
    """

    space: MotionFeatures
    renderer: ModelId
    detector: OpenDetector
    refining: Callable[[], Renderer] | None = None

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
        return cls(
            MotionSpace.load(device=runtime.device),
            store.current("renderer").id,
            lambda: FaceLandmarker(max_faces=TRACKED_FACES, model=model),
        )


EncoderPartsSource: TypeAlias = EncoderParts | Callable[[], EncoderParts]
"""The models, or what gives them: asked when output and options have been checked."""


def encoder_parts(source: EncoderPartsSource | None) -> EncoderParts:
    """The models of an encode; the shipped ones for None."""
    if source is None:
        return EncoderParts.load()
    return source if isinstance(source, EncoderParts) else source()
