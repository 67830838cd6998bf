"""Kinds of tests: what each needs, and that it is not silently left out for want of it.

A test in `tests/browser/` is of the kind `browser`; one that uses the database is of the kind `servers`, which
`.ci/run` runs again on PostgreSQL and Redis, unless it is marked `once`: it says nothing of either.
`STEWARD_REQUIRE_BROWSER=1` and `STEWARD_REQUIRE_SERVERS=1` turn a missing browser or server into a failure.

Tests run side by side in several processes (pytest-xdist), file by file: those of a file share what is costly, a running
Steward or a queue server. Each process has a database of its own and, on a Redis server, a db number of
its own: the one in `REDIS_URL` and those that follow it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from app.engine.adapters.i18n import compile_catalogs

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DATABASE_FIXTURES = frozenset({"app", "prepared_app", "database"})
KINDS = ("browser", "servers", "running", "proof")
LONGEST = (
    "matrix/test_matrix.py", "hardening/test_routes.py", "matrix", "running", "browser", "chaos",
    "domains/test_archiving_killed.py", "domains/test_added_fields.py", "test_contract.py",
)  # fmt: skip
"""Files and folders of long tests: begun first, so that no process is left alone with one at the end."""


def browser_program() -> str | None:
    """The Chromium to drive: `STEWARD_BROWSER`, or the first one on the path."""
    given = os.environ.get("STEWARD_BROWSER")
    return given or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pytest_configure() -> None:
    """One process among several takes its own db number of the Redis server."""
    process, given = os.environ.get("PYTEST_XDIST_WORKER", ""), os.environ.get("REDIS_URL")
    if process and given:
        server, _, number = given.rpartition("/")
        os.environ["REDIS_URL"] = f"{server}/{int(number) + int(process.removeprefix('gw'))}"


def pytest_sessionstart() -> None:
    """A run that must be on servers is stopped when it is not; catalogs are compiled for all others."""
    if os.environ.get("STEWARD_REQUIRE_SERVERS") == "1":
        on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        if not (on_postgresql and os.environ.get("REDIS_URL")):
            pytest.exit("STEWARD_REQUIRE_SERVERS=1 needs DATABASE_URL and REDIS_URL", 4)
    compile_catalogs()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by place and by what is used, and leave the kinds in the report; long ones come first."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        own = (n for n, name in enumerate(LONGEST) if item.path.is_relative_to(here / name))
        return next(own, len(LONGEST))

    items.sort(key=turn)
    for item in items:
        if item.path.is_relative_to(here / "browser"):
            item.add_marker("browser")
        elif DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())) and not (
            item.get_closest_marker("once")
        ):
            item.add_marker("servers")
        for kind in KINDS:
            if item.get_closest_marker(kind):
                item.user_properties.append(("kind", kind))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without a browser its tests are skipped, or fail where they are required."""
    if item.get_closest_marker("browser") and browser_program() is None:
        if os.environ.get("STEWARD_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium found, and the browser tests are required", pytrace=False)
        pytest.skip("no Chromium found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what did not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(1 for report in skipped if ("kind", "browser") in report.user_properties)
    if count and browser_program() is None:
        terminalreporter.section("NOT RUN: BROWSER TESTS", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{count} browser tests did not run: no Chromium was found. Install chromium, or name one "
            "in STEWARD_BROWSER.",
            red=True,
        )
