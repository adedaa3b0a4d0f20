"""Strange sounds, one a row: channels at odd places, in opposite phase, silent, unreadable, cut short."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from tests.support.media import HZ, make_clip, times_at

_PCM = bytes.fromhex("0100000000001000800000aa00389b71")


def speech(seconds: float = 1.0) -> np.ndarray:
    """(n,) int16: a hum whose loudness goes up and down."""
    at = np.arange(int(seconds * HZ)) / HZ
    hum = np.sin(2 * np.pi * 180 * at) + 0.6 * np.sin(2 * np.pi * 620 * at + 1)
    return np.rint(9000 * hum * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at))).astype(np.int16)


@dataclass(frozen=True)
class Odd:
    """A sound that isn't as sounds should be.

    Attributes:
        name: of the row, with the file's suffix.
        make: writes the file.
        loudness: RMS of what is heard over that of `speech`; None: there is no sound.
        within: of that.
        says: words of each remark.
        truncated: it breaks off early.
        sound_s: how long it is.
    """

    name: str
    make: Callable[[Path], object]
    loudness: float | None = 1.0
    within: float = 0.02
    says: tuple[str, ...] = ()
    truncated: bool = False
    sound_s: float = field(default=1.0)

    def __str__(self) -> str:
        return self.name


def wav(channels: list[np.ndarray], mask: int, more_bytes: int = 0) -> Callable[[Path], object]:
    """WAVE_FORMAT_EXTENSIBLE; the header may promise more than there is."""
    count, data = len(channels), np.stack(channels, 1).astype("<i2").tobytes()
    form = struct.pack("<HHIIHHHHI", 0xFFFE, count, HZ, 2 * count * HZ, 2 * count, 16, 22, 16, mask)
    size = len(data) + more_bytes
    body = b"WAVEfmt " + struct.pack("<I", 40) + form + _PCM + b"data" + struct.pack("<I", size)
    head = b"RIFF" + struct.pack("<I", len(body) + size)
    return lambda path: path.write_bytes(head + body + data)


def clip(channels: list[np.ndarray], codec: str = "aac") -> Callable[[Path], object]:
    sound = np.stack(channels, 1)
    return lambda path: make_clip(path, times_at(25, 25), sound=sound, sound_codec=codec)


def _unknown_codec(path: Path) -> None:
    clip([speech()])(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"mp4a", data.index(b"stsd"))
    data[at : at + 4] = b"apac"
    at = data.index(b"esds", at)
    data[at : at + 4] = b"dapa"
    path.write_bytes(data)


def _garbage(path: Path) -> None:
    """AAC whose packets are all noise, as encrypted ones are."""
    clip([speech()])(path)
    with av.open(str(path)) as container:
        packets = [bytes(p) for p in container.demux(audio=0) if p.size]
    data = path.read_bytes()
    for packet in packets:
        data = data.replace(packet, b"\xff" * len(packet), 1)
    path.write_bytes(data)


def _whole(codec: str, seconds: float = 1.0) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=HZ, layout="mono")
            frame = av.AudioFrame.from_ndarray(speech(seconds)[None], format="s16", layout="mono")
            frame.sample_rate = HZ
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    return make


def _cut(codec: str) -> Callable[[Path], object]:
    """It says that it is half a second longer."""

    def make(path: Path) -> None:
        _whole(codec, 1.5)(path)
        path.write_bytes(path.read_bytes()[:-HZ])

    return make


def _cut_avi(path: Path) -> None:
    clip([speech()], "pcm_s16le")(path)
    path.write_bytes(path.read_bytes()[: -HZ // 2])


def _pages(left_out: int) -> Callable[[Path], object]:
    """Ogg: of the last page 1 nothing, 2 a half is there."""

    def make(path: Path) -> None:
        _whole("libopus")(path)
        data = path.read_bytes()
        last = data.rindex(b"OggS")
        path.write_bytes(data[: (len(data), last, (last + len(data)) // 2)[left_out]])

    return make


_BIG = "pcm_s16be"
_CHUNKS = ((".aiff", _BIG), (".caf", _BIG), (".w64", "pcm_s16le"))
A, NONE = speech(), np.zeros(HZ, np.int16)
_PLACES = {
    "FL": 1,
    "FR": 2,
    "FC": 4,
    "LFE": 8,
    "BL": 16,
    "BR": 32,
    "BC": 256,
    "SL": 512,
    "SR": 1024,
    "TFL": 4096,
}


def _at(*places: str) -> Callable[[Path], object]:
    return wav([A] * len(places), sum(_PLACES[place] for place in places))


def _claims(rate_hz: int) -> Callable[[Path], object]:
    """Nothing but the rate is wrong."""

    def make(path: Path) -> None:
        wav([A], 4)(path)
        data = bytearray(path.read_bytes())
        at = data.index(b"fmt ") + 12
        data[at : at + 4] = struct.pack("<I", rate_hz)
        path.write_bytes(data)

    return make


ROWS = [
    *(
        Odd(f"{'+'.join(pair)}.wav", _at(*pair))
        for pair in (
            ("FL", "FC"),
            ("BL", "BR"),
            ("SL", "SR"),
            ("FR", "BC"),
            ("FL", "FR"),
            ("FL", "TFL"),
            ("BL", "SR"),
        )
    ),
    Odd("three at odd places.wav", _at("FL", "FC", "BC"), within=0.7),
    Odd("four at odd places.wav", _at("BL", "BR", "SL", "SR"), within=0.7),
    Odd("mono at the back.wav", _at("BC")),
    Odd("no places.wav", wav([A] * 2, 0)),
    Odd("twelve without places.wav", wav([A] * 12, 0)),
    Odd("speech in the twelfth.wav", wav([NONE] * 11 + [A], 0), 1 / 12),
    Odd("opposite phase.wav", wav([A, -A], 3), says=("opposite phase: the right one was turned",)),
    Odd("opposite phase.mp4", clip([A, -A], "aac"), 1.0, 0.1, says=("opposite phase",)),
    Odd("opposite phase, right louder.wav", wav([A // 2, -A], 3), 0.75, says=("opposite phase",)),
    Odd("opposite phase at odd places.wav", wav([A, -A], 1 + 4), says=("opposite phase",)),
    Odd(
        "opposite phase after half a minute of none.wav",
        wav([np.tile(A, 4), np.concatenate([A, A, -A, -A])], 3),
        0.8,
        0.15,
        ("turned over",),
        sound_s=4.0,
    ),
    Odd(
        "opposite phase of six.wav",
        wav([A, -A, NONE, NONE, NONE, NONE], 0x3F),
        0.41,
        says=("opposite phase",),
    ),
    Odd("opposite phase of three.wav", wav([A, -A, NONE], 0xB), 1.0, says=("opposite phase",)),
    Odd("left only.wav", wav([A, NONE], 3), 0.5),
    Odd("silent.wav", wav([NONE, NONE], 3), 0.0, says=("silent all along",)),
    Odd("silent for a moment.wav", wav([NONE[: HZ // 4]], 4), 0.0, sound_s=0.25),
    Odd("silent.mp4", clip([NONE]), 0.0, says=("silent all along",)),
    Odd("unknown codec.mov", _unknown_codec, None, says=("audio track 0",)),
    Odd("noise instead of packets.mp4", _garbage, 0.0, says=("can't be decoded",)),
    *(Odd(f"cut short{suffix}", _cut(codec), 1.0, truncated=True) for suffix, codec in _CHUNKS),
    *(Odd(f"whole{suffix}", _whole(codec)) for suffix, codec in _CHUNKS),
    *(
        Odd(f"{what} page.opus", _pages(left_out), 1.0, 0.05, truncated=left_out > 0)
        for what, left_out in (("every", 0), ("without the last", 1), ("half a", 2))
    ),
    Odd("cut short.avi", _cut_avi, 1.0, 0.1, truncated=True, sound_s=0.83),
    Odd("whole.avi", clip([speech()], "pcm_s16le")),
    Odd("cut short.wav", wav([A], 4, HZ), truncated=True),
    Odd("cut in its last sample.wav", wav([A, A], 3, 2), truncated=True),
    Odd("length not known.wav", wav([A], 4, 0xFFFF_FF00 - 2 * HZ - 200)),
]

CLAIMS = {f"{hz} samples a second.wav": _claims(hz) for hz in (1, 999, 4_000_001, 2**31 - 1)}
