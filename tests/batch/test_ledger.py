"""The ledger: a line a try, whatever happens to it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from vqcodec.batch.ledger import Entry, Ledger, as_csv

ENTRY = Entry(
    "1", "encode", "ü.mp4", "a.vqt", "done", bytes=12, sha256="ab", warnings=["a, b", "c"]
)


def test_the_last_line_of_a_task_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    failed = replace(ENTRY, state="machine-failed", error="no\nroom")
    other = replace(ENTRY, task="2")
    for entry in (failed, other, ENTRY):
        ledger.add(entry)
    assert Ledger(path).last == ledger.last == {"1": ENTRY, "2": other}
    assert len(path.read_bytes().splitlines()) == 3


def test_a_torn_line_is_passed_over_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).add(ENTRY)
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        again = Ledger(path)
        assert again.last == {"1": ENTRY}
        again.add(replace(ENTRY, task="2"))
        assert set(Ledger(path).last) == {"1", "2"}


def test_strange_lines_are_no_entries(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'[1]\n\xff\n{}\nnull\n{"task": "3"}\n')
    assert Ledger(path).last == {}


def test_a_table_for_a_spreadsheet() -> None:
    [row] = csv.DictReader(io.StringIO(as_csv([ENTRY])))
    assert (row["input"], row["bytes"], row["warnings"]) == ("ü.mp4", "12", "a, b c")
