"""LPIPS, DISTS, FID and FVD with made-up weights of the right shapes, and the line that tells when there are none."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.evaluation import blurred, noise, portrait
from vqcodec.errors import UsageError
from vqcodec.evaluation.metrics.deep import DeepMetrics, Dists, Lpips
from vqcodec.evaluation.metrics.frechet import VideoFeatures, frechet_distance, set_distance
from vqcodec.evaluation.metrics.inception import CONVOLUTIONS, InceptionFeatures
from vqcodec.evaluation.metrics.weights import (
    BACKBONES,
    VARIABLE,
    MissingWeightsError,
    available,
    find_weights,
)

pytest.importorskip("torchmetrics")


def alexnet() -> nn.Sequential:
    """The feature part of AlexNet as torchvision builds it."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )


def vgg16() -> nn.Sequential:
    """The feature part of VGG16 as torchvision builds it."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        layers += (
            [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2, 2)]
        )
        channels = width or channels
    return nn.Sequential(*layers)


def save(network: nn.Sequential, folder: Path, metric: str) -> Path:
    path = folder / BACKBONES[metric].file
    torch.save({f"features.{name}": value for name, value in network.state_dict().items()}, path)
    return path


def unit(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames.transpose(0, 3, 1, 2).copy()).float() / 255


def test_lpips_agrees_with_torchmetrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    torch.manual_seed(1)
    network = alexnet()
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda net, pretrained: network)
    reference = portrait(128)[None].repeat(2, 0)
    output = np.concatenate([blurred(reference[:1], 1.5), noise(reference[:1].shape)])
    with torch.inference_mode():
        expected = (
            theirs._LPIPS(net="alex")(unit(reference), unit(output), normalize=True)
            .flatten()
            .numpy()
        )
    ours = Lpips(save(network, tmp_path, "lpips"))
    assert ours(reference, output) == pytest.approx(expected, rel=1e-3)
    assert ours(reference, reference) == pytest.approx([0, 0], abs=1e-7)
    assert 0 < expected[0] < expected[1]


def test_dists_agrees_with_torchmetrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.dists")
    torch.manual_seed(2)
    network = vgg16()
    holder = type("Network", (), {"features": network})
    monkeypatch.setattr(theirs, "_TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr(theirs, "vgg16", lambda weights: holder, raising=False)
    monkeypatch.setattr(
        theirs, "VGG16_Weights", type("Weights", (), {"DEFAULT": None}), raising=False
    )
    reference = portrait(64)[None].repeat(2, 0)
    output = np.concatenate([blurred(reference[:1], 1.5), noise(reference[:1].shape)])
    expected = theirs.DISTSNetwork()(unit(reference), unit(output)).detach().numpy()
    ours = Dists(save(network, tmp_path, "dists"))
    assert ours(reference, output) == pytest.approx(expected, abs=1e-5)
    assert ours(reference, reference) == pytest.approx([0, 0], abs=1e-5)
    assert 0 < expected[0] < expected[1]


def inception_shapes() -> dict[str, tuple[int, int, int, int]]:
    """Kernels of Inception v3 (Szegedy et al. 2016, table 1) as (out, in, height, width)."""
    shapes = {
        "Conv2d_1a_3x3": (32, 3, 3, 3),
        "Conv2d_2a_3x3": (32, 32, 3, 3),
        "Conv2d_2b_3x3": (64, 32, 3, 3),
        "Conv2d_3b_1x1": (80, 64, 1, 1),
        "Conv2d_4a_3x3": (192, 80, 3, 3),
    }
    for block, given, pool in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        parts = {
            "1x1": (64, given, 1, 1),
            "5x5_1": (48, given, 1, 1),
            "5x5_2": (64, 48, 5, 5),
            "3x3dbl_1": (64, given, 1, 1),
            "3x3dbl_2": (96, 64, 3, 3),
            "3x3dbl_3": (96, 96, 3, 3),
            "_pool": (pool, given, 1, 1),
        }
        shapes |= {f"Mixed_{block}.branch{name}": shape for name, shape in parts.items()}
    parts = {
        "3x3": (384, 288, 3, 3),
        "3x3dbl_1": (64, 288, 1, 1),
        "3x3dbl_2": (96, 64, 3, 3),
        "3x3dbl_3": (96, 96, 3, 3),
    }
    shapes |= {f"Mixed_6a.branch{name}": shape for name, shape in parts.items()}
    for block, w in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        parts = {
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
        shapes |= {f"Mixed_{block}.branch{name}": shape for name, shape in parts.items()}
    parts = {
        "3x3_1": (192, 768, 1, 1),
        "3x3_2": (320, 192, 3, 3),
        "7x7x3_1": (192, 768, 1, 1),
        "7x7x3_2": (192, 192, 1, 7),
        "7x7x3_3": (192, 192, 7, 1),
        "7x7x3_4": (192, 192, 3, 3),
    }
    shapes |= {f"Mixed_7a.branch{name}": shape for name, shape in parts.items()}
    for block, given in (("7b", 1280), ("7c", 2048)):
        parts = {
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
        shapes |= {f"Mixed_{block}.branch{name}": shape for name, shape in parts.items()}
    return shapes


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


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights in reach, and no network either."""

    def refuse(*values: object, **named: object) -> None:
        raise AssertionError("a metric reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "own"))
    return tmp_path


def test_missing_weights_are_named(nowhere: Path) -> None:
    reasons = available()
    assert set(reasons) == {"lpips", "dists", "fid", "fvd"}
    assert reasons["lpips"] == (
        "LPIPS needs AlexNet's weights: no alexnet-owt-7be5be79.pth in the folder that "
        "VQCODEC_METRIC_WEIGHTS names or in torch's hub folder."
    )
    for metric, make in (
        ("lpips", Lpips),
        ("dists", Dists),
        ("fid", InceptionFeatures),
        ("fvd", VideoFeatures),
    ):
        with pytest.raises(MissingWeightsError, match=BACKBONES[metric].file) as caught:
            make()
        assert str(caught.value) == reasons[metric] and VARIABLE in caught.value.hint
    collected = DeepMetrics()
    assert collected.absent == reasons and collected.pairwise == collected.features == {}


def test_both_folders_are_searched_the_users_own_first(nowhere: Path) -> None:
    hub, own = nowhere / "torch" / "hub" / "checkpoints", nowhere / "own"
    for folder in (hub, own):
        folder.mkdir(parents=True)
        path = save(alexnet(), folder, "lpips")
        assert find_weights("lpips") == path
    assert available()["lpips"] is None and available()["dists"] is not None
    collected = DeepMetrics()
    assert set(collected.pairwise) == {"lpips"} and set(collected.absent) == {"dists", "fid", "fvd"}
    assert collected.pairwise["lpips"](portrait(64)[None], portrait(64)[None]) == pytest.approx(
        [0], abs=1e-6
    )


def test_files_with_something_else_are_told_apart(nowhere: Path) -> None:
    (nowhere / "own").mkdir()
    for metric, make in (
        ("lpips", Lpips),
        ("dists", Dists),
        ("fid", InceptionFeatures),
        ("fvd", VideoFeatures),
    ):
        path = nowhere / "own" / BACKBONES[metric].file
        path.write_bytes(b"an error page instead of weights")
        with pytest.raises(MissingWeightsError, match=path.name):
            make()
    torch.save({"other": torch.zeros(1)}, nowhere / "own" / BACKBONES["lpips"].file)
    with pytest.raises(MissingWeightsError, match="AlexNet"):
        Lpips()
