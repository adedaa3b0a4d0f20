"""Decoded videos of one size and rate, for looking at side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.comparison.analysis import words
from vqcodec.comparison.page.palette import ORIGINAL, ORIGINAL_TITLE
from vqcodec.comparison.reference import ReferenceClip
from vqcodec.comparison.results import ANCHORS, VQT, ComparedClip
from vqcodec.evaluation.tools.frames import Picture
from vqcodec.evaluation.tools.sidebyside import Tile
from vqcodec.face.crop import resize
from vqcodec.format import AUDIO_RATE_HZ, CODED_SIZE_PX
from vqcodec.media.items import AudioBlock
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource

CRF = 17
TILE_PX = 512
SHOWN_ORDER = (ORIGINAL, VQT, *ANCHORS)


def _sound(reference: ReferenceClip) -> Iterator[NDArray[np.int16]]:
    with VideoSource(os.fspath(reference.path), sound="decode") as source:
        for item in source.items():
            if isinstance(item, AudioBlock):
                yield item.samples


def write_video(frames: Iterable[Picture], reference: ReferenceClip, target: Path) -> None:
    """Write pictures at the reference's rate with the reference's sound (H.264 and AAC), replacing the file.

    Args:
        frames: (512, 512, 3) uint8 RGB, as many as the reference has.
        reference: gives rate and sound; everyone's is the same, so that eyes decide.
        target: .mp4.
    """
    with VideoSink(
        target,
        width=CODED_SIZE_PX,
        height=CODED_SIZE_PX,
        frame_rate_hz=reference.frame_rate_hz,
        channels=int(reference.sound),
        crf=CRF,
        preset="medium",
        force=True,
    ) as sink:
        sound = _sound(reference) if reference.sound else iter(())
        heard = 0
        for number, picture in enumerate(frames):
            time_s = number / reference.frame_rate_hz
            while heard <= time_s * AUDIO_RATE_HZ and (block := next(sound, None)) is not None:
                sink.write_audio(block)
                heard += len(block)
            sink.write_frame(picture, Fraction(time_s))
        for block in sound:
            sink.write_audio(block)


def write_original(reference: ReferenceClip, target: Path) -> None:
    """The reference itself as such a video."""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_video((resize(picture, CODED_SIZE_PX) for picture in reference.rgb()), reference, target)


def media_of(clip: ComparedClip, folder: Path) -> dict[str, Path]:
    """The decoded videos of a clip that are there, by codec: the original first, then vqt, then the anchors.

    Args:
        clip: of the comparison.
        folder: media/<clip>.
    """
    found = {name: folder / f"{name}.mp4" for name in SHOWN_ORDER}
    coded = {p.codec for p in clip.points}
    return {
        name: path
        for name, path in found.items()
        if (name == ORIGINAL or name in coded) and path.is_file()
    }


def labels_of(clip: ComparedClip, names: Sequence[str], rate: str = "file") -> dict[str, str]:
    """What is burnt into each tile, ASCII: codec, rate and bytes of its matched point."""
    matched = {p.codec: p for p in clip.points if p.matched}
    return {
        name: ORIGINAL_TITLE if name == ORIGINAL else words.label(name, matched.get(name), rate)
        for name in names
    }


def tiles_of(clip: ComparedClip, media: dict[str, Path], rate: str = "file") -> list[Tile]:
    """The videos of a clip as tiles: the original first, then vqt, then the anchors."""
    labels = labels_of(clip, list(media), rate)
    return [Tile(path, labels[name]) for name, path in media.items()]
