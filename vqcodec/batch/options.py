"""Options of a job as JSON holds them -> the values that the codec takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from vqcodec.batch.tasks import Job
from vqcodec.config import DecodeOptions, DubOptions, EncodeOptions
from vqcodec.errors import UsageError
from vqcodec.words import (
    parse_audio,
    parse_crop,
    parse_fraction,
    parse_mix,
    parse_portrait_frame,
    parse_refs,
)

Options = EncodeOptions | DecodeOptions | DubOptions
_CLASSES: dict[Job, type[Options]] = {
    "encode": EncodeOptions,
    "decode": DecodeOptions,
    "dub": DubOptions,
}
_CRF = "crf"
_FRACTIONS = ("fps", "input_fps", "refs_every_s", "start_s", "end_s", "max_duration_s")
_READ: dict[str, Callable[[str], Any]] = {
    "audio": parse_audio,
    "crop": parse_crop,
    "refs": parse_refs,
    "portrait_frame": parse_portrait_frame,
    "portrait": Path,
    "poses": Path,
    "mix_db": parse_mix,
    "segments": Path,
    "sheet": Path,
}
"""Fields that words are read for, as on the command line; the others are what JSON says."""


def known_options(do: Job) -> list[str]:
    """Names that a job's options may have."""
    named = [field.name for field in fields(_CLASSES[do])] if do in _CLASSES else []
    return sorted({*named, _CRF} if do in ("decode", "dub") else named)


def options_of(do: Job, given: Mapping[str, Any]) -> tuple[Options | None, dict[str, Any]]:
    """What a job is called with.

    Args:
        do: the job.
        given: its options; words are those of the command line ("12k", "full", "30000/1001").

    Returns:
        the options, None for a job that has none, and further keywords.

    Raises:
        UsageError: an unknown name, or a value that can't be.
    """
    unknown = given.keys() - set(known_options(do))
    if unknown:
        raise UsageError(
            f"{do} has no option {', '.join(sorted(unknown))}",
            hint=f"It has {', '.join(known_options(do)) or 'none'}.",
        )
    further = {_CRF: given[_CRF]} if _CRF in given else {}
    if do not in _CLASSES:
        return None, further
    values = {name: _value(name, value) for name, value in given.items() if name != _CRF}
    try:
        return _CLASSES[do](**values), further
    except TypeError as error:
        raise UsageError(f"an option of {do} has a value of the wrong kind: {error}") from None


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _FRACTIONS:
        return parse_fraction(str(value), name)
    return _READ[name](str(value)) if name in _READ else value


def parse_setting(text: str) -> tuple[str, Any]:
    """Read "name=value": numbers, true, false and null as JSON has them, anything else is a word.

    Raises:
        UsageError: there is no "=".
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(
            f"{text!r} sets nothing", hint="Write --set NAME=VALUE, as bitrate_kbps=12."
        )
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
