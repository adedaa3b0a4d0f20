"""The generator: conditions, passes, windows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tests.support.generator import NOBODY, TINY, drawn_clip, drawn_face, facts, generator
from tests.support.geometry import shipped_basis, shipped_head
from vqcodec.errors import ModelError, UsageError
from vqcodec.format import DIMS
from vqcodec.generate.generator import OVERLAP_FRAMES, WINDOW_FRAMES, MotionGenerator
from vqcodec.generate.inputs import network_inputs
from vqcodec.generate.network import GeneratorNetwork, GeneratorShape
from vqcodec.generate.passes import chosen, coarse_to_fine
from vqcodec.geometry.basis import LandmarkBasis
from vqcodec.geometry.controls import read_controls
from vqcodec.models import store
from vqcodec.training.generator.data import Stretches
from vqcodec.training.generator.export import export_generator
from vqcodec.types import ModelId


@pytest.fixture(scope="module")
def basis() -> LandmarkBasis:
    return shipped_basis()


def test_choice_by_likelihood_and_by_chance() -> None:
    logits = torch.zeros(1, 3, DIMS, 5)
    logits[..., 4] = 1
    assert torch.equal(chosen(logits), torch.full((1, 3, DIMS), 2.0))
    draws = [chosen(logits, 1.0, torch.Generator().manual_seed(i)) for i in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_passes_see_the_layers_before(basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    network = GeneratorNetwork(TINY, dropout=0.0).eval()
    batch = next(iter(Stretches([drawn_clip()], basis, batch=1, length=40, seed=0, spoil=False)))
    given = [batch[k] for k in ("speech", "controls", "turned", "portrait")]
    values = coarse_to_fine(network, *given)
    assert values.shape == (1, 40, DIMS) and values.abs().max() <= 170
    layer, zeros = torch.tensor([1]), torch.zeros(1, 40, DIMS, 4)
    ones = zeros.clone()
    ones[..., 0] = 1
    assert not torch.allclose(network(*given, zeros, layer), network(*given, ones, layer))


@pytest.mark.parametrize(
    "frames", [0, 1, OVERLAP_FRAMES, WINDOW_FRAMES, WINDOW_FRAMES + 1, 2 * WINDOW_FRAMES + 37]
)
def test_windows_give_every_frame_once(frames: int, basis: LandmarkBasis) -> None:
    points = drawn_face(max(frames, 1))
    controls = read_controls(points, shipped_head())[:frames]
    speech = np.arange(frames, dtype=np.int64) % 3125
    parts = list(generator(basis).generate(speech, controls, facts(points, basis)))
    made = np.concatenate([np.zeros((0, DIMS), np.int16), *parts])
    assert made.shape == (frames, DIMS) and made.dtype == np.int16
    assert (made[:, 36:40] == 0).all() and np.abs(made).max(initial=0) <= 170


def test_no_seam_between_windows(basis: LandmarkBasis) -> None:
    """Of a steady sound and head, motion changes no more at a seam than the two windows differ, spread over the overlap."""
    points = drawn_face(1).repeat(3 * WINDOW_FRAMES, 0)
    controls = read_controls(points, shipped_head())
    speech = np.full(len(points), 77, np.int64)
    made = np.concatenate(
        list(generator(basis).generate(speech, controls, facts(points, basis)))
    ).astype(float)
    steps = np.abs(np.diff(made, axis=0)).max(1)
    edges = np.concatenate([steps[:4], steps[-4:]])  # where the network itself sees an end
    seams = [WINDOW_FRAMES - OVERLAP_FRAMES + i for i in range(-2, OVERLAP_FRAMES + 2)]
    assert steps[seams].max() <= max(np.median(edges), 8)


def test_draws_repeat_with_the_seed(basis: LandmarkBasis) -> None:
    points = drawn_face(40)
    controls, speech = read_controls(points, shipped_head()), np.arange(40)
    runs = [
        np.concatenate(
            list(
                generator(basis).generate(
                    speech, controls, facts(points, basis), temperature=1.0, seed=s
                )
            )
        )
        for s in (3, 3, 4)
    ]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_lengths_must_agree(basis: LandmarkBasis) -> None:
    points = drawn_face(5)
    with pytest.raises(UsageError, match="4 speech tokens, 5 frames"):
        list(
            generator(basis).generate(
                np.zeros(4, np.int64), read_controls(points, shipped_head()), facts(points, basis)
            )
        )


def test_written_and_read_again(tmp_path: Path, basis: LandmarkBasis) -> None:
    torch.manual_seed(0)
    path = tmp_path / "generator-x.safetensors"
    space, tokenizer = store.plain_motion_space().id, ModelId("speech-x", b"\xab" * 32)
    export_generator(GeneratorNetwork(TINY), path, "generator-x", tokenizer, space)
    loaded = MotionGenerator.load(path, "cpu", finish=None)
    assert loaded.motion_space == space and loaded.speech_tokenizer == tokenizer
    export_generator(GeneratorNetwork(TINY), path, "generator-x", tokenizer, NOBODY)
    with pytest.raises(ModelError, match="isn't here"):
        MotionGenerator.load(path, "cpu", finish=None)
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match="not a generator"):
        MotionGenerator.load(path, "cpu", finish=None)


@pytest.mark.parametrize("key", ["groups", "continuous", "ordinal", "codes"])
def test_files_of_other_forms_are_refused(tmp_path: Path, basis: LandmarkBasis, key: str) -> None:
    path, space = tmp_path / "generator-x.safetensors", store.plain_motion_space().id
    network = GeneratorNetwork(TINY)
    export_generator(network, path, "generator-x", NOBODY, space)
    with safe_open(str(path), "pt") as handle:
        told = dict(handle.metadata() or {})
    shape = json.loads(told["shape"]) | {key: 0 if key in ("ordinal", "codes") else 1}
    save_file(network.state_dict(), str(path), metadata=told | {"shape": json.dumps(shape)})
    with pytest.raises(ModelError, match="not a generator"):
        MotionGenerator.load(path, "cpu", finish=None)


def test_a_shape_is_read_as_it_was_written() -> None:
    assert GeneratorShape.from_facts(TINY.to_facts()) == TINY
    old = TINY.to_facts() | {"speech": 0, "groups": 0, "continuous": 0, "ordinal": 1}
    assert GeneratorShape.from_facts(old) == TINY
    with pytest.raises(TypeError):
        GeneratorShape.from_facts(old | {"depth": 3})


def test_motion_is_the_networks_own_without_a_finish(basis: LandmarkBasis) -> None:
    points = drawn_face(30)
    controls, speech = read_controls(points, shipped_head()), np.arange(30)
    rest = np.ones(30, np.float32)
    plain, finished = (
        next(made.generate(speech, controls, facts(points, basis), rest=rest))
        for made in (generator(basis, finish=None), generator(basis))
    )
    assert plain.shape == finished.shape and not np.array_equal(plain, finished)
    told = network_inputs(
        points[0],
        controls[:1],
        controls,
        facts(points, basis).features,
        basis,
        shipped_head(),
    )
    torch.manual_seed(0)
    network = GeneratorNetwork(TINY).eval()
    given = (torch.from_numpy(x)[None] for x in (speech, *told))
    values = coarse_to_fine(network, *given, expected=True)[0].numpy()
    values[:, 36:40] = 0
    assert np.array_equal(plain, np.rint(values))


def test_rest_has_a_number_for_every_frame(basis: LandmarkBasis) -> None:
    points = drawn_face(5)
    with pytest.raises(UsageError, match="4 of rest"):
        list(
            generator(basis).generate(
                np.zeros(5, np.int64),
                read_controls(points, shipped_head()),
                facts(points, basis),
                rest=np.zeros(4, np.float32),
            )
        )
