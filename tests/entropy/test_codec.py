"""The entropy stage: lossless, separable by layer, bounded on garbage, equal to the written tables and example."""

from __future__ import annotations

import json
import random
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.spec import load as load_module
from vqcodec.entropy import decode_layers, encode_layers
from vqcodec.entropy.codec import final_states, signed_digits
from vqcodec.entropy.tables import (
    COMBOS,
    FEATURES,
    FILE_NAME,
    PHASES,
    SCALE_TERMS,
    STATES,
    WIDE_FILE_NAME,
    LayerTables,
    check,
    layer_from_json,
    load,
    load_rows,
)
from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import MAX_DIMS, MAX_LAYER_BYTES, to_indices, unpack_digits
from vqcodec.training.entropy_tables.run import trace

TABLES = Path(__file__).resolve().parents[2] / "bitstream_spec" / "tables"


def smooth_indices(frames: int, seed: int, groups: int = 12, reach: float = 40.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] / 25
    phase, rate_hz = rng.uniform(0, 6.3, (2, 4 * groups))
    size = reach / (1 + np.arange(4 * groups) / 6)
    return to_indices(
        np.clip(np.round(size * np.sin(rate_hz * t + phase)), -170, 170).astype(np.int16)
    )


def random_indices(frames: int, seed: int, groups: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 625, (frames, groups, 4)).astype(np.uint16)


some_groups = st.sampled_from([12, 16, 20])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 60),
    some_groups,
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
    st.sampled_from([smooth_indices, random_indices]),
)
def test_indices_survive(frames: int, groups: int, layers: int, seed: int, source: object) -> None:
    indices = source(frames, seed, groups)[..., :layers]  # type: ignore[operator]
    payloads = encode_layers(indices)
    assert len(payloads) == layers
    decoded = decode_layers(payloads, frames, groups)
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded, indices)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 30), some_groups, st.integers(0, 2**32 - 1))
def test_the_first_layers_decode_alone(frames: int, groups: int, seed: int) -> None:
    indices = smooth_indices(frames, seed, groups)
    payloads = encode_layers(indices)
    for layers in (1, 2, 3):
        np.testing.assert_array_equal(
            decode_layers(payloads[:layers], frames, groups), indices[..., :layers]
        )
        assert encode_layers(indices[..., :layers]) == payloads[:layers]


@pytest.mark.parametrize("groups", [12, 20])
@pytest.mark.parametrize("frames", [1, 2, 3, 240])
def test_stillness_takes_no_bytes(frames: int, groups: int) -> None:
    still = np.full((frames, groups, 4), 312, np.uint16)
    assert encode_layers(still) == [b"", b"", b"", b""]
    np.testing.assert_array_equal(decode_layers([b""] * 4, frames, groups), still)


@pytest.mark.parametrize("groups", [12, 16, 32])
def test_extremes_survive(groups: int) -> None:
    values = np.where(np.arange(60)[:, None] % 2, 170, -170) * np.ones((1, 4 * groups), int)
    indices = to_indices(values)
    np.testing.assert_array_equal(decode_layers(encode_layers(indices), 60, groups), indices)


def test_the_longest_group_fits_its_field() -> None:
    """Digits without any order, 240 frames of 128 dimensions: far below the most that a layer may take."""
    payloads = encode_layers(random_indices(240, 4, 32))
    assert max(map(len, payloads)) < 46_100 < MAX_LAYER_BYTES
    np.testing.assert_array_equal(decode_layers(payloads, 240, 32), random_indices(240, 4, 32))


def test_no_frames_take_no_bytes() -> None:
    assert encode_layers(np.zeros((0, 12, 2), np.uint16)) == [b"", b""]
    assert decode_layers([b"", b""], 0).shape == (0, 12, 2)


def test_smooth_motion_is_small() -> None:
    """A steady wave takes well under half of the raw 12 log2 625 bits a layer and frame."""
    size = sum(map(len, encode_layers(smooth_indices(50, 1))))
    assert size * 8 < 0.3 * 50 * 48 * np.log2(625)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 8), st.integers(0, 3))
def test_garbage_gives_indices_or_a_typed_error(payload: bytes, frames: int, layer: int) -> None:
    payloads = [*encode_layers(smooth_indices(frames, 5))[:layer], payload]
    try:
        indices = decode_layers(payloads, frames)
    except BitstreamError as error:
        assert error.code == "bad-payload"
        return
    assert indices.max() <= 624
    assert encode_layers(indices) == payloads


def test_every_changed_bit_is_noticed_or_changes_the_indices() -> None:
    indices = smooth_indices(6, 9)
    payloads = encode_layers(indices)
    rng = random.Random(1)
    for layer, payload in enumerate(payloads):
        for _ in range(min(20, len(payload) * 8)):
            bit = rng.randrange(len(payload) * 8)
            bad = bytearray(payload)
            bad[bit // 8] ^= 1 << bit % 8
            try:
                assert not np.array_equal(
                    decode_layers([*payloads[:layer], bytes(bad)], 6), indices[..., : layer + 1]
                )
            except BitstreamError as error:
                assert error.code == "bad-payload"


@pytest.mark.parametrize(
    "indices",
    [
        np.zeros((3, 12, 5), int),
        np.zeros((3, 11, 4), int),
        np.zeros((3, 33, 4), int),
        np.zeros((3, 12), int),
        np.full((3, 12, 4), 625),
        np.full((3, 12, 4), -1),
        np.zeros((3, 12, 4)),
    ],
)
def test_wrong_indices_are_usage_errors(indices: np.ndarray) -> None:
    with pytest.raises(UsageError):
        encode_layers(indices)


@pytest.mark.parametrize(
    ("payloads", "frames", "groups"),
    [([], 3, 12), ([b""] * 5, 3, 12), ([b""], -1, 12), ([b""], 3, 11), ([b""], 3, 33)],
)
def test_wrong_payloads_are_usage_errors(payloads: list[bytes], frames: int, groups: int) -> None:
    with pytest.raises(UsageError):
        decode_layers(payloads, frames, groups)


def test_the_written_example() -> None:
    example = json.loads((TABLES / "example-1.json").read_text())
    indices = np.array(example["indices"], np.uint16)
    payloads = [bytes.fromhex(p) for p in example["payloads"]]
    assert encode_layers(indices) == payloads
    np.testing.assert_array_equal(decode_layers(payloads, example["frames"]), indices)
    assert [list(state) for state in final_states(payloads, example["frames"])] == example[
        "final_states"
    ]
    for found in example["traces"]:
        assert json.loads(trace(indices, found["layer"] - 1, found["frame"])) == found


@pytest.mark.parametrize("name", [FILE_NAME, WIDE_FILE_NAME])
def test_packaged_and_published_tables_are_equal(name: str) -> None:
    packaged = files("vqcodec.entropy").joinpath(name).read_bytes()
    assert packaged == (TABLES / name).read_bytes()
    assert json.loads(packaged)["name"] == Path(name).stem


def test_the_wide_tables_are_those_that_the_program_makes() -> None:
    assert (TABLES / WIDE_FILE_NAME).read_text() == load_module(TABLES / "make.py").text()


@pytest.mark.parametrize("dims", [52, 64, 80])
def test_a_stream_takes_the_first_columns(dims: int) -> None:
    for narrow, wide, whole in zip(load(48), load(dims), load(MAX_DIMS), strict=True):
        np.testing.assert_array_equal(wide.start_scale, whole.start_scale[:, :dims])
        np.testing.assert_array_equal(wide.start_scale[:, :48], narrow.start_scale)
        middle = np.sort(narrow.start_scale[:, 36:], axis=1)[:, 5]
        np.testing.assert_array_equal(wide.start_scale[:, 48:], np.tile(middle, (dims - 48, 1)).T)
        assert wide.frequencies is whole.frequencies
    assert load_rows(2, wide=True) == load_rows(2)  # until they are fitted


@pytest.mark.parametrize("dims", [48, MAX_DIMS])
def test_tables_obey_their_rules(dims: int) -> None:
    assert len(load(dims)) == 4
    for layer, tables in enumerate(load(dims)):
        check(tables, layer, dims)
        for name in ("activity_thresholds", "first_thresholds", "scale_thresholds"):
            assert (np.diff(getattr(tables, name)) > 0).all(), name
        # 32 bits suffice: a feature is at most 170 + 168 steps; the terms of sigma as in entropy.md section 4.3
        assert np.abs(tables.coefficients).sum(1).max() * 338 < 2**31
        move, error = (
            2 * 168,
            int(tables.start_scale.max())
            + (int(tables.start_slope.max()) * (move_limit := 344_064) >> 8),
        )
        terms = np.array([error, error, 4 * error, 4 * move << 8, 2 * dims * move << 4, 1024])
        assert (np.abs(tables.scale_weights) * terms).sum(
            1
        ).max() < 2**31 and move_limit == 1024 * move


def test_tables_that_break_a_rule_are_refused() -> None:
    layer = json.loads((TABLES / FILE_NAME).read_text())["layers"][0]
    layer["frequencies"][0][0][0][2] += 1
    with pytest.raises(ValueError, match="4096"):
        layer_from_json(layer, 0)
    layer["scale_weights"] = [1]
    with pytest.raises(ValueError, match="scale_weights"):
        layer_from_json(layer, 0)


def test_digits_are_those_of_the_specification() -> None:
    indices = random_indices(4, 2)
    digits = signed_digits(indices)
    np.testing.assert_array_equal(digits + 2, unpack_digits(indices))
    for d in range(48):  # tokens.md, section 3
        np.testing.assert_array_equal(
            digits[:, d], indices[:, d // 4].astype(int) // 5 ** (d % 4) % 5 - 2
        )


def test_ten_minutes_decode_in_less_than_ten_seconds() -> None:
    """Processor time of one minute (30 groups of 2 s at 25 frames a second) is below one second, on one thread."""
    groups = [encode_layers(smooth_indices(50, seed)) for seed in range(3)] * 10
    assert 40 < sum(len(p) for p in groups[0]) < 4000
    spent_s = []
    for _ in range(2):
        start_s = time.process_time()
        for payloads in groups:
            decode_layers(payloads, 50)
        spent_s.append(time.process_time() - start_s)
    assert min(spent_s) < 1.0, spent_s


def test_the_text_names_every_table_and_its_shape() -> None:
    text = (TABLES.parent / "entropy.md").read_text()
    for name in LayerTables.__slots__:
        assert f"| `{name}` |" in text, name
    assert f"(1 + {STATES} (A + 1), {FEATURES})" in text and f"({STATES}, {SCALE_TERMS})" in text
    assert COMBOS == (1, 3, 8, 8) and f"1 or 3 or 8, {PHASES}, 5" in text
