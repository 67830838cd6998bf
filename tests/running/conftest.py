"""Every test here starts processes; each gets folders and ports of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running.support import Installation

Make = Callable[..., Installation]


@pytest.fixture(scope="session")
def prepared_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables, reference data and the first administrator, made by the commands."""
    made = Installation(tmp_path_factory.mktemp("prepared"))
    for command in ("migrate", "seed"):
        done = made.command(command)
        assert done.returncode == 0, done.stderr
    return made.data / "steward.db"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """`make(PORT=…)`: an installation with these settings, not started; gone after the test."""
    with contextlib.ExitStack() as stack:

        def made(**settings: str) -> Installation:
            one = Installation(tmp_path, **settings)
            stack.callback(one.close)
            return one

        yield made


@pytest.fixture
def fresh(make: Make) -> Installation:
    """An installation that was never started."""
    return make()


@pytest.fixture
def steward(tmp_path: Path, prepared_database: Path) -> Iterator[Installation]:
    """An installation that was started before: its database is prepared."""
    made = Installation(tmp_path, prepared_database)
    yield made
    made.close()
