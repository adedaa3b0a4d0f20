"""What a decode shows and plays, before anything is rendered: pictures to make, samples to hear, in a span of time.

KeyFrame, PortraitUnit, MotionGroup --Walk--> groups of poses --Gaps--> stretches --Fades, span--> Pose
AudioGroup ------------wait for the first picture-------> SoundWindow --------------------------> Samples
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vqcodec.config import DecodeOptions
from vqcodec.container.reader import Item
from vqcodec.decoding.fade import Fades
from vqcodec.decoding.gaps import Gaps, Stretch
from vqcodec.decoding.heard import Samples, SoundWindow
from vqcodec.decoding.scenes_due import ScenesToCome
from vqcodec.errors import UsageError
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.stream.portraits import Portrait, ShownFrom
from vqcodec.stream.walk import PosedGroup, Walk
from vqcodec.types import AudioGroup, Head, KeyFrame, PortraitUnit, ScenePicture

MAX_SOUND_AHEAD_S = Fraction(3600)
"""Sound so far ahead of the pictures waits for them: a position may lie centuries away, and silence up to it never ends."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A picture to make.

    Attributes:
        time_s: when it is shown, from the start of the window.
        shown: what it is rendered from.
        features: (D,) float32 motion features.
        faded_from: the portrait before, while it fades away (vqcodec.decoding.fade).
        share: part of what is rendered from `shown` in the picture, 1 outside fades.
    """

    time_s: Fraction
    shown: ShownFrom
    features: NDArray[np.float32]
    faded_from: Portrait | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """The latest picture is shown until a time, from the start of the window: the end of the stream, or of the window."""

    until_s: Fraction


Result: TypeAlias = Pose | Samples | Held | ScenePicture


class Window:
    """Follows a stream's items and gives the poses and samples of a span of time, with times from its beginning.

    The span begins with the first frame at or after options.start_s (at the stream's time 0 when that is 0), for the
    sound too, and ends before options.end_s. Where that frame is further away than a nominal frame is long, it begins at
    options.start_s, with the frame that is still shown then.

    Args:
        head: of the stream.
        units: (D,) of the motion space.
        options: the span, and the layers.
        gaps: what is done about missing frames and sound; None for a stream that is whole.

    Attributes:
        complete: the end was reached; later items bring nothing.
    """

    def __init__(
        self,
        head: Head,
        units: NDArray[np.float32],
        options: DecodeOptions,
        gaps: Gaps | None = None,
    ) -> None:
        self.complete = False
        self._head, self._gaps = head, gaps or Gaps()
        self._walk = Walk(units, options.layers or head.layers)
        self._fades = Fades(units, head.time_base_s)
        self._start_s, self._end_s = options.start_s, options.end_s
        self._max_duration_s = options.max_duration_s
        self._origin_s: Fraction | None = Fraction(0) if options.start_s == 0 else None
        self._video_over = self._any = False
        self._before: tuple[ShownFrom, NDArray[np.float32]] | None = None
        self._before_tick = 0
        self._scenes = ScenesToCome()
        self._sound: SoundWindow | None = None
        # sound that comes before the first frame of the window is known, or far ahead
        self._early: list[AudioGroup] = []
        self._heard_until_s = MAX_SOUND_AHEAD_S

    def push(self, item: Item) -> Iterator[Pose | Samples | ScenePicture]:
        """Take the next item of the stream; a scene's picture comes out before the first pose that it is shown with."""
        if isinstance(item, ScenePicture):
            self._scenes.add(item)
            return
        if isinstance(item, KeyFrame) or (isinstance(item, PortraitUnit) and item.number == 0):
            self._fades.leave()
        elif isinstance(item, AudioGroup):
            self._early.append(item)
        group = self._walk.push(item)
        if group is not None:
            yield from self._poses(group)
        yield from self._samples()
        self.complete = self._video_over and (self._sound is None or self._sound.complete)

    def sentences(self) -> list[str]:
        """What a person should know of the sound, when all is over: some of it may have waited for frames that never came."""
        holes_s = [] if self._sound is None else self._sound.holes_s
        told = [f"the stream has no sound from {a} to {b} s: silence" for a, b in holes_s[:1]]
        heard_s = (group.first_sample // AUDIO_RATE_HZ for group in self._early)
        far_s = [at_s for at_s in heard_s if self._end_s is None or at_s < self._end_s]
        if not far_s or self.complete:
            return told
        left_out = f"sound at {min(far_s)} s is left out: no picture comes within an hour before it"
        return [*told, left_out]

    def finish(self) -> Iterator[Pose | Samples | ScenePicture]:
        """What is still to come when the stream is over: what the gaps know to be missing at its end."""
        heard_s = Fraction(0) if self._sound is None else self._sound.end_s
        for stretch in self._gaps.tail(heard_s):
            yield from self._inside(stretch)
        silent_until_s = self._gaps.sound_until(heard_s)
        if self._sound is not None and silent_until_s is not None:
            self._within(silent_until_s)
            yield from self._sound.fill(silent_until_s)

    def held(self, end_tick: int | None) -> Iterator[Result]:
        """What follows the last frame of all, once it was given: nothing new, until the end."""
        if end_tick is not None and self._start_s < end_tick * self._head.time_base_s:
            yield from self._still_shown(None)
            yield from self._samples()
        if not self._any or self._origin_s is None:
            return
        ends_s = [] if end_tick is None else [end_tick * self._head.time_base_s]
        ends_s += [] if self._end_s is None or not (self._video_over or ends_s) else [self._end_s]
        if ends_s:
            yield Held(self._within(min(ends_s)))

    def _within(self, time_s: Fraction) -> Fraction:
        """A time of the stream in the window's time, which may be so long and no longer.

        Raises:
            UsageError: it is.
        """
        assert self._origin_s is not None  # asked only then
        check_duration(self._origin_s, time_s, self._max_duration_s)
        return time_s - self._origin_s

    def _poses(self, group: PosedGroup) -> Iterator[Pose | ScenePicture]:
        """Those of a group, and of what is missing before it."""
        first_s = int(group.ticks[0]) * self._head.time_base_s
        self._scenes.time(group)
        if self._origin_s is not None and (self._end_s is None or first_s < self._end_s):
            self._within(first_s)  # before a hole is filled up to there
        for stretch in self._gaps.filled(group):
            if stretch.made_up_until is None:
                self._fades.enter(group)
            else:
                self._fades.forget()
            yield from self._inside(stretch)

    def _inside(self, stretch: Stretch) -> Iterator[Pose | ScenePicture]:
        """Those of the frames that lie in the window; the gaps are told of them."""
        first_s, frames = Fraction(0), 0
        for pose in self._cut(stretch):
            if isinstance(pose, Pose):
                first_s, frames = (first_s if frames else pose.time_s), frames + 1
            yield pose
        if frames:
            assert self._origin_s is not None  # a pose was given
            end_s = (stretch.made_up_until or 0) * self._head.time_base_s
            end_s = end_s if self._end_s is None else min(end_s, self._end_s)
            self._gaps.shown(stretch, frames, (first_s, end_s - self._origin_s))

    def _cut(self, stretch: Stretch) -> Iterator[Pose | ScenePicture]:
        for tick, row, shown in stretch.rows:
            time_s = tick * self._head.time_base_s
            self._heard_until_s = time_s + MAX_SOUND_AHEAD_S
            if self._end_s is not None and time_s >= self._end_s:
                yield from self._still_shown(None)
                self._video_over = True
                return
            if time_s < self._start_s:
                self._before, self._before_tick = (shown, row), tick
                continue
            yield from self._still_shown(time_s)
            yield from self._scenes.until(tick)
            if self._origin_s is None:
                self._origin_s = time_s
            at_s, self._any = self._within(time_s), True
            fade = self._fades.fade
            share = None if fade is None else fade.share(time_s)
            if fade is None or share is None:
                yield Pose(at_s, shown, row)
            else:
                yield Pose(at_s, shown, row, fade.portrait, share)

    def _still_shown(self, next_s: Fraction | None) -> Iterator[Pose | ScenePicture]:
        """The frame before the window, if it is what the window begins with.

        Args:
            next_s: when the first frame inside comes; None where there is none.
        """
        if self._origin_s is not None or self._before is None:
            return
        if next_s is None or next_s - self._start_s > 1 / self._head.frame_rate_hz:
            self._origin_s, self._any = self._start_s, True
            yield from self._scenes.until(self._before_tick)
            yield Pose(Fraction(0), *self._before)

    def _samples(self) -> Iterator[Samples]:
        """The sound that may be given now."""
        if self._origin_s is None or self._head.audio is None:
            return
        if self._sound is None:
            self._sound = SoundWindow(
                self._head.audio, self._origin_s, self._end_s, self._gaps.sound
            )
        groups, self._early = self._early, []
        for group in groups:
            heard_s = Fraction(group.first_sample, AUDIO_RATE_HZ)
            if heard_s > self._heard_until_s:
                self._early.append(group)
            else:
                if self._end_s is None or heard_s < self._end_s:
                    self._within(heard_s)
                yield from self._sound.push(group)


def check_duration(from_s: Fraction, to_s: Fraction, most_s: Fraction) -> None:
    """Refuse to make more than so many seconds.

    Raises:
        UsageError: there are more.
    """
    if to_s - from_s > most_s:
        raise UsageError(
            f"the stream goes on to {float(to_s):g} s: more than {float(most_s):g} s would be made "
            "(--max-duration)",
            hint="Take a part with --start and --end, or allow more with --max-duration.",
        )


def play(
    items: Iterable[Item], window: Window, end_tick: Callable[[], int | None] | None = None
) -> Iterator[Result]:
    """Poses and samples of the items, until the window is complete.

    Args:
        items: of a stream.
        window: follows them.
        end_tick: when the stream's last frame ends, None where that isn't known, asked when all items were taken; without
            it nothing is said of how long the last pose lasts.

    Raises:
        UsageError: no frame lies in the window, or it is longer than it may be.
    """
    empty = True
    for result in _results(items, window, end_tick):
        empty = empty and not isinstance(result, Pose)
        yield result
    if empty:
        raise UsageError(
            "no frame lies between the start and the end that were asked for",
            hint="`vqcodec info` shows how long the file is.",
        )


def _results(
    items: Iterable[Item], window: Window, end_tick: Callable[[], int | None] | None
) -> Iterator[Result]:
    for item in items:
        yield from window.push(item)
        if window.complete:
            break
    else:
        yield from window.finish()
    if end_tick is not None:
        yield from window.held(None if window.complete else end_tick())
