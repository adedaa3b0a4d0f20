"""Stills and sound from hell: what the native decoders are given stays within memory and time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

NATIVE = """
import io, resource, struct, sys, time
import numpy as np
from PIL import Image
from vqcodec.errors import BitstreamError
from vqcodec.media.sound.opus_codec import AudioDecoder
from vqcodec.media.still.stills import decode_still
from vqcodec.types import AudioHead

def avif(side, fmt="AVIF"):
    sink = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), 90, np.uint8)).save(sink, fmt, quality=30, speed=10)
    return sink.getvalue()

def declared(data, side):
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", side, side) + data[at + 8:]

def still(data):
    def action():
        try:
            decode_still(data)
        except BitstreamError as error:
            return error.code
    return action

def sound(packets, channels):
    def action():
        try:
            return len(AudioDecoder(AudioHead(48000, channels, 0)).decode(packets, 0))
        except BitstreamError as error:
            return error.code
    return action

noise = np.random.default_rng(0)
garbage = [bytes([noise.integers(256) & 0xFC]) + noise.bytes(int(noise.integers(1, 300))) for _ in range(800)]
longest = [bytes([0x83, 48]) + noise.bytes(300) for _ in range(800)]  # 48 frames of 2.5 ms: 120 ms
small, large = avif(512), avif(4096)
cases = {"ready": still(small), "sound": sound([bytes([0xFC, 0xFF, 0xFE])], 1),
         "declares 65535": still(declared(small, 65535)), "bomb": still(declared(large, 512)), "large": still(large),
         "no AVIF": still(b"\\0" * 1000), "PNG": still(avif(512, "PNG")), "boxes": still(small[:60] + small[20:60] * 20000),
         "cut": still(small[:-9]), "garbage": sound(garbage, 2), "longest": sound(longest, 2)}
for name, action in cases.items():
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    result = action()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{name}\\t{result}\\t{grown:.1f}\\t{time.process_time() - start:.2f}")
"""


def test_stills_and_sound_from_hell() -> None:
    """In a process of its own, since these decoders' memory is not Python's."""
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", NATIVE],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = {
        name: (result, float(grown), float(seconds))
        for name, result, grown, seconds in (line.split("\t") for line in done.stdout.splitlines())
    }
    assert results["ready"][0] == "None"
    for name in ("declares 65535", "bomb", "large", "no AVIF", "PNG", "boxes", "cut"):
        assert results[name][0] == "bad-still", (name, results)
        assert results[name][1] < 16 and results[name][2] < 2, (name, results)
    for name in (
        "garbage",
        "longest",
    ):  # 800 packets of 120 ms are 18 MB of samples, decoded as floats of 35
        assert results[name][1] < 64 + 55 and results[name][2] < 4, (name, results)
