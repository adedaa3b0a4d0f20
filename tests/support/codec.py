"""A Codec over stand-in models: fast, and it counts what is loaded."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from tests.support.dub import dub_parts
from tests.support.pipeline import decoder_parts, encoder_parts
from vqcodec.codec.codec import Codec
from vqcodec.decoding.parts import DecoderParts
from vqcodec.dubbing.parts import DubParts
from vqcodec.encoding.parts import EncoderParts


class CountedLoads:
    """Stand-ins in place of what is loaded from disk, until the test is over.

    Attributes:
        loads: how often each was loaded.
        runtimes: the RuntimeOptions that it was loaded with.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loads: Counter[str] = Counter()
        self.runtimes: list[Any] = []
        self._lock = threading.Lock()
        for name, kind, made in (
            ("encoder", EncoderParts, encoder_parts),
            ("decoder", DecoderParts, decoder_parts),
            ("dub", DubParts, dub_parts),
        ):
            monkeypatch.setattr(kind, "load", self._loader(name, made))

    def _loader(self, name: str, made: Any) -> Any:
        def load(*arguments: Any) -> Any:
            with self._lock:
                self.loads[name] += 1
                self.runtimes.append(arguments[-1])
            return made()

        return staticmethod(load)

    def codec(self, **runtime: Any) -> Codec:
        """A Codec of them."""
        return Codec(**runtime)
