"""What isn't an open binary file is refused by name and with a hint, before any work."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vqcodec
from vqcodec.errors import UsageError


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"abc")
    file.close()
    return file


WRONG: list[Callable[[], Any]] = [
    lambda: 5,
    lambda: None,
    lambda: np.zeros((2, 4, 4, 3), np.uint8),
    lambda: io.StringIO("abc"),
    _closed,
]
CALLS = {
    "info": vqcodec.info,
    "verify": vqcodec.verify,
    "open": vqcodec.open,
    "read": vqcodec.TokenSequence.read,
    "encode": vqcodec.encode,
    "decode": vqcodec.decode,
    "tokens": lambda source: vqcodec.Codec().tokens(source),
}


@pytest.mark.parametrize("make", WRONG)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_source_that_is_no_open_binary_file(
    call: Callable[[Any], object], make: Callable[[], Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        call(make())
    assert caught.value.hint
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "make", [_closed, io.StringIO, lambda: io.BufferedReader(io.BytesIO()), lambda: 5]
)
def test_a_target_that_takes_no_bytes(make: Callable[[], Any]) -> None:
    frames = vqcodec.Frames(np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(UsageError) as caught:
        vqcodec.encode(frames, make())
    assert caught.value.hint
    assert "face" not in str(caught.value)


@pytest.mark.parametrize("pictures", [[[[[1, 2, 3]]]], [5]])
def test_pictures_that_are_no_arrays(pictures: Any) -> None:
    with pytest.raises(UsageError, match="a picture that is a"):
        vqcodec.encode(vqcodec.Frames(pictures))


@pytest.mark.parametrize(
    "picture", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)]
)
def test_a_portrait_of_another_shape(picture: Any) -> None:
    with pytest.raises(UsageError, match="a picture of shape"):
        vqcodec.Codec().portrait(picture)
