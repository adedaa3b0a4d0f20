"""Whole decodes of damaged streams: files, reports, stills, the library's and the command's interface."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import Cli
from tests.support.conceal import FRAMES, MOTION, PARTS, PCM, POSES, SOUND, WHOLE, without
from tests.support.pipeline import (
    FakeRenderer,
    FakeSpace,
    decoder_parts,
    draw,
    read_sound,
    read_video,
)
from tests.support.recover import flipped, kinds, playable, split, times
from vqcodec import api
from vqcodec.config import DecodeOptions
from vqcodec.container import Reader
from vqcodec.container.chunks import make_chunk
from vqcodec.container.payloads import build_key_frame, parse_key_frame
from vqcodec.damage import Damage
from vqcodec.decoding.pipeline import decode, decode_frames
from vqcodec.errors import BitstreamError

UNITS = FakeSpace().units


def test_decode_reports_what_was_lost(tmp_path: Path) -> None:
    damaged = flipped(
        WHOLE, sum(map(len, PARTS[: MOTION[2]])) + 20, sum(map(len, PARTS[: SOUND[4]])) + 20
    )
    with pytest.raises(BitstreamError) as caught:
        decode(io.BytesIO(damaged), tmp_path / "out.mp4", parts=decoder_parts())
    assert "--recover" in caught.value.hint and not list(tmp_path.iterdir())
    report = decode(
        io.BytesIO(damaged),
        tmp_path / "out.mp4",
        DecodeOptions(recover=True),
        parts=decoder_parts(),
    )
    assert read_video(tmp_path / "out.mp4")[0] == times(FRAMES)
    assert abs(len(read_sound(tmp_path / "out.mp4")) - len(PCM)) <= 2048
    assert report.recovery is not None and report.frames == FRAMES
    fields = report.to_json()["recovery"]
    assert (
        fields["frames_intact"] == 50
        and fields["frames_concealed"] == 10
        and fields["concealed_s"] == [[0.8, 1.2]]
    )
    assert (
        fields["groups_lost"] == fields["audio_groups_lost"] == 1 and fields["audio_lost_s"] == 0.4
    )
    assert (
        fields["skipped_bytes"] == len(PARTS[MOTION[2]]) + len(PARTS[SOUND[4]])
        and fields["complete"]
    )
    told = " ".join(report.warnings)
    assert (
        "lost: 1 motion group, 1 sound group" in told
        and "10 of 60 frames are made up: 0.80 to 1.20 s" in told
    )
    assert "0.40 s of sound" in told
    assert (
        decode(io.BytesIO(WHOLE), tmp_path / "b.mp4", parts=decoder_parts()).to_json()["recovery"]
        is None
    )


def test_start_on_a_damaged_file_reads_in_order() -> None:
    cut = WHOLE[:-60]
    for options in ({}, {"start_s": Fraction(1)}):
        with pytest.raises(BitstreamError):
            list(decode_frames(io.BytesIO(cut), DecodeOptions(**options), parts=decoder_parts()))  # type: ignore[arg-type]
    frames = list(
        decode_frames(
            io.BytesIO(cut), DecodeOptions(start_s=Fraction(1), recover=True), parts=decoder_parts()
        )
    )
    assert [frame.time_s for frame in frames] == times(35)


def test_an_open_stream_recovers_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vqcodec.decoding.parts.DecoderParts.load", lambda *arguments: decoder_parts()
    )
    with api.open(io.BytesIO(without(MOTION[2]))) as stream:
        assert len(list(stream.frames(recover=True, size_px=256))) == FRAMES
        with pytest.raises(BitstreamError):
            list(stream.frames(size_px=256))


def test_stills_that_don_t_decode() -> None:
    parts = split(playable(6, 3))
    reader = Reader(io.BytesIO(b"".join(parts)))
    second = [chunk for chunk, _ in reader.chunks() if chunk.type == b"KEYF"][1]
    value = parse_key_frame(second.payload)
    payload = build_key_frame(type(value)(value.first_frame, b"no picture", value.features))
    parts[kinds(parts, b"KEYF")[1]] = make_chunk(b"KEYF", payload, 0)[1]
    data, renderer = b"".join(parts), FakeRenderer()
    target = io.BytesIO()
    report = decode(
        io.BytesIO(data), target, DecodeOptions(recover=True), parts=decoder_parts(renderer)
    )
    assert (
        len(renderer.prepared) == 1
        and report.recovery is not None
        and report.recovery.stills_lost == 1
    )
    assert report.frames == FRAMES and "1 portrait" in report.warnings[0]


def test_another_portrait_saves_a_stream_without_any(tmp_path: Path) -> None:
    cv2.imwrite(
        str(tmp_path / "other.png"), draw(640, 480, [(300, 200, 150)], background=90)[:, :, ::-1]
    )
    renderer = FakeRenderer()
    options = DecodeOptions(recover=True, portrait=tmp_path / "other.png")
    data = without(1)
    assert (
        len(list(decode_frames(io.BytesIO(data), options, parts=decoder_parts(renderer)))) == FRAMES
    )
    asked = np.concatenate(renderer.rendered) - renderer.prepared[0]
    own = np.full(48, 100, np.float32) * UNITS
    assert np.allclose(asked, POSES - own, atol=1e-2)
    with pytest.raises(BitstreamError, match="portrait"):
        list(decode_frames(io.BytesIO(data), DecodeOptions(recover=True), parts=decoder_parts()))


# --- the command line ---


def test_the_command_hints_at_recovery(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in.vqt").write_bytes(WHOLE[:-40])
    done = cli("info", "in.vqt")
    assert done.returncode == 3 and b"--recover" in done.stderr
    done = cli("decode", "in.vqt", "out.mp4", "--follow", "-1")
    assert done.returncode == 2
    (tmp_path / "noise.vqt").write_bytes(bytes(1000))
    done = cli("decode", "noise.vqt", "out.mp4", "--recover")
    assert (
        done.returncode == 3
        and b"no .vqt stream" in done.stderr
        and b"Traceback" not in done.stderr
    )
    assert not (tmp_path / "out.mp4").exists()


def test_the_report_is_plain_json() -> None:
    damage = Damage(
        concealed=[(Fraction(1, 3), Fraction(2, 3))] * 7, frames_concealed=3, groups_lost=2
    )
    assert json.loads(json.dumps(damage.to_json()))["concealed_s"][0] == [0.333333, 0.666667]
    assert damage.sentences()[0] == "lost: 2 motion groups at least" and "and 2 more" in " ".join(
        damage.sentences()
    )
