"""What is on air: a stream in the making, taken apart into what must arrive and what may be lost.

bytes of a .vqt --Programme.push, flush--> Moment: whole chunks | motion groups | sound | what a newcomer needs
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from vqcodec.container.chunks import Chunk
from vqcodec.container.faults import Fault, stream_error
from vqcodec.container.head import parse_head
from vqcodec.container.payloads import CodedGroup, parse_audio, parse_motion
from vqcodec.container.portraits import parse_portrait
from vqcodec.errors import UnsupportedError
from vqcodec.format import (
    AUDO_TYPE,
    GROUPS,
    HEAD_TYPE,
    IEND_TYPE,
    LAYERS,
    MOTN_TYPE,
    PORT_TYPE,
    SCNE_TYPE,
    SIGNATURE,
    VERSION_2,
)
from vqcodec.live.splitting import ChunkSplitter
from vqcodec.types import AudioGroup, Head


@dataclass(frozen=True, slots=True)
class Moment:
    """What has been made since the moment before.

    Attributes:
        whole: chunks that must arrive, one after the other.
        groups: motion, in order.
        sounds: Opus packets, in order.
        spare: the same sound at a lower rate; () where it is made at one rate only.
        joining: what a viewer who comes after this moment has to have first: signature, HEAD, and all portraits of the shot
            at hand; empty before HEAD.
        token_groups: G of the stream.
        layers: of the stream.
        time_base_s: seconds in a tick.
        over: nothing comes after it.
    """

    whole: bytes = b""
    groups: tuple[CodedGroup, ...] = ()
    sounds: tuple[AudioGroup, ...] = ()
    spare: tuple[AudioGroup, ...] = ()
    joining: bytes = b""
    token_groups: int = GROUPS
    layers: int = LAYERS
    time_base_s: Fraction = Fraction(1)
    over: bool = False

    def with_spare(self, spare: tuple[AudioGroup, ...]) -> Moment:
        """The same, with its sound at a lower rate."""
        return replace(self, spare=spare)


@dataclass(slots=True)
class _Made:
    """A moment in the making."""

    whole: list[bytes] = field(default_factory=list)
    groups: list[CodedGroup] = field(default_factory=list)
    sounds: list[AudioGroup] = field(default_factory=list)
    over: bool = False


class Programme:
    """Follows the bytes of a stream of major version 2 while they are written.

    Attributes:
        head: of the stream; None until it has come.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self._split = ChunkSplitter()
        self._begin = b""
        self._shot: list[bytes] = []
        self._made = _Made()

    def push(self, data: bytes) -> None:
        """Take more bytes.

        Raises:
            BitstreamError: they are no stream.
            UnsupportedError: it is one of major version 1, whose portraits are too large to be sent again and again.
        """
        for chunk, whole in self._split.push(data):
            try:
                self._take(chunk, whole)
            except Fault as fault:
                raise stream_error(fault.code, fault.message, chunk.offset) from None

    def flush(self) -> Moment:
        """What has come since the last call."""
        made, self._made = self._made, _Made()
        return Moment(
            b"".join(made.whole),
            tuple(made.groups),
            tuple(made.sounds),
            joining=self._begin + b"".join(self._shot),
            token_groups=GROUPS if self.head is None else self.head.groups,
            layers=LAYERS if self.head is None else self.head.layers,
            time_base_s=Fraction(1) if self.head is None else self.head.time_base_s,
            over=made.over,
        )

    def _take(self, chunk: Chunk, whole: bytes) -> None:
        made = self._made
        if chunk.type == HEAD_TYPE:
            self.head = parse_head(chunk.payload)
            if self.head.version[0] != VERSION_2[0]:
                raise UnsupportedError(
                    "a stream of major version 1 can't be shown live",
                    hint="Encode the video again: `vqcodec encode` writes version 2.",
                )
            self._begin = SIGNATURE + whole
            made.whole.append(self._begin)
            return
        assert (
            self.head is not None
        )  # the splitter's stream begins with HEAD, or its writer is wrong
        if chunk.type == MOTN_TYPE:
            made.groups.append(parse_motion(chunk.payload, VERSION_2[0]))
        elif chunk.type == AUDO_TYPE:
            made.sounds.append(parse_audio(chunk.payload))
        elif chunk.type in (PORT_TYPE, SCNE_TYPE):
            if (
                chunk.type == PORT_TYPE
                and parse_portrait(chunk.payload, self.head).outline.number == 0
            ):
                self._shot = []
            self._shot.append(whole)
            made.whole.append(whole)
        elif chunk.type == IEND_TYPE:
            made.whole.append(whole)
            made.over = True
