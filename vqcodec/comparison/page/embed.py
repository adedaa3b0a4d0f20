"""Videos and pictures as text for the inside of a page, and how many of them a page can hold."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2

from vqcodec.comparison.page.palette import ORIGINAL
from vqcodec.errors import MediaError
from vqcodec.evaluation.tools.frames import Picture
from vqcodec.media.faults import media_faults

# A page of more than about 40 MB is slow to open and refused by mail servers.
PAGE_BYTES = 40_000_000
SHORTEST_S = 4.0
_BASE64 = 4 / 3


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a clip's videos a page holds.

    Attributes:
        seconds: from the start; None for all of it.
        bytes: of all its videos, about.
    """

    seconds: float | None
    bytes: float


def shares(
    sizes: Sequence[int], durations_s: Sequence[float], budget_bytes: float
) -> list[Share | None]:
    """Divide a page among clips: in order, whole, while there is room; then as long a part of the next as fits.

    Args:
        sizes: bytes of each clip's videos; 0 where there are none.
        durations_s: of each clip.
        budget_bytes: room, before base64.

    Returns:
        For each clip its share, or None: no room, or no videos. The first clip with videos always gets a share.
    """
    left, given = budget_bytes, False
    result: list[Share | None] = []
    for size, seconds in zip(sizes, durations_s, strict=True):
        share: Share | None = None
        part_s = seconds * max(left, 0.0) / size if size else 0.0
        if size and size <= left:
            share = Share(None, size)
        elif size and (part_s >= min(SHORTEST_S, seconds) or not given):
            part_s = max(part_s, min(SHORTEST_S, seconds))
            share = Share(part_s, size * part_s / seconds)
        given = given or share is not None
        left -= share.bytes if share is not None else 0.0
        result.append(share)
    return result


def room(used_bytes: int) -> float:
    """Bytes of videos that a page has room for beside `used_bytes` of text and pictures."""
    return max(0.0, (PAGE_BYTES - used_bytes) / _BASE64)


def base64_text(data: bytes) -> str:
    """Base64, without line breaks."""
    return base64.b64encode(data).decode("ascii")


def film(path: Path, *, name: str, seconds: float | None = None) -> str:
    """A video file as base64 of MP4, not coded again; sound stays with the original only.

    Args:
        path: a video with H.264 in it.
        name: codec, or palette.ORIGINAL.
        seconds: only about the first so many; None for all.

    Raises:
        MediaError: it can't be read.
    """
    sink = io.BytesIO()
    with media_faults(os.fspath(path), "copy"), av.open("file:" + os.fspath(path)) as source:
        kept: list[Any] = [
            *source.streams.video[:1],
            *(source.streams.audio[:1] if name == ORIGINAL else ()),
        ]
        if not source.streams.video:
            raise MediaError(f"{os.fspath(path)} has no video stream")
        with av.open(sink, "w", format="mp4") as target:
            made = {stream.index: target.add_stream_from_template(stream) for stream in kept}
            for packet in source.demux(kept):
                # decode order: what comes before a frame is all it needs
                late = (
                    seconds is not None
                    and packet.dts is not None
                    and packet.dts * packet.time_base >= seconds
                )
                if packet.dts is None or late:
                    continue
                packet.stream = made[packet.stream.index]
                target.mux(packet)
    return base64_text(sink.getvalue())


def picture_address(picture: Picture, *, width_px: int = 1280, quality: int = 82) -> str:
    """A picture as a data: address of WebP, made smaller if it is wider.

    Args:
        picture: (H, W, 3) uint8 RGB.
        width_px: largest width.
        quality: of WebP, 1 to 100.

    Raises:
        MediaError: it can't be coded.
    """
    height, width = picture.shape[:2]
    if width > width_px:
        picture = cv2.resize(
            picture, (width_px, round(height * width_px / width)), interpolation=cv2.INTER_AREA
        )  # type: ignore[assignment]
    done, data = cv2.imencode(
        ".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, quality]
    )
    if not done:
        raise MediaError("a picture can't be coded as WebP")
    return "data:image/webp;base64," + base64_text(data.tobytes())
