"""The pages of what is held on a person: seen, reported, corrected, erased, with requests and consent."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlalchemy import select

import jobs
from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.audit import AuditEntry
from app.engine.changes import ChangeSet, change_set
from app.engine.errors import InvalidInput
from app.engine.job import DONE, Job
from app.engine.privacy import LegalHold, due_day
from tests.factories import make, viewer
from tests.pages.support import given, hrefs


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)


@pytest.fixture
def contact(app: Any) -> Any:
    return given("Contact", name="查询先生", phone="13822223333", wechat="cx_wx_1")


def run(answer: Any) -> Job:
    assert answer.status_code == 303, answer.text
    job_id = answer.headers["Location"].rsplit("/", 1)[1]
    jobs.run_job(job_id)
    job = db.session.get_one(Job, job_id, populate_existing=True)
    assert job.state == DONE, job.message
    return job


def test_the_page_shows_all_that_is_held_and_notes_who_looked(browser: Any, contact: Any) -> None:
    given("Consent", contact=contact.id, source="展会登记")
    given("Customer", name="同号公司", phone="13822223333")
    address = f"/contact/{contact.id}/personal"
    assert f'href="{address}"' in browser("admin").get(f"/contact/{contact.id}").text
    page = browser("admin").get(address).text
    for word in ("查询先生", "13822223333", "cx_wx_1", "展会登记", "同号公司"):
        assert word in page, word
    seen = db.session.scalars(select(AuditEntry).where(AuditEntry.kind == "personal.seen")).all()
    assert [(one.entity, one.record_id) for one in seen] == [("Contact", contact.id)]


@pytest.mark.parametrize("name", ["sales", "guest"])
def test_only_those_with_the_right(browser: Any, contact: Any, name: str) -> None:
    there = browser(name)
    for address in ("personal", "personal/erase"):
        assert there.get(f"/contact/{contact.id}/{address}").status_code in (403, 404)
    assert there.post(f"/contact/{contact.id}/personal/report").status_code in (403, 404)
    assert there.get("/personal/erasures").status_code == 403
    assert "/personal" not in there.get("/contact/").text


def test_a_customer_who_is_a_person_may_ask_too(browser: Any, app: Any) -> None:
    """Their record is emptied, and so are the contacts that belong to it."""
    person = given("Customer", name="自然人客户", customer_type="person", phone="13844445555").id
    given("Contact", customer=person, name="自然人客户", phone="13844445555")
    address = f"/customer/{person}/personal"
    assert f'href="{address}"' in browser("admin").get(f"/customer/{person}").text
    job = run(browser("admin").post(f"{address}/erase", data={"sure": "yes"}))
    proof = browser("admin").get(str((job.result or {})["page"])).text
    assert "Customer #" in proof
    assert "Contact #" in proof
    for entity in ("customer", "contact"):
        trash = browser("admin").get(f"/{entity}/trash").text
        assert "自然人客户" not in trash
        assert "Erased" in trash


def test_what_is_about_no_person_has_no_such_page(browser: Any, app: Any) -> None:
    customer = given("Customer", customer_type="enterprise")
    address = f"/customer/{customer.id}"
    assert f"{address}/personal" not in browser("admin").get(address).text
    assert browser("admin").get(f"/customer/{customer.id}/personal").status_code == 404


def test_the_report_is_downloaded_by_its_asker_alone(browser: Any, contact: Any) -> None:
    asked = browser("admin").post(f"/contact/{contact.id}/personal/report", data={"format": "json"})
    job = run(asked)
    file = browser("admin").get(f"/jobs/{job.id}/download")
    assert "cx_wx_1" in file.text
    assert browser("sales").get(f"/jobs/{job.id}/download").status_code in (403, 404)
    wrong = browser("admin").post(f"/contact/{contact.id}/personal/report", data={"format": "exe"})
    assert wrong.status_code == 422


def test_erasing_asks_twice_and_leads_to_its_proof(browser: Any, contact: Any) -> None:
    contact_id = contact.id
    address = f"/contact/{contact_id}/personal/erase"
    assert "查询先生" in browser("admin").get(address).text
    assert browser("admin").post(address).status_code == 422
    about = {"kind": "erasure", "asked_by": "查询先生", "entity": "Contact", "record": contact.id}
    with policy.acting_as(viewer("admin")):
        request = make("PersonalDataRequest", **about).id
    job = run(browser("admin").post(address, data={"sure": "yes", "request": request}))
    assert browser("admin").get(f"/jobs/{job.id}").status_code == 200
    proof = str((job.result or {})["page"])
    for page in (proof, f"{proof}.json", "/personal/erasures"):
        answer = browser("admin").get(page)
        assert answer.status_code == 200
        assert "13822223333" not in answer.text
    assert browser("admin").get(f"/contact/{contact_id}").status_code == 404
    shown = browser("admin").get(f"/personal_data_request/{request}").text
    assert "查询先生" not in shown
    assert "Done" in shown


def test_a_correction_says_that_the_person_asked_for_it(browser: Any, contact: Any) -> None:
    address = f"/contact/{contact.id}/edit?asked=7"
    page = browser("admin").get(address).text
    assert 'name="asked" value="7"' in page
    form = {"version": "1", "asked": "7", "phone": "13822224444", "name": "查询先生"}
    assert browser("admin").post(f"/contact/{contact.id}/edit", data=form).status_code == 303
    reason = db.session.scalar(select(ChangeSet.reason).order_by(ChangeSet.id.desc()).limit(1))
    assert reason == "Corrected as the person asked, request 7"


# -- requests and consent ----------------------------------------------------------------------


def test_a_request_is_due_on_the_fifteenth_working_day() -> None:
    assert due_day(datetime.date(2026, 9, 28)) == datetime.date(2026, 10, 23)
    assert due_day(datetime.date(2026, 3, 5)) == datetime.date(2026, 3, 26)


def test_the_day_follows_the_day_of_receipt_unless_somebody_set_another(as_admin: Any) -> None:
    request = make("PersonalDataRequest", received_on=datetime.date(2026, 3, 5))
    definition = registry.current().entity("PersonalDataRequest")
    assert request.due_on == datetime.date(2026, 3, 26)
    with change_set("form") as changes:
        changes.update(definition, request.id, {"received_on": datetime.date(2026, 3, 6)})
    assert request.due_on == datetime.date(2026, 3, 27)
    with change_set("form") as changes:
        changes.update(definition, request.id, {"due_on": datetime.date(2026, 4, 30)})
        changes.update(definition, request.id, {"received_on": datetime.date(2026, 3, 9)})
    assert request.due_on == datetime.date(2026, 4, 30)
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.update(definition, request.id, {"state": "refused"})


def test_a_later_consent_takes_the_place_of_the_one_before(browser: Any, contact: Any) -> None:
    moment = datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC)
    first = given("Consent", contact=contact.id, given_at=moment).id
    other = given("Consent", contact=contact.id, purpose="survey").id
    model: Any = registry.current().entity("Consent").model
    definition = registry.current().entity("Consent")
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.update(definition, first, {"withdrawn_at": moment + datetime.timedelta(days=1)})
    with policy.acting_as(viewer("admin")):
        assert db.session.get_one(model, first, populate_existing=True).state == "withdrawn"
    again = given("Consent", contact=contact.id, given_at=moment + datetime.timedelta(days=2)).id
    with policy.acting_as(viewer("admin")):
        found = {
            one: db.session.get_one(model, one, populate_existing=True).state
            for one in (first, other, again)
        }
    assert found == {first: "replaced", other: "given", again: "given"}
    page = browser("admin").get(f"/contact/{contact.id}").text
    assert "Replaced by a later one" in page
    with pytest.raises(InvalidInput):
        given("Consent", contact=contact.id, withdrawn_at=moment - datetime.timedelta(days=9))


def test_kinds_of_records_are_read_and_typed_by_what_they_are_called(
    browser: Any, contact: Any
) -> None:
    chinese = {"Accept-Language": "zh"}
    there = browser("admin")
    page = there.get(f"/contact/{contact.id}/personal", headers=chinese).text
    form = next(href for href in hrefs(page) if href.startswith("/legal_hold/add"))
    assert 'value="联系人"' in there.get(form, headers=chinese).text
    typed = {"reason": "合同纠纷", "entity": "联系人", "record": contact.id}
    assert there.post("/legal_hold/add", data=typed, headers=chinese).status_code == 303
    with policy.acting_as(viewer("admin")):
        held_id, kept = db.session.execute(select(LegalHold.id, LegalHold.entity)).one()
    assert kept == "Contact"
    assert "联系人" in there.get(f"/legal_hold/{held_id}", headers=chinese).text
    wrong = there.post("/legal_hold/add", data={**typed, "entity": "没有的"}, headers=chinese)
    assert wrong.status_code == 422
