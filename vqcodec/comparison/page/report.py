"""Curves, sheets, side-by-side videos and one self-contained HTML page, made from the results and the decoded videos.

The folder holds results.json and media/<clip>/{original,<codec>}.mp4. Written are curves/<metric>.svg and .png,
side_by_side/<clip>.mp4, sheets/<clip>.png and report.html. Videos and sheets younger than the media they show are left
as they are, so that a broken-off run goes on where it was.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vqcodec.comparison.analysis import words
from vqcodec.comparison.analysis.envelope import RateKind
from vqcodec.comparison.analysis.overall import Analysis, analyse
from vqcodec.comparison.page import curves, embed, sheet, videos
from vqcodec.comparison.page import values as page
from vqcodec.comparison.page.palette import ORIGINAL
from vqcodec.comparison.results import VQT, ComparedClip, ComparisonResults
from vqcodec.evaluation.tools.extras import require
from vqcodec.evaluation.tools.sidebyside import grid_video
from vqcodec.media.out.atomic import atomic_output

PAGE_NAME = "report.html"
_PARTS = Path(__file__).with_name("report_page")
# of a page's bytes, sheets take no more
_SHEETS_SHARE = 0.4
# videos cut short may lack the last few frames in coding order
_REORDERED_S = 0.4

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ShownClip:
    """A clip's videos and what was made of them.

    Attributes:
        media: videos by codec, the original first; empty where they were not kept.
        sheet: data: address of the sheet, or "".
    """

    media: dict[str, Path]
    sheet: str


def _fresh(target: Path, media: dict[str, Path]) -> bool:
    return target.is_file() and target.stat().st_mtime >= max(
        path.stat().st_mtime for path in media.values()
    )


def _sheet_picture(clip: ComparedClip, media: dict[str, Path], target: Path, rate: RateKind) -> Any:
    if _fresh(target, media):
        known = cv2.imdecode(np.fromfile(target, np.uint8), cv2.IMREAD_COLOR)
        if known is not None:
            return cv2.cvtColor(known, cv2.COLOR_BGR2RGB)
    return sheet.contact_sheet(clip, media, target, rate=rate)


def _pictures(results: ComparisonResults, out: Path, rate: RateKind, tell: Tell) -> list[ShownClip]:
    """Side-by-side videos and sheets of all clips."""
    for name in ("side_by_side", "sheets"):
        (out / name).mkdir(parents=True, exist_ok=True)
    shown, used = [], 0
    for number, clip in enumerate(results.clips, 1):
        media = videos.media_of(clip, out / "media" / clip.name)
        if ORIGINAL not in media or len(media) < 2:
            shown.append(ShownClip({}, ""))
            continue
        tell(f"side by side {number}/{len(results.clips)}: {clip.name}")
        video = out / "side_by_side" / f"{clip.name}.mp4"
        if not _fresh(video, media):
            tiles = videos.tiles_of(clip, media, rate)
            grid_video(tiles, video, tile_px=videos.TILE_PX, force=True)
        tell(f"sheet {number}/{len(results.clips)}: {clip.name}")
        address = embed.picture_address(
            _sheet_picture(clip, media, out / "sheets" / f"{clip.name}.png", rate)
        )
        used += len(address)
        shown.append(ShownClip(media, address if used <= _SHEETS_SHARE * embed.PAGE_BYTES else ""))
    return shown


def _films(
    clip: ComparedClip, media: dict[str, Path], seconds: float | None, rate: RateKind
) -> list[dict[str, str]]:
    matched = {p.codec: p for p in clip.points if p.matched}
    films = []
    for name, path in media.items():
        point = matched.get(name)
        told_rate = (
            "as it was given"
            if name == ORIGINAL
            else ""
            if point is None
            else (
                f"{words.kbps(getattr(point.kbps, rate))} kbit/s, {words.size(getattr(point.bytes, rate))}, {point.variant}"
            )
        )
        films.append(
            page.look(name)
            | {"rate": told_rate, "data": embed.film(path, name=name, seconds=seconds)}
        )
    return films


_GRIDS = {2: "two", 4: "four"}


def _add_films(
    values: dict[str, Any],
    results: ComparisonResults,
    shown: Sequence[ShownClip],
    used_bytes: int,
    rate: RateKind,
) -> None:
    """Put videos into the clips' values, as many as a page of PAGE_BYTES holds, and say how many these are."""
    sizes = [sum(path.stat().st_size for path in s.media.values()) for s in shown]
    given = embed.shares(sizes, [c.seconds for c in results.clips], embed.room(used_bytes))
    for clip, known, share, value in zip(results.clips, shown, given, values["clips"], strict=True):
        if share is None:
            value["note"] = (
                f"No room for its videos on this page: see side_by_side/{clip.name}.mp4 beside it."
                if known.media
                else "Its decoded videos were not kept."
            )
            continue
        value["films"] = _films(clip, known.media, share.seconds, rate)
        cut_s = (
            max(1.0, share.seconds - _REORDERED_S) if share.seconds is not None else clip.seconds
        )
        value["shown_s"] = f"{min(cut_s, clip.seconds):.3f}"
        if share.seconds is not None:
            value["about"] += (
                f"; the players show its first {cut_s:.1f} s, all of it is in side_by_side/{clip.name}.mp4"
            )
        names = list(known.media)
        left = names.index(VQT) if VQT in names else 0
        value |= {
            "grid": _GRIDS.get(len(names), ""),
            "left": left,
            "right": left + 1 if left + 1 < len(names) else 0,
        }
    many = sum(share is not None for share in given)
    if many < len(given):
        values["players_note"] = (
            f"So that this page stays small, {many} of the {len(given)} clips can be played in it."
        )


def render(values: dict[str, Any]) -> str:
    """The page as text; every string of `values` but `svg` is escaped.

    Raises:
        MissingExtraError: Jinja is not installed.
    """
    jinja2 = require("jinja2", "writing the page")
    markup = require("markupsafe", "writing the page").Markup
    style, script = (
        (_PARTS / name).read_text(encoding="utf-8") for name in ("style.css", "script.js")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((_PARTS / "template.html").read_text(encoding="utf-8"))
    drawn = [{"svg": markup(text)} for text in values["curves"]]
    return str(
        template.render(
            **{
                **values,
                "curves": drawn,
                "style": markup(style),
                "script": markup(script),
                "script_hash": f"sha256-{digest}",
            }
        )
    )


def _curve_values(results: ComparisonResults, analysis: Analysis, out: Path) -> list[str]:
    """Inline SVGs, the headline metrics first."""
    made = curves.draw_all(results, out / "curves", analysis=analysis)
    first = [m for m in words.headline_metrics(results) if m in made]
    return [
        curves.inline(made[m], f"{words.metric_title(results, m)} over kbit/s")
        for m in [*first, *(m for m in made if m not in first)]
    ]


def build(
    results: ComparisonResults, out: Path, progress: Tell | None = None, *, rate: RateKind = "file"
) -> Path:
    """Make everything that can be looked at.

    Args:
        results: of the comparison.
        out: its folder; videos are read from media/<clip>/.
        progress: told what is being made, a short line each.
        rate: how bytes are counted, everywhere.

    Returns:
        report.html.

    Raises:
        MissingExtraError: a package of the `eval` extra is not installed.
        MediaError: a video can't be read, or something can't be written.
    """
    tell = progress or (lambda _: None)
    out.mkdir(parents=True, exist_ok=True)
    tell("BD-rates")
    analysis = analyse(results, rate=rate)
    tell("curves")
    values = page.context(results, analysis) | {
        "curves": _curve_values(results, analysis, out),
        "players_note": "",
    }
    shown = _pictures(results, out, rate, tell)
    for value, known in zip(values["clips"], shown, strict=True):
        value["sheet"] = known.sheet
    tell("page")
    used = len(render(values).encode("utf-8"))
    _add_films(values, results, shown, used, rate)
    target = out / PAGE_NAME
    with atomic_output(target, force=True) as sink:
        sink.write(render(values).encode("utf-8"))
    return target
