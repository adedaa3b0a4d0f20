"""Decoders made from the source of the reference decoder, changed or not, and what they say of a stream.

They are modules of their own, apart from those that `import` knows. A change may make a loop endless: every function and loop
counts its steps, and a decoder that needs many more than the right one is stopped, the same on every machine.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests.mutation.operators import Site, changes, counted

SPEC = Path(__file__).resolve().parents[2] / "bitstream_spec"
ENTROPY, FIELDS = "reference_entropy", "reference_fields"
PORTRAITS, DECODER = "reference_portraits", "reference_decoder"
NAMES = (ENTROPY, FIELDS, PORTRAITS, DECODER)
STEPS = 20_000
"""A changed decoder may take so many steps more than four times those of the right one."""


class Stuck(Exception):
    """Too many steps."""


@dataclass
class Budget:
    """Steps that are left, and where there were some."""

    left: int = sys.maxsize
    places: set[str] = field(default_factory=set)

    def tick(self, place: str) -> None:
        self.left -= 1
        self.places.add(place)
        if self.left < 0:
            raise Stuck


@dataclass
class Sources:
    """The trees of the reference decoder's files, with their steps counted."""

    trees: dict[str, ast.Module] = field(default_factory=dict)
    codes: dict[str, CodeType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in NAMES:
            text = (SPEC / f"{name}.py").read_text(encoding="utf-8")
            tree = ast.parse(text)
            tree.body = [part for part in tree.body if not _is_command_line(part)]
            counted(tree)
            self.trees[name] = tree
            self.codes[name] = self.compiled(name)

    def compiled(self, name: str) -> CodeType:
        return compile(self.trees[name], str(SPEC / f"{name}.py"), "exec")

    def mutants(self, name: str) -> Iterator[Site]:
        """Every change of one file; the tree is changed until the next one is asked for."""
        yield from changes(self.trees[name])


def _is_command_line(part: ast.stmt) -> bool:
    """What no vector runs."""
    return isinstance(part, ast.If) or (isinstance(part, ast.FunctionDef) and part.name == "main")


def decoder(
    codes: dict[str, CodeType], budget: Budget, ready: dict[str, ModuleType] | None = None
) -> dict[str, ModuleType]:
    """The modules of a decoder.

    Args:
        codes: of each file.
        budget: where steps are counted.
        ready: modules that needn't be made again.
    """
    modules = dict(ready or {})

    def find(name: str, *others: Any) -> ModuleType:
        if name not in codes:
            return builtins.__import__(name, *others)
        if name not in modules:
            module = ModuleType(name)
            own = vars(builtins) | {"__import__": find}
            more = {"__builtins__": own, "__file__": str(SPEC / f"{name}.py")}
            module.__dict__.update(more | {"_tick": budget.tick})
            exec(codes[name], module.__dict__)
            modules[name] = module
        return modules[name]

    for name in NAMES:
        find(name)
    return modules


Answer = Any
"""The JSON of a valid stream, or (code, offset), or the name of what went wrong in the decoder itself."""


def answer(modules: dict[str, ModuleType], data: bytes) -> Answer:
    """What a decoder says of a stream."""
    main = modules[DECODER]
    try:
        return main.Decoder(data).run()
    except main.Fault as fault:
        return fault.args
    except Exception as error:  # a changed program may go wrong in any way
        return type(error).__name__


def remembering(modules: dict[str, ModuleType], known: dict[Any, Any]) -> None:
    """Let a decoder take the tokens of a group that has been decoded before from `known`."""
    decode: Callable[..., Any] = modules[ENTROPY].decode_group
    fault = modules[ENTROPY].Fault

    def decode_group(payloads: list[bytes], frames: int, groups: int) -> Any:
        key = tuple(payloads), frames, groups
        if key not in known:
            try:
                known[key] = decode(payloads, frames, groups)
            except fault as error:
                known[key] = error
        if isinstance(known[key], Exception):
            raise known[key]
        return known[key]

    modules[DECODER].decode_group = decode_group
