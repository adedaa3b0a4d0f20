"""How a long job tells its caller where it stands: one callback, one small value.

    def show(event: ProgressEvent) -> None: ...
    vqcodec.encode("in.mp4", "out.vqt", progress=show)

Nothing here prints. A callback may raise to stop the job; the job cleans up as it does for Ctrl-C.

With asyncio, call in a thread and send events home:

    loop, events = asyncio.get_running_loop(), asyncio.Queue()
    def tell(event): loop.call_soon_threadsafe(events.put_nowait, event)
    report = await asyncio.to_thread(codec.encode, "in.mp4", "out.vqt", progress=tell)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """Where a job stands.

    Attributes:
        stage: what is going on, a word for a person ("faces", "encode", "decode").
        frames: frames (or what `unit` says) done in this stage.
        total_frames: frames of the whole stage, or None when not known (a pipe).
        media_s: seconds of media done in this stage.
        total_s: seconds of media of the whole stage, or None when not known.
        file_bytes: bytes written so far; 0 before the first.
        unit: what is counted.
        message: what is being done now, words for a person; "" where the numbers say it.
    """

    stage: str
    frames: int = 0
    total_frames: int | None = None
    media_s: Fraction = Fraction(0)
    total_s: Fraction | None = None
    file_bytes: int = 0
    unit: str = "frames"
    message: str = ""

    @property
    def file_kbps(self) -> float:
        """Rate of what is written so far in kbit/s; 0.0 before the first frame."""
        return float(self.file_bytes * 8 / self.media_s / 1000) if self.media_s > 0 else 0.0


Progress: TypeAlias = Callable[[ProgressEvent], None]


def silent(event: ProgressEvent) -> None:
    """The default callback: does nothing."""
