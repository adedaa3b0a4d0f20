"""The models of a Codec: each loaded when it is first needed, once, and shared by all threads.

    encoder    motion space                                    current one
    plain      motion space                                    newest one without a field
    decoder    motion space, renderer                          those that a stream's HEAD names
    refining   renderer, in a precision that gradients pass    effort above 0
    dub        motion space, generator, speech tokenizer, ...  current ones

Networks are read only: calls in several threads use the same weights. A face detector isn't, and is opened for each call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar, cast

from vqcodec.config import RuntimeOptions

if TYPE_CHECKING:
    from vqcodec.decoding.parts import DecoderParts
    from vqcodec.dubbing.parts import DubParts
    from vqcodec.encoding.parts import EncoderParts
    from vqcodec.render.renderer import Renderer
    from vqcodec.types import Head, ModelId

T = TypeVar("T")


class Models:
    """Loads and keeps.

    Attributes:
        runtime: where they run.
    """

    def __init__(self, runtime: RuntimeOptions) -> None:
        self.runtime = runtime
        self._loaded: dict[Hashable, object] = {}
        self._lock = threading.RLock()

    def encoder(self) -> EncoderParts:
        """The shipped models of an encode.

        Raises:
            ModelError: one of them is missing or changed.
        """
        from dataclasses import replace

        from vqcodec.encoding.parts import EncoderParts

        def load() -> EncoderParts:
            parts = EncoderParts.load(self.runtime)
            return replace(parts, refining=lambda: self._refining(parts.space.id))

        return self._once("encoder", load)

    def plain(self) -> EncoderParts:
        """Those that a portrait of major version 1 is measured with.

        Raises:
            ModelError: one of them is missing or changed.
        """
        return self._once("plain", lambda: self.encoder().plain(self.runtime.device))

    def decoder(self, head: Head) -> DecoderParts:
        """The models that a stream needs.

        Raises:
            UnsupportedError: they aren't here; it says which ones the stream needs.
            ModelError: a shipped file is missing or changed.
        """
        from vqcodec.decoding.parts import DecoderParts

        return self._once(
            ("decoder", head.motion_space.sha256), lambda: DecoderParts.load(head, self.runtime)
        )

    def dub(self) -> DubParts:
        """The shipped models of a dub; its video is rendered with those of `decoder`.

        Raises:
            ModelError: one of them is missing or changed, or two of them don't belong together.
        """
        from dataclasses import replace

        from vqcodec.dubbing.parts import DubParts

        return self._once(
            "dub",
            lambda: replace(
                DubParts.load(self.runtime), decoder=self.decoder, encoder=self.encoder
            ),
        )

    def _refining(self, space: ModelId) -> Renderer:
        from vqcodec.encoding.effort import load_renderer

        return self._once("refining", lambda: load_renderer(space, self.runtime.device))

    def _once(self, key: Hashable, load: Callable[[], T]) -> T:
        with self._lock:
            if key not in self._loaded:
                self._use_threads()
                self._loaded[key] = load()
            return cast(T, self._loaded[key])

    def _use_threads(self) -> None:
        if self.runtime.threads is not None and not self._loaded:
            from vqcodec.runtime.device import use_threads

            use_threads(self.runtime.threads)
