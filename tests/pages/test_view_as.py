"""View as: the pages as another person sees them, to read only, recorded, never of who may do more."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import audit, policy
from app.engine.adapters.database import READ_ONLY, db, write_transaction
from app.engine.changes import ChangeSet
from app.engine.errors import NotAllowed
from app.engine.job.models import Job
from app.engine.policy import looking
from tests.factories import user_id, viewer
from tests.pages.support import given


@pytest.fixture
def customers(app: Any) -> tuple[Any, Any]:
    mine = given(
        "Customer", name="张伟的客户", phone="13800138000", account_manager=user_id("sales")
    )
    other = given("Customer", name="别人的客户", account_manager=user_id("sales2"))
    return mine, other


def as_person(browser: Any, name: str, reader: str = "admin") -> Any:
    client = browser(reader)
    assert client.post(f"/view-as/{user_id(name)}").status_code == 303
    return client


def entries(kind: str) -> list[Any]:
    entry = audit.AuditEntry
    return list(db.session.scalars(select(entry).where(entry.kind == kind).order_by(entry.id)))


def test_pages_are_what_the_other_person_sees(browser: Any, customers: Any) -> None:
    _mine, other = customers
    client = as_person(browser, "sales")
    page = client.get("/customer/").text
    assert "张伟的客户" in page
    assert "别人的客户" not in page
    assert "You see what 张伟 sees." in page
    assert client.get(f"/customer/{other.id}").status_code == 404
    assert client.get("/roles/list/").status_code == 403
    assert client.get(f"/api/v1/customer/{other.id}").status_code == 404


def test_one_is_oneself_again_at_the_end(browser: Any, customers: Any) -> None:
    client = as_person(browser, "sales")
    assert client.post("/view-as/end").status_code == 303
    page = client.get("/customer/").text
    assert "别人的客户" in page
    assert "You see what" not in page


def test_nothing_is_written_by_any_door(browser: Any, customers: Any) -> None:
    mine, _other = customers
    client = as_person(browser, "sales")
    sets = db.session.scalar(select(func.count()).select_from(ChangeSet))
    for address in (
        f"/customer/{mine.id}/edit", f"/customer/{mine.id}/delete", "/customer/add", "/customer/bulk",
        "/export/customer", "/users/userinfo/", "/resetmypassword/form", "/notifications/read",
        "/roles/save", f"/view-as/{user_id('guest')}",
    ):  # fmt: skip
        assert client.post(address, data={"name": "别的名字"}).status_code == 403, address
    for method in ("put", "delete"):
        answer = getattr(client, method)(f"/api/v1/customer/{mine.id}", json={"name": "别的"})
        assert answer.status_code == 403, method
    assert client.post("/api/v1/customer/", json={"name": "新客户"}).status_code == 403
    assert db.session.scalar(select(func.count()).select_from(ChangeSet)) == sets
    assert not db.session.scalar(select(func.count()).select_from(Job))


def test_a_session_that_is_held_to_reading_takes_no_writing_transaction(app: Any) -> None:
    db.session().info[READ_ONLY] = looking.ONLY_LOOKING
    try:
        with pytest.raises(NotAllowed), write_transaction():
            pass
    finally:
        del db.session().info[READ_ONLY]


def test_it_is_recorded_as_the_administrators_from_start_to_end(browser: Any) -> None:
    client = as_person(browser, "sales")
    client.get("/roles/list/")
    client.post("/view-as/end")
    admin = user_id("admin")
    begun, ended = entries("view_as")
    assert (begun.user_id, begun.person_id) == (admin, user_id("sales"))
    assert (ended.user_id, ended.person_id) == (admin, user_id("sales"))
    assert '"begin"' in begun.details
    assert '"end"' in ended.details
    (denied,) = entries("denied")
    assert denied.user_id == admin, "whatever they come upon is theirs"
    assert f'"acting_as": {user_id("sales")}' in denied.details


def test_signing_out_ends_it_and_says_so(browser: Any) -> None:
    client = as_person(browser, "sales")
    assert client.get("/logout/").status_code == 200
    assert client.post("/logout/").status_code == 302
    assert "signed out" in entries("view_as")[-1].details
    assert client.get("/customer/").location.startswith("/login/")


def test_never_as_somebody_who_may_do_more(browser: Any, app: Any) -> None:
    manager: Any = app.appbuilder.sm
    for name, role in (("auditor", "Auditor"), ("keeper", "SystemAdmin")):
        manager.add_user(name, name, "", f"{name}@example.org", manager.find_role(role), "x" * 12)
    auditor = browser("auditor")
    assert auditor.post(f"/view-as/{user_id('admin')}").status_code == 403
    assert auditor.post(f"/view-as/{user_id('sales')}").status_code == 403, "who writes, it may not"
    assert auditor.post(f"/view-as/{user_id('guest')}").status_code == 303
    keeper = browser("keeper")
    assert keeper.post(f"/view-as/{user_id('guest')}").status_code == 403, "without the right"
    admin = browser("admin")
    assert admin.post(f"/view-as/{user_id('admin')}").status_code == 403, "oneself"
    assert admin.post("/view-as/999999").status_code == 403
    assert browser("sales").post(f"/view-as/{user_id('guest')}").status_code == 403


def test_it_ends_when_the_right_goes_and_after_an_hour(browser: Any, monkeypatch: Any) -> None:
    client = as_person(browser, "guest")
    later = datetime.datetime.now(datetime.UTC) + looking.LONGEST + datetime.timedelta(minutes=1)
    monkeypatch.setattr(looking, "now", lambda: later)
    assert "You see what" not in client.get("/customer/").text
    monkeypatch.undo()
    assert "too long" in entries("view_as")[-1].details
    assert "You see what" not in client.get("/customer/").text


def test_a_session_taken_over_by_another_account_is_its_own(browser: Any) -> None:
    client = as_person(browser, "guest")
    with client.session_transaction() as session:
        kept = dict(session["viewing_as"])
    other = browser("sales")
    with other.session_transaction() as session:
        session["viewing_as"] = kept
    assert "You see what" not in other.get("/customer/").text


def test_whoever_is_looked_at_keeps_their_own_rights_apart(app: Any) -> None:
    """Rights reach beyond others wherever they do something with records that the others may not."""
    admin, guest, sales = (viewer(name).rights for name in ("admin", "guest", "sales"))
    assert not policy.reaches_beyond(guest, admin)
    assert not policy.reaches_beyond(admin, admin)
    assert policy.reaches_beyond(sales, guest)
    assert policy.reaches_beyond(sales, sales), "own records are somebody else's"
    assert policy.NOBODY.behind is None
