"""Recordings with new lips: how good are they, and do they follow?

    python -m vqcodec.lab redub --data CORPUS [--clips N] [--out FILE.json] [--keep DIR]

Each clip is coded as `encode` does it, then given a sound by `dub`:
    coded       no new sound: the best that can be
    own         its own sound, of which the recording knows that it is its own: nothing is to change
    anew        its own sound, for a recording without sound: all lips are made from what is heard
    other       another clip's sound, as long as the clip; against the lips of the clip that it comes from

Rendered at 512x512, written as H.264, measured at 256x256 by MediaPipe in every frame. mouth: landmark distance of the lips from
the clip's real ones, in eye distances; upper: the same from the nose up. Figures of lip sync: vqcodec.lab.dub.sync.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from vqcodec.api import Codec
from vqcodec.choices import AudioChoice
from vqcodec.config import EncodeOptions
from vqcodec.evaluation.metrics.landmarks import landmark_distance
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import rounded, save_json
from vqcodec.evaluation.tools.frames import read_frames
from vqcodec.evaluation.validate.run import coded_folder, validation_clips
from vqcodec.face.landmarks import FaceLandmarker
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.geometry.mesh import LIPS, SKULL
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.dub.clips import FRAME_SAMPLES, other_sound, read_pcm
from vqcodec.lab.dub.silence import write_wav
from vqcodec.lab.dub.sync import Points, lip_sync
from vqcodec.lab.markdown import read, table

SCHEMA_VERSION = 1
SIZE_PX = 256
VARIANTS = ("coded", "own", "anew", "other")
FIGURES = (
    "mouth",
    "upper",
    "lip_corr",
    "lip_within",
    "lip_lag_ms",
    "opening_ratio",
)
HEADS = (
    "mouth ↓",
    "upper face ↓",
    "lip sync correlation ↑",
    "within 80 ms",
    "best lag, ms",
    "opening (1 is right)",
    "mouth over coded ↓",
)

Figures = dict[str, float]


class Redubbing:
    """Measures clips.

    Args:
        folder: for streams and videos.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._codec = folder, Codec()

    def clip(self, path: Path, sound: Path) -> dict[str, Figures]:
        """Figures of each variant of a clip, the other sound coming from another one."""
        real, theirs = self._track(path), self._track(sound)
        streams = {
            name: self._coded(path, name, mode) for name, mode in (("", "opus"), ("-mute", "none"))
        }
        spoken = self._folder / f"{path.stem}-other.wav"
        pcm = read_pcm(sound)[: len(real) * FRAME_SAMPLES]
        write_wav(spoken, (pcm / 32767).astype(np.float32), AUDIO_RATE_HZ)
        videos = {
            "coded": self._shown(streams[""], "coded"),
            "own": self._dubbed(path, streams[""], "own"),
            "anew": self._dubbed(path, streams["-mute"], "anew"),
            "other": self._dubbed(spoken, streams[""], "other"),
        }
        found: dict[str, Figures] = {}
        for name, video in videos.items():
            shown = self._track(video)
            found[name] = figures(real, shown, theirs if name == "other" else real)
        return found

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

    def _track(self, video: Path) -> list[Points | None]:
        with FaceLandmarker() as landmarker:
            found = [landmarker.faces(picture) for picture in read_frames(video, SIZE_PX)]
        return [faces[0].points / np.float32(SIZE_PX) if faces else None for faces in found]


def figures(
    real: Sequence[Points | None], shown: Sequence[Points | None], voice: Sequence[Points | None]
) -> Figures:
    """FIGURES of one video.

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
        means = {
            f: float(np.nanmean([row[f] for row in found])) if found else float("nan")
            for f in FIGURES
        }
        over = [clip[name]["mouth"] / clip["coded"]["mouth"] for clip in clips.values()]
        rows.append({"variant": name, **means, "mouth_over_coded": float(np.median(over))})
    return rows


def told(results: dict[str, Any]) -> str:
    """The table."""
    names = {
        "coded": "coded, its own lips",
        "own": "its own sound",
        "anew": "its own sound, lips made anew",
        "other": "another clip's sound",
    }
    forms = {"mouth": ".4f", "upper": ".4f", "lip_lag_ms": "+.0f"}
    rows = []
    for row in results["rows"]:
        cells = [format(row[f], forms.get(f, ".2f")) for f in (*FIGURES, "mouth_over_coded")]
        if row["variant"] == "other":  # another mouth is wanted there
            cells[0] = cells[-1] = "-"
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
        "conditions": conditions(),
        "clips": rounded(clips),
        "rows": rounded(summary(clips)),
    }
    return publish(told(results), options.out, lambda path: save_json(path, results))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("redub", _options, _job, arguments)
