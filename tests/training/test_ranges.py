"""What convolutions take, looked at as often as wished."""

from __future__ import annotations

import torch

from vqcodec.training.picture.ranges import Observer, joined


def test_every_third_call_is_looked_at() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.ReLU(), torch.nn.Conv2d(1, 1, 1))
    net.requires_grad_(False)
    net[0].weight[:], net[0].bias[:] = 2.0, 0.0
    observer = Observer(net, every=3)
    for level in (1.0, 50.0, 50.0, -3.0, 50.0):
        net(torch.full((1, 1, 4, 4), level))
    assert observer.ranges == {"0": (-3.0, 1.0), "2": (0.0, 2.0)}


def test_ranges_of_clips_are_joined() -> None:
    assert joined({"a": (0, 1), "b": (0, 2)}, {"a": (-1, 0.5), "c": (0, 3)}) == {
        "a": (-1, 1),
        "b": (0, 2),
        "c": (0, 3),
    }
