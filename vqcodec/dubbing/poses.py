r"""The head motion, gaze and blinks of a recording, for a dub: `--poses`.

    .vqt    tokens -> features -> landmarks --\
                                               --> controls at the recording's times --> at 25 Hz --> for this portrait
    video   frames -> face -> landmarks ------/

Of a recording with several shots the first one is taken. One that is too short is played back and forth.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from vqcodec.container import Reader
from vqcodec.decoding.fade import same_scene
from vqcodec.dubbing.parts import DubParts
from vqcodec.errors import NoFaceError
from vqcodec.face.shots import face_frames
from vqcodec.format import SIGNATURE, SPEECH_TOKEN_HZ
from vqcodec.geometry.controls import Controls, read_controls, transferred
from vqcodec.geometry.headpose import HeadShape
from vqcodec.media.faults import media_faults
from vqcodec.media.picture.opening import is_pipe
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.system import temporary_file
from vqcodec.runtime.threads import overlapped
from vqcodec.stream.opening import open_stream
from vqcodec.stream.walk import PosedGroup, check_units, posed_groups
from vqcodec.types import FileLike, VideoFrame

DUB_HZ = SPEECH_TOKEN_HZ  # a frame for each speech token
_CHUNK_FRAMES = 256
_DEPTH = 4

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Poses:
    """How the head of a recording moves in its first shot.

    Attributes:
        name: of the recording.
        times_s: (N,) float64 when its frames are shown, increasing, N >= 1.
        table: (N, 9) float32, pose (6), gaze (2) and blink of each.
        own: one frame, of the recording's own portrait.
        warnings: what a person should know of it.
    """

    name: str
    times_s: NDArray[np.float64]
    table: Table
    own: Controls
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Frames at 25 Hz."""
        return int(np.floor(self.times_s[-1] * DUB_HZ + 1e-6)) + 1

    def controls(self, own: Controls, frames: int) -> Controls:
        """For a portrait with these controls (one frame), `frames` of them at 25 Hz."""
        count = min(len(self), frames)
        wanted_s = np.arange(count) / DUB_HZ
        columns = [np.interp(wanted_s, self.times_s, column) for column in self.table.T]
        even = np.stack(columns, 1).astype(np.float32)[_back_and_forth(count, frames)]
        return transferred(Controls(even[:, :6], even[:, 6:8], even[:, 8]), self.own, own)

    def warnings_for(self, frames: int) -> tuple[str, ...]:
        """What a person should know when so many frames are driven by it."""
        if len(self) >= frames:
            return self.warnings
        return (
            *self.warnings,
            f"{self.name} has {len(self) / DUB_HZ:.1f} s of motion for {frames / DUB_HZ:.1f} s of "
            "sound: it is played back and forth",
        )


def read_poses(path: Path, parts: DubParts, needed_s: Fraction) -> Poses:
    """Read a recording as far as it is needed.

    Args:
        path: a .vqt file, or a video.
        parts: detector, mean head and motion spaces.
        needed_s: how long the motion should be.

    Raises:
        MediaError: it can't be read, or is no video.
        BitstreamError, UnsupportedError: it is a .vqt that is damaged, or made with a motion space that isn't here.
        NoFaceError: no face is seen in it.
    """
    times_s: list[float] = []
    measured = _Measured(parts.shape)
    warnings: tuple[str, ...] = ()
    first: _Seen | None = None
    with (
        _recording(path) as file,
        closing((_of_stream if _is_stream(file) else _of_video)(file, parts)) as recorded,
    ):
        for seen in recorded:
            first = first or seen
            if seen.shot != first.shot:
                told = f"the motion of the first, {times_s[-1]:.1f} s, is taken"
                warnings = (f"{path} has more than one shot: {told}",)
                break
            times_s.append(float(seen.time_s))
            measured.push(seen.points)
            if seen.time_s >= needed_s:
                break
    if first is None:
        raise NoFaceError(
            f"no face in {path}",
            hint="Give --poses a recording of one person, seen from the front.",
        )
    own = read_controls(first.portrait[None], parts.shape)
    return Poses(str(path), np.array(times_s), measured.table(), own, warnings)


class _Seen(NamedTuple):
    """A frame of a recording with a face: landmarks are (478, 2) in 0..1; the portrait's are the recording's own."""

    time_s: Fraction
    points: Table
    portrait: Table
    shot: int


class _Measured:
    """Controls of frames that come one by one, read many at once: a hundredth of their landmarks' size."""

    def __init__(self, shape: HeadShape) -> None:
        self._shape = shape
        self._waiting: list[Table] = []
        self._rows: list[Table] = []

    def push(self, points: Table) -> None:
        """The next frame's landmarks (478, 2)."""
        self._waiting.append(points)
        if len(self._waiting) == _CHUNK_FRAMES:
            self._read()

    def table(self) -> Table:
        """(N, 9) of all of them."""
        if self._waiting:
            self._read()
        return np.concatenate(self._rows)

    def _read(self) -> None:
        read = read_controls(np.stack(self._waiting), self._shape)
        self._rows.append(np.concatenate([read.pose, read.gaze, read.blink[:, None]], 1))
        self._waiting = []


def _of_stream(source: FileLike, parts: DubParts) -> Generator[_Seen, None, None]:
    """The frames of a .vqt file; motion that doesn't go on where a key frame begins is another shot."""
    with open_stream(source) as file:
        reader = Reader(file)
        space = parts.landmarks_of(reader.head.motion_space)
        check_units(reader.head, space.units)
        portrait: Table | None = None
        before: PosedGroup | None = None
        shot = 0
        for group in posed_groups(reader, space.units):
            if portrait is None:
                portrait = space.landmarks(group.base[None])[0]
            if before is not None and before.portrait is not group.portrait:
                shot += not same_scene(before.features[-1], group, space.units)
            before = group
            landmarks = space.landmarks(group.features)
            for tick, points in zip(group.ticks.tolist(), landmarks, strict=True):
                yield _Seen(tick * reader.head.time_base_s, points, portrait, shot)


def _of_video(source: FileLike, parts: DubParts) -> Generator[_Seen, None, None]:
    """The frames of a video that show a face; the first of them is its portrait."""
    with (
        VideoSource(source) as video,
        parts.detector() as detector,
        closing(overlapped(_pictures(video), depth=_DEPTH)) as pictures,
    ):
        portrait: Table | None = None
        for frame in face_frames(pictures, detector):
            if frame.face is None:
                continue
            portrait = frame.face.points if portrait is None else portrait
            yield _Seen(frame.time_s, frame.face.points, portrait, frame.shot)


def _pictures(video: VideoSource) -> Iterator[VideoFrame]:
    yield from video


@contextmanager
def _recording(path: Path) -> Iterator[FileLike]:
    """The file; what comes once, as from a shell's `<(...)`, copied to disk: its first bytes say what it is."""
    if not is_pipe(str(path)):
        yield path
        return
    with closing(temporary_file()) as copy:
        with media_faults(str(path), "read"), path.open("rb") as pipe:
            shutil.copyfileobj(pipe, copy, 1 << 20)
        copy.seek(0)
        yield copy


def _is_stream(source: FileLike) -> bool:
    if not isinstance(source, Path):
        return _begins_as_stream(cast(BinaryIO, source))
    if source.suffix.lower() == ".vqt":
        return True
    with media_faults(str(source), "open"), source.open("rb") as file:
        return _begins_as_stream(file)


def _begins_as_stream(file: BinaryIO) -> bool:
    head = file.read(len(SIGNATURE))
    file.seek(0)
    return head == SIGNATURE


def _back_and_forth(count: int, frames: int) -> NDArray[np.int64]:
    """0, 1, .. count - 1, count - 2, .. 1, 0, 1 ..: `frames` of them."""
    period = max(2 * (count - 1), 1)
    at = np.arange(frames) % period
    return np.minimum(at, period - at) if count > 1 else np.zeros(frames, np.int64)
