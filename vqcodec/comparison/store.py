"""What a comparison has measured so far, one small file per clip and codec, so that it can be stopped and gone on with."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vqcodec.comparison.results import CodedPoint, ComparisonResults
from vqcodec.errors import OutputExistsError, UsageError
from vqcodec.evaluation.tools.files import save_json

RESULTS = "results.json"
_FILES = (RESULTS, "report.html")


@dataclass
class Progress:
    """The state of one clip and codec.

    Attributes:
        fingerprint: everything that figures depend on; another one means beginning anew.
        rates: kbit/s found by the search: variant -> CRF -> rate.
        points: measured, by key.
        refused: of points that the encoder refused to make, the reason, by key.
        matched: key of the point nearest in size to the default .vqt, once known.
        finished: nothing is left to do.
    """

    fingerprint: dict[str, Any]
    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    points: dict[str, CodedPoint] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    matched: str | None = None
    finished: bool = False

    def all_points(self) -> tuple[CodedPoint, ...]:
        """Points in the order measured, the matched one marked."""
        return tuple(replace(p, matched=key == self.matched) for key, p in self.points.items())


class Store:
    """The file behind one Progress.

    Args:
        path: JSON file.
        fingerprint: of this run; a file with another one is ignored and replaced.
    """

    def __init__(self, path: Path, fingerprint: dict[str, Any]) -> None:
        self._path = path
        self.progress = self._read(fingerprint) or Progress(fingerprint)

    def _read(self, fingerprint: dict[str, Any]) -> Progress | None:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            points = {key: CodedPoint.from_json(p) for key, p in data.pop("points").items()}
            progress = Progress(points=points, **data)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # nothing, or half a file of another program: measured again
        # through JSON, so that numbers and tuples compare as they are stored
        return progress if progress.fingerprint == json.loads(json.dumps(fingerprint)) else None

    def save(self) -> None:
        """Write it, whole or not at all."""
        save_json(self._path, asdict(self.progress))


def check_folder(out: Path) -> None:
    """Refuse a folder where a file of somebody's has the name of one that a comparison replaces.

    Raises:
        OutputExistsError: it is such a folder.
    """
    taken = [name for name in _FILES if os.path.lexists(out / name)]
    if not taken or any(out.glob("work/*/prepared.json")):
        return
    try:
        ComparisonResults.load(out / RESULTS)
    except (UsageError, OSError) as error:
        raise OutputExistsError(
            f"{out} holds {taken[0]}, which no comparison has made",
            hint="Choose another folder with --out.",
        ) from error
