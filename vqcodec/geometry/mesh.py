"""Which of the 478 MediaPipe face landmarks form which part, as closed rings in drawing order.

The numbering is MediaPipe's canonical face mesh; points 468-477 are the irises (centre, then four points round it).
"""

from __future__ import annotations

LIPS_OUTER = (
    61,
    146,
    91,
    181,
    84,
    17,
    314,
    405,
    321,
    375,
    291,
    409,
    270,
    269,
    267,
    0,
    37,
    39,
    40,
    185,
)
LIPS_INNER = (
    78,
    95,
    88,
    178,
    87,
    14,
    317,
    402,
    318,
    324,
    308,
    415,
    310,
    311,
    312,
    13,
    82,
    81,
    80,
    191,
)
EYE_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
EYE_LEFT = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
BROW_RIGHT = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_LEFT = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
OVAL = (
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
    234,
    127,
    162,
    21,
    54,
    103,
    67,
    109,
)
IRIS_RIGHT = (469, 470, 471, 472)
IRIS_LEFT = (474, 475, 476, 477)
NOSE = (168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 64, 294, 48, 278, 129, 358)
CHEEKS = (50, 280, 205, 425, 117, 346, 36, 266, 187, 411, 147, 376, 151, 9, 108, 337, 199, 200, 18)

INNER_LIPS = (13, 14)
"""Upper and lower middle of the inner lips."""
MOUTH_CORNERS = (61, 291)
OUTER_EYE_CORNERS = (33, 263)
LIPS = LIPS_OUTER + LIPS_INNER
EYES = EYE_RIGHT + EYE_LEFT
FOLD_RIGHT = (247, 30, 29, 27, 28, 56, 190)
FOLD_LEFT = (467, 260, 259, 257, 258, 286, 414)
"""Above the upper lids."""
IRISES = (468, *IRIS_RIGHT, 473, *IRIS_LEFT)
SKULL = (
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    234,
    127,
    162,
    21,
    54,
    103,
    67,
    109,
    168,
    6,
    197,
    195,
    5,
    4,
    33,
    133,
    362,
    263,
)
"""Points that move with the skull: upper face oval, nose, eye corners."""
# anchors of the landmark flow: every part, thinned where neighbours say the same
ANCHORS = (
    OVAL
    + LIPS
    + EYE_RIGHT[::2]
    + EYE_LEFT[::2]
    + BROW_RIGHT[::2]
    + BROW_LEFT[::2]
    + (468, 473)
    + NOSE
    + CHEEKS
)
