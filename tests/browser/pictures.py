"""Takes the pictures that the README shows, of the demonstration data: `make pictures`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from config import ROOT
from tests.browser.small_png import with_palette
from tests.browser.support import LOCALES, WIDE, Steward, Tab, launch, running
from tests.kinds import browser_program

FOLDER = ROOT / "docs" / "pictures"
LARGEST = 150_000
"""Bytes; a README is also read on slow lines."""


@dataclass(frozen=True)
class Picture:
    """What is shown, and how."""

    name: str
    path: str
    language: str
    theme: str


PICTURES = (
    Picture("list-zh", "/customer/", "zh", "light"),
    Picture("chart-en", "/customer/charts", "en", "light"),
)


def main() -> int:
    """Start Steward with its demonstration data, take the pictures, and say how large they are."""
    if browser_program() is None:
        print("No Chromium found: install it, or name one in STEWARD_BROWSER.", file=sys.stderr)
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), DEMO="1") as steward,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        files = [take(browser, steward, picture) for picture in PICTURES]
        browser.close()
    for file in files:
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")
    return max(file.stat().st_size > LARGEST for file in files)


def take(browser: Browser, steward: Steward, picture: Picture) -> Path:
    """One picture, once charts are drawn and nothing moves."""
    context = browser.new_context(
        base_url=steward.address,
        locale=LOCALES[picture.language],
        timezone_id="Asia/Shanghai",
        viewport=WIDE,
        color_scheme=picture.theme,
        reduced_motion="reduce",
    )
    tab = Tab(context, steward, picture.language)
    tab.sign_in()
    page = tab.open(picture.path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    file = FOLDER / f"{picture.name}.png"
    file.write_bytes(with_palette(browser, page.screenshot(animations="disabled")))
    tab.check()
    context.close()
    return file


if __name__ == "__main__":
    sys.exit(main())
