r"""When lips rest: in silences of a second or more the mouth is shut and still.

    speech ....|  silence                         | speech
    rest   0  0|0 0 /1 1 1 1 1 1 1 1 1 1 1 1 1\ 0 0|0
                0.2  0.6 s after             0.4   0.12 s before

In the short pauses of speech people keep their lips nearly as open as in words (nine tenths of it, on the training clips); those
stay as the generator makes them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import SPEECH_TOKEN_HZ

SHORTEST_S = 1.0
# a click in a silence ends it only if it is longer
_CLICK_FRAMES = 2
_SHUTS_S, _OPENS_S = (0.2, 0.6), (0.4, 0.12)

Floats = NDArray[np.float32]


def resting(silent: NDArray[np.bool_]) -> Floats:
    """How far lips rest.

    Args:
        silent: (T,) frames without a voice (speech.energy), 25 a second.

    Returns:
        (T,) float32: 0 as speech has them, 1 shut and still. Lips rest from the first frame on where the sound begins with a
        silence, and to the last where it ends with one.
    """
    rest = np.zeros(len(silent), np.float32)
    for start, stop in _silences(np.asarray(silent, bool)):
        if stop - start < SHORTEST_S * SPEECH_TOKEN_HZ and stop - start < len(silent):
            continue
        after, before = (
            (np.arange(stop - start) + 0.5) / SPEECH_TOKEN_HZ,
            (np.arange(stop - start, 0, -1) - 0.5) / SPEECH_TOKEN_HZ,
        )
        shuts = 1.0 if start == 0 else _ramp(after, *_SHUTS_S)
        opens = 1.0 if stop == len(silent) else _ramp(before, *_OPENS_S[::-1])
        rest[start:stop] = np.minimum(shuts, opens)
    return rest


def _ramp(time_s: NDArray[np.float64], first_s: float, last_s: float) -> NDArray[np.float64]:
    share = np.clip((time_s - first_s) / (last_s - first_s), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First place and the one after the last of each run of true ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.view(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _silences(silent: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First frame and the one after the last of runs of silence; clicks between two belong to them."""
    found = runs(silent)
    starts, stops = [first for first, _ in found], [stop for _, stop in found]
    while starts:
        start, stop = starts.pop(0), stops.pop(0)
        while starts and starts[0] - stop <= _CLICK_FRAMES:
            starts.pop(0)
            stop = stops.pop(0)
        yield start, stop
