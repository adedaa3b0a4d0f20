r"""Which frame of a recording the result shows when, as long as the new sound lasts.

    shorter   |=======================>: cut
    longer    |==============B  A<=====B  A=====>B ..        back and forth between two calm places of the last shot
    stretched |====///====////=====>                         where the old sound is silent, slower or faster (`--fit`)

A head that hardly moves can turn back unseen. Between both places nothing of the scene around changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.redub.recording import RecordedShot, Recording
from vqcodec.format import MAX_SHOT_S
from vqcodec.geometry.layout import LANDMARK_DIMS

SLOWEST, FASTEST = 4.0, 0.25
"""How many times as long a silence may last, and how short."""
LEAST_TURN_S = 0.5
"""Between two turns."""
SHORT_S = Fraction(3, 10)
"""What is missing up to here is no reason to turn back: the last frame stays."""
LAST_S = 2
"""The part at the end in which a calm place is looked for."""
_CALM_S = 0.2

Places = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """Frames of the result that show one shot, at most a minute of it.

    Attributes:
        shot: which one.
        places: (T,) which of its frames; between two of them where time is stretched.
        ticks: (T,) int64 when they are shown.
        continues: what comes before it shows the same scene.
    """

    shot: RecordedShot
    places: Places
    ticks: NDArray[np.int64]
    continues: bool

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def plain(self) -> int:
        """How many frames at the beginning come as they were recorded, from the shot's first one on."""
        count = min(len(self), len(self.shot))
        same = (self.places[:count] == np.arange(count)) & (
            self.ticks[:count] == self.shot.ticks[:count]
        )
        return count if same.all() else int(same.argmin())

    @property
    def nearest(self) -> NDArray[np.int64]:
        """(T,) the recorded frame that each is nearest to."""
        return np.asarray(np.rint(self.places), np.int64)

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, ...) a row for each of the shot's frames -> (T, ...) for those of the result."""
        low = np.floor(self.places).astype(np.int64)
        share = (self.places - low).astype(np.float32)
        if not share.any():
            return rows[low]
        high = np.minimum(low + 1, len(rows) - 1)
        share = share.reshape(-1, *[1] * (rows.ndim - 1))
        return np.asarray(rows[low] + share * (rows[high] - rows[low]), np.float32)


def played(
    recording: Recording, seconds: Fraction, silent: NDArray[np.bool_] | None = None
) -> list[Played]:
    """The frames of a result that lasts so long.

    Args:
        recording: what is shown.
        seconds: of the new sound.
        silent: (N,) frames of 40 ms in which the old sound is silent, to be stretched; None: nothing is stretched.
    """
    end = int(np.ceil(float(seconds / recording.head.time_base_s) - 1e-6))
    if silent is not None and end != recording.end_tick:
        pieces = _stretched(recording, end, silent)
    else:
        pieces = _first_pass(recording, end)
    last = pieces[-1]
    shown_until = int(last.ticks[-1]) + recording.step_ticks
    if shown_until < end:
        pieces = _back_and_forth(pieces, recording, end)
    return [part for piece in pieces for part in _minutes(piece, recording.head.time_base_s)]


def _first_pass(recording: Recording, end: int) -> list[Played]:
    """Shot after shot, up to a tick; at least a frame."""
    pieces: list[Played] = []
    for shot in recording.shots:
        count = int(np.searchsorted(shot.ticks, end))
        if count or not pieces:
            count = max(count, 1)
            pieces.append(
                Played(shot, np.arange(count, dtype=float), shot.ticks[:count], shot.continues)
            )
    return pieces


def _stretched(recording: Recording, end: int, silent: NDArray[np.bool_]) -> list[Played]:
    """Silences slower or faster, so that the recording lasts as long as the sound, as far as they allow it."""
    base_s = float(recording.head.time_base_s)
    ticks = np.concatenate([shot.ticks for shot in recording.shots])
    lasts = np.diff(np.append(ticks, max(recording.end_tick, int(ticks[-1]) + 1))).astype(float)
    at = np.minimum((ticks * base_s * 25).astype(int), max(len(silent) - 1, 0))
    calm = silent[at] if len(silent) else np.ones(len(at), bool)  # no sound is silence
    room = lasts[calm].sum()
    missing = end - float(ticks[0]) - lasts.sum()
    factor = float(np.clip(1 + missing / room, FASTEST, SLOWEST)) if room else 1.0
    begins = ticks[0] + np.concatenate([[0], np.cumsum(lasts * np.where(calm, factor, 1))])
    shown = np.arange(int(ticks[0]), min(int(begins[-1]), end), recording.step_ticks)
    places = np.interp(shown, begins, np.arange(len(begins)))
    pieces, first = [], 0
    for shot in recording.shots:
        own = (places >= first) & (places < first + len(shot))
        if own.any():
            inside = np.minimum(places[own] - first, len(shot) - 1)
            pieces.append(Played(shot, inside, shown[own], shot.continues))
        first += len(shot)
    return pieces


def _back_and_forth(pieces: list[Played], recording: Recording, end: int) -> list[Played]:
    """What is shown after the recording's end."""
    place = next(
        (n for n in range(len(pieces) - 1, -1, -1) if len(calm_stretch(pieces[n].shot)) > 1),
        None,
    )
    step, last = recording.step_ticks, int(pieces[-1].ticks[-1])
    short = (end - last - step) * recording.head.time_base_s <= SHORT_S
    if place is None or short:
        return [*pieces[:-1], _held(pieces[-1], step, end)]
    piece, least = pieces[place], LEAST_TURN_S / float(recording.head.time_base_s) / step
    low, high = turning_places(piece.shot, max(round(least), 1), recording.head.frame_rate_hz)
    if place == len(pieces) - 1:
        kept = int(np.searchsorted(piece.places, high, side="right"))
        piece = Played(piece.shot, piece.places[:kept], piece.ticks[:kept], piece.continues)
        last, pieces = int(piece.ticks[-1]), pieces[:-1]
    else:
        piece = Played(piece.shot, np.zeros(0), np.zeros(0, np.int64), continues=False)
    ticks = np.arange(last + step, end, step, dtype=np.int64)
    period = 2 * (high - low)
    phase = (np.arange(len(ticks)) + 1) % period
    places = high - np.minimum(phase, period - phase)
    joined = np.concatenate([piece.places, places]), np.concatenate([piece.ticks, ticks])
    return [*pieces, Played(piece.shot, *joined, piece.continues)]


def _held(piece: Played, step: int, end: int) -> Played:
    """The last frame stays."""
    ticks = np.arange(int(piece.ticks[-1]) + step, end, step, dtype=np.int64)
    places = np.concatenate([piece.places, np.full(len(ticks), piece.places[-1])])
    return replace(piece, places=places, ticks=np.concatenate([piece.ticks, ticks]))


def calm_stretch(shot: RecordedShot) -> range:
    """The last frames of a shot through which a face is seen and the scene around doesn't change."""
    stop = len(shot)
    while stop and shot.held[stop - 1]:
        stop -= 1
    before = np.flatnonzero(shot.held[:stop])
    first = int(before[-1]) + 1 if len(before) else 0
    changes = [scene.first_frame - shot.first_frame for scene in shot.scenes]
    return range(max([first, *(n for n in changes if n < stop)]), stop)


def turning_places(shot: RecordedShot, least: int, rate_hz: Fraction) -> tuple[int, int]:
    """Where motion turns: the calmest frames of the first and of the last part of a shot's calm stretch.

    Args:
        shot: with at least two frames in its calm stretch.
        least: frames between both, where the stretch has so many.
        rate_hz: frames per second.
    """
    stretch = calm_stretch(shot)
    rows = shot.features[stretch.start : stretch.stop, :LANDMARK_DIMS]
    speed = np.abs(np.diff(rows, axis=0, append=rows[-1:])).mean(1)
    speed[-1] = speed[-2]
    width = max(round(_CALM_S * float(rate_hz)), 1)
    even = np.convolve(np.pad(speed, width, mode="edge"), np.ones(2 * width + 1), "valid")
    third = max((len(rows) - least) // 3, 1)
    low = int(even[:third].argmin())
    high = max(len(rows) - min(third, round(LAST_S * float(rate_hz))), low + 1)
    high += int(even[high:].argmin()) if high < len(rows) else -1
    return stretch.start + low, stretch.start + max(high, low + 1)


def _minutes(piece: Played, time_base_s: Fraction) -> list[Played]:
    """Pieces that last no longer than a shot may."""
    most, parts, first = int(MAX_SHOT_S / time_base_s), [], 0
    while first < len(piece):
        stop = int(np.searchsorted(piece.ticks, piece.ticks[first] + most, side="right"))
        parts.append(
            Played(
                piece.shot,
                piece.places[first:stop],
                piece.ticks[first:stop],
                piece.continues or first > 0,
            )
        )
        first = stop
    return parts
