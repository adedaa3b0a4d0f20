"""Where the codec breaks, drawn with the puppet: python sample_media/failures.py [failures.jpg]

Six short clips, each with one thing that goes wrong; coded and decoded by the shipped weights. A row of the sheet: the first
frame, the frame that fails, the same frame decoded. Needs scipy (for the puppet) beside vqcodec. What the encoder
did about it is printed, and told in FAILURES.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from make import CANVAS_PX, FRAME_RATE_HZ, SIZE_PX, portrait
from numpy.typing import NDArray
from puppet import Pose, Puppet

from vqcodec import api
from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.evaluation.tools.sheets import draw_label
from vqcodec.face.landmarks import FaceLandmarker

U8 = NDArray[np.uint8]
FRAMES = 60
SHOWN_PX = 256


@dataclass(frozen=True)
class Failure:
    """One row.

    Attributes:
        name: what goes wrong.
        pose: of the puppet, for a share 0..1 of the clip.
        change: what happens to the finished picture.
        look: the frame to show.
    """

    name: str
    pose: Callable[[float], Pose]
    change: Callable[[U8, float], U8] = lambda picture, share: picture
    look: int = 45


def rise(share: float, begin: float = 0.2, end: float = 0.5) -> float:
    """From 0 to 1 between two moments, softly."""
    x = float(np.clip((share - begin) / (end - begin), 0, 1))
    return x * x * (3 - 2 * x)


def covered(picture: U8, share: float) -> U8:
    """A sheet of paper passes in front of the mouth."""
    out = picture.copy()
    left = round(SIZE_PX * (1.05 - 0.75 * rise(share)))
    cv2.rectangle(out, (left, 255), (left + 190, 400), (222, 219, 205), cv2.FILLED)
    for y in range(275, 395, 18):
        cv2.line(out, (left + 14, y), (left + 170, y), (120, 120, 130), 2, cv2.LINE_AA)
    return out


def darkened(picture: U8, share: float) -> U8:
    """A lamp to the left goes out."""
    fall = np.linspace(0.75, 0.2, SIZE_PX, dtype=np.float32)[None, ::-1, None] * rise(share)
    return (picture * (1 - fall)).astype(np.uint8)


def left_behind(picture: U8, share: float) -> U8:
    """The camera turns away until the face is out of sight."""
    shift = round(SIZE_PX * 0.95 * rise(share))
    wall = np.repeat(cv2.blur(picture[:, -9:], (1, 61))[:, 4:5], shift, 1)
    return np.ascontiguousarray(np.concatenate([picture[:, shift:], wall], 1))


FAILURES = (
    Failure("mouth opens wide", lambda s: Pose(gap=0.15 * rise(s))),
    Failure("eyes open late", lambda s: Pose(gap=0.02, lids=1 - rise(s))),
    Failure("head turns away", lambda s: Pose(gap=0.02, yaw_rad=0.75 * rise(s))),
    Failure("something in front", lambda s: Pose(gap=0.03 + 0.05 * abs(np.sin(9 * s))), covered),
    Failure("light changes", lambda s: Pose(gap=0.02), darkened),
    Failure("face leaves", lambda s: Pose(gap=0.02), left_behind),
)


def write(path: Path, frames: list[U8]) -> None:
    """H.264 at high quality."""
    with av.open(str(path), "w") as out:
        video = out.add_stream(
            "libx264", rate=FRAME_RATE_HZ, options={"crf": "12", "x264-params": "threads=1"}
        )
        video.width = video.height = SIZE_PX
        video.pix_fmt = "yuv420p"
        for t, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = t
            out.mux(video.encode(frame))
        out.mux(video.encode(None))


def read(path: Path) -> list[U8]:
    """Pictures of a video file."""
    with av.open(str(path)) as video:
        return [f.to_ndarray(format="rgb24").astype(np.uint8) for f in video.decode(video=0)]


def row(failure: Failure, puppet: Puppet, folder: Path) -> U8:
    """Code one clip; its three pictures with labels."""
    shares = [t / (FRAMES - 1) for t in range(FRAMES)]
    frames = [failure.change(puppet.render(failure.pose(s), SIZE_PX), s) for s in shares]
    write(folder / "in.mp4", frames)
    report = api.encode(
        folder / "in.mp4",
        folder / "coded.vqt",
        EncodeOptions(audio=AudioChoice("none"), refs=1, portrait_frame="first", crop="full"),
        force=True,
    )
    api.decode(folder / "coded.vqt", folder / "out.mp4", crf=12, force=True)
    sys.stdout.write(
        f"{failure.name}: {report.key_frames} key frame(s), {report.low_confidence_frames} of {FRAMES} frames "
        "without a face\n"
    )
    shown = (frames[0], frames[failure.look], read(folder / "out.mp4")[failure.look])
    cells = [
        cv2.resize(p, (SHOWN_PX, SHOWN_PX), interpolation=cv2.INTER_AREA).astype(np.uint8)
        for p in shown
    ]
    names = (f"{failure.name}: portrait", "source", "decoded")
    return np.concatenate(
        [draw_label(c, n, (8, SHOWN_PX - 10), 0.42) for c, n in zip(cells, names, strict=True)], 1
    )


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sheet", nargs="?", type=Path, default=Path(__file__).parent / "failures.jpg"
    )
    target = parser.parse_args().sheet
    canvas = portrait(CANVAS_PX)
    with FaceLandmarker() as landmarker:
        face = landmarker.largest(canvas)
    assert face is not None
    puppet = Puppet(canvas, face.points)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(failure, puppet, Path(folder)) for failure in FAILURES]
    half = len(rows) // 2
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
    cv2.imwrite(str(target), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


if __name__ == "__main__":
    main()
