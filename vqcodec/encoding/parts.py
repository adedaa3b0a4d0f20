"""The models that an encode works with, and how the shipped ones are loaded."""

from __future__ import annotations

from dataclasses import dataclass

from vqcodec.config import EncodeOptions
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import TRACKED_FACES, OpenDetector
from vqcodec.motion.ports import MotionFeatures
from vqcodec.types import ModelId


@dataclass(frozen=True, slots=True)
class EncoderParts:
    """The models of an encode, replaceable in tests.

    Attributes:
        space: the motion space.
        renderer: the renderer to name in the header.
        detector: opens a face detector.
    """

    space: MotionFeatures
    renderer: ModelId
    detector: OpenDetector

    @classmethod
    def load(cls, options: EncodeOptions) -> EncoderParts:
        """The shipped models.

        Raises:
            ModelError: one of them is missing or changed.
        """
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace

        model = None if options.face_model is None else str(options.face_model)
        return cls(
            MotionSpace.load(device=options.device),
            store.current("renderer").id,
            lambda: FaceLandmarker(max_faces=TRACKED_FACES, model=model),
        )
