"""Wrong decoders don't pass the vectors: every limit of the reference decoder moved by one, every check left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.mutation.decoders import (
    DECODER,
    FIELDS,
    NAMES,
    PORTRAITS,
    Budget,
    Sources,
    Stuck,
    answer,
    decoder,
)
from tests.mutation.operators import Site, changes, counted
from tests.mutation.trial import Trial, explained, needless, vectors
from tests.support.spec import VECTORS


def is_a_check(site: Site) -> bool:
    """A limit moved by one, or a check left out; `python -m tests.mutation` tries every other change, too."""
    limits = ("f.number(", "f.varint(", "f.packed(")
    return site.old.startswith(limits) or (site.old.startswith("need(") and site.new == "pass")


@pytest.fixture(scope="module")
def quick() -> Trial:
    return Trial(vectors(quick=True))


@pytest.mark.parametrize("file", [FIELDS, PORTRAITS, DECODER])
def test_every_limit_and_check_is_seen_by_a_vector(file: str, quick: Trial) -> None:
    verdicts = list(quick.run((file,), is_a_check))
    assert len(verdicts) >= {FIELDS: 8, PORTRAITS: 50, DECODER: 100}[file]
    assert [str(v) for v in verdicts if v.vector is None and v.reason is None] == []
    assert needless(verdicts) == []


def test_what_is_explained_is_there() -> None:
    """A line of survivors.txt that fits no change any more would hide nothing, and explain nothing."""
    sources = Sources()
    sites = {f"{name} {site}" for name in NAMES for site in sources.mutants(name)}
    assert set(explained()) - sites == set()
    assert len(sites) > 1000


def changed(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    for site in changes(tree):
        yield ast.unparse(tree) if "\n" in text else site.new


def test_changes() -> None:
    assert list(changed("x = a < 2**32 - 1")) == [
        "pass",
        "a <= 2 ** 32 - 1",
        "a >= 2 ** 32 - 1",
        "a < 4294967296",
        "a < 4294967294",
    ]
    assert list(changed("need(a and b, 'bad-time')")) == [
        "pass",
        "need(a or b, 'bad-time')",
        "need(b, 'bad-time')",
        "need(a, 'bad-time')",
        "need(a and b, 'bad-other')",
    ]
    text = "def f(x=3):\n    return min(x, -1) == 0"
    tree = ast.parse(text)
    assert len(list(changes(tree))) == 6
    assert ast.unparse(tree) == text, "a change is taken back"


def test_endless_loops_are_stopped() -> None:
    tree = ast.parse("def f():\n    while True:\n        pass\n")
    counted(tree)
    budget = Budget(100)
    space = {"_tick": budget.tick}
    exec(compile(tree, "f", "exec"), space)
    with pytest.raises(Stuck):
        space["f"]()  # type: ignore[operator]
    assert budget.places == {"f"}


def test_a_changed_decoder_is_found_out() -> None:
    """One that lets any CRC pass takes a damaged stream for a whole one."""
    sources = Sources()
    site = next(s for s in sources.mutants(DECODER) if "'bad-crc'" in s.old and s.new == "pass")
    assert site.place == "Decoder.chunk"
    damaged = (VECTORS / "invalid/crc-of-crc.vqt").read_bytes()
    codes = {**sources.codes, DECODER: sources.compiled(DECODER)}
    assert answer(decoder(sources.codes, Budget()), damaged)[0] == "bad-crc"
    assert isinstance(answer(decoder(codes, Budget()), damaged), dict)
