"""PSNR, SSIM and MS-SSIM: closed forms, and other implementations of the same definitions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.evaluation import blurred, noise, portrait
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics import fidelity
from vqcodec.evaluation.quality import frame_psnr_db, frame_ssim
from vqcodec.evaluation.tools.extras import MissingExtraError, package_file, require

C1, C2 = 0.01**2, 0.03**2
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def flat(value: int, side_px: int = 192) -> NDArray[np.uint8]:
    return np.full((1, side_px, side_px, 3), value, np.uint8)


def test_psnr_of_a_constant_offset() -> None:
    for offset in (1, 10, 100):
        expected = 20 * np.log10(255 / offset)
        assert fidelity.psnr_db(flat(50), flat(50 + offset))[0] == pytest.approx(expected, abs=1e-3)
        assert frame_psnr_db(flat(50)[0], flat(50 + offset)[0]) == pytest.approx(expected, abs=1e-3)


def test_psnr_agrees_with_scikit_image() -> None:
    other = pytest.importorskip("skimage.metrics")
    reference = portrait()[None]
    for sigma_px in (0.7, 2.0):
        output = blurred(reference, sigma_px)
        expected = other.peak_signal_noise_ratio(reference[0], output[0], data_range=255)
        assert fidelity.psnr_db(reference, output)[0] == pytest.approx(expected, rel=1e-5)


def test_psnr_is_per_frame_and_has_a_ceiling() -> None:
    reference = noise((2, 64, 64, 3))
    output = reference.copy()
    output[1] = 255 - output[1]
    values = fidelity.psnr_db(reference, output)
    assert values[0] == pytest.approx(fidelity.PSNR_CEILING_DB)
    assert values[1] < 10


def test_ssim_of_flat_pictures_is_the_luminance_term() -> None:
    a, b = 0.2, 0.6
    expected = (2 * a * b + C1) / (a * a + b * b + C1)
    assert fidelity.ssim(flat(51), flat(153))[0] == pytest.approx(expected, abs=1e-4)
    assert frame_ssim(flat(51)[0], flat(153)[0]) == pytest.approx(expected, abs=1e-6)


def test_ms_ssim_of_flat_pictures_is_the_coarsest_luminance_term() -> None:
    a, b = 0.2, 0.6
    luminance = (2 * a * b + C1) / (a * a + b * b + C1)
    assert fidelity.ms_ssim(flat(51), flat(153))[0] == pytest.approx(
        luminance ** SCALE_WEIGHTS[-1], abs=1e-3
    )


def test_identical_frames_score_one() -> None:
    frames = portrait()[None]
    assert fidelity.ssim(frames, frames)[0] == pytest.approx(1, abs=1e-6)
    assert fidelity.ms_ssim(frames, frames)[0] == pytest.approx(1, abs=1e-6)
    assert frame_ssim(frames[0], frames[0]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("sigma_px", [0.7, 2.0])
def test_ssim_agrees_with_scikit_image(sigma_px: float) -> None:
    other = pytest.importorskip("skimage.metrics")
    reference = portrait()[None]
    output = blurred(reference, sigma_px)
    # scikit-image leaves out windows that cross the edge; mirrored by hand, none of ours does
    mirrored = [
        np.pad(v[0] / 255, ((5, 5), (5, 5), (0, 0)), mode="reflect") for v in (reference, output)
    ]
    expected = other.structural_similarity(
        *mirrored,
        data_range=1,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert fidelity.ssim(reference, output)[0] == pytest.approx(expected, rel=1e-5)
    assert frame_ssim(reference[0], output[0]) == pytest.approx(expected, rel=1e-6)


def plain_ms_ssim(reference: NDArray[np.uint8], output: NDArray[np.uint8]) -> float:
    """Wang 2003 from the paper, with SciPy's Gaussian and 2x2 means; windows cross the edge at the last scale only."""
    ndimage = pytest.importorskip("scipy.ndimage")
    x, y, result, edge = reference / 255, output / 255, 1.0, 5

    def mean(v: NDArray[np.float64]) -> NDArray[np.float64]:
        full = ndimage.gaussian_filter(v, (1.5, 1.5, 0), truncate=3.4, mode="mirror")
        return full[edge : len(v) - edge, edge : len(v) - edge]

    for number, weight in enumerate(SCALE_WEIGHTS):
        edge = 0 if number == len(SCALE_WEIGHTS) - 1 else 5
        mx, my = mean(x), mean(y)
        score = (2 * (mean(x * y) - mx * my) + C2) / (
            mean(x * x) - mx**2 + mean(y * y) - my**2 + C2
        )
        if number == len(SCALE_WEIGHTS) - 1:
            score = score * (2 * mx * my + C1) / (mx**2 + my**2 + C1)
        result *= score.mean() ** weight
        x, y = (v.reshape(v.shape[0] // 2, 2, v.shape[1] // 2, 2, 3).mean((1, 3)) for v in (x, y))
    return result


@pytest.mark.parametrize("sigma_px", [0.7, 2.0])
def test_ms_ssim_agrees_with_the_paper_recomputed(sigma_px: float) -> None:
    reference = portrait()[None]
    output = blurred(reference, sigma_px)
    assert fidelity.ms_ssim(reference, output)[0] == pytest.approx(
        plain_ms_ssim(reference[0], output[0]), rel=1e-5
    )


def test_more_blur_is_worse() -> None:
    frames = portrait()[None]
    for figure in (fidelity.psnr_db, fidelity.ssim, fidelity.ms_ssim):
        values = [float(figure(frames, blurred(frames, s))[0]) for s in (0.5, 1.0, 2.0, 4.0)]
        assert values == sorted(values, reverse=True)


def test_frames_that_cannot_be_compared_are_refused() -> None:
    frames = noise((1, 32, 32, 3))
    for other in (noise((2, 32, 32, 3)), noise((1, 32, 32, 1)), frames.astype(np.float32)):
        with pytest.raises(UsageError):
            fidelity.psnr_db(frames, other)  # type: ignore[arg-type]


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match="no_such_package") as caught:
        require("no_such_package.inner", "a figure")
    assert "[eval]" in caught.value.hint
    assert isinstance(caught.value, ImportError)
    with pytest.raises(MissingExtraError):
        package_file("no_such_package", "models", "x.dat", purpose="a figure")
    with pytest.raises(MissingExtraError):
        package_file("numpy", "no_such_file.dat", purpose="a figure")
