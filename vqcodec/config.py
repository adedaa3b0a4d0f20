"""What a caller may choose. Plain values, checked when made: no torch, no av, no cv2."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from vqcodec.errors import UsageError
from vqcodec.types import CODED_SIZE, LAYERS

DEFAULT_AUDIO_BPS = 12_000
DEFAULT_PORTRAIT_QUALITY = 50  # about 8 kB at 512x512
DEFAULT_CRF = 18
DEFAULT_DUB_VIDEO_PORTRAIT_QUALITY = 90
DEFAULT_DUB_VIDEO_AUDIO_BPS = 64_000
FRAME_RATE_RANGE_HZ = (Fraction(1), Fraction(60))
GROUP_MAX_S = Fraction(2)
MAX_EFFORT = 3
MAX_REFS = 16

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
PortraitFrame: TypeAlias = Literal["auto", "first"]
CropMode: TypeAlias = Literal["auto", "full"]
Refs: TypeAlias = int | Literal["auto"]


_REFS_HINT = f"Choose --refs auto, or 1 to {MAX_REFS} portraits per shot."


def _require(ok: bool, message: str, hint: str = "") -> None:
    if not ok:
        raise UsageError(message, hint=hint)


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """What becomes of the sound.

    Attributes:
        mode: "opus" codes it anew, mono; "copy" keeps the packets of an Opus input; "none" drops it.
        bitrate_bps: target of mode "opus", 6000..64000; ignored otherwise.
    """

    mode: Literal["opus", "copy", "none"] = "opus"
    bitrate_bps: int = DEFAULT_AUDIO_BPS

    def __post_init__(self) -> None:
        _require(self.mode in ("opus", "copy", "none"), f"unknown audio mode {self.mode!r}")
        _require(
            6_000 <= self.bitrate_bps <= 64_000,
            f"audio rate {self.bitrate_bps} bit/s is outside 6k..64k",
            "Choose --audio 6k to 64k, copy or none.",
        )

    @classmethod
    def parse(cls, text: str) -> AudioChoice:
        """Read "copy", "none" or a rate such as "12k" or "12000".

        Raises:
            UsageError: anything else.
        """
        if text == "copy":
            return cls("copy")
        if text == "none":
            return cls("none")
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(k?)", text.strip().lower())
        _require(
            match is not None,
            f"{text!r} is not an audio choice",
            "Choose --audio 6k to 64k, copy or none.",
        )
        assert match is not None
        return cls("opus", int(Fraction(match[1]) * (1000 if match[2] else 1)))


@dataclass(frozen=True, slots=True)
class SquareCrop:
    """A square the caller wants coded, in source pixels after rotation; may reach outside the picture."""

    x_px: int
    y_px: int
    side_px: int

    def __post_init__(self) -> None:
        _require(
            16 <= self.side_px <= 65_535, f"a crop {self.side_px} px wide is outside 16..65535"
        )
        _require(
            max(abs(self.x_px), abs(self.y_px)) <= 65_535,
            "the crop lies too far outside the picture",
        )


CropChoice: TypeAlias = CropMode | SquareCrop


def parse_crop(text: str) -> CropChoice:
    """Read "auto", "full" (the largest centred square) or "x,y,side".

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    if text == "full":
        return "full"
    match = re.fullmatch(r"\s*(-?\d+)\s*,\s*(-?\d+)\s*,\s*(\d+)\s*", text)
    _require(
        match is not None,
        f"{text!r} is not a crop",
        "Choose --crop auto, full or x,y,side in source pixels.",
    )
    assert match is not None
    return SquareCrop(int(match[1]), int(match[2]), int(match[3]))


def parse_refs(text: str) -> Refs:
    """Read "auto" or a number of portraits per shot.

    Raises:
        UsageError: anything else.
    """
    if text == "auto":
        return "auto"
    _require(
        re.fullmatch(r"[0-9]{1,4}", text) is not None,
        f"{text!r} is not a number of portraits",
        _REFS_HINT,
    )
    return int(text)


def parse_fraction(text: str, what: str) -> Fraction:
    """Read "25", "29.97", "30000/1001" exactly.

    Raises:
        UsageError: not a number, or a zero denominator; `what` names it in the message.
    """
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"{text!r} is not a number for {what}", hint="Write 25, 29.97 or 30000/1001."
        ) from error


def parse_time_s(text: str, what: str) -> Fraction:
    """Read seconds ("12.5") or a clock time ("1:02.5", "1:00:00") exactly, in seconds.

    Raises:
        UsageError: not a time.
    """
    parts = [parse_fraction(part, what) for part in text.split(":")]
    _require(
        len(parts) <= 3 and all(p >= 0 for p in parts),
        f"{text!r} is not a time for {what}",
        "Write seconds (12.5) or minutes:seconds (1:02.5).",
    )
    return sum((part * 60**i for i, part in enumerate(reversed(parts))), Fraction(0))


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """Choices of `vqcodec.encode`.

    Attributes:
        fps: frames per second to resample to, 1..60; None keeps the input's own times (halved above 30).
        layers: residual layers to write, 1..4; an upper limit when bitrate_kbps is given.
        bitrate_kbps: target for the whole file, sound and portrait included; picks layers and portrait quality.
        rdo: price of a bit in the choice of motion values (vqcodec.quantize.rdo), 0..100: 0 takes the nearest values,
            1 saves about a third of the motion's bits; None is 0, but lets bitrate_kbps choose where the rate calls for it.
        effort: refine the motion against the real frames through the renderer (vqcodec.encoding.effort): 0 does not, 1, 2 and 3
            take ever more time; with bitrate_kbps, for the most layers and the best portrait that it may choose.
        audio: what becomes of the sound.
        portrait_quality: AVIF quality of key frames, 1..100; an upper limit when bitrate_kbps is given.
        portrait_frame: "auto" takes the best of the first second, "first" the first frame with a face.
        refs: portraits per shot (vqcodec.face.mismatch): 1 keeps to one; 2..16 allows so many, each where the one in
            force serves badly, the sooner the more are left; "auto" adds one only where it serves very badly or for
            long, and with portrait_frame "first" never.
        crop: "auto" follows the face once per shot, "full" is the largest centred square, or a square.
        force: replace an existing output.
        device: where the motion network runs.
        face_model: path of face_landmarker.task; None resolves it (vqcodec.face.asset).
    """

    fps: Fraction | None = None
    layers: int = LAYERS
    bitrate_kbps: float | None = None
    rdo: float | None = None
    effort: int = 0
    audio: AudioChoice = field(default_factory=AudioChoice)
    portrait_quality: int = DEFAULT_PORTRAIT_QUALITY
    portrait_frame: PortraitFrame = "auto"
    crop: CropChoice = "auto"
    refs: Refs = "auto"
    force: bool = False
    device: Device = "auto"
    face_model: Path | None = None

    def __post_init__(self) -> None:
        low, high = FRAME_RATE_RANGE_HZ
        _require(
            self.fps is None or low <= self.fps <= high,
            f"{self.fps} frames per second is outside {low}..{high}",
        )
        _require(1 <= self.layers <= LAYERS, f"layers is {self.layers}, not 1..{LAYERS}")
        _require(
            self.bitrate_kbps is None or 1 <= self.bitrate_kbps <= 1000,
            f"a target of {self.bitrate_kbps} kbit/s is outside 1..1000",
        )
        _require(self.rdo is None or 0 <= self.rdo <= 100, f"rdo is {self.rdo}, not 0..100")
        _require(
            self.effort in range(MAX_EFFORT + 1), f"effort is {self.effort}, not 0..{MAX_EFFORT}"
        )
        _require(
            1 <= self.portrait_quality <= 100,
            f"portrait quality {self.portrait_quality} is outside 1..100",
        )
        _require(
            self.portrait_frame in ("auto", "first"),
            f"unknown portrait frame {self.portrait_frame!r}",
        )
        _require(
            self.refs == "auto" or (isinstance(self.refs, int) and 1 <= self.refs <= MAX_REFS),
            f"{self.refs!r} is not a number of portraits",
            _REFS_HINT,
        )
        _require(
            isinstance(self.crop, SquareCrop) or self.crop in ("auto", "full"),
            f"unknown crop {self.crop!r}",
        )
        _require(self.device in ("auto", "cpu", "cuda"), f"unknown device {self.device!r}")


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """Choices of `vqcodec.decode`.

    Attributes:
        device: where the renderer runs.
        size_px: side of the pictures, 256 or 512.
        layers: use only the first layers of the stream; None uses all that are there.
        portrait: a picture to animate instead of the stream's own key frames.
        start_s: first presentation time wanted, >= 0.
        end_s: presentation time to stop before; None goes to the end.
        force: replace an existing output.
        crf: H.264 quality of the written video, 0 (best) .. 51.
        batch_frames: frames rendered at once.
        face_model: path of face_landmarker.task, used with `portrait` only.
        recover: read past damage: decode what is intact, make up the rest, and report it.
        follow_s: the file is still being written: at its present end wait so long for more; None doesn't wait.
    """

    device: Device = "auto"
    size_px: int = CODED_SIZE
    layers: int | None = None
    portrait: Path | None = None
    start_s: Fraction = Fraction(0)
    end_s: Fraction | None = None
    force: bool = False
    crf: int = DEFAULT_CRF
    batch_frames: int = 16
    face_model: Path | None = None
    recover: bool = False
    follow_s: float | None = None

    def __post_init__(self) -> None:
        _require(self.device in ("auto", "cpu", "cuda"), f"unknown device {self.device!r}")
        _require(self.size_px in (256, 512), f"size is {self.size_px}, not 256 or 512")
        _require(
            self.layers is None or 1 <= self.layers <= LAYERS,
            f"layers is {self.layers}, not 1..{LAYERS}",
        )
        _require(self.start_s >= 0, f"start {self.start_s} s is negative")
        _require(self.end_s is None or self.end_s > self.start_s, "end is not after start")
        _require(0 <= self.crf <= 51, f"crf {self.crf} is outside 0..51")
        _require(
            1 <= self.batch_frames <= 256, f"batch of {self.batch_frames} frames is outside 1..256"
        )
        _require(
            self.follow_s is None or 0 < self.follow_s <= 86_400,
            f"waiting {self.follow_s} s is outside 0..86400",
        )


@dataclass(frozen=True, slots=True)
class DubOptions:
    """Choices of `vqcodec.dub`.

    Attributes:
        poses: a .vqt file or video whose head motion, gaze and blinks are taken over; None makes up some.
        blink: False keeps the eyes as they are in the portrait.
        seed: of everything that is made up; the same seed gives the same file.
        temperature: 0 takes the expected motion, 1 draws from what the generator learned, 0..2.
        argmax: at temperature 0 take the likeliest digits, as the paper does.
        layers: residual layers to write, 1..4.
        portrait_quality: AVIF quality of the portrait, 1..100; None is 50, for a video 90: its size doesn't depend on it.
        audio_bps: bit rate of the Opus sound, 6000..64000; None is 12000, for a video 64000.
        paste_back: put the square back into the whole picture; for a video only.
        size_px: side of the square in a video, 256 or 512.
        crf: H.264 quality of a video, 0 (best) .. 51.
        force: replace an existing output.
        device: where the networks run.
        face_model: path of face_landmarker.task; None resolves it (vqcodec.face.asset).
    """

    poses: Path | None = None
    blink: bool = True
    seed: int = 0
    temperature: float = 0.0
    argmax: bool = False
    layers: int = LAYERS
    portrait_quality: int | None = None
    audio_bps: int | None = None
    paste_back: bool = False
    size_px: int = CODED_SIZE
    crf: int = DEFAULT_CRF
    force: bool = False
    device: Device = "auto"
    face_model: Path | None = None

    def __post_init__(self) -> None:
        _require(0 <= self.seed < 2**63, f"seed {self.seed} is outside 0..2^63-1")
        _require(0 <= self.temperature <= 2, f"temperature {self.temperature} is outside 0..2")
        _require(1 <= self.layers <= LAYERS, f"layers is {self.layers}, not 1..{LAYERS}")
        _require(
            self.portrait_quality is None or 1 <= self.portrait_quality <= 100,
            f"portrait quality {self.portrait_quality} is outside 1..100",
        )
        _require(
            self.audio_bps is None or 6_000 <= self.audio_bps <= 64_000,
            f"audio rate {self.audio_bps} bit/s is outside 6k..64k",
            "Choose --audio-bitrate 6k to 64k.",
        )
        _require(self.size_px in (256, 512), f"size is {self.size_px}, not 256 or 512")
        _require(0 <= self.crf <= 51, f"crf {self.crf} is outside 0..51")
        _require(self.device in ("auto", "cpu", "cuda"), f"unknown device {self.device!r}")

    def portrait_quality_for(self, video: bool) -> int:
        """The quality to use for a stream or a video."""
        default = DEFAULT_DUB_VIDEO_PORTRAIT_QUALITY if video else DEFAULT_PORTRAIT_QUALITY
        return default if self.portrait_quality is None else self.portrait_quality

    def audio_bps_for(self, video: bool) -> int:
        """The bit rate to use for a stream or a video."""
        default = DEFAULT_DUB_VIDEO_AUDIO_BPS if video else DEFAULT_AUDIO_BPS
        return default if self.audio_bps is None else self.audio_bps
