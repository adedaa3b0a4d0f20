"""What a viewer makes of what comes: the items of a valid stream, each at its time, whatever was lost.

    pieces  --ChunkSplitter--> HEAD, portraits, scenes     come all, and in order
    packets --parse--> groups and sound by their times     the best of each; what comes too late is left out
    due(now)       --> PortraitUnit, ScenePicture, MotionGroup, AudioGroup: what a Writer writes and a decoder shows

A frame is shown with its own tokens, or with the coarse layers of a copy, or isn't there, and the one before it is held:
groups need nothing of each other, so that a loss costs what was lost and nothing behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vqcodec.container.chunks import Chunk
from vqcodec.container.faults import Fault, stream_error
from vqcodec.container.head import parse_head
from vqcodec.container.payloads import CodedGroup, parse_audio, parse_motion
from vqcodec.container.portraits import parse_portrait
from vqcodec.container.reader import Item
from vqcodec.container.scenes import scene_of
from vqcodec.container.shots import Shots
from vqcodec.errors import BitstreamError
from vqcodec.format import HEAD_TYPE, IEND_TYPE, MAX_STREAM_S, PORT_TYPE, SCNE_TYPE, VERSION_2
from vqcodec.live.outlet import Outlet
from vqcodec.live.playout import Playout
from vqcodec.live.splitting import ChunkSplitter
from vqcodec.live.wire import Packet, PartKind, Report, ahead, parse_packet
from vqcodec.types import AudioGroup, Head

MOST_WAITING = 64
"""Groups, and pieces of sound, that wait for their time: some seconds."""


@dataclass(slots=True)
class Tally:
    """What has come.

    Attributes:
        packets: came, each counted once.
        lost: never came, as far as their numbers tell.
        refused: came, and could not be read.
        exact: frames given with their own tokens.
        coarse: frames given with those of a copy.
        late: frames whose own tokens came when they, or ones behind them, had been given.
    """

    packets: int = 0
    lost: int = 0
    refused: int = 0
    exact: int = 0
    coarse: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting:
    group: CodedGroup
    own: bool


class Receiver:
    """One viewer's end.

    Attributes:
        head: of the stream; None until it has come.
        playout: when things are shown.
        tally: what has come.
        over: the sender has said that nothing more comes.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.playout = Playout()
        self.tally = Tally()
        self.over = False
        self._split = ChunkSplitter()
        self._shots = Shots(first=None)
        self._outlet = Outlet()
        self._groups: dict[int, _Waiting] = {}
        self._sounds: dict[int, AudioGroup] = {}
        self._newest: int | None = None
        self._come: set[int] = set()  # numbers of the last packets
        self._told = (0, 0, 0.0)  # packets, lost, when

    @property
    def origin_tick(self) -> int | None:
        """The sender's tick that is 0 in what is given; None before the first frame."""
        return self._outlet.origin_tick

    def whole(self, data: bytes) -> None:
        """Take a message of the reliable channel.

        Raises:
            BitstreamError, UnsupportedError: the sender sends no stream that this version reads.
        """
        for chunk, _ in self._split.push(data):
            try:
                self._take(chunk)
            except Fault as fault:
                raise stream_error(fault.code, fault.message, chunk.offset) from None

    def packet(self, data: bytes, now_s: float) -> None:
        """Take a message of the unreliable channel; one that can't be read is as good as lost.

        Args:
            data: its bytes.
            now_s: when it came, by any clock that runs evenly.
        """
        try:
            packet = parse_packet(data)
            groups, sounds = _parsed(packet)
        except (BitstreamError, Fault):
            self.tally.refused += 1
            return
        lost = self._count(packet.number)
        if lost is None:
            return
        for waiting in groups:
            self._add(waiting)
        for sound in sounds:
            self._sounds.setdefault(sound.first_sample, sound)
        self._bound()
        own = [waiting.group for waiting in groups if waiting.own]
        if own and self.head is not None:
            time_base_s = self.head.time_base_s
            first_s, last_s = (int(own[-1].ticks[n]) * time_base_s for n in (0, -1))
            self.playout.arrived(first_s, last_s, now_s, lost)

    def due(self, now_s: float) -> list[Item]:
        """What can be given now, in order: frames that are due, and those that nothing better can come for."""
        position_s = self.playout.position(now_s)
        return [] if self.head is None or position_s is None else self._until(position_s)

    def rest(self) -> list[Item]:
        """All that still waits, at the end."""
        return [] if self.head is None else self._until(Fraction(MAX_STREAM_S))

    def report(self, now_s: float) -> Report:
        """What has come since the last report."""
        packets, lost, since_s = self._told
        self._told = self.tally.packets, self.tally.lost, now_s
        come = self.tally.packets - packets
        due = come + max(self.tally.lost - lost, 0)
        return Report(self._newest or 0, due, come, self.playout.late_ms(since_s))

    def _until(self, position_s: Fraction) -> list[Item]:
        given: list[Item] = []
        while self._groups:
            tick = min(self._groups)
            waiting = self._groups[tick]
            state = self._outlet.state(waiting.group, waiting.own, position_s)
            if state == "waits":
                break
            del self._groups[tick]
            items = self._outlet.give(waiting.group, waiting.own) if state == "ready" else []
            self._note(waiting, bool(items))
            given += items
        while self._sounds:
            sample = min(self._sounds)
            if not self._outlet.hears(sample, position_s):
                break
            given += self._outlet.sound(self._sounds.pop(sample))
        return given

    def _take(self, chunk: Chunk) -> None:
        if chunk.type == HEAD_TYPE:
            self.head = self._outlet.head = parse_head(chunk.payload)
        elif chunk.type == PORT_TYPE and self.head is not None:
            portrait = parse_portrait(chunk.payload, self.head)
            self._shots.portrait(portrait.outline)
            self._outlet.portrait(self._shots.unit(portrait))
        elif chunk.type == SCNE_TYPE:
            scene = scene_of(chunk)
            if scene is not None:
                self._outlet.scene(scene)
        elif chunk.type == IEND_TYPE:
            self.over = True

    def _count(self, number: int) -> int | None:
        """Note a packet; how many are missing before it, None for one that came before."""
        step = 1 if self._newest is None else ahead(number, self._newest)
        if number in self._come or step <= -MOST_WAITING:
            return None
        self._come.add(number)
        self.tally.packets += 1
        if step <= 0:
            self.tally.lost = max(self.tally.lost - 1, 0)
            return 0
        self._newest = number
        self.tally.lost += step - 1
        self._come = {each for each in self._come if ahead(each, number) > -MOST_WAITING}
        return step - 1

    def _add(self, waiting: _Waiting) -> None:
        tick = int(waiting.group.ticks[0])
        known = self._groups.get(tick)
        if known is None or (waiting.own, len(waiting.group.payloads)) > (
            known.own,
            len(known.group.payloads),
        ):
            self._groups[tick] = waiting

    def _bound(self) -> None:
        """Let go of what is furthest ahead: a sender that runs away mustn't fill the memory."""
        while len(self._groups) > MOST_WAITING:
            del self._groups[max(self._groups)]
        while len(self._sounds) > MOST_WAITING:
            del self._sounds[max(self._sounds)]

    def _note(self, waiting: _Waiting, given: bool) -> None:
        frames = len(waiting.group.ticks)
        if given and waiting.own:
            self.tally.exact += frames
        elif given:
            self.tally.coarse += frames
        elif waiting.own:
            self.tally.late += frames


def _parsed(packet: Packet) -> tuple[list[_Waiting], list[AudioGroup]]:
    """The groups and the sound of a packet."""
    groups, sounds = [], []
    for part in packet.parts:
        if part.kind in (PartKind.MOTION, PartKind.COPY):
            group = parse_motion(part.payload, VERSION_2[0])
            groups.append(_Waiting(group, part.kind == PartKind.MOTION))
        elif part.kind == PartKind.SOUND:
            sounds.append(parse_audio(part.payload))
    return groups, sounds
