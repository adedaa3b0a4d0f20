"""Recordings that end early, of kinds that let it be known; and the same ones whole."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.media.strange.table import Strange
from tests.support.media import clicks, make_clip, times_at

SOUND = clicks(0.8)
_BLOCK_BYTES = 188
_MPEG2: dict[str, Any] = {"codec": "mpeg2video", "sound_codec": "mp2", "base": Fraction(1, 25)}
_FAST, _PIECES = {"movflags": "faststart"}, {"movflags": "frag_keyframe+empty_moov"}
_LIVE = {"live": "1"}
_WEBM: dict[str, Any] = {"codec": "libvpx", "sound_codec": "libopus"}
_WMV: dict[str, Any] = {"codec": "wmv2", "sound_codec": "pcm_s16le"}


def _cut(keep: Callable[[bytes], int] | None, **more: Any) -> Callable[[Path], object]:
    """A recording of which so many bytes are there; None: all."""

    def make(path: Path) -> None:
        make_clip(path, times_at(25, 20), sound=SOUND, **more)
        data = path.read_bytes()
        path.write_bytes(data if keep is None else data[: keep(data)])

    return make


def _most(data: bytes) -> int:
    """Nine tenths: what is missing is too short for a declared length to tell it."""
    return len(data) * 9 // 10


def _without_its_end(stream: int) -> Callable[[bytes], int]:
    """Up to the last packet of a transport stream's last piece of several, which isn't there."""

    def keep(data: bytes) -> int:
        packets = [data[at : at + _BLOCK_BYTES] for at in range(0, len(data), _BLOCK_BYTES)]
        own = [n for n, p in enumerate(packets) if (p[1] & 0x1F) << 8 | p[2] == stream]
        starts = [n for n in own if packets[n][1] & 0x40]
        last_start = next(n for n in reversed(starts) if n + 1 in own and n + 1 not in starts)
        return (last_start + 1) * _BLOCK_BYTES

    return keep


def _pair(name: str, *, cut: Callable[[bytes], int] = _most, **more: Any) -> list[Strange]:
    """Cut short, and whole."""
    none: dict[str, Any] = {"damaged": None, "says": None}
    return [
        Strange(f"cut short, {name}", _cut(cut, **more), truncated=True, **none),
        Strange(f"whole, {name}", _cut(None, **more), **none),
    ]


ROWS = [
    *_pair("index first.mp4", options=_FAST),
    *_pair("in fragments.mp4", options=_PIECES),
    *_pair("length known.mkv"),
    *_pair("live.mkv", options=_LIVE),
    *_pair("live.webm", options=_LIVE, **_WEBM),
    *_pair("tags.flv", codec="flv1", sound_codec="pcm_s16le", sound_hz=44100),
    *_pair("header.wmv", **_WMV),
    *_pair("a packet.ts"),
    *_pair("a piece of sound.ts", cut=_without_its_end(257)),
    *_pair("a picture.ts", cut=_without_its_end(256), size=(320, 240)),
    *_pair("a packet.m2ts"),
    *_pair("a pack.mpg", **_MPEG2),
]
