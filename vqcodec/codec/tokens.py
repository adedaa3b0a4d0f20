"""Tokens and portraits as values: read from a .vqt, made by an encoder or by a program, written back, rendered.

    .vqt --TokenSequence.read--> tokens (T, G, layers), ticks, portraits --write--> .vqt
                                   |                          |
                                   +-- what each frame does   +-- CodedPortrait: an AVIF still and its 48 features
                                                              +-- StreamPortrait: a unit of an AV1 sequence, and features

A token of frame t and layer r is a number in 0..624; the layers of a group of four dimensions add up to f_t - f_s, the
motion relative to a portrait (bitstream_spec/tokens.md). G is the number of groups, head.groups. In major version 1 the
portrait, a CodedPortrait, shows the frame, too. In version 2 it is number 0 of the frame's shot, and `runs` say which
portraits of the shot show the frame. Nothing here needs torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.files import Source, readable
from vqcodec.codec.portraits import CodedPortrait
from vqcodec.codec.shots import PortraitList, cut_portraits, runs_between
from vqcodec.codec.written import SequenceWriter
from vqcodec.container import Reader
from vqcodec.errors import UsageError
from vqcodec.format import CODES, GROUPS, LAYERS, VERSION_2, from_indices
from vqcodec.stream.opening import open_stream
from vqcodec.stream.portraits import StreamPortrait
from vqcodec.stream.walk import check_units
from vqcodec.types import (
    AudioGroup,
    FileLike,
    Head,
    KeyFrame,
    ModelId,
    MotionGroup,
    PortraitRun,
    PortraitUnit,
    StreamSizes,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenSequence:
    """The motion of T frames and the portraits that it moves.

    Attributes:
        tokens: (T, G, layers) uint16 in 0..624, T >= 1; the last axis is the residual layer, coarse first.
        ticks: (T,) int64 presentation times in ticks of head.time_base_s, strictly increasing.
        portraits: what frames are rendered from, in order; all of one kind, that of the major version.
        portrait_of: (T,) int64, which of them each frame's tokens are relative to.
        low_confidence: (T,) bool, true where the face was not seen and motion is held.
        head: rates, models, crop: what a .vqt says at its beginning.
        groups: first frames of the groups that are decodable on their own; () has them cut when written.
        sound: Opus packets, with head.audio.
        end_tick: when the last frame ends; None for one nominal frame after it begins.
        runs: major version 2: which portraits, by their numbers in the frame's shot, show the frames; T frames in all.
    """

    tokens: NDArray[np.uint16]
    ticks: NDArray[np.int64]
    portraits: tuple[CodedPortrait | StreamPortrait, ...]
    portrait_of: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    head: Head
    groups: tuple[int, ...] = ()
    sound: tuple[AudioGroup, ...] = ()
    end_tick: int | None = None
    runs: tuple[PortraitRun, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.tokens)
        shapes_fit = (
            count > 0
            and self.tokens.shape[1:] == (self.head.groups, self.head.layers)
            and self.ticks.shape == self.portrait_of.shape == self.low_confidence.shape == (count,)
        )
        if not shapes_fit:
            raise UsageError(
                f"tokens of shape {self.tokens.shape} with {self.ticks.shape} times, "
                f"{self.portrait_of.shape} portrait numbers and {self.head.layers} layers",
                hint=f"Give (T, {self.head.groups}, layers) tokens and T of the others, T >= 1.",
            )
        if self.tokens.min() < 0 or self.tokens.max() >= CODES:
            raise UsageError(f"tokens outside 0..{CODES - 1}", hint="They are numbers in 0..624.")
        if self.portrait_of.min() < 0 or self.portrait_of.max() >= len(self.portraits):
            raise UsageError(
                f"a frame wants portrait {int(self.portrait_of.max())} of {len(self.portraits)}",
                hint="Number them from 0.",
            )
        told = sum(run.frames for run in self.runs)
        if told != (count if self._in_shots else 0):
            raise UsageError(
                f"runs of {told} frames for {count} frames of version {self.head.version[0]}",
                hint="Version 1 has none; in version 2 they tell of every frame.",
            )

    @property
    def _in_shots(self) -> bool:
        """Major version 2: portraits are those of shots."""
        return self.head.version[0] == VERSION_2[0]

    @classmethod
    def of(
        cls,
        tokens: NDArray[np.uint16],
        portrait: CodedPortrait,
        *,
        frame_rate_hz: Fraction = Fraction(25),
        motion_space: ModelId | None = None,
        synthetic: bool = True,
    ) -> TokenSequence:
        """Tokens that a program made, at an even rate from time 0, for one portrait.

        Args:
            tokens: (T, 12, layers) in 0..624, layers 1..4.
            portrait: what they move.
            frame_rate_hz: frames per second.
            motion_space: what they mean; None for the newest shipped one of 12 groups, as `Codec.portrait` has it.
            synthetic: nobody was recorded: the file says so, and so do players.

        Raises:
            UsageError: shapes or values are others.
            ModelError: a shipped model is missing.
        """
        from vqcodec.models import store

        if tokens.ndim != 3 or tokens.shape[1] != GROUPS or not 1 <= tokens.shape[2] <= LAYERS:
            raise UsageError(
                f"tokens of shape {tokens.shape}",
                hint=f"Give (T, {GROUPS}, 1..4): of wider ones the first {GROUPS} groups, which fit any portrait.",
            )
        head = Head(
            time_base_s=1 / Fraction(frame_rate_hz),
            frame_rate_hz=Fraction(frame_rate_hz),
            layers=tokens.shape[2],
            motion_space=motion_space or store.plain_motion_space().id,
            renderer=store.current("renderer").id,
            synthetic=synthetic,
        )
        count = len(tokens)
        return cls(
            tokens=tokens,
            ticks=np.arange(count, dtype=np.int64),
            portraits=(portrait,),
            portrait_of=np.zeros(count, np.int64),
            low_confidence=np.zeros(count, np.bool_),
            head=head,
        )

    @classmethod
    def read(cls, source: Source) -> TokenSequence:
        """Read a .vqt stream, all of it. The scene around the square, and chunks that this version doesn't know, are left behind.

        Raises:
            BitstreamError, UnsupportedError: damaged, or of a newer version.
            MediaError: the file can't be read.
        """
        listed = PortraitList()
        groups: list[MotionGroup] = []
        sound: list[AudioGroup] = []
        with open_stream(readable(source)) as file:
            reader = Reader(file)
            for item in reader:
                if isinstance(item, AudioGroup):
                    sound.append(item)
                elif isinstance(item, MotionGroup):
                    groups.append(item)
                    listed.motion(item)
                elif isinstance(item, (KeyFrame, PortraitUnit)):
                    listed.portrait(item)
        return cls(
            tokens=np.concatenate([group.indices for group in groups]),
            ticks=np.concatenate([group.ticks for group in groups]),
            portraits=tuple(listed.portraits),
            portrait_of=np.array(listed.portrait_of, np.int64),
            low_confidence=np.concatenate([group.low_confidence for group in groups]),
            head=reader.head,
            groups=tuple(group.first_frame for group in groups),
            sound=tuple(sound),
            end_tick=reader.end_tick,
            runs=tuple(listed.runs),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, span: slice) -> TokenSequence:
        """Consecutive frames, with their times and portraits, without sound.

        Where, at an end of the slice, one portrait was passing to another one, it does so in the frames that are left.

        Raises:
            UsageError: the slice has a step, or holds no frame.
        """
        first, stop, step = span.indices(len(self))
        if step != 1 or first >= stop:
            raise UsageError(
                f"frames {first} to {stop} by {step}", hint="Take one or more in a row."
            )
        whole = stop == len(self)
        portraits, portrait_of = self.portraits, self.portrait_of[first:stop]
        if self._in_shots:
            own = [p for p in portraits if isinstance(p, StreamPortrait)]
            portraits, portrait_of = cut_portraits(own, self.portrait_of, first, stop)
        return replace(
            self,
            tokens=self.tokens[first:stop],
            ticks=self.ticks[first:stop],
            portraits=portraits,
            portrait_of=portrait_of,
            low_confidence=self.low_confidence[first:stop],
            head=replace(self.head, audio=None),
            groups=self._groups_between(first, stop),
            sound=(),
            end_tick=self.end_tick if whole else int(self.ticks[stop]),
            runs=tuple(runs_between(self.runs, first, stop)),
        )

    def _groups_between(self, first: int, stop: int) -> tuple[int, ...]:
        """() to have them cut anew; those of shots stay, so that no run is cut."""
        inside = (start - first for start in self.groups if first < start < stop)
        return (0, *inside) if self._in_shots and self.groups else ()

    @property
    def times_s(self) -> tuple[Fraction, ...]:
        """T exact presentation times in seconds."""
        return tuple(tick * self.head.time_base_s for tick in self.ticks.tolist())

    def features(self) -> NDArray[np.float32]:
        """(T, D) float32 motion features f_t: portrait plus dequantized tokens.

        Raises:
            UnsupportedError: the motion space isn't here, or has another number of dimensions D.
        """
        from vqcodec.geometry.basis import read_basis
        from vqcodec.models import store
        from vqcodec.quantize.grfsq import dequantize

        units = read_basis(store.find(self.head.motion_space, "motion space").path).units
        check_units(self.head, units)
        own = np.stack([portrait.features for portrait in self.portraits])
        base = dequantize(own, units)[self.portrait_of]
        return np.asarray(base + dequantize(from_indices(self.tokens), units), np.float32)

    def write(self, target: FileLike, *, force: bool = False) -> StreamSizes:
        """Write a .vqt stream; what `read` gave comes out byte for byte as it was (but unknown chunks).

        Raises:
            OutputExistsError: `target` exists and `force` is false.
            UsageError: what is here makes no valid stream; it says what.
            MediaError: the file can't be written.
        """
        from vqcodec.media.out.atomic import atomic_output

        with atomic_output(target, force=force) as sink:
            return SequenceWriter(self, sink).write()

    def to_bytes(self) -> bytes:
        """The .vqt stream that `write` writes."""
        sink = io.BytesIO()
        self.write(sink)
        return sink.getvalue()
