"""Which models a decoder takes for a stream: shipped ones, or those that the folder of further models holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.support.container import make_head
from vqcodec.config import RuntimeOptions
from vqcodec.decoding.parts import DecoderParts
from vqcodec.errors import UnsupportedError
from vqcodec.models import store
from vqcodec.types import ModelId

CPU = RuntimeOptions(device="cpu", precision="fp32")


def another(kind: str, path: Path, **facts: str) -> ModelId:
    """A shipped model under another sha256: its header says something else."""
    shipped = store.current(kind).path
    with safe_open(str(shipped), "pt") as handle:
        known = handle.metadata()
    save_file(load_file(str(shipped)), str(path), metadata=known | facts)
    return store.opened(path).id


def test_another_motion_space_with_the_renderer_that_the_stream_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.MODEL_DIR_VARIABLE, str(tmp_path))
    space = another("motion_space", tmp_path / "space.safetensors", name="another")
    spaces = json.dumps([{"name": space.name, "sha256": space.sha256.hex()}])
    renderer = another("renderer", tmp_path / "renderer.safetensors", motion_spaces=spaces)
    head = replace(make_head(), motion_space=space, renderer=renderer)
    parts = DecoderParts.load(head, CPU)
    assert parts.space.id.sha256 == parts.renderer.motion_space.sha256 == space.sha256
    assert parts.renderer.id.sha256 == renderer.sha256
    with pytest.raises(UnsupportedError, match="needs the renderer 'test-renderer'") as caught:
        DecoderParts.load(replace(make_head(), motion_space=space), CPU)
    assert store.MODEL_DIR_VARIABLE in caught.value.hint


def test_a_shipped_model_of_another_kind_as_motion_space() -> None:
    renderer = store.current("renderer").id
    with pytest.raises(UnsupportedError, match="is of the renderer renderer-"):
        DecoderParts.load(replace(make_head(), motion_space=renderer), CPU)
