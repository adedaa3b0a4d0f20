"""The models that an encode, a decode and a dub work with: what each must offer, and how the shipped ones are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions, DubOptions, EncodeOptions
from vqcodec.errors import ModelError, UnsupportedError
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import TRACKED_FACES, Detector
from vqcodec.motion.surroundings import SurroundingsTracker
from vqcodec.types import Head, ModelId

if TYPE_CHECKING:
    from vqcodec.generate.generator import PortraitFacts
    from vqcodec.geometry.controls import Controls, HeadShape

OpenDetector = Callable[[], AbstractContextManager[Detector]]


class MotionFeatures(Protocol):
    """What is needed of a motion space (vqcodec.motion.space.MotionSpace)."""

    @property
    def id(self) -> ModelId:
        """What a token means."""
        ...

    @property
    def units(self) -> NDArray[np.float32]:
        """(48,) size of the finest quantizer step."""
        ...

    def tracker(self) -> SurroundingsTracker | None:
        """What follows background and torso through a shot; None where the space doesn't code them."""
        ...

    def features(
        self,
        frames: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        surroundings: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """(N, 256, 256, 3) RGB, (N, 478, 2) in 0..1 and (N, 8) of `tracker` -> (N, 48)."""
        ...

    def transfer(
        self, features: NDArray[np.float32], own: NDArray[np.float32], other: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(N, 48) features of one person, relative to its portrait's (48,), as features of another portrait (48,)."""
        ...


class FrameRenderer(Protocol):
    """What the decoder needs of a renderer (vqcodec.render.renderer.Renderer)."""

    @property
    def id(self) -> ModelId:
        """Its own weights."""
        ...

    @property
    def motion_space(self) -> ModelId:
        """The motion space it was trained for."""
        ...

    @property
    def device(self) -> Any:
        """Where it runs, for example "cpu" or "cuda:0"."""
        ...

    def prepare(self, portrait: NDArray[np.uint8], features: NDArray[np.float32]) -> Any:
        """(512, 512, 3) and (48,) -> what `render` wants."""
        ...

    def render(self, state: Any, features: NDArray[np.float32], size_px: int) -> NDArray[np.uint8]:
        """(N, 48) -> (N, size, size, 3)."""
        ...


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


@dataclass(frozen=True, slots=True)
class DecoderParts:
    """The models of a decode, replaceable in tests.

    Attributes:
        space: the motion space.
        renderer: makes the pictures.
        detector: opens a face detector; used with another portrait only.
    """

    space: MotionFeatures
    renderer: FrameRenderer
    detector: OpenDetector

    @classmethod
    def load(cls, options: DecodeOptions, head: Head) -> DecoderParts:
        """The models that a stream needs: its motion space, and the shipped renderer if it was trained for that one.

        Raises:
            UnsupportedError: they aren't here; it says which ones the stream needs.
            ModelError: a shipped file is missing or changed.
        """
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace
        from vqcodec.render.renderer import Renderer

        space = MotionSpace.from_file(store.find(head.motion_space, "motion space"), options.device)
        renderer = Renderer.load(device=options.device, space=head.motion_space)
        model = None if options.face_model is None else str(options.face_model)
        return cls(space, renderer, lambda: FaceLandmarker(model=model))

    def check(self, head: Head) -> None:
        """Refuse a stream whose tokens these models don't know (those of `load` do).

        Raises:
            UnsupportedError: it says which model the stream needs.
        """
        need = head.motion_space
        for what, have in (
            ("motion space", self.space.id),
            ("renderer's motion space", self.renderer.motion_space),
        ):
            if have.sha256 != need.sha256:
                raise UnsupportedError(
                    f"the stream needs the motion space {need.name!r} (sha256 {need.sha256.hex()}); the {what} here is "
                    f"{have.name!r} (sha256 {have.sha256.hex()[:12]}...)",
                    hint="Install the version of vqcodec that made the file, or one that carries that model.",
                )


class LandmarkFeatures(MotionFeatures, Protocol):
    """A motion space whose landmarks can be had back."""

    def landmarks(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 48) -> (N, 478, 2) in 0..1 of the square."""
        ...


class TokenStream(Protocol):
    """Speech tokens of sound that comes in pieces."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.int64]:
        """(N,) 16 kHz -> the tokens that are known now."""
        ...

    def flush(self) -> NDArray[np.int64]:
        """The rest: ceil(N / 640) in all."""
        ...


class Tokenizer(Protocol):
    """What a dub needs of a speech tokenizer (vqcodec.speech.tokenizer.SpeechTokenizer)."""

    @property
    def id(self) -> ModelId:
        """What a speech token means."""
        ...

    def stream(self) -> TokenStream:
        """A new sound."""
        ...


class Generator(Protocol):
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
        temperature: float = 0.0,
        seed: int = 0,
        argmax: bool = False,
    ) -> Iterator[NDArray[np.int16]]:
        """(T,) tokens, T controls, (T,) rest of the lips -> consecutive (t, 48) whole units from the portrait, T in all."""
        ...


class HeadMotion(Protocol):
    """What makes up how a head moves (vqcodec.gesture.behaviour.Behaviour)."""

    def controls(
        self, energy: NDArray[np.float32], start: Controls, *, seed: int, blink: bool = True
    ) -> Controls:
        """(T,) loudness in 0..1 -> T frames from `start` on."""
        ...


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
    """

    space: LandmarkFeatures
    renderer: ModelId
    detector: OpenDetector
    tokenizer: Tokenizer
    generator: Generator
    behaviour: HeadMotion
    shape: HeadShape
    decoder: DecoderParts | None = None

    @classmethod
    def load(cls, options: DubOptions) -> DubParts:
        """The shipped models.

        Raises:
            ModelError: one of them is missing or changed, or two of them don't belong together.
        """
        from vqcodec.generate.generator import MotionGenerator
        from vqcodec.geometry.controls import HeadShape
        from vqcodec.gesture.behaviour import Behaviour
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace
        from vqcodec.speech.tokenizer import SpeechTokenizer

        generator = MotionGenerator.load(device=options.device)
        tokenizer = SpeechTokenizer.load(device=options.device)
        if generator.speech_tokenizer.sha256 != tokenizer.id.sha256:
            raise ModelError(
                f"the generator {generator.id} doesn't know the tokens of {tokenizer.id}",
                hint="Take both models of one version.",
            )
        space = store.find(generator.motion_space, "motion space")
        model = None if options.face_model is None else str(options.face_model)
        return cls(
            MotionSpace.from_file(space, options.device),
            store.current("renderer").id,
            lambda: FaceLandmarker(max_faces=TRACKED_FACES, model=model),
            tokenizer,
            generator,
            Behaviour.load(),
            HeadShape.load(),
        )
