"""Where the motion's bits go: each layer of .vqt files against what ideal coders would spend.

    python -m vqcodec.lab rates FILE.vqt|FOLDER... [--out rates.json]

`vqcodec validate --keep FOLDER` leaves such files. JSON: {"schema_version": 1, "conditions": {...}, "frames", "seconds",
"layers": [{"layer", "coded_bytes", "ideal_bits", "counted_bits"}, ...]}, all added up over the files.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
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
from vqcodec.evaluation.tools.files import load_json, save_json
from vqcodec.format import GROUP_DIMS, LAYERS
from vqcodec.lab.command import command, perform, publish
from vqcodec.training.entropy_tables.stats import counted_bits, ideal_bits

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class LayerBits:
    """One layer over all files.

    Attributes:
        layer: 1..4.
        coded_bytes: the payloads as they lie in the files.
        ideal_bits: ideal code length under the codec's own context model (training.entropy_tables.stats.ideal_bits).
        counted_bits: ideal code length of an adaptive counting model (training.entropy_tables.stats.counted_bits).
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
        digits: of one layer in all files.
        seconds: their duration.
        decode_ms: processor time to decode a frame's tokens, milliseconds.
        layers: one entry for each layer.
    """

    conditions: dict[str, Any]
    frames: int
    digits: int
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

        return load_json(path, SCHEMA_VERSION, build, what="a rates file", command=command("rates"))


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
    frames, digits, seconds, spent_s = 0, 0, 0.0, 0.0
    for file in files:
        groups = []
        with file.open("rb") as handle:
            reader = Reader(handle)
            for item in reader.coded():
                if isinstance(item, CodedGroup):
                    started_s = time.process_time()
                    groups.append(decode_layers(item.payloads, len(item.ticks), reader.head.groups))
                    spent_s += time.process_time() - started_s
                    for layer, payload in enumerate(item.payloads):
                        coded[layer] += len(payload)
            layers = reader.head.layers
            seconds += float(reader.sizes.seconds)
        frames += sum(map(len, groups))
        digits += sum(map(len, groups)) * reader.head.groups * GROUP_DIMS
        ideal[:layers] += sum(map(ideal_bits, groups))
        counted[:layers] += counted_bits(groups)
    return Rates(
        conditions(files=[file.stem for file in files]),
        frames,
        digits,
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
    digits, total = rates.digits, 0.0
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


def lines(path: Path) -> list[str]:
    """The page's part, made from the JSON."""
    rates = Rates.load(path)
    return [*table(rates), "", caption(rates)]


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", help=".vqt files, or folders of them")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="JSON file to write")


def _job(options: Namespace) -> int:
    rates = count(stream_files(options.files))
    text = "\n".join([*table(rates), "", caption(rates)])
    return publish(text, options.out, lambda path: save_json(path, rates.to_json()))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return perform("rates", _options, _job, arguments)
