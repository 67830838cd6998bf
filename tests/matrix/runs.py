"""One persona through the doors of some entities, in both worlds."""

from __future__ import annotations

import contextlib
import gc
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, got_request_exception, request

from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db
from tests.matrix.asking import Asker, Enough, Seen, differences
from tests.matrix.doors import ONCE, Door, Visit
from tests.matrix.lean import Depth, left_to_ask
from tests.matrix.personas import Persona
from tests.matrix.world import World
from tests.matrix.writing import deleting, emptying, merging, undoing

BY_RULE = {("Contact", "is_primary")}
"""What a rule of the entity may change by itself."""

TAKING = {undoing, merging, deleting, emptying}
"""Doors that take away what others have written: before them is looked what that was."""

KEPT = ("registry", "rights", "organisation", "kept")


@contextlib.contextmanager
def no_queue() -> Iterator[None]:
    """Jobs wait until somebody lets them run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("send", "send_again"):
            patch.setattr(queue, name, lambda *_given, **_named: True)
        patch.setattr(queue, "forget", lambda _job_id: None)
        yield


@contextlib.contextmanager
def faults(app: Flask) -> Iterator[list[str]]:
    """Faults of the program are answered as people get them, and noted here."""
    said: list[str] = []

    def note(_app: Any, exception: Exception, **_more: Any) -> None:
        said.append(f"{request.path}: {''.join(traceback.format_exception(exception)[-3:])}")

    with pytest.MonkeyPatch.context() as patch, got_request_exception.connected_to(note, app):
        patch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        yield said


def afresh(app: Flask, database: Any) -> None:
    """The database as it was prepared."""
    database.refresh()
    for name in KEPT:
        app.extensions.pop(f"steward.{name}", None)
    registry.refresh()


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """What stands stays: the collector does not look through it again and again."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@dataclass(frozen=True)
class Plan:
    """A persona, before which doors of which entities; `few`: fields guessed at there, None: all.

    `both`: in both worlds, and the answers compared; else in the first one.
    `depths`: how closely at each entity, as lean.py says; without it at all rows.
    """

    persona: Persona
    entities: Sequence[str]
    doors: Sequence[Door]
    few: int | None
    salt: int
    both: bool = True
    depths: Mapping[str, Depth] | None = None


def go(app: Flask, database: Any, browser: Callable[[str | None], Any], plan: Plan) -> Seen:
    """What comes through to the persona, and what the answers of the two worlds tell apart."""
    asked = []
    for variant in ("", "other") if plan.both else ("",):
        afresh(app, database)
        with no_queue(), seldom_collected(), faults(app) as said:
            asked.append(_walk(World(plan.persona, variant), browser, plan))
        asked[-1].seen.errors += said
    seen = Seen()
    for ask in asked:
        seen.add(ask.seen)
    for text in differences(asked[0].answers, asked[-1].answers):
        seen.leaks.append(f"{plan.persona.name}: told apart: {text}")
    return seen


def _walk(world: World, browser: Any, plan: Plan) -> Asker:
    ask = Asker(world, browser, compared=plan.both)
    for number, door in enumerate(plan.doors):
        if door in TAKING and TAKING.isdisjoint(plan.doors[:number]):
            ask.seen.leaks += written_anywhere(world)
        for place, name in enumerate(plan.entities):
            if plan.depths is None:
                visit = Visit(ask, registry.current().entity(name), plan.few, plan.salt + place)
            elif door in ONCE and place:
                continue
            else:
                depth = plan.depths[name]
                salt = plan.salt + list(plan.depths).index(name)
                visit = Visit(ask, registry.current().entity(name), plan.few, salt, depth)
            before = ask.seen.asked.total()
            ask.left = None if door in ONCE else left_to_ask(visit.depth, visit.salt + number)
            with contextlib.suppress(Enough):
                door(visit)
            ask.left = None
            if ask.seen.asked.total() > before:
                ask.seen.visited.add((plan.persona.name, name, door.__name__))
    ask.seen.leaks += written_anywhere(world, fields=False)
    db.session.rollback()
    return ask


def written_anywhere(world: World, fields: bool = True) -> list[str]:
    """What has been written in any entity though it was not to be."""
    return [text for name in world.rows for text in written(world, name, fields)]


def written(world: World, entity: str, fields: bool = True) -> list[str]:
    """What has changed though the persona may not change it: rows out of reach, fields not theirs.

    Without `fields` rows alone: undoing gives back whatever one's own change set wrote, and purging
    takes away all.
    """
    definition = registry.current().entity(entity)
    persona, found = world.persona, []
    with policy.unrestricted("what was not to be written is looked for") as session:
        model: Any = definition.model
        for row in world.rows.get(entity, ()):
            record = session.get(model, row.id)
            reached = persona.reaches(entity, row) and any(
                persona.reaches(entity, row, action) for action in ("update", "delete", "import")
            )
            for name, value in row.values.items():
                item = definition.fields[name]
                if reached and (not fields or persona.access(entity, name) == "write"):
                    continue
                now = None if record is None else item.get(record)
                above = getattr(item, "parent", None)
                if reached and now is None and above and persona.access(entity, above) == "write":
                    continue  # a choice that refines another goes with it
                if now != value and (entity, name) not in BY_RULE:
                    found.append(
                        f"{persona.name}: written: {entity}.{name} of {row.whose} {row.number}: {now!r}"
                    )
    return found
