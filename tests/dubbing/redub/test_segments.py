"""Lists of spans: what is read, what is refused, and what is heard and seen with them."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.dub import spoken, write_wav
from tests.support.pipeline import read_sound, write_swaying
from tests.support.redub import coder_parts, faces_of, redub_parts
from vqcodec.config import DubOptions
from vqcodec.dubbing.pipeline import dub
from vqcodec.dubbing.redub.segments import Segment, read_segments
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import MediaError, UsageError

FRAMES = 60


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "start,end,sound\n1.5,3.25,a.wav\n1:02.5,1:04,\n"),
        ("a.txt", "1.5;3.25;a.wav\n# later\n\n62.5;64\n"),
        ("a.tsv", "1:02.5\t1:04\n1.5\t3.25\ta.wav\n"),
        (
            "a.srt",
            "1\n00:00:01,500 --> 00:00:03,250\na.wav\n\n2\n00:01:02,500 --> 00:01:04,000\nWhat was said\n",
        ),
        (
            "a.vtt",
            "WEBVTT\n\n00:01.500 --> 00:03.250 align:start\n<b>a.wav</b>\n\n01:02.500 --> 01:04.000\nHello",
        ),
    ],
)
def test_the_same_list_in_every_form(tmp_path: Path, name: str, text: str) -> None:
    sound = write_wav(tmp_path / "a.wav", spoken(0.1))
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    first, second = read_segments(tmp_path / name)
    assert first == Segment(Fraction(3, 2), Fraction(13, 4), sound)
    assert second == Segment(Fraction(125, 2), Fraction(64))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start,end,sound\n", "names no span"),
        ("1\n", "line 1: a span has a start and an end"),
        ("start,end\n1,2\n2,1\n", "line 3: the span ends before it begins"),
        ("1,2\nthen,3\n", "line 2: 'then'"),
        ("1,3\n2,4\n", "line 2: the span begins before 3 s"),
        ("1,2,nowhere.wav\n", "line 1: there is no file"),
    ],
)
def test_what_is_no_list(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        read_segments(path)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        read_segments(tmp_path / "missing.csv")
    (tmp_path / "a.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(UsageError, match="not UTF-8"):
        read_segments(tmp_path / "a.csv")


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that sways, and a tone."""
    clip = tmp_path_factory.mktemp("segments") / "talk.mp4"
    write_swaying(clip, FRAMES, sound=True, width=160, height=160, size=90)
    target = clip.with_suffix(".vqt")
    encode(clip, target, parts=coder_parts())
    return target


def test_only_the_spans_change(stream: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", spoken(0.5))
    (tmp_path / "spans.csv").write_text("0.8,1.4,a.wav\n")
    speech = write_wav(tmp_path / "speech.wav", spoken(FRAMES / 25))
    target = tmp_path / "out.vqt"
    options = DubOptions(segments=tmp_path / "spans.csv", audio_bps=48_000)
    report = dub(speech, stream, target, options, parts=redub_parts())
    _, before, _ = faces_of(stream)
    _, after, _ = faces_of(target)
    apart = np.abs(after - before).max((1, 2)) * 256
    assert apart[:16].max() == 0 == apart[40:].max() and apart[22:33].max() > 2
    assert report.kept_s == pytest.approx(FRAMES / 25 - 0.7, abs=0.15)
    dub(speech, stream, tmp_path / "out.mp4", options, parts=redub_parts())
    heard = np.abs(read_sound(tmp_path / "out.mp4"))
    loud = [
        heard[round(a * 48_000) : round(b * 48_000)].mean()
        for a, b in ((0.2, 0.7), (1.32, 1.39), (1.5, 2.2))
    ]
    assert min(loud[0], loud[2]) > 0.1 > 0.03 > loud[1]  # the tone, nothing, the tone


def test_a_span_after_the_end(stream: Path, tmp_path: Path) -> None:
    (tmp_path / "spans.csv").write_text("5,6\n")
    speech = write_wav(tmp_path / "speech.wav", spoken(1))
    options = DubOptions(segments=tmp_path / "spans.csv")
    with pytest.raises(UsageError, match="the recording ends at"):
        dub(speech, stream, tmp_path / "out.vqt", options, parts=redub_parts())
    assert not (tmp_path / "out.vqt").exists()
    target = io.BytesIO()
    (tmp_path / "spans.csv").write_text("0.5,1\n")
    report = dub(speech, stream, target, options, parts=redub_parts())
    assert report.sizes.frames == FRAMES  # all of the recording, however long the speech
