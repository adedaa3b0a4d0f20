"""One clock for all streams of a file: parts that were joined follow each other, and a wrong time of the sound is no new clock.

A joined file's timestamps start anew in every stream, and the streams' ends differ: were each moved to its own end, sound
and pictures would drift apart with every part. So the first that starts anew moves all: the new part begins where the
longest stream of the old one ended. What looks new to one stream only (three packets of it, while the others go on) moves
that one alone, and a clock that comes back is the old one again.

    packets --demux--> push --suspect? wait for witnesses--> packets on one clock --> decoders

Wrong times of single pictures are left to `Timeline`, which sees them in the order they are shown.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from itertools import pairwise

from vqcodec.media.picture.doubt import BEGIN_STAMPS, comes_back, wrong_at_start
from vqcodec.media.picture.stamps import (
    MAX_JUMP_S,
    MAX_STEP_BACK_S,
    SOUND_GAP_S,
    AnyPacket,
    Track,
    length_s,
    move,
    stamp_s,
)

_NEAR_S = 10
_LATE_S = Fraction(1, 2)
_WITNESSES = 2
_ALONE_PACKETS = 8
_MAX_WAITING = 200
_JUMP_PACKETS = 24
_JUMP_PACKETS_ALONE = 8
_FEW = 4


class JoinedClock:
    """Packets in file order in, the same with timestamps of one clock out.

    Attributes:
        joins: how often the clock started anew.
        wrong: packets of sound whose time was wrong.
        guessed: pictures whose time was wrong: moved, or without one now.
        apart_s: so much later than the others' clock a stream's was, which begins with them now; None where they share one.
    """

    def __init__(self, sound: int | None, latest_s: Fraction | None = None) -> None:
        """`sound` is the index of the sound stream; no packet begins after `latest_s`, if that is known."""
        self.joins = self.wrong = self.guessed = 0
        self.apart_s: Fraction | None = None
        self._sound, self._latest_s, self._ended = sound, latest_s, False
        self._tracks: dict[int, Track] = {}
        self._offsets = [Fraction(0)]
        self._waiting: deque[AnyPacket] = deque()

    def push(self, packet: AnyPacket) -> list[AnyPacket]:
        """Take the next packet; gives those that are placed now, in order."""
        self._waiting.append(packet)
        return self._settle(ended=False)

    def flush(self) -> list[AnyPacket]:
        """The packets that still wait, at the end."""
        self._ended = True
        return self._settle(ended=True)

    def _settle(self, *, ended: bool) -> list[AnyPacket]:
        given = []
        while self._waiting and self._place(ended or len(self._waiting) > _MAX_WAITING):
            given.append(self._waiting.popleft())
        return given

    def _place(self, forced: bool) -> bool:
        """Put the first packet that waits on the clock; false where others must be seen first."""
        packet = self._waiting[0]
        raw_s, step_s = stamp_s(packet), length_s(packet)
        if raw_s is None:
            return True
        index = packet.stream.index
        track = self._tracks.setdefault(index, Track(index == self._sound))
        later = self._later(index)
        if track.last_s is None:
            if len(later) < BEGIN_STAMPS - 1 and not forced:
                return False
            return self._begin(track, packet, [raw_s, *later], forced)
        back = self._returns(track, raw_s)
        if back is not None:
            track.offset_s = back
        elif not track.is_next(raw_s + track.offset_s, step_s):
            return self._judge(track, packet, [raw_s, *later], forced)
        self._put(track, packet)
        return True

    def _begin(self, track: Track, packet: AnyPacket, stamps: list[Fraction], forced: bool) -> bool:
        """The first packet of a stream: if those after it contradict, it is the wrong one.

        A stream that begins long before where the others are is of a part that was joined, and the old one lacked it; one
        that begins so late that there can't be a recording in between has another clock.
        """
        step_s, raw_s, now_s = length_s(packet), stamps[0], self._end_s()
        begun = [t.first_s for t in self._tracks.values() if t.first_s is not None]
        if begun and min(stamps) > now_s + MAX_JUMP_S:
            self.apart_s, track.alone, track.offset_s = raw_s - min(begun), True, min(begun) - raw_s
            self._put(track, packet)
            return True
        if raw_s < now_s - MAX_STEP_BACK_S:
            fits = any(now_s - _LATE_S <= raw_s + o <= now_s + _NEAR_S for o in self._offsets)
            alone = False if fits else self._is_alone(packet)
            if alone is None and not forced:
                return False
            if alone is False:
                track.end_s = now_s
                self._restart(track, packet, raw_s)
                self._put(track, packet)
                return True
        near_s = SOUND_GAP_S + step_s if track.is_sound else Fraction(MAX_JUMP_S)
        count = wrong_at_start(stamps, step_s, track.back_s(step_s), near_s)
        if count:
            self._tell_wrong(track)
            move(packet, stamps[count] - count * step_s - raw_s)
        self._put(track, packet)
        if count > 1:  # the next is looked at as another first one
            track.last_s = None
        return True

    def _judge(self, track: Track, packet: AnyPacket, stamps: list[Fraction], forced: bool) -> bool:
        """A packet that isn't where the one before lets expect: a hole, a wrong time or another clock."""
        step_s, at_s = length_s(packet), [stamp + track.offset_s for stamp in stamps]
        slack_s = Fraction(0) if track.is_sound else track.back_s(step_s)
        follows = [-slack_s <= b - a <= _NEAR_S for a, b in pairwise(stamps)]
        if not forced and len(stamps) < 2:
            return False
        if track.is_near(at_s[0], step_s) and (not follows or follows[0]):
            wrong = self._is_for_a_while(track, packet, at_s, step_s)
            if wrong is None and not forced:
                return False
            if wrong:
                self._set_aside(track, packet, at_s[0])
            else:
                self._put(track, packet)  # a hole, or an overlap
            return True
        if any(track.is_near(s, step_s) for s in at_s[1 : 1 + _WITNESSES]) or not any(follows):
            if track.is_sound or track.wrong:
                self._set_aside(track, packet, at_s[0])
            else:
                self._put(track, packet, is_witness=False)
            return True
        if self._ended and len(stamps) < _FEW and len(self._offsets) == 1:
            self._set_aside(track, packet, at_s[0])
            return True
        if not forced and (len(stamps) <= _WITNESSES or self._is_alone(packet) is None):
            return False
        self._restart(track, packet, stamps[0])
        self._put(track, packet)
        return True

    def _is_for_a_while(
        self, track: Track, packet: AnyPacket, at_s: list[Fraction], step_s: Fraction
    ) -> bool | None:
        """Whether a jump ahead is no hole, but wrong times: the stream comes back, or ends where the others do.

        None where too little is known; False where other streams have come as far.
        """
        slack_s = SOUND_GAP_S if track.is_sound else track.back_s(step_s)
        if at_s[0] <= track.end_s + slack_s:
            return False
        if comes_back(at_s, track.end_s, slack_s):
            return True
        others = [t for t in self._tracks.values() if t is not track and t.last_s is not None]
        near_s = at_s[0] - min(Fraction(MAX_STEP_BACK_S), (at_s[0] - track.end_s) / 2)
        if any(other.end_s >= near_s for other in others):
            return False
        if not self._ended:
            most = _JUMP_PACKETS if others else _JUMP_PACKETS_ALONE
            return None if len(at_s) <= most else False
        index = packet.stream.index
        stamps = [
            s for p in self._waiting if p.stream.index != index and (s := stamp_s(p)) is not None
        ]
        reach_s = max([*(other.end_s for other in others), *stamps], default=None)
        if reach_s is not None and reach_s >= near_s:
            return False
        if self._latest_s is not None and at_s[0] > self._latest_s:
            return True
        together = reach_s is not None and reach_s <= track.end_s + MAX_STEP_BACK_S
        return together and len(at_s) < _FEW

    def _set_aside(self, track: Track, packet: AnyPacket, at_s: Fraction) -> None:
        """A packet whose time is wrong: sound goes behind the one before, of pictures `Timeline` makes another."""
        self._tell_wrong(track)
        if track.is_sound:
            move(packet, track.end_s - at_s)
            self._put(track, packet)
        else:
            packet.pts = packet.dts = None
            track.wrong = True

    def _tell_wrong(self, track: Track) -> None:
        self.wrong += track.is_sound
        self.guessed += not track.is_sound

    def _restart(self, track: Track, packet: AnyPacket, raw_s: Fraction) -> None:
        """The clock starts anew, for all streams unless the others go on."""
        for offset_s in reversed(self._offsets):  # another stream was there before this one
            if track.end_s - _LATE_S <= raw_s + offset_s <= self._end_s() + _NEAR_S:
                track.offset_s = offset_s
                return
        self.joins += 1
        track.alone = bool(self._is_alone(packet))
        if track.alone:
            track.offset_s = track.end_s - raw_s
            return
        others = [s for p in self._waiting if (s := stamp_s(p)) is not None]
        begin_s = min([raw_s, *(s for s in others if abs(s - raw_s) <= MAX_STEP_BACK_S)])
        track.offset_s = max([self._end_s(), *self._still_old()]) - begin_s
        self._offsets.append(track.offset_s)

    def _is_alone(self, packet: AnyPacket) -> bool | None:
        """Whether the other streams go on as before; None where too little of them is known."""
        waiting = list(self._waiting)
        verdict: bool | None = False
        for index, other in self._tracks.items():
            if index == packet.stream.index or other.last_s is None:
                continue
            stamps = [
                (s, length_s(p))
                for p in waiting
                if p.stream.index == index and (s := stamp_s(p)) is not None
            ]
            if any(not other.is_near(s + other.offset_s, step_s) for s, step_s in stamps):
                return False
            if len(stamps) < _ALONE_PACKETS:
                verdict = None
            elif verdict is False:
                verdict = True
        return verdict

    def _returns(self, track: Track, raw_s: Fraction) -> Fraction | None:
        """The offset of a clock that comes back: one known before continues the stream better than the present one."""
        if track.offset_s == 0 or raw_s + track.offset_s <= track.end_s + _LATE_S:
            return None
        most_s = MAX_JUMP_S if track.alone else MAX_STEP_BACK_S
        comes_back = track.end_s - SOUND_GAP_S <= raw_s <= track.end_s + most_s
        return Fraction(0) if comes_back else None

    def _end_s(self) -> Fraction:
        return max(track.end_s for track in self._tracks.values())

    def _still_old(self) -> list[Fraction]:
        """Ends of packets that wait and are of the old part: a demuxer may hold a stream's last one back."""
        ends = []
        for packet in self._waiting:
            track, raw_s = self._tracks.get(packet.stream.index), stamp_s(packet)
            if track is not None and track.last_s is not None and raw_s is not None:
                at_s, step_s = raw_s + track.offset_s, length_s(packet)
                ends += [at_s + step_s] if track.is_next(at_s, step_s) else []
        return ends

    def _later(self, index: int) -> list[Fraction]:
        """Stamps of the packets of one stream that wait behind the first."""
        rest = list(self._waiting)[1:]
        return [s for p in rest if p.stream.index == index and (s := stamp_s(p)) is not None][:8]

    def _put(self, track: Track, packet: AnyPacket, *, is_witness: bool = True) -> None:
        if track.offset_s:
            move(packet, track.offset_s)
        at_s, track.wrong = stamp_s(packet), False
        assert at_s is not None
        if is_witness or track.is_sound:
            track.first_s = at_s if track.first_s is None else track.first_s
            track.last_s = at_s
            ends_s = at_s + length_s(packet)
            track.end_s = ends_s if track.is_sound else max(track.end_s, ends_s)
