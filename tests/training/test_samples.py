"""What the renderer is trained on: samples of the cache, seen through random views."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.geometry import shipped_basis
from tests.support.training import make_cache
from vqcodec.training.picture.clips import load_clips
from vqcodec.training.picture.data import PairSampler
from vqcodec.training.picture.views import mirror_permutation


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cache(tmp_path_factory.mktemp("cache"), large=True)


def test_mirror_swaps_left_and_right() -> None:
    mirror = mirror_permutation(shipped_basis().mean)
    assert np.array_equal(mirror[mirror], np.arange(478))
    for right, left in (
        (33, 263),
        (61, 291),
        (159, 386),
        (105, 334),
        (78, 308),
        (234, 454),
        (468, 473),
        (13, 13),
    ):
        assert mirror[right] == left


def test_samples_keep_faces_inside_and_are_repeatable(cache: Path) -> None:
    clips = load_clips(cache, "train")
    batches = [
        PairSampler(clips, shipped_basis(), size=128, portraits=2, targets=3, seed=5).batch()
        for _ in range(2)
    ]
    for key in batches[0]:
        assert np.array_equal(batches[0][key], batches[1][key])
    batch = batches[0]
    assert batch["source"].shape == (2, 1, 128, 128, 3) and batch["target"].shape == (
        2,
        3,
        128,
        128,
        3,
    )
    for key in ("true_s", "true_t"):
        assert batch[key].min() > -0.01 and batch[key].max() < 1.01


def test_a_view_moves_surroundings_with_the_picture() -> None:
    from vqcodec.geometry.similarity import to_matrix
    from vqcodec.training.picture.views import seen_through

    numbers = np.array([[5, -3, 4, 6, -8, 2, -3, 1]], np.float32)
    view = np.array([[1.5, 0, -40], [0, 1.5, -25]], np.float32)
    for flip in (False, True):
        seen = seen_through(numbers, view, flip, 256, 256)
        for part in range(2):
            there, shown = (to_matrix(x.reshape(1, 2, 4))[0, part] for x in (numbers, seen))
            point = np.array([100.0, 140.0])  # frame pixels, from the picture's edge

            def look(p: np.ndarray, flip: bool = flip) -> np.ndarray:
                out = p * 1.5 + view[:, 2]
                return np.array([256 - out[0], out[1]]) if flip else out

            moved = (there @ [*(point / 128 - 1), 1])[:2] * 128 + 128
            expected = (shown @ [*(look(point) / 128 - 1), 1])[:2] * 128 + 128
            assert np.allclose(look(moved), expected, atol=1e-3)


def test_open_mouths_are_drawn_more_often(cache: Path) -> None:
    from dataclasses import replace

    from vqcodec.training.picture.clips import load_clips, mouth_odds

    clip = load_clips(cache, "train", side=256)[0]
    points = clip.landmarks.copy()
    points[:, 14] = points[:, 13]
    points[3, 14, 1] += 0.2 * np.linalg.norm(points[3, 10] - points[3, 152])
    odds = mouth_odds(replace(clip, landmarks=points))
    assert odds.sum() == pytest.approx(1) and odds.argmax() == 3
    assert odds[3] == pytest.approx(21 * odds[0], rel=1e-3), "a shut mouth keeps a chance"


def test_lips_that_shut_are_seen_from_portraits_that_show_them_apart(cache: Path) -> None:
    from dataclasses import replace

    from vqcodec.training.picture.clips import load_clips, shut_odds
    from vqcodec.training.picture.data import Draw, PairSampler

    clip = load_clips(cache, "train", side=256)[0]
    points = clip.landmarks.copy()
    points[:, 14] = points[:, 13]
    half = len(points) // 2
    points[:half, 14, 1] += 0.5 * np.linalg.norm(points[:half, 10] - points[:half, 152], axis=1)
    clip = replace(clip, landmarks=points)
    odds = shut_odds(clip)
    assert odds.sum() == pytest.approx(1) and odds[-1] == pytest.approx(51 * odds[0], rel=1e-3)

    def gaps(draw: Draw) -> tuple[float, float]:
        """Mean opening of the lips in portraits and in targets."""
        sampler = PairSampler(
            [clip], shipped_basis(), size=128, portraits=1, targets=2, seed=1, draw=draw
        )
        batches = [sampler.sample() for _ in range(24)]
        return tuple(  # type: ignore[return-value]
            float(np.mean([np.abs(b[k][:, 14, 1] - b[k][:, 13, 1]).mean() for b in batches]))
            for k in ("true_s", "true_t")
        )

    plain, shutting = gaps(Draw()), gaps(Draw(shutting=1.0))
    assert shutting[0] > 1.3 * plain[0] and shutting[1] < 0.4 * plain[1]
