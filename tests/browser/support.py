"""Tabs that notice what a person would not: errors in the console, requests to other hosts."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.support import Translations
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

from config import ROOT
from tests.database import PostgresqlDatabase, chosen_database
from tests.kinds import browser_program
from tests.running.support import PATIENCE, Installation

PASSWORD = "Quiet-Harbour-27"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
HTML_LANG = {"zh": "zh-CN", "en": "en"}
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 740}
SLOW = PATIENCE * 1000
"""How long jobs may take, in milliseconds; everything else gets Playwright's 30 seconds."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Steward:
    """A running Steward with a database of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.database = chosen_database(folder)
        self.database.create()
        given = {"ADMIN_PASSWORD": PASSWORD, **settings}
        if isinstance(self.database, PostgresqlDatabase):
            given["DATABASE_URL"] = self.database.url
        if queue := os.environ.get("REDIS_URL"):
            given["REDIS_URL"] = queue
        self.installation = Installation(folder, **given)
        self.address = f"http://127.0.0.1:{self.installation.port}"
        self.installation.start()
        self.installation.until_ready()

    def command(self, *arguments: str) -> str:
        """Run a sub-command; returns what it printed."""
        done = self.installation.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self) -> None:
        """Stop it and remove its database."""
        self.installation.close()
        self.database.drop()


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[Steward]:
    """Steward, until the end of the block."""
    steward = Steward(folder, **settings)
    try:
        yield steward
    finally:
        steward.close()


def launch(playwright: Playwright) -> Browser:
    """The Chromium of this machine."""
    return playwright.chromium.launch(executable_path=browser_program(), args=[*FLAGS])


class Words:
    """What the pages say, in one language; a message without a translation is an error."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalog = Translations.load(ROOT / "translations", [language])

    def __call__(self, message: str, **values: Any) -> str:
        found = str(self._catalog.gettext(message))
        assert self.language == "en" or re.search(r"[\u4e00-\u9fff]", found), (
            f"“{message}” has no Chinese"
        )
        return found % values if values else found


class Tab:
    """A page of the browser, with what went wrong on it."""

    def __init__(self, context: BrowserContext, steward: Steward, language: str) -> None:
        self.steward = steward
        self.use(language)
        self.wrong: list[str] = []
        self.allowed: list[str] = []
        self._host = urlsplit(steward.address).netloc
        context.on("request", self._asked)
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"{self.page.url}: {error}"))

    def use(self, language: str) -> None:
        """From here on the pages are expected in this language."""
        self.language = language
        self.word = Words(language)

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.wrong.append(f"{self.page.url} asked another host: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self.allowed):
            self.wrong.append(f"{self.page.url}: {message.text}")

    def check(self) -> None:
        """Nothing went wrong so far, and the page is in the language."""
        wrong, self.wrong = self.wrong, []  # said once
        assert not wrong, "\n".join(wrong)
        assert self.page.locator("html").get_attribute("lang") == HTML_LANG[self.language]

    def open(self, path: str) -> Page:
        """Go to an address of Steward and look around there."""
        self.page.goto(path)
        self.check()
        return self.page

    def sign_in(self, name: str = "admin", password: str = PASSWORD) -> None:
        """Sign in by the form."""
        self.page.goto("/login/")
        self.page.get_by_label(self.word("User name or e-mail")).fill(name)
        self.page.get_by_label(self.word("Password")).fill(password)
        self.page.get_by_role("button", name=self.word("Sign in")).click()
        self.page.wait_for_url(lambda address: "/login" not in address)
        self.check()


NewTab = Callable[..., Tab]
