"""espeak-ng through its C API (speak_lib.h): text to sound with the exact time of every phone. For training data only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from vqcodec.errors import UsageError, VqcodecError
from vqcodec.format import SPEECH_RATE_HZ

LIBRARY = "libespeak-ng.so.1"
DEBIAN_PACKAGE = "libespeak-ng1"
SILENCE = "_"
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_EVENTS_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1


class SynthesiserMissingError(VqcodecError, OSError):
    """espeak-ng isn't on this machine."""

    exit_code = 6


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone: when it sounds and its name in espeak-ng's IPA, `SILENCE` for none."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound, (N,) float32 at 16 kHz in -1..1, and its phones without gaps from 0 to the end."""

    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]


def timed_phones(starts: list[tuple[int, str]], total: int, rate_hz: int) -> tuple[Phone, ...]:
    """Phones from their (sample, name) starts: gaps are silence, neighbours of the same silence are one, empty ones fall away.

    espeak-ng announces a change of language as a phone in brackets, which sounds like nothing and is left out.
    """
    marks = [(0, SILENCE)] + [
        (sample, name or SILENCE) for sample, name in starts if not name.startswith("(")
    ]
    phones: list[Phone] = []
    for (start, name), (end, _) in zip(marks, [*marks[1:], (total, "")], strict=True):
        if end <= start:
            continue
        goes_on = bool(phones) and name == SILENCE == phones[-1].name
        start_s = phones.pop().start_s if goes_on else start / rate_hz
        phones.append(Phone(start_s, end / rate_hz, name))
    return tuple(phones)


def _phone_events(events: ctypes._Pointer[_Event]) -> Iterator[tuple[int, str]]:
    """The (sample, name) of each phone in one callback's list of events."""
    index = 0
    while (event := events[index]).type != _EVENTS_END:
        if event.type == _EVENT_PHONEME:
            # the eight bytes need no end mark when they are full, so not `.string`
            raw = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0]
            yield int(event.sample), raw.decode("utf-8", "ignore")
        index += 1


class Speaker:
    """espeak-ng, set up once for this process (the library holds one state for all).

    Raises:
        SynthesiserMissingError: the library or its data can't be loaded.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        hint = f"on Debian or Ubuntu: apt-get install {DEBIAN_PACKAGE} espeak-ng-data"
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            raise SynthesiserMissingError(
                f"espeak-ng's library {library} can't be loaded", hint=hint
            ) from error
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        self._rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, options))
        if self._rate_hz <= 0:
            raise SynthesiserMissingError("espeak-ng's voices can't be loaded", hint=hint)
        self._blocks: list[NDArray[np.int16]] = []
        self._starts: list[tuple[int, str]] = []
        self._callback = _Callback(self._hear)  # kept: the library holds only its address

    def _hear(
        self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
    ) -> int:
        """What the library calls with each block of sound."""
        if samples and count:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        self._starts.extend(_phone_events(events))
        return 0

    def say(
        self,
        text: str,
        voice: str,
        *,
        words_per_minute: int = 170,
        pitch: int = 50,
        pitch_range: int = 50,
    ) -> Utterance:
        """One text in one voice.

        Args:
            text: in the voice's language.
            voice: espeak-ng's name, with a variant if wanted: "de", "de+f2".
            words_per_minute: 80 to 450.
            pitch: base pitch, 0 to 100.
            pitch_range: 0 (flat) to 100.

        Raises:
            UsageError: there's no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise UsageError(
                f"espeak-ng has no voice {voice!r}", hint="espeak-ng --voices lists them"
            )
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._library.espeak_SetSynthCallback(
            self._callback
        )  # here: another Speaker may have set its own
        self._blocks.clear()
        self._starts.clear()
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 0, 0, _UTF8, None, None)
        sound = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)
        phones = timed_phones(self._starts, len(sound), self._rate_hz)
        divisor = int(np.gcd(SPEECH_RATE_HZ, self._rate_hz))
        # zero-phase, so that the phones' times hold
        samples = resample_poly(
            sound.astype(np.float32) / 32768.0, SPEECH_RATE_HZ // divisor, self._rate_hz // divisor
        )
        return Utterance(np.clip(samples, -1.0, 1.0).astype(np.float32), phones)
