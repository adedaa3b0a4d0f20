"""A stream with sound for players: the portrait and the motion of a reference stream, several times, with noise to be heard."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np

from vqcodec.container import Reader, Writer
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.sound.opus_codec import AudioEncoder
from vqcodec.types import AudioGroup, MotionGroup, PortraitUnit

PACKETS_A_GROUP = 10


def noise(seconds: float) -> np.ndarray:
    """(n,) int16 whose place in time can be told from any part of it: a tone that wanders, and swells."""
    time_s = np.arange(round(seconds * AUDIO_RATE_HZ)) / AUDIO_RATE_HZ
    steps = np.random.default_rng(1).uniform(200, 1200, int(10 * seconds) + 2)
    pitch = np.interp(time_s * 10, np.arange(len(steps)), steps)
    return (8000 * np.sin(2 * np.pi * np.cumsum(pitch) / AUDIO_RATE_HZ)).astype(np.int16)


def sounding_stream(source: Path, times: int) -> bytes:
    """A synthetic stream of one shot: all frames of `source`, which has one portrait and 25 a second, so many times."""
    with source.open("rb") as file:
        reader = Reader(file)
        items = list(reader)
        head, end = reader.head, reader.end_tick
    assert end is not None
    motion = [item for item in items if isinstance(item, MotionGroup)]
    frames = sum(len(group.ticks) for group in motion)
    encoder = AudioEncoder(24_000)
    samples = noise(float(times * end * head.time_base_s))
    packets = [*encoder.encode(samples), *encoder.flush()]
    head = dataclasses.replace(head, audio=encoder.head, synthetic=True)
    sink = io.BytesIO()
    with Writer(sink, head) as writer:
        for item in items:
            if isinstance(item, PortraitUnit):
                writer.portrait(item)
        for first in range(0, len(packets), PACKETS_A_GROUP):
            part = tuple(packets[first : first + PACKETS_A_GROUP])
            last = first + PACKETS_A_GROUP >= len(packets)
            trim = encoder.end_trim_samples if last else 0
            writer.audio(AudioGroup(first * encoder.packet_samples, part, trim))
        for number in range(times):
            for group in motion:
                at, ticks = group.first_frame + number * frames, group.ticks + number * end
                writer.motion(dataclasses.replace(group, first_frame=at, ticks=ticks))
        writer.close(times * end)
    return sink.getvalue()
