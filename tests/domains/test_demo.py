"""Demonstration data: living in every corner, and gone again without a trace on what is real."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters import setup_state
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.areas import SETTINGS
from app.engine.changes import change_set
from app.engine.changes.demonstration import present, take_away
from app.engine.fields import Choice
from app.engine.registry import EntityDefinition
from seeds import demo as demonstration
from tests import factories

WITHOUT = {
    "Consent": "who agreed to what is written down by people, with evidence",
    "PlanRule": "rules that every installation starts with",
    "EvaluationRule": "rules that every installation starts with",
    "PoolMove": "tells of what people did with the pool",
}
"""Entities of which there are no demonstration data, and why."""

OF_JOBS = {"EvaluationRun.state", "ArchivePackage.state", "ArchivePackage.document_state"}
"""How far a job has come, or what it goes by: what is put in has been worked out, or waits."""

LITTLE = 0.1


def areas() -> Iterator[EntityDefinition]:
    """The entities of business that people fill."""
    for definition in registry.current().entities.values():
        if definition.area not in (SETTINGS.key, "toys") and definition.name not in WITHOUT:
            yield definition


@pytest.fixture
def demo(app: Flask) -> Flask:
    """Much less than usual, for what does not depend on how much there is."""
    with policy.acting_as(policy.SYSTEM_VIEWER):
        demonstration.add(times=LITTLE)
    db.session.rollback()
    return app


@pytest.fixture
def whole_demo(app: Flask) -> Flask:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        demonstration.add()
    db.session.rollback()
    return app


def rows_of(definition: EntityDefinition) -> list[Any]:
    with policy.unrestricted("the test compares everything") as session:
        model: Any = definition.model
        table = model.__table__
        return [tuple(row) for row in session.execute(select(table).order_by(table.c.id))]


def picture(without: dict[str, set[int]] | None = None) -> dict[str, str]:
    """A hash of every row of every entity, those that are named left out."""
    return {
        definition.name: hashlib.sha256(
            repr(
                [row for row in rows_of(definition) if row[0] not in (without or {}).get(name, ())]
            ).encode()
        ).hexdigest()
        for name, definition in registry.current().entities.items()
    }


def take() -> Any:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        report = demonstration.remove()
    db.session.rollback()
    return report


@pytest.mark.servers
def test_every_state_and_stage_of_every_area_is_occupied(whole_demo: Flask) -> None:
    empty = []
    for definition in areas():
        rows = rows_of(definition)
        if not rows:
            empty.append(definition.name)
        columns = [column.name for column in definition.model.__table__.columns]
        for name, field in definition.fields.items():
            if f"{definition.name}.{name}" in OF_JOBS:
                continue
            if isinstance(field, Choice) and not field.open and not field.custom:
                used = {row[columns.index(field.column_name)] for row in rows}
                missing = set(field.options.values()) - used
                empty += [f"{definition.name}.{name}: {value}" for value in sorted(missing)]
    assert empty == []


def test_every_demo_person_finds_something_to_do(whole_demo: Flask, as_admin: Any) -> None:
    task: Any = registry.current().entity("Task").model
    owners = set(db.session.scalars(select(task.owner_id).where(task.state == "open")))
    for name in ("demo.wangmin", "demo.liqiang", "demo.zhanglin", "demo.chenjing", "demo.liuyang"):
        assert factories.user_id(name) in owners


def test_dates_are_counted_from_the_day(app: Flask) -> None:
    from seeds.demo import customers

    early, late = datetime.date(2025, 1, 10), datetime.date(2026, 1, 10)
    before, after = (customers.customers([1], day) for day in (early, late))
    for one, other in zip(before, after, strict=True):
        if one["customer_since"]:
            assert other["customer_since"] - one["customer_since"] == late - early


@pytest.mark.servers
def test_it_goes_without_a_trace_on_what_is_real(app: Flask, as_admin: Any) -> None:
    own = factories.make("Customer", True, name="真实客户")
    factories.make("Contact", customer=own.id)
    factories.make("Parcel")
    before = picture()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        demonstration.add(times=LITTLE)
    assert picture() != before
    report = take()
    assert report.kept == 0
    assert report.removed["Customer"] == 20
    assert picture() == before
    assert present() == {}
    assert not search_finds("云岭")
    for person in db.session.scalars(
        select(StewardUser).where(StewardUser.username.like("demo.%"))
    ):
        assert person.active is False


def search_finds(text: str) -> bool:
    from app.engine.query import Records

    return any(
        Records(definition).search(text).ids(1)
        for definition in areas()
        if definition.search_index is not None
    )


def test_what_people_edited_or_built_upon_stays_and_is_named(demo: Flask, as_admin: Any) -> None:
    definition = registry.current().entity("Customer")
    edited, built_upon, shared = customers(3)
    with change_set("form") as changes:
        changes.update(definition, edited, {"notes": "我们改过"})
    contact = factories.make("Contact", customer=built_upon, name="真的联系人")
    share = factories.make("RecordShare", entity="Customer", record=shared)
    touched = contact_of(customers(4)[-1])
    with change_set("form") as changes:
        changes.update(registry.current().entity("Contact"), touched, {"job_title": "新职务"})
    real = {"Contact": {contact.id}, "RecordShare": {share.id}}
    before = {
        name: [r for r in rows_of(registry.current().entity(name)) if r[0] in ids]
        for name, ids in real.items()
    }
    report = take()
    kept = {(one["entity"], one["record_id"]): one["why"] for one in report.left}
    assert kept[("Customer", edited)] == "有人编辑过。"
    assert "真的联系人" in kept[("Customer", built_upon)]
    assert "与它关联" in kept[("Customer", shared)]
    assert kept[("Contact", touched)] == "有人编辑过。"
    assert "与它关联" in kept[("Customer", customer_of(touched))]
    assert report.kept == len(kept)
    assert all(one["title"] for one in report.left)
    after = {
        name: [r for r in rows_of(registry.current().entity(name)) if r[0] in ids]
        for name, ids in real.items()
    }
    assert after == before
    assert present() == {"Customer": 4, "Contact": 1} | left_over()


def left_over() -> dict[str, int]:
    """What a kept customer or contact leads to beside: nothing."""
    return {}


def customers(count: int) -> list[int]:
    model: Any = registry.current().entity("Customer").model
    return list(db.session.scalars(select(model.id).order_by(model.id).limit(count)))


def contact_of(customer_id: int) -> int:
    model: Any = registry.current().entity("Contact").model
    found = db.session.scalar(select(model.id).where(model.customer_id == customer_id).limit(1))
    assert found is not None
    return int(found)


def customer_of(contact_id: int) -> int:
    model: Any = registry.current().entity("Contact").model
    found = db.session.scalar(select(model.customer_id).where(model.id == contact_id))
    assert found is not None
    return int(found)


def test_what_jobs_made_of_it_goes_along(demo: Flask, as_admin: Any) -> None:
    customer = customers(1)[0]
    with change_set("job") as changes:
        task = changes.create(
            registry.current().entity("Task"), {"subject": "计划产生的待办", "customer": customer}
        )
        changes.update(registry.current().entity("Customer"), customer, {"tags": ["算出"]})
    made = task.id
    report = take()
    assert report.kept == 0
    model: Any = registry.current().entity("Task").model
    assert db.session.scalar(select(model.id).where(model.id == made)) is None


def test_adding_again_adds_nothing_and_after_removal_brings_it_back(demo: Flask) -> None:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        before = present()
        assert demonstration.add(times=LITTLE) == before
        assert present() == before
        demonstration.remove()
        assert setup_state.noted(demonstration.NOTED) == demonstration.TAKEN_AWAY
        assert present() == {}
        again = demonstration.add(times=LITTLE)
    assert again == before


def test_customers_that_stayed_are_not_put_in_twice(demo: Flask, as_admin: Any) -> None:
    definition = registry.current().entity("Customer")
    edited = customers(1)[0]
    with change_set("form") as changes:
        changes.update(definition, edited, {"notes": "我们改过"})
    take()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        demonstration.add(times=LITTLE)
    model: Any = definition.model
    codes = list(db.session.scalars(select(model.external_code).where(model.external_code != "")))
    assert len(codes) == len(set(codes))


def test_nothing_to_take_away_is_no_fault(app: Flask, as_admin: Any) -> None:
    before = picture()
    assert take_away().as_json() == {"removed": {}, "kept": 0, "left": []}
    assert picture() == before
