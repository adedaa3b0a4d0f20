"""The developers' page knows the tree: every folder and module at the top, and no file that isn't there."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "vqcodec"
PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")


def test_every_room_is_in_the_tree() -> None:
    tree = PAGE[PAGE.index("## The tree") : PAGE.index("## Where")]
    folders = {f"{init.parent.name}/" for init in PACKAGE.glob("*/__init__.py")}
    folders |= {f"{i.parent.name}/" for i in PACKAGE.glob("training/*/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("[a-z]*.py")}
    assert {name for name in folders | modules if name not in tree} == set()


def test_where_to_change_things_exists() -> None:
    table = PAGE[PAGE.index("## Where") : PAGE.index("## From Python")]
    named = re.findall(r"`([\w./-]+(?:/|\.\w+))`", table)
    assert len(named) > 30
    here = (PACKAGE, PACKAGE.parent)
    assert [name for name in named if not any((at / name).exists() for at in here)] == []
