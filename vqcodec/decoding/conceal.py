"""Playing a damaged stream: pictures and silence for what is missing, so that everything else keeps its time.

    frames   1 2 3 4 5 . . . . . . . . . . 16 17 18         . = missing
    pose     1 2 3 4 5 5 5 5 5 5 ~ ~ ~ ~ ~ 16 17 18         the last one is held, then fades to the next one
    sound    ========~                    ~=========        silence of the exact length, with soft edges

Times of missing frames follow from the frame numbers and times on both sides, in integers. None of this is normative.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vqcodec.container.recover import RecoveringReader
from vqcodec.damage import Damage
from vqcodec.decoding.gaps import Gaps, SoundGaps, Stretch
from vqcodec.errors import BitstreamError
from vqcodec.format import AUDIO_RATE_HZ, MAX_FRAME_RATE_HZ
from vqcodec.stream.portraits import Portrait, ShownFrom
from vqcodec.stream.walk import PosedGroup

HOLE_FADE_S = Fraction(2, 5)
LONG_HOLE_S = 10
MOST_SPANS = 1000
"""Spans of made-up frames that are told apart: those after them count as one."""
_HELD_STEP_S = 1
_MAX_STEP_S = 1
EDGE_SAMPLES = 240  # 5 ms
_TAIL_S = Fraction(1, 8)
"""Sound that ends so much later than the pictures, or earlier, shows that something is missing at the end."""

Features = NDArray[np.float32]
Pcm = NDArray[np.int16]


def hole_ticks(
    before: int | None, after: int, missing: int, time_base_s: Fraction
) -> Iterator[int]:
    """Times of missing frames, evenly spread.

    Args:
        before: tick of the frame before the hole; None at the start of the stream, where the first one gets tick 0.
        after: tick of the frame after the hole, or the end of the last missing frame.
        missing: how many frames there were; fewer are given where so many don't fit.
        time_base_s: seconds in a tick.

    Yields:
        Ticks, strictly increasing, between `before` and `after`.
    """
    start = 0 if before is None else before
    room = after - start - (before is not None)
    most = int((after - start) * time_base_s * MAX_FRAME_RATE_HZ) + 1
    count = max(min(missing, room, most), 0)
    parts, first = (count, 0) if before is None else (count + 1, 1)
    for i in range(first, first + count):
        yield start + (after - start) * i // parts


def shown_ticks(
    before: int | None, after: int, missing: int, time_base_s: Fraction
) -> Iterator[int]:
    """The same of a hole of any length: in a long one, where nothing moves but at its end, a picture a second will do."""
    start = 0 if before is None else before
    length_s = (after - start) * time_base_s
    if length_s <= LONG_HOLE_S or missing * _HELD_STEP_S <= length_s:
        yield from hole_ticks(before, after, missing, time_base_s)
        return
    step = max(int(_HELD_STEP_S / time_base_s), 1)
    moving = after - int(HOLE_FADE_S / time_base_s)
    held = range(start + step * (before is not None), moving, step)
    yield from held
    last = held[-1] if held else before
    yield from hole_ticks(last, after, missing * (after - moving) // (after - start), time_base_s)


def fade_weight(tick: int, span: tuple[int, int]) -> np.float32:
    """Share of what comes after a hole at a tick: 0 until the span begins, 1 where it ends, a smooth way between."""
    first, last = span
    part = min(max((tick - first) / (last - first), 0.0), 1.0) if last > first else 1.0
    return np.float32(part * part * (3 - 2 * part))


def faded(before: Features, after: Features, tick: int, span: tuple[int, int]) -> Features:
    """The pose at a tick, by its weight."""
    if before is after:
        return before
    weight = fade_weight(tick, span)
    return before + weight * (after - before) if weight else before


def faded_portraits(
    before: ShownFrom, after: ShownFrom, tick: int, span: tuple[int, int]
) -> ShownFrom:
    """What a tick is shown from, when both sides of the hole are of one shot: the nearer portraits of both, by its weight."""
    weight = Fraction(float(fade_weight(tick, span)))
    if not weight or before.nearer is after.nearer:
        return before
    return ShownFrom(before.nearer, after.nearer, weight, passing=True)


class SoftSilence(SoundGaps):
    """Holes in the sound of a damaged stream: counted, with soft edges; a group that doesn't decode is one, too.

    Args:
        damage: counts what is lost.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._last: Pcm | None = None  # the sample before a hole
        self._after_hole = False

    def unreadable(self, error: BitstreamError) -> None:
        """Count the group."""
        self._damage.dropped_chunks += 1

    def silence(self, pcm: Pcm) -> Pcm:
        """No click: the sample before the hole dies away."""
        self._damage.audio_lost_s += Fraction(len(pcm), AUDIO_RATE_HZ)
        if self._last is not None:
            ramp = np.linspace(1, 0, EDGE_SAMPLES)[: len(pcm), None]
            pcm[: len(ramp)] = np.rint(ramp * self._last)
            self._last = None
        self._after_hole = True
        return pcm

    def heard(self, pcm: Pcm) -> Pcm:
        """After a hole the sound grows from nothing."""
        if self._after_hole:
            ramp = np.linspace(0, 1, EDGE_SAMPLES)[: len(pcm), None]
            pcm = pcm.copy()
            pcm[: len(ramp)] = np.rint(ramp * pcm[: len(ramp)])
            self._after_hole = False
        self._last = pcm[-1]
        return pcm


class Concealment(Gaps):
    """Makes up the frames that a RecoveringReader couldn't give, and counts them.

    Args:
        reader: the reader whose items the window gets.
    """

    def __init__(self, reader: RecoveringReader) -> None:
        super().__init__(SoftSilence(reader.damage))
        self._reader, self._damage = reader, reader.damage
        self._time_base_s = reader.head.time_base_s
        step_s = min(1 / reader.head.frame_rate_hz, Fraction(_MAX_STEP_S))  # a rate is only a hint
        self._step = max(round(step_s / self._time_base_s), 1)
        self._next_frame = 0
        # the last frame of the stream, and what its tokens were relative to
        self._held: tuple[int, Portrait, Features, ShownFrom] | None = None

    def filled(self, group: PosedGroup) -> Iterator[Stretch]:
        """Frames in place of those missing between the group before and this one, then its own."""
        ticks = group.ticks.tolist()
        missing = group.first_frame - self._next_frame
        if missing > 0:
            yield from self._hole(group, ticks[0], missing)
        yield from super().filled(group)
        self._next_frame = group.first_frame + len(ticks)
        self._step = ticks[-1] - ticks[-2] if len(ticks) > 1 else self._step
        self._held = ticks[-1], group.portrait, group.features[-1], group.shown[-1]

    def tail(self, heard_until_s: Fraction) -> Iterator[Stretch]:
        """The last pose, held until IEND, or until the sound ends."""
        if self._held is None:
            return
        last, _, pose, shown = self._held
        if self._reader.end is not None:
            frames, end = self._reader.end
            ticks = shown_ticks(last, end, frames - self._next_frame, self._time_base_s)
        else:
            end = last + self._step
            if heard_until_s - end * self._time_base_s > _TAIL_S:
                end = int(heard_until_s / self._time_base_s)
            ticks = iter(range(last + self._step, end, self._step))
            if (end - last) * self._time_base_s > LONG_HOLE_S:
                ticks = shown_ticks(last, end, (end - last) // self._step, self._time_base_s)
        yield Stretch(((tick, pose, shown) for tick in ticks), end)

    def sound_until(self, heard_until_s: Fraction) -> Fraction | None:
        """The end of the stream, if sound is known to be missing there."""
        if self._damage.complete and not self._damage.audio_groups_lost:
            self._damage.audio_lost_s = Fraction(0)  # the gaps were there from the beginning
            return None
        if self._reader.end is None:
            return None
        end_s = self._reader.end[1] * self._time_base_s
        return end_s if end_s - heard_until_s > _TAIL_S else None

    def shown(self, stretch: Stretch, frames: int, span_s: tuple[Fraction, Fraction]) -> None:
        """Count the frames, and note when made-up ones are shown."""
        if stretch.made_up_until is None:
            self._damage.frames_intact += frames
            return
        self._damage.frames_concealed += frames
        spans, (first_s, end_s) = self._damage.concealed, span_s
        if spans and (spans[-1][1] >= first_s or len(spans) >= MOST_SPANS):
            spans[-1] = (spans[-1][0], max(end_s, spans[-1][1]))
        else:
            spans.append((first_s, end_s))

    def _hole(self, group: PosedGroup, after: int, missing: int) -> Iterator[Stretch]:
        """Hold the last pose, then fade to the next one; where the portrait changes, hold one, then the other."""
        portrait, next_pose, next_shown = group.portrait, group.features[0], group.shown[0]
        before, old, pose, shown = self._held or (None, portrait, next_pose, next_shown)
        ticks = shown_ticks(before, after, missing, self._time_base_s)
        if old is not portrait:
            # frames of the old portrait
            own = min(max(portrait.first_frame - self._next_frame, 0), missing)
            every = sum(1 for _ in shown_ticks(before, after, missing, self._time_base_s))
            first = islice(ticks, own * every // missing)
            yield Stretch(((tick, pose, shown) for tick in first), after)
            yield Stretch(((tick, next_pose, next_shown) for tick in ticks), after)
            return
        fade_ticks = HOLE_FADE_S / self._time_base_s
        span = max(before if before is not None else after, int(after - fade_ticks)), after
        rows = (
            (
                tick,
                faded(pose, next_pose, tick, span),
                faded_portraits(shown, next_shown, tick, span),
            )
            for tick in ticks
        )
        yield Stretch(rows, after)
