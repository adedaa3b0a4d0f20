"""An encode that somebody watches: how long its frames wait, and what else it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from vqcodec.encoding.live_shot import WATCHED_GROUP_S
from vqcodec.encoding.pacing import Pace
from vqcodec.encoding.settings import Setting
from vqcodec.face.shots import Patience
from vqcodec.stream.sound import SoundPiece

PORTRAIT_PRICE, MOTION_PRICE = 5.0, 1.5
"""Over those of a file of the same quality."""
SLOW_HZ = Fraction(25, 2)
"""Up to this rate the frame behind comes too late to smooth anything for those who watch (face.smooth.REACH_S)."""


def watched_patience(frame_rate_hz: Fraction) -> Patience:
    """How long frames wait for others where somebody watches: a neighbour far away in time says nothing of jitter."""
    return Patience(Fraction(1, 5), int(frame_rate_hz > SLOW_HZ))


def watched_delay_s(frame_rate_hz: Fraction) -> Fraction:
    """`encoding.live.delay_s` where somebody watches: frames wait for the square, the filter, and their group."""
    patience = watched_patience(frame_rate_hz)
    return patience.decide_s + WATCHED_GROUP_S + patience.look_ahead_frames / frame_rate_hz


def watched_setting(setting: Setting) -> Setting:
    """The same quality for those who watch, where the line carries headers and copies beside it.

    On a clip of 20 s with much motion, --quality small had 15 portraits, 7.5 kbit/s: they are worth that where a file is all
    there is, and here their share has to be smaller. Short groups cost more, so that cheaper motion saves more.
    """
    return replace(setting, price=PORTRAIT_PRICE * setting.price, rdo=MOTION_PRICE * setting.rdo)


@dataclass(frozen=True, slots=True)
class Watched:
    """Both ends of a watched encode.

    Attributes:
        pace: gives frames at their own pace; ends the input when it is told to.
        spare: given the sound's packets at a low rate, which the stream doesn't hold.
    """

    pace: Pace = field(default_factory=Pace)
    spare: Callable[[SoundPiece], None] = lambda piece: None
