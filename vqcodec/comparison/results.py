"""The values of a comparison, and their JSON: README.md of this folder describes every field."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vqcodec.evaluation.tools.files import load_json, save_json

SCHEMA_VERSION = 1
COMMAND = "vqcodec compare"
VQT = "vqt"
ANCHORS = ("h264", "h265", "av1", "vp9")
CODECS = (*ANCHORS, VQT)
TITLES = {
    "h264": "H.264 (x264)",
    "h265": "H.265 (x265)",
    "av1": "AV1 (SVT-AV1)",
    "vp9": "VP9 (libvpx)",
    "vqt": "vqcodec",
}


@dataclass(frozen=True, slots=True)
class Amount:
    """A size in one unit, counted in four ways.

    Attributes:
        payload: coded pictures alone: an anchor's packets with its parameter sets; portrait and motion of a .vqt.
        file: the whole file without sound: container, index and checksums included.
        payload_with_sound: payload and Opus packets.
        file_with_sound: the whole file with the sound.
    """

    payload: float
    file: float
    payload_with_sound: float
    file_with_sound: float


@dataclass(frozen=True, slots=True)
class CodedPoint:
    """One clip, coded once.

    Attributes:
        codec: one of CODECS.
        variant: "512", "256", "512 half rate", "256 half rate"; for vqt the name of the setting, such as "default".
        side_px: side of the coded picture.
        frame_divisor: 1 codes every frame, 2 every second one.
        setting: for people: "crf 51", "--layers 4 --portrait-quality 50".
        target_kbps: rate aimed at, whole file without sound; None where there was none.
        bytes: sizes in bytes.
        kbps: the same over the clip's duration, kbit/s.
        encode_fps: clip frames per second of wall-clock time, one thread.
        decode_fps: likewise; for vqt with all threads of the machine.
        mean: every metric over the clip, None where it could not be measured.
        per_frame: "numbers" of the frames measured, and for each metric known per frame one value each (None where
            there was no face).
        matched: the point of this codec whose file is nearest in size to the .vqt of default settings.
    """

    codec: str
    variant: str
    side_px: int
    frame_divisor: int
    setting: str
    target_kbps: float | None
    bytes: Amount
    kbps: Amount
    encode_fps: float
    decode_fps: float
    mean: dict[str, float | None]
    per_frame: dict[str, list[Any]] = field(default_factory=dict)
    matched: bool = False

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CodedPoint:
        """The inverse of dataclasses.asdict; raises KeyError or TypeError for anything else."""
        return cls(
            **{**values, "bytes": Amount(**values["bytes"]), "kbps": Amount(**values["kbps"])}
        )


@dataclass(frozen=True, slots=True)
class ComparedClip:
    """A source and everything coded of it.

    Attributes:
        name: file name without its extension.
        frames: frames compared.
        seconds: their duration.
        frame_rate_hz: as text, an exact fraction: "25" or "30000/1001".
        side_px: side of the reference square.
        sound: whether there is any.
        points: in the order measured.
        refused: of vqt's settings that the clip can't be coded with, the reason, by name: such a point is null.
    """

    name: str
    frames: int
    seconds: float
    frame_rate_hz: str
    side_px: int
    sound: bool
    points: tuple[CodedPoint, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ComparedClip:
        """The inverse of dataclasses.asdict."""
        return cls(**{**values, "points": tuple(CodedPoint.from_json(p) for p in values["points"])})


@dataclass(frozen=True, slots=True)
class ComparisonResults:
    """A whole comparison.

    Attributes:
        settings: what was asked for: codecs, rates_kbps, every, tracks, cut_s, quick.
        conditions: machine, versions, date, weights (evaluation.tools.conditions).
        metrics: by name: title, unit, better ("higher", "lower" or "one"), source.
        absent: metrics that could not be measured here, with the reason in a sentence.
        clips: in the order given.
    """

    settings: dict[str, Any]
    conditions: dict[str, Any]
    metrics: dict[str, dict[str, str]]
    absent: dict[str, str]
    clips: tuple[ComparedClip, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, as in results.json."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def save(self, path: Path) -> None:
        """Write results.json, whole or not at all."""
        save_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> ComparisonResults:
        """Read results.json.

        Raises:
            UsageError: it is something else.
        """

        def build(data: dict[str, Any]) -> ComparisonResults:
            return cls(**{**data, "clips": tuple(ComparedClip.from_json(c) for c in data["clips"])})

        return load_json(path, SCHEMA_VERSION, build, what="a comparison", command=COMMAND)
