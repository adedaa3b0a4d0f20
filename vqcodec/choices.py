"""Small values that a caller's choices are made of: sound, square, face. Plain, checked when made (vqcodec.config)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from vqcodec.checks import check_audio, require

MIN_CROP_PX = 16
MAX_FACE = 16
FACE_HINT = f"Choose --face largest, left, right, or 1 (the largest) to {MAX_FACE}."

CropMode: TypeAlias = Literal["auto", "full"]
NamedFace: TypeAlias = Literal["largest", "left", "right"]
FaceChoice: TypeAlias = int | NamedFace


def check_face(face: FaceChoice) -> None:
    """A face is the largest, the left or right one, or the N-th largest.

    Raises:
        UsageError: it is anything else.
    """
    known = face in get_args(NamedFace)
    number = isinstance(face, int) and 1 <= face <= MAX_FACE
    require(known or number, f"{face!r} is not a choice of a face", FACE_HINT)


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """What becomes of the sound.

    Attributes:
        mode: "opus" codes it anew, mono; "copy" keeps the packets of an Opus input; "none" drops it.
        bitrate_bps: target of mode "opus", 6000..64000; None is 12000, or what a bit rate for the whole file calls for;
            an upper limit where that is given, too. Ignored in other modes.
    """

    mode: Literal["opus", "copy", "none"] = "opus"
    bitrate_bps: int | None = None

    def __post_init__(self) -> None:
        require(self.mode in ("opus", "copy", "none"), f"unknown audio mode {self.mode!r}")
        check_audio(self.bitrate_bps, "Choose --audio 6k to 64k, copy or none.")


@dataclass(frozen=True, slots=True)
class SquareCrop:
    """A square the caller wants coded, in source pixels after rotation; may reach outside the picture."""

    x_px: int
    y_px: int
    side_px: int

    def __post_init__(self) -> None:
        require(
            MIN_CROP_PX <= self.side_px <= 65_535,
            f"a crop {self.side_px} px wide is outside {MIN_CROP_PX}..65535",
        )
        require(
            max(abs(self.x_px), abs(self.y_px)) <= 65_535,
            "the crop lies too far outside the picture",
        )


MotionChoice: TypeAlias = Literal["still", "low", "natural", "recorded"]
"""How a head or lids of a dub move."""
GazeChoice: TypeAlias = Literal["camera", "natural", "recorded"]
"""Where its eyes look."""

MIX_RANGE_DB = (-90, 20)


def check_manner(
    head: MotionChoice | None, gaze: GazeChoice | None, blink: MotionChoice | None
) -> None:
    """How a dub moves is said by names that are known.

    Raises:
        UsageError: one isn't.
    """
    for name, chosen, known in (
        ("head", head, MotionChoice),
        ("gaze", gaze, GazeChoice),
        ("blink", blink, MotionChoice),
    ):
        words = get_args(known)
        hint = f"Choose {', '.join(words)}."
        require(chosen is None or chosen in words, f"unknown {name} {chosen!r}", hint)


def named_blink(blink: MotionChoice | bool | None) -> MotionChoice | None:
    """How lids move, by name, for a caller who may say yes or no."""
    if isinstance(blink, bool):
        return None if blink else "still"
    return blink


def check_recorded(mix_db: float | None, *, fit: bool, segments: bool) -> None:
    """What a recording may be asked for: an old sound that can be heard and borne, spans that lie where it has them.

    Raises:
        UsageError: something else.
    """
    low, high = MIX_RANGE_DB
    fits = mix_db is None or low <= mix_db <= high
    require(fits, f"an old sound at {mix_db} dB is outside {low}..{high}")
    require(not (fit and segments), "spans lie where the recording has them: it can't be stretched")


CropChoice: TypeAlias = CropMode | SquareCrop
