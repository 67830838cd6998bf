"""The matrix is not blind: a hole in any one surface turns it red, and without one it is green."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask

from app.engine import registry
from tests.matrix.asking import Asker, differences
from tests.matrix.doors import Visit
from tests.matrix.holes import HOLES, Planted
from tests.matrix.lean import Depth
from tests.matrix.personas import shifted
from tests.matrix.runs import afresh, faults, no_queue, written
from tests.matrix.world import World

pytestmark = pytest.mark.once

ENTITY = "Customer"
LEANEST = Depth(closely=True)
FULL = os.environ.get("STEWARD_PROOF") == "full"


def red(
    app: Flask, database: Any, browser: Any, holes: dict[str, Planted], opened: bool
) -> dict[str, list[str]]:
    """By surface what the matrix finds there, with the holes opened one after the other, or closed.

    It is asked as leanly as the matrix in full asks where fields of every sort have been guessed at
    (lean.py); in short it asks of more rows.
    """
    found: dict[str, list[str]] = {name: [] for name in holes}
    answers: dict[str, list[Any]] = {name: [] for name in holes}
    # First those that are looked for in both worlds, which are alike until then.
    in_turn = sorted(holes.items(), key=lambda item: not item[1].told_apart)
    for variant in ("", "other"):
        afresh(app, database)
        with no_queue(), faults(app):
            world = World(shifted("own", 0), variant)
            for name, planted in in_turn:
                if variant and not planted.told_apart:
                    continue
                with pytest.MonkeyPatch.context() as patch:
                    if opened:
                        planted.open(patch)
                    ask = Asker(world, browser)
                    before = set(written(world, ENTITY))
                    for door in planted.doors:
                        door(Visit(ask, registry.current().entity(ENTITY), 1, 0, LEANEST))
                found[name] += ask.seen.leaks
                found[name] += set(written(world, ENTITY)) - before
                answers[name].append(ask.answers)
    for name, pair in answers.items():
        found[name] += differences(pair[0], pair[-1])
    return found


@pytest.fixture(scope="module")
def kept() -> dict[str, dict[str, list[str]]]:
    return {}


@pytest.mark.parametrize("surface", HOLES)
def test_a_hole_turns_the_matrix_red(
    app: Flask, database: Any, browser: Any, kept: Any, surface: str
) -> None:
    if "opened" not in kept:
        kept["opened"] = red(app, database, browser, HOLES, opened=True)
    assert kept["opened"][surface], "the hole was not noticed"


@pytest.mark.proof
def test_without_holes_it_is_green(app: Flask, database: Any, browser: Any) -> None:
    """In short those that are found by what differs: that must be nothing else."""
    holes = {name: one for name, one in HOLES.items() if FULL or one.told_apart}
    found = red(app, database, browser, holes, opened=False)
    assert {name: leaks[:3] for name, leaks in found.items() if leaks} == {}
