"""The commands by name: each is imported when it is called, so that the others cost it nothing.

What a list of them shows stands here, too, so that `vqcodec --help` and a shell's completion import none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMMANDS = {
    "encode": "Encode a talking-head video: portraits, motion tokens and sound.",
    "decode": "Decode a .vqt file to video.",
    "batch": "Encode, decode, dub or verify many files; stopped, it goes on where it was.",
    "dub": "Make a portrait speak, or give a recording new lips: tokens or video out, marked as synthetic.",
    "play": "Play a .vqt file in the browser, until Ctrl-C.",
    "live": "Encode a camera, a file or a pipe as it comes, and show it in browsers, until it ends or Ctrl-C.",
    "web": "Write a folder that any web server can host: a page that plays .vqt files, with the models.",
    "info": "Show what a .vqt file holds: times, models, bytes by purpose.",
    "thumb": "Save the portrait of a .vqt file as a picture, for lists and previews; no model is needed.",
    "verify": "Check a .vqt file: structure, limits, CRCs, and that every token decodes.",
    "thin": "Keep only the first layers of a .vqt file: a lower rate without decoding.",
    "demo": "Encode and decode the sample clip; print rates and quality; write a side-by-side video.",
    "validate": "Measure the codec on clips, file to file: rates, quality, speed, beside the still portrait's.",
    "compare": "Compare with ordinary codecs at equal rates: curves, tables, videos side by side, and a page of it all.",
    "benchmark": "Measure how fast this machine renders, by batch size and precision, and encodes and decodes whole files.",
    "conformance": "Measure this machine's pictures against the reference frames; exit code 1 where one is out of tolerance.",
    "train": "Train the networks.",
}
"""Name, which is that of its module and of the function in it -> the first line of its help."""


def command_of(name: str) -> Any:
    """The command: its module is imported now."""
    found = getattr(importlib.import_module(f".{name}", __package__), name)
    alone = found
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
    command = typer.main.get_command(alone)
    command.name = name
    return command


class _Found(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return command_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


class LazyGroup(TyperGroup):
    """A group whose commands are found when they are called, and are only names where they are listed."""

    _listing = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Found()  # type: ignore[assignment]  # nothing is added to it

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, or what a list shows of it; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        if self._listing:
            return TyperCommand(cmd_name, callback=None, help=COMMANDS[cmd_name])
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of the group."""
        self._listing = True
        super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What may follow on the command line."""
        self._listing = True
        return super().shell_complete(ctx, incomplete)
