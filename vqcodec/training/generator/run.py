"""`vqcodec train speech`: from clips with sound to the generator that ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vqcodec.config import Device
from vqcodec.errors import UsageError
from vqcodec.generate.network import GeneratorNetwork
from vqcodec.geometry.basis import LandmarkBasis, read_basis
from vqcodec.models import store
from vqcodec.motion.space import MotionSpace
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.runtime.device import choose_device
from vqcodec.speech.tokenizer import SpeechTokenizer
from vqcodec.training.common.ahead import ahead
from vqcodec.training.common.cache import build_cache
from vqcodec.training.common.plain_loop import PlainLoop
from vqcodec.training.common.recipe import PlainRecipe, load_plain
from vqcodec.training.generator.cache import build_speech_cache
from vqcodec.training.generator.check import MotionCheck
from vqcodec.training.generator.clips import MotionClip, load_motion_clips
from vqcodec.training.generator.data import Stretches
from vqcodec.training.generator.export import export_generator
from vqcodec.training.generator.form import SHIPPED_FORM, GeneratorForm
from vqcodec.training.generator.lip_reader import LipReader
from vqcodec.training.generator.lip_tracks import write_lags
from vqcodec.training.generator.recordings import Recordings, build_recordings
from vqcodec.training.speech_tokens.heard import build_heard
from vqcodec.training.speech_tokens.sound_cache import build_sound
from vqcodec.training.speech_tokens.teacher import Teacher


def prepare(data: Path, cache: Path, tokenizer: SpeechTokenizer, teacher: Path | None) -> None:
    """Fill `cache` with all that the generator learns from; with a teacher also its features."""
    sounds = cache / "sound"
    build_cache(data, cache)
    build_sound(data, None, sounds, None if teacher is None else Teacher.load(teacher), speeds=())
    build_heard(sounds, tokenizer.trunk)
    build_speech_cache(
        data, cache, sounds, MotionSpace.from_file(store.plain_motion_space()), tokenizer
    )
    write_lags(cache, sounds)
    build_recordings(cache, sounds, tokenizer)


def train_speech(
    data: Path,
    out: Path,
    *,
    recipe: str = "speech",
    cache: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
    steps: int | None = None,
    device: Device = "auto",
    tokenizer: Path | None = None,
    teacher: Path | None = None,
    features: Path | None = None,
    prepared: bool = False,
    form: GeneratorForm = SHIPPED_FORM,
) -> Path:
    """Train the generator.

    Args:
        data: corpus folder with index.tsv and train/.
        out: folder for checkpoint, log and exported weights.
        recipe: name of a shipped recipe or path of a TOML file.
        cache: folder for decoded clips, sounds and tokens; `out`/cache by default.
        resume: go on from the checkpoint in `out`.
        minutes: stop after this time.
        steps: stop after this many further steps.
        device: auto, cpu or cuda.
        tokenizer: another speech tokenizer than the shipped one.
        teacher: folder made by speech_tokens.teacher, for a form that hears its features.
        features: folder with what the trunk hears (speech_tokens.heard), if not `cache`/sound. Lips are learned
            from recordings as well (generator.recordings), and a form that hears the teacher's features takes them from there.
        prepared: the cache is complete.
        form: what is trained.

    Returns:
        The exported weights.

    Raises:
        UsageError, ModelError, MediaError: bad recipe or missing data.
    """
    tune_allocator()
    settings = load_plain(recipe)
    cache = cache or out / "cache"
    heard = SpeechTokenizer.load(tokenizer)
    if not prepared:
        prepare(data, cache, heard, teacher)
    extra = settings.settings
    material = _read(
        cache, features or cache / "sound", extra.get("recorded", 0.0), with_features=form.features
    )
    space = store.plain_motion_space()
    basis = read_basis(space.path)
    torch.manual_seed(settings.schedule.seed)
    network = form.build(settings.shape, extra.get("dropout", 0.1))
    loop = PlainLoop(network, settings.schedule, out, choose_device(device))
    form.prepare(network, material.train)
    if resume:
        loop.resume()
    length = int(extra.get("length", 160))
    loop.run(
        ahead(iter(_draws(material, settings, basis, length, loop.step))),
        form.loss_for(basis, extra.get("lips", 6.0)),
        MotionCheck(material.held, basis, length, form),
        minutes=minutes,
        steps=steps,
    )
    return _export(loop, out / "models" / "generator-2.safetensors", heard, space)


@dataclass(frozen=True, slots=True)
class _Material:
    """What there is to learn from: clips to train on and held-out ones, codes of silence, and so large a share of recordings."""

    train: list[MotionClip]
    held: list[MotionClip]
    silence: NDArray[np.int64] | None
    recordings: Recordings | None
    recorded: float


def _read(cache: Path, sounds: Path, recorded: float, *, with_features: bool) -> _Material:
    """The cache's material; no recordings where clips were not set in step with their sound."""
    recorded = recorded if (cache / "sync.json").is_file() else 0.0
    reader = LipReader.fit(cache, sounds) if recorded else None
    train, held = load_motion_clips(
        cache,
        sounds if recorded or with_features else None,
        continuous=with_features,
        reader=reader,
    )
    if not train:
        raise UsageError(
            f"no training clips with sound and a face in {cache}",
            hint="Pass --data with the corpus folder.",
        )
    silence = None if with_features else np.load(cache / "silence.codes.npy").astype(np.int64)
    return _Material(
        train,
        held,
        silence,
        None if reader is None else Recordings.load(cache, sounds, reader),
        recorded,
    )


def _draws(
    material: _Material, settings: PlainRecipe, basis: LandmarkBasis, length: int, step: int
) -> Stretches:
    """Stretches from a step on: other ones after a resume than before it."""
    return Stretches(
        material.train,
        basis,
        batch=settings.batch,
        length=length,
        silence=material.silence,
        recordings=material.recordings,
        recorded=material.recorded,
        seed=settings.schedule.seed * 1000003 + step,
        real_weight=settings.settings.get("real_weight", 3.0),
    )


def _export(loop: PlainLoop, target: Path, heard: SpeechTokenizer, space: store.ModelFile) -> Path:
    target.parent.mkdir(exist_ok=True)
    model = loop.averaged()
    assert isinstance(model, GeneratorNetwork)
    export_generator(model, target, "generator-2", heard.id, space.id)
    return target
