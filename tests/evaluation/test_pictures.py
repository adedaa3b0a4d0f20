"""Quick quality figures, contact sheets and side-by-side videos."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.support.evaluation import blurred, moving, noise, write_video
from vqcodec.errors import MediaError, OutputExistsError, UsageError
from vqcodec.evaluation.quality import frame_psnr_db, frame_ssim, quality
from vqcodec.evaluation.tools import sheets
from vqcodec.evaluation.tools.frames import Follower, coded_square, paired, read_frames, to_side
from vqcodec.evaluation.tools.sidebyside import side_by_side
from vqcodec.lab import sheet as sheet_command
from vqcodec.media.out.sink import VideoSink
from vqcodec.types import Crop, VideoFrame

FRAMES = 6


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A wide source at 50 frames per second, and its middle square, blurred, at 25, with sound."""
    folder = tmp_path_factory.mktemp("pair")
    square = np.repeat(moving(FRAMES), 2, axis=0)
    wide = np.pad(square, ((0, 0), (0, 0), (64, 64), (0, 0)), mode="edge")
    source = write_video(folder / "source.mp4", wide, fps=50)
    decoded = folder / "decoded.mp4"
    with VideoSink(decoded, width=256, height=256, frame_rate_hz=Fraction(25), channels=1) as sink:
        tone = (8000 * np.sin(np.arange(FRAMES * 1920) * 440 * 2 * np.pi / 48000)).astype(np.int16)
        for number, frame in enumerate(blurred(square[::2], 1.0)):
            sink.write_frame(frame, Fraction(number, 25))
            sink.write_audio(tone[number * 1920 : (number + 1) * 1920])
    return source, decoded


MIDDLE = Crop(384, 256, 64, 0, 256)


def test_frames_are_matched_by_time() -> None:
    frames = [VideoFrame(np.full((1, 1, 3), n, np.uint8), Fraction(n, 50)) for n in range(10)]
    follower = Follower(iter(frames))
    found = [
        follower.at(VideoFrame(frames[0].rgb, Fraction(n, 25) + Fraction(1, 1000)))
        for n in range(7)
    ]
    assert [None if f is None else int(f.rgb[0, 0, 0]) for f in found] == [0, 2, 4, 6, 8, 9, 9]
    assert Follower(iter([])).at(frames[0]) is None


def test_read_frames_is_what_ffmpeg_decodes(pair: tuple[Path, Path]) -> None:
    with av.open(str(pair[1])) as container:
        expected = np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])
    assert np.array_equal(read_frames(pair[1], None), expected)
    assert read_frames(pair[0]).shape == (2 * FRAMES, 256, 256, 3)


def test_files_that_are_no_video_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video")
    for path in (bad, tmp_path / "absent.mp4"):
        with pytest.raises(MediaError):
            read_frames(path)


def test_halving_is_the_mean_of_four() -> None:
    large = noise((512, 512, 3))
    expected = large.reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(to_side(large) - expected).max() <= 0.5
    assert to_side(large[:256, :256]) is not None and np.array_equal(
        to_side(large[:256, :256]), large[:256, :256]
    )


def test_coded_square() -> None:
    picture = noise((40, 60, 3))
    assert np.array_equal(coded_square(picture, Crop(60, 40, 5, 3, 32), 32), picture[3:35, 5:37])
    assert np.array_equal(coded_square(picture, None, 40), picture[:, 10:50])


def test_quality_of_a_decoded_video(pair: tuple[Path, Path]) -> None:
    source, decoded = pair
    figures = quality(source, decoded, crop=MIDDLE)
    shown = [(coded_square(a.rgb, MIDDLE, 256), b.rgb) for a, b in paired(source, decoded)]
    assert figures.frames == len(shown) == FRAMES
    assert figures.psnr_db == pytest.approx(np.mean([frame_psnr_db(a, b) for a, b in shown]))
    assert figures.ssim == pytest.approx(np.mean([frame_ssim(a, b) for a, b in shown]))
    assert 25 < figures.psnr_db < 45 and 0.8 < figures.ssim < 1
    assert quality(source, decoded).psnr_db == pytest.approx(
        figures.psnr_db
    )  # the square is in the middle
    assert quality(source, decoded, crop=Crop(384, 256, 0, 0, 256)).psnr_db < figures.psnr_db - 5
    assert quality(source, decoded, crop=MIDDLE, every=4).frames == 2
    assert set(figures.to_json()) == {"frames", "psnr_db", "ssim"}
    with pytest.raises(UsageError):
        quality(source, decoded, every=0)


def test_quality_agrees_with_torchmetrics() -> None:
    pytest.importorskip("torchmetrics")
    from vqcodec.evaluation.metrics import fidelity

    reference = moving(2)
    output = blurred(reference, 1.5)
    assert frame_ssim(reference[1], output[1]) == pytest.approx(
        fidelity.ssim(reference, output)[1], rel=1e-5
    )
    assert frame_psnr_db(reference[1], output[1]) == pytest.approx(
        fidelity.psnr_db(reference, output)[1], rel=1e-5
    )


def test_windows_stay_inside() -> None:
    picture = noise((100, 100, 3))
    assert np.array_equal(sheets.window(picture, (50, 50), (20, 10)), picture[45:55, 40:60])
    assert np.array_equal(sheets.window(picture, (0, 99), (20, 10)), picture[90:100, 0:20])
    assert sheets.window(picture, (50, 50), (256, 128)).shape == (128, 256, 3)


def test_difference_is_amplified_and_clipped() -> None:
    a, b = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 90, np.uint8)
    assert (sheets.difference(a, b) == 40).all() and (sheets.difference(b, a) == 40).all()
    assert (sheets.difference(a, np.zeros_like(a)) == 255).all()


def test_contact_sheet(pair: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    assert sheet_command.main([str(pair[0]), str(pair[1]), str(target), "--frames", "3"]) == 0
    sheet = cv2.cvtColor(cv2.imread(str(target)), cv2.COLOR_BGR2RGB)
    assert sheet.shape == (4 * 256 + 2 * 128 + 2 * 96, 96 + 3 * 256, 3)
    columns = sheet[:, 96:].reshape(-1, 3, 256, 3).swapaxes(0, 1)
    shown = [(coded_square(a.rgb, None, 256), b.rgb) for a, b in paired(*pair)]
    for column, (source, decoded) in zip(columns, (shown[0], shown[2], shown[5]), strict=True):
        assert np.array_equal(column[:256], source)
        assert np.array_equal(column[256:512], shown[0][0])
        assert np.array_equal(column[512:768], decoded)
        assert np.array_equal(column[768:1024], sheets.difference(source, decoded))
    assert (
        sheet_command.main([str(pair[0]), str(pair[1]), str(target)]) == OutputExistsError.exit_code
    )
    with pytest.raises(UsageError):
        sheets.contact_sheet(*pair, tmp_path / "other.png", frames=0)
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_side_by_side(pair: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "both.mp4"
    assert side_by_side(*pair, target, crop=MIDDLE) == FRAMES
    with av.open(str(target)) as container:
        assert container.streams.audio and container.streams.video[0].codec_context.name == "h264"
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert [round(t * 25, 3) for t, _ in frames] == list(range(FRAMES))
    assert frames[0][1].shape == (256, 512, 3)
    shown = [(coded_square(a.rgb, MIDDLE, 256), b.rgb) for a, b in paired(*pair)]
    below_labels = slice(48, None)
    for (_, both), halves in zip(frames, shown, strict=True):
        assert frame_psnr_db(both[below_labels], np.concatenate(halves, axis=1)[below_labels]) > 33
    assert frame_psnr_db(frames[0][1][:40, :80], shown[0][0][:40, :80]) < 20  # the label is there
    with pytest.raises(OutputExistsError):
        side_by_side(*pair, target)
    assert side_by_side(*pair, target, force=True) == FRAMES
