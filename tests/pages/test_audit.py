"""What the audit log tells of pages, the API, accounts and jobs."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select

from app.engine import audit, policy, registry
from app.engine.adapters import vault
from app.engine.adapters.database import db
from app.engine.audit.models import AuditEntry
from app.engine.audit.verify import verify
from app.engine.changes import change_set, undo
from app.engine.registry import current
from jobs import run_job
from tests import factories
from tests.pages.support import counted, given, hrefs


def told(kind: str) -> list[AuditEntry]:
    db.session.commit()
    return list(
        db.session.scalars(
            select(AuditEntry).where(AuditEntry.kind == kind).order_by(AuditEntry.id),
            execution_options={"populate_existing": True},
        )
    )


def details(entry: AuditEntry) -> dict:
    return json.loads(entry.details)


def a_contact(**values):
    customer = given("Customer")
    return given("Contact", customer=customer.id, phone="13812345678", **values)


def test_signing_in_and_out_and_failing_are_told(visitor) -> None:
    client = visitor()
    form = {"username": "sales", "password": "not this one"}
    client.post("/login/", data=form)
    client.post("/login/", data={"username": "nobody.here", "password": "hunter2hunter2"})
    client.post("/login/", data={"username": "My Pass-word!", "password": "x"})
    client.post("/login/", data={"username": "Nobody.Here", "password": "x"})
    known, unknown, odd, again = told("sign_in.failed")
    sales = factories.person("sales")
    assert (known.who, known.person_id, known.user_id) == ("sales", sales.id, None)
    assert unknown.person_id is None
    assert "nobody" not in unknown.who, "what is no user name may be a password"
    assert again.who == unknown.who != odd.who, "guessing at one name shows as that"
    assert known.address == "127.0.0.1"
    assert known.request_id
    client.post("/login/", data={"username": "sales", "password": factories.PASSWORD})
    (signed_in,) = told("sign_in")
    assert (signed_in.user_id, signed_in.who) == (sales.id, "sales")
    from tests.pages.conftest import take_token

    take_token(client)
    client.post("/logout/")
    (signed_out,) = told("sign_out")
    assert signed_out.user_id == sales.id


def test_no_password_comes_into_the_log(visitor, client) -> None:
    visitor().post("/login/", data={"username": "sales", "password": "hunter2-hunter2"})
    values = {"username": "neu", "first_name": "Neu", "email": "neu@example.org", "roles": "2"}
    client.post("/users/add", data={**values, "password": "Geheim-und-lang-9", "active": "y"})
    everything = db.session.scalars(select(AuditEntry)).all()
    written = " ".join(f"{entry.who} {entry.details}" for entry in everything)
    assert "hunter2" not in written
    assert "Geheim" not in written
    assert "scrypt" not in written
    assert {entry.kind for entry in everything} >= {"sign_in.failed", "account.created"}


def test_a_list_with_personal_data_is_one_entry_and_one_statement(client) -> None:
    contacts = [a_contact() for _number in range(3)]
    client.get("/contact/")
    with counted() as statements:
        assert client.get("/contact/").status_code == 200
    inserts = [one for one in statements if one.startswith("INSERT")]
    assert len(inserts) == 1
    entry = told("view")[-1]
    assert (entry.entity, entry.record_id, entry.door) == ("Contact", None, "page")
    assert set(details(entry)["ids"]) == {contact.id for contact in contacts}
    assert "phone" in details(entry)["fields"]
    assert "13812345678" not in entry.details


def test_a_record_page_and_the_api_are_told(client, browser) -> None:
    contact = a_contact()
    client.get(f"/contact/{contact.id}")
    assert [(e.entity, e.record_id) for e in told("view")] == [("Contact", contact.id)]
    client.get(f"/api/v1/contact/{contact.id}")
    assert told("view")[-1].door == "api"
    number = len(told("view"))
    browser("guest").get(f"/contact/{contact.id}")
    masked = [f for entry in told("view")[number:] for f in details(entry)["fields"]]
    assert "phone" not in masked, "what is masked was not seen"


def test_a_denied_page_is_told_once_though_it_is_rolled_back(browser) -> None:
    browser("sales").get("/users/list/")
    (entry,) = told("denied")
    assert details(entry) == {"method": "GET", "path": "/users/list/"}
    assert entry.user_id == factories.person("sales").id


def test_accounts_tell_which_fields_and_which_roles(client) -> None:
    guest = factories.person("guest")
    form = {
        "username": "guest", "first_name": "芳", "last_name": "李", "active": "y",
        "email": "new-address@example.org", "roles": [str(guest.roles[0].id), "1"],
    }  # fmt: skip
    assert client.post(f"/users/edit/{guest.id}", data=form).status_code == 302
    (roles,) = told("account.roles")
    assert roles.person_id == guest.id
    assert details(roles)["roles"]["before"] == ["Guest"]
    assert "Admin" in details(roles)["roles"]["after"]
    (changed,) = told("account.changed")
    assert details(changed)["fields"] == ["email"]
    assert "new-address" not in changed.details


def test_shaping_and_purging_are_told_and_ordinary_saves_are_not(app, as_admin) -> None:
    number = len(told("fields.changed"))
    given("Customer")
    assert len(told("fields.changed")) == number
    with change_set("form") as changes:
        changes.create(
            current().entity("ChoiceOption"),
            {"list_name": "industry", "value": "x1", "label_zh": "甲", "label_en": "A"},
        )
    entry = told("fields.changed")[-1]
    assert details(entry)["change_set"] == changes.id
    customer = given("Customer")
    definition = current().entity("Customer")
    with change_set("form") as changes:
        changes.trash(definition, customer.id)
    with change_set("form") as changes:
        changes.purge(definition, customer.id)
    (purged,) = told("purge")
    assert (purged.entity, purged.record_id) == ("Customer", customer.id)


# -- the page -----------------------------------------------------------------------------------------


def test_who_may_read_the_log(app, browser) -> None:
    for name, status in (("admin", 200), ("auditor", 200), ("system", 403), ("sales", 403)):
        if name in ("auditor", "system"):
            _person(app, name, {"auditor": "Auditor", "system": "SystemAdmin"}[name])
        client = browser(name)
        assert client.get("/audit/").status_code == status, name
        assert client.post("/audit/export", data={"format": "csv"}).status_code in (303, 403)
        assert ("/audit/" in client.get("/").text) == (status == 200)


def _person(app, name: str, role: str) -> None:
    manager = app.appbuilder.sm
    manager.add_user(
        name, name, "", f"{name}@example.org", manager.find_role(role), factories.PASSWORD
    )


def test_the_log_is_found_by_person_kind_record_time_and_words(client, browser) -> None:
    contact, other = a_contact(), a_contact()
    browser("sales2").get("/users/list/")
    client.get(f"/contact/{contact.id}")
    client.get("/contact/")
    sales2 = factories.person("sales2").id
    page = client.get(f"/audit/?person={sales2}").text
    assert "Address: /users/list/" in page
    assert f"Contact #{contact.id}" not in page
    assert "Address: /users/list/" not in client.get("/audit/?kind=view").text
    assert "Address: /users/list/" in client.get("/audit/?kind=access").text
    assert "Address: /users/list/" in client.get("/audit/?text=users%2Flist").text
    by_record = client.get(f"/audit/?entity=Contact&record={other.id}").text
    assert f"Contact #{contact.id}" not in by_record
    assert by_record.count("data-href") == 1, "the list on which it was"
    assert client.get("/audit/?until=2020-01-01").text.count("data-href") == 0
    assert client.get("/audit/?since=2020-01-01&kind=denied").text.count("data-href") == 1
    for wrong in ("person=x", "kind=x", "record=1", "since=x", "entity=Contact&record=0"):
        assert client.get(f"/audit/?{wrong}").status_code == 422, wrong


def test_pages_follow_one_another_by_keyset(app, client) -> None:
    for place in range(120):
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            audit.record("settings.changed", details={"name": f"n{place:03}"})
    first = client.get("/audit/?kind=settings.changed").text
    older = next(h for h in hrefs(first) if "before=" in h)
    second = client.get(older).text
    third = client.get(next(h for h in hrefs(second) if "before=" in h)).text
    found = [n for page in (first, second, third) for n in re.findall(r"File: (n\d{3})", page)]
    assert found == [f"n{place:03}" for place in reversed(range(120))]
    assert not any("before=" in h for h in hrefs(third))
    back = client.get(next(h for h in hrefs(third) if "after=" in h)).text
    assert re.findall(r"File: (n\d{3})", back) == re.findall(r"File: (n\d{3})", second)


def test_an_entry_has_its_own_page_and_the_log_no_unbounded_cost(client) -> None:
    contact = a_contact()
    client.get(f"/contact/{contact.id}")
    audit.seal()
    entry = told("view")[-1]
    page = client.get(f"/audit/{entry.id}").text
    assert entry.hash in page
    assert f'href="/contact/{contact.id}"' in page
    assert client.get("/audit/999999999").status_code == 404
    client.get("/audit/")
    with counted() as statements:
        client.get("/audit/")
    assert len(statements) <= 8


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_log_is_exported_by_a_job_and_that_is_recorded(client, format: str) -> None:
    client.get(f"/contact/{a_contact().id}")
    answer = client.post("/audit/export", data={"format": format, "kind": "view"})
    job_id = answer.headers["Location"].rpartition("/")[2]
    run_job(job_id)
    content = client.get(f"/jobs/{job_id}/download").data.decode("utf-8-sig")
    assert content.count("\n") == (2 if format == "csv" else 1)
    if format == "jsonl":
        assert verify([json.loads(line) for line in content.splitlines()], part=True).sound
    (exported,) = told("audit.exported")
    assert details(exported)["entries"] == 1
    assert told("download")[-1].user_id == factories.person("admin").id


# -- unmasking ----------------------------------------------------------------------------------------


@pytest.fixture
def finance(app, browser):
    _person(app, "finance", "Finance")
    return browser("finance")


def test_a_masked_value_is_shown_once_for_a_reason_that_is_kept(finance) -> None:
    contact = a_contact()
    page = finance.get(f"/contact/{contact.id}").text
    assert "13812345678" not in page
    address = f"/contact/{contact.id}/unmask/phone"
    assert address in hrefs(page)
    assert "13812345678" not in finance.get(address).text
    short = finance.post(address, data={"reason": "  x "})
    assert short.status_code == 422
    assert "at least 5" in short.text
    assert not told("unmask")
    shown = finance.post(address, data={"reason": "催收逾期货款 invoice 7"})
    assert "138" in shown.text.replace(" ", "")
    assert "13812345678" in shown.text.replace(" ", "").replace("+86", "")
    assert "no-store" in shown.headers["Cache-Control"]
    (entry,) = told("unmask")
    assert (entry.entity, entry.record_id) == ("Contact", contact.id)
    assert details(entry) == {"field": "phone", "reason": "催收逾期货款 invoice 7"}
    assert "13812345678" not in finance.get(f"/contact/{contact.id}").text


def test_unmasking_by_the_api(finance) -> None:
    contact = a_contact()
    address = f"/api/v1/contact/{contact.id}/unmask"
    answer = finance.post(address, json={"field": "phone", "reason": "invoice 7 is overdue"})
    assert answer.status_code == 200
    assert answer.json["field"] == "phone"
    assert answer.json["value"].endswith("13812345678")
    assert "no-store" in answer.headers["Cache-Control"]
    assert told("unmask")[-1].door == "api"
    for body, status in (
        ({"field": "phone", "reason": "x"}, 422),
        ({"field": "phone"}, 422),
        ({"field": "birthday", "reason": "is hidden here"}, 404),
        ({"field": "name", "reason": "is not masked"}, 404),
        ({"field": "none", "reason": "is not there"}, 404),
    ):
        assert finance.post(address, json=body).status_code == status, body
    gone = finance.post("/api/v1/contact/99999/unmask", json={"field": "phone", "reason": "nobody"})
    assert gone.status_code == 404
    assert len(told("unmask")) == 1


def test_nobody_else_unmasks(browser) -> None:
    contact = a_contact()
    guest = browser("guest")
    assert "/unmask/" not in guest.get(f"/contact/{contact.id}").text
    address = f"/contact/{contact.id}/unmask/phone"
    assert guest.post(address, data={"reason": "out of interest"}).status_code == 403
    assert told("denied")[-1].user_id == factories.person("guest").id
    assert not told("unmask")


def test_an_encrypted_value_is_shown_as_it_was_written(app, finance) -> None:
    vault.use(["a key for tests only, and long enough for that"])
    try:
        app.extensions.pop("steward.registry", None)
        registry.refresh()
        contact = a_contact()
        body = {"field": "phone", "reason": "invoice 7 is overdue"}
        answer = finance.post(f"/api/v1/contact/{contact.id}/unmask", json=body)
        assert answer.json["value"].endswith("13812345678")
    finally:
        vault.use([])


# -- what was refused --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _afresh(app) -> None:
    app.extensions.pop("steward.refusals", None)


def test_a_forged_request_is_told_once_a_minute(client, app) -> None:
    for _try in range(3):
        bad = {"X-CSRFToken": "not ours"}
        answer = client.post("/customer/add", data={"csrf_token": "not ours"}, headers=bad)
        assert answer.status_code == 400
    (entry,) = told("refused.forged")
    assert entry.user_id == factories.user_id("admin")
    assert details(entry)["page"] == "FormPages.add"
    throttle = app.extensions["steward.refusals"]
    throttle.clock = lambda: throttle._began + 61
    client.post("/customer/add", data={"csrf_token": "x"}, headers={"X-CSRFToken": "x"})
    assert details(told("refused.forged")[-1])["left_out"] == 2


def test_too_many_attempts_are_told(visitor) -> None:
    for _try in range(12):
        answer = visitor().post("/login/", data={"username": "sales", "password": "wrong one"})
    assert answer.status_code == 429
    (entry,) = told("refused.too_many")
    assert details(entry)["page"] == "LoginView.login"
    assert entry.address == "127.0.0.1"


def test_nobody_fills_the_log_from_many_addresses() -> None:
    throttle = audit.Throttle()
    told_of = [throttle.due("refused.forged", f"10.0.{n // 250}.{n % 250}") for n in range(5_000)]
    assert sum(due is not None for due in told_of) == audit.MOST
    assert throttle.due("refused.too_many", "10.0.0.1") == 0, "one kind keeps no other out"


def test_a_circle_of_departments_is_told_and_does_not_come_by_undoing(client) -> None:
    top, below = given("Department").id, given("Department").id
    definition = current().entity("Department")

    def move(which, above) -> int:
        with policy.acting_as(factories.viewer("admin")), change_set("form") as changes:
            changes.update(definition, which, {"parent": above})
        return changes.id

    move(top, below)
    apart = move(top, None)
    move(below, top)
    page = client.get(f"/department/{top}/edit").text
    form = dict(re.findall(r'name="(version)" value="([^"]*)"', page))
    answer = client.post(f"/department/{top}/edit", data={**form, "parent": str(below)})
    assert answer.status_code == 422
    (entry,) = told("organisation.refused")
    assert details(entry)["department"] == top
    with policy.acting_as(factories.viewer("admin")):
        report = undo(apart)
    assert (report.reversed, report.blocked) == (0, 1)
