"""Dub clips with their own sound, and with another clip's, and measure both against the real clips.

    python -m vqcodec.lab dub --data CORPUS --out dub.json [--clips N] [--motion-only] [--keep DIR] [--force]

The portrait is a clip's first frame with a face (whole picture, coded as `encode` does it); pose, gaze and blink are the
clip's own, read from its landmarks; speech drives the rest. `--motion-only` measures the landmarks of the generated motion:
seconds a clip. Without it, every dub is rendered, written as H.264 and measured at 256x256 as `validate` measures a decoded
file, lip sync by MediaPipe on every frame. The variants:

    dub        the clip's own sound
    shuffled   another clip's, repeated or cut to the length: lips alone; shows that speech drives them
    codec      the clip's real motion: the best that can be (with --motion-only or --ceiling). Rendered, its lip correlation
               may be well below 1: what the renderer costs, whatever the motion says

Figures: dubsync.py and metrics/. Results of clips, and the clips as they were tracked, are kept (--cache): a run that was
interrupted goes on where it stopped.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vqcodec.config import RuntimeOptions
from vqcodec.dubbing.parts import Closure, lips_apart
from vqcodec.encoding.parts import EncoderParts
from vqcodec.evaluation.metrics.suite import FACE_EVERY
from vqcodec.evaluation.tools.conditions import conditions
from vqcodec.evaluation.validate.run import coded_folder, validation_clips
from vqcodec.geometry.headpose import read_head
from vqcodec.lab.command import clips_options, perform, publish
from vqcodec.lab.dub.cache import ResultCache, content, default_folder
from vqcodec.lab.dub.clips import DubClip, Features, Pcm, looped, other_sound, read_pcm
from vqcodec.lab.dub.measure import FullLevel, Level, MotionLevel
from vqcodec.lab.dub.motion import GeneratedMotion, Motion, RealMotion
from vqcodec.lab.dub.results import SCHEMA_VERSION, DubResult, references, save, with_all
from vqcodec.lab.dub.sync import Figures, shipped_basis
from vqcodec.lab.dub.table import show
from vqcodec.models import store
from vqcodec.types import ModelId

ReadClip = Callable[[Path], DubClip]


class Dubbing:
    """Measures clips one after another.

    Args:
        motion: what is measured.
        level: how.
        read: reads and tracks a clip.
        cache: results already there.
        ceiling: the clips' real motion, measured as "codec"; None leaves it out.
    """

    def __init__(
        self,
        motion: Motion,
        level: Level,
        read: ReadClip,
        cache: ResultCache,
        ceiling: Motion | None = None,
    ) -> None:
        self._motion, self._level, self._read, self._cache, self._ceiling = (
            motion,
            level,
            read,
            cache,
            ceiling,
        )

    def clip(self, path: Path, sound: Path) -> tuple[DubResult, bool]:
        """Measure one clip; also says whether its result was there already.

        Args:
            path: the clip.
            sound: another clip, for the shuffled dub.

        Raises:
            VqcodecError: it can't be read, or the models say so.
        """
        read: list[DubClip] = []

        def clip() -> DubClip:
            read[:] = read or [self._read(path)]
            return read[0]

        key = {
            "schema": SCHEMA_VERSION,
            "clip": content(path),
            "level": self._level.name,
            **self._level.settings,
        }
        found, kept = self._cache.get(
            path.stem,
            key | {"sound": content(sound), **self._motion.models},
            lambda: self._measure(clip(), sound).to_json(),
        )
        result = DubResult.from_json(found)
        ceiling = self._ceiling
        if ceiling is not None:  # it stays, whatever generator comes next
            known, there = self._cache.get(
                f"{path.stem}-codec", key | ceiling.models, lambda: self._codec(clip(), ceiling)
            )
            result, kept = result.beside("codec", known), kept and there
        return result, kept

    def _codec(self, clip: DubClip, ceiling: Motion) -> dict[str, Any]:
        return with_all(self._figures(clip, ceiling(clip, clip.pcm), clip.pcm, "codec"))

    def _measure(self, clip: DubClip, sound: Path) -> DubResult:
        other = looped(read_pcm(sound), clip.frames)
        start_s = time.perf_counter()
        own = self._motion(clip, clip.pcm)
        generate_s = time.perf_counter() - start_s
        variants = {
            "dub": self._figures(clip, own, clip.pcm, "dub"),
            "shuffled": self._figures(
                clip, self._motion(clip, other), other, "shuffled", lips_only=True
            ),
        }
        return DubResult(clip.path.stem, sound.stem, clip.frames, generate_s, variants)

    def _figures(
        self, clip: DubClip, features: Features, pcm: Pcm, variant: str, *, lips_only: bool = False
    ) -> Figures:
        assert features.shape == (clip.frames, 48) and features.dtype == np.float32
        return self._level.measure(clip, features, pcm, variant, lips_only=lips_only)


def line(result: DubResult) -> str:
    """One clip on one line."""
    ours, other = result.variants["dub"], result.variants["shuffled"]
    return (
        f"{result.clip}: lip correlation {ours['lip_corr']:.2f} at lag 0, best {ours['lip_best']:.2f} at "
        f"{ours['lip_lag_ms']:+.0f} ms, with {result.sound}'s sound {other['lip_corr']:.2f}; opening "
        f"{ours['opening_ratio']:.2f}; mouth {ours['lmd_mouth']:.4f}, with the other sound {other['lmd_mouth']:.4f}"
    )


def shipped_closure(tokenizer: ModelId) -> Closure:
    """What shuts lips, where it knows a tokenizer's tokens; else nothing does."""
    from vqcodec.speech.closure import LipClosure

    closure = LipClosure.load()
    return closure if closure.speech_tokenizer.sha256 == tokenizer.sha256 else lips_apart


def shipped_motion(options: Namespace, parts: EncoderParts) -> Motion:
    """The shipped speech tokenizer and generator, or those in files.

    Raises:
        ModelError: a model is missing.
    """
    from vqcodec.generate.generator import MotionGenerator
    from vqcodec.gesture.finish import MotionFinish
    from vqcodec.speech.tokenizer import SpeechTokenizer

    tokenizer = SpeechTokenizer.load(options.tokenizer, options.device)
    generator = MotionGenerator.load(options.generator, options.device, finish=MotionFinish)
    return GeneratedMotion(
        tokenizer,
        generator,
        read_head(store.current("head").path),
        parts.space.units,
        closure=shipped_closure(tokenizer.id),
        temperature=options.temperature,
        seed=options.seed,
    )


@contextmanager
def chosen_level(options: Namespace, parts: EncoderParts) -> Iterator[Level]:
    """MotionLevel or FullLevel, as the command line has it."""
    if options.motion_only:
        yield MotionLevel(shipped_basis(), str(parts.space.id))
        return
    from vqcodec.render.renderer import Renderer

    renderer = Renderer.load(device=options.device, space=parts.space.id)
    with coded_folder(options.keep) as folder, FullLevel(renderer, folder, options.every) as level:
        yield level


def add_common(parser: ArgumentParser) -> None:
    """Arguments that the commands which dub clips share."""
    clips_options(parser)
    parser.add_argument(
        "--motion-only", action="store_true", help="no pictures: landmarks of the generated motion"
    )
    parser.add_argument(
        "--every", type=int, default=FACE_EVERY, help="sample faces every so many frames (5)"
    )
    parser.add_argument("--keep", type=Path, help="keep the videos in this folder")
    parser.add_argument(
        "--cache",
        type=Path,
        default=default_folder(),
        help="keep tracked clips and results in this folder",
    )
    parser.add_argument("--force", action="store_true", help="measure again what is kept there")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def _options(parser: ArgumentParser) -> None:
    add_common(parser)
    parser.add_argument(
        "--ceiling", action="store_true", help="measure the clips' real motion, too"
    )
    parser.add_argument(
        "--real",
        action="store_true",
        help="the clips' real motion instead of a generator's: checks the measure",
    )
    parser.add_argument("--val", type=Path, help="JSON of vqcodec validate, to print beside")
    parser.add_argument("--tokenizer", type=Path, help="another speech tokenizer's file")
    parser.add_argument("--generator", type=Path, help="another generator's file")
    parser.add_argument(
        "--temperature", type=float, default=0.0, help="of sampling (0: the most likely)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of sampling")


def measure(
    options: Namespace, motion: Motion | None = None
) -> tuple[dict[str, Any], list[DubResult], dict[str, Any]]:
    """Conditions, results and references for a parsed command line; `motion` stands in for the shipped models."""
    every_clip = validation_clips(options.data)
    sounds, results = other_sound(every_clip), []
    parts = EncoderParts.load(RuntimeOptions(device=options.device)).plain(options.device)
    real = RealMotion(parts.space.units)
    motion = motion or (real if options.real else shipped_motion(options, parts))
    known = conditions(**motion.models)
    with chosen_level(options, parts) as level:
        cache = ResultCache(options.cache, force=options.force)
        dubbing = Dubbing(
            motion,
            level,
            lambda path: cache.clip(path, parts),
            cache,
            real if options.ceiling or options.motion_only else None,
        )
        known |= {"level": level.name, **level.settings}
        for path in validation_clips(options.data, options.clips):
            start_s = time.perf_counter()
            result, kept = dubbing.clip(path, sounds[path])
            took = "kept" if kept else f"{time.perf_counter() - start_s:.0f} s"
            sys.stderr.write(f"{line(result)} ({took})\n")
            results.append(result)
    beside = {} if options.val is None else references(options.val, [r.clip for r in results])
    return known, results, beside


def _job(options: Namespace, motion: Motion | None) -> int:
    known, results, beside = measure(options, motion)
    text = show(known, results, beside)
    return publish(text, options.out, lambda path: save(path, known, results, beside))


def main(arguments: Sequence[str] | None = None, motion: Motion | None = None) -> int:
    """The command; returns its exit code."""
    return perform("dub", _options, lambda options: _job(options, motion), arguments)
