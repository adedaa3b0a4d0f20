"""One stream and whoever watches it: renderings that begin anywhere, one at a time.

play(start_s, outlet)  --decode from there--> MP4 in fragments, as fast as the outlet takes them
play(another, other)   --------------------> the one before ends at its next write: the newest wins
outcome()              how the newest rendering ended, since half an MP4 doesn't say why it is half
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from vqcodec.codec import look
from vqcodec.config import DecodeOptions
from vqcodec.decoding.reading import reader_of
from vqcodec.errors import BitstreamError, VqcodecError
from vqcodec.reports import DecodeReport
from vqcodec.stream.opening import open_stream

VIDEO_TYPE = 'video/mp4; codecs="avc1.64001f"'
SOUND_TYPE = 'video/mp4; codecs="avc1.64001f, mp4a.40.2"'

Outcome: TypeAlias = dict[str, Any]
Decode: TypeAlias = Callable[[Path, BinaryIO, DecodeOptions], DecodeReport]


class Outlet(Protocol):
    """Where a rendering goes: a binary file object whose `cut` makes the write that waits, and all later ones, fail."""

    def write(self, data: bytes) -> int:
        """Take bytes; waits until there is room."""
        ...

    def flush(self) -> None:
        """Nothing more than file objects have to have."""
        ...

    def cut(self) -> None:
        """End it, from another thread."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What a page tells of a stream.

    Attributes:
        name: of its file.
        type: of the MP4 that `play` makes of it, as browsers want it named.
        seconds: it lasts; None where it has no end yet, or a damaged one.
        synthetic: its motion was generated.
        facts: names and values for a person, in order.
    """

    name: str
    type: str
    seconds: float | None
    synthetic: bool
    facts: dict[str, str]


class Player:
    """Renders one stream for one watcher at a time.

    Args:
        path: the stream's file.
        decode: renders (vqcodec.Codec.decode).
        options: for all renderings but where they start.
    """

    def __init__(self, path: Path, decode: Decode, options: DecodeOptions) -> None:
        self.path = path
        self._decode, self._options = decode, options
        self._choice, self._turn = threading.Lock(), threading.Lock()
        self._newest: Outlet | None = None
        self._outcome: Outcome = {"state": "not begun"}

    def about(self) -> About:
        """What the stream says about itself.

        Raises:
            BitstreamError, UnsupportedError: it is damaged, or of a newer version.
            MediaError: the file can't be read.
        """
        with open_stream(self.path) as file:
            head = reader_of(file, self._options).head
        sound = VIDEO_TYPE if head.audio is None else SOUND_TYPE
        facts = {
            "model": str(head.motion_space),
            "frames a second": f"{float(head.frame_rate_hz):g}",
        }
        seconds = None
        try:
            whole = look.info(self.path)
        except BitstreamError:
            if not self._options.recover and self._options.follow_s is None:
                raise
            facts["length"] = "damaged" if self._options.recover else "still being written"
        else:
            seconds = whole["seconds"]
            facts |= {
                "length": f"{seconds:.2f} s",
                "size": f"{whole['file_bytes']} bytes",
                "rate": f"{whole['file_kbps']:.1f} kbit/s",
                "portraits": str(whole["key_frames"]),
            }
        return About(self.path.name, sound, seconds, head.synthetic, facts)

    def play(self, start_s: Fraction, outlet: Outlet) -> None:
        """Render from a time on; returns at the end, or when another rendering or the outlet's own end broke this one off.

        Args:
            start_s: >= 0; the MP4's time zero.
            outlet: gets the MP4.
        """
        with self._choice:
            if self._newest is not None:
                self._newest.cut()
            self._newest = outlet
        with self._turn:
            if self._newest is not outlet:
                return
            told: Outcome = {"state": "going on"}
            self._outcome = told
            try:
                report = self._decode(
                    self.path,
                    outlet,  # type: ignore[arg-type]  # as much of a file object as is needed
                    replace(self._options, start_s=start_s),
                )
            except VqcodecError as error:
                told = {"state": "broken off", "error": str(error), "hint": error.hint}
            else:
                told = {"state": "ended", "warnings": list(report.warnings)}
            if self._newest is outlet:
                self._outcome = told

    def outcome(self) -> Outcome:
        """How the newest rendering ended.

        Returns:
            "state": "not begun", "going on", "ended" (with "warnings") or "broken off" (with "error" and "hint").
        """
        return dict(self._outcome)

    def stop(self) -> None:
        """End the rendering that goes on."""
        with self._choice:
            if self._newest is not None:
                self._newest.cut()
