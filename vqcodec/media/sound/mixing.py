"""Channels of any number and place as few: mono where one is wanted, without cancelling.

frame of any layout --named--> one that libresample can mix
one channel            --resampler--> mono
two channels and more  --resampler--> stereo --PhaseMixer--> mono
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from vqcodec.format import AUDIO_RATE_HZ

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_WINDOW = AUDIO_RATE_HZ
# of the last second: below the first the right channel is turned over, above the second it is turned back
_OPPOSITE, _ALIKE = -0.5, 0.0
TOLD_CORRELATION = -0.1
_FADE = AUDIO_RATE_HZ // 200


@lru_cache(maxsize=64)
def mixes(layout: str) -> bool:
    """Whether libresample makes mono of a channel layout so that every channel is heard, but those of low frequencies."""
    try:
        channels = av.AudioLayout(layout).channels
        return all(
            _is_heard(layout, number, len(channels))
            for number, channel in enumerate(channels)
            if not channel.name.startswith("LFE")
        )
    except (av.error.FFmpegError, ValueError, IndexError):
        return False


def _is_heard(layout: str, number: int, count: int) -> bool:
    samples = np.zeros((32, count), np.float32)
    samples[:, number] = 0.5
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
    frame.sample_rate = AUDIO_RATE_HZ
    mono = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE_HZ).resample(frame)
    return any(part.to_ndarray().any() for part in mono)


def named(frame: av.AudioFrame) -> av.AudioFrame:
    """The frame with a channel layout that can be mixed.

    Channels without a place, or at places that libresample has no rule for (front left and centre), are taken as those of
    the usual layout of so many; of more than eight the mean is taken. Ambisonics, which aren't channels of loudspeakers,
    give their first component: the sound from everywhere.
    """
    if mixes(frame.layout.name):
        return frame
    if len(frame.layout.channels) > max(LAYOUTS):  # PyAV knows eight planes
        frame = _packed(frame)
    samples: NDArray[Any] = frame.to_ndarray()  # of the format's own type
    planes = samples if frame.format.is_planar else samples.reshape(frame.samples, -1).T
    if frame.layout.name.startswith("ambisonic"):
        planes = planes[:1]
    elif len(planes) > max(LAYOUTS):
        planes = planes.mean(axis=0, keepdims=True).astype(samples.dtype)
    kept = planes if frame.format.is_planar else planes.T.reshape(1, -1)
    out = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(kept), format=frame.format.name, layout=LAYOUTS[len(planes)]
    )
    out.sample_rate = frame.sample_rate
    return out


def _packed(frame: av.AudioFrame) -> av.AudioFrame:
    if not frame.format.is_planar:
        return frame
    packer = av.AudioResampler(
        format=frame.format.packed, layout=frame.layout.name, rate=frame.sample_rate
    )
    return packer.resample(frame)[0]


class PhaseMixer:
    """Stereo -> mono; the right channel is turned over where it is the left one's opposite, which would cancel it.

    Attributes:
        peak: the largest sample taken in.
        turned: the right channel was turned over at least once.
    """

    def __init__(self) -> None:
        self.peak = 0
        self.turned = False
        self._sign = 1.0
        self._recent = np.zeros(3)
        self._all = np.zeros(3)

    @property
    def correlation(self) -> float:
        """Of left and right over everything taken in, -1..1; 0 where one is silent."""
        return _correlation(self._all)

    def mix(self, stereo: NDArray[np.int16]) -> NDArray[np.int16]:
        """(n, 2) -> (n, 1)."""
        left, right = stereo.astype(np.float64).T
        self.peak = max(self.peak, int(np.abs(stereo).max(initial=0)))
        found = np.array([left @ right, left @ left, right @ right])
        self._all += found
        self._recent = self._recent * np.exp(-len(left) / _WINDOW) + found
        begun = bool((self._all != found).any())
        before, now = self._sign, _correlation(self._recent)
        if now < _OPPOSITE:
            self._sign = -1.0
        elif now > _ALIKE:
            self._sign = 1.0
        sign = np.full(len(left), self._sign)
        if begun:  # one passes into the other in 5 ms
            sign[:_FADE] = np.linspace(before, self._sign, _FADE)[: len(sign)]
        self.turned = self.turned or self._sign < 0
        return np.asarray(np.rint((left + sign * right) / 2), np.int16)[:, None]


def _correlation(sums: NDArray[np.float64]) -> float:
    scale = float(np.sqrt(sums[1] * sums[2]))
    return float(sums[0]) / scale if scale > 0 else 0.0
