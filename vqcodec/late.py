"""numpy, imported when it is first used: `vqcodec info` reads chunks and needs no arrays, which were a third of its start-up."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["np"]


class _Late:
    """Stands for a package; the first name that is asked of it imports it.

    `importlib.util.LazyLoader` does the same, but two threads may see its module half made.
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self._package), name)


if TYPE_CHECKING:
    import numpy as np
else:
    np = _Late("numpy")
