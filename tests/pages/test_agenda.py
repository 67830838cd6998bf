"""The first page: what is due to whoever looks, what needs them, and the figures of their role."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.engine import attention, policy, registry
from app.engine.adapters.database import now, write_transaction
from app.engine.audit import sealing
from app.engine.conditions import Condition
from app.engine.job import DONE, FAILED, WAITING, Job
from app.engine.query import Records, waiting
from app.engine.schedule import Schedule
from tests import factories
from tests.pages.support import counted, given, hrefs

TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


def day(offset: int) -> datetime.date:
    return TODAY + datetime.timedelta(days=offset)


def parcel(offset: int | None, **values: Any) -> Any:
    arrived = None if offset is None else day(offset)
    keeper = {"keeper": factories.user_id("admin"), **values}
    return given("Parcel", **{"arrived_on": arrived, "opened_at": None, **keeper})


def agenda(place: int, name: str = "admin") -> Any:
    definition = registry.current().entity("Parcel")
    viewer = factories.viewer(name)
    with policy.acting_as(viewer):
        found = waiting(definition, definition.model.agenda[place], viewer, 5)
    assert found is not None
    return found


def section(page: str, name: str) -> str:
    found = re.search(rf'<section class="section" id="due-{name}".*?</section>', page, re.DOTALL)
    return found.group(0) if found else ""


def test_what_is_late_and_what_is_due_soon_comes_first(client: Any) -> None:
    for offset in (20, -3, 0, 6, None):
        parcel(offset, name=f"包裹{offset}")
    parcel(-5, name="不急", fragile=False)
    parcel(-5, name="别人的", keeper=factories.user_id("sales"))
    found = agenda(0)
    assert found.counts == {"late": 1, "soon": 2, "later": 1, "undated": 1}
    assert [(entry.row["name"], entry.days) for entry in found.entries] == [
        ("包裹-3", -3), ("包裹0", 0), ("包裹6", 6), ("包裹20", 20),
    ]  # fmt: skip
    shown = section(client.get("/").text, "parcel-arrivals")
    assert "Parcels to unpack" in shown
    assert "3 days late" in shown
    assert "today" in shown
    assert "without a date: 1" in shown
    assert "别人的" not in shown


@pytest.mark.parametrize("kind", ["late", "soon", "undated"])
def test_each_count_leads_to_just_those_records(client: Any, kind: str) -> None:
    for offset in (-9, -1, 0, 3, 7, 8, None):
        parcel(offset)
    found = agenda(0)
    with policy.acting_as(factories.viewer("admin")):
        records = Records(found.definition).where(*found.conditions[kind])
        assert records.exact_count() == found.counts[kind] > 0
    address = "&".join(f"f={condition}" for condition in found.conditions[kind])
    assert any(address in href for href in hrefs(client.get("/").text))


def test_moments_count_from_as_many_days_later_as_the_agenda_says(client: Any) -> None:
    for days, name in ((31, "久了"), (29, "快了"), (2, "不久")):
        opened = now() - datetime.timedelta(days=days)
        parcel(None, name=name, colour="blue", fragile=False, opened_at=opened)
    found = agenda(1)
    assert found.counts == {"late": 1, "soon": 1, "later": 1, "undated": 0}
    assert [entry.row["name"] for entry in found.entries] == ["久了", "快了", "不久"]
    assert found.entries[0].days == -1


def test_what_is_due_to_nobody_here_has_no_section(client: Any) -> None:
    parcel(-1, keeper=factories.user_id("sales"))
    assert section(client.get("/").text, "parcel-arrivals") == ""


def test_hidden_fields_give_no_agenda(app: Any) -> None:
    definition = registry.current().entity("Parcel")
    role_id = factories.viewer("guest").role_ids[0]
    with write_transaction() as session:
        for entity in ("Parcel", "Shelf"):
            grant = policy.RoleGrant(role_id=role_id, entity=entity, action="read", scope="all")
            session.add(grant)
        access = policy.RoleFieldAccess(
            role_id=role_id, entity="Parcel", field="arrived_on", access="hidden"
        )
        session.add(access)
        registry.raise_version(session, registry.RIGHTS)
    policy.refresh_rights(registry.versions())
    viewer = factories.viewer("guest")
    with policy.acting_as(viewer):
        assert waiting(definition, definition.model.agenda[0], viewer, 5) is None
        assert waiting(definition, definition.model.agenda[1], viewer, 5) is not None


def test_the_page_asks_the_database_no_more_often_for_more_records(client: Any) -> None:
    def asked() -> int:
        with counted() as statements:
            assert client.get("/").status_code == 200
        return len(statements)

    for offset in range(-3, 3):
        parcel(offset, shelf=given("Shelf").id)
    asked()
    few = asked()
    for offset in range(-8, 8):
        parcel(offset, shelf=given("Shelf").id)
    assert asked() <= few
    assert few < 60


def test_quick_actions_are_those_that_one_may_take(browser: Callable[..., Any]) -> None:
    given("Customer", account_manager=factories.user_id("sales"))
    admin, sales, guest = (
        set(hrefs(browser(n).get("/").text)) for n in ("admin", "sales", "guest")
    )
    assert {"/customer/add", "/parcel/add", "/export/customer"} <= admin
    assert {"/customer/add", "/export/customer"} <= sales
    assert "/parcel/add" not in sales
    assert not {"/customer/add", "/export/customer"} & guest


def job(state: str, asked_by: str = "admin", **values: Any) -> None:
    number = str(now().timestamp())
    with write_transaction() as session:
        session.add(
            Job(
                id=number, kind="export", queue="default", state=state, language="zh",
                asked_by=factories.user_id(asked_by), asked_by_name=asked_by, arguments={},
                **{"created_at": now(), "finished_at": now(), **values},
            )
        )  # fmt: skip


def test_failed_jobs_need_their_asker_and_those_who_run_the_system(
    browser: Callable[..., Any],
) -> None:
    job(FAILED, "sales")
    job(DONE, "sales")
    job(FAILED, "sales", finished_at=now() - datetime.timedelta(days=40))
    sales, admin = browser("sales").get("/").text, browser("admin").get("/").text
    assert "1 of your jobs failed" in sales
    assert "State of the system" not in sales
    assert "of your jobs failed" not in admin
    assert "1 job failed within a day" in admin


def test_the_state_of_the_system_says_what_stands_still(client: Any) -> None:
    sealing.seal()  # what the database was prepared with may be minutes old by now
    assert "Nothing needs attention" in client.get("/").text
    job(WAITING, created_at=now() - datetime.timedelta(hours=1), finished_at=None)
    with write_transaction() as session:
        session.add(
            Schedule(
                system_name="x", name="x", kind="clean_up", answers={}, arguments={}, rule={},
                active=True, owner_name="x", language="zh", changed_at=now(), changed_by="x",
                next_due_at=now() - datetime.timedelta(hours=1),
            )
        )  # fmt: skip
    page = client.get("/").text
    assert "1 job waits for a worker for more than 10 minutes" in page
    assert "The scheduler does not run: 1 due" in page


def test_sources_ask_nothing_for_nobody(app: Any) -> None:
    assert attention.mine(policy.SYSTEM_VIEWER) == []
    assert attention.system(policy.NOBODY) is None


def test_charts_are_those_that_the_role_names(browser: Callable[..., Any]) -> None:
    role_id = factories.viewer("guest").role_ids[0]
    given("Customer", status="active")
    with write_transaction() as session:
        profile = session.get_one(policy.RoleProfile, role_id)
        profile.built_in = {
            **(profile.built_in or {}),
            "charts": ["Customer.province", "Customer.gone", "Nothing.x", "Customer.registered"],
        }
    page = browser("guest").get("/").text
    assert re.findall(r'data-chart-url="([^"]*)"', page) == [
        "/customer/chart/province.json",
        "/customer/chart/registered.json",
    ]


def test_conditions_of_an_agenda_are_filters(app: Any) -> None:
    """A declaration that names no field would show only when somebody opens the page."""
    for definition in registry.current().entities.values():
        for one in definition.model.agenda:
            conditions = [Condition.parse(text) for text in one.filters]
            names = {one.due, *(c.field for c in conditions)} | ({one.shows} - {""})
            assert names | ({one.owner} - {""}) <= definition.fields.keys()
            with policy.acting_as(factories.viewer("admin")):
                Records(definition).where(*conditions).ids(1)


def test_everybody_has_a_first_page(app: Any, browser: Callable[..., Any]) -> None:
    """As each of the shipped roles, on data that is lived in; with a bounded number of statements."""
    from seeds import demo, roles

    with policy.acting_as(policy.SYSTEM_VIEWER):
        demo.add(times=0.3)
    person = {role: name for name, _family, _given, role, *_rest in demo.people.PEOPLE}
    person[roles.ADMINISTRATOR] = "admin"
    assert {role["name"] for role in roles.ROLES} == person.keys()
    sections = {}
    for role, name in person.items():
        client = browser(name)
        with counted() as statements:
            page = client.get("/")
        assert page.status_code == 200
        assert len(statements) < 60, role
        sections[role] = set(re.findall(r'<section class="section" id="([^"]*)"', page.text))
        assert sections[role], role
    assert "due-task-mine" in sections[roles.SALES]
    assert "waiting" in sections[roles.ACCOUNT_MANAGER]
    assert "due-customer-quiet" in sections[roles.SALES] | sections[roles.ACCOUNT_MANAGER]
    assert "due-ticket-open" in sections[roles.SUPPORT]
    assert "due-personal_data_request-mine" in sections[roles.PRIVACY_OFFICER]
    assert sections[roles.SYSTEM_ADMINISTRATOR] == {"health"}
