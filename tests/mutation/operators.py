"""Small changes of a program, one at a time: what a slip of the one who writes it could be.

Every change is made in place, handed out, and taken back: a tree is never copied.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

TICK = "_tick"
"""A call that `counted` puts in, and that stays as it is."""

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq, ast.GtE, ast.LtE),
    ast.NotEq: (ast.Eq, ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_CODE = re.compile(r"(bad|too|unsupported)-[a-z]+$|truncated$|trailing-data$")
_FIELD = re.compile(r"[HIQi]$")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a change is.

    Attributes:
        place: function, with its class, or "" outside of any.
        line: of the source.
        old, new: the statement, or the expression round the change.
    """

    place: str
    line: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.place}: {self.old} -> {self.new}"


def changes(tree: ast.AST, place: str = "") -> Iterator[Site]:
    """Change a tree in every way, one after the other; while a site is handed out the tree is changed there."""
    for name, value in ast.iter_fields(tree):
        parts = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for at, part in parts:
            if not isinstance(part, ast.AST) or _is_left_alone(part):
                continue
            line = getattr(part, "lineno", getattr(tree, "lineno", 0))
            before = _shown(tree, at, part)
            for new in _variants(part, tree):
                ast.copy_location(new, part if hasattr(part, "lineno") else tree)
                ast.fix_missing_locations(new)
                _put(tree, name, at, new)
                yield Site(place, line, before, _shown(tree, at, new))
                _put(tree, name, at, part)
            if _number(part) is None:
                yield from changes(part, _inside(place, part))


def _shown(tree: ast.AST, at: int | None, part: ast.AST) -> str:
    """A statement; else the expression that it is part of, of a table one entry."""
    if isinstance(part, ast.stmt):
        return _text(part)
    if isinstance(tree, ast.Dict) and at is not None:
        return f"{_text(tree.keys[at] or part)}: {_text(tree.values[at])}"
    return _text(tree)


def _inside(place: str, part: ast.AST) -> str:
    if isinstance(part, ast.ClassDef | ast.FunctionDef):
        return f"{place}.{part.name}".lstrip(".")
    return place


def _put(tree: ast.AST, field: str, at: int | None, part: ast.AST) -> None:
    if at is None:
        setattr(tree, field, part)
    else:
        getattr(tree, field)[at] = part


def _text(part: ast.AST) -> str:
    lines = ast.unparse(part).splitlines()
    return " ".join(line.strip() for line in lines if not line.strip().startswith(TICK))[:200]


def _is_left_alone(part: ast.AST) -> bool:
    """Imports, texts that explain, what counts the steps, and arguments: a default is a limit that callers narrow."""
    if isinstance(part, ast.Import | ast.ImportFrom | ast.arguments):
        return True
    if isinstance(part, ast.Expr):
        call = part.value
        counted = isinstance(call, ast.Call) and getattr(call.func, "id", "") == TICK
        return counted or isinstance(call, ast.Constant)
    return False


def _variants(part: ast.AST, tree: ast.AST) -> Iterator[ast.AST]:
    match part:
        case ast.Constant() | ast.BinOp() if (number := _number(part)) is not None:
            yield from _constants(number)
        case ast.Constant():
            yield from _constants(part.value)
        case ast.Eq() if isinstance(tree, ast.Compare) and _number(tree.comparators[0]) is not None:
            yield ast.NotEq()  # lengths and flags aren't below 0
        case ast.cmpop():
            yield from (other() for other in _COMPARE[type(part)])
        case ast.operator() if type(part) in _COMPUTE:
            yield _COMPUTE[type(part)]()
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(part.op, ast.And) else ast.And(), part.values)
            for i in range(len(part.values)):
                left = part.values[:i] + part.values[i + 1 :]
                yield left[0] if len(left) == 1 else ast.BoolOp(part.op, left)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield part.operand
        case ast.IfExp():
            yield part.body
            yield part.orelse
        case ast.If():
            yield ast.If(ast.Constant(True), part.body, part.orelse)
            yield ast.If(ast.Constant(False), part.body, part.orelse)
        case ast.Name(id=name) if name in _NAMES:
            yield ast.Name(_NAMES[name], ast.Load())
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.While():
            yield ast.Pass()
        case _:
            pass


def _number(part: ast.AST) -> int | None:
    """The value of an integer that is written as one, or as a sum or power of some, such as 2**32 - 1."""
    if isinstance(part, ast.Constant) and type(part.value) is int:
        return part.value
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Pow | ast.Sub):
        left, right = _number(part.left), _number(part.right)
        if left is not None and right is not None:
            return left**right if isinstance(part.op, ast.Pow) else left - right
    return None


def _constants(value: object) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value:
            yield ast.Constant(value - 1)
    elif isinstance(value, bytes) and value:
        yield ast.Constant(value[:-1] + bytes([value[-1] ^ 1]))
    elif isinstance(value, str) and _CODE.match(value):
        yield ast.Constant("bad-other")
    elif isinstance(value, str) and _FIELD.match(value):
        yield ast.Constant(value.swapcase())


def counted(tree: ast.AST, place: str = "") -> None:
    """Put a call `_tick("place")` at the start of every function and every loop's body."""
    for node in ast.iter_child_nodes(tree):
        inside = _inside(place, node)
        counted(node, inside)
        if isinstance(node, ast.FunctionDef | ast.While | ast.For):
            call = ast.Call(ast.Name(TICK, ast.Load()), [ast.Constant(inside)], [])
            node.body.insert(0, ast.copy_location(ast.Expr(call), node))
            ast.fix_missing_locations(node)
