"""How a shot is coded: the numbers that a bit rate decides."""

from __future__ import annotations

from dataclasses import dataclass

WORST_CRF, BEST_CRF = 63, 24
_CRF_OF_QUALITY_0, _CRF_A_QUALITY = 64, 0.4


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to code a file.

    Attributes:
        crf: of the portraits' AV1, BEST_CRF .. WORST_CRF.
        price: distance times seconds that one more portrait must save (encoding.choice).
        layers: residual layers, 1..4.
        rdo: strength of the choice among motion values (quantize.rdo.choose).
        audio_bps: bit rate of the sound; 0 without.
        boosted: flat places get more of the portraits' bits (media.still.portrait_coder).
    """

    crf: int
    price: float
    layers: int
    rdo: float
    audio_bps: int = 0
    boosted: bool = True


def crf_of(quality: int) -> int:
    """A portrait quality, 1..100, as CRF: 50 is 44, and looks a little better than an AVIF of quality 50."""
    return min(round(_CRF_OF_QUALITY_0 - _CRF_A_QUALITY * quality), WORST_CRF)


def quality_of(crf: int) -> int:
    """The quality, 1..100, whose CRF is nearest."""
    return min(max(round((_CRF_OF_QUALITY_0 - crf) / _CRF_A_QUALITY), 1), 100)
