"""A clip as a live encode makes it at its own pace on this machine: its bytes, and how late each group was made."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

from vqcodec.codec.models import Models
from vqcodec.config import AudioChoice, EncodeOptions, RuntimeOptions
from vqcodec.encoding import pipeline
from vqcodec.encoding.pacing import Pace
from vqcodec.encoding.watched import Watched, watched_patience
from vqcodec.evaluation.tools.files import save_json
from vqcodec.lab.markdown import read
from vqcodec.live.programme import Moment, Programme
from vqcodec.live.session import LIVE_AUDIO_BPS, LIVE_LAYERS
from vqcodec.live.splitting import ChunkSplitter
from vqcodec.live.tap import Tap

STREAM, ABOUT = "stream.vqt", "about.json"


@dataclass(frozen=True, slots=True)
class Made:
    """An encode at the clip's own pace.

    Attributes:
        late_s: of each group, from the time of its last frame until it was given to the viewers.
        left_out: frames that the machine was too slow for.
    """

    late_s: list[float]
    left_out: int


def make(clip: Path, fps: Fraction, folder: Path, *, shared: bool = False) -> Made:
    """Encode a clip into a folder.

    Args:
        clip: a video.
        fps: frames a second.
        folder: it is made.
        shared: others use this machine's processors: every frame is taken, and a group counts as late as its frames wait for
            others, and as the processor works for a frame.
    """
    pace = Pace(lambda: 0.0, lambda seconds: None) if shared else Pace()
    late_s: list[float] = []
    sink = io.BytesIO()

    def give(moment: Moment) -> None:
        for group in moment.groups:
            zero_s = pace.zero_s or 0.0
            late_s.append(time.monotonic() - zero_s - float(int(group.ticks[-1]) / fps))

    tap = Tap(give, sink)
    options = EncodeOptions(
        fps=fps,
        layers=LIVE_LAYERS,
        quality="small",
        audio=AudioChoice("opus", LIVE_AUDIO_BPS),
        live=True,
        low_delay=True,
    )
    parts = Models(RuntimeOptions()).encoder()
    before_s = time.process_time()
    report = pipeline.encode(
        clip, cast(BinaryIO, tap), options, parts=parts, watched=Watched(pace, tap.spare)
    )
    if shared:
        waited_s = watched_patience(fps).look_ahead_frames / float(fps)
        each_s = (time.process_time() - before_s) / report.sizes.frames
        late_s = [waited_s + each_s] * len(late_s)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STREAM).write_bytes(sink.getvalue())
    made = Made([round(each, 4) for each in late_s], pace.left_out)
    save_json(folder / ABOUT, asdict(made))
    return made


def made_in(folder: Path) -> Made:
    """What `make` left in a folder."""
    return Made(**read(folder / ABOUT))


def moments(data: bytes) -> Iterator[Moment]:
    """A stream's moments, one for each group with its sound, as they were given; its end comes with the last one."""
    chunks = list(ChunkSplitter().push(data))
    programme = Programme()
    programme.push(data[:8])
    for number, (_, whole) in enumerate(chunks):
        programme.push(whole)
        after = chunks[number + 1][0].type if number + 1 < len(chunks) else b""
        kind = chunks[number][0].type
        if kind == b"AUDO" or (kind == b"MOTN" and after != b"AUDO") or not after:
            yield programme.flush()
