"""Where the motion's bits go: each layer of .vqt files against what ideal coders would spend.

    python -m vqcodec.lab.rate.rates FILE.vqt|FOLDER... [--out rates.json] [--markdown PAGE.md [--check]]
    python -m vqcodec.lab.rate.rates --from rates.json --markdown PAGE.md [--check]

`vqcodec validate --keep FOLDER` leaves such files. JSON: {"schema_version": 1, "conditions": {...}, "frames", "seconds",
"layers": [{"layer", "coded_bytes", "ideal_bits", "counted_bits"}, ...]}, all added up over the files.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.container import Reader
from vqcodec.container.payloads import CodedGroup
from vqcodec.entropy.codec import decode_layers
from vqcodec.errors import UsageError
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.tools.files import load_json, save_json, told
from vqcodec.lab.marked import replaced
from vqcodec.training.entropy_tables.stats import counted_bits, ideal_bits
from vqcodec.types import DIMS, LAYERS

SCHEMA_VERSION = 1
MARK = "rates"
COMMAND = "python -m vqcodec.lab.rate.rates"


@dataclass(frozen=True, slots=True)
class LayerBits:
    """One layer over all files.

    Attributes:
        layer: 1..4.
        coded_bytes: the payloads as they lie in the files.
        ideal_bits: ideal code length under the codec's own context model (entropy.stats.ideal_bits).
        counted_bits: ideal code length of an adaptive counting model (entropy.stats.counted_bits).
    """

    layer: int
    coded_bytes: int
    ideal_bits: float
    counted_bits: float


@dataclass(frozen=True, slots=True)
class Rates:
    """What was counted.

    Attributes:
        conditions: machine, versions, files.
        frames: frames in all files.
        seconds: their duration.
        decode_ms: processor time to decode a frame's tokens, milliseconds.
        layers: one entry for each layer.
    """

    conditions: dict[str, Any]
    frames: int
    seconds: float
    decode_ms: float
    layers: list[LayerBits]

    def to_json(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {"schema_version": SCHEMA_VERSION} | asdict(self)

    @classmethod
    def load(cls, path: Path) -> Rates:
        """Read the JSON; raises UsageError when it is something else."""

        def build(data: dict[str, Any]) -> Rates:
            return cls(**data | {"layers": [LayerBits(**layer) for layer in data["layers"]]})

        return load_json(path, SCHEMA_VERSION, build, what="a rates file", command=COMMAND)


def stream_files(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as the .vqt files in them.

    Raises:
        UsageError: there is none.
    """
    files = [
        file for path in paths for file in (sorted(path.glob("*.vqt")) if path.is_dir() else [path])
    ]
    if not files:
        raise UsageError(
            "there are no .vqt files", hint="vqcodec validate --keep FOLDER leaves some."
        )
    return files


def count(files: Sequence[Path]) -> Rates:
    """Add up the layers of some streams.

    Raises:
        VqcodecError: a file is no valid stream.
    """
    coded, ideal, counted = np.zeros(LAYERS), np.zeros(LAYERS), np.zeros(LAYERS)
    frames, seconds, spent_s = 0, 0.0, 0.0
    for file in files:
        groups = []
        with file.open("rb") as handle:
            reader = Reader(handle)
            for item in reader.coded():
                if isinstance(item, CodedGroup):
                    started_s = time.process_time()
                    groups.append(decode_layers(item.payloads, len(item.ticks)))
                    spent_s += time.process_time() - started_s
                    for layer, payload in enumerate(item.payloads):
                        coded[layer] += len(payload)
            layers = reader.head.layers
            seconds += float(reader.sizes.seconds)
        frames += sum(map(len, groups))
        ideal[:layers] += sum(map(ideal_bits, groups))
        counted[:layers] += counted_bits(groups)
    return Rates(
        conditions(files=[file.stem for file in files]),
        frames,
        round(seconds, 3),
        round(1000 * spent_s / frames, 3),
        [
            LayerBits(i + 1, int(coded[i]), round(float(ideal[i]), 1), round(float(counted[i]), 1))
            for i in range(LAYERS)
            if coded[i]
        ],
    )


def table(rates: Rates) -> list[str]:
    """Markdown lines: bits a digit and kbit/s of each layer, coded and ideal."""
    lines = [
        "| layer | kbit/s | up to here | bits a digit | ideal, same model | above it | ideal, counting |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    digits, total = rates.frames * DIMS, 0.0
    for entry in rates.layers:
        bits = 8 * entry.coded_bytes
        total += bits / rates.seconds / 1000
        lines.append(
            f"| {entry.layer} | {bits / rates.seconds / 1000:.3f} | {total:.3f} | {bits / digits:.4f} | "
            f"{entry.ideal_bits / digits:.4f} | {100 * (bits / entry.ideal_bits - 1):+.2f} % | "
            f"{entry.counted_bits / digits:.4f} |"
        )
    bits = sum(8 * entry.coded_bytes for entry in rates.layers)
    ideal, counted = (
        sum(getattr(e, name) for e in rates.layers) for name in ("ideal_bits", "counted_bits")
    )
    lines.append(
        f"| all, a value | {total:.3f} | | {bits / digits:.4f} | {ideal / digits:.4f} | "
        f"{100 * (bits / ideal - 1):+.2f} % | {counted / digits:.4f} |"
    )
    return lines


def caption(rates: Rates) -> str:
    """One sentence on the conditions."""
    known = rates.conditions
    return (
        f"{len(known['files'])} streams, {rates.frames} frames, {rates.seconds:.1f} s; raw indices take 2.3219 bits a digit "
        f"(log2 5). Decoding tokens takes {rates.decode_ms:.2f} ms of processor time a frame ({known['machine']['cpu']}); "
        f"{known['date_utc']}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 when --check finds the page out of step."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Where the motion's bits go.")
    parser.add_argument("files", type=Path, nargs="*", help=".vqt files, or folders of them")
    parser.add_argument(
        "--from", dest="known", type=Path, help="JSON made before, instead of files"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument(
        "--markdown", type=Path, help=f"page with the lines <!-- {MARK}:begin ... -->, end"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the page is out of step"
    )
    options = parser.parse_args(arguments)

    def job() -> int:
        rates = Rates.load(options.known) if options.known else count(stream_files(options.files))
        lines = [*table(rates), "", caption(rates)]
        if options.out is not None:
            save_json(options.out, rates.to_json())
        if options.markdown is not None:
            return replaced(options.markdown, MARK, COMMAND, lines, check=options.check)
        sys.stdout.write("\n".join(lines) + "\n")
        return 0

    return told(job)


if __name__ == "__main__":
    sys.exit(main())
