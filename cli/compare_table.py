"""The table `vqcodec compare` ends with, for rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from vqcodec.comparison.results import ComparisonResults


def compare_table(results: ComparisonResults) -> Table:
    """A row per codec, a column per metric, in the colours of the curves."""
    from vqcodec.comparison.page.terminal import terminal_table

    values = terminal_table(results)
    table = Table(
        caption=values.caption, caption_justify="left", header_style="bold", pad_edge=False
    )
    table.add_column("codec")
    table.add_column("about vqcodec's size", justify="right")
    for head in values.heads:
        table.add_column(Text(head), justify="right")
    for row in values.rows:
        name = Text.assemble((row.sign, row.colour), " ", (row.title, "bold"))
        table.add_row(
            name, Text(row.matched), *(_cell(lines) for lines in row.cells), end_section=True
        )
    return table


def _cell(lines: list[str]) -> Text:
    text = Text(lines[0])
    for number, line in enumerate(lines[1:]):
        text.append("\n" + line, style="bold" if number == 0 else "dim")
    return text
