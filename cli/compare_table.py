"""The table `vqcodec compare` ends with, for rich: in 80 columns, a row for each codec and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from vqcodec.comparison.page.terminal import TerminalRow
    from vqcodec.comparison.results import ComparisonResults

_NAME_WIDTH, _METRIC_WIDTH = 16, 24


def compare_table(results: ComparisonResults) -> Group:
    """The verdict in a line, then the table, in the colours of the curves."""
    from vqcodec.comparison.page.terminal import terminal_table

    values = terminal_table(results)
    table = Table(
        caption=values.caption, caption_justify="left", header_style="bold", pad_edge=False
    )
    table.add_column("codec", max_width=_NAME_WIDTH)
    table.add_column("metric", max_width=_METRIC_WIDTH)
    for head in ("value", "needs", "ahead"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in values.rows:
        for number, (head, cell) in enumerate(zip(values.heads, row.cells, strict=True)):
            texts = [Text(text) for text in (*cell, "", "")[:3]]
            table.add_row(
                _name(row) if number == 0 else _size(row, number),
                Text(head),
                *texts,
                end_section=number == len(values.heads) - 1,
            )
    return Group(Text(values.verdict, "bold"), table) if values.verdict else Group(table)


def _name(row: TerminalRow) -> Text:
    return Text.assemble((row.sign, row.colour), " ", (row.title, "bold"))


def _size(row: TerminalRow, number: int) -> Text:
    """Below the name: rate, and bytes."""
    lines = row.matched.splitlines()
    return Text(lines[number - 1] if number <= len(lines) else "", "dim")
