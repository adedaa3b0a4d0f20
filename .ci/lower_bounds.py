"""The lowest versions that pyproject.toml allows, as pip constraints.

    python .ci/lower_bounds.py [EXTRA ...] [--without NAME]

One `name==lowest` a line for every dependency of the package and of the extras named; NAME is left open.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)>=(?P<lowest>[0-9][0-9.]*)")


def lowest(requirements: list[str], without: list[str]) -> list[str]:
    """`name==lowest` of every requirement that names a lowest version."""
    found = [REQUIREMENT.match(line) for line in requirements]
    return [f"{m['name']}=={m['lowest']}" for m in found if m and m["name"] not in without]


def main() -> None:
    """Print the constraints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extras", nargs="*")
    parser.add_argument("--without", action="append", default=[])
    chosen = parser.parse_args()
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in chosen.extras)]
    lines = [line for group in lists for line in lowest(group, chosen.without)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
