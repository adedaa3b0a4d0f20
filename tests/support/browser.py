"""Headless Chromium for tests of pages.

Skipped where Chromium and chromedriver aren't installed, unless VQCODEC_REQUIRE_BROWSER=1 says that they have to be.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1200,1000",
    "--no-first-run",
    "--disable-background-networking",
)


def _program(*names: str) -> str:
    found = next((path for path in map(shutil.which, names) if path is not None), None)
    if found is None:
        reason = f"needs {names[0]} (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("VQCODEC_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def opened_browser(profile: Path, *more: str) -> Iterator[Any]:
    """A browser of selenium's, with a profile of its own, and with more arguments than others have."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium = _program("chromium", "chromium-browser", "google-chrome")
    driver = _program("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, *more, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
