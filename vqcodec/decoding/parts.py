"""The models that a decode works with, and how the shipped ones are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DEFAULT_BATCH_FRAMES, RuntimeOptions
from vqcodec.errors import UnsupportedError
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.face.track import OpenDetector
from vqcodec.motion.ports import MotionFeatures
from vqcodec.stream.walk import check_units
from vqcodec.types import Head, ModelId


class FrameRenderer(Protocol):
    """What the decoder needs of a renderer (vqcodec.render.renderer.Renderer).

    One with an attribute `most_portraits` above 1 takes a sequence of states, too, and shows each place from the one that
    suits it best; for others, pictures of both portraits are mixed. One with an attribute `backend` names the library that runs
    its network; others are torch's.
    """

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
        """(512, 512, 3) and (D,) -> what `render` wants."""
        ...

    def render(self, state: Any, features: NDArray[np.float32], size_px: int) -> NDArray[np.uint8]:
        """(N, D) -> (N, size, size, 3)."""
        ...


@dataclass(frozen=True, slots=True)
class DecoderParts:
    """The models of a decode, replaceable in tests.

    Attributes:
        space: the motion space.
        renderer: makes the pictures.
        detector: opens a face detector; used with another portrait only.
        batch_frames: frames rendered at once, more on a GPU.
    """

    space: MotionFeatures
    renderer: FrameRenderer
    detector: OpenDetector
    batch_frames: int = DEFAULT_BATCH_FRAMES

    @classmethod
    def load(cls, head: Head, runtime: RuntimeOptions | None = None) -> DecoderParts:
        """The models that a stream needs: its motion space, and the shipped renderer if it was trained for that one.

        For another motion space it is the renderer that the stream names.

        Raises:
            UnsupportedError: they aren't here; it says which ones the stream needs.
            ModelError: a shipped file is missing or changed.
            MissingExtraError: the backend that `runtime` asks for isn't installed.
        """
        from vqcodec.models import store
        from vqcodec.motion.space import MotionSpace
        from vqcodec.render.renderer import Renderer
        from vqcodec.runtime.backend import choose_backend
        from vqcodec.runtime.device import dtype_of

        runtime = runtime or RuntimeOptions()
        space = MotionSpace.from_file(store.find(head.motion_space, "motion space"), runtime.device)
        load = partial(
            Renderer.load,
            device=runtime.device,
            space=head.motion_space,
            precision=dtype_of(runtime.precision, runtime.device),
            backend=choose_backend(runtime.backend, runtime.device, runtime.precision),
        )
        try:
            renderer = load()
        except UnsupportedError:  # trained for other spaces
            renderer = load(store.find(head.renderer, "renderer").path)
        model = None if runtime.face_model is None else str(runtime.face_model)
        return cls(space, renderer, lambda: FaceLandmarker(model=model), runtime.batch_frames)

    def check(self, head: Head) -> None:
        """Refuse a stream whose tokens these models don't know (those of `load` do).

        Raises:
            UnsupportedError: it says which model the stream needs, or that it has another number of dimensions.
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
        check_units(head, self.space.units)


DecoderPartsSource: TypeAlias = DecoderParts | Callable[[Head], DecoderParts]
"""The models, or what gives those that a stream needs: asked when its HEAD has been read."""


def decoder_parts(source: DecoderPartsSource | None, head: Head) -> DecoderParts:
    """The models for a stream; the shipped ones for None."""
    if source is None:
        return DecoderParts.load(head)
    return source if isinstance(source, DecoderParts) else source(head)
