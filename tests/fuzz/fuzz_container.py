"""The fuzzer: python tests/fuzz/fuzz_container.py CORPUS_FOLDER SEED_FOLDER -max_total_time=60 (see README.md here)."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [
    str(ROOT),
    str(ROOT / "bitstream_spec"),
    str(Path(__file__).resolve().parent),
]

with atheris.instrument_imports(
    include=["vqcodec", "construct", "reference_decoder", "reference_entropy"]
):
    import reference_decoder
    from oracles import check, remember_tokens
import mutator  # noqa: E402


def one_input(data: bytes) -> None:
    """Called by libFuzzer; an exception is a find."""
    check(data, reference_decoder, max_work=120)


def custom_mutator(data: bytes, most: int, seed: int) -> bytes:
    """Called by libFuzzer."""
    return mutator.mutate(
        bytes(data),
        most,
        seed,
        lambda part, size: bytes(atheris.Mutate(part, size)) if size else part,
    )


def custom_crossover(one: bytes, two: bytes, most: int, seed: int) -> bytes:
    """Called by libFuzzer."""
    return mutator.cross(bytes(one), bytes(two), most, seed)


if __name__ == "__main__":
    remember_tokens(reference_decoder)
    atheris.Setup(
        sys.argv, one_input, custom_mutator=custom_mutator, custom_crossover=custom_crossover
    )
    atheris.Fuzz()
