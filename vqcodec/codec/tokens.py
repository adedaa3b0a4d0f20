"""Tokens and portraits as values: read from a .vqt, made by an encoder or by a program, written back, rendered.

    .vqt --TokenSequence.read--> tokens (T, 12, layers), ticks, portraits --write--> .vqt
                                   |                          |
                                   +-- what each frame does   +-- CodedPortrait: an AVIF still and its 48 features

A token of frame t and layer r is a number in 0..624; the layers of a group of four dimensions add up to f_t - f_s, the
motion relative to the portrait (bitstream_spec/tokens.md). Nothing here needs torch.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqcodec.codec.files import Source, readable
from vqcodec.codec.grouping import group_spans
from vqcodec.codec.portraits import CodedPortrait
from vqcodec.container import Reader, Writer
from vqcodec.errors import UnsupportedError, UsageError
from vqcodec.format import CODES, GROUPS, LAYERS, VERSION, from_indices
from vqcodec.stream.opening import open_stream
from vqcodec.types import (
    AudioGroup,
    FileLike,
    Head,
    KeyFrame,
    ModelId,
    MotionGroup,
    StreamSizes,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenSequence:
    """The motion of T frames and the portraits that it moves.

    Attributes:
        tokens: (T, 12, layers) uint16 in 0..624, T >= 1; the last axis is the residual layer, coarse first.
        ticks: (T,) int64 presentation times in ticks of head.time_base_s, strictly increasing.
        portraits: what frames are rendered from, in order.
        portrait_of: (T,) int64, which of them each frame is rendered from.
        low_confidence: (T,) bool, true where the face was not seen and motion is held.
        head: rates, models, crop: what a .vqt says at its beginning.
        groups: first frames of the groups that are decodable on their own; () has them cut when written.
        sound: Opus packets, with head.audio.
        end_tick: when the last frame ends; None for one nominal frame after it begins.
    """

    tokens: NDArray[np.uint16]
    ticks: NDArray[np.int64]
    portraits: tuple[CodedPortrait, ...]
    portrait_of: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    head: Head
    groups: tuple[int, ...] = ()
    sound: tuple[AudioGroup, ...] = ()
    end_tick: int | None = None

    def __post_init__(self) -> None:
        count = len(self.tokens)
        shapes_fit = (
            count > 0
            and self.tokens.shape[1:] == (GROUPS, self.head.layers)
            and self.ticks.shape == self.portrait_of.shape == self.low_confidence.shape == (count,)
        )
        if not shapes_fit:
            raise UsageError(
                f"tokens of shape {self.tokens.shape} with {self.ticks.shape} times, "
                f"{self.portrait_of.shape} portrait numbers and {self.head.layers} layers",
                hint="Give (T, 12, layers) tokens and T of the others, T >= 1.",
            )
        if self.tokens.min() < 0 or self.tokens.max() >= CODES:
            raise UsageError(f"tokens outside 0..{CODES - 1}", hint="They are numbers in 0..624.")
        if self.portrait_of.min() < 0 or self.portrait_of.max() >= len(self.portraits):
            raise UsageError(
                f"a frame wants portrait {int(self.portrait_of.max())} of {len(self.portraits)}",
                hint="Number them from 0.",
            )

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
            motion_space: what they mean; None for the shipped one.
            synthetic: nobody was recorded: the file says so, and so do players.

        Raises:
            UsageError: shapes or values are others.
            ModelError: a shipped model is missing.
        """
        from vqcodec.models import store

        if tokens.ndim != 3 or not 1 <= tokens.shape[2] <= LAYERS:
            raise UsageError(f"tokens of shape {tokens.shape}", hint="Give (T, 12, 1..4).")
        head = Head(
            time_base_s=1 / Fraction(frame_rate_hz),
            frame_rate_hz=Fraction(frame_rate_hz),
            layers=tokens.shape[2],
            motion_space=motion_space or store.current("motion_space").id,
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
        """Read a .vqt stream, all of it. Chunks that this version doesn't know are left behind.

        Raises:
            BitstreamError, UnsupportedError: damaged, or of a newer version.
            MediaError: the file can't be read.
        """
        portraits: list[CodedPortrait] = []
        groups: list[MotionGroup] = []
        owners: list[int] = []
        sound: list[AudioGroup] = []
        with open_stream(readable(source)) as file:
            reader = Reader(file)
            if reader.head.version[0] != VERSION[0]:
                raise UnsupportedError("only streams with key frames have one list of tokens")
            for item in reader:
                if isinstance(item, KeyFrame):
                    portraits.append(CodedPortrait(item.still, item.features))
                elif isinstance(item, MotionGroup):
                    groups.append(item)
                    owners += [len(portraits) - 1] * len(item.ticks)
                elif isinstance(item, AudioGroup):
                    sound.append(item)
        return cls(
            tokens=np.concatenate([group.indices for group in groups]),
            ticks=np.concatenate([group.ticks for group in groups]),
            portraits=tuple(portraits),
            portrait_of=np.array(owners, np.int64),
            low_confidence=np.concatenate([group.low_confidence for group in groups]),
            head=reader.head,
            groups=tuple(group.first_frame for group in groups),
            sound=tuple(sound),
            end_tick=reader.end_tick,
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, span: slice) -> TokenSequence:
        """Consecutive frames, with their times and portraits, without sound.

        Raises:
            UsageError: the slice has a step, or holds no frame.
        """
        first, stop, step = span.indices(len(self))
        if step != 1 or first >= stop:
            raise UsageError(
                f"frames {first} to {stop} by {step}", hint="Take one or more in a row."
            )
        whole = stop == len(self)
        return replace(
            self,
            tokens=self.tokens[first:stop],
            ticks=self.ticks[first:stop],
            portrait_of=self.portrait_of[first:stop],
            low_confidence=self.low_confidence[first:stop],
            head=replace(self.head, audio=None),
            groups=(),
            sound=(),
            end_tick=self.end_tick if whole else int(self.ticks[stop]),
        )

    @property
    def times_s(self) -> tuple[Fraction, ...]:
        """T exact presentation times in seconds."""
        return tuple(tick * self.head.time_base_s for tick in self.ticks.tolist())

    def features(self) -> NDArray[np.float32]:
        """(T, 48) float32 motion features f_t: portrait plus dequantized tokens.

        Raises:
            UnsupportedError: the motion space isn't here.
        """
        from vqcodec.geometry.basis import read_basis
        from vqcodec.models import store
        from vqcodec.quantize.grfsq import dequantize

        units = read_basis(store.find(self.head.motion_space, "motion space").path).units
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
            writer = Writer(sink, replace(self.head, version=VERSION))
            sound, before = list(self.sound), -1
            for first, stop in self._spans():
                owner = int(self.portrait_of[first])
                if owner != before:
                    writer.key_frame(self._key_frame(first, owner))
                before = owner
                writer.motion(self._group(first, stop))
                end_s = self._end_tick(stop) * self.head.time_base_s
                while sound and self._heard_s(sound[0]) < end_s:
                    writer.audio(sound.pop(0))
            for group in sound:
                writer.audio(group)
            writer.close(end_tick=self.end_tick)
            return writer.sizes

    def to_bytes(self) -> bytes:
        """The .vqt stream that `write` writes."""
        sink = io.BytesIO()
        self.write(sink)
        return sink.getvalue()

    def _spans(self) -> Iterator[tuple[int, int]]:
        return group_spans(self.ticks, self.portrait_of, self.head.time_base_s, self.groups)

    def _key_frame(self, first: int, owner: int) -> KeyFrame:
        portrait = self.portraits[owner]
        return KeyFrame(first, portrait.still, portrait.features)

    def _group(self, first: int, stop: int) -> MotionGroup:
        span = slice(first, stop)
        return MotionGroup(first, self.ticks[span], self.low_confidence[span], self.tokens[span])

    def _end_tick(self, stop: int) -> int:
        """When a group's last frame ends, at the nominal rate: its sound follows it (stream.interleave)."""
        nominal = 1 / (self.head.frame_rate_hz * self.head.time_base_s)
        return int(self.ticks[stop - 1]) + max(round(nominal), 1)

    def _heard_s(self, group: AudioGroup) -> Fraction:
        audio = self.head.audio
        if audio is None:
            raise UsageError("there is sound, but head.audio doesn't say how it is coded")
        return Fraction(group.first_sample - audio.pre_skip_samples, audio.sample_rate_hz)
