"""From the smallest file to the best one in even steps: which setting a step is, within the caller's own limits.

    step            0 ......... COARSEST ............................................ LAST_STEP
    portraits, CRF  63 63 63 63 62 .. 55 without the boost, 63 ...... .................... 24
    price of one    high: few of them .................................. low: many of them
    motion, rdo     4 ........ 2 ....... 1 ................. .5 ........ 0
    layers          2  3  4 ............................................................
    sound           6k  8k ............ 10k 12k ......... 16k ......... 24k

Four steps share a CRF and differ in the price, so that sizes grow by a few percent from one to the next. What price goes with a
CRF was found on training clips: the pairs that lie on the lower edge of rate and perceptual distance. The boost costs as much as
eight CRF, so that where it ends, CRF begin anew.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from vqcodec.config import EncodeOptions
from vqcodec.encoding.settings import BEST_CRF, WORST_CRF, Setting, crf_of
from vqcodec.format import LAYERS

COARSEST = 12
"""Steps at the worst CRF, of which only the prices fall."""
STEPS_A_CRF = 4
BOOST_CRFS = 8
"""What the boost costs."""
COARSENESSES = (
    *((crf, False) for crf in range(WORST_CRF - 1, WORST_CRF - BOOST_CRFS - 1, -1)),
    *((crf, True) for crf in range(WORST_CRF, BEST_CRF - 1, -1)),
)
"""CRF, and whether with the boost (media.still.portrait_coder)."""
LAST_STEP = COARSEST + len(COARSENESSES) * STEPS_A_CRF - 1
PRICE_HIGHEST, PRICE_AT_WORST_CRF = 0.5, 0.077
PRICE_OCTAVES_A_CRF, PRICE_OCTAVES_A_CRF_WITHOUT_BOOST = 0.16, 0.1
AUDIO_RATES_BPS = tuple(1000 * kbps for kbps in (6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24))
"""Near each other: where the next one doesn't fit yet, pictures get what is left."""
_AUDIO_FROM = (
    *(0.0, 0.025, 0.05, 0.18, 0.30, 0.34),
    *(0.38, 0.47, 0.57, 0.63, 0.70, 0.80),
)
_LAYERS_FROM = ((0.02, 3), (0.05, LAYERS))
_FEWEST_LAYERS = 2
_RDO = ((0.0, 4.0), (0.17, 2.5), (0.31, 1.3), (0.40, 0.95), (0.60, 0.6), (0.82, 0.0))
_QUALITY_AT = {"small": 0.28, "medium": 0.40, "best": 0.74}


def setting_at(step: int, options: EncodeOptions) -> Setting:
    """A step's setting.

    Args:
        step: 0..LAST_STEP.
        options: its layers, portrait quality and sound are limits; a price of the motion's bits that it names holds.
    """
    x = step / LAST_STEP
    layers = max((n for at, n in _LAYERS_FROM if x >= at), default=_FEWEST_LAYERS)
    rate = max(rate for at, rate in zip(_AUDIO_FROM, AUDIO_RATES_BPS, strict=True) if x >= at)
    quality = options.portrait_quality
    best_crf = BEST_CRF if quality is None else crf_of(quality)
    crf, boosted = (
        (WORST_CRF, False) if step < COARSEST else COARSENESSES[(step - COARSEST) // STEPS_A_CRF]
    )
    return Setting(
        crf=max(crf, best_crf),
        boosted=boosted,
        price=price_at(step),
        layers=min(layers, options.layers),
        rdo=_rdo(x) if options.rdo is None else options.rdo,
        audio_bps=_limited(rate, options.audio.bitrate_bps),
    )


def setting_for(options: EncodeOptions) -> Setting:
    """What to code with where no bit rate is given: that of a step, but for what the caller named."""
    step = round(_QUALITY_AT[options.quality] * LAST_STEP)
    at = setting_at(step, replace(options, portrait_quality=None))
    quality = options.portrait_quality
    return replace(at, layers=options.layers, crf=at.crf if quality is None else crf_of(quality))


def price_at(step: int) -> float:
    """Distance times seconds that a portrait must save."""
    crfs = max(step - COARSEST, 0) / STEPS_A_CRF - BOOST_CRFS
    octaves = (PRICE_OCTAVES_A_CRF_WITHOUT_BOOST if crfs < 0 else PRICE_OCTAVES_A_CRF) * crfs
    price = float(PRICE_AT_WORST_CRF * 2.0**-octaves)
    share = min(step / COARSEST, 1.0)
    return float(PRICE_HIGHEST ** (1 - share) * price**share)


def audio_rates_bps(options: EncodeOptions) -> list[int]:
    """Rates that some step has, rising."""
    return sorted({_limited(rate, options.audio.bitrate_bps) for rate in AUDIO_RATES_BPS})


def _limited(rate: int, limit: int | None) -> int:
    return rate if limit is None else min(rate, limit)


def _rdo(x: float) -> float:
    """Straight lines between the points of _RDO."""
    for (a, high), (b, low) in pairwise(_RDO):
        if x < b:
            return high + (low - high) * (x - a) / (b - a)
    return _RDO[-1][1]
