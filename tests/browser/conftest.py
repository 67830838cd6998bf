"""One Chromium for all browser tests; each file of tests gets a Steward of its own, each test a profile of its own.

tests/kinds.py skips all of it, loudly, or fails where there is no Chromium.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.support import LOCALES, WIDE, NewTab, Steward, Tab, launch, running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Headless Chromium, gone before the tests of other folders, which may run event loops of their own."""
    with sync_playwright() as playwright:
        program = launch(playwright)
        yield program
        program.close()


@pytest.fixture(scope="module")
def steward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steward]:
    """Steward without demonstration data, started by `run.py`."""
    with running(tmp_path_factory.mktemp("steward")) as started:
        yield started


@pytest.fixture
def new_tab(chromium: Browser, steward: Steward) -> Iterator[NewTab]:
    """`new_tab("zh")`: a tab in a fresh profile of that language; what went wrong in it fails the test."""
    with contextlib.ExitStack() as stack:

        def opened(language: str, **options: Any) -> Tab:
            context = chromium.new_context(
                base_url=steward.address,
                locale=LOCALES[language],
                timezone_id="Asia/Shanghai",
                viewport=options.pop("viewport", WIDE),
                **options,
            )
            stack.callback(context.close)
            tab = Tab(context, steward, language)
            stack.callback(tab.check)
            return tab

        yield opened
