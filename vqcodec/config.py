"""What a caller may choose. Plain values, checked when made: no torch, no av, no cv2.

EncodeOptions, DecodeOptions, DubOptions    what a call makes: they decide what is in the file
RuntimeOptions                              where networks run: they belong to a Codec, not to a call
force, crf                                  how the output is written: keywords of the call
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from vqcodec.checks import check_audio, check_layers, check_quality, check_size, require
from vqcodec.choices import MIN_CROP_PX as MIN_CROP_PX
from vqcodec.choices import AudioChoice as AudioChoice
from vqcodec.choices import CropChoice as CropChoice
from vqcodec.choices import FaceChoice as FaceChoice
from vqcodec.choices import GazeChoice as GazeChoice
from vqcodec.choices import MotionChoice as MotionChoice
from vqcodec.choices import SquareCrop as SquareCrop
from vqcodec.choices import check_face, check_manner, check_recorded, named_blink
from vqcodec.format import CODED_SIZE_PX, LAYERS, MAX_FRAME_RATE_HZ

DEFAULT_AUDIO_BPS = 12_000
DEFAULT_PORTRAIT_QUALITY = 50
"""Of a photograph that is dubbed: about 8 kB at 512x512."""
DEFAULT_CRF = 18
DEFAULT_MAX_DURATION_S = Fraction(86_400)
DEFAULT_BATCH_FRAMES = 16
DEFAULT_DUB_VIDEO_PORTRAIT_QUALITY = 90
DEFAULT_DUB_VIDEO_AUDIO_BPS = 64_000
FRAME_RATE_RANGE_HZ = (Fraction(1), Fraction(60))
MAX_EFFORT = 3
MAX_REFS = 256
REFS_EVERY_RANGE_S = (Fraction(1, 10), Fraction(60))

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16", "int8"]
BackendName: TypeAlias = Literal["torch", "openvino"]
Backend: TypeAlias = Literal["auto", "torch", "openvino"]
PortraitFrame: TypeAlias = Literal["auto", "first"] | Fraction
Quality: TypeAlias = Literal["small", "medium", "best"]
Refs: TypeAlias = int | Literal["auto"]
REFS_HINT = f"Choose --refs auto, or 1 to {MAX_REFS} portraits per shot of a minute at most."


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeOptions:
    """Choices of `vqcodec.encode`.

    Attributes:
        fps: frames per second to resample to, 1..60; None keeps the input's own times (halved above 30).
        input_fps: the input's true frames per second, 1..240: its pictures are numbered by them; None believes the file.
        video_track, audio_track: of several, counted from 0; None: the default one, not a still, the largest.
        layers: residual layers to write, 1..4; an upper limit when bitrate_kbps is given.
        bitrate_kbps: target for the whole file, sound and portraits included: chooses everything below that isn't named.
        quality: what is chosen without a bit rate: "small", "medium" or "best".
        rdo: price of a bit in the choice of motion values (vqcodec.quantize.rdo), 0..100: 0 takes the nearest values,
            1 saves about a third of the motion's bits; None: what quality or bitrate_kbps call for.
        effort: refine the motion against the real frames (vqcodec.encoding.effort): 0 does not, 1 to 3 take ever more time.
        audio: what becomes of the sound.
        portrait_quality: of the portraits, 1..100; None: what quality or bitrate_kbps call for; an upper limit when
            bitrate_kbps is given.
        portrait_frame: the frame that a shot's motion is relative to: "auto" takes the one that serves the shot best,
            "first" the first frame with a face, a time in seconds, in its shot, the first frame with a face from then on.
        refs: portraits per shot of at most a minute: a number of them at most, each where it saves most; "auto" adds them while
            they are worth their bits.
        refs_every_s: instead, a portrait in so many seconds, whatever it saves, if it shows any frame at all.
        crop: "auto" follows the face once per shot, "full" is the largest centred square, or a square.
        face: whose, where a shot begins with several: "largest", the N-th largest, "left" or "right".
        playlist: the input may be a playlist, which leads to further files of this machine.
        live: write as the input comes; a path is written in place, so that `decode --follow` can read it.
        low_delay: live, for those who watch (vqcodec.live): at the input's own pace, with frames left out where the machine is
            too slow, in groups of at most 120 ms, and hardly looking ahead.
        scene: keep what is around the square, too, as pictures that stand still until something changes; not live.
    """

    fps: Fraction | None = None
    input_fps: Fraction | None = None
    video_track: int | None = None
    audio_track: int | None = None
    layers: int = LAYERS
    bitrate_kbps: float | None = None
    quality: Quality = "medium"
    rdo: float | None = None
    effort: int = 0
    audio: AudioChoice = field(default_factory=AudioChoice)
    portrait_quality: int | None = None
    portrait_frame: PortraitFrame = "auto"
    crop: CropChoice = "auto"
    face: FaceChoice = "largest"
    refs: Refs = "auto"
    refs_every_s: Fraction | None = None
    playlist: bool = False
    live: bool = False
    low_delay: bool = False
    scene: bool = False

    def __post_init__(self) -> None:
        low, high = FRAME_RATE_RANGE_HZ
        require(
            self.fps is None or low <= self.fps <= high,
            f"{self.fps} frames per second is outside {low}..{high}",
        )
        own = self.input_fps
        require(own is None or 1 <= own <= MAX_FRAME_RATE_HZ, f"{own} frames per second of input")
        check_layers(self.layers)
        require(
            self.bitrate_kbps is None or 1 <= self.bitrate_kbps <= 1000,
            f"a target of {self.bitrate_kbps} kbit/s is outside 1..1000",
        )
        require(self.rdo is None or 0 <= self.rdo <= 100, f"rdo is {self.rdo}, not 0..100")
        require(
            self.effort in range(MAX_EFFORT + 1), f"effort is {self.effort}, not 0..{MAX_EFFORT}"
        )
        check_quality(self.portrait_quality)
        require(self.quality in ("small", "medium", "best"), f"unknown quality {self.quality!r}")
        self._check_portraits()
        check_face(self.face)
        require(
            isinstance(self.crop, SquareCrop) or self.crop in ("auto", "full"),
            f"unknown crop {self.crop!r}",
        )
        self._check_live()

    def _check_live(self) -> None:
        require(
            not self.live or (self.bitrate_kbps is None and self.effort == 0),
            "a live stream can't look ahead to fit a bit rate, nor refine its motion",
            "Choose --quality small, medium or best.",
        )
        require(
            not self.low_delay or (self.live and self.audio.mode != "copy"),
            "low_delay is for live streams, whose sound is coded anew",
        )
        require(
            not (self.live and self.scene),
            "a live stream can't keep the scene: what is around the square is looked at shot by shot",
            "Leave out --scene, or encode the recording afterwards.",
        )
        require(
            not self.live or not isinstance(self.portrait_frame, Fraction),
            "a live stream can't wait for a portrait frame",
            "It begins with the first frame that shows a face.",
        )

    def _check_portraits(self) -> None:
        wanted = self.portrait_frame
        require(
            wanted in ("auto", "first") or (isinstance(wanted, Fraction) and wanted >= 0),
            f"unknown portrait frame {wanted!r}",
            "Choose auto, first, or a time in seconds.",
        )
        require(
            self.refs == "auto" or (isinstance(self.refs, int) and 1 <= self.refs <= MAX_REFS),
            f"{self.refs!r} is not a number of portraits",
            REFS_HINT,
        )
        low, high = REFS_EVERY_RANGE_S
        require(
            self.refs_every_s is None or low <= self.refs_every_s <= high,
            f"a portrait every {self.refs_every_s} s is outside {float(low):g}..{high}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """Choices of `vqcodec.decode`.

    Attributes:
        size_px: side of the pictures, 256 or 512.
        layers: use only the first layers of the stream; None uses all that are there.
        portrait: a picture to animate instead of the stream's own key frames.
        start_s: first presentation time wanted, >= 0.
        end_s: presentation time to stop before; None goes to the end.
        recover: read past damage: decode what is intact, make up the rest, and report it.
        follow_s: the file is still being written: at its present end wait so long for more; None doesn't wait.
        max_duration_s: what is made is no longer than this, > 0: a small stream may claim centuries.
        square: the square around the face alone, also where the stream has the scene around it; with `portrait` always so.
    """

    size_px: int = CODED_SIZE_PX
    layers: int | None = None
    portrait: Path | None = None
    start_s: Fraction = Fraction(0)
    end_s: Fraction | None = None
    recover: bool = False
    follow_s: float | None = None
    max_duration_s: Fraction = DEFAULT_MAX_DURATION_S
    square: bool = False

    def __post_init__(self) -> None:
        check_size(self.size_px)
        check_layers(self.layers)
        require(self.max_duration_s > 0, f"a duration of {self.max_duration_s} s at most")
        require(self.start_s >= 0, f"start {self.start_s} s is negative")
        require(self.end_s is None or self.end_s > self.start_s, "end is not after start")
        require(
            self.follow_s is None or 0 < self.follow_s <= 86_400,
            f"waiting {self.follow_s} s is outside 0..86400",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DubOptions:
    """Choices of `vqcodec.dub`.

    Attributes:
        poses: a .vqt file or video whose head motion, gaze and blinks are taken over; None makes up some.
        head: how the head moves: "still", "low", "natural" (made up) or "recorded" (poses, or the recording's own); None takes
            what is recorded where there is something, else what is natural.
        gaze: where eyes look: "camera", "natural" or "recorded"; None as for `head`.
        blink: how lids move, by the names of `head`; True is None, False is "still".
        seed: of everything that is made up, with the portrait and the sound; the same three give the same file.
        temperature: 0 takes the expected motion, 1 draws from what the generator learned, 0..2.
        argmax: at temperature 0 take the likeliest digits, as the paper does.
        layers: residual layers to write, 1..4.
        portrait_quality: AVIF quality of the portrait, 1..100; None is 50, for a video 90: its size doesn't depend on it.
        audio_bps: bit rate of the Opus sound, 6000..64000; None is 12000, for a video 64000.
        paste_back: put the square back into the whole picture; for a video only.
        size_px: side of the square in a video, 256 or 512.
        mix_db: of a recording: how loud its old sound stays under the new one, -90..20 dB; 0 as it was, None not at all.
        fit: of a recording: where it is silent it is stretched, so that it lasts as long as the sound; else it is played back
            and forth, or cut.
        segments: of a recording: a list of spans that are dubbed, and with which sounds (vqcodec.dubbing.redub.segments);
            all else stays as it is. None: all of it is dubbed.
        scene: of a recorded video: keep what is around the square, too, as `EncodeOptions.scene` does.
        sheet: a picture to write, too: some frames of the result with their times.
    """

    poses: Path | None = None
    blink: MotionChoice | bool | None = None
    head: MotionChoice | None = None
    gaze: GazeChoice | None = None
    seed: int = 0
    temperature: float = 0.0
    argmax: bool = False
    layers: int = LAYERS
    portrait_quality: int | None = None
    audio_bps: int | None = None
    paste_back: bool = False
    size_px: int = CODED_SIZE_PX
    mix_db: float | None = None
    fit: bool = False
    segments: Path | None = None
    scene: bool = False
    sheet: Path | None = None

    def __post_init__(self) -> None:
        check_recorded(self.mix_db, fit=self.fit, segments=self.segments is not None)
        check_manner(self.head, self.gaze, named_blink(self.blink))
        require(0 <= self.seed < 2**63, f"seed {self.seed} is outside 0..2^63-1")
        require(0 <= self.temperature <= 2, f"temperature {self.temperature} is outside 0..2")
        check_layers(self.layers)
        check_quality(self.portrait_quality)
        check_audio(self.audio_bps, "Choose --audio-bitrate 6k to 64k.")
        check_size(self.size_px)

    def portrait_quality_for(self, video: bool) -> int:
        """The quality to use for a stream or a video."""
        default = DEFAULT_DUB_VIDEO_PORTRAIT_QUALITY if video else DEFAULT_PORTRAIT_QUALITY
        return default if self.portrait_quality is None else self.portrait_quality

    def audio_bps_for(self, video: bool) -> int:
        """The bit rate to use for a stream or a video."""
        default = DEFAULT_DUB_VIDEO_AUDIO_BPS if video else DEFAULT_AUDIO_BPS
        return default if self.audio_bps is None else self.audio_bps


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """Where and how networks run: a Codec's, for all its calls. None of it changes what a .vqt file says.

    Attributes:
        device: auto takes CUDA where there is one.
        precision: of the renderer; auto is float16 on CUDA, bfloat16 on a CPU that gains by it, else float32; int8: OpenVINO.
        threads: torch's, for the whole process; None leaves them as they are.
        batch_frames: frames rendered at once, 1..256; at least 32 on CUDA.
        face_model: path of face_landmarker.task; None resolves it (vqcodec.face.asset).
        backend: the library that runs the renderer's network for pictures; auto: vqcodec.runtime.backend.
    """

    device: Device = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    batch_frames: int = DEFAULT_BATCH_FRAMES
    face_model: Path | None = None
    backend: Backend = "auto"

    def __post_init__(self) -> None:
        for name, known in (("device", Device), ("precision", Precision), ("backend", Backend)):
            chosen = getattr(self, name)
            require(chosen in get_args(known), f"unknown {name} {chosen!r}")
        elsewhere = self.backend == "torch" or self.device == "cuda"
        require(not (self.precision == "int8" and elsewhere), "int8 runs in openvino, on a CPU")
        threads, batch = self.threads, self.batch_frames
        require(threads is None or 1 <= threads <= 1024, f"{threads} threads is outside 1..1024")
        require(1 <= batch <= 256, f"batch of {batch} frames is outside 1..256")
