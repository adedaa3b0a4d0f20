r"""What a dub takes from its sound, in one pass: Opus packets, speech tokens and loudness.

    SoundSource --48 kHz int16--> SoundCoder --packets--> the file's queue
                               \-> 16 kHz float32 --> speech tokens (25 Hz)
                                                  \-> loudness (25 Hz)

Samples are dropped as soon as they are heard; what is kept is 20 bytes a frame, and the packets: about 0.2 MB a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vqcodec.dubbing.parts import Closure, SpeechTokenizerLike, lips_apart
from vqcodec.format import AUDIO_RATE_HZ
from vqcodec.media.items import AudioBlock
from vqcodec.media.sound.source import SpeechResampler
from vqcodec.speech.energy import EnergyMeter
from vqcodec.speech.rest import resting
from vqcodec.stream.sound import SoundCoder, SoundPiece

QUIET = 0.05
"""Loudness (0..1) that is no speech."""


class Speech(Protocol):
    """A sound to be heard (vqcodec.media.sound.source.SoundSource)."""

    name: str
    remarks: list[str]
    truncated: bool
    corrupt_packets: int

    def blocks(self) -> Iterator[AudioBlock]:
        """All of it, (n, 1) at 48 kHz."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound, a row for each frame that it lasts, the last one begun.

    Attributes:
        tokens: (T,) int64 speech tokens, T = ceil(25 seconds).
        energy: (T,) float32 loudness in 0..1.
        rest: (T,) float32, how far lips rest, 0..1.
        shut: (T,) float32, how far lips are on their way to each other, for a p, b, m, f or v, 0..1.
        seconds: how long it lasts.
        warnings: what is wrong with it, for a person.
    """

    tokens: NDArray[np.int64]
    energy: NDArray[np.float32]
    rest: NDArray[np.float32]
    shut: NDArray[np.float32]
    seconds: Fraction
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.tokens)


def listen(
    source: Speech,
    tokenizer: SpeechTokenizerLike,
    coder: SoundCoder,
    keep: Callable[[SoundPiece], None],
    tell: Callable[[Fraction], None],
    closure: Closure = lips_apart,
    mixed: Callable[[AudioBlock], AudioBlock] | None = None,
    also: Callable[[NDArray[np.float32]], None] = lambda samples: None,
) -> Heard:
    """Hear all of a sound.

    Args:
        source: where it comes from.
        tokenizer: makes speech tokens.
        coder: makes Opus packets.
        keep: takes the packets, in order.
        tell: told how many seconds were heard, now and then.
        closure: tells of tokens where lips meet.
        mixed: makes of each block what is coded; the block itself is heard all the same.
        also: takes the samples that are heard, 16 kHz mono, too.

    Raises:
        MediaError, UsageError: as SoundSource.blocks.
    """
    resampler, stream, meter = SpeechResampler(), tokenizer.stream(), EnergyMeter()
    tokens: list[NDArray[np.int64]] = []

    def take(samples: NDArray[np.float32]) -> None:
        meter.push(samples)
        also(samples)
        tokens.append(stream.push(samples))

    heard = 0
    for block in source.blocks():
        for piece in coder.push(block if mixed is None else mixed(block)):
            keep(piece)
        take(resampler.push(block.samples))
        heard += len(block.samples)
        tell(Fraction(heard, AUDIO_RATE_HZ))
    for piece in coder.flush():
        keep(piece)
    take(resampler.flush())
    energy, heard_tokens = meter.energy(), np.concatenate([*tokens, stream.flush()])
    return Heard(
        heard_tokens,
        energy,
        resting(meter.silent()),
        closure(heard_tokens),
        Fraction(heard, AUDIO_RATE_HZ),
        _warnings(source, energy),
    )


def _warnings(source: Speech, energy: NDArray[np.float32]) -> tuple[str, ...]:
    told = [*source.remarks]
    if source.truncated:
        told.append(f"{source.name} breaks off early; what came before it was taken")
    if source.corrupt_packets:
        told.append(f"{source.corrupt_packets} damaged packets of {source.name} became silence")
    if not (energy > QUIET).any():
        told.append(f"no speech was heard in {source.name}: the mouth stays closed")
    return tuple(told)
