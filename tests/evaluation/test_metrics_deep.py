"""LPIPS, DISTS, FID and FVD with made-up weights of the right shapes, and the line that tells when there are none."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.evaluation import blurred, noise, portrait
from vqcodec.evaluation.metrics.deep import DeepMetrics, Dists, Lpips
from vqcodec.evaluation.metrics.frechet import VideoFeatures
from vqcodec.evaluation.metrics.inception import InceptionFeatures
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
