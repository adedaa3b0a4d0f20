"""What an encode tells its caller: how far it has come, and what it made."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from vqcodec.config import EncodeOptions
from vqcodec.encoding.output import CodedFile, FrameOutput
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.settings import Setting
from vqcodec.errors import NoFaceError
from vqcodec.face.scene import Scene
from vqcodec.media.picture.frames import VideoInput
from vqcodec.progress import Progress, ProgressEvent
from vqcodec.reports import EncodeReport
from vqcodec.types import StreamSizes

if TYPE_CHECKING:
    from vqcodec.encoding.effort import Refiner


def wanted_s(options: EncodeOptions) -> Fraction | None:
    """The frame that was asked for as a portrait."""
    wanted = options.portrait_frame
    return wanted if isinstance(wanted, Fraction) else None


class Told:
    """How far an encode has come, for the caller.

    Args:
        progress: called with every event.
        video: the input.
        waits: frames count when their motion is refined, which takes most of the time, not when they come.

    Attributes:
        refiner: what refines the motion, once there is one.
        scene: which faces the input shows.
        file: where the stream goes.
    """

    def __init__(self, progress: Progress, video: VideoInput, *, waits: bool) -> None:
        self.refiner: Refiner | None = None
        self.scene = Scene()
        self.file: CodedFile | None = None
        self._progress, self._video, self._waits = progress, video, waits
        self._frames, self._media_s = 0, Fraction(0)
        length_s = video.duration_s
        self._total = None if length_s is None else round(length_s * video.frame_rate_hz)

    def coded(self, frames: int, media_s: Fraction) -> None:
        """So many frames have come, up to a time of the input."""
        if not self._waits:
            self._frames, self._media_s = frames, media_s
        self._tell()

    def refined(self, frames: int) -> None:
        """So many frames are refined, whose times aren't at hand."""
        self._frames, self._media_s = frames, frames / self._video.frame_rate_hz
        self._tell()

    def finished(self) -> None:
        """The file is whole."""
        if self.file is not None:
            self._frames, self._media_s = self.file.sizes.frames, self.file.sizes.seconds
        self._tell()

    def _tell(self) -> None:
        sizes = StreamSizes() if self.file is None else self.file.sizes
        written = sizes.portrait + sizes.motion + sizes.audio + sizes.scene + sizes.container
        place = self._frames, self._total, self._media_s, self._video.duration_s
        self._progress(ProgressEvent("encode", *place, written))

    def refiner_for(self, effort: int, setting: Setting, models: EncoderParts) -> Refiner:
        """What refines the motion: only then is a renderer loaded."""
        from vqcodec.encoding.effort import Refiner

        renderer = None if models.refining is None else models.refining()
        self.refiner = Refiner.load(effort, setting, models.space.id, renderer)
        return self.refiner


def check_face(output: FrameOutput, video: VideoInput) -> None:
    """Refuse an input in which nobody was seen.

    Raises:
        NoFaceError: it is one.
    """
    if not output.faces_seen:
        raise NoFaceError(
            f"no face in any of the {video.frames_read} frames of {video.info.name}",
            hint="A face should be at least a twentieth of the picture high and be seen from the front.",
        )


def encode_report(
    output: FrameOutput,
    video: VideoInput,
    options: EncodeOptions,
    elapsed_s: float,
    told: Told,
) -> EncodeReport:
    """What an encode tells at its end."""
    file, faceless = output.file, output.low_confidence_frames
    head = file.head
    return EncodeReport(
        sizes=file.sizes,
        layers=head.layers,
        motion_space=head.motion_space,
        renderer=head.renderer,
        frame_rate_hz=head.frame_rate_hz,
        key_frames=file.portraits,
        low_confidence_frames=faceless,
        portrait_quality=file.portrait_quality,
        refs=options.refs,
        effort=options.effort,
        refinement_gain=None if told.refiner is None else told.refiner.gain,
        crop=head.crop,
        elapsed_s=elapsed_s,
        warnings=(
            *_warnings(video, options, faceless, file.sizes),
            *told.scene.warnings(video.info.name, whole=options.scene),
        ),
    )


def _warnings(
    video: VideoInput, options: EncodeOptions, faceless: int, sizes: StreamSizes
) -> list[str]:
    """What a person should know of the input, so many of whose frames show no face."""
    told, frames, asked_s = [*video.remarks], sizes.frames, wanted_s(options)
    if video.truncated:
        told.append(f"{video.info.name} breaks off early; what came before it was coded")
    if video.corrupt_packets:
        told.append(f"{video.corrupt_packets} damaged packets of {video.info.name} were skipped")
    if asked_s is not None and asked_s >= sizes.seconds:
        told.append(f"there is no portrait frame at {float(asked_s):g} s: the input ends before")
    if Fraction(faceless, max(frames, 1)) > Fraction(1, 10):
        told.append(f"no face was seen in {faceless} of {frames} frames; motion is held there")
    return told
