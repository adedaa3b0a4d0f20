"""Pictures that wait as JPEG, in memory or in a file."""

from __future__ import annotations

import numpy as np
import pytest

from vqcodec.encoding.kept import KeptPicture, PictureFile


def picture(seed: int, side: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (side // 8, side // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1), np.int64)).astype(np.uint8)


def test_little_is_lost() -> None:
    rgb = picture(0)
    kept = KeptPicture.of(rgb)
    assert kept.rgb().shape == rgb.shape and kept.rgb().dtype == np.uint8
    assert np.abs(kept.rgb().astype(int) - rgb).mean() < 1.5
    assert len(KeptPicture.of(picture(0, 512)).data) < 512 * 512


def test_pictures_in_a_file_come_in_any_order() -> None:
    store = PictureFile()
    pictures = [KeptPicture.of(picture(seed)) for seed in range(5)]
    moved = [store.moved(kept) for kept in pictures]
    assert all(not kept.data for kept in moved)
    for n in (3, 0, 4, 4, 1):
        np.testing.assert_array_equal(moved[n].rgb(), pictures[n].rgb())
    again = store.moved(pictures[2])  # reading has moved the file's own place
    np.testing.assert_array_equal(again.rgb(), pictures[2].rgb())
    np.testing.assert_array_equal(moved[3].rgb(), pictures[3].rgb())
    store.close()
    with pytest.raises(ValueError, match="closed"):
        moved[0].rgb()
