"""`vqcodec train ...`: make the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import console
from .guard import guarded
from .shared import (
    CacheOption,
    DeviceOption,
    MinutesOption,
    RecipeOption,
    ResumeOption,
    RunFolderOption,
    StepsOption,
)

train = typer.Typer(no_args_is_help=True, help="Train the networks.")


@train.callback()
def _group() -> None:
    pass


@train.command()
@guarded
def tokenizer(
    data: Annotated[Path, typer.Option(help="Corpus folder: index.tsv, train/ and val/.")],
    recipe: RecipeOption = "base",
    out: RunFolderOption = Path("runs/tokenizer"),
    cache: CacheOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from OUT's checkpoint or, if there is none, from the shipped weights.",
        ),
    ] = False,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train motion encoder and renderer on a corpus; logs JSON lines and sample sheets into OUT."""
    from vqcodec.training.picture.run import train_tokenizer

    weights = train_tokenizer(
        data,
        out,
        recipe=recipe,
        cache=cache,
        resume=resume,
        minutes=minutes,
        steps=steps,
        device=device,
    )
    console.note(f"weights in {weights}")


@train.command("speech-tokens")
@guarded
def speech_tokens(
    data: Annotated[Path, typer.Option(help="Corpus folder: index.tsv, train/ and speech/.")],
    teacher: Annotated[
        Path, typer.Option(help="Folder of python -m vqcodec.training.speech_tokens.teacher.")
    ],
    recipe: RecipeOption = "speech-tokens",
    out: RunFolderOption = Path("runs/speech-tokens"),
    cache: CacheOption = None,
    voices: Annotated[
        Path | None,
        typer.Option(
            help="Folder of python -m vqcodec.training.speech_tokens.voices: synthetic speech.",
            show_default="none",
        ),
    ] = None,
    clips: Annotated[
        Path | None,
        typer.Option(
            help="Cache of train speech, to learn from lips as well.", show_default="none"
        ),
    ] = None,
    resume: ResumeOption = False,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train the speech tokenizer of `dub`; logs JSON lines into OUT."""
    from vqcodec.training.speech_tokens.run import train_speech_tokens

    weights = train_speech_tokens(
        data,
        out,
        voices=voices,
        teacher=teacher,
        recipe=recipe,
        cache=cache,
        clips=clips,
        resume=resume,
        minutes=minutes,
        steps=steps,
        device=device,
    )
    console.note(f"weights in {weights}")


@train.command()
@guarded
def speech(
    data: Annotated[Path, typer.Option(help="Corpus folder: index.tsv and train/.")],
    recipe: RecipeOption = "speech",
    out: RunFolderOption = Path("runs/speech"),
    cache: CacheOption = None,
    resume: ResumeOption = False,
    minutes: MinutesOption = None,
    steps: StepsOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Train the generator of `dub`: speech to motion; logs JSON lines into OUT."""
    from vqcodec.training.generator.run import train_speech

    weights = train_speech(
        data,
        out,
        recipe=recipe,
        cache=cache,
        resume=resume,
        minutes=minutes,
        steps=steps,
        device=device,
    )
    console.note(f"weights in {weights}")
