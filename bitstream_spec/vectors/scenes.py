"""Streams of vectors/valid with the scene around the square; units are SVT-AV1's (CRF 50), drawn pictures of 64x48."""

from __future__ import annotations

import base64

from raw_streams import finish, split
from valid_portraits import group, portrait, silent

from vqcodec.container.scenes import build_scene
from vqcodec.types import ScenePicture, ScenePlace

KEY, INTER = (
    base64.b64decode(text)
    for text in (
        "Cg0AAAACr/eNXyICAgIIMlIQALyM24kkQSE8As/IFOyvhoMie35T//QZEdPqvNuKHvohQ0n3/v96y4UeMTUA5T50cxCC7w1mpLAM+frXUj3RStTDEJl96lJP"
        "oDBbm3x4YcSA",
        "MkAwAgAJJW07kDvOAADPAEAA3eK3vn4iAnlvjSbbvc8Ec37BlFg/lSV5lLJdvss+kCmTUAqLflW7WPjIC5LHZlfN",
    )
)
PLACE = ScenePlace(64, 48, 16 * 20, 16 * 10 + 8, 16 * 30)
FIRST = ScenePicture(0, 0, 0, None, PLACE, KEY)
SECOND = ScenePicture(3, 0, 1, 0, None, INTER)
ALONE = ScenePicture(5, 0, 0, None, PLACE, KEY, alone=True)
BACKDROP = ScenePicture(6, 1, 0, None, ScenePlace(64, 48, 128, 0, 768), KEY, backdrop=True)


def _stream(*chunks: tuple[int, bytes]) -> bytes:
    """Two shots, and sCNe chunks, each before the chunk of a number."""
    pairs = split(
        silent(portrait(), group(0, 2), group(2, 4), portrait(first=6, shot=1), group(6, 2, 1))
    )[:-2]
    for number, payload in reversed(chunks):
        pairs.insert(number, (b"sCNe", payload))
    return finish(pairs, 8)


def _unusable() -> bytes:
    """Each breaks one rule of section 7a: no decoder minds."""
    good = build_scene(SECOND)
    first = build_scene(FIRST)
    return _stream(
        (2, b""),
        (2, good[:3]),
        (2, good[:3] + b"\x04" + good[4:]),  # a form that isn't there
        (2, good[:4] + b"\x01" + good[5:]),  # depends on itself
        (2, first[:4] + b"\x00\x41" + first[6:]),  # an odd width
        (2, first[:4] + b"\x00\x0e" + first[6:]),  # too narrow
        (2, first[:4] + b"\x10\x02" + first[6:]),  # too wide
        (2, first[:16] + bytes(4) + first[20:]),  # a square without a side
        (2, first[:20]),  # no unit
        (2, first[:20] + KEY[:1] + b"\x7f" + KEY[2:]),  # no AV1
        (3, good),  # nothing it depends on
    )


VALID_SCENES = {
    "2-scene": _stream(
        (2, build_scene(FIRST)),
        (3, build_scene(SECOND)),
        (3, build_scene(ALONE)),
        (5, build_scene(BACKDROP)),
    ),
    "2-scene-unusable": _unusable(),
}
