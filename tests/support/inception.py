"""The shapes of Inception v3's kernels (Szegedy et al. 2016, table 1), as (out, in, height, width)."""

from __future__ import annotations

Shapes = dict[str, tuple[int, int, int, int]]

STEM: Shapes = {
    "Conv2d_1a_3x3": (32, 3, 3, 3),
    "Conv2d_2a_3x3": (32, 32, 3, 3),
    "Conv2d_2b_3x3": (64, 32, 3, 3),
    "Conv2d_3b_1x1": (80, 64, 1, 1),
    "Conv2d_4a_3x3": (192, 80, 3, 3),
}
REDUCED_A: Shapes = {
    "3x3": (384, 288, 3, 3),
    "3x3dbl_1": (64, 288, 1, 1),
    "3x3dbl_2": (96, 64, 3, 3),
    "3x3dbl_3": (96, 96, 3, 3),
}
REDUCED_B: Shapes = {
    "3x3_1": (192, 768, 1, 1),
    "3x3_2": (320, 192, 3, 3),
    "7x7x3_1": (192, 768, 1, 1),
    "7x7x3_2": (192, 192, 1, 7),
    "7x7x3_3": (192, 192, 7, 1),
    "7x7x3_4": (192, 192, 3, 3),
}


def block_a(given: int, pool: int) -> Shapes:
    return {
        "1x1": (64, given, 1, 1),
        "5x5_1": (48, given, 1, 1),
        "5x5_2": (64, 48, 5, 5),
        "3x3dbl_1": (64, given, 1, 1),
        "3x3dbl_2": (96, 64, 3, 3),
        "3x3dbl_3": (96, 96, 3, 3),
        "_pool": (pool, given, 1, 1),
    }


def block_c(w: int) -> Shapes:
    return {
        "1x1": (192, 768, 1, 1),
        "7x7_1": (w, 768, 1, 1),
        "7x7_2": (w, w, 1, 7),
        "7x7_3": (192, w, 7, 1),
        "7x7dbl_1": (w, 768, 1, 1),
        "7x7dbl_2": (w, w, 7, 1),
        "7x7dbl_3": (w, w, 1, 7),
        "7x7dbl_4": (w, w, 7, 1),
        "7x7dbl_5": (192, w, 1, 7),
        "_pool": (192, 768, 1, 1),
    }


def block_e(given: int) -> Shapes:
    return {
        "1x1": (320, given, 1, 1),
        "3x3_1": (384, given, 1, 1),
        "3x3_2a": (384, 384, 1, 3),
        "3x3_2b": (384, 384, 3, 1),
        "3x3dbl_1": (448, given, 1, 1),
        "3x3dbl_2": (384, 448, 3, 3),
        "3x3dbl_3a": (384, 384, 1, 3),
        "3x3dbl_3b": (384, 384, 3, 1),
        "_pool": (192, given, 1, 1),
    }


def inception_shapes() -> Shapes:
    blocks = {
        "5b": block_a(192, 32),
        "5c": block_a(256, 64),
        "5d": block_a(288, 64),
        "6a": REDUCED_A,
        **{name: block_c(w) for name, w in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192))},
        "7a": REDUCED_B,
        "7b": block_e(1280),
        "7c": block_e(2048),
    }
    return STEM | {
        f"Mixed_{block}.branch{name}": shape
        for block, parts in blocks.items()
        for name, shape in parts.items()
    }
