"""Tokens that bring the entropy coder's model to its limits, and a payload that ends between two right ends.

`VALID_CORNERS`: name -> bytes. `INVALID_CORNERS`: name -> (error code, what is wrong, bytes).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction

import numpy as np
from group_counts import at_rest, stream
from numpy.typing import NDArray
from raw_streams import edit, split
from whole_streams import noise, silent

from tests.support.container import make_group
from tests.support.units import in_shot
from vqcodec.container.payloads import build_motion, parse_motion
from vqcodec.entropy.codec import final_states
from vqcodec.format import GROUP_DIMS, GROUPS
from vqcodec.types import MotionGroup

Digits = NDArray[np.int64]
"""(frames, groups, layers, 4) in 0..4; 2 is no step."""


def drawn(shape: tuple[int, ...], seed: str) -> Digits:
    """Digits without any order, the same on every machine."""
    data = hashlib.shake_256(f"corner {seed}".encode()).digest(int(np.prod(shape)))
    return np.frombuffer(data, np.uint8).reshape(shape).astype(np.int64) % 5


def still(frames: int, groups: int, layers: int) -> Digits:
    """Nothing moves."""
    return np.full((frames, groups, layers, GROUP_DIMS), 2)


def coarse_only(frames: int, groups: int, layers: int, seed: str) -> Digits:
    """The first layer jumps, the others say nothing: payloads of which much is left out at the end."""
    digits = still(frames, groups, layers)
    digits[:, :, 0] = drawn((frames, groups, GROUP_DIMS), seed)
    return digits


def one_jump(frames: int, groups: int, layers: int, seed: str) -> Digits:
    """All digits change once, from one frame to the next: predictions go to their limits."""
    before, after = drawn((2, 1, groups, layers, GROUP_DIMS), seed)
    at = frames // 2
    return np.concatenate([before.repeat(at, 0), after.repeat(frames - at, 0)])


def bursts(frames: int, groups: int, layers: int, seed: str, every: int = 20) -> Digits:
    """Still, but for one digit in some."""
    digits, other = still(frames, groups, layers), drawn((frames, groups, layers, GROUP_DIMS), seed)
    chosen = np.arange(digits.size).reshape(digits.shape) * 2654435761 % 2**32 < 2**32 // every
    digits[chosen] = other[chosen]
    return digits


def late(frames: int, groups: int, layers: int) -> Digits:
    """Still for so long that the model expects nothing, then every digit moves."""
    digits = still(frames, groups, layers)
    digits[-2:] = 4
    return digits


def group_of(digits: Digits) -> MotionGroup:
    """A group of these tokens."""
    frames, groups, layers, _ = digits.shape
    made = make_group(0, frames, layers, groups=groups)
    indices = (digits * 5 ** np.arange(GROUP_DIMS)).sum(axis=3).astype(np.uint16)
    return replace(made, indices=indices)


def narrow(digits: Digits) -> bytes:
    """A stream of 12 groups, version 1."""
    often = Fraction(100)  # a group spans two seconds at most
    return silent(
        group_of(digits), layers=digits.shape[2], time_base_s=1 / often, frame_rate_hz=often
    )


def wide(digits: Digits) -> bytes:
    """A stream of more groups, version 2."""
    _, groups, layers, _ = digits.shape
    return stream(groups, at_rest(groups), in_shot(group_of(digits), 0), layers=layers)


def between() -> bytes:
    """A payload whose last bytes are the coder's lower end itself: it decodes, but isn't what an encoder writes."""
    whole = noise(4)
    group = parse_motion(split(whole)[2][1])
    payload = group.payloads[-1]
    code, _, taken = final_states(list(group.payloads), len(group.ticks), GROUPS)[-1]
    word = int.from_bytes((payload + bytes(4))[taken - 4 : taken], "big")
    lower = word - code
    assert 0 < lower < word and lower % 256
    changed = payload[: taken - 4] + lower.to_bytes(4, "big")
    payloads = (*group.payloads[:-1], changed)
    return edit(whole, b"MOTN", lambda _: build_motion(replace(group, payloads=payloads)))


VALID_CORNERS: dict[str, bytes] = {
    "tokens-coarse-only": narrow(coarse_only(3, 12, 2, "a")),
    "tokens-one-jump": narrow(one_jump(20, 12, 2, "a")),
    "tokens-another-jump": narrow(one_jump(20, 12, 2, "b")),
    "tokens-still-then-jump": narrow(late(140, 12, 2)),
    "2-groups-32-one-jump": wide(one_jump(20, 32, 2, "b")),
    "2-groups-16-two-frames": wide(bursts(2, 16, 4, "a")),
}

INVALID_CORNERS: dict[str, tuple[str, str, bytes]] = {
    "entropy-end-between": (
        "bad-payload",
        "a payload that ends at the coder's lower end, not at the shortest number above it",
        between(),
    ),
}
