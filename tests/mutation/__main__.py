"""Mutation of the reference decoder: python -m tests.mutation [FILE ...] [--all]

Makes every small change of bitstream_spec/reference_*.py, decodes the vectors with each changed decoder, and prints the
changes that no vector notices and that `survivors.txt` doesn't explain. Exits with 1 where there are any.
"""

from __future__ import annotations

import argparse
import sys

from tests.mutation.decoders import NAMES
from tests.mutation.trial import Trial, needless, vectors


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="such as reference_fields")
    parser.add_argument("--all", action="store_true", help="print the noticed changes, too")
    asked = parser.parse_args()
    verdicts = []
    for verdict in Trial(vectors()).run(tuple(asked.files) or NAMES):
        verdicts.append(verdict)
        if verdict.vector is None and verdict.reason is None:
            print(f"SURVIVES {verdict}", flush=True)
        elif verdict.vector is not None and asked.all:
            print(f"{verdict}   [{verdict.vector}]", flush=True)
    for line in needless(verdicts):
        print(f"EXPLAINED BUT NOTICED {line}")
    survive = [verdict for verdict in verdicts if verdict.vector is None]
    unexplained = sum(verdict.reason is None for verdict in survive)
    print(
        f"{len(verdicts) - len(survive)} changes noticed by a vector, {len(survive) - unexplained} that none can notice, "
        f"{unexplained} to look at"
    )
    return 1 if unexplained or needless(verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
