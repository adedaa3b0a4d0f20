"""The picture track of a file that is being written.

pictures   0        1                                  2          times in ticks; a frame rate is only a hint
written    0        1        1        1        1       2          a long time is filled with the picture before
lasting    |--------|--------|--------|--------|-------|-------|  every packet says how long: the last until `hold`
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias, cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vqcodec.errors import UsageError
from vqcodec.media.picture.colour import YuvConverter

_BT709 = 1  # H.273: primaries, transfer and matrix alike
_KEY_INTERVAL_S = 2
_MAX_TICKS_PER_S = 10_000_000  # above, what is rounded is nothing, and long pictures would be many
_COARSE_TICKS_PER_S = 1_000_000
_MAX_STEP_TICKS = 1 << 27  # muxers count the ticks that a few pictures last in 31 bits
_HELD_STEP_S = 1
_SLOWEST_HZ, _FASTEST_HZ, _SLOWEST_KEYS_HZ = Fraction(1), Fraction(240), 10
_RATE_PRECISION = 1_000_000
_VP9_MORE_CRF = 13  # VP9's crf runs to 63; 18 of x264 looks like 31 there

MuxedPacket: TypeAlias = "Packet[Stream]"


def usual_rate(frame_rate_hz: Fraction) -> Fraction:
    """A rate that encoders and muxers can take: from 1 to 240 Hz, its terms below 2^31. Usual ones stay as they are."""
    if frame_rate_hz < _SLOWEST_HZ:
        return _SLOWEST_HZ
    return min(frame_rate_hz, _FASTEST_HZ).limit_denominator(_RATE_PRECISION)


def _options(codec: str, preset: str, crf: int) -> dict[str, object]:
    """What an encoder is told besides."""
    if codec == "libx264":
        return {"preset": preset, "crf": str(crf)}
    quality = str(min(63, crf + _VP9_MORE_CRF))
    return {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "crf": quality}


class VideoTrack:
    """RGB pictures -> H.264 (or VP9) packets, whose times are exact where the container can say them."""

    def __init__(
        self,
        container: OutputContainer,
        codec: str,
        size: tuple[int, int],
        rate_hz: Fraction,
        tick_s: Fraction,
        crf: int,
        preset: str,
        threads: int,
    ) -> None:
        """`size` is of the pictures given; odd sizes grow by a repeated line."""
        self._size = size
        self._converter = YuvConverter()
        self._last, self._latest_s = -1, Fraction(-1)
        self._shown: av.VideoFrame | None = None  # the latest picture
        self._lasting: dict[
            int, int
        ] = {}  # ticks that a picture lasts, by its time, until its packet comes
        self._waiting: deque[MuxedPacket] = (
            deque()
        )  # the latest picture's packet, and what follows it
        self._first: tuple[int, int] | None = None  # when the first packet is shown and decoded
        # These take a track's length from the times of decoding, which lag behind, and the last packet's duration.
        self._counts_decoding = container.format.name in ("mp4", "mov")
        # Muxers take 1/n as time base; k * 1001/30000 s is a whole number of 1/30000 s.
        self._ticks_per_s, self._exact = tick_s.denominator, True
        if self._ticks_per_s > _MAX_TICKS_PER_S:
            self._ticks_per_s, self._exact = _COARSE_TICKS_PER_S, False
        rate_hz = usual_rate(rate_hz)
        self._nominal = max(round(self._ticks_per_s / rate_hz), 1)
        self._held_step = max(min(_HELD_STEP_S * self._ticks_per_s, _MAX_STEP_TICKS), 1)
        self._stream = cast(VideoStream, container.add_stream(codec, rate=rate_hz))
        stream, context = self._stream, self._stream.codec_context
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = context.time_base = Fraction(1, self._ticks_per_s)
        context.gop_size = round(
            _KEY_INTERVAL_S * (rate_hz if rate_hz > _SLOWEST_KEYS_HZ else _SLOWEST_KEYS_HZ)
        )
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = ColorRange.MPEG
        context.thread_type, context.thread_count = "FRAME", threads
        stream.options = _options(codec, preset, crf)
        if codec != "libx264":
            context.bit_rate = 0

    def encode(self, rgb: NDArray[np.uint8], time_s: Fraction) -> list[MuxedPacket]:
        """Packets that are ready. Raises UsageError for a wrong size or time."""
        if rgb.dtype != np.uint8 or rgb.shape != (self._size[1], self._size[0], 3):
            raise UsageError(
                f"a picture of shape {rgb.shape}, {rgb.dtype}",
                hint=f"this file takes ({self._size[1]}, {self._size[0]}, 3) uint8",
            )
        at = self._tick(time_s)
        if self._size[0] % 2 or self._size[1] % 2:
            rgb = np.pad(rgb, ((0, self._size[1] % 2), (0, self._size[0] % 2), (0, 0)), mode="edge")
        filled = self._held(at, _MAX_STEP_TICKS)
        self._shown = self._converter.yuv(rgb)
        return filled + self._add(at)

    def hold(self, until_s: Fraction) -> list[MuxedPacket]:
        """Show the latest picture until a time: it is written again once a second, and says how long it lasts."""
        if self._last < 0:
            return []
        end = max(int(Fraction(until_s) * self._ticks_per_s), self._last + 1)
        packets = self._held(end, self._held_step)
        self._lasting[self._last] = end - self._last
        return packets

    def flush(self) -> list[MuxedPacket]:
        """The packets that were held back."""
        if self._last < 0:
            return []
        end = self._last + self._lasting.setdefault(self._last, self._nominal)
        packets = self._ready(self._stream.encode(None))
        if packets and self._counts_decoding and self._first is not None:
            shown, decoded = self._first
            counted = end - shown - ((packets[-1].dts or 0) - decoded)
            packets[-1].duration = counted if counted > 0 else end - self._last
        return packets

    @property
    def empty(self) -> bool:
        """No picture was added."""
        return self._last < 0

    def _tick(self, time_s: Fraction) -> int:
        """A time in ticks: exact, or the nearest of coarse ones, with no picture on another's."""
        ticks = Fraction(time_s) * self._ticks_per_s
        if time_s <= self._latest_s or (self._exact and ticks.denominator != 1):
            raise UsageError(
                f"a picture at {time_s} s after one at {self._latest_s} s",
                hint=f"times are multiples of 1/{self._ticks_per_s} s and increase from 0",
            )
        self._latest_s = Fraction(time_s)
        return max(round(ticks), self._last + 1)

    def _held(self, until: int, step: int) -> list[MuxedPacket]:
        """The latest picture again, so often that none lasts longer than a step."""
        packets: list[MuxedPacket] = []
        while self._shown is not None and until - self._last > step:
            packets += self._add(self._last + step)
        return packets

    def _add(self, at: int) -> list[MuxedPacket]:
        """Encode the latest picture for a time."""
        frame = self._shown
        assert frame is not None  # set by whoever calls
        if self._last >= 0:
            self._lasting[self._last] = at - self._last
        self._last = at
        frame.pts, frame.time_base = at, Fraction(1, self._ticks_per_s)
        return self._ready(self._stream.encode(frame))

    def _ready(self, packets: Iterable[MuxedPacket]) -> list[MuxedPacket]:
        """What can be written: a packet whose picture's end isn't known yet waits, and so do those after it."""
        self._waiting.extend(packets)
        ready: list[MuxedPacket] = []
        while self._waiting and (lasting := self._lasting.pop(self._waiting[0].pts or 0, None)):
            packet = self._waiting.popleft()
            packet.duration = lasting
            self._first = self._first or (packet.pts or 0, packet.dts or 0)
            ready.append(packet)
        return ready
