"""vqcodec/format.py against the specification's text, and that nothing says its numbers again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import vqcodec
from tests.support.spec import SPEC, VQT_TEXT, number, tables
from vqcodec import format as numbers
from vqcodec.errors import UsageError
from vqcodec.format import (
    LAYER_STEPS,
    MAX_CHUNK_BYTES,
    REACH,
    from_digits,
    from_indices,
    pack_digits,
    to_digits,
    to_indices,
    unpack_digits,
)

PACKAGE = Path(vqcodec.__file__).parent
TOKENS_TEXT = (SPEC / "tokens.md").read_text(encoding="utf-8")
NAMES = {n for n in vars(numbers) if n.isupper() and not n.startswith("_")} - {"TYPE_CHECKING"}
IN_TOKENS = {
    "GROUPS": r"(\d+) groups x 4 dimensions",
    "GROUP_DIMS": r"12 groups x (\d+) dimensions",
    "DIMS": r"x 4 dimensions = (\d+) dimensions",
    "LAYERS": r"(\d+) residual layers, 5 levels",
    "LEVELS": r"4 residual layers, (\d+) levels",
    "CODES": r"5\^4 = (\d+) indices",
    "HALF": r"halves away from zero, clipped to -\d+ \.\. (\d+)",
    "REACH": r"clipped to -\d+ \.\. (\d+) +d = 0",
    "LANDMARKS": r"linear basis of (\d+) face landmarks",
    "FEATURE_SIZE_PX": r"pixels of a (\d+) px square",
}
"""Where tokens.md says the number."""
BITS_AND_BYTES = {"ANCILLARY_BIT", "SAFE_TO_COPY_BIT", "TYPE_BYTES", "CRC_BYTES"}
NOT_OF_STREAMS = {"CODED_SIZE_PX", "SPEECH_RATE_HZ", "SPEECH_TOKEN_HZ", "SPEECH_TOKEN_SAMPLES"}
DERIVED = {"MAX_PACKET_SAMPLES", "MAX_DIMS"}


TELLING = {
    numbers.AUDIO_RATE_HZ,
    numbers.SPEECH_RATE_HZ,
    numbers.SPEECH_TOKEN_SAMPLES,
    numbers.MAX_PACKET_SAMPLES,
    numbers.PRE_ROLL_SAMPLES,
    numbers.MAX_STILL_BYTES,
    numbers.MAX_CROP_SIDE_PX,
    numbers.LANDMARKS,
    numbers.CODES,
}
"""Numbers that can hardly mean anything else where they are written."""


def test_every_number_is_held_against_something() -> None:
    integers = {name for name in NAMES if isinstance(getattr(numbers, name), int)}
    limits = {row[0].strip("`") for row in tables("## 13. Limits")[0]}
    others = [set(IN_TOKENS), BITS_AND_BYTES, NOT_OF_STREAMS, DERIVED]
    assert integers == limits.union(*others)
    assert len(integers) == len(limits) + sum(map(len, others))
    types = {name for name in NAMES if name.endswith("_TYPE")}
    assert NAMES - integers - types == {
        "SIGNATURE",
        "VERSION",
        "VERSION_2",
        "VERSIONS",
        "MAX_CHUNK_BYTES",
        "LAYER_STEPS",
    }
    assert {getattr(numbers, name) for name in types - {"SCNE_TYPE"}} == set(MAX_CHUNK_BYTES)
    assert "## 7a. " + numbers.SCNE_TYPE.decode() in VQT_TEXT


def test_limits_are_those_of_the_text() -> None:
    by_name, by_chunk = tables("## 13. Limits")
    for row in by_name:
        stated = number(row[1].split("(")[0])
        assert getattr(numbers, row[0].strip("`")) == stated, row[0]
    assert {row[0].strip("`").encode(): number(row[1]) for row in by_chunk} == MAX_CHUNK_BYTES


def test_limits_named_in_the_text_have_their_value() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(SPEC.glob("*.md")))
    named = re.findall(r"`([A-Z0-9_]{6,})` \(([\d ]+)\)", pages)
    assert len(named) > 15
    for name, value in named:
        assert number(value) == getattr(numbers, name), name


def test_every_limit_that_the_text_names_exists() -> None:
    for name in set(re.findall(r"`((?:MAX|MIN)_[A-Z0-9_]+)`", VQT_TEXT)):
        assert hasattr(numbers, name), name


@pytest.mark.parametrize("name", IN_TOKENS)
def test_numbers_of_tokens(name: str) -> None:
    found = re.findall(IN_TOKENS[name], TOKENS_TEXT)
    assert found and {int(value) for value in found} == {getattr(numbers, name)}


def test_steps_are_the_texts() -> None:
    stated = re.search(r"s_1 = (\d+), s_2 = (\d+), s_3 = (\d+), s_4 = (\d+)", TOKENS_TEXT)
    assert stated is not None and tuple(map(int, stated.groups())) == LAYER_STEPS
    assert "(170 = 2 (64 + 16 + 4 + 1))" in TOKENS_TEXT and REACH == 170


def test_signature_version_and_bits() -> None:
    assert numbers.SIGNATURE.hex(" ").upper() in VQT_TEXT
    assert "version 1.0" in VQT_TEXT and numbers.VERSION == (1, 0)
    assert "version 2.0" in VQT_TEXT and numbers.VERSION_2 == (2, 0)
    assert numbers.VERSIONS == (numbers.VERSION, numbers.VERSION_2)
    assert VQT_TEXT.count("Bit 5") == 2 and "(`0x20`) of the first letter" in VQT_TEXT
    assert (numbers.ANCILLARY_BIT, numbers.SAFE_TO_COPY_BIT) == (0x20, 0x20)
    assert (numbers.TYPE_BYTES, numbers.CRC_BYTES) == (4, 4)


def test_speech_tokens_divide_the_sound() -> None:
    assert numbers.SPEECH_TOKEN_SAMPLES * numbers.SPEECH_TOKEN_HZ == numbers.SPEECH_RATE_HZ
    assert numbers.AUDIO_RATE_HZ % numbers.SPEECH_RATE_HZ == 0


def test_limits_fit_each_other() -> None:
    n = numbers
    layers = n.LAYERS * n.MAX_LAYER_BYTES
    steps = (n.MAX_GROUP_FRAMES * n.MAX_STEP_WIDTH_BITS + 7) // 8
    assert MAX_CHUNK_BYTES[b"MOTN"] >= layers + steps + n.MAX_GROUP_FRAMES // 8 + 4 * 8 + 20
    lengths = (n.MAX_PACKETS * n.MAX_PACKET_WIDTH_BITS + 7) // 8
    assert MAX_CHUNK_BYTES[b"AUDO"] >= n.MAX_GROUP_AUDIO_BYTES + lengths + 5 * 8
    assert MAX_CHUNK_BYTES[b"KEYF"] >= n.MAX_STILL_BYTES + 2 * n.DIMS + 8
    assert n.MAX_DIMS == n.MAX_GROUPS * n.GROUP_DIMS and n.MAX_GROUPS >= n.GROUPS
    features = 8 + 1 + n.MAX_DIMS * n.MAX_FEATURE_WIDTH_BITS // 8
    assert MAX_CHUNK_BYTES[b"PORT"] >= n.MAX_UNIT_BYTES + features + 4 * 8 + 1
    assert 2 * n.FEATURE_OFFSET == 1 << n.MAX_FEATURE_WIDTH_BITS
    runs = n.MAX_GROUP_FRAMES * (2 + 2 + 2 + 1) + 2
    assert MAX_CHUNK_BYTES[b"MOTN"] >= layers + steps + n.MAX_GROUP_FRAMES // 8 + 5 * 8 + 20 + runs
    assert MAX_CHUNK_BYTES[b"INDX"] >= n.MAX_INDEX_ENTRIES * 2 * n.MAX_VARINT_BYTES
    assert 4 + 1 + MAX_CHUNK_BYTES[b"IEND"] + 4 == n.IEND_CHUNK_BYTES
    assert 4 * n.MAX_POSITION + 3 < 2 ** (7 * n.MAX_VARINT_BYTES)
    most_bytes = 2 * n.MAX_GROUP_FRAMES * n.MAX_DIMS + 4  # a symbol takes at most two
    assert most_bytes <= n.MAX_LAYER_BYTES and f"{most_bytes:,}".replace(",", " ") in VQT_TEXT
    worst_bits = 12 * n.MAX_GROUP_FRAMES * n.MAX_DIMS  # a row's smallest frequency is 1 of 4096
    assert worst_bits // 8 + 4 <= 46_100 < most_bytes and "together 46 100" in VQT_TEXT
    assert n.MAX_PACKET_SAMPLES == n.AUDIO_RATE_HZ * 120 // 1000
    assert n.MIN_PACKET_SAMPLES == n.AUDIO_RATE_HZ * 25 // 10_000
    assert n.PRE_ROLL_SAMPLES == n.AUDIO_RATE_HZ * 80 // 1000


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted([*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "cli").rglob("*.py")]):
        if path != PACKAGE / "format.py":
            yield str(path.relative_to(PACKAGE.parent)), ast.parse(path.read_text(encoding="utf-8"))


def _assigned(tree: ast.Module) -> set[str]:
    """Names that a module gives a value, at any depth."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def test_no_module_defines_a_number_of_the_format_again() -> None:
    again = {name: NAMES.intersection(_assigned(tree)) for name, tree in _modules()}
    assert {name: found for name, found in again.items() if found} == {}


def test_no_module_writes_a_telling_number_again() -> None:
    again = {
        f"{name}:{node.lineno}": node.value
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value in TELLING
    }
    assert again == {}


def test_every_value_is_exact_after_four_layers_and_bounded_before() -> None:
    values = np.resize(np.arange(-REACH, REACH + 1), (8, 48)).astype(np.int16)
    indices = to_indices(values)
    assert indices.shape == (8, 12, 4) and indices.dtype == np.uint16
    for layers, worst in zip((1, 2, 3, 4), (42, 10, 2, 0), strict=True):
        error = np.abs(from_indices(indices[..., :layers]).astype(int) - values).max()
        assert error == worst, f"{layers} layers"


def test_the_specifications_table_of_digits() -> None:
    cells = re.findall(r"\| (-?\d+) \| (-?\d+ -?\d+ -?\d+ -?\d+) ", TOKENS_TEXT)
    assert len(cells) == 12
    for value, digits in cells:
        got = to_digits(np.full((1, 48), int(value)))[0, 0].astype(int) - 2
        assert got.tolist() == [int(d) for d in digits.split()], value


def test_raw_rates_are_those_of_the_text() -> None:
    """G log2 625 bits a layer and frame, at 25 frames a second."""
    rows = re.findall(r"G = (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", TOKENS_TEXT)
    assert [int(groups) for groups, *_ in rows] == [12, 16, 20]
    for groups, *rates in rows:
        for layers, rate in enumerate(rates, 1):
            bits = int(groups) * layers * np.log2(numbers.CODES)
            assert abs(float(rate) - bits * 25 / 1000) <= 0.00051


def test_the_specifications_index_example() -> None:
    digits = np.full((1, 48, 1), 2, np.uint8)
    assert pack_digits(digits)[0, 0, 0] == 312
    digits[0, :4, 0] = np.array([-2, 1, 0, 2]) + 2
    assert pack_digits(digits)[0, :2, 0].tolist() == [565, 312]


def test_negation_mirrors_digits() -> None:
    values = np.resize(np.arange(-REACH, REACH + 1), (8, 48))
    np.testing.assert_array_equal(
        to_digits(values).astype(int) - 2, 2 - to_digits(-values).astype(int)
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 7),
    st.sampled_from([12, 13, 16, 20, 32]),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_any_index_survives_digits(frames: int, groups: int, layers: int, seed: int) -> None:
    shape = frames, groups, layers
    indices = np.random.default_rng(seed).integers(0, 625, shape).astype(np.uint16)
    digits = unpack_digits(indices)
    assert (
        digits.shape == (frames, 4 * groups, layers)
        and digits.dtype == np.uint8
        and digits.max(initial=0) <= 4
    )
    np.testing.assert_array_equal(pack_digits(digits), indices)
    np.testing.assert_array_equal(from_indices(indices), from_digits(digits))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([48, 64, 80, 128]).flatmap(
        lambda dims: arrays(np.int16, (3, dims), elements=st.integers(-REACH, REACH))
    )
)
def test_values_survive_indices(values: np.ndarray) -> None:
    np.testing.assert_array_equal(from_indices(to_indices(values)), values)


@pytest.mark.parametrize(
    "call",
    [
        lambda: to_digits(np.full((1, 48), 171)),
        lambda: to_digits(np.zeros((48,), int)),
        lambda: to_digits(np.zeros((1, 44), int)),
        lambda: to_digits(np.zeros((1, 50), int)),
        lambda: to_digits(np.zeros((1, 132), int)),
        lambda: from_indices(np.full((1, 12, 4), 625)),
        lambda: from_indices(np.full((1, 12, 4), -1)),
        lambda: from_indices(np.zeros((1, 12, 5), int)),
        lambda: from_indices(np.zeros((1, 11, 4), int)),
        lambda: from_indices(np.zeros((1, 33, 4), int)),
        lambda: from_indices(np.zeros((1, 12, 4))),
    ],
)
def test_wrong_arguments_are_usage_errors(call: object) -> None:
    with pytest.raises(UsageError):
        call()  # type: ignore[operator]
