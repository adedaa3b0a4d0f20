"""The fuzzer's oracles on the vectors and on streams that its mutator makes from fixed seeds, so that they can't rot."""

from __future__ import annotations

import ast
import io
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import mutator
from tests.fuzz.oracles import check, remember_tokens
from tests.fuzz.walks import refusal, walk_coded
from tests.support.container import make_stream
from tests.support.spec import INVALID, REFERENCE, TWINS, VALID, vector
from vqcodec.container import Reader, verify
from vqcodec.errors import BitstreamError

FUZZ = Path(__file__).parents[1] / "fuzz"
SMALL = make_stream(2, 1, layers=1)
SHORT = [name for name in VALID if len(vector("valid", name)) < 1100]


@pytest.fixture(scope="module", autouse=True)
def tokens_remembered() -> object:
    original = REFERENCE.decode_group
    remember_tokens(REFERENCE)
    yield
    REFERENCE.decode_group = original


@pytest.mark.parametrize("name", SHORT)
def test_valid_vectors_keep_every_promise(name: str) -> None:
    assert check(vector("valid", name), REFERENCE, max_work=60) in ("valid", "long")


def test_invalid_vectors_are_refused_alike_by_all() -> None:
    for name, expected in INVALID.items():
        found = INVALID[TWINS[name]] if name in TWINS else expected
        assert check(vector("invalid", name), REFERENCE) == found["error"], name


def test_a_few_hundred_changes() -> None:
    """About a fifth must get through all checks, or the mutator has lost its grip."""
    seeds = [vector("valid", name) for name in SHORT]
    found: Counter[str] = Counter()
    for seed in range(500):
        found[
            check(mutator.mutate(seeds[seed % len(seeds)], 4096, seed), REFERENCE, max_work=24)
        ] += 1
    assert found["valid"] > 60, found
    assert len(found) > 15, found


def test_changes_and_crosses_repeat_and_keep_their_size() -> None:
    other = make_stream(3, 2, layers=2)
    for seed in range(60):
        changed = mutator.mutate(SMALL, 700, seed)
        assert changed == mutator.mutate(SMALL, 700, seed) and len(changed) <= 700
        crossed = mutator.cross(SMALL, other, 900, seed)
        assert crossed == mutator.cross(SMALL, other, 900, seed) and len(crossed) <= 900
        assert isinstance(check(crossed, REFERENCE, max_work=12), str)


def test_the_mutator_takes_streams_apart_and_together() -> None:
    for data in (SMALL, make_stream(3, 2, cut=1)):
        pairs = mutator.split(data)
        assert mutator.join(pairs) == data
        again = mutator.finished(pairs[:-2])
        assert verify(io.BytesIO(again)).token_sha256 == verify(io.BytesIO(data)).token_sha256
        swapped = [*pairs[:2], *pairs[4:-2], *pairs[2:4]]  # the first groups last
        assert len(swapped) > 4 and walk_coded(mutator.finished(swapped)).refusal is not None
        assert (
            verify(io.BytesIO(mutator.finished(mutator.renumbered(pairs)))).frames
            == verify(io.BytesIO(data)).frames
        )


def test_the_oracles_see_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgiving(Reader):
        def check_nothing_follows(self) -> None:
            pass

    trailing = SMALL + b"\0"
    monkeypatch.setattr("tests.fuzz.walks.Reader", Forgiving)
    assert walk_coded(trailing).refusal is None
    with pytest.raises(AssertionError, match="verify says"):
        check(trailing, REFERENCE)
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="unknown code"):
        refusal(BitstreamError("broken", code="bad-mood", offset=0, hint="none"))


def test_the_fuzzer_itself_is_whole() -> None:
    """atheris needn't be installed here; what the program imports from this folder must be there."""
    tree = ast.parse((FUZZ / "fuzz_container.py").read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "mutator"
    }
    assert used and all(hasattr(mutator, name) for name in used)
    assert (FUZZ / "README.md").is_file()
