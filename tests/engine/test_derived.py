"""Derived fields stay in step whatever the door: made, changed, moved, trashed, undone, imported, merged."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.changes import change_set, undo
from app.engine.changes.merging import merge
from tests.factories import interaction, make
from tests.pages.support import counted

pytestmark = pytest.mark.usefixtures("as_admin")

NOON = datetime.datetime(2026, 3, 5, 4, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def definition(name: str = "Interaction") -> registry.EntityDefinition:
    return registry.current().entity(name)


def last(customer_id: int) -> Any:
    db.session.expire_all()
    model: Any = definition("Customer").model
    return db.session.get(model, customer_id).last_contact_at


def met(customer_id: int, days: int) -> int:
    return int(make("Interaction", customer=customer_id, at=NOON + days * DAY).id)


@pytest.fixture
def customer() -> int:
    return int(make("Customer").id)


def test_it_is_the_latest_and_nothing_without_any(customer: int) -> None:
    assert last(customer) is None
    met(customer, 2)
    met(customer, 1)
    assert last(customer) == NOON + 2 * DAY


def test_it_follows_edits_and_moves_to_another(customer: int) -> None:
    other, first = int(make("Customer").id), met(customer, 2)
    met(customer, 1)
    with change_set("form") as changes:
        changes.update(definition(), first, {"at": NOON})
    assert last(customer) == NOON + DAY
    with change_set("form") as changes:
        changes.update(definition(), first, {"customer": other, "at": NOON + 5 * DAY})
    assert (last(customer), last(other)) == (NOON + DAY, NOON + 5 * DAY)


def test_it_follows_the_trash_and_out_of_it(customer: int) -> None:
    met(customer, 1)
    second = met(customer, 2)
    with change_set("form") as changes:
        changes.trash(definition(), second)
    assert last(customer) == NOON + DAY
    with change_set("form") as changes:
        changes.restore(definition(), second)
    assert last(customer) == NOON + 2 * DAY


def test_it_follows_undoing_and_undoing_of_that(customer: int) -> None:
    first = met(customer, 1)
    with change_set("form") as changes:
        met(customer, 3)
        changes.update(definition(), first, {"at": NOON})
    assert last(customer) == NOON + 3 * DAY
    report = undo(changes.id or 0)
    assert last(customer) == NOON + DAY
    undo(report.undone_by or 0)
    assert last(customer) == NOON + 3 * DAY


def test_a_merge_gives_the_one_that_stays_what_the_others_had(customer: int) -> None:
    other = int(make("Customer").id)
    met(customer, 1)
    met(other, 4)
    with change_set("form") as changes:
        merge(changes, definition("Customer"), customer, [other])
    assert last(customer) == NOON + 4 * DAY
    undo(changes.id or 0)
    assert (last(customer), last(other)) == (NOON + DAY, NOON + 4 * DAY)


def test_it_is_no_change_of_the_record_itself(customer: int) -> None:
    """Whoever has the form open meanwhile can still save it."""
    model: Any = definition("Customer").model
    before = db.session.get(model, customer).version
    met(customer, 1)
    db.session.expire_all()
    assert db.session.get(model, customer).version == before


def test_many_cost_as_many_statements_as_few(customer: int) -> None:
    from app.engine.changes import create_prepared

    def bring_in(number: int) -> int:
        rows = [interaction(customer=int(make("Customer").id), at=NOON) for _one in range(number)]
        with counted() as statements, change_set("import") as changes:
            prepared = [changes.checker.new(definition(), row) for row in rows]
            seen = len(statements)
            create_prepared(changes, definition(), prepared)
        return len(statements) - seen

    assert bring_in(2) == bring_in(30)
