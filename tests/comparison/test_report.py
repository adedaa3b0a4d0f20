"""The page of a comparison: complete, self-contained, escaped, and within its size."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support import compare as drawn
from vqcodec.comparison.analysis.overall import analyse
from vqcodec.comparison.page import curves, embed, report
from vqcodec.comparison.page import values as page

pytest.importorskip("jinja2")
VOID = {"meta", "link", "img", "input", "br", "hr"}
SVG_ADDRESSES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


class Page(HTMLParser):
    """Collects tags with their attributes, text by tag, and complains of tags that don't nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self.open[-1] if self.open else "", []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.built_report(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def text(built: Path) -> str:
    return built.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(text: str) -> Page:
    return Page(text)


def test_all_files_are_there(built: Path) -> None:
    out = built.parent
    assert built.name == "report.html"
    assert {p.name for p in (out / "side_by_side").iterdir()} == {"one.mp4", f"{drawn.HOSTILE}.mp4"}
    assert {p.name for p in (out / "sheets").iterdir()} == {"one.png", f"{drawn.HOSTILE}.png"}
    assert {p.name for p in (out / "curves").iterdir()} == {
        f"{m}.{s}" for m in drawn.METRICS for s in ("svg", "png")
    }


def test_the_verdict_first_then_the_pictures(text: str) -> None:
    """One line on the first screen, pictures before tables, and what no overlap means is said once."""
    places = [
        text.index(f'<section id="{part}">')
        for part in ("short", "clips", "tables", "curves", "how")
    ]
    assert places == sorted(places)
    verdict = re.search(r'<p class="verdict">(By [^<]+\.)</p>', text)
    assert verdict is not None and verdict.start() < text.index("<nav")
    assert "vqcodec needs" in verdict[1] or "vqcodec is" in verdict[1]
    assert text.count("don&#39;t overlap between") <= 1 and "curves of" not in text


def test_it_nests_and_needs_nothing_from_outside(parsed: Page, text: str) -> None:
    assert parsed.open == []
    bare = text
    for known in SVG_ADDRESSES:
        bare = bare.replace(known, "")
    assert (
        re.findall(
            r"https?:|//[a-z]+\.",
            re.sub(r"base64,[A-Za-z0-9+/=]+|>[A-Za-z0-9+/=]{200,}<", "", bare),
        )
        == []
    )
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("#", "data:")), (tag, name, value[:80])
    assert "@import" not in text and "url(" not in text.replace("url(#", "")


def test_the_policy_allows_this_script_and_no_other(parsed: Page, text: str) -> None:
    (policy,) = [
        a["content"] or ""
        for a in parsed.named("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    scripts = [s for s in parsed.named("script") if s.get("type") != "text/plain"]
    assert len(scripts) == 1
    body = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_are_escaped(parsed: Page, text: str) -> None:
    assert "<script>alert" not in text
    assert drawn.HOSTILE in parsed.text["h3"]
    assert "Drawn CPU <1>" in parsed.text["dd"]


def test_it_tells_everything(parsed: Page) -> None:
    said = " ".join(parsed.text["li"])
    assert said.count("At equal ") == 16 and "less rate than AV1 (SVT-AV1)" in said
    cells = " ".join(parsed.text["span"] + parsed.text["small"])
    assert "2 of 2 clips" in cells and "equal quality: " in cells and "ahead: from " in cells
    assert "no weights of AlexNet here" in parsed.text["dd"] and "2.13.0" in parsed.text["dd"]
    assert len([a for a in parsed.named("svg") if a.get("role") == "img"]) == len(drawn.METRICS)
    assert len(parsed.named("video")) == 12 and len(parsed.named("canvas")) == 2
    points = sum(len(c.points) for c in drawn.realistic().clips)
    assert sum(a.get("class") == "codec" for a in parsed.named("td")) == points
    for control in [*parsed.named("input"), *parsed.named("canvas"), *parsed.named("video")]:
        assert control.get("aria-label") or control.get("type") == "checkbox"


def test_the_videos_inside_are_the_media(parsed: Page) -> None:
    films = [t for t in parsed.text["script"] if len(t) > 1000 and "use strict" not in t]
    assert len(films) == 12
    with (
        av.open(io.BytesIO(base64.b64decode(films[0]))) as first,
        av.open(io.BytesIO(base64.b64decode(films[1]))) as second,
    ):
        assert len(first.streams.audio) == 1 and len(second.streams.audio) == 0
        assert sum(1 for _ in second.decode(video=0)) == 50


def test_nothing_is_made_twice(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "draw_all", lambda *_, **__: {})
    before = {
        p: p.stat().st_mtime_ns
        for p in built.parent.rglob("*")
        if p.parent.name in ("side_by_side", "sheets")
    }
    told: list[str] = []
    report.build(drawn.realistic(("one", drawn.HOSTILE)), built.parent, told.append)
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert "curves" in told and "page" in told and any("sheet 2/2" in line for line in told)


def test_without_videos_there_is_still_a_page(tmp_path: Path) -> None:
    alone = drawn.results(
        drawn.clip(
            "one",
            drawn.ladder("h264", "ssim", lambda r: r),
            drawn.ladder("vqt", "ssim", lambda r: r),
        )
    )
    made = Page(report.build(alone, tmp_path).read_text(encoding="utf-8"))
    assert made.named("video") == [] and "Its decoded videos were not kept." in made.text["p"]
    assert made.named("svg")


def test_a_page_of_nothing(tmp_path: Path) -> None:
    made = Page(report.build(drawn.results(), tmp_path).read_text(encoding="utf-8"))
    assert any("nothing to compare" in t for t in made.text["p"])


def test_a_full_page_shows_the_start_of_some_clips(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("one", "two", "three")
    results = drawn.realistic(names)
    results = replace(results, clips=tuple(replace(c, seconds=30.0) for c in results.clips))
    shown = [
        report.ShownClip(
            {
                "original": built.parent / "media" / "one" / "original.mp4",
                "vqt": built.parent / "media" / "one" / "vqt.mp4",
            },
            "",
        )
    ] * 3
    size = sum(p.stat().st_size for p in shown[0].media.values())
    monkeypatch.setattr(embed, "room", lambda used: 1.5 * size)
    values = page.context(results, analyse(results)) | {"curves": [], "players_note": ""}
    report._add_films(values, results, shown, 0, "file")
    first, second, third = values["clips"]
    assert first["shown_s"] == "30.000" and second["shown_s"] == "14.600"
    assert "first 14.6 s" in second["about"] and third["films"] == [] and "No room" in third["note"]
    assert values["players_note"].startswith("So that this page stays small, 2 of the 3 clips")


def test_shares_of_a_page() -> None:
    whole, part, none = embed.shares([100, 100, 100], [20.0, 20.0, 20.0], 130)
    assert whole == embed.Share(None, 100) and none is None
    assert (
        part is not None and part.seconds == pytest.approx(6.0) and part.bytes == pytest.approx(30)
    )
    assert embed.shares([0, 100], [20.0, 20.0], 0) == [None, embed.Share(4.0, 20.0)]
    assert embed.room(10**9) == 0 and embed.room(0) == pytest.approx(30e6)


def test_a_film_cut_short_can_be_played(built: Path) -> None:
    path = built.parent / "media" / "one" / "original.mp4"
    data = base64.b64decode(embed.film(path, name="original", seconds=1.0))
    with av.open(io.BytesIO(data)) as container:
        frames = [f.pts for f in container.decode(video=0)]
    assert 24 <= len(frames) <= 28 and frames[0] is not None
    assert len(data) < path.stat().st_size


def test_pictures_are_made_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 400, 3), dtype=np.uint8)
    small, large = embed.picture_address(noise, width_px=100), embed.picture_address(noise)
    assert small.startswith("data:image/webp;base64,") and len(small) < len(large) / 4


def test_a_rate_that_was_refused_is_told() -> None:
    results = drawn.realistic(["one"])
    clip = replace(results.clips[0], refused={"bitrate 5": "the file can't be coded at 5 kbit/s"})
    told = page.clip_context(results, clip, "file")["about"]
    assert told.endswith("; no point at bitrate 5: the file can't be coded at 5 kbit/s")
    assert "no point" not in page.clip_context(results, results.clips[0], "file")["about"]
