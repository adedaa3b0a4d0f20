"""Times that are wrong, start anew, stand still or aren't there."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.media.strange.table import Heard, Strange
from tests.support.matroska import Retime, retime
from tests.support.media import clicks, make_clip, times_at

SOUND = clicks(2.4)
COUNT = 60
RIGHT = [n / 25 for n in range(COUNT)]
_PICTURES, _SOUNDS = 1, 2


def _retimed(track: int, change: Retime, **more: Any) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        make_clip(path, times_at(25, COUNT), sound=SOUND, sound_codec="pcm_s16le", **more)
        retime(path, track, change)

    return make


def _wrong(name: str, track: int, change: Retime, says: str, **more: Any) -> Strange:
    """Times that are wrong and leave no trace but a remark."""
    return Strange(
        name,
        _retimed(track, change, **more),
        times=RIGHT,
        greys=list(range(COUNT)),
        heard=(Heard(SOUND, 0.0),),
        sound_s=2.4,
        says=(says,) if says else (),
    )


def _joined(*parts: tuple[int, float, float]) -> Callable[[Path], object]:
    """Transport streams one behind the other: pictures, when they begin, and seconds of sound of each."""

    def make(path: Path) -> None:
        data = b""
        for number, (count, begin_s, sound_s) in enumerate(parts):
            part = path.with_suffix(f".{number}.ts")
            begin = Fraction(str(begin_s))
            make_clip(
                part,
                [begin + time for time in times_at(25, count)],
                sound=clicks(sound_s, seed=number) if sound_s else None,
                sound_start_s=begin,
            )
            data += part.read_bytes()
        path.write_bytes(data)

    return make


def _in_parts(*begin_s: float, count: int) -> list[float]:
    return [begin + n / 25 for begin in begin_s for n in range(count)]


def _raw(rate: Fraction | int, form: str = "h264", **more: Any) -> Callable[[Path], Any]:
    base = 1 / Fraction(rate)
    return lambda path: make_clip(path, times_at(rate, 20), base=base, rate=rate, form=form, **more)


def _raw_mjpeg(path: Path) -> object:
    return _raw(15, "mjpeg", codec="mjpeg", pix_fmt="yuvj420p")(path)


def _raw_row(name: str, rate: Fraction | int, **more: Any) -> Strange:
    return Strange(
        name,
        _raw(rate, **more),
        times=[float(time) for time in times_at(rate, 20)],
        greys=list(range(20)),
        rate_hz=rate,
    )


def _runs() -> list[Strange]:
    """Several wrong times together, also at the very beginning and the very end."""
    counts = {_PICTURES: COUNT, _SOUNDS: 113}
    told = {_PICTURES: "3 pictures of", _SOUNDS: "3 packets of sound"}
    rows = []
    for track, kind in ((_PICTURES, "pictures"), (_SOUNDS, "sounds")):
        for place, first in (("first", 0), ("middle", 30), ("last", counts[track] - 3)):
            late = _later(first, 3, 9000)
            rows.append(_wrong(f"three {kind} 9 s late, {place}.mkv", track, late, told[track]))
    late, live = _later(COUNT - 2, 2, 9000), {"live": "1"}
    rows.append(_wrong("length not known, last two.mkv", 1, late, "2 pictures", options=live))
    return rows


def _later(first: int, count: int, by_ms: int) -> Retime:
    return lambda n, t: t + by_ms if first <= n < first + count else t


ROWS = [
    *_runs(),
    _wrong("the first two .5 s late.mkv", _PICTURES, _later(0, 2, 500), "2 pictures"),
    _wrong("the last two are 0.mkv", 1, lambda n, t: 0 if n >= COUNT - 2 else t, "2 pictures"),
    _wrong("ten pictures 9 s late.mkv", _PICTURES, _later(30, 10, 9000), "10 pictures"),
    _wrong("six sounds .3 s late.mkv", _SOUNDS, _later(30, 6, 300), "6 packets of sound"),
    Strange(
        "a pause in both.mkv",
        lambda path: (
            _retimed(_PICTURES, lambda n, t: t + 5000 * (t >= 1200))(path),
            retime(path, _SOUNDS, lambda n, t: t + 5000 * (t >= 1200)),
        ),
        times=[n / 25 + 5 * (n >= 30) for n in range(COUNT)],
        sound_s=7.4,
    ),
    _wrong("a picture's time is 0.mkv", _PICTURES, lambda n, t: 0 if n == 40 else t, "1 picture"),
    _wrong(
        "a picture's time is 5 s late.mkv",
        _PICTURES,
        lambda n, t: t + 5000 if n == 20 else t,
        "1 picture",
    ),
    _wrong(
        "a picture's time is .3 s early.mkv",
        _PICTURES,
        lambda n, t: t - 300 if n == 30 else t,
        "1 picture",
    ),
    _wrong(
        "the last picture's time is 9 s late.mkv",
        _PICTURES,
        lambda n, t: t + 9000 if n == COUNT - 1 else t,
        "1 picture",
    ),
    Strange(
        "a long hole before the last picture.mkv",  # a slide: nothing new for long
        lambda path: make_clip(path, [*times_at(25, 10), 9]),
        times=[n / 25 for n in range(10)] + [9.0],
    ),
    _wrong(
        "two pictures' times are 0.mkv",
        _PICTURES,
        lambda n, t: 0 if n in (40, 41) else t,
        "2 pictures",
    ),
    _wrong(
        "the first picture's time is 9 s.mkv", _PICTURES, lambda n, t: t if n else 9000, "1 picture"
    ),
    _wrong(
        "pictures on another clock for a while.mkv",
        _PICTURES,
        lambda n, t: t - 1500 if 40 <= n < 50 else t,
        "starts anew once",
    ),
    _wrong(
        "a sound's time is 0.mkv", _SOUNDS, lambda n, t: 0 if n == 80 else t, "1 packet of sound"
    ),
    _wrong(
        "a sound's time is 9 s late.mkv",
        _SOUNDS,
        lambda n, t: t + 9000 if n == 50 else t,
        "1 packet of sound",
    ),
    _wrong("all pictures have one time.mkv", _PICTURES, lambda n, t: 0, "59 pictures"),
    _wrong("times in whole seconds.mkv", _PICTURES, lambda n, t: t // 1000 * 1000, "pictures of"),
    Strange(
        "joined, sound shorter.ts",
        _joined((50, 1, 1.2), (50, 1, 2.0)),
        times=_in_parts(0, 2, count=50),
        heard=(Heard(clicks(1.2, seed=0), 0.0, 0.03), Heard(clicks(2.0, seed=1), 2.0, 0.03)),
        priming_s=0.03,
        held=50,
        damaged=None,
        says=("starts anew once",),
    ),
    Strange(
        "joined, the first without sound.ts",
        _joined((50, 1, 0), (50, 1, 2.0)),
        times=_in_parts(0, 2, count=50),
        heard=(Heard(clicks(2.0, seed=1), 2.0, 0.03),),
        priming_s=0.03,
        held=50,
        damaged=None,
        says=("starts anew once",),
    ),
    Strange(
        "joined, the last without sound.ts",
        _joined((50, 1, 2.0), (50, 1, 0)),
        times=_in_parts(0, 2, count=50),
        heard=(Heard(clicks(2.0, seed=0), 0.0, 0.03),),
        within_s=0.03,
        damaged=None,
        says=("starts anew once",),
    ),
    Strange(
        "three joined, sound longer.ts",
        _joined((30, 2, 1.8), (30, 1, 1.8), (30, 1, 1.8)),
        times=_in_parts(0, 1.8, 3.6, count=30),
        heard=(Heard(clicks(1.8, seed=2), 3.6, 0.04),),
        priming_s=0.09,
        within_s=0.04,
        held=60,
        damaged=None,
        says=("starts anew 2 times",),
    ),
    _raw_row("30 a second.h264", 30),
    _raw_row("NTSC film.h264", Fraction(24000, 1001)),
    _raw_row("12 a second.m4v", 12, codec="mpeg4", form="m4v"),
    Strange(
        "no rate at all.mjpeg",
        _raw_mjpeg,
        times=RIGHT[:20],
        says=("--input-fps",),
    ),
    Strange(
        "the rate is given.mjpeg",
        _raw_mjpeg,
        times=[n / 15 for n in range(20)],
        options={"input_fps": 15},
        rate_hz=15,
    ),
    Strange(
        "the rate is overruled.mp4",
        lambda path: make_clip(path, times_at(25, 20)),
        times=[n / 10 for n in range(20)],
        options={"input_fps": Fraction(10)},
    ),
]
