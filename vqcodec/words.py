"""Words of the command line as values."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import cast, get_args

from vqcodec.choices import FACE_HINT, FaceChoice, NamedFace
from vqcodec.config import (
    REFS_HINT,
    AudioChoice,
    CropChoice,
    PortraitFrame,
    Refs,
    SquareCrop,
)
from vqcodec.errors import UsageError

_AUDIO_HINT = "Choose --audio auto, 6k to 64k, copy or none."
_LARGE_EXPONENT = re.compile(r"[eE][+-]?[0-9_]{3,}")
_CROP_HINT = "Choose --crop auto, full or x,y,side in source pixels."


def parse_audio(text: str) -> AudioChoice:
    """Read "auto", "copy", "none" or a rate such as "12k" or "12000".

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return AudioChoice()
    if text == "copy":
        return AudioChoice("copy")
    if text == "none":
        return AudioChoice("none")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(k?)", text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is not an audio choice", hint=_AUDIO_HINT)
    return AudioChoice("opus", int(Fraction(match[1]) * (1000 if match[2] else 1)))


def parse_crop(text: str) -> CropChoice:
    """Read "auto", "full" (the largest centred square) or "x,y,side".

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    if text == "full":
        return "full"
    match = re.fullmatch(r"\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(\d+)\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is not a crop", hint=_CROP_HINT)
    return SquareCrop(int(match[1]), int(match[2]), int(match[3]))


def parse_refs(text: str) -> Refs:
    """Read "auto" or a number of portraits per shot.

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    return _whole(text, "a number of portraits", REFS_HINT)


def parse_face(text: str) -> FaceChoice:
    """Read "largest", "left", "right" or a number.

    Raises:
        UsageError: anything else.
    """
    for name in get_args(NamedFace):
        if text == name:
            return cast(NamedFace, name)
    return _whole(text, "a choice of a face", FACE_HINT)


def _whole(text: str, what: str, hint: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) is None:
        raise UsageError(f"{text!r} is not {what}", hint=hint)
    return int(text)


def parse_portrait_frame(text: str) -> PortraitFrame:
    """Read "auto", "first" or a time.

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    if text == "first":
        return "first"
    return parse_time_s(text, "--portrait-frame")


def parse_fraction(text: str, what: str) -> Fraction:
    """Read "25", "29.97", "30000/1001" exactly.

    Raises:
        UsageError: not a number, or a zero denominator; `what` names it in the message.
    """
    try:
        if _LARGE_EXPONENT.search(text):  # would be written out, digit by digit
            raise ValueError(text)
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"{text!r} is not a number for {what}", hint="Write 25, 29.97 or 30000/1001."
        ) from error


def parse_mix(text: str) -> float | None:
    """Read what becomes of an old sound: "replace" (None), "keep" (0), or decibels: "-20", "-20dB".

    Raises:
        UsageError: anything else.
    """
    named = {"replace": None, "keep": 0.0}
    if text in named:
        return named[text]
    number = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]+)?) ?(?:dB)?", text.strip())
    if number is None:
        raise UsageError(
            f"{text!r} is not what becomes of an old sound",
            hint="Choose replace, keep, or decibels, as -20.",
        )
    return float(number[1])


def parse_time_s(text: str, what: str) -> Fraction:
    """Read seconds ("12.5") or a clock time ("1:02.5", "1:00:00") exactly, in seconds.

    Raises:
        UsageError: not a time.
    """
    parts = [parse_fraction(part, what) for part in text.split(":")]
    if len(parts) > 3 or any(part < 0 for part in parts):
        raise UsageError(
            f"{text!r} is not a time for {what}",
            hint="Write seconds (12.5) or minutes:seconds (1:02.5).",
        )
    return sum((part * 60**i for i, part in enumerate(reversed(parts))), Fraction(0))
