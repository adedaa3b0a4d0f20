"""How many portraits a shot gets, and which: file to file with stand-in models."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.encoded import stream
from tests.support.pipeline import encoder_parts, swaying, video_writer
from vqcodec.config import EncodeOptions
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import UsageError
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.reports import EncodeReport
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.stream.walk import posed_groups
from vqcodec.types import MotionGroup, PortraitUnit

UNITS = np.full(48, 0.5, np.float32)


@pytest.fixture(scope="module")
def brightening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 frames: after a second and a half the room gets much lighter within half a second."""
    path = tmp_path_factory.mktemp("room") / "clip.mp4"
    with video_writer(path, width=96, height=96) as write:
        for number, frame in enumerate(swaying(100)):
            face = frame.rgb[:, :, 2:] > 170
            light = min(max(number - 37, 0), 13) * 9
            write(np.where(face, frame.rgb, frame.rgb + np.array([light, light, 0], np.uint8)))
    return path


def coded(clip: Path, options: EncodeOptions) -> tuple[EncodeReport, bytes]:
    sink = io.BytesIO()
    report = encode(clip, sink, options, parts=encoder_parts())
    return report, sink.getvalue()


def units(data: bytes) -> list[PortraitUnit]:
    return [item for item in stream(data) if isinstance(item, PortraitUnit)]


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        (EncodeOptions(refs=1), 1, 1),
        (EncodeOptions(refs=1, bitrate_kbps=100), 1, 1),
        (EncodeOptions(refs=2), 2, 2),
        (EncodeOptions(), 2, 6),
        (EncodeOptions(quality="best"), 2, 12),
        (EncodeOptions(refs_every_s=Fraction(1)), 3, 4),  # one that shows no frame isn't sent
        (EncodeOptions(refs_every_s=Fraction(1), refs=2), 1, 2),  # likewise
        (EncodeOptions(refs=3, bitrate_kbps=100), 2, 3),
        (EncodeOptions(live=True, quality="best"), 2, 8),
        (EncodeOptions(live=True, refs=1), 1, 1),
        (EncodeOptions(live=True, refs_every_s=Fraction(1)), 4, 4),
    ],
)
def test_portraits_of_a_shot(
    brightening: Path, options: EncodeOptions, least: int, most: int
) -> None:
    report, data = coded(brightening, options)
    assert report.key_frames == len(units(data)) and least <= report.key_frames <= most
    assert report.refs == options.refs and report.to_json()["refs"] == options.refs
    base_s = stream(data).head.time_base_s
    groups = [item for item in stream(data) if isinstance(item, MotionGroup)]
    ticks = [int(tick) for group in groups for tick in group.ticks]
    assert [tick * base_s for tick in ticks] == [Fraction(i, 25) for i in range(100)]


def test_a_portrait_where_the_old_one_no_longer_serves(brightening: Path) -> None:
    _, data = coded(brightening, EncodeOptions(refs=2, quality="best"))
    shown = [one.nearer for group in posed_groups(stream(data), UNITS) for one in group.shown]

    def background(place: int) -> int:
        portrait = shown[place]
        assert isinstance(portrait, StreamPortrait)
        picture = PathDecoder().picture([unit.unit for unit in portrait.path])
        return int(picture[5, 5, 0])

    assert background(99) > background(0) + 60
    assert shown[0] is shown[30] and shown[60] is shown[99]


def test_the_frame_that_was_asked_for(brightening: Path) -> None:
    def base(options: EncodeOptions) -> float:
        first = next(iter(units(coded(brightening, options)[1])))
        assert first.number == 0
        return float(first.features[0])

    bases = [
        base(EncodeOptions(refs=1, portrait_frame=wanted))
        for wanted in ("first", Fraction(0), Fraction(3, 4), Fraction(2))
    ]
    assert bases[0] == bases[1] and len(set(bases)) == 3
    report, _ = coded(brightening, EncodeOptions(portrait_frame=Fraction(100)))
    assert report.warnings == ("there is no portrait frame at 100 s: the input ends before",)


@pytest.mark.parametrize("refs", [0, 257, -1, 2.5, "3", "many", None])
def test_numbers_of_portraits_that_are_refused(refs: object) -> None:
    with pytest.raises(UsageError, match="number of portraits") as caught:
        EncodeOptions(refs=refs)  # type: ignore[arg-type]
    assert "1 to 256" in caught.value.hint


@pytest.mark.parametrize("every_s", [Fraction(0), Fraction(1, 11), Fraction(61)])
def test_clocks_that_are_refused(every_s: Fraction) -> None:
    with pytest.raises(UsageError, match="portrait every"):
        EncodeOptions(refs_every_s=every_s)


@pytest.mark.parametrize("wanted", ["last", Fraction(-1), 2.5, None])
def test_portrait_frames_that_are_refused(wanted: object) -> None:
    with pytest.raises(UsageError, match="portrait frame") as caught:
        EncodeOptions(portrait_frame=wanted)  # type: ignore[arg-type]
    assert "seconds" in caught.value.hint
