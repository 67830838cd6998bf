"""What a preview says is what happens: random changes of roles against the policy before and after."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.engine import policy, registry, roles
from app.engine.adapters.appbuilder.roles import role_names
from app.engine.adapters.database import db
from app.engine.policy.rights import ACCESS, ACTIONS, SCOPES, Grant
from app.engine.roles import Proposal, RolePicture
from tests.factories import PEOPLE, make, user_id, viewer

CASES = 500 if os.environ.get("STEWARD_PROOF") == "full" else 25
ENTITIES = ("Shelf", "Parcel", "Customer", "Contact", "*")
FIELDS = (("Shelf", "colour"), ("Parcel", "code"), ("Contact", "phone"), ("*", "*personal"),
          ("Contact", "*personal"), ("Contact", "*"))  # fmt: skip

grants = st.builds(
    Grant, st.sampled_from(SCOPES), st.just(()) | st.just(()) | st.just(("name:ct:特",))
)
lines = st.dictionaries(
    st.tuples(st.sampled_from(ENTITIES[:-1]), st.sampled_from((*ACTIONS, "*"))), grants, max_size=8
)
general = st.dictionaries(
    st.tuples(st.just("*"), st.sampled_from(ACTIONS)), st.builds(Grant, st.sampled_from(SCOPES)),
    max_size=2,
)  # fmt: skip
accesses = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ACCESS), max_size=4)


@pytest.fixture
def world(app: Any) -> list[str]:
    dice = random.Random(5)
    people = [user_id(name) for name in PEOPLE]
    with policy.acting_as(viewer("admin")):
        for n in range(20):
            name = f"{'特' if n % 3 == 0 else '普'}货架 {n}"
            shelf = make("Shelf", name=name, keeper=dice.choice([*people, None]))
            make("Parcel", name=f"{'特' if n % 4 == 0 else '普'}包裹 {n}", shelf=shelf.id)
    return [name for name in PEOPLE if name != "admin"]


def reached(person: policy.Viewer) -> dict[str, set[int]]:
    """The shelves and parcels that the person sees, as queries find them."""
    found = {}
    with policy.acting_as(person):
        for name in ("Shelf", "Parcel"):
            model: Any = registry.current().entity(name).model
            found[name] = set(db.session.scalars(select(model.id)))
    return found


def rights_of(person: policy.Viewer) -> dict[tuple[str, str], Any]:
    """All that the policy answers about the person's rights."""
    known = registry.current().entities
    answers: dict[tuple[str, str], Any] = {}
    for name, definition in known.items():
        for action in ACTIONS:
            answers[name, f"do {action}"] = person.grants(name, action)
        for field in definition.fields.values():
            answers[name, field.name] = person.access(name, field)
    return answers


def as_said(preview: roles.Preview) -> dict[int, dict[tuple[str, str], Any]]:
    """Of each person, what the preview says comes after."""
    said: dict[int, dict[tuple[str, str], Any]] = {}
    for group in preview.groups:
        for one in group.people:
            answers = said[one.holder.user_id] = {}
            for change in group.difference.actions:
                answers[change.entity, f"do {change.action}"] = change.after
            for seen in group.difference.fields:
                answers[seen.entity, seen.field] = seen.after
    return said


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(given_lines=lines, general=general, fields=accesses, which=st.sampled_from(["Sales", "Guest"]),
       includes=st.booleans())  # fmt: skip
def test_the_preview_is_the_difference_of_what_the_policy_answers(
    world: list[str], given_lines: Any, general: Any, fields: Any, which: str, includes: bool
) -> None:
    names = {name: number for number, name in role_names(db.session()).items()}
    role_id = names[which]
    book = roles.load_book(db.session())
    present = book.roles[role_id]
    proposed = RolePicture(
        present.names, (names["Finance"],) if includes else (), {**given_lines, **general}, fields
    )
    before = {name: (rights_of(viewer(name)), reached(viewer(name))) for name in world}
    said = roles.preview(db.session(), book, book.having(role_id, proposed), role_id)
    with policy.acting_as(viewer("admin")):
        roles.save(Proposal(role_id, proposed, present.mark))
    policy.refresh_rights(registry.versions())
    changes = as_said(said)
    counted = {
        (one.holder.user_id, record.entity): (record.gained, record.lost)
        for group in said.groups
        for one in group.people
        for record in one.records
        if record.action == "read"
    }
    for name in world:
        person = viewer(name)
        old_rights, old_rows = before[name]
        new_rights, new_rows = rights_of(person), reached(person)
        differs = {key: now for key, now in new_rights.items() if now != old_rights[key]}
        told = {k: v for k, v in changes.get(user_id(name), {}).items() if k in new_rights}
        assert told == differs, name
        for entity in ("Shelf", "Parcel"):
            gained, lost = new_rows[entity] - old_rows[entity], old_rows[entity] - new_rows[entity]
            found = counted.get((user_id(name), entity), (0, 0))
            assert found == (len(gained), len(lost)), (name, entity)
