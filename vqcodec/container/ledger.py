"""Bookkeeping of a recovery: what was found, what INDX and IEND say there was, and so what is lost."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from vqcodec.container.chunks import Chunk
from vqcodec.container.faults import Fault
from vqcodec.container.index import IndexKind, parse_index
from vqcodec.container.scan import Gap
from vqcodec.container.structs import IEND, parse_struct
from vqcodec.damage import Damage
from vqcodec.format import INDX_TYPE, KEYF_TYPE, MAX_POSITION, PORT_TYPE

MAX_HOLE_S = 3600
"""A group later than this after the one before is out of place, unless enough bytes were lost to fill the time."""
SECONDS_PER_LOST_BYTE = Fraction(1, 10)


class Ledger:
    """Counts what a recovery finds of a stream of a major version, and closes the account at the end.

    Attributes:
        damage: where the counts go.
        end: (frames, end_tick) of IEND, after `settle`, where it was found and can be.
        ended: IEND was found where it belongs, and nothing is missing before it.
        frames: frames up to the end of the last group used, missing ones included.
    """

    def __init__(self, damage: Damage, major: int = 1) -> None:
        self.damage = damage
        self._major = major
        self.end: tuple[int, int] | None = None
        self._claimed_end: tuple[int, int] | None = None
        self.ended = False
        self.frames = 0
        self._holes = 0
        self._sounds = 0
        self._portraits: list[int] = []  # first frames of those used
        self._suspected: set[int] = set()  # frames from which a lost one may have applied
        self._shots: dict[
            int, tuple[int, int]
        ] = {}  # highest number of a portrait, and how many came
        self._lost_units = 0  # types of portraits seen among lost bytes
        self._indexed: dict[IndexKind, int] | None = None
        self._indexed_portraits: list[int] = []
        self._after_index = False

    def in_reach(self, distance: int, unit_s: Fraction) -> bool:
        """Whether a hole of this length is believed: an hour, and what the lost bytes may have held."""
        return distance * unit_s <= MAX_HOLE_S + self.damage.skipped_bytes * SECONDS_PER_LOST_BYTE

    def skip(self, gap: Gap) -> None:
        """Bytes that belong to no intact chunk."""
        self.damage.skipped_bytes += gap.size_bytes
        self._after_index = False
        if self._major == 1 and KEYF_TYPE in gap.types:
            self._suspected.add(self.frames)
        self._lost_units += gap.types.get(PORT_TYPE, 0)

    def drop(self, count: int = 1) -> None:
        """Intact chunks that can't be used."""
        self.damage.dropped_chunks += count

    def group(self, first_frame: int, count: int) -> None:
        """A motion group that is used."""
        self._holes += first_frame != self.frames
        self.frames = first_frame + count
        self.damage.groups_read += 1

    def portrait(self, first_frame: int) -> None:
        """A key frame that is used."""
        self._portraits.append(first_frame)

    def unit(self, shot: int, number: int) -> None:
        """A portrait of major version 2 that has come, whether it can be used or not."""
        most, came = self._shots.get(shot, (0, 0))
        self._shots[shot] = max(most, number), came + 1

    def named(self, shot: int, number: int) -> None:
        """A group shows this portrait of its shot."""
        most, came = self._shots.get(shot, (0, 0))
        self._shots[shot] = max(most, number), came

    def sound(self) -> None:
        """A sound group that is used."""
        self._sounds += 1

    def totals(self, chunk: Chunk) -> None:
        """INDX or IEND."""
        try:
            if chunk.type == INDX_TYPE:
                self._read_index(chunk.payload)
                return
            totals = parse_struct(IEND, chunk.payload)
        except Fault:
            self.drop()
            return
        self._claimed_end = (totals.frames, totals.end_tick)
        self.ended = self._after_index and totals.frames == self.frames

    def settle(self, last_tick: int, time_base_s: Fraction) -> None:
        """Close the account: the end, and the numbers of lost groups and portraits."""
        damage, claimed = self.damage, self._claimed_end
        if claimed is not None and claimed[1] <= MAX_POSITION:
            frames, end_tick = claimed
            if frames == self.frames or self.in_reach(end_tick - last_tick, time_base_s):
                self.end = claimed
        damage.complete = self.end is not None and self._indexed is not None
        portraits = self._suspected - set(self._portraits)
        damage.groups_lost = self._holes + (self.end is not None and self.end[0] > self.frames)
        if self._indexed is not None:
            damage.groups_lost = max(self._indexed[IndexKind.MOTION] - damage.groups_read, 0)
            damage.audio_groups_lost = max(self._indexed[IndexKind.AUDIO] - self._sounds, 0)
            portraits = set(self._indexed_portraits) - set(self._portraits)
        if self._major != 1:
            damage.key_frames_lost += self._units_lost()
            return
        damage.key_frames_lost += len(portraits)
        bounds = sorted({*portraits, *self._portraits, self.frames})
        damage.frames_other_portrait += sum(
            after - before for before, after in pairwise(bounds) if before in portraits
        )

    def _units_lost(self) -> int:
        """Exact with the index; else by numbers that are missing, one for shots of which nothing came."""
        if self._indexed is not None:
            came = sum(came for _, came in self._shots.values())
            there = self._indexed[IndexKind.KEY_FRAME] + self._indexed[IndexKind.PORTRAIT]
            return max(there - came, 0)
        missing = sum(most + 1 - came for most, came in self._shots.values())
        jumps = sum(b - a > 1 for a, b in pairwise([-1, *sorted(self._shots)]))
        return max(missing + jumps, self._lost_units)

    def _read_index(self, payload: bytes) -> None:
        entries = parse_index(payload, self._major)
        self._indexed = {kind: int((entries.kinds == kind).sum()) for kind in IndexKind}
        self._indexed_portraits = entries.where(
            entries.kinds == IndexKind.KEY_FRAME
        ).positions.tolist()
        self._after_index = True
