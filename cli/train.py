"""`vqcodec train ...`: make the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqcodec.config import Device

from . import console
from .guard import guarded

train = typer.Typer(no_args_is_help=True, help="Train the networks.")


@train.callback()
def _group() -> None:
    pass


@train.command()
@guarded
def tokenizer(
    data: Annotated[Path, typer.Option(help="Corpus folder: index.tsv, train/ and val/.")],
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name, or a .toml file.")] = "base",
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, log and sheets.")] = Path(
        "runs/tokenizer"
    ),
    cache: Annotated[
        Path | None, typer.Option(help="Folder for decoded clips.", show_default="OUT/cache")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from OUT's checkpoint or, if there is none, from the shipped weights.",
        ),
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long.", show_default="never")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many steps.", show_default="the recipe's"),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = "auto",
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
    recipe: Annotated[
        str, typer.Option(help="A shipped recipe's name, or a .toml file.")
    ] = "speech-tokens",
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and log.")] = Path(
        "runs/speech-tokens"
    ),
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder for sound and the teacher's features.", show_default="OUT/cache"),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="Folder of python -m vqcodec.training.speech_tokens.teacher; needed until the cache is complete.",
            show_default="none",
        ),
    ] = None,
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
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT's checkpoint.")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long.", show_default="never")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many steps.", show_default="the recipe's"),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = "auto",
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
    recipe: Annotated[
        str, typer.Option(help="A shipped recipe's name, or a .toml file.")
    ] = "speech",
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and log.")] = Path("runs/speech"),
    cache: Annotated[
        Path | None, typer.Option(help="Folder for decoded clips.", show_default="OUT/cache")
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="Folder of python -m vqcodec.training.speech_tokens.teacher: sets clips in step with their sound.",
            show_default="none",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUT's checkpoint.")] = False,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after this long.", show_default="never")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many steps.", show_default="the recipe's"),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = "auto",
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
        teacher=teacher,
    )
    console.note(f"weights in {weights}")
