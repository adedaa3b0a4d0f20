"""What a renderer file says: its weights, and the motion spaces it was trained for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from torch import Tensor

from vqcodec.render.network import RendererNet
from vqcodec.types import ModelId

_LATER = ("fusion.", "flow_net.told.", "restoration.")


def take_weights(net: RendererNet, weights: Mapping[str, Tensor]) -> None:
    """Load weights; parts that a renderer is too old to have stay as they start: without effect.

    Raises:
        RuntimeError: they don't fit.
    """
    own = {k: v for k, v in net.state_dict().items() if k.startswith(_LATER)}
    net.load_state_dict({**own, **weights})


def trained_for(facts: Mapping[str, str]) -> tuple[ModelId, ...]:
    """The motion spaces that a renderer file's header names, the newest first.

    Raises:
        KeyError, ValueError: it names none.
    """
    spaces = (
        json.loads(facts["motion_spaces"])
        if "motion_spaces" in facts
        else [dict(name=facts["motion_space_name"], sha256=facts["motion_space_sha256"])]
    )
    return tuple(ModelId(s["name"], bytes.fromhex(s["sha256"])) for s in spaces)
