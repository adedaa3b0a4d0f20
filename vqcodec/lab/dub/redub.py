"""Recordings with new lips: how good are they, and do they follow?

    python -m vqcodec.lab redub --data CORPUS [--clips N] [--out FILE.json] [--keep DIR]

Each clip is coded as `encode` does it, then given a sound by `dub`:
    coded       no new sound: the best that can be
    own         its own sound, of which the recording knows that it is its own: nothing is to change
    anew        its own sound, for a recording without sound: all lips are made from what is heard
    other       another clip's sound, as long as the clip; against the lips of the clip that it comes from

Rendered at 512x512, written as H.264, measured at 256x256 by MediaPipe in every frame. mouth: landmark distance of the lips from
the clip's real ones, in eye distances; upper: the same from the nose up. Figures of lip sync: vqcodec.lab.dub.sync. meet: share
of the p, b and m that are heard at whose time lips meet (vqcodec.lab.dub.closure; needs `pip install '.[teacher]'`); flicker and
mouth_perc: vqcodec.lab.dub.mouth. "real" is the recording itself.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.api import Codec
from vqcodec.choices import AudioChoice
from vqcodec.config import EncodeOptions
from vqcodec.evaluation.metrics.landmarks import landmark_distance
from vqcodec.evaluation.metrics.lipsync import opening_track
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate.run import coded_folder, validation_clips
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.geometry.mesh import LIPS, SKULL
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.dub.clips import FRAME_SAMPLES, Pcm, other_sound, read_pcm, speech_samples
from vqcodec.lab.dub.closure import met, windows
from vqcodec.lab.dub.mouth import mouth_distance, teeth_flicker
from vqcodec.lab.dub.silence import write_wav
from vqcodec.lab.dub.sync import Points, lip_sync
from vqcodec.lab.markdown import read, table
from vqcodec.models import store
from vqcodec.training.closure.labels import PhoneReader

SCHEMA_VERSION = 1
SIZE_PX = 256
MODELS = ("motion_space", "renderer", "speech_tokenizer", "generator", "closure")
VARIANTS = ("real", "coded", "own", "anew", "other")
FIGURES = (
    "mouth",
    "upper",
    "lip_corr",
    "lip_within",
    "lip_lag_ms",
    "opening_ratio",
    "meet",
    "flicker",
    "mouth_perc",
)
HEADS = (
    "mouth ↓",
    "upper face ↓",
    "lip sync correlation ↑",
    "within 80 ms",
    "best lag, ms",
    "opening (1 is right)",
    "meet at p, b, m ↑",
    "teeth flicker ↓",
    "perceptual, mouth ↓",
    "mouth over coded ↓",
)

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Watched:
    """A video as it is measured.

    Attributes:
        pictures: (256, 256, 3) uint8 of each frame.
        points: (478, 2) landmarks of each in 0..1, None without a face.
    """

    pictures: list[NDArray[np.uint8]]
    points: list[Points | None]

    @property
    def points_px(self) -> list[Points | None]:
        """The landmarks in pixels."""
        return [None if p is None else p * np.float32(SIZE_PX) for p in self.points]


class Redubbing:
    """Measures clips.

    Args:
        folder: for streams and videos.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._codec = folder, Codec()
        self._reader, self._perceptual = PhoneReader(), PerceptualDistance()

    def clip(self, path: Path, sound: Path) -> dict[str, Figures]:
        """Figures of each variant of a clip, the other sound coming from another one."""
        real, theirs = self._watch(path), self._watch(sound)
        streams = {
            name: self._coded(path, name, mode) for name, mode in (("", "opus"), ("-mute", "none"))
        }
        spoken = self._folder / f"{path.stem}-other.wav"
        own_pcm, pcm = (read_pcm(one)[: len(real.points) * FRAME_SAMPLES] for one in (path, sound))
        write_wav(spoken, (pcm / 32767).astype(np.float32), AUDIO_RATE_HZ)
        videos = {
            "coded": self._shown(streams[""], "coded"),
            "own": self._dubbed(path, streams[""], "own"),
            "anew": self._dubbed(path, streams["-mute"], "anew"),
            "other": self._dubbed(spoken, streams[""], "other"),
        }
        found = {"real": self._seen(real, real, own_pcm)}
        for name, video in videos.items():
            shown, other = self._watch(video), name == "other"
            found[name] = figures(real.points, shown.points, (theirs if other else real).points)
            found[name] |= self._seen(real, shown, pcm if other else own_pcm)
        return found

    def _seen(self, real: Watched, shown: Watched, pcm: Pcm) -> Figures:
        """How the mouth looks, and whether lips meet at the p, b and m of a sound."""
        where = windows(speech_samples(pcm), self._reader, len(shown.points))
        return {
            "meet": met(opening_track(shown.points), where),
            "flicker": teeth_flicker(shown.pictures, shown.points_px),
            "mouth_perc": mouth_distance(
                self._perceptual, real.pictures, shown.pictures, real.points_px
            ),
        }

    def _coded(self, path: Path, name: str, mode: Any) -> Path:
        target = self._folder / f"{path.stem}{name}.vqt"
        self._codec.encode(path, target, EncodeOptions(audio=AudioChoice(mode)), force=True)
        return target

    def _shown(self, stream: Path, name: str) -> Path:
        target = stream.with_name(f"{stream.stem}-{name}.mp4")
        self._codec.decode(stream, target, force=True)
        return target

    def _dubbed(self, sound: Path, stream: Path, name: str) -> Path:
        target = stream.with_name(f"{stream.stem}-{name}.mp4")
        self._codec.dub(sound, stream, target, force=True)
        return target

    def _watch(self, video: Path) -> Watched:
        pictures = list(read_frames(video, SIZE_PX))
        with FaceLandmarker() as landmarker:
            found = [landmarker.faces(picture) for picture in pictures]
        return Watched(
            pictures, [faces[0].points / np.float32(SIZE_PX) if faces else None for faces in found]
        )


def figures(
    real: Sequence[Points | None], shown: Sequence[Points | None], voice: Sequence[Points | None]
) -> Figures:
    """Those of FIGURES that landmarks tell of one video.

    Args:
        real: (478, 2) landmarks of the recording's frames, None without a face.
        shown: of the result's.
        voice: of the frames whose sound is heard.
    """
    both = [(p, q) for p, q in zip(real, shown, strict=False) if p is not None and q is not None]
    distances = {
        name: mean([landmark_distance(p, q, places) for p, q in both])
        for name, places in (("mouth", LIPS), ("upper", SKULL))
    }
    count = min(len(voice), len(shown))
    sync = lip_sync(voice[:count], shown[:count])
    return distances | {name: sync[name] for name in FIGURES if name in sync}


def summary(clips: dict[str, dict[str, Figures]]) -> list[dict[str, Any]]:
    """A row for each variant: means over clips, and by how much the mouth is worse than coded, the median clip."""
    rows = []
    for name in VARIANTS:
        found = [clip[name] for clip in clips.values()]
        row: dict[str, Any] = {"variant": name}
        for figure in FIGURES:
            known = [one[figure] for one in found if not np.isnan(one.get(figure, np.nan))]
            row[figure] = float(np.mean(known)) if known else None
        over = [
            clip[name]["mouth"] / clip["coded"]["mouth"]
            for clip in clips.values()
            if "mouth" in clip[name]
        ]
        row["mouth_over_coded"] = float(np.median(over)) if over else None
        rows.append(row)
    return rows


def told(results: dict[str, Any]) -> str:
    """The table."""
    names = {
        "real": "the recording",
        "coded": "coded, its own lips",
        "own": "its own sound",
        "anew": "its own sound, lips made anew",
        "other": "another clip's sound",
    }
    forms = {"mouth": ".4f", "upper": ".4f", "lip_lag_ms": "+.0f", "mouth_perc": ".3f"}
    # another mouth is wanted for another sound, and the recording is what the others are compared with
    absent = {"real": ("mouth_perc",), "other": ("mouth", "mouth_perc", "mouth_over_coded")}
    rows = []
    for row in results["rows"]:
        cells = [
            "-"
            if row[f] is None or f in absent.get(row["variant"], ())
            else format(row[f], forms.get(f, ".2f"))
            for f in (*FIGURES, "mouth_over_coded")
        ]
        rows.append((names[row["variant"]], cells))
    return "\n".join(table(HEADS, rows))


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    results = read(path)
    clips = results["clips"]
    return [
        *told(results).split("\n"),
        "",
        f"{len(clips)} clips ({', '.join(sorted(clips))}); means over frames, then clips; the last column: the median clip's.",
    ]


def _options(parser: ArgumentParser) -> None:
    clips_options(parser)
    parser.add_argument("--keep", type=Path, help="keep streams and videos in this folder")


def _job(options: Namespace) -> int:
    sounds, clips = other_sound(validation_clips(options.data)), {}
    with coded_folder(options.keep) as folder:
        redubbing = Redubbing(folder)
        for path in validation_clips(options.data, options.clips):
            clips[path.stem] = redubbing.clip(path, sounds[path])
    results = {
        "schema_version": SCHEMA_VERSION,
        "conditions": conditions(**{kind: str(store.current(kind).id) for kind in MODELS}),
        "clips": rounded(clips),
        "rows": rounded(summary(clips)),
    }
    return publish(told(results), options.out, lambda path: save_json(path, results))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("redub", _options, _job, arguments)
