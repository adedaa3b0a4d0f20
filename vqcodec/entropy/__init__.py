"""Lossless coding of motion indices: bitstream_spec/entropy.md. Integers only; no torch, av or cv2.

The coder and its tables are loaded with the first group: who reads only what a stream says of itself needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vqcodec.format import GROUPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def encode_layers(indices: NDArray[np.integer]) -> list[bytes]:
    """Code one group: `vqcodec.entropy.codec.encode_layers`."""
    from vqcodec.entropy.codec import encode_layers as encode

    return encode(indices)


def decode_layers(
    payloads: Sequence[bytes], frames: int, groups: int = GROUPS
) -> NDArray[np.uint16]:
    """Decode one group: `vqcodec.entropy.codec.decode_layers`."""
    from vqcodec.entropy.codec import decode_layers as decode

    return decode(payloads, frames, groups)
