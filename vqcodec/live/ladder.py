"""How much of the stream a viewer gets: less where the line is too thin, by what the viewer reports.

    layers 4 3 2 1, then the sound at its lower rate, then every second frame, then every fourth

A queue that grows shows a line that is too thin. Loss alone may have another cause (a bad radio link loses as much of a small
stream as of a large one): a step down is a trial, and taken back where the loss doesn't fall.
"""

from __future__ import annotations

from dataclasses import dataclass

from vqcodec.format import LAYERS
from vqcodec.live.wire import Report

LATE_MS = 200
"""Packets so much later than the fastest ones show a queue."""
LOSS_SHARE = 0.10
CALM_SHARE = 0.03
CALM_REPORTS = 5
"""So many calm reports, one after the other, and a step up is tried."""
TRIAL_REPORTS = 3
RESTING_REPORTS = 30
"""After a trial that changed nothing, loss alone is borne for so long."""
HELPED = 0.7
"""A step has helped where it leaves at most this share of the loss."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a viewer gets.

    Attributes:
        layers: of the motion, 1..4.
        full_sound: at its own rate, not at the lower one.
        keep_every: 1: every frame.
    """

    layers: int
    full_sound: bool = True
    keep_every: int = 1


STEPS = (
    *(Step(layers) for layers in range(LAYERS, 0, -1)),
    Step(1, full_sound=False),
    Step(1, full_sound=False, keep_every=2),
    Step(1, full_sound=False, keep_every=4),
)


class Ladder:
    """Follows one viewer's reports.

    Args:
        layers: that the stream has: the steps above are none.

    Attributes:
        loss: share of packets lost of late, 0..1.
    """

    def __init__(self, layers: int = LAYERS) -> None:
        self.loss = 0.0
        self._place = self._top = LAYERS - layers
        self._calm = self._rest = 0
        self._trial: tuple[float, list[float]] | None = None  # the loss before it, and since

    @property
    def step(self) -> Step:
        """What the viewer gets now."""
        return STEPS[self._place]

    def report(self, report: Report) -> None:
        """Take the next one."""
        lost = 1 - min(report.come / report.due, 1.0) if report.due else 0.0
        self.loss += (lost - self.loss) / 4
        self._rest = max(self._rest - 1, 0)
        if report.late_ms >= LATE_MS:
            self._trial = None
            self._down()
        elif self._trial is not None:
            self._watch(lost)
        elif lost >= LOSS_SHARE and not self._rest and self._place < len(STEPS) - 1:
            self._trial = lost, []
            self._down()
        else:
            self._calm = self._calm + 1 if lost < CALM_SHARE or self._rest else 0
            if self._calm >= CALM_REPORTS:
                self._calm = 0
                self._place = max(self._place - 1, self._top)

    def full(self) -> None:
        """What was sent still waits here: the line takes less than it is given."""
        self._trial = None
        self._down()

    def _down(self) -> None:
        self._calm = 0
        self._place = min(self._place + 1, len(STEPS) - 1)

    def _watch(self, lost: float) -> None:
        """See what a step down has changed."""
        assert self._trial is not None
        before, since = self._trial
        since.append(lost)
        if len(since) < TRIAL_REPORTS:
            return
        self._trial = None
        if sum(since) / len(since) > HELPED * before:
            self._place -= 1
            self._rest = RESTING_REPORTS
