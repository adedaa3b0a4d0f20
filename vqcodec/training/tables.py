"""Fits the normative entropy tables (bitstream_spec/entropy.md section 5) to the token arrays of training clips.

    python -m vqcodec.training.tables TOKENS_DIR [--check OTHER_TOKENS_DIR]

TOKENS_DIR holds NAME.npy, uint16 (T, 12, 4), one per clip. Writes `motion-1.json` and `example-1.json` to
`bitstream_spec/tables/` and the packaged copy of the former to `vqcodec/entropy/`. `--check` reports rates on other clips.
"""
from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from vqcodec.entropy.codec import decode_layers, encode_layers
from vqcodec.entropy.stats import measure, report
from vqcodec.entropy.tables import FILE_NAME, LayerTables, load, load_rows
from vqcodec.training.tables_fit import fit_layer, read_batches
from vqcodec.types import LAYERS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE_NAME = "example-1.json"


def format_tables(layers: list[LayerTables]) -> str:
    """JSON with one frequency table of 21 phases a line, for people who read it."""
    blocks = []
    for layer in layers:
        lines = []
        for name in LayerTables.__slots__[:-1]:
            lines.append(f"  {json.dumps(name)}: {json.dumps(getattr(layer, name).tolist(), separators=(',', ':'))}")
        classes = []
        for table in layer.frequencies.tolist():
            rows = ",\n".join("   " + json.dumps(combo, separators=(",", ":")) for combo in table)
            classes.append("  [\n" + rows + "\n  ]")
        lines.append('  "frequencies": [\n' + ",\n".join(classes) + "\n  ]")
        blocks.append(" {\n" + ",\n".join(lines) + "\n }")
    return '{"name": "motion-1", "layers": [\n' + ",\n".join(blocks) + "\n]}\n"


def example_indices(frames: int = 6) -> np.ndarray:
    """(frames, 12, 4) uint16: a slow wave in every dimension, the fixed input of `example-1.json`."""
    from vqcodec.entropy.codec import join_digits
    t, d = np.arange(frames)[:, None], np.arange(48)[None, :]
    value = ((t * t * (d % 7 - 3)) // 2 + t * (11 - d) // 4 + (d * 37) % 61 - 30) // (1 + d // 8)
    digits = np.zeros((frames, 48, LAYERS), np.int64)
    rest = value
    for layer in range(LAYERS):
        step = 4 ** (LAYERS - 1 - layer)
        digits[..., layer] = np.clip(np.sign(rest) * ((2 * np.abs(rest) + step) // (2 * step)), -2, 2)
        rest = rest - step * digits[..., layer]
    return join_digits(digits)


def write_example(path: Path) -> None:
    """Write the fixed input and its payloads."""
    indices = example_indices()
    payloads = encode_layers(indices)
    assert np.array_equal(decode_layers(payloads, len(indices)), indices)
    rows = ",\n".join("  " + json.dumps(frame, separators=(",", ":")) for frame in indices.tolist())
    body = json.dumps([p.hex() for p in payloads], indent=1)
    path.write_text(f'{{"frames": {len(indices)}, "indices": [\n{rows}\n ],\n "payloads": {body}}}\n', encoding="utf-8")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Fit the entropy tables to token arrays.")
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--check", type=Path, help="folder of other clips' tokens to report rates on")
    args = parser.parse_args()
    batches = read_batches(args.tokens)
    text = format_tables([fit_layer(layer, batches) for layer in range(LAYERS)])
    for folder in (ROOT / "bitstream_spec" / "tables", ROOT / "vqcodec" / "entropy"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    load.cache_clear()
    load_rows.cache_clear()
    write_example(ROOT / "bitstream_spec" / "tables" / EXAMPLE_NAME)
    for name, folder in (("fitted on", args.tokens), ("checked on", args.check)):
        if folder is not None:
            clips = sorted(folder.glob("*.npy"))
            print(f"{name} {folder}\n{report(measure(clips[::max(len(clips) // 24, 1)]))}")


if __name__ == "__main__":
    main()
