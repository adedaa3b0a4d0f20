"""One clip and one codec of a comparison: what there is to do, and what it begins from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqcodec.comparison.reference import ReferenceClip
from vqcodec.comparison.settings import ComparisonSettings


@dataclass(frozen=True, slots=True)
class Prepared:
    """What every codec's work on a clip begins from.

    Attributes:
        reference: the clip.
        default_vqt: a .vqt of default settings, with sound.
        default_bytes: size of the same without sound: what the others are matched to.
    """

    reference: ReferenceClip
    default_vqt: Path
    default_bytes: int


@dataclass(frozen=True, slots=True)
class Task:
    """One clip and one codec.

    Attributes:
        prepared: the clip.
        codec: one of results.CODECS.
        settings: of the comparison.
        store: file of the points.
        media: folder for the decoded video of equal size.
        fingerprint: what the figures depend on.
    """

    prepared: Prepared
    codec: str
    settings: ComparisonSettings
    store: Path
    media: Path
    fingerprint: dict[str, Any]

    @property
    def video(self) -> Path:
        """The decoded video of equal size."""
        return self.media / f"{self.codec}.mp4"
