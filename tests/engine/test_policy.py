"""The policy holds below every query: rows by scope, fields by access, nothing past it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import aliased

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed, NotFound
from app.engine.policy.rights import Rights, RoleRights
from app.engine.query import Condition, Records, Sort, grouped
from tests.engine.toys import Parcel, Shelf
from tests.factories import make, user_id, viewer

Acting = Callable[[str], policy.Viewer]

TOY_ROLE = {
    "grants": {
        "Shelf": {"read": "own", "create": "own", "update": "own"},
        "Parcel": {"read": "own", "create": "own", "update": "own"},
    },
    "fields": {
        "Parcel": {"notes": "hidden", "*personal": "masked", "pieces": "read"},
    },
}


@pytest.fixture(autouse=True)
def toy_rights(app: Any) -> None:
    """The sales role gets rights on the toys."""
    role = app.appbuilder.sm.find_role("Sales")
    policy.replace_role(db.session(), role.id, TOY_ROLE)
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    policy.refresh_rights(registry.versions())


@pytest.fixture
def shelves(app: Any) -> dict[str, Any]:
    """One shelf of each of two keepers, a parcel on each."""
    made = {}
    with policy.acting_as(viewer("admin")):
        for name in ("sales", "sales2"):
            shelf = make("Shelf", name=f"货架 {name}", keeper=user_id(name))
            made[name] = (
                shelf,
                make(
                    "Parcel",
                    shelf=shelf.id,
                    keeper=user_id(name),
                    notes="canary",
                    phone="13800000000",
                ),
            )
    return made


def definition(name: str = "Shelf") -> registry.EntityDefinition:
    return registry.current().entity(name)


def test_without_a_viewer_nothing_is_read(app: Any) -> None:
    with pytest.raises(policy.NoViewer):
        db.session.scalars(select(Shelf)).all()


def test_own_means_ones_own_in_every_kind_of_query(shelves: Any, acting: Acting) -> None:
    acting("sales")
    mine, other = shelves["sales"][0], shelves["sales2"][0]
    db.session.expunge_all()
    assert [s.id for s in db.session.scalars(select(Shelf))] == [mine.id]
    assert db.session.get(Shelf, other.id) is None
    assert db.session.scalar(select(func.count(Shelf.id))) == 1
    assert db.session.scalar(select(func.count()).select_from(Shelf)) == 1
    alias = aliased(Shelf)
    assert db.session.scalars(select(alias.id)).all() == [mine.id]
    inner = select(Shelf.id).subquery()
    assert db.session.scalar(select(func.count()).select_from(inner)) == 1
    assert db.session.scalar(select(select(Shelf.id).where(Shelf.id == other.id).exists())) is False
    names = select(Shelf.name).union_all(select(alias.name))
    assert len(db.session.execute(names).all()) == 2


def test_a_scope_follows_the_reference(shelves: Any, acting: Acting) -> None:
    acting("sales")
    assert Records(definition("Parcel")).ids() == [shelves["sales"][1].id]


def test_a_foreign_record_is_not_found_and_not_changed(shelves: Any, acting: Acting) -> None:
    acting("sales")
    other = shelves["sales2"][0]
    with pytest.raises(NotFound):
        Records(definition()).get(other.id)
    with pytest.raises(NotFound), change_set("form") as changes:
        changes.update(definition(), other.id, {"name": "x"})


def test_a_reference_to_a_foreign_record_is_refused(shelves: Any, acting: Acting) -> None:
    acting("sales")
    with pytest.raises(InvalidInput) as refused, change_set("form") as changes:
        changes.create(definition("Parcel"), {"name": "x", "shelf": shelves["sales2"][0].id})
    assert refused.value.problems[0].field == "shelf"


def test_what_one_makes_is_ones_own(acting: Acting) -> None:
    me = acting("sales")
    with change_set("form") as changes:
        record = changes.create(definition(), {"name": "mine"})
    assert record.keeper_id == me.user_id
    with pytest.raises(NotAllowed), change_set("form") as changes:
        changes.create(definition(), {"name": "theirs", "keeper": user_id("sales2")})


def test_a_core_select_cannot_walk_past(shelves: Any, acting: Acting) -> None:
    acting("sales")
    with pytest.raises(policy.PolicyBypassed):
        db.session.execute(select(Shelf.__table__))


@pytest.mark.parametrize("statement", [update(Shelf).values(name="x"), insert(Shelf)])
def test_a_bulk_statement_cannot_write(statement: Any, acting: Acting) -> None:
    acting("admin")
    with pytest.raises(policy.PolicyBypassed):
        db.session.execute(statement, [{"name": "x"}] if statement.is_insert else {})


def test_a_hidden_field_cannot_be_seen_or_guessed(shelves: Any, acting: Acting) -> None:
    acting("sales")
    parcels = definition("Parcel")
    row = Records(parcels).get(shelves["sales"][1].id)
    assert "notes" not in row
    for guess in (
        lambda: Records(parcels).where(Condition("notes", "ct", "can")),
        lambda: Records(parcels).sort(Sort("notes")),
        lambda: grouped(Records(parcels), "notes"),
    ):
        with pytest.raises(NotFound):
            guess()
    assert Records(parcels).search("canary").count() == (0, True)
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.update(parcels, row["id"], {"notes": "x"})


def test_a_masked_field_shows_its_shape_only(shelves: Any, acting: Acting) -> None:
    acting("sales")
    parcels = definition("Parcel")
    row = Records(parcels).get(shelves["sales"][1].id)
    assert row["phone"] == "138****0000"
    with pytest.raises(NotAllowed):
        Records(parcels).where(Condition("phone", "eq", "13800000000"))
    assert Records(parcels).search("13800000000").count() == (0, True)
    assert Records(parcels).search("包裹").count() == (1, True)


def test_a_read_only_field_is_not_written(shelves: Any, acting: Acting) -> None:
    acting("sales")
    with pytest.raises(InvalidInput) as refused, change_set("form") as changes:
        changes.update(definition("Parcel"), shelves["sales"][1].id, {"pieces": 7})
    assert refused.value.problems[0].field == "pieces"


def test_a_withdrawn_right_stops_working_at_the_next_request(shelves: Any, browser: Any) -> None:
    person = browser("sales")
    assert person.get("/api/v1/shelf/").status_code == 200
    role = person.application.appbuilder.sm.find_role("Sales")
    policy.replace_role(db.session(), role.id, {"grants": {}})
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    assert person.get("/api/v1/shelf/").status_code == 403


def test_jobs_and_pages_see_everything_only_when_they_say_so(shelves: Any) -> None:
    with policy.unrestricted("a test of it") as session:
        assert len(session.scalars(select(Parcel)).all()) == 2


def restricted(**fields: str) -> policy.Viewer:
    """Somebody with every right on the toys who sees of some fields less."""
    lines = {("Shelf", name): access for name, access in fields.items()}
    role = RoleRights({("Shelf", "*"): "all", ("Parcel", "*"): "all"}, lines)
    return policy.Viewer(user_id("sales"), "somebody", Rights((role,)))


def test_a_refusal_does_not_name_a_record_whose_name_is_hidden(shelves: Any) -> None:
    shelf = shelves["sales"][0]
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.trash(definition(), shelf.id)
    with policy.acting_as(restricted(name="hidden")), change_set("form") as changes:
        record = changes.load(definition(), shelf.id, "purge", trash=True)
        assert policy.record_name(definition(), record) == f"#{shelf.id}"
    with policy.acting_as(restricted()):
        assert policy.record_name(definition(), record) == shelf.name


def test_where_a_record_is_cannot_be_masked(shelves: Any) -> None:
    lines = {("Shelf", "*"): "masked", ("Shelf", "id"): "hidden"}
    rights = Rights((RoleRights({("Shelf", "read"): "all"}, lines),))
    with policy.acting_as(policy.Viewer(user_id("sales"), "somebody", rights)):
        rows = Records(definition()).page(5).rows
        assert {row["id"] for row in rows} == {shelf.id for shelf, _parcel in shelves.values()}
        assert {row["name"] for row in rows} == {"•••"}
