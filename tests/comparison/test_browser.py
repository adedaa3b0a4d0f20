"""The page of a comparison in headless Chromium: it loads without an error, its players keep step, its wipe moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import compare as drawn
from tests.support.browser import opened_browser, until

pytest.importorskip("selenium")
pytest.importorskip("jinja2")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TIMES = "return [...document.querySelectorAll('#clip-1 video')].map(v => v.currentTime)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as opened:
        report = drawn.built_report(tmp_path_factory.mktemp("report"))
        opened.get(report.as_uri())
        yield opened


def at(browser: Any, selector: str) -> Any:
    found = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found
    )
    return found


def ready(browser: Any) -> bool:
    return bool(
        browser.execute_script(
            "return [...document.querySelectorAll('#clip-1 video')].every(v => v.readyState >= 2)"
        )
    )


def pixel(browser: Any, share: float) -> list[int]:
    """A pixel of the wipe's canvas at half its height, read from a copy: reading makes Chromium warn."""
    return list(
        browser.execute_script(
            """
        const shown = document.querySelector('#clip-1 canvas'), copy = document.createElement('canvas');
        copy.width = copy.height = 1;
        const pen = copy.getContext('2d', {willReadFrequently: true});
        pen.drawImage(shown, -Math.round(arguments[0] * shown.width), -Math.round(0.5 * shown.height));
        return [...pen.getImageData(0, 0, 1, 1).data]""",
            share,
        )
    )


def edge(browser: Any) -> float:
    """Where the wipe is, 0..1."""
    return float(
        browser.execute_script(
            "const c = document.querySelector('#clip-1 canvas'); return Number(c.dataset.edge) / c.width"
        )
    )


def set_position(browser: Any, seconds: float) -> None:
    browser.execute_script(
        "const s = document.querySelector('#clip-1 .seek'); s.value = arguments[0];"
        "s.dispatchEvent(new Event('input'))",
        seconds,
    )


def test_it_loads_without_an_error(browser: Any) -> None:
    at(browser, "#clip-1 .players")
    until(lambda: ready(browser), "videos are loaded")
    assert browser.execute_script("return document.documentElement.classList.contains('js')")
    assert browser.execute_script("return document.querySelectorAll('#curves svg').length") == len(
        drawn.METRICS
    )
    sheets = browser.execute_script(
        "const all = [...document.querySelectorAll('figure.sheet img')];"
        "for (const sheet of all) sheet.loading = 'eager'; return all"
    )
    assert len(sheets) == 2
    until(
        lambda: all(
            browser.execute_script("return arguments[0].naturalWidth", s) > 500 for s in sheets
        ),
        "sheets are loaded",
    )
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    assert [name for name in fetched if name.startswith("http")] == []


def test_the_players_play_in_step(browser: Any) -> None:
    play = at(browser, "#clip-1 .play")
    until(lambda: ready(browser), "videos are loaded")
    play.click()
    until(lambda: min(browser.execute_script(TIMES)) > 0.6, "all videos play")
    times = browser.execute_script(TIMES)
    assert len(times) == 6 and max(times) - min(times) < 0.2
    if play.text == "Pause":
        play.click()
    until(lambda: len(set(browser.execute_script(TIMES))) == 1, "all videos rest at one time")
    assert play.text == "Play"


def test_the_position_moves_all_players(browser: Any) -> None:
    until(lambda: ready(browser), "videos are loaded")
    at(browser, "#clip-1 .seek")
    set_position(browser, 1.2)
    until(
        lambda: all(abs(t - 1.2) < 0.02 for t in browser.execute_script(TIMES)),
        "all videos are at 1.2 s",
    )
    at(browser, "#clip-1 .on").click()
    until(
        lambda: all(abs(t - 1.24) < 0.02 for t in browser.execute_script(TIMES)),
        "all videos are a frame on",
    )
    until(lambda: "0:01.2" in at(browser, "#clip-1 .clock").text, "the clock tells")


def test_it_plays_to_its_end_and_again(browser: Any) -> None:
    play = at(browser, "#clip-1 .play")
    set_position(browser, 1.6)
    play.click()
    until(lambda: play.text == "Play", "it stops at the end")
    assert min(browser.execute_script(TIMES)) > 1.8
    play.click()
    until(lambda: 0.1 < min(browser.execute_script(TIMES)) < 1.5, "it begins again")
    if play.text == "Pause":
        play.click()


def test_the_wipe_moves_by_mouse(browser: Any) -> None:
    canvas = at(browser, "#clip-1 canvas")
    until(lambda: ready(browser), "videos are loaded")
    width = canvas.size["width"]
    for share in (0.25, 0.8):
        chain = ActionChains(browser).move_to_element_with_offset(canvas, 0, 40).click_and_hold()
        chain.move_by_offset(round((share - 0.5) * width), 0).release().perform()
        until(lambda share=share: abs(edge(browser) - share) < 0.03, f"the wipe is at {share}")  # type: ignore[misc]
    left = pixel(browser, 0.5)
    ActionChains(browser).move_to_element_with_offset(
        canvas, 0, 40
    ).click_and_hold().move_by_offset(round(-0.4 * width), 0).release().perform()
    until(lambda: edge(browser) < 0.15, "the wipe is at the left")
    right = pixel(browser, 0.5)
    assert sum(abs(a - b) for a, b in zip(left, right, strict=True)) > 60


def test_the_wipe_moves_by_keyboard(browser: Any) -> None:
    slider = at(browser, "#clip-1 .slider")
    until(lambda: ready(browser), "videos are loaded")
    slider.send_keys(Keys.HOME)
    until(lambda: edge(browser) == 0, "the wipe is at the left")
    slider.send_keys(Keys.END)
    until(lambda: edge(browser) == 1, "the wipe is at the right")
    for _ in range(10):
        slider.send_keys(Keys.ARROW_LEFT)
    until(lambda: abs(edge(browser) - 0.95) < 0.02, "the wipe has moved ten steps")
    assert slider.get_attribute("aria-valuetext").endswith("vqcodec")


def test_the_wipe_shows_the_codecs_chosen(browser: Any) -> None:
    at(browser, "#clip-1 .slider").send_keys(Keys.END)
    seen = []
    for codec in ("original", "h265"):
        browser.execute_script(
            "const s = document.querySelector('#clip-1 .left'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change'))",
            codec,
        )
        seen.append(pixel(browser, 0.5))
    assert sum(abs(a - b) for a, b in zip(*seen, strict=True)) > 60


def test_a_clip_named_like_a_script_is_a_name(browser: Any) -> None:
    assert drawn.HOSTILE in at(browser, "#clip-2 h3").text


def test_the_console_stayed_empty(browser: Any) -> None:
    assert [
        entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
    ] == []
