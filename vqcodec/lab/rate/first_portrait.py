"""Bytes of a shot's first portrait where it looks as good as an AVIF still of quality 50 does.

    python -m vqcodec.lab firstportrait --data CORPUS [--clips N] [--out FILE.json]

The square around the face in a clip's first frame, 512x512, measured at 256x256 after decoding: as decoded, and as the shipped
renderer restores it. Bytes at equal distance lie between those of two CRF, on a straight line of their logarithm.

JSON: {"schema_version": 1, "conditions": {...}, "avif_bytes": median, "rows": [{"shown", "metric", "bytes", "share"}, ...]};
medians over clips.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.encoding.parts import EncoderParts
from vqcodec.errors import NoFaceError
from vqcodec.evaluation.metrics.perceptual import PerceptualDistance
from vqcodec.evaluation.metrics.shift_tolerant import ShiftTolerantLpips
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import save_json
from vqcodec.evaluation.tools.frames import to_side
from vqcodec.evaluation.validate.run import validation_clips
from vqcodec.face.portrait import portrait_square
from vqcodec.format import CODED_SIZE_PX
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.markdown import read, table
from vqcodec.media.picture.source import VideoSource
from vqcodec.media.still.portrait_coder import PortraitCoder
from vqcodec.media.still.portrait_stream import PathDecoder
from vqcodec.media.still.stills import decode_still, encode_avif
from vqcodec.render.renderer import Renderer

SCHEMA_VERSION = 1
AVIF_QUALITY = 50
CRFS = (36, 40, 44, 48, 52, 56, 60)

Picture = NDArray[np.uint8]
Metric = Callable[[Picture, Picture], NDArray[np.float32]]
Restore = Callable[[Picture], Picture]


def equal_bytes(sizes: Sequence[int], distances: Sequence[float], wanted: float) -> float | None:
    """Bytes at which a curve has a distance; None where it doesn't reach it.

    Args:
        sizes: of its points.
        distances: of its points; they fall where sizes grow.
        wanted: the distance.
    """
    order = np.argsort(distances)
    along = np.asarray(distances, float)[order]
    if not along[0] <= wanted <= along[-1]:
        return None
    return float(np.exp(np.interp(wanted, along, np.log(np.asarray(sizes, float))[order])))


class Figures:
    """Measures stills of one picture.

    Args:
        metrics: by name.
        restore: what a decoder makes of a decoded portrait.
    """

    def __init__(self, metrics: dict[str, Metric], restore: Restore) -> None:
        self._metrics = metrics
        self._shown: dict[str, Restore] = {"as decoded": lambda rgb: rgb, "restored": restore}

    def shares(self, square: Picture) -> tuple[int, dict[tuple[str, str], float | None]]:
        """Bytes of the AVIF still, and those of a portrait by (how it is shown, metric)."""
        still = encode_avif(square, quality=AVIF_QUALITY)
        wanted = self._distances(square, decode_still(still, size_px=CODED_SIZE_PX))
        sizes, found = [], []
        for crf in CRFS:
            with closing(PortraitCoder(crf)) as coder:
                unit = coder.add(square).unit
            sizes.append(len(unit))
            decoded = PathDecoder(CODED_SIZE_PX).picture([unit])
            found.append(
                {name: self._distances(square, as_(decoded)) for name, as_ in self._shown.items()}
            )
        return len(still), {
            (shown, metric): equal_bytes(sizes, [f[shown][metric] for f in found], wanted[metric])
            for shown in self._shown
            for metric in self._metrics
        }

    def _distances(self, square: Picture, other: Picture) -> dict[str, float]:
        pair = (to_side(square)[None], to_side(other)[None])
        return {name: float(metric(*pair)[0]) for name, metric in self._metrics.items()}


def restoring(renderer: Renderer) -> Restore:
    """The renderer's restoration, on a picture of CODED_SIZE_PX."""

    def restore(rgb: Picture) -> Picture:
        given = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            made = renderer.net.restoration(given)[0].clamp(0, 1)
        return np.asarray((made.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())

    return restore


def squares(clips: Sequence[Path], parts: EncoderParts) -> Iterator[Picture]:
    """The square of each clip's first frame; clips whose first frame shows no face are left out."""
    with parts.detector() as detector:
        for clip in clips:
            with VideoSource(str(clip)) as video:
                rgb = next(iter(video)).rgb
            try:
                yield portrait_square(detector, rgb, name=clip.name).square
            except NoFaceError:
                continue


def summary(found: Sequence[tuple[int, dict[tuple[str, str], float | None]]]) -> dict[str, Any]:
    """Medians over clips."""
    rows = []
    for shown, metric in found[0][1]:
        pairs = [(avif, f[shown, metric]) for avif, f in found]
        known = [(avif, size) for avif, size in pairs if size is not None]
        rows.append(
            {
                "shown": shown,
                "metric": metric,
                "clips": len(known),
                "bytes": round(median(size for _, size in known)) if known else None,
                "share": round(median(size / avif for avif, size in known), 3) if known else None,
            }
        )
    return {"avif_bytes": round(median(avif for avif, _ in found)), "rows": rows}


def told(results: dict[str, Any]) -> str:
    """Results as a table."""
    rows = [
        (
            f"{row['shown']}, {row['metric']}",
            ["-", "-", "0"]
            if row["share"] is None
            else [str(row["bytes"]), f"{row['share'] - 1:+.0%}", str(row["clips"])],
        )
        for row in results["rows"]
    ]
    heads = ("bytes at the same distance", "against AVIF", "clips")
    text = "\n".join(table(heads, rows))
    return f"{text}\n\nAVIF of quality {AVIF_QUALITY}: {results['avif_bytes']} bytes; medians over clips."


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    return told(read(path)).split("\n")


def _job(options: Namespace) -> int:
    parts = EncoderParts.load()
    renderer = Renderer.load(None, "cpu", precision=torch.float32)
    metrics: dict[str, Metric] = {
        "perceptual": PerceptualDistance(),
        "ST-LPIPS": ShiftTolerantLpips(),
    }
    figures = Figures(metrics, restoring(renderer))
    clips = validation_clips(options.data, options.clips)
    found = [figures.shares(square) for square in squares(clips, parts)]
    results = {"schema_version": SCHEMA_VERSION, "conditions": conditions(), **summary(found)}
    return publish(told(results), options.out, lambda path: save_json(path, results))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("firstportrait", clips_options, _job, arguments)
