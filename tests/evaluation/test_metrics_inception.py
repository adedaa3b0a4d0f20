"""FID and FVD: Inception with made-up weights of the right shapes, and distances of sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.evaluation import blurred, portrait
from tests.support.inception import inception_shapes
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.frechet import VideoFeatures, frechet_distance, set_distance
from vqcodec.evaluation.metrics.inception import CONVOLUTIONS, InceptionFeatures
from vqcodec.evaluation.metrics.weights import (
    BACKBONES,
)


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    tensors = {}
    for name, shape in inception_shapes().items():
        tensors[f"{name}.conv.weight"] = torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5
        tensors |= {
            f"{name}.bn.{part}": 0.1 * torch.randn(shape[0]) for part in ("bias", "running_mean")
        }
        tensors |= {
            f"{name}.bn.{part}": 0.7 + 0.6 * torch.rand(shape[0])
            for part in ("weight", "running_var")
        }
    path = tmp_path_factory.mktemp("weights") / BACKBONES["fid"].file
    torch.save(tensors, path)
    return path


def test_inception_has_its_published_size(inception_file: Path) -> None:
    assert set(CONVOLUTIONS) == set(inception_shapes()) and len(CONVOLUTIONS) == 94
    features = InceptionFeatures(inception_file)
    # torchvision's documentation counts 27161264 parameters: less the classifier (2049000) and the auxiliary one
    # (3326696), and four numbers per channel folded into one
    count = sum(weight.numel() + 2 * bias.numel() for weight, bias in features._layers.values())
    assert count == 27161264 - 2049000 - 3326696
    found = features(blurred(portrait()[None], 1.0))
    assert found.shape == (1, 2048) and np.isfinite(found).all() and found.std() > 0


def test_inception_agrees_with_torchvision(
    inception_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("torchvision.models.inception")
    network = module.Inception3(aux_logits=False, init_weights=False, transform_input=False).eval()
    unknown = network.load_state_dict(
        torch.load(inception_file, weights_only=True), strict=False
    ).unexpected_keys
    assert unknown == []
    network.fc = nn.Identity()
    # FID's two differences: averages without the padding, a maximum in the last block
    average, maximum, calls = nn.functional.avg_pool2d, nn.functional.max_pool2d, []

    def pool(value: torch.Tensor, **window: int) -> torch.Tensor:
        calls.append(value.shape)
        return (
            maximum(value, **window)
            if len(calls) == 9
            else average(value, **window, count_include_pad=False)
        )

    monkeypatch.setattr(module.F, "avg_pool2d", pool)
    picture = torch.rand(1, 3, 299, 299) * 2 - 1
    with torch.inference_mode():
        expected = network(picture)
        monkeypatch.undo()
        ours = InceptionFeatures(inception_file).trunk(picture).mean((2, 3))
    assert len(calls) == 9
    assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


class Stand(nn.Module):
    """Takes what I3D takes; gives the mean of each colour and the difference of the last frame to the first."""

    def forward(
        self,
        video: torch.Tensor,
        rescale: bool = False,
        resize: bool = False,
        return_features: bool = False,
    ) -> torch.Tensor:
        if not (rescale and resize and return_features):
            return torch.zeros(1, 1)
        return torch.cat(
            [video.mean((2, 3, 4)), (video[:, :, -1] - video[:, :, 0]).mean((1, 2, 3))[:, None]], 1
        )


def test_video_features_come_from_cuts_of_sixteen_frames(tmp_path: Path) -> None:
    path = tmp_path / BACKBONES["fvd"].file
    torch.jit.script(Stand()).save(str(path))
    frames = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    found = VideoFeatures(path)(frames)
    assert found == pytest.approx(np.array([[7.5] * 3 + [15], [23.5] * 3 + [15]]))
    assert len(VideoFeatures(path)(frames[:15])) == 0


def test_frechet_distance_in_closed_form() -> None:
    # one dimension: (m1 - m2)^2 + (s1 - s2)^2
    assert frechet_distance(
        np.array([1.0]), np.array([[4.0]]), np.array([4.0]), np.array([[25.0]])
    ) == pytest.approx(18)
    diagonal = frechet_distance(np.zeros(3), np.diag([1.0, 4, 9]), np.ones(3), np.diag([4.0, 4, 1]))
    assert diagonal == pytest.approx(3 + 1 + 0 + 4)
    assert frechet_distance(
        np.zeros(3), np.diag([1.0, 0, 0]), np.zeros(3), np.diag([0.0, 2, 0])
    ) == pytest.approx(3)


def test_frechet_distance_agrees_with_scipys_matrix_root() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    random = np.random.default_rng(4)
    first, second = (
        random.normal(size=(60, 12)),
        random.normal(size=(70, 12)) @ random.normal(size=(12, 12)) + 0.5,
    )
    root = linalg.sqrtm(np.cov(first, rowvar=False) @ np.cov(second, rowvar=False)).real
    gap = first.mean(0) - second.mean(0)
    expected = gap @ gap + np.trace(
        np.cov(first, rowvar=False) + np.cov(second, rowvar=False) - 2 * root
    )
    assert set_distance(first, second) == pytest.approx(expected, rel=1e-6)
    assert set_distance(first, first) == pytest.approx(0, abs=1e-6)
    few = first[:5], second[:8]
    moments = [(v.mean(0), np.cov(v, rowvar=False)) for v in few]
    assert set_distance(*few) == pytest.approx(frechet_distance(*moments[0], *moments[1]), rel=1e-6)
    assert set_distance(first[:5], first[:5]) == pytest.approx(0, abs=1e-9)


def test_sets_that_cannot_be_compared_are_refused() -> None:
    for pair in (
        (np.zeros((1, 3)), np.zeros((5, 3))),
        (np.zeros((5, 3)), np.zeros((5, 4))),
        (np.zeros(3), np.zeros((5, 3))),
    ):
        with pytest.raises(UsageError):
            set_distance(*pair)
