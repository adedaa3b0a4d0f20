"""One colour and one marker per codec, the same in curves, pages and terminals.

The colours are Okabe and Ito's, which people with any colour vision can tell apart.
"""

from __future__ import annotations

from vqcodec.comparison.results import VQT

ORIGINAL = "original"
ORIGINAL_TITLE = "original"

COLOURS = {
    VQT: "#D55E00",
    "h264": "#0072B2",
    "h265": "#009E73",
    "av1": "#CC79A7",
    "vp9": "#56B4E9",
    ORIGINAL: "#808080",
}
# names of matplotlib's markers
MARKERS = {VQT: "o", "h264": "s", "h265": "^", "av1": "D", "vp9": "v", ORIGINAL: "x"}
# the same shapes as characters, for tables and terminals
SIGNS = {VQT: "●", "h264": "■", "h265": "▲", "av1": "◆", "vp9": "▼", ORIGINAL: "○"}
