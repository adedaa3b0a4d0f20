"""Weights of networks that this project does not ship: found where the user has them, never downloaded.

LPIPS, DISTS, FID and FVD are defined by one network each, trained on ImageNet or Kinetics, whose files are downloads.
They are looked for under their usual names, first in the folder that the environment variable VQCODEC_METRIC_WEIGHTS
names, then in torch's hub folder (`$TORCH_HOME/hub/checkpoints`), where torchvision and others keep them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vqcodec.errors import VqcodecError

if TYPE_CHECKING:
    import torch

VARIABLE = "VQCODEC_METRIC_WEIGHTS"


class MissingWeightsError(VqcodecError):
    """The network of a metric is not on this machine, or its file holds something else."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """The network file a metric needs.

    Attributes:
        title: the metric, for people.
        network: whose weights.
        file: usual file name.
        source: who publishes it.
    """

    title: str
    network: str
    file: str
    source: str


BACKBONES = {
    "lpips": Backbone("LPIPS", "AlexNet", "alexnet-owt-7be5be79.pth", "torchvision"),
    "dists": Backbone("DISTS", "VGG16", "vgg16-397923af.pth", "torchvision"),
    "fid": Backbone("FID", "Inception", "pt_inception-2015-12-05-6726825d.pth", "pytorch-fid"),
    "fvd": Backbone("FVD", "I3D", "i3d_torchscript.pt", "StyleGAN-V"),
}


def folders() -> list[Path]:
    """Where weights are looked for, in order."""
    import torch

    named = os.environ.get(VARIABLE)
    return [*([Path(named)] if named else []), Path(torch.hub.get_dir()) / "checkpoints"]


def find_weights(metric: str) -> Path:
    """Path of a metric's network.

    Args:
        metric: a key of BACKBONES.

    Raises:
        MissingWeightsError: it is in none of the folders.
    """
    backbone = BACKBONES[metric]
    for folder in folders():
        path = folder / backbone.file
        if path.is_file():
            return path
    raise MissingWeightsError(
        f"{backbone.title} needs {backbone.network}'s weights: no {backbone.file} in the folder that {VARIABLE} names or in "
        "torch's hub folder.",
        hint=f"{backbone.source} publishes the file. Put it into a folder and set {VARIABLE} to that.",
    )


def available() -> dict[str, str | None]:
    """For each metric of BACKBONES None where it can be measured, else why not, in a sentence."""
    reasons: dict[str, str | None] = {}
    for metric in BACKBONES:
        try:
            find_weights(metric)
            reasons[metric] = None
        except MissingWeightsError as error:
            reasons[metric] = str(error)
    return reasons


def load_tensors(path: Path, names: Iterable[str], what: str) -> dict[str, torch.Tensor]:
    """Read tensors from a file of weights; nothing in it is executed.

    Args:
        path: what torch.save wrote: a flat dictionary of tensors.
        names: the tensors needed; others are left.
        what: whose weights, for the message.

    Raises:
        MissingWeightsError: it can't be read or lacks one of them.
    """
    import torch

    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        return {name: stored[name].float() for name in names}
    except Exception as error:  # a damaged file fails in many ways
        raise MissingWeightsError(
            f"{path.name} does not hold {what}'s weights ({type(error).__name__}: {error})",
            hint="Fetch the file again.",
        ) from error
