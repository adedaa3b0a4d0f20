"""The models that a dub works with: what each must offer, and how the shipped ones are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import RuntimeOptions
from vqcodec.decoding.parts import DecoderPartsSource
from vqcodec.encoding.parts import EncoderPartsSource
from vqcodec.errors import ModelError
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import TRACKED_FACES, OpenDetector
from vqcodec.motion.ports import LandmarkFeatures
from vqcodec.types import ModelId

if TYPE_CHECKING:
    from vqcodec.geometry.basis import LandmarkBasis
    from vqcodec.geometry.controls import Controls, HeadShape
    from vqcodec.geometry.field import FieldBasis
    from vqcodec.geometry.layout import Layout
    from vqcodec.geometry.portrait import PortraitFacts


class SpeechTokenStream(Protocol):
    """Speech tokens of sound that comes in pieces."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.int64]:
        """(N,) 16 kHz -> the tokens that are known now."""
        ...

    def flush(self) -> NDArray[np.int64]:
        """The rest: ceil(N / 640) in all."""
        ...


class SpeechTokenizerLike(Protocol):
    """What a dub needs of a speech tokenizer (vqcodec.speech.tokenizer.SpeechTokenizer)."""

    @property
    def id(self) -> ModelId:
        """What a speech token means."""
        ...

    def stream(self) -> SpeechTokenStream:
        """A new sound."""
        ...


Closure: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""(T,) speech tokens -> (T,) how far lips are on their way to each other (vqcodec.speech.closure.LipClosure)."""


def lips_apart(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
    """A `Closure` that never shuts lips."""
    return np.zeros(len(tokens), np.float32)


class MotionGeneratorLike(Protocol):
    """What a dub needs of the motion generator (vqcodec.generate.generator.MotionGenerator)."""

    @property
    def id(self) -> ModelId:
        """Its own weights."""
        ...

    def generate(
        self,
        speech: NDArray[np.int64],
        controls: Controls,
        portrait: PortraitFacts,
        *,
        rest: NDArray[np.float32] | None = None,
        shut: NDArray[np.float32] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        argmax: bool = False,
    ) -> Iterator[NDArray[np.int16]]:
        """(T,) tokens, T controls, rest and closing of lips -> consecutive (t, 48) whole units from the portrait, T in all."""
        ...


class HeadMotion(Protocol):
    """What makes up how a head moves (vqcodec.gesture.behaviour.Behaviour)."""

    @property
    def id(self) -> ModelId:
        """Its own parameters."""
        ...

    def controls(
        self, energy: NDArray[np.float32], start: Controls, *, seed: int, blink: bool = True
    ) -> Controls:
        """(T,) loudness in 0..1 -> T frames from `start` on."""
        ...


class RecordedSpace(Protocol):
    """What a recording's motion needs of its motion space, to become landmarks again."""

    @property
    def units(self) -> NDArray[np.float32]:
        """(D,) size of the finest quantizer step."""
        ...

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, D) -> (N, 478, 2) in 0..1 of the square."""
        ...

    def project(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 478, 2) -> (N, K): the first K features of faces with these landmarks."""
        ...

    @property
    def layout(self) -> Layout:
        """What the dimensions mean."""
        ...

    @property
    def field(self) -> FieldBasis | None:
        """What the field's coefficients mean; None where the space has none."""
        ...


class DubSpace(LandmarkFeatures, RecordedSpace, Protocol):
    """The generator's motion space: what a portrait is measured with, and what its motion means."""


@dataclass(frozen=True, slots=True)
class ReadSpace:
    """A motion space without its networks.

    Attributes:
        basis: its landmark part.
        layout: what its dimensions mean.
        field: what the field's coefficients mean; None where it has none.
    """

    basis: LandmarkBasis
    layout: Layout
    field: FieldBasis | None

    @property
    def units(self) -> NDArray[np.float32]:
        """See RecordedSpace."""
        return self.basis.units

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """See RecordedSpace."""
        return self.basis.landmarks(features)

    def project(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """See RecordedSpace."""
        return self.basis.project(landmarks)


def shipped_space(wanted: ModelId) -> RecordedSpace:
    """A motion space that is shipped with this version.

    Raises:
        UnsupportedError: it isn't; the message says which one it is.
    """
    from vqcodec.geometry.basis import read_basis
    from vqcodec.geometry.field import read_field
    from vqcodec.geometry.layout import read_layout
    from vqcodec.models import store

    path = store.find(wanted, "motion space").path
    return ReadSpace(read_basis(path), read_layout(path), read_field(path))


@dataclass(frozen=True, slots=True)
class DubParts:
    """The models of a dub, replaceable in tests.

    Attributes:
        space: the motion space, that of the generator.
        renderer: the renderer to name in the header.
        detector: opens a face detector.
        tokenizer: makes speech tokens.
        generator: makes motion.
        behaviour: makes up head motion, gaze and blinks.
        shape: the mean head, to read poses with.
        decoder: what a video is rendered with; None loads the shipped models then.
        other_space: finds the motion space of a recording that was made with another one.
        encoder: what a recorded video is coded with; None loads the shipped models then.
        closure: tells where lips meet.
    """

    space: DubSpace
    renderer: ModelId
    detector: OpenDetector
    tokenizer: SpeechTokenizerLike
    generator: MotionGeneratorLike
    behaviour: HeadMotion
    shape: HeadShape
    decoder: DecoderPartsSource | None = None
    other_space: Callable[[ModelId], RecordedSpace] = shipped_space
    encoder: EncoderPartsSource | None = None
    closure: Closure = lips_apart

    def landmarks_of(self, wanted: ModelId) -> RecordedSpace:
        """The motion space of a recording.

        Raises:
            UnsupportedError: it isn't here.
        """
        return self.space if wanted.sha256 == self.space.id.sha256 else self.other_space(wanted)

    @classmethod
    def load(cls, runtime: RuntimeOptions | None = None) -> DubParts:
        """The shipped models.

        Raises:
            ModelError: one of them is missing or changed, or two of them don't belong together.
        """
        from vqcodec.generate.generator import MotionGenerator
        from vqcodec.geometry.headpose import read_head
        from vqcodec.gesture.behaviour import Behaviour
        from vqcodec.gesture.finish import MotionFinish
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace
        from vqcodec.speech.closure import LipClosure
        from vqcodec.speech.tokenizer import SpeechTokenizer

        runtime = runtime or RuntimeOptions()
        generator = MotionGenerator.load(device=runtime.device, finish=MotionFinish)
        tokenizer = SpeechTokenizer.load(device=runtime.device)
        if generator.speech_tokenizer.sha256 != tokenizer.id.sha256:
            raise ModelError(
                f"the generator {generator.id} doesn't know the tokens of {tokenizer.id}",
                hint="Take both models of one version.",
            )
        closure = LipClosure.load()
        closure.understands(tokenizer.id)
        space = store.find(generator.motion_space, "motion space")
        model = None if runtime.face_model is None else str(runtime.face_model)
        return cls(
            MotionSpace.from_file(space, runtime.device),
            store.current("renderer").id,
            lambda: FaceLandmarker(max_faces=TRACKED_FACES, model=model),
            tokenizer,
            generator,
            Behaviour.load(),
            read_head(store.current("head").path),
            closure=closure,
        )


DubPartsSource: TypeAlias = DubParts | Callable[[], DubParts]
"""The models, or what gives them: asked when output, options and inputs have been checked."""


def dub_parts(source: DubPartsSource | None) -> DubParts:
    """The models of a dub; the shipped ones for None."""
    if source is None:
        return DubParts.load()
    return source if isinstance(source, DubParts) else source()
