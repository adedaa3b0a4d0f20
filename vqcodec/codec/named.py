"""Options by keyword: `encode(a, b, layers=3)` beside `encode(a, b, EncodeOptions(layers=3))`."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from vqcodec.config import DecodeOptions, DubOptions, EncodeOptions
from vqcodec.errors import UsageError

Options = TypeVar("Options", EncodeOptions, DecodeOptions, DubOptions)


def chosen(kind: type[Options], options: Options | None, named: Mapping[str, Any]) -> Options:
    """Options of a call.

    Args:
        kind: what the call takes.
        options: given as a whole; None is the default of each.
        named: fields by name, which replace those of `options`.

    Raises:
        UsageError: `options` is something else, `kind` has no field of a name, or a value is out of range.
    """
    if options is not None and not isinstance(options, kind):
        raise UsageError(
            f"the options are {_article(type(options).__name__)}, not {_article(kind.__name__)}",
            hint=f"Give them by keyword, or as vqcodec.{kind.__name__}(...).",
        )
    fields = [field.name for field in dataclasses.fields(kind) if field.init]
    for name in named:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            raise UsageError(
                f"there is no option {name!r}",
                hint=f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(fields)}.",
            )
    return dataclasses.replace(options or kind(), **named)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
