"""Which of MediaPipe's 478 landmarks hold the lips, the jaw, the lids and what stays still."""

from __future__ import annotations

UPPER_INNER = [191, 80, 81, 82, 13, 312, 311, 310, 415]
LOWER_INNER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
UPPER_OUTER = [185, 40, 39, 37, 0, 267, 269, 270, 409]
LOWER_OUTER = [146, 91, 181, 84, 17, 314, 405, 321, 375]
CORNERS = [61, 78, 308, 291]
# chin and jaw, with the share of the lower lip's way that each goes
JAW = {
    152: 0.85,
    175: 0.92,
    199: 0.95,
    200: 0.97,
    18: 1.0,
    148: 0.8,
    377: 0.8,
    176: 0.72,
    400: 0.72,
    149: 0.6,
    378: 0.6,
    150: 0.42,
    379: 0.42,
    136: 0.25,
    365: 0.25,
    172: 0.12,
    397: 0.12,
}
STILL = [
    50,
    280,
    205,
    425,
    132,
    361,
    93,
    323,
    117,
    346,
    58,
    288,
    2,
    97,
    326,
    98,
    327,
    129,
    358,
    36,
    266,
    1,
]
NOSE = 12  # the points of STILL from here on have no say below the lips
EYES = [
    dict(
        upper=[246, 161, 160, 159, 158, 157, 173],
        lower=[7, 163, 144, 145, 153, 154, 155],
        corners=[33, 133],
        crease=[247, 30, 29, 27, 28, 56, 190],
        under=[25, 110, 24, 23, 22, 26, 112],
        brow=[46, 53, 52, 65, 55],
        iris=468,
    ),
    dict(
        upper=[466, 388, 387, 386, 385, 384, 398],
        lower=[249, 390, 373, 374, 380, 381, 382],
        corners=[263, 362],
        crease=[467, 260, 259, 257, 258, 286, 414],
        under=[255, 339, 254, 253, 252, 256, 341],
        brow=[276, 283, 282, 295, 285],
        iris=473,
    ),
]
