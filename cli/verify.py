"""`vqcodec verify`: read every chunk, check every rule. Needs no model and no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from . import output
from .guard import guarded


@guarded
def verify(
    source: Annotated[str, typer.Argument(metavar="IN.vqt", help="File to check; - reads stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a .vqt file: structure, limits, CRCs, and that every token decodes."""
    from vqcodec import api

    fields = api.verify(source).to_json()
    if as_json:
        output.print_json({"valid": True} | fields)
    else:
        output.print_lines(
            [
                f"valid: {fields['frames']} frames, {fields['seconds']:g} s, {fields['layers']} layers "
                f"of {fields['dimension_groups']} groups, "
                f"{_portraits(fields)}, {fields['motion_groups']} motion groups, "
                f"{fields['audio_packets']} sound packets",
                f"tokens sha256 {fields['token_sha256']}",
            ]
        )


def _portraits(fields: Mapping[str, Any]) -> str:
    """Those of version 1 are key frames, those of version 2 belong to shots."""
    count = fields["key_frames"]
    return (
        f"{count} portraits in {fields['shots']} shots"
        if "shots" in fields
        else f"{count} key frames"
    )
