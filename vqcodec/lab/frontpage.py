"""The one table of the README: this codec beside H.264 and AV1 at equal rates, and beside what VQTalker shows.

The first rows come from the comparison (all clips, whole files without sound), the last two from the validation's
steady-camera clips, since the paper's authors show such clips; theirs are their own, so each codec is held against the
still first frame of its own clips.
"""

from __future__ import annotations

from pathlib import Path

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.overall import Analysis, analyse
from vqcodec.comparison.results import VQT
from vqcodec.evaluation.validate.record import ValidationResults
from vqcodec.lab.compare.against import beside
from vqcodec.lab.markdown import number, table
from vqcodec.lab.paper.paperdata import AUTHORS_CLIPS
from vqcodec.lab.paper.steadytable import RIVAL, best_run, steady_part

HEADS = ("vqcodec", "H.264 (x264 veryslow)", "AV1 (SVT-AV1)", "VQTalker (its clips)")
CODECS = ("h264", "av1")
AT = (
    ("perceptual distance at 10 kbit/s ↓", "perc", 10.0, ".3f"),
    ("perceptual distance at 20 kbit/s ↓", "perc", 20.0, ".3f"),
    ("ST-LPIPS at 10 kbit/s ↓", "st_lpips", 10.0, ".3f"),
    ("ST-LPIPS at 20 kbit/s ↓", "st_lpips", 20.0, ".3f"),
    ("PSNR at 20 kbit/s, dB ↑", "psnr_db", 20.0, ".1f"),
    ("landmark distance at 20 kbit/s, eye distances ↓", "lmd", 20.0, ".3f"),
)
STILL = "still first frame"


def at_rates(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """Mean quality at some rates; "-" where more than a tenth of the clips can't be coded at so few bits."""
    rows = []
    for name, metric, kbps, form in AT:
        curves = [analysis.curves.get(metric, {}).get(codec) for codec in (VQT, *CODECS)]
        if curves[0] is not None:  # a comparison from before ST-LPIPS lacks it
            cells = ["not measured" if c is None else number(c.at(kbps), form) for c in curves]
            rows.append((name, [*cells, ""]))
    return rows


def saving(analysis: Analysis) -> tuple[str, list[str]]:
    """Median BD-rate by perceptual distance."""
    found = [analysis.find(codec, "perc") for codec in CODECS]
    cells = [words.NOTHING if o is None else words.percent(o.bd_median) for o in found]
    return "vqcodec's rate for the same perceptual distance, median", ["", *cells, ""]


def beside_rival(results: ValidationResults) -> list[tuple[str, list[str]]]:
    """Motion rate, and perceptual distance as a share of the still first frame's, on steady-camera clips."""
    part = steady_part(results)
    if part is None:
        return []
    known = part.summary(best_run(part))
    others = {o.method: o.values for o in AUTHORS_CLIPS}
    share = known["scores"]["perc"] / known["still"]["perc"]
    theirs = others[RIVAL]["perc"] / others[STILL]["perc"]
    motion = known["rates"]["motion_kbps"]
    return [
        (
            "steady cameras: motion, kbit/s ↓",
            [f"{motion:.1f}", "", "", f"{others[RIVAL]['raw_kbps']:.1f}"],
        ),
        (
            "steady cameras: perceptual distance, share of the first frame held ↓",
            [f"{share:.0%}".replace("%", " %"), "", "", f"{theirs:.0%}".replace("%", " %")],
        ),
    ]


def lines(validation: Path) -> list[str]:
    """The part, made from the JSON of a validation and that of a comparison beside it."""
    analysis = analyse(beside(validation.parent))
    rows = [
        *at_rates(analysis),
        saving(analysis),
        *beside_rival(ValidationResults.load(validation)),
    ]
    return table(HEADS, rows)
