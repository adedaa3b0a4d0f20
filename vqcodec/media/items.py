"""What a media file yields besides `VideoFrame`: decoded sound, or its Opus packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Decoded sound at 48 kHz.

    Attributes:
        samples: (n, channels) int16, n >= 1.
        first_sample: position of samples[0]; 0 is at the first video frame. Each block starts where the one before ended.
    """

    samples: NDArray[np.int16]
    first_sample: int


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One Opus packet, copied.

    Attributes:
        data: the packet (RFC 6716 section 3).
        first_sample: position of its first decoded sample at 48 kHz, pre-skip included: packets follow each other without a
            hole from 0, as in `vqcodec.types.AudioGroup`.
        samples: decoded samples it holds.
    """

    data: bytes
    first_sample: int
    samples: int
