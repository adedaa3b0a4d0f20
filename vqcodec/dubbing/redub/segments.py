"""A list of spans of a recording that are dubbed, each with its sound: CSV, SRT or VTT.

    start,end,sound                  1                                 WEBVTT
    1.5,3.25,first.wav               00:00:01,500 --> 00:00:03,250
    1:02.5,1:04,second.wav           first.wav                         00:01.500 --> 00:03.250

Times are seconds or clock times of the recording. A sound is a file, found beside the list; it begins with its span and is cut
at the span's end. Where a row names none, or a subtitle says anything else, the speech itself is taken at that time. Between
spans everything is as it was, sound and lips.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from vqcodec.errors import UsageError
from vqcodec.media.faults import media_faults
from vqcodec.words import parse_time_s

LARGEST_BYTES = 4 << 20
_FORMS = "Write start,end,sound, a span a line, in a .csv file, or give a .srt or .vtt file."
_ARROW = "-->"


@dataclass(frozen=True, slots=True)
class Segment:
    """A span that is dubbed.

    Attributes:
        start_s, end_s: in the recording.
        sound: a file whose beginning is heard at start_s; None: the speech, as it runs beside the recording.
    """

    start_s: Fraction
    end_s: Fraction
    sound: Path | None = None


def read_segments(path: Path) -> tuple[Segment, ...]:
    """Read a list, by the file's suffix.

    Returns:
        At least one, by time, apart from each other.

    Raises:
        MediaError: it can't be read.
        UsageError: it holds no span, one that ends before it begins, or two that overlap; it names the line.
    """
    with media_faults(str(path), "read"), path.open("rb") as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise UsageError(f"{path} is too large for a list of spans", hint=_FORMS)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", hint=_FORMS) from error
    cues = path.suffix.lower() in (".srt", ".vtt") or _ARROW in text
    rows = _cues(text.splitlines()) if cues else _rows(text)
    found = [(line, _segment(path, line, fields)) for line, fields in rows]
    if not found:
        raise UsageError(f"{path} names no span", hint=_FORMS)
    found.sort(key=lambda each: each[1].start_s)
    for (_, one), (line, other) in pairwise(found):
        if other.start_s < one.end_s:
            raise UsageError(
                f"{path}, line {line}: the span begins before {float(one.end_s):g} s, where another ends"
            )
    return tuple(segment for _, segment in found)


def _rows(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Line and fields of a table; a first line without digits is its head."""
    first = text.lstrip().split("\n", 1)[0]
    mark = next((mark for mark in ("\t", ";") if mark in first), ",")
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    for fields in reader:
        plain = [field.strip() for field in fields]
        head = reader.line_num == 1 and not any(map(str.isdigit, plain[0] if plain else ""))
        if any(plain) and not head and not plain[0].startswith("#"):
            yield reader.line_num, plain


def _cues(lines: Iterable[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Line and fields of subtitles: a sound is what the line after the times says."""
    pending: tuple[int, list[str]] | None = None
    for number, line in enumerate(lines, 1):
        if _ARROW in line:
            if pending is not None:
                yield pending
            start, _, rest = line.partition(_ARROW)
            pending = number, [start.strip(), (rest.split() or [""])[0], ""]
        elif pending is not None and line.strip() and not pending[1][2]:
            pending[1][2] = re.sub("<[^>]*>", "", line).strip()
        elif pending is not None and not line.strip():
            yield pending
            pending = None
    if pending is not None:
        yield pending


def _segment(path: Path, line: int, fields: Sequence[str]) -> Segment:
    if len(fields) < 2:
        raise UsageError(f"{path}, line {line}: a span has a start and an end", hint=_FORMS)
    try:
        start_s, end_s = (parse_time_s(text.replace(",", "."), "a span") for text in fields[:2])
    except UsageError as error:
        raise UsageError(f"{path}, line {line}: {error}", hint=error.hint) from error
    if end_s <= start_s:
        raise UsageError(f"{path}, line {line}: the span ends before it begins")
    name = fields[2] if len(fields) > 2 else ""
    sound = path.parent / name if name else None
    if sound is not None and not _is_file(sound):
        if path.suffix.lower() in (".srt", ".vtt"):
            sound = None
        else:
            raise UsageError(
                f"{path}, line {line}: there is no file {sound}",
                hint="Sounds are found beside the list.",
            )
    return Segment(start_s, end_s, sound)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
