"""The viewing process of a measurement (`live` starts it): connects through a line, shows by the clock, tells what was when.

python -m MODULE ADDRESS LOSS DELAY_S SEED        reads the sender's time 0 from stdin, prints JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from typing import Any

import aioice.ice

from vqcodec.lab.live.relay import Line
from vqcodec.live.client import Watch
from vqcodec.live.receiver import Receiver
from vqcodec.types import AudioGroup, MotionGroup

LOOK_EVERY_S = 0.005
CONNECT_WITHIN_S = 60.0
QUIET_S = 3.0


@dataclass(slots=True)
class Shown:
    """What a screen would have shown.

    Attributes:
        frames: time of each in the stream, when it was shown, and where the clock stood then.
        sound_s: seconds of sound that were there when they were to be heard.
    """

    frames: list[tuple[float, float, float]] = field(default_factory=list)
    sound_s: float = 0.0
    _waiting: list[float] = field(default_factory=list)

    def look(self, receiver: Receiver, now_s: float) -> None:
        """Show the newest frame that is due."""
        position_s = receiver.playout.position(now_s)
        head = receiver.head
        for item in receiver.due(now_s):
            if isinstance(item, MotionGroup) and head is not None:
                origin = receiver.origin_tick or 0
                base_s = head.time_base_s
                self._waiting += [float((int(tick) + origin) * base_s) for tick in item.ticks]
            elif isinstance(item, AudioGroup):
                self.sound_s += 0.06 * len(item.packets)
        due = [
            time_s for time_s in self._waiting if position_s is not None and time_s <= position_s
        ]
        if due:
            self.frames.append((due[-1], now_s, float(position_s or Fraction(0))))
            self._waiting = [time_s for time_s in self._waiting if time_s > due[-1]]


async def view(address: str, loss: float, delay_s: float, seed: int) -> dict[str, Any]:
    """Watch until nothing more comes; see `figures`."""
    line = Line(loss, delay_s, seed)
    host = next(a for a in aioice.ice.get_host_addresses(True, False))
    await line.open(host)
    began_s = time.monotonic()
    async with Watch(address, line) as watch:
        zero = await asyncio.to_thread(sys.stdin.readline)
        connected_s = time.monotonic() - began_s
        zero_s = float(json.loads(zero)["zero_s"])
        shown = Shown()
        while not watch.receiver.over and _alive(watch.receiver, zero_s):
            shown.look(watch.receiver, time.monotonic())
            await asyncio.sleep(LOOK_EVERY_S)
        watch.check()
    line.close()
    return figures(shown, watch.receiver, line, zero_s) | {"connected_s": connected_s}


def _alive(receiver: Receiver, zero_s: float) -> bool:
    last_s = receiver.playout.heard_s
    now_s = time.monotonic()
    return now_s - (zero_s + CONNECT_WITHIN_S if last_s is None else last_s) < QUIET_S


def figures(shown: Shown, receiver: Receiver, line: Line, zero_s: float) -> dict[str, Any]:
    """What came of it.

    Returns:
        Frames given with their own tokens, with those of a copy, and shown at all; seconds of sound; medians and 95 % of the
        delay from a frame's time to its showing, and of how far behind the clock (so the sound) it was shown, in milliseconds;
        kilobits a second both ways, from time 0 to the last frame's.
    """
    tally = receiver.tally
    delays = sorted(1000 * (at_s - zero_s - time_s) for time_s, at_s, _ in shown.frames)
    behind = sorted(1000 * (position_s - time_s) for time_s, _, position_s in shown.frames)
    last_s = max((time_s for time_s, _, _ in shown.frames), default=1.0)
    return {
        "exact": tally.exact,
        "coarse": tally.coarse,
        "shown": len(shown.frames),
        "sound_s": shown.sound_s,
        "delay_ms": median(delays or [float("nan")]),
        "delay_95_ms": _share(delays, 0.95),
        "behind_ms": median(behind or [float("nan")]),
        "behind_95_ms": _share(behind, 0.95),
        "down_kbps": line.down.kbps(zero_s, zero_s + last_s),
        "up_kbps": line.up.kbps(zero_s, zero_s + last_s),
        "packets": tally.packets,
        "lost": tally.lost,
    }


def _share(values: list[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


if __name__ == "__main__":
    told = asyncio.run(view(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
    sys.stdout.write(json.dumps(told) + "\n")
