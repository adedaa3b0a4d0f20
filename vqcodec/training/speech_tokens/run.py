"""`vqcodec train speech-tokens`: from recordings, synthetic voices and a teacher to the speech tokenizer that ships."""

from __future__ import annotations

from pathlib import Path

import torch

from vqcodec.config import Device
from vqcodec.runtime.allocator import tune_allocator
from vqcodec.runtime.device import choose_device
from vqcodec.speech.encoder import EncoderShape
from vqcodec.training.common.ahead import ahead
from vqcodec.training.common.plain_loop import PlainLoop
from vqcodec.training.common.recipe import load_plain
from vqcodec.training.speech_tokens.heard import build_heard
from vqcodec.training.speech_tokens.sound_cache import build_sound
from vqcodec.training.speech_tokens.steps import (
    SpeechCheck,
    SpeechModel,
    Windows,
    export_tokenizer,
    load_sounds,
    principal_axes,
    speech_loss,
)
from vqcodec.training.speech_tokens.teacher import Teacher
from vqcodec.training.speech_tokens.whisper import load_trunk


def train_speech_tokens(
    data: Path,
    out: Path,
    *,
    voices: Path | None = None,
    teacher: Path,
    recipe: str = "speech-tokens",
    cache: Path | None = None,
    clips: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
    steps: int | None = None,
    device: Device = "auto",
) -> Path:
    """Train the speech tokenizer.

    Args:
        data: corpus folder with index.tsv, train/ and speech/.
        out: folder for checkpoint, log and exported weights.
        voices: folder filled by training.speech_tokens.voices.
        teacher: folder made by speech_tokens.teacher.
        recipe: name of a shipped recipe or path of a TOML file.
        cache: folder for sound and the teacher's features; `out`/cache by default.
        clips: folder with the clips' landmarks and sync.json (generator.lip_tracks): learn from lips as well.
        resume: go on from the checkpoint in `out`.
        minutes: stop after this time.
        steps: stop after this many further steps.
        device: auto, cpu or cuda.

    Returns:
        The exported weights.

    Raises:
        UsageError, ModelError, MediaError: bad recipe, missing teacher or missing data.
    """
    tune_allocator()
    settings = load_plain(recipe)
    cache = cache or out / "cache"
    shape = EncoderShape(**settings.shape)
    trunk = load_trunk(teacher, shape.trunk_layers)
    build_sound(data, voices, cache, Teacher.load(teacher))
    build_heard(cache, trunk)
    train, held = load_sounds(cache, clips)
    torch.manual_seed(settings.schedule.seed)
    loop = PlainLoop(
        SpeechModel(shape, *principal_axes(train)), settings.schedule, out, choose_device(device)
    )
    if resume:
        loop.resume()
    draws = Windows(train, settings.batch, settings.schedule.seed * 1000003 + loop.step)
    loop.run(ahead(iter(draws)), speech_loss, SpeechCheck(held), minutes=minutes, steps=steps)
    target = out / "models" / "speech-2.safetensors"
    target.parent.mkdir(exist_ok=True)
    model = loop.averaged()
    assert isinstance(model, SpeechModel)
    export_tokenizer(model, trunk, target, "speech-2")
    return target
