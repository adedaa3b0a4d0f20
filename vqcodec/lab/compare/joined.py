"""Files of the length that people store, joined from takes of one person: the corpus's clips last some seconds.

The takes are training clips, so what is made of them tells rates; its pictures are ones that the networks have seen.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vqcodec.comparison.reference import ReferenceClip, sha256_of
from vqcodec.errors import MediaError, UsageError
from vqcodec.evaluation.tools.frames import Picture
from vqcodec.format import CODED_SIZE_PX
from vqcodec.media.out.sink import VideoSink
from vqcodec.media.picture.source import VideoSource

RATE_HZ = Fraction(25)
LEAST_TAKES = 2


@dataclass(frozen=True, slots=True)
class Take:
    """A clip of the corpus.

    Attributes:
        file: its path under the corpus folder.
        seconds: how long it lasts.
    """

    file: str
    seconds: float


def takes_by_identity(corpus: Path) -> dict[str, list[Take]]:
    """Training clips of full size by person, the longest first, from the corpus's index.tsv.

    Raises:
        UsageError: there is no such list, or it lacks a column.
    """
    found: dict[str, list[Take]] = defaultdict(list)
    try:
        with (corpus / "index.tsv").open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                if row["split"] == "train" and row["size_px"] == str(CODED_SIZE_PX):
                    found[row["identity"]].append(Take(row["file"], float(row["seconds"])))
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{corpus} has no list of takes by person: {error!r}",
            hint="It is index.tsv, with split, size_px, identity, file and seconds.",
        ) from error
    return {who: sorted(takes, key=lambda t: (-t.seconds, t.file)) for who, takes in found.items()}


def chosen(
    takes: dict[str, list[Take]], seconds: float, taken: Sequence[str] = ()
) -> tuple[str, list[Take]]:
    """The person whose fewest longest takes, but at least LEAST_TAKES, last so long; of equals, the longest.

    Args:
        takes: by person, longest first.
        seconds: wanted length.
        taken: people who have had their turn; they are used again only when nobody else is left.

    Raises:
        UsageError: nobody has so much.
    """
    options: list[tuple[bool, int, float, str, list[Take]]] = []
    for who, own in takes.items():
        for count in range(LEAST_TAKES, len(own) + 1):
            total = sum(t.seconds for t in own[:count])
            if total >= seconds:
                options.append((who in taken, count, -total, who, own[:count]))
                break
    if not options:
        raise UsageError(f"nobody's takes last {seconds:g} s together")
    *_, who, found = min(options, key=lambda option: option[:4])
    return who, found


def pictures(corpus: Path, takes: Sequence[Take], frames: int) -> Iterator[Picture]:
    """The first so many frames of the takes, one after the other, at 25 Hz."""
    count = 0
    for take in takes:
        with VideoSource(str(corpus / take.file), fps=RATE_HZ) as source:
            for frame in source:
                if count == frames:
                    return
                count += 1
                yield frame.rgb


def join(corpus: Path, takes: Sequence[Take], seconds: int, path: Path) -> ReferenceClip:
    """Write the takes one after the other, without sound and without loss, cut to a length.

    Raises:
        MediaError: a take can't be read, or they are shorter than the list says.
    """
    frames = seconds * int(RATE_HZ)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with VideoSink(
        path,
        width=CODED_SIZE_PX,
        height=CODED_SIZE_PX,
        frame_rate_hz=RATE_HZ,
        crf=0,
        preset="ultrafast",
        force=True,
    ) as sink:
        for picture in pictures(corpus, takes, frames):
            sink.write_frame(picture, written / RATE_HZ)
            written += 1
    if written < frames:
        raise MediaError(f"the takes last {written / RATE_HZ} s, not {seconds} s")
    return ReferenceClip(path.stem, path, frames, RATE_HZ, CODED_SIZE_PX, False, sha256_of(path))
