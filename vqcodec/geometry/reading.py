"""Reading model files: whatever is wrong in one is a ModelError that names it. Its digest alone doesn't say what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten

from safetensors import SafetensorError

from vqcodec.errors import ModelError, VqcodecError

_FAULTS = (
    SafetensorError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What libraries raise for bytes that are no weights, and for weights of other names, shapes or types."""

_TOLD = 160
"""Characters of a library's words: torch lists every tensor that is missing."""


@contextmanager
def model_faults(path: Path, what: str) -> Iterator[None]:
    """Turn errors of reading a model file inside the block into ModelError. Typed errors pass unchanged.

    Args:
        path: of the file.
        what: what it should be, with its article: "a renderer".

    Raises:
        ModelError: it isn't.
    """
    try:
        yield
    except VqcodecError:
        raise
    except _FAULTS as error:
        raise ModelError(
            f"{path} is not {what}: {shorten(str(error), _TOLD) or type(error).__name__}",
            hint="Check which file was given; reinstall vqcodec if it is its own.",
        ) from error
