r"""The head motion, gaze and blinks of a recording, for a dub: `--poses`.

    .vqt    tokens -> features -> landmarks --\
                                               --> controls at the recording's times --> at 25 Hz --> for this portrait
    video   frames -> face -> landmarks ------/

Of a recording with several shots the first one is taken. One that is too short is played back and forth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.container import Reader
from vqcodec.decoding.fade import goes_on
from vqcodec.dubbing.parts import DubParts
from vqcodec.errors import MediaError, NoFaceError
from vqcodec.face.shots import face_frames
from vqcodec.format import SIGNATURE, SPEECH_TOKEN_HZ, from_indices
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.geometry.controls import Controls, read_controls, transferred
from vqcodec.media.picture.source import VideoSource
from vqcodec.models import store
from vqcodec.motion.ports import LandmarkFeatures
from vqcodec.quantize.grfsq import dequantize
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.opening import open_stream
from vqcodec.types import KeyFrame, ModelId, MotionGroup, VideoFrame

DUB_HZ = SPEECH_TOKEN_HZ  # a frame for each speech token
_CHUNK_FRAMES = 256
_DEPTH = 4

Table = NDArray[np.float32]


class Driver:
    """The controls of a recording, frame by frame; made once, for one length.

    Attributes:
        warnings: what a person should know of it.
    """

    def __init__(self, path: Path, parts: DubParts, needed_s: Fraction) -> None:
        """Read the recording as far as it is needed.

        Raises:
            MediaError: it can't be read, or is no video.
            BitstreamError, UnsupportedError: it is a .vqt that is damaged, or made with a motion space that isn't here.
            NoFaceError: no face is seen in it.
        """
        self.warnings: list[str] = []
        self._path, self._parts, self._needed_s = path, parts, needed_s
        self._times: list[float] = []
        self._rows: list[Table] = []
        self._waiting: list[Table] = []
        self._own: Table | None = None  # landmarks of the recording's own portrait
        if _is_stream(path):
            self._read_stream()
        else:
            self._read_video()
        self._measure()
        if self._own is None or not self._times:
            raise NoFaceError(
                f"no face in {path}",
                hint="Give --poses a recording of one person, seen from the front.",
            )

    def controls(self, own: Controls, frames: int) -> Controls:
        """For a portrait with these controls (one frame), `frames` of them at 25 Hz."""
        assert self._own is not None
        at_s, table = np.array(self._times), np.concatenate(self._rows)
        count = int(np.floor(at_s[-1] * DUB_HZ + 1e-6)) + 1
        wanted_s = np.arange(min(count, frames)) / DUB_HZ
        even = np.stack([np.interp(wanted_s, at_s, column) for column in table.T], 1).astype(
            np.float32
        )
        if len(even) < frames:
            self.warnings.append(
                f"{self._path} has {len(even) / DUB_HZ:.1f} s of motion for {frames / DUB_HZ:.1f} s of sound: "
                "it is played back and forth"
            )
        driver = _controls(even[_back_and_forth(len(even), frames)])
        return transferred(driver, read_controls(self._own, self._parts.shape), own)

    def _take(self, time_s: Fraction, points: Table) -> bool:
        """Add a frame's landmarks (478, 2); False when no more is needed."""
        self._times.append(float(time_s))
        self._waiting.append(points)
        if len(self._waiting) == _CHUNK_FRAMES:
            self._measure()
        return time_s < self._needed_s

    def _measure(self) -> None:
        """Landmarks that wait, to controls: a hundredth of their size."""
        if self._waiting:
            self._rows.append(_table(read_controls(np.stack(self._waiting), self._parts.shape)))
            self._waiting = []

    def _read_stream(self) -> None:
        with open_stream(self._path) as file:
            reader = Reader(file)
            space, tick_s = (
                _landmarks_of(reader.head.motion_space, self._parts.space),
                reader.head.time_base_s,
            )
            base, last, begins = np.zeros(0, np.float32), None, False
            for item in reader:
                if isinstance(item, KeyFrame):
                    base, begins = dequantize(item.features, space.units), True
                    self._own = space.landmarks(base[None]) if self._own is None else self._own
                elif isinstance(item, MotionGroup):
                    features = base + dequantize(from_indices(item.indices), space.units)
                    if begins and last is not None and not goes_on(last, features[0], space.units):
                        self._tell_of_shots()
                        return
                    last, begins = features[-1], False
                    for tick, points in zip(
                        item.ticks.tolist(), space.landmarks(features), strict=True
                    ):
                        if not self._take(tick * tick_s, points):
                            return

    def _read_video(self) -> None:
        with (
            VideoSource(self._path) as video,
            self._parts.detector() as detector,
            closing(overlapped(_pictures(video), depth=_DEPTH)) as pictures,
        ):
            shot = None
            for frame in face_frames(pictures, detector):
                if frame.face is None:
                    continue
                if shot not in (None, frame.shot):
                    self._tell_of_shots()
                    return
                shot = frame.shot
                points = frame.face.points
                self._own = points[None] if self._own is None else self._own
                if not self._take(frame.time_s, points):
                    return

    def _tell_of_shots(self) -> None:
        self.warnings.append(
            f"{self._path} has more than one shot: the motion of the first, {self._times[-1]:.1f} s, is taken"
        )


def _pictures(video: VideoSource) -> Iterator[VideoFrame]:
    yield from video


def _is_stream(path: Path) -> bool:
    if path.suffix.lower() == ".vqt":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError as error:
        raise MediaError(
            f"cannot open {path}: {error.strerror or error}", hint="check the path"
        ) from error


def _landmarks_of(wanted: ModelId, space: LandmarkFeatures) -> LandmarkFeatures | LandmarkBasis:
    return (
        space
        if wanted.sha256 == space.id.sha256
        else read_basis(store.find(wanted, "motion space").path)
    )


def _table(controls: Controls) -> Table:
    return np.concatenate([controls.pose, controls.gaze, controls.blink[:, None]], 1)


def _controls(table: Table) -> Controls:
    return Controls(table[:, :6], table[:, 6:8], table[:, 8])


def _back_and_forth(count: int, frames: int) -> NDArray[np.int64]:
    """0, 1, .. count - 1, count - 2, .. 1, 0, 1 ..: `frames` of them."""
    period = max(2 * (count - 1), 1)
    at = np.arange(frames) % period
    return np.minimum(at, period - at) if count > 1 else np.zeros(frames, np.int64)
