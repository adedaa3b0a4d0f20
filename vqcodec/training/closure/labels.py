"""When lips meet, or teeth the lip, by what is heard: p, b, m, f, v of voices with exact times, and of recordings, read by hama.

hama (PyPI; needed to train and to measure, never to run) reads phones from sound, 50 times a second. It names a p, b or m 30 to
70 ms after the sound begins (390 phones of voices, whose times are exact), and filmed lips are shut from about 100 ms before that
on: the sound of p and b is the opening.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_HZ
from vqcodec.runtime.extras import MissingExtraError, install_hint

MEETING, TEETH = ("p", "b", "m"), ("f", "v")
PHONES = (MEETING, TEETH)
"""First letters of phones, in IPA: speech.closure.SOUNDS."""
READ_S = 20
"""hama reads so much at a time."""
HAMA_LAG_S = 0.05
LEAD_S = 0.06
"""Lips are shut so long before the sound begins."""
LEAST_S = 0.09

Span = tuple[float, float, str]
"""Start and end in seconds, phone."""


class PhoneReader:
    """hama on the CPU, at about twenty times the speed of speech.

    Raises:
        MissingExtraError: it isn't installed.
    """

    def __init__(self) -> None:
        try:
            import hama
        except ImportError as error:
            raise MissingExtraError(
                "reading phones needs the package hama", hint=install_hint("teacher")
            ) from error
        self._model: Any = hama.ASRModel()

    def spans(self, samples: NDArray[np.float32]) -> list[Span]:
        """Phones of (N,) sound at 16 kHz, in order; starts as hama has them, later than the sound's."""
        found = list[Span]()
        for first in range(0, len(samples), READ_S * SPEECH_RATE_HZ):
            part = samples[first : first + READ_S * SPEECH_RATE_HZ]
            if len(part) < SPEECH_RATE_HZ // 4:
                continue
            read = self._model.transcribe_waveform(part, SPEECH_RATE_HZ)
            at_s = first / SPEECH_RATE_HZ
            found += [
                (at_s + s.start_ms / 1000, at_s + s.end_ms / 1000, s.phoneme)
                for s in self._model.phoneme_spans(read)
            ]
        return found


def exact_spans(path: Path) -> list[Span]:
    """Phones of a synthetic voice (speech_tokens.voices)."""
    return [(float(a), float(b), str(name)) for a, b, name in json.loads(path.read_text("utf-8"))]


def meetings(
    spans: Iterable[Span], lag_s: float, letters: Sequence[str] = MEETING
) -> Iterator[tuple[float, float]]:
    """From when to when lips are shut, in seconds.

    Args:
        spans: phones.
        lag_s: how late their starts are: HAMA_LAG_S, or 0 for exact ones.
        letters: the first ones of the phones that count.
    """
    for start_s, end_s, name in spans:
        if name.startswith(tuple(letters)):
            first = start_s - lag_s - LEAD_S
            last = start_s - lag_s + 0.02 if name.startswith(("p", "b")) else end_s - lag_s
            yield first, max(last, first + LEAST_S)


def labels(spans: Iterable[Span], frames: int, lag_s: float) -> NDArray[np.float32]:
    """(frames, 2) 1 where a frame's middle lies in one of PHONES, 0 where not, 25 a second."""
    found, known = np.zeros((frames, len(PHONES)), np.float32), list(spans)
    middles = (np.arange(frames) + 0.5) / SPEECH_TOKEN_HZ
    for n, letters in enumerate(PHONES):
        for first, last in meetings(known, lag_s, letters):
            found[(middles >= first) & (middles <= last), n] = 1
    return found
