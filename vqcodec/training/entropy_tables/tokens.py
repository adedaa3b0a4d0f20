"""Token arrays of training clips, as the encoder makes them: what the entropy tables are fitted to.

    python -m vqcodec.training.entropy_tables.tokens CORPUS OUT [--every 4] [--split train] [--rdo 1]

Writes OUT/NAME.npy, uint16 (T, 12, 4), for every n-th clip of the split; clips that are there already are kept.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np

from vqcodec.config import AudioChoice, EncodeOptions
from vqcodec.container import Reader
from vqcodec.encoding.parts import EncoderParts
from vqcodec.encoding.pipeline import encode
from vqcodec.errors import NoFaceError
from vqcodec.training.common.cache import read_index
from vqcodec.types import MotionGroup


def clip_tokens(path: Path, parts: EncoderParts, rdo: float = 0.0) -> np.ndarray:
    """(T, 12, 4) uint16 tokens of one clip, portrait = first frame, at a strength of `encode --rdo`.

    Raises:
        NoFaceError: no face in it.
    """
    buffer = io.BytesIO()
    options = EncodeOptions(audio=AudioChoice("none"), portrait_frame="first", crop="full", rdo=rdo)
    encode(path, buffer, options, parts=parts)
    buffer.seek(0)
    return np.concatenate(
        [item.indices for item in Reader(buffer) if isinstance(item, MotionGroup)]
    )


def write_tokens(
    corpus: Path, out: Path, *, every: int = 4, split: str = "train", rdo: float = 0.0
) -> int:
    """Write the arrays; returns how many there are now."""
    out.mkdir(parents=True, exist_ok=True)
    parts = EncoderParts.load().plain()
    rows = sorted((r for r in read_index(corpus) if r.split == split), key=lambda r: r.file)[
        ::every
    ]
    for row in rows:
        target = out / f"{row.name}.npy"
        if target.exists():
            continue
        try:
            np.save(target, clip_tokens(corpus / row.file, parts, rdo))
        except NoFaceError:
            continue
    return len(list(out.glob("*.npy")))


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--split", default="train")
    parser.add_argument("--rdo", type=float, default=0.0)
    args = parser.parse_args()
    print(
        f"{write_tokens(args.corpus, args.out, every=args.every, split=args.split, rdo=args.rdo)} token arrays in {args.out}"
    )


if __name__ == "__main__":
    main()
