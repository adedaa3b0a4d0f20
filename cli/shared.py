"""Options that several commands have: each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from vqcodec.config import Backend, Device, Precision
from vqcodec.format import LAYERS

DeviceOption: TypeAlias = Annotated[Device, typer.Option(help="Where networks run.")]
PrecisionOption: TypeAlias = Annotated[
    Precision,
    typer.Option(
        help="Arithmetic of the renderer; auto tries which is faster here. int8 runs in openvino."
    ),
]
BackendOption: TypeAlias = Annotated[
    Backend,
    typer.Option(
        help="Library that runs the renderer; auto takes torch. openvino renders on a CPU only."
    ),
]
FaceModelOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="face_landmarker.task to use.", show_default="found")
]
ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", help="Replace an existing output.")
]
ReportJsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON on stdout.")
]
TableJsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of the table.")
]
QuietOption: TypeAlias = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Show nothing but warnings and errors."),
]
LayersOption: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, max=LAYERS, help="Use the first layers only.", show_default="all"),
]
FollowOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="The file is still being written: at its end wait so long for more.",
        show_default=False,
    ),
]
CrfOption: TypeAlias = Annotated[
    int, typer.Option(min=0, max=51, help="H.264 quality of a video, 0 is best.")
]
SizeOption: TypeAlias = Annotated[
    Literal["256", "512"], typer.Option(help="Side of the pictures in pixels.")
]
SquareOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--square", help="Only the square around the face, where the file has the scene, too."
    ),
]
RecipeOption: TypeAlias = Annotated[
    str, typer.Option(help="A shipped recipe's name, or a .toml file.")
]
RunFolderOption: TypeAlias = Annotated[
    Path, typer.Option(help="Folder for checkpoint, log and what a run shows of itself.")
]
CacheOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Folder for what is made ready once.", show_default="OUT/cache"),
]
ResumeOption: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Go on from OUT's checkpoint.")
]
MinutesOption: TypeAlias = Annotated[
    float | None, typer.Option(min=0, help="Stop after this long.", show_default="never")
]
StepsOption: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, help="Stop after so many steps.", show_default="the recipe's"),
]


def default_target(source: str, suffix: str) -> str:
    """The source's name with another suffix; stdout for stdin."""
    return "-" if source == "-" else str(Path(source).with_suffix(suffix))
