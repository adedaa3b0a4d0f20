"""What was lost of a stream, and what was shown in its place: filled in while a damaged stream is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Span = tuple[Fraction, Fraction]

_SHOWN_SPANS = 5


@dataclass(slots=True)
class Damage:
    """Counts of a recovery. All zero for an intact stream.

    The first block is about the whole stream as far as it was read, the second about the pictures and the sound that were
    made (a window of the stream with --start and --end).

    Attributes:
        skipped_bytes: bytes that belong to no intact chunk.
        dropped_chunks: chunks with a right CRC that can't be used: doubled, late, overlapping, or not decodable.
        foreign_chunks: chunks of another stream, after its HEAD.
        groups_read: motion groups used.
        groups_lost: motion groups missing; exact when the index could be read, else one for each hole at least.
        groups_thinned: motion groups used without their finest layers, which didn't decode.
        key_frames_lost: portraits missing.
        portraits_unusable: portraits that are there, but need one that is missing (major version 2).
        stills_lost: portraits whose picture doesn't decode.
        frames_other_portrait: frames of the stream whose own portrait was lost, so that another one moves.
        audio_groups_lost: sound groups missing; 0 when the index could not be read.
        complete: the index and the end of the stream were read, so that the numbers of lost groups are exact.
        frames_intact: pictures made from their own tokens.
        frames_concealed: pictures made up for missing ones.
        concealed: spans of time with such pictures, in seconds from the start of what was written.
        audio_lost_s: silence put where no sound was found.
    """

    skipped_bytes: int = 0
    dropped_chunks: int = 0
    foreign_chunks: int = 0
    groups_read: int = 0
    groups_lost: int = 0
    groups_thinned: int = 0
    key_frames_lost: int = 0
    portraits_unusable: int = 0
    stills_lost: int = 0
    frames_other_portrait: int = 0
    audio_groups_lost: int = 0
    complete: bool = False
    frames_intact: int = 0
    frames_concealed: int = 0
    concealed: list[Span] = field(default_factory=list)
    audio_lost_s: Fraction = Fraction(0)

    @property
    def any(self) -> bool:
        """Whether anything is amiss."""
        return not self.complete or any(
            (
                self.skipped_bytes,
                self.dropped_chunks,
                self.foreign_chunks,
                self.groups_lost,
                self.groups_thinned,
                self.key_frames_lost,
                self.portraits_unusable,
                self.stills_lost,
                self.audio_groups_lost,
                self.frames_concealed,
                self.audio_lost_s,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields, named with units."""
        counts = {
            name: getattr(self, name)
            for name in (
                "frames_intact",
                "frames_concealed",
                "frames_other_portrait",
                "groups_read",
                "groups_lost",
                "groups_thinned",
                "key_frames_lost",
                "portraits_unusable",
                "stills_lost",
                "audio_groups_lost",
                "skipped_bytes",
                "dropped_chunks",
                "foreign_chunks",
                "complete",
            )
        }
        return counts | {
            "audio_lost_s": round(float(self.audio_lost_s), 6),
            "concealed_s": [[round(float(a), 6), round(float(b), 6)] for a, b in self.concealed],
        }

    def sentences(self) -> list[str]:
        """What a person should read; empty for an intact stream."""
        if not self.any:
            return []
        lost = [
            _count(self.groups_lost, "motion group"),
            _count(self.key_frames_lost + self.stills_lost, "portrait"),
            _count(self.audio_groups_lost, "sound group"),
        ]
        told = (
            [
                f"lost: {', '.join(part for part in lost if part)}"
                + ("" if self.complete else " at least")
            ]
            if any(lost)
            else []
        )
        if not self.complete:
            told.append("the stream has no readable end: it was cut off, or is still being written")
        if self.frames_concealed:
            total = self.frames_intact + self.frames_concealed
            told.append(f"{self.frames_concealed} of {total} frames are made up: {self._spans()}")
        if self.portraits_unusable:
            told.append(
                f"{_count(self.portraits_unusable, 'portrait')} can't be shown: another one that it takes is lost"
            )
        if self.frames_other_portrait:
            told.append(
                f"{self.frames_other_portrait} frames are rendered from another portrait than their own"
            )
        if self.groups_thinned:
            told.append(f"{_count(self.groups_thinned, 'motion group')} without the finest layers")
        if self.audio_lost_s:
            told.append(f"{float(self.audio_lost_s):.2f} s of sound are silent")
        if self.skipped_bytes or self.dropped_chunks or self.foreign_chunks:
            told.append(
                f"skipped: {self.skipped_bytes} bytes, {self.dropped_chunks} chunks out of place, "
                f"{self.foreign_chunks} of another stream"
            )
        return told

    def _spans(self) -> str:
        shown = [f"{float(a):.2f} to {float(b):.2f} s" for a, b in self.concealed[:_SHOWN_SPANS]]
        more = len(self.concealed) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


def _count(number: int, what: str) -> str:
    return "" if not number else f"{number} {what}{'s' if number > 1 else ''}"
