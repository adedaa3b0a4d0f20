"""Sound and times through an encode and a decode: in sync to the sample, frame times the input's own."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.pipeline import (
    decoder_parts,
    encoder_parts,
    read_sound,
    read_video,
    swaying,
    video_writer,
)
from vqcodec.config import AudioChoice, DecodeOptions, EncodeOptions
from vqcodec.container import Reader, Writer
from vqcodec.decoding.heard import SoundWindow
from vqcodec.decoding.pipeline import decode
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError
from vqcodec.media.sound.opus_codec import AudioDecoder, AudioEncoder
from vqcodec.types import AudioGroup, MotionGroup, PortraitUnit


def beeps(path: Path, codec: str = "pcm_s16le") -> Path:
    """4 s; silent but for 100 ms of noise that begins at 2.5 s, when the picture changes, too."""
    rng = np.random.default_rng(0)
    wave = np.zeros(4 * 48000, np.int16)
    wave[120_000:124_800] = (rng.normal(size=4800) * 6000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "6"})
        stream.width = stream.height = 96
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream(codec, rate=48000, layout="mono")
        for frame in swaying(100):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")))
        container.mux(stream.encode(None))
        for start in range(0, len(wave), 960):
            block = av.AudioFrame.from_ndarray(
                wave[None, start : start + 960], format="s16", layout="mono"
            )
            block.sample_rate, block.pts = 48000, start
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    return path


def onset_s(path: Path) -> float:
    heard = np.abs(read_sound(path).astype(np.float64))
    return float(np.argmax(heard > heard.max() / 4)) / 48000


def test_sound_of_a_window_is_cut_to_the_sample(tmp_path: Path) -> None:
    encode(beeps(tmp_path / "in.mkv"), tmp_path / "in.vqt", parts=encoder_parts())
    decode(tmp_path / "in.vqt", tmp_path / "all.mp4", parts=decoder_parts())
    assert onset_s(tmp_path / "all.mp4") == pytest.approx(2.5, abs=0.004)
    window = DecodeOptions(start_s=Fraction("2.21"), end_s=Fraction("3.5"))
    decode(tmp_path / "in.vqt", tmp_path / "part.mp4", window, parts=decoder_parts())
    assert onset_s(tmp_path / "part.mp4") == pytest.approx(
        2.5 - 2.24, abs=0.004
    )  # its first frame is at 2.24
    assert len(read_sound(tmp_path / "part.mp4")) == pytest.approx((3.5 - 2.24) * 48000, abs=2048)


def test_copied_sound(tmp_path: Path) -> None:
    encode(
        beeps(tmp_path / "in.mkv", "libopus"),
        tmp_path / "in.vqt",
        EncodeOptions(audio=AudioChoice("copy")),
        parts=encoder_parts(),
    )
    with av.open(str(tmp_path / "in.mkv")) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    with (tmp_path / "in.vqt").open("rb") as file:
        kept = [
            packet
            for item in Reader(file)
            if isinstance(item, AudioGroup)
            for packet in item.packets
        ]
    assert kept == packets
    decode(tmp_path / "in.vqt", tmp_path / "all.mp4", parts=decoder_parts())
    assert onset_s(tmp_path / "all.mp4") == pytest.approx(2.5, abs=0.004)
    with pytest.raises(UsageError):
        encode(
            beeps(tmp_path / "pcm.mkv"),
            io.BytesIO(),
            EncodeOptions(audio=AudioChoice("copy")),
            parts=encoder_parts(),
        )


def test_variable_frame_times_come_back(tmp_path: Path) -> None:
    pts = [0, 33, 70, 200, 233, 266, 700, 733, 3100, 3133]
    with video_writer(
        tmp_path / "vfr.mp4", width=96, height=96, time_base=Fraction(1, 1000)
    ) as write:
        for frame, at in zip(swaying(len(pts)), pts, strict=True):
            write(frame.rgb, at)
    encode(tmp_path / "vfr.mp4", tmp_path / "vfr.vqt", parts=encoder_parts())
    decode(tmp_path / "vfr.vqt", tmp_path / "out.mp4", parts=decoder_parts())
    assert read_video(tmp_path / "out.mp4")[0] == [Fraction(at, 1000) for at in pts]
    decode(
        tmp_path / "vfr.vqt",
        tmp_path / "part.mp4",
        DecodeOptions(start_s=Fraction("0.1"), end_s=Fraction(1)),
        parts=decoder_parts(),
    )
    shown = [100, *pts[3:8]]  # at .1 s the frame of .07 s is still shown
    assert read_video(tmp_path / "part.mp4")[0] == [Fraction(at - 100, 1000) for at in shown]


def test_a_gap_in_the_sound() -> None:
    """A hole between sound groups is heard as silence, so that what follows stays in sync."""
    encoder = AudioEncoder(12000)
    tone = (9000 * np.sin(2 * np.pi * 300 * np.arange(48000) / 48000)).astype(np.int16)
    packets = encoder.encode(tone)
    length = encoder.packet_samples
    window = SoundWindow(encoder.head, Fraction(0), None)
    parts = [
        *window.push(AudioGroup(0, tuple(packets[:4]))),
        *window.push(AudioGroup(6 * length, tuple(packets[4:]))),
    ]
    heard = np.concatenate([p.pcm for p in parts])
    assert len(heard) == (2 + len(packets)) * length - encoder.head.pre_skip_samples
    plain = AudioDecoder(encoder.head).decode(packets)
    assert np.array_equal(heard[: 3 * length], plain[: 3 * length])
    assert not heard[4 * length : 6 * length - encoder.head.pre_skip_samples].any()


def test_promised_sound_that_never_comes(tmp_path: Path) -> None:
    """HEAD promises sound and none comes: silence, not an error."""
    encode(beeps(tmp_path / "in.mkv"), tmp_path / "in.vqt", parts=encoder_parts())
    sink = io.BytesIO()
    with (tmp_path / "in.vqt").open("rb") as file:
        reader = Reader(file)
        writer = Writer(sink, reader.head)
        for item in reader:
            if isinstance(item, PortraitUnit):
                writer.portrait(item)
            elif isinstance(item, MotionGroup):
                writer.motion(item)
        writer.close()
    target = io.BytesIO()
    assert decode(io.BytesIO(sink.getvalue()), target, parts=decoder_parts()).frames == 100
