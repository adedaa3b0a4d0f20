"""How large a shot may be where no bit rate is asked for: about one good portrait and exact motion (encode --quality).

    allowed bytes of portraits = share * (PORTRAIT * first portrait at CRF 53 + MOTION * seconds)

What cheaper motion and a coarser first portrait save buys further portraits: in a shot that moves they save more. The highest
step of the ladder that fits is taken. What a step costs is foretold from a quick coding of a few portraits, coded, and corrected.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from vqcodec.config import EncodeOptions
from vqcodec.encoding.coding import ShotCoder
from vqcodec.encoding.ladder import BOOST_CRFS, LAST_STEP, setting_at
from vqcodec.encoding.settings import Setting
from vqcodec.encoding.shots import RecordedShot
from vqcodec.media.still.portrait_coder import PortraitCoder

PROBE_CRF, PROBED = 53, 4
PORTRAIT = 1.12
"""A picture takes at least so much more as AVIF of quality 50 than at the probe's CRF here (46 training clips: 1.16 to 1.4)."""
MOTION_BYTES_A_S = 60.0
"""What the motion's price saves at least."""
OVERHEAD_BYTES = 100.0
UNIT_OVERHEAD_BYTES = 70.0
"""Chunk, features and runs of each further portrait."""
CRF_OCTAVE = 12.0
"""The CRF by which bytes halve."""
QUICK_PRESET = 8
QUICK_FIRST, QUICK_LATER = 0.9, 0.72
"""What the preset in use takes of the quick one's bytes, for the first portrait and for others."""
_TRIES = 4
_SHARES = {"small": 0.6, "medium": 1.0}


@dataclass(frozen=True, slots=True)
class _Probe:
    """Bytes at PROBE_CRF: of the first portrait, and of one of the others."""

    first: float
    later: float

    def bytes_of(self, portraits: int, crf: int) -> float:
        """Of a shot with so many portraits at a CRF."""
        scale = float(2.0 ** ((PROBE_CRF - crf) / CRF_OCTAVE))
        later = (portraits - 1) * (self.later * scale + UNIT_OVERHEAD_BYTES)
        return self.first * scale + later


def allowance(options: EncodeOptions) -> float | None:
    """The share of a shot's allowance; None where the caller named what decides, or asks for the best."""
    named = options.portrait_quality is not None or options.refs != "auto"
    return None if named or options.refs_every_s is not None else _SHARES.get(options.quality)


def fitted_setting(
    shot: RecordedShot, coder: ShotCoder, options: EncodeOptions, share: float
) -> Setting:
    """The best setting whose portraits fit a shot's allowance.

    Args:
        shot: to be coded next.
        coder: of the file.
        options: of the caller.
        share: of the allowance above.

    Returns:
        That of a step of the ladder, with the caller's layers; the first step's where nothing fits.
    """
    probe = _probed(shot, coder, options)
    allowed = PORTRAIT * probe.first + MOTION_BYTES_A_S * coder.seconds(shot) - OVERHEAD_BYTES
    allowed *= share
    aim, setting = allowed, _at(0, options)
    for _ in range(_TRIES):
        step = _highest(partial(_fits, shot, coder, options, probe, aim))
        setting = _at(step, options)
        sizes = coder.unit_bytes(shot, setting)
        real = sum(sizes) + UNIT_OVERHEAD_BYTES * (len(sizes) - 1)
        if real <= allowed or step == 0:
            break
        aim = min(0.98 * allowed / real * _foretold(shot, coder, options, probe, step), 0.97 * aim)
    return setting


def _fits(
    shot: RecordedShot,
    coder: ShotCoder,
    options: EncodeOptions,
    probe: _Probe,
    allowed: float,
    step: int,
) -> bool:
    return _foretold(shot, coder, options, probe, step) <= allowed


def _at(step: int, options: EncodeOptions) -> Setting:
    return replace(setting_at(step, options), layers=options.layers)


def _highest(fits: Callable[[int], bool]) -> int:
    low, high = 0, LAST_STEP
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _foretold(
    shot: RecordedShot, coder: ShotCoder, options: EncodeOptions, probe: _Probe, step: int
) -> float:
    setting = _at(step, options)
    crf = setting.crf if setting.boosted else setting.crf + BOOST_CRFS
    return probe.bytes_of(len(coder.chosen(shot, setting)), crf)


def _probed(shot: RecordedShot, coder: ShotCoder, options: EncodeOptions) -> _Probe:
    """A few portraits of the shot, spread over it, at PROBE_CRF."""
    chosen = coder.chosen(shot, replace(_at(LAST_STEP // 3, options), price=0.0))
    some = chosen[:1] + chosen[1 :: max((len(chosen) - 1) // PROBED, 1)][:PROBED]
    with closing(PortraitCoder(PROBE_CRF, preset=QUICK_PRESET)) as quick:
        sizes = [len(quick.add(shot.candidates[c].picture.rgb()).unit) for c in some]
    later = [size * QUICK_LATER for size in sizes[1:]]
    first = sizes[0] * QUICK_FIRST
    return _Probe(first, sum(later) / len(later) if later else 0.15 * first)
