"""Indices to payloads and back: bitstream_spec/entropy.md section 2. Lossless, integers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.context import LayerModel
from vqcodec.entropy.rangecoder import RangeDecoder, RangeEncoder
from vqcodec.entropy.tables import RANK_TO_FOLDED, Ints, load, load_rows
from vqcodec.errors import UsageError
from vqcodec.format import (
    DIMS,
    GROUP_DIMS,
    GROUPS,
    HALF,
    LAYERS,
    MAX_GROUPS,
    pack_digits,
    unpack_digits,
)

_FOLDED = np.array(RANK_TO_FOLDED, np.int64)
_RANK = np.argsort(_FOLDED)


def signed_digits(indices: NDArray[np.integer]) -> Ints:
    """(T, G, L) indices to (T, 4 G, L) digits -2..2; raises `UsageError` as `vqcodec.format.unpack_digits` does."""
    return unpack_digits(indices).astype(np.int64) - HALF


def _encode_layer(digits: Ints, layer: int) -> bytes:
    if not len(digits):
        return b""
    dims = digits.shape[1]
    model = LayerModel(load(dims)[layer], layer, digits)
    rows, coder = load_rows(layer, dims > DIMS), RangeEncoder()
    for t in range(len(digits)):
        contexts = model.contexts(t)
        ranks = _RANK[model.mirror * digits[t, :, layer] + HALF]
        coder.encode([rows[i] for i in contexts.tolist()], ranks.tolist())
        model.update(t, digits[t, :, layer])
    return coder.finish()


def encode_layers(indices: NDArray[np.integer]) -> list[bytes]:
    """Code one group.

    Args:
        indices: (T, G, L) integers 0..624, T >= 0, G = 12..32, L = 1..4, coarse layer first.

    Returns:
        L payloads; payload r needs only the payloads before it. Empty where every digit is zero.

    Raises:
        UsageError: wrong shape, type or range.
    """
    digits = signed_digits(indices)
    return [_encode_layer(digits, layer) for layer in range(indices.shape[2])]


def decode_layers(
    payloads: Sequence[bytes], frames: int, groups: int = GROUPS
) -> NDArray[np.uint16]:
    """Inverse of `encode_layers`.

    Args:
        payloads: the first 1..4 payloads of a group.
        frames: T of the group.
        groups: G, groups of dimensions in a frame, 12..32.

    Returns:
        (T, G, len(payloads)) uint16 in 0..624.

    Raises:
        BitstreamError: code "bad-payload", when a payload is not what an encoder writes for the digits it decodes to.
        UsageError: no payload, more than four, a negative number of frames, or too few or too many groups.
    """
    return pack_digits(_decode(payloads, frames, groups)[0] + HALF)


def final_states(
    payloads: Sequence[bytes], frames: int, groups: int = GROUPS
) -> list[tuple[int, int, int]]:
    """(code, span, bytes taken) of each payload's coder after the last symbol, for conformance; raises as `decode_layers`."""
    return [coder.state for coder in _decode(payloads, frames, groups)[1]]


def _decode(payloads: Sequence[bytes], frames: int, groups: int) -> tuple[Ints, list[RangeDecoder]]:
    if not 1 <= len(payloads) <= LAYERS or frames < 0:
        raise UsageError(
            f"{len(payloads)} payloads of {frames} frames; expected 1..{LAYERS} and 0 or more"
        )
    if not GROUPS <= groups <= MAX_GROUPS:
        raise UsageError(f"{groups} groups of dimensions, expected {GROUPS}..{MAX_GROUPS}")
    dims = groups * GROUP_DIMS
    digits = np.zeros((frames, dims, len(payloads)), np.int64)
    coders = [RangeDecoder(payload, frames * dims) for payload in payloads]
    for layer, coder in enumerate(coders):
        if frames:
            _decode_frames(coder, digits, layer)
        coder.finish()
    return digits, coders


def _decode_frames(coder: RangeDecoder, digits: Ints, layer: int) -> None:
    dims = digits.shape[1]
    model, rows = LayerModel(load(dims)[layer], layer, digits), load_rows(layer, dims > DIMS)
    for t in range(len(digits)):
        contexts = model.contexts(t)
        ranks = coder.decode([rows[i] for i in contexts.tolist()])
        digits[t, :, layer] = model.mirror * _FOLDED[ranks]
        model.update(t, digits[t, :, layer])
