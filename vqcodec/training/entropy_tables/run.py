"""Fits the normative entropy tables (bitstream_spec/entropy.md section 5) to the token arrays of training clips.

    python -m vqcodec.training.entropy_tables.run TOKENS_DIR... [--check OTHER_TOKENS_DIR]

A TOKENS_DIR holds NAME.npy, uint16 (T, 12, 4), one per clip (vqcodec.training.entropy_tables.tokens
makes them). Writes `motion-1.json` and
`example-1.json` to `bitstream_spec/tables/`, and the packaged copy of the tables to `vqcodec/entropy/`. `--check` reports
rates on other clips.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqcodec.entropy.codec import encode_layers, final_states, signed_digits
from vqcodec.entropy.context import LayerModel
from vqcodec.entropy.tables import FILE_NAME, LayerTables, load, load_rows
from vqcodec.format import DIMS, LAYERS, to_indices
from vqcodec.training.entropy_tables.fit import fit_layer, read_batches
from vqcodec.training.entropy_tables.stats import measure, report

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE_NAME = "example-1.json"


def format_tables(layers: list[LayerTables], name: str) -> str:
    """JSON of a set of tables that is called so, with one frequency table of 21 phases a line, for people who read it."""
    blocks = []
    for layer in layers:
        lines = [
            f"  {json.dumps(part)}: {json.dumps(getattr(layer, part).tolist(), separators=(',', ':'))}"
            for part in LayerTables.__slots__[:-1]
        ]
        classes = []
        for table in layer.frequencies.tolist():
            rows = ",\n".join("   " + json.dumps(combo, separators=(",", ":")) for combo in table)
            classes.append("  [\n" + rows + "\n  ]")
        lines.append('  "frequencies": [\n' + ",\n".join(classes) + "\n  ]")
        blocks.append(" {\n" + ",\n".join(lines) + "\n }")
    return f'{{"name": {json.dumps(name)}, "layers": [\n' + ",\n".join(blocks) + "\n]}\n"


def example_indices(frames: int = 6) -> NDArray[np.uint16]:
    """(frames, 12, 4): a slow wave in every dimension, the fixed input of `example-1.json`."""
    t, d = np.arange(frames)[:, None], np.arange(DIMS)[None, :]
    value = ((t * t * (d % 7 - 3)) // 2 + t * (11 - d) // 4 + (d * 37) % 61 - 30) // (1 + d // 8)
    return to_indices(value)


def trace(indices: NDArray[np.uint16], layer: int, frame: int) -> str:
    """What section 4 of entropy.md computes for every dimension of one frame of one layer (0..3), as a JSON object."""
    digits = signed_digits(indices)
    model = LayerModel(load()[layer], layer, digits)
    for t in range(frame):
        model.contexts(t)
        model.update(t, digits[t, :, layer])
    contexts = model.contexts(frame)
    fields = {
        "layer": layer + 1,
        "frame": frame,
        "kind": model.kind.tolist(),
        "mu": model.mu.tolist(),
        "sigma": model.sigma.tolist(),
        "m": model.mirror.tolist(),
        "context": contexts.tolist(),
    }
    return json.dumps(fields, separators=(",", ":"))


def write_example(path: Path) -> None:
    """Write the fixed input, its payloads, the coder's final states and what the model computes on the way."""
    indices = example_indices()
    payloads = encode_layers(indices)
    traces = ",\n".join(
        "  " + trace(indices, layer, t) for layer in range(LAYERS) for t in (0, 1, len(indices) - 1)
    )
    rows = ",\n".join("  " + json.dumps(frame, separators=(",", ":")) for frame in indices.tolist())
    coded = json.dumps([p.hex() for p in payloads])
    states = json.dumps(final_states(payloads, len(indices)))
    path.write_text(
        f'{{"frames": {len(indices)},\n "indices": [\n{rows}\n ],\n "payloads": {coded},\n'
        f' "final_states": {states},\n "traces": [\n{traces}\n ]}}\n',
        encoding="utf-8",
    )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Fit the entropy tables to token arrays.")
    parser.add_argument("tokens", type=Path, nargs="+", help="folders of (T, 12, 4) token arrays")
    parser.add_argument(
        "--check", type=Path, help="folder of other clips' tokens to report rates on"
    )
    args = parser.parse_args()
    clips = [clip for folder in args.tokens for clip in sorted(folder.glob("*.npy"))]
    batches = read_batches(clips)
    text = format_tables(
        [fit_layer(layer, batches) for layer in range(LAYERS)], Path(FILE_NAME).stem
    )
    for folder in (ROOT / "bitstream_spec" / "tables", ROOT / "vqcodec" / "entropy"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    load.cache_clear()
    load_rows.cache_clear()
    write_example(ROOT / "bitstream_spec" / "tables" / EXAMPLE_NAME)
    others = sorted(args.check.glob("*.npy")) if args.check else []
    for name, chosen in (("of the clips fitted to", clips), ("of the clips to check on", others)):
        if chosen:
            sample = chosen[:: max(len(chosen) // 24, 1)]
            print(f"{len(sample)} {name}\n{report(measure(sample))}")


if __name__ == "__main__":
    main()
