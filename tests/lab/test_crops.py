"""The 1:1 crops: which frames, which places, what is written, and that nothing is replaced unasked."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.evaluation import blurred, moving, noise, write_video
from vqcodec.config import DecodeOptions, EncodeOptions
from vqcodec.container.writer import Writer
from vqcodec.errors import OutputExistsError, UsageError
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate.roundtrip import Tokens
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import DIMS
from vqcodec.lab.faces.crops import clip_rows, crop_sheets, main, moments, report
from vqcodec.lab.faces.cropsheet import CROPS, CropRow, Moment, compose, grid, rows
from vqcodec.reports import EncodeReport
from vqcodec.types import Head, KeyFrame, ModelId, MotionGroup, StreamSizes

FRAMES = 31
SPACE = ModelId("space", bytes(32))


class Softening:
    """Decodes a blurred copy of what was encoded, cut to the asked span."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.spans: list[tuple[Fraction, Fraction | None]] = []

    def encode(
        self, source: Path, target: Path, options: EncodeOptions
    ) -> tuple[EncodeReport, Tokens]:
        assert options.portrait_frame == "first" and options.crop == "full"
        self.encoded.append(source.stem)
        self.source = source
        sink = io.BytesIO()
        with Writer(sink, Head(Fraction(1, 25), Fraction(25), 4, SPACE, SPACE)) as writer:
            writer.key_frame(KeyFrame(0, b"still", np.zeros(DIMS, np.int16)))
            writer.motion(
                MotionGroup(0, np.arange(2), np.zeros(2, np.bool_), np.zeros((2, 12, 4), np.uint16))
            )
        target.write_bytes(sink.getvalue())
        return EncodeReport(
            sizes=StreamSizes(frames=FRAMES),
            layers=4,
            motion_space=SPACE,
            renderer=SPACE,
            frame_rate_hz=Fraction(25),
            key_frames=1,
            low_confidence_frames=0,
            portrait_quality=60,
            elapsed_s=1.0,
        ), []

    def decode(self, source: Path, target: Path, options: DecodeOptions) -> None:
        self.spans.append((options.start_s, options.end_s))
        first = -int(-options.start_s * 25 // 1)
        assert options.end_s is not None
        frames = read_frames(self.source, None)[first : int(options.end_s * 25) + 1]
        write_video(target, blurred(frames, 1.5))

    def tokens(self, source: Path) -> Tokens:
        return []


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_video(folder / "large.mp4", moving(FRAMES, 512))
    write_video(folder / "small.mp4", moving(2, 256))
    return folder


def test_two_moments_of_a_clip_are_found(clips: Path) -> None:
    with FaceLandmarker() as landmarker:
        found = moments(clips / "large.mp4", None, landmarker, every=10)
    assert [m.why for m in found] == ["widest mouth", "farthest pose"]
    for moment in found:
        assert moment.time_s * 25 in (0, 10, 20, 30) and moment.points.shape == (478, 2)
        assert moment.source.shape == (512, 512, 3)
    assert found[1].time_s > 0


def test_sheets_show_where_the_codec_is_soft(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec, out = Softening(), tmp_path / "sheets"
    assert main([str(clips), str(out)], codec) == 0
    assert codec.encoded == ["large"]  # the small clip has nothing to show at this size
    assert all(end is not None and 0 < end - start <= Fraction(6, 5) for start, end in codec.spans)
    assert sorted(p.name for p in out.iterdir()) == ["all.png", "large-crops.png"]
    with av.open(str(out / "large-crops.png")) as picture:
        stream = picture.streams.video[0]
        assert (stream.width, stream.height) == (
            104 + 2 * 256,
            24 + 2 * sum(h for _, h in CROPS.values()),
        )
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split()[:2] == ["eyes", "mouth"] and shown[1].startswith("large")
    # softened by 1.5 px, in place: clearly below 1, and not noise of another place
    assert all(0.2 < float(value) < 0.8 for value in shown[1].split()[1:4])
    with pytest.raises(OutputExistsError):
        crop_sheets([clips / "large.mp4"], out, codec=codec)
    assert codec.encoded == ["large"]


def test_a_stream_that_is_there_is_not_made_again(clips: Path, tmp_path: Path) -> None:
    codec = Softening()
    codec.encode(
        clips / "large.mp4",
        tmp_path / "large-4.vqt",
        EncodeOptions(portrait_frame="first", crop="full"),
    )
    with FaceLandmarker() as landmarker:
        found = clip_rows(
            clips / "large.mp4", landmarker, tmp_path, stream=tmp_path / "large-4.vqt", codec=codec
        )
    assert codec.encoded == ["large"] and len(found) == 2 * len(CROPS)


def test_clips_that_are_too_small(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="512x512"):
        crop_sheets([clips / "small.mp4"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_crops_are_cut_from_the_same_place_without_resampling() -> None:
    picture, points = noise((512, 512, 3)), np.full((478, 2), 250, np.float32)
    points[10], points[152] = (250, 200), (250, 400)
    found = {row.part: row for row in rows(Moment("why", Fraction(0), picture, points), picture)}
    assert {part: row.source.shape[1::-1] for part, row in found.items()} == CROPS
    assert all(
        np.array_equal(row.source, row.decoded) and row.detail == 1 for row in found.values()
    )
    assert np.array_equal(
        found["hair edge"].source, picture[180 - 64 : 180 + 64, 250 - 128 : 250 + 128]
    )


def test_grid_and_report() -> None:
    row = CropRow("why", "eyes", noise((96, 256, 3)), noise((96, 256, 3), 1))
    sheet = compose("name", [row, row])
    assert sheet.shape == (24 + 2 * 96, 616, 3)
    assert grid([sheet] * 8, columns=6).shape == (2 * sheet.shape[0], 6 * 616, 3)
    assert grid([sheet]).shape == sheet.shape
    pair = [
        CropRow("why", part, noise((*size[::-1], 3)), noise((*size[::-1], 3)))
        for part, size in CROPS.items()
    ]
    assert report({"a": pair}).splitlines()[-1].split() == ["mean", "1.00", "1.00", "1.00"]
