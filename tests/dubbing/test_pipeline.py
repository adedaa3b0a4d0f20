"""A dub with stand-ins for its models: what is written, in what order, and that it is the same again."""

from __future__ import annotations

import io
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
import pytest

import vqcodec
from tests.support.dub import (
    GENERATOR_ID,
    TOKENIZER_ID,
    DrawnHeads,
    SteppingGenerator,
    dub_parts,
    spoken,
    write_portrait,
    write_wav,
)
from tests.support.pipeline import FakeRenderer, read_sound, read_video, write_swaying
from vqcodec.config import DubOptions
from vqcodec.container import Reader, verify
from vqcodec.decoding.heard import SoundWindow
from vqcodec.dubbing.pipeline import dub
from vqcodec.format import from_indices
from vqcodec.media.still.stills import decode_still
from vqcodec.progress import ProgressEvent
from vqcodec.reports import SYNTHETIC_NOTICE, DubReport
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "speech.wav", spoken(5.29))


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    return write_portrait(tmp_path / "portrait.png")


def heard_samples(path: Path) -> int:
    """Samples that a player of the stream hears."""
    with path.open("rb") as file:
        reader = Reader(file)
        assert reader.head.audio is not None
        window = SoundWindow(reader.head.audio, Fraction(0), None)
        return sum(
            len(played.pcm)
            for item in reader
            if isinstance(item, AudioGroup)
            for played in window.push(item)
        )


def test_the_stream(tmp_path: Path, speech: Path, portrait: Path) -> None:
    generator = SteppingGenerator()
    report = dub(speech, portrait, tmp_path / "out.vqt", parts=dub_parts(generator))
    data = (tmp_path / "out.vqt").read_bytes()
    found = verify(io.BytesIO(data))
    head = found.head
    assert head.synthetic and head.layers == 4
    assert (head.time_base_s, head.frame_rate_hz) == (Fraction(1, 25), 25)
    assert head.crop is not None and (head.crop.source_width_px, head.crop.source_height_px) == (
        400,
        300,
    )
    assert head.crop.side_px == 240 and head.crop == report.crop
    items = list(Reader(io.BytesIO(data)))
    groups = [item for item in items if isinstance(item, MotionGroup)]
    assert [len(group.ticks) for group in groups] == [50, 50, 33]
    assert np.array_equal(np.concatenate([group.ticks for group in groups]), np.arange(133))
    tokens = np.concatenate([group.indices for group in groups])
    spoken_tokens = generator.asked[0][0]
    assert len(spoken_tokens) == ceil(5.29 * 25) and np.array_equal(
        from_indices(tokens)[:, 0], spoken_tokens % 100
    )
    assert not any(group.low_confidence.any() for group in groups)
    key_frames = [item for item in items if isinstance(item, KeyFrame)]
    assert len(key_frames) == 1 and decode_still(key_frames[0].still).shape == (512, 512, 3)
    assert heard_samples(tmp_path / "out.vqt") == round(5.29 * 48000)
    assert (report.sizes.frames, report.sizes.seconds) == (133, Fraction(133, 25))
    assert sum(
        (report.sizes.portrait, report.sizes.motion, report.sizes.audio, report.sizes.container)
    ) == len(data)
    assert (report.tokenizer, report.generator, report.warnings) == (TOKENIZER_ID, GENERATOR_ID, ())


def test_what_the_generator_is_told(tmp_path: Path, speech: Path, portrait: Path) -> None:
    generator, parts = SteppingGenerator(), dub_parts()
    parts = dub_parts(generator)
    dub(speech, portrait, tmp_path / "out.vqt", DubOptions(seed=7, temperature=0.5), parts=parts)
    _, controls, facts, temperature, seed = generator.asked[0]
    assert temperature == 0.5 and 0 <= seed < 2**63
    with (tmp_path / "out.vqt").open("rb") as file:
        stored = next(item for item in Reader(file) if isinstance(item, KeyFrame)).features
    assert np.array_equal(facts.features, stored * parts.space.units)
    assert facts.landmarks.shape == (478, 2) and 0.3 < facts.landmarks.mean() < 0.7
    assert np.allclose(controls.pose[0], facts.controls.pose[0]) and controls.blink.max() == 1
    assert np.abs(np.diff(controls.pose[:, 1])).max() > 0


def test_another_portrait_or_sound_moves_otherwise(tmp_path: Path, speech: Path) -> None:
    portraits = [
        write_portrait(tmp_path / f"{n}.png", [(180, 150, size)])
        for n, size in enumerate((120, 130))
    ]
    other = write_wav(tmp_path / "other.wav", spoken(5.29)[::-1])
    seeds = []
    for sound, portrait, seed in (
        (speech, portraits[0], 0),
        (other, portraits[0], 0),
        (speech, portraits[1], 0),
        (speech, portraits[0], 1),
        (speech, portraits[0], 0),
    ):
        generator = SteppingGenerator()
        dub(sound, portrait, io.BytesIO(), DubOptions(seed=seed), parts=dub_parts(generator))
        seeds.append(generator.asked[0][4])
    assert len(set(seeds[:4])) == 4 and seeds[4] == seeds[0]


def test_no_blink(tmp_path: Path, speech: Path, portrait: Path) -> None:
    generator = SteppingGenerator()
    dub(speech, portrait, tmp_path / "out.vqt", DubOptions(blink=False), parts=dub_parts(generator))
    _, controls, facts, *_ = generator.asked[0]
    assert (controls.blink == facts.controls.blink[0]).all()


def test_the_same_seed_gives_the_same_file(tmp_path: Path, speech: Path, portrait: Path) -> None:
    def made(**options: object) -> bytes:
        target = io.BytesIO()
        dub(speech, portrait, target, DubOptions(temperature=1.0, **options), parts=dub_parts())  # type: ignore[arg-type]
        return target.getvalue()

    assert made() == made() != made(seed=1)


def test_fewer_layers_and_rates(tmp_path: Path, speech: Path, portrait: Path) -> None:
    sizes = []
    for audio_bps, quality in ((6000, 20), (48_000, 90)):
        report = dub(
            speech,
            portrait,
            tmp_path / "out.vqt",
            DubOptions(layers=2, audio_bps=audio_bps, portrait_quality=quality),
            force=True,
            parts=dub_parts(),
        )
        sizes.append(report.sizes)
        assert (report.layers, report.audio_bps, report.portrait_quality) == (2, audio_bps, quality)
    assert sizes[0].audio < sizes[1].audio and sizes[0].portrait < sizes[1].portrait


@pytest.mark.parametrize(
    ("samples", "rate_hz", "channels", "frames"),
    [
        (30, 16000, 1, 1),
        (300, 48000, 2, 1),
        (8000 * 2, 8000, 1, 50),
        (44100, 44100, 2, 25),
        (44101, 44100, 2, 26),
    ],
)
def test_lengths_and_rates(
    tmp_path: Path, portrait: Path, samples: int, rate_hz: int, channels: int, frames: int
) -> None:
    speech = write_wav(tmp_path / "in.wav", spoken(samples / rate_hz, rate_hz), rate_hz, channels)
    report = dub(speech, portrait, tmp_path / "out.vqt", parts=dub_parts())
    assert report.sizes.frames == frames
    assert abs(heard_samples(tmp_path / "out.vqt") - samples * 48000 / rate_hz) <= 4
    with (tmp_path / "out.vqt").open("rb") as file:
        verify(file)


def test_a_video_as_the_sound(tmp_path: Path, portrait: Path) -> None:
    clip = write_swaying(tmp_path / "clip.mp4", 50, sound=True)
    generator = SteppingGenerator()
    report = dub(clip, portrait, tmp_path / "out.vqt", parts=dub_parts(generator))
    assert report.sizes.frames in (50, 51)  # the last AAC packet is longer than what was put in
    assert generator.asked[0][0][10] > 100


def test_pipes(tmp_path: Path, speech: Path, portrait: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    target = io.BytesIO()
    report = dub(
        Pipe(speech.read_bytes()), io.BytesIO(portrait.read_bytes()), target, parts=dub_parts()
    )
    dub(speech, portrait, tmp_path / "out.vqt", parts=dub_parts())
    assert target.getvalue() == (tmp_path / "out.vqt").read_bytes() and report.sizes.frames == 133


def test_a_video(tmp_path: Path, speech: Path, portrait: Path) -> None:
    renderer, seen = FakeRenderer(), list[ProgressEvent]()
    report = dub(
        speech,
        portrait,
        tmp_path / "out.mp4",
        DubOptions(size_px=256),
        progress=seen.append,
        parts=dub_parts(renderer=renderer),
    )
    times, pictures = read_video(tmp_path / "out.mp4")
    assert times == [Fraction(i, 25) for i in range(133)] and pictures[0].shape == (256, 256, 3)
    assert abs(len(read_sound(tmp_path / "out.mp4")) / 48000 - 5.29) < 0.05
    assert report.video_size_px == (256, 256) and report.renderer == renderer.id
    assert (report.portrait_quality, report.audio_bps) == (90, 64_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.mp4",
        "portrait.png",
        "speech.wav",
    ]
    frames = [event.frames for event in seen]
    assert frames == sorted(frames) and {event.stage for event in seen} == {"dub"}
    assert {event.total_frames for event in seen} == {133} and 125 < frames[-1] <= 133


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_notice_is_in_the_metadata(
    tmp_path: Path, speech: Path, portrait: Path, name: str
) -> None:
    import av

    dub(speech, portrait, tmp_path / name, DubOptions(size_px=256), parts=dub_parts())
    with av.open(str(tmp_path / name)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert tags["comment"] == SYNTHETIC_NOTICE


def test_the_report(tmp_path: Path, speech: Path, portrait: Path) -> None:
    fields = dub(speech, portrait, tmp_path / "a.vqt", parts=dub_parts()).to_json()
    assert (
        fields["synthetic"] is True and fields["file_bytes"] == (tmp_path / "a.vqt").stat().st_size
    )
    assert (
        fields["generator"].startswith("fake-generator@")
        and fields["poses"] == ""
        and fields["seed"] == 0
    )
    video = dub(
        speech, portrait, tmp_path / "a.mp4", DubOptions(size_px=256), parts=dub_parts()
    ).to_json()
    assert (
        video["video_size_px"] == [256, 256]
        and "file_bytes" not in video
        and video["frames"] == 133
    )
    told = vqcodec.info(tmp_path / "a.vqt")
    assert told["synthetic"] is True and told["audio_codec"] == "opus"


def test_names_of_the_package() -> None:
    import vqcodec.dubbing.pipeline  # a module of the function's name would hide it

    assert (
        callable(vqcodec.dub)
        and vqcodec.DubOptions is DubOptions
        and vqcodec.DubReport is DubReport
    )
    assert DrawnHeads.yaw == 0
