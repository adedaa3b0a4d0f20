"""VMAF: Netflix's published values, the package run on everything, and two features computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.evaluation import blurred, moving, noise
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.vmaf import Vmaf, VmafReference, luma

package = pytest.importorskip("vmaf_torch")


@pytest.fixture(scope="module")
def vmaf() -> Vmaf:
    return Vmaf()


def test_luma_is_ffmpegs() -> None:
    av = pytest.importorskip("av")
    blocks = np.kron(noise((16, 16, 3)), np.ones((8, 8, 1), np.uint8))
    plane = av.VideoFrame.from_ndarray(blocks, format="rgb24").reformat(format="yuv420p").planes[0]
    theirs = np.frombuffer(plane, np.uint8).reshape(128, plane.line_size)[:, :128]
    assert np.abs(luma(blocks[None])[0].astype(int) - theirs).max() <= 1
    assert [int(luma(np.full((1, 1, 1, 3), v, np.uint8)).item()) for v in (0, 255)] == [16, 235]


def test_the_machine_gives_the_scores_netflix_publishes() -> None:
    # libvmaf's README.md, example output for src01_hrc01_576x324.yuv, frame 0; and its test of identical flat frames
    features = [[0.962084, 0, 0.505712, 0.879061, 0.937873, 0.964301], [1, 0, 1, 1, 1, 1]]
    import torch

    scores = package.VMAF(clip_score=True).svm(torch.tensor(features))
    assert scores[:, 0].tolist() == pytest.approx([83.856285, 97.428043], abs=2e-3)


def test_identical_pictures_score_as_published(vmaf: Vmaf) -> None:
    still = np.repeat(moving(1), 3, 0)
    assert vmaf.score(VmafReference(still), [0, 1, 2], still) == pytest.approx(97.428043, abs=5e-3)


def test_sampled_frames_score_as_in_a_full_run(vmaf: Vmaf) -> None:
    frames = moving(21, side_px=128)
    output = blurred(frames, 1.2)
    import torch

    planes = [torch.from_numpy(luma(v).astype(np.float32))[:, None] for v in (frames, output)]
    with torch.inference_mode():
        full = package.VMAF(clip_score=True)(*planes)[:, 0].numpy()
    numbers = [0, 5, 10, 20]
    reference = VmafReference(frames)
    assert vmaf.score(reference, numbers, output[numbers]) == pytest.approx(full[numbers], abs=2e-3)
    assert vmaf.score(reference, range(21), output) == pytest.approx(full, abs=2e-3)
    assert np.ptp(full) > 1


def test_motion_is_the_difference_of_blurred_neighbours() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    frames = moving(11, side_px=96)
    # five taps of sigma 1, edges mirrored with the outermost pixel repeated
    kernel = np.exp(-(np.arange(-2, 3) ** 2) / 2)
    kernel /= kernel.sum()
    soft = luma(frames).astype(np.float64)
    for axis in (1, 2):
        soft = ndimage.correlate1d(soft, kernel, axis, mode="reflect")
    step = np.abs(np.diff(soft, axis=0)).mean((1, 2))
    expected = np.array([0, *np.minimum(step[:-1], step[1:]), step[-1]])
    # libvmaf mirrors the left and top edges without repeating the outermost pixel
    assert VmafReference(frames).motion2 == pytest.approx(expected, rel=0.01)
    assert VmafReference(frames[:1]).motion2.tolist() == [0]
    assert VmafReference(frames[:2]).motion2 == pytest.approx([0, step[0]], rel=0.01)


def plain_vif(reference: NDArray[np.float64], output: NDArray[np.float64]) -> float:
    """Sheikh and Bovik 2006, finest scale, pixel domain: 17 taps of sigma 3.4, noise variance 2."""
    ndimage = pytest.importorskip("scipy.ndimage")
    kernel = np.exp(-(np.arange(-8, 9) ** 2) / (2 * 3.4**2))
    kernel /= kernel.sum()

    def mean(v: NDArray[np.float64]) -> NDArray[np.float64]:
        return ndimage.correlate1d(
            ndimage.correlate1d(v, kernel, 0, mode="mirror"), kernel, 1, mode="mirror"
        )

    mx, my = mean(reference), mean(output)
    sxx, syy, sxy = (
        mean(reference**2) - mx**2,
        mean(output**2) - my**2,
        mean(reference * output) - mx * my,
    )
    textured = sxx >= 2
    gain = np.maximum(sxy / np.maximum(sxx, 1e-10), 0)
    rest = np.where(sxy < 0, syy, np.maximum(syy - gain * sxy, 1e-10))
    kept = np.where(
        textured,
        np.where(sxy < 0, 0, np.log2(1 + gain**2 * sxx / (rest + 2))),
        1 - syy * 4 / 255**2,
    )
    whole = np.where(textured, np.log2(1 + sxx / 2), 1)
    return float(kept.sum() / whole.sum())


@pytest.mark.parametrize("sigma_px", [0.6, 1.5])
def test_information_fidelity_agrees_with_the_paper_recomputed(sigma_px: float) -> None:
    frames = moving(1)
    pair = [luma(v)[0].astype(np.float64) for v in (frames, blurred(frames, sigma_px))]
    import torch

    planes = [torch.from_numpy(v)[None, None].float() for v in pair]
    theirs = float(package.VIF()(*planes)[0, 0])
    assert theirs == pytest.approx(plain_vif(*pair), rel=2e-3)
    assert 0 < theirs < 0.9


def test_more_blur_is_worse(vmaf: Vmaf) -> None:
    frames = moving(2)
    reference = VmafReference(frames)
    values = [
        float(vmaf.score(reference, [1], blurred(frames[1:], s))[0]) for s in (0.5, 1.0, 2.0, 4.0)
    ]
    assert values == sorted(values, reverse=True)
    assert values[-1] >= 0 and values[0] <= 100


def test_what_cannot_be_compared_is_refused(vmaf: Vmaf) -> None:
    frames = noise((2, 64, 64, 3))
    reference = VmafReference(frames)
    for numbers, output in (
        ([0], frames),
        ([0], noise((1, 32, 64, 3))),
        ([0], frames[:1].astype(np.float32)),
    ):
        with pytest.raises(UsageError):
            vmaf.score(reference, numbers, output)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        VmafReference(frames[:0])
    assert len(vmaf.score(reference, [], frames[:0])) == 0
