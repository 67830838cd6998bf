"""What a guard keeps as it is can't be deleted or changed by any door, and each refusal says why and until when."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from app.engine import holds, registry
from app.engine.adapters.database import db
from app.engine.bulk import act_of
from app.engine.changes import change_set, undo
from app.engine.changes.many import last_change
from app.engine.changes.merging import merge
from app.engine.errors import InvalidInput
from app.engine.holds import Hold
from tests import factories
from tests.factories import make

pytestmark = pytest.mark.usefixtures("as_admin")

UNTIL = datetime.date(2056, 12, 31)
WHY = "the archive keeps it"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Parcels that a guard keeps; only their notes stay free."""
    ids: set[int] = set()

    def guard(_session: Any, asked: Any) -> dict[int, list[Hold]]:
        return {i: [Hold(WHY, UNTIL, frozenset({"notes"}))] for i in asked if i in ids}

    monkeypatch.setitem(holds._guards, "Parcel", [guard])
    return ids


def definition(name: str = "Parcel") -> registry.EntityDefinition:
    return registry.current().entity(name)


def refused(act: Callable[[Any], Any]) -> InvalidInput:
    """Why a change set was refused."""
    with pytest.raises(InvalidInput) as caught, change_set("form") as changes:
        act(changes)
    return caught.value


def state(record_id: int) -> dict[str, Any]:
    table = definition().model.__table__
    row = db.session.connection().execute(table.select().where(table.c.id == record_id)).one()
    db.session.rollback()
    return dict(row._mapping)


def assert_says_why(refusal: InvalidInput) -> None:
    assert WHY in str(refusal)
    assert "2056" in str(refusal)


def test_its_fields_stand_but_those_left_free(kept: set[int]) -> None:
    parcel = make("Parcel", **factories.parcel(name="Vase"))
    kept.add(parcel.id)
    refusal = refused(lambda c: c.update(definition(), parcel.id, {"name": "Bowl", "pieces": 3}))
    assert {problem.field for problem in refusal.problems} == {"name", "pieces"}
    assert_says_why(refusal)
    with change_set("form") as changes:
        changes.update(definition(), parcel.id, {"notes": "seen", "name": "Vase"})
    assert state(parcel.id)["notes"] == "seen"


@pytest.mark.parametrize(
    "act",
    [
        lambda changes, parcel: changes.trash(definition(), parcel.id),
        lambda changes, parcel: changes.trash(definition("Shelf"), parcel.shelf_id),
        lambda changes, parcel: changes.approve(definition(), parcel.id),
        lambda changes, parcel: merge(
            changes, definition(), make("Parcel", **factories.parcel()).id, [parcel.id]
        ),
        lambda changes, parcel: merge(
            changes, definition("Shelf"), make("Shelf", **factories.shelf()).id, [parcel.shelf_id]
        ),
    ],
    ids=["trash", "trash of what it belongs to", "approval", "merge", "merge of what it points at"],
)
def test_it_does_not_go_nor_move(kept: set[int], act: Any) -> None:
    shelf = make("Shelf", **factories.shelf())
    parcel = make("Parcel", **factories.parcel(shelf=shelf.id))
    kept.add(parcel.id)
    before = state(parcel.id)
    with pytest.raises(InvalidInput) as caught, change_set("form") as changes:
        act(changes, parcel)
    assert_says_why(caught.value)
    assert state(parcel.id) == before


@pytest.mark.parametrize("entity", ["Parcel", "Shelf"])
def test_what_was_in_the_trash_already_is_not_purged(kept: set[int], entity: str) -> None:
    shelf = make("Shelf", **factories.shelf())
    parcel = make("Parcel", **factories.parcel(shelf=shelf.id))
    record_id = {"Parcel": parcel.id, "Shelf": shelf.id}[entity]
    with change_set("form") as changes:
        changes.trash(definition(entity), record_id)
    kept.add(parcel.id)
    assert_says_why(refused(lambda c: c.purge(definition(entity), record_id)))
    assert state(parcel.id)


@pytest.mark.parametrize("door", ["trash", "edit", "archive"])
def test_in_bulk_it_alone_is_left_out_with_the_reason(kept: set[int], door: str) -> None:
    parcels = [make("Parcel", **factories.parcel()) for _number in range(3)]
    kept.add(parcels[1].id)
    values = {"set": {"colour": "blue"}} if door == "edit" else {}
    act = act_of(definition(), door, values)
    before = state(parcels[1].id)
    with change_set("bulk") as changes:
        tally = act.take(changes, [one.id for one in parcels], last_change(changes.session))
    assert tally.changed == 2
    assert WHY in str(tally.reasons)
    assert state(parcels[1].id) == before


class TestUndo:
    def test_leaves_what_is_kept_and_says_why(self, kept: set[int]) -> None:
        with change_set("form") as changes:
            one, _two = (changes.create(definition(), factories.parcel()).id for _n in range(2))
        kept.add(one)
        report = undo(changes.id or 0)
        assert (report.reversed, report.blocked) == (1, 1)
        assert WHY in report.details[0]["what"]
        assert state(one)["id"] == one

    def test_gives_no_old_values_back(self, kept: set[int]) -> None:
        parcels = [make("Parcel", **factories.parcel(name="Vase")) for _number in range(2)]
        with change_set("form") as changes:
            for parcel in parcels:
                changes.update(definition(), parcel.id, {"name": "Bowl"})
        kept.add(parcels[0].id)
        report = undo(changes.id or 0)
        assert (report.reversed, report.blocked) == (1, 1)
        assert [state(parcel.id)["name"] for parcel in parcels] == ["Bowl", "Vase"]

    def test_does_not_put_back_into_the_trash(self, kept: set[int]) -> None:
        parcel = make("Parcel", **factories.parcel())
        with change_set("form") as changes:
            changes.trash(definition(), parcel.id)
        with change_set("form") as changes:
            changes.restore(definition(), parcel.id)
        kept.add(parcel.id)
        assert undo(changes.id or 0).blocked == 1
        assert state(parcel.id)["deleted_at"] is None


def test_a_batch_is_asked_about_at_once(kept: set[int]) -> None:
    """Whatever is taken back or thrown away: the guard gets all records in one call."""
    asked: list[int] = []

    def guard(_session: Any, ids: Any) -> dict[int, list[Hold]]:
        asked.append(len(ids))
        return {}

    holds._guards["Parcel"] = [guard]
    parcels = [make("Parcel", **factories.parcel()) for _number in range(5)]
    with change_set("bulk") as changes:
        act_of(definition(), "trash", {}).take(changes, [p.id for p in parcels], None)
    assert asked == [5]
