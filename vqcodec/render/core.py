"""The network's part of a rendering at 256, and the two ways to run it: layer by layer in torch, or as one OpenVINO graph.

    views, maps, landmarks --Core--> Drawn --render.full_size--> pictures

Both ways run the same `RendererNet.forward`. What landmarks alone say (`RendererNet.geometry`) is torch's in both: it solves
equations and sums terms that cancel.
"""

from __future__ import annotations

import copy
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from vqcodec.config import BackendName
from vqcodec.render.blending import premultiplied
from vqcodec.render.fusion import Shares
from vqcodec.render.graph import GraphNet, graph_inputs
from vqcodec.render.network import PortraitView, RendererNet
from vqcodec.render.ranges import IN_FLOAT, ranges_of
from vqcodec.render.sampling import Sampler
from vqcodec.runtime.openvino import Graph, Traceable, compiled, key_of
from vqcodec.types import ModelId


class Drawn(NamedTuple):
    """What a core makes of N poses.

    Attributes:
        output: (N, 3, 256, 256) float32 the picture at 256; empty where it wasn't asked for.
        small: (N, 5, 256, 256) float32 what is blended at 512 (blending.premultiplied); empty where `raw` is.
        flows: of each portrait, (N, 2, 128, 128) float32.
        ghosts: of each portrait, (N, 1, 128, 128) float32 (network.Geometry).
        shares: of two portraits; None with one.
        raw: layers (N, 9, 256, 256) and features (N, 16, 256, 256) for the 512 head, where the core gives them.
    """

    output: Tensor
    small: Tensor
    flows: tuple[Tensor, ...]
    ghosts: tuple[Tensor, ...]
    shares: Shares | None
    raw: tuple[Tensor, Tensor] | None


class Core(Protocol):
    """A way to run the network."""

    backend: BackendName

    def prepare(self, portraits: int, *, finish: bool) -> None:
        """Make ready to draw from so many portraits, in the thread whose number of torch's threads counts."""

    def __call__(
        self,
        views: Sequence[PortraitView],
        maps_t: Tensor,
        lm_t: Tensor,
        sampler: Sampler,
        *,
        finish: bool,
    ) -> Drawn:
        """Draw N poses; `finish` asks for `output`."""


class TorchCore:
    """Layer by layer.

    Args:
        net: on any device, in any precision.
        raw: give what the 512 head needs, instead of what is blended without one.
    """

    backend: BackendName = "torch"

    def __init__(self, net: RendererNet, *, raw: bool) -> None:
        self._net, self._raw = net, raw
        weight = net.head.out.weight
        if weight.device.type == "cpu" and _phased(weight.dtype):
            self._net = copy.deepcopy(net)
            self._net.use_phases()
            self._net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self, portraits: int, *, finish: bool) -> None:
        """See Core."""

    def __call__(
        self,
        views: Sequence[PortraitView],
        maps_t: Tensor,
        lm_t: Tensor,
        sampler: Sampler,
        *,
        finish: bool,
    ) -> Drawn:
        """See Core."""
        made = self._net(views, maps_t, lm_t, sampler, finish=finish)
        return Drawn(
            made.output,
            made.layers[:0] if finish or self._raw else premultiplied(made.layers),
            tuple(p.flow128 for p in made.placed),
            tuple(p.geometry.ghost for p in made.placed),
            made.shares,
            (made.layers, made.features) if self._raw else None,
        )


class OpenVinoCore:
    """One graph for each number of portraits and each kind of result, made when first needed.

    Args:
        net: in float32, on the CPU; without a 512 head.
        model: whose weights they are.
        precision: of the graph; int8 needs the ranges that ship with the renderer.

    Raises:
        ModelError, UnsupportedError: see `ranges_of`.
    """

    backend: BackendName = "openvino"

    def __init__(self, net: RendererNet, model: ModelId, precision: torch.dtype) -> None:
        self._net, self._precision = net, precision
        self._ranges = ranges_of(model) if precision == torch.int8 else None
        self._facts = (model.sha256.hex(), _own_source())
        self._graphs: dict[tuple[int, bool, int], Graph] = {}
        self._threads = 1
        self._making = threading.Lock()

    def prepare(self, portraits: int, *, finish: bool) -> None:
        """See Core."""
        with self._making:
            self._threads = torch.get_num_threads()
            self._graph(portraits, finish)

    def _graph(self, portraits: int, finish: bool) -> Graph:
        place = portraits, finish, self._threads
        phased = _phased(self._precision)
        if place not in self._graphs:
            self._graphs[place] = compiled(
                key_of(*self._facts, f"{portraits} portraits, {finish=}, {phased=}"),
                lambda: _traceable(GraphNet(self._net, portraits, finish=finish, phased=phased)),
                precision=self._precision,
                threads=self._threads,
                ranges=self._ranges,
                in_float=IN_FLOAT,
            )
        return self._graphs[place]

    def __call__(
        self,
        views: Sequence[PortraitView],
        maps_t: Tensor,
        lm_t: Tensor,
        sampler: Sampler,
        *,
        finish: bool,
    ) -> Drawn:
        """See Core."""
        known = [self._net.geometry(view, lm_t, sampler) for view in views]
        graph = self._graphs[len(views), finish, self._threads]
        made, *rest = graph(*graph_inputs(views, known, maps_t, lm_t))
        flows, shares = tuple(rest[: len(views)]), rest[len(views) :]
        return Drawn(
            made if finish else made[:0],
            # one by one: a frame's planes stay in the processor's cache
            made[:0] if finish else torch.cat([premultiplied(one) for one in made.split(1)]),
            flows,
            tuple(geometry.ghost for geometry in known),
            Shares(*shares) if shares else None,
            None,
        )


def _phased(precision: torch.dtype) -> bool:
    """Whether phases pay: where bfloat16 has units of its own, convolutions cost less than the rest of it."""
    return precision != torch.bfloat16


def _traceable(module: GraphNet) -> Traceable:
    return module, module.example()


def _own_source() -> str:
    """What the network's code is: a graph made from other code is another graph."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
