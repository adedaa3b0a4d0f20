"""`vqcodec info`: what a file says about itself. Needs no model and no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from . import output
from .guard import guarded

_SHOWN_SHOTS = 20


@guarded
def info(
    source: Annotated[
        str, typer.Argument(metavar="IN.vqt", help="File to look at; - reads stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a .vqt file holds: times, models, bytes by purpose."""
    from vqcodec.codec import look  # not vqcodec.api, which holds what renders, too

    fields = look.info(source)
    if as_json:
        output.print_json(fields)
    else:
        output.print_lines(lines(fields))


def lines(fields: Mapping[str, Any]) -> list[str]:
    """Facts by name, then the table of sizes."""
    in_table = {f"{part}_{unit}" for part in (*output.PARTS, "file") for unit in ("bytes", "kbps")}
    facts = {
        name.removesuffix("_px").removesuffix("_hz"): value
        for name, value in fields.items()
        if name not in in_table
    }
    shots = facts.pop("shots", [])
    if shots:
        facts["shots"] = len(shots)
        facts |= {f"shot {n}": _shot(shot) for n, shot in enumerate(shots[:_SHOWN_SHOTS])}
    if facts.get("synthetic"):
        facts["synthetic"] = "motion made from speech"
    return [*output.fact_lines(facts), "", *output.size_lines(fields)]


def _shot(shot: Mapping[str, Any]) -> str:
    """The portraits of a shot, in words."""
    count = shot["portraits"]
    told = [
        f"{shot['seconds']:g} s",
        f"{count} portrait{'s' if count != 1 else ''}",
        f"{shot['portrait_bytes']} bytes",
        f"{shot['portraits_per_minute']:g} a minute",
    ]
    return ", ".join(told + ["continues the one before"] * shot["continues"])
