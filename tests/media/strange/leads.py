"""Sound before the first picture and after the last one, and files whose beginning was cut off."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.media.strange.table import Heard, Strange
from tests.support.media import HZ, clicks, make_clip, times_at

SOUND = clicks(3.0)
_BEGIN_S = 1  # of the file: a time before zero isn't written by all containers


def _clip(
    first_s: Fraction, count: int, sound_s: float = 3.0, sound_codec: str = "aac", **more: Any
) -> Callable[[Path], object]:
    """`count` pictures that begin `first_s` after the sound."""
    times = [_BEGIN_S + first_s + time for time in times_at(25, count)]
    sound = SOUND[: round(sound_s * HZ)]
    return lambda path: make_clip(
        path, times, sound=sound, sound_start_s=Fraction(_BEGIN_S), sound_codec=sound_codec, **more
    )


def _late(name: str, first_s: float, **more: Any) -> Strange:
    held = [float(n) for n in range(10) if n == 0 or n + 0.04 <= first_s]  # once a second
    says = ("s after its sound; the first one is held",) if first_s >= 0.5 else ()
    return Strange(
        name,
        _clip(Fraction(str(first_s)), 10, **more),
        times=held + [first_s + n / 25 for n in range(10)],
        held=len(held),
        priming_s=1024 / HZ,
        heard=(Heard(SOUND, 0.0),),
        sound_s=3.0,
        says=says,
    )


def _days_later(count: int) -> list[Fraction]:
    return [1_000_000 + time for time in times_at(25, count)]


ROWS = [
    _late("pictures 2 s after the sound.mp4", 2.0),
    _late("pictures 1.5 s after the sound.mkv", 1.5),
    _late("pictures .72 s after the sound.mov", 0.72),
    _late("pictures .2 s after the sound.ts", 0.2),
    _late("pictures .1 s after the sound.webm", 0.1, sound_codec="libopus", codec="libvpx"),
    _late("all pictures after all sound.mkv", 4.0),
    Strange(
        "sound 2 s longer than the pictures.mkv",
        _clip(Fraction(0), 25),
        times=[n / 25 for n in range(25)],
        heard=(Heard(SOUND, 0.0),),
        sound_s=3.0,
    ),
    Strange(
        "sound 2 s longer than the pictures.flv",
        lambda path: make_clip(
            path, times_at(25, 25), sound=clicks(3.0, 44100), sound_hz=44100, codec="flv1"
        ),
        times=[n / 25 for n in range(25)],
        sound_s=3.0,
    ),
    Strange(
        "sound 2 s longer than the pictures.wmv",
        lambda path: make_clip(
            path, times_at(25, 25), sound=clicks(3.0, 44100), sound_hz=44100, codec="wmv2"
        ),
        times=[n / 25 for n in range(25)],
        sound_s=3.0,
    ),
    Strange(
        "beginning cut off.mkv",  # its clock and its length count from what is missing
        lambda path: make_clip(path, [5 + time for time in times_at(25, 25)]),
        times=[n / 25 for n in range(25)],
    ),
    Strange(
        "beginning cut off, with sound.flv",
        lambda path: make_clip(
            path,
            [5 + time for time in times_at(25, 25)],
            sound=clicks(1.0, 44100),
            sound_hz=44100,
            sound_start_s=Fraction(5),
            codec="flv1",
        ),
        times=[n / 25 for n in range(25)],
        sound_s=1.0,
    ),
    Strange(
        "pictures eleven days after the sound.mkv",
        lambda path: make_clip(path, _days_later(25), sound=SOUND[:HZ], sound_start_s=Fraction(1)),
        times=[n / 25 for n in range(25)],
        priming_s=1024 / HZ,
        sound_s=1.0,
        says=("s apart by their times: begun together",),
    ),
    Strange(
        "sound eleven days after the pictures.mkv",
        lambda path: make_clip(
            path, times_at(25, 25), sound=SOUND[:HZ], sound_start_s=Fraction(1_000_000)
        ),
        times=[n / 25 for n in range(25)],
        sound_s=1.0,
        says=("s apart by their times: begun together",),
    ),
]
