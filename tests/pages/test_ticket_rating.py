"""The customer confirms and rates a solved ticket, by a link, without an account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update

import jobs
from app.domains.tickets import confirmation
from app.engine import links, policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db, now, write_transaction
from app.engine.changes import change_set
from app.engine.job import Job
from app.engine.mails import Mail
from tests.engine.test_mails import PLACE, post, server  # noqa: F401  (fixtures)
from tests.factories import make, user_id, viewer

GOOD = {"solved": "yes", "rating": "5", "comment": "很好"}


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("send", "send_again"):
        monkeypatch.setattr(queue, name, lambda *_given, **_named: True)


def ticket(**values: Any) -> Any:
    values = {"subject": "打印机坏了", "lead": user_id("sales"), "kind": "fault", **values}
    with policy.acting_as(viewer("admin")):
        record = make("Ticket", **values)
        make("TicketMessage", ticket=record.id, kind="note", text="内部：客户难缠")
        change(record, state="solved")
    return record


def change(record: Any, **values: Any) -> None:
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.update(registry.current().entity("Ticket"), record.id, values)


def url_of(record: Any) -> str:
    """The link that was made when it was solved."""
    wanted = select(links.PublicLink).where(links.PublicLink.record_id == record.id)
    return links.path(db.session.scalars(wanted.order_by(links.PublicLink.id.desc())).first())


def stored(record: Any) -> Any:
    db.session.rollback()
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        return changes.load(registry.current().entity("Ticket"), record.id, "read", trash=True)


def tasks() -> list[Any]:
    model: Any = registry.current().entity("Task").model
    with policy.unrestricted("a test looks") as session:
        return list(session.scalars(select(model)))


def test_a_mail_scanner_changes_nothing_and_the_customer_closes_it(browser: Any, app: Any) -> None:
    record = ticket()
    url, visitor = url_of(record), browser(None)
    for _time in range(3):
        page = visitor.get(url)
        assert page.status_code == 200
    assert "打印机坏了" in page.text
    assert "难缠" not in page.text
    assert stored(record).state == "solved"
    assert visitor.post(url, data=GOOD).status_code == 200
    found = stored(record)
    assert (found.state, found.rating, found.rating_comment) == ("closed", 5, "很好")
    assert found.rated_at is not None
    assert tasks() == []


def test_used_twice_it_counts_once(browser: Any, app: Any) -> None:
    record = ticket()
    url, visitor = url_of(record), browser(None)
    visitor.post(url, data=GOOD)
    again = visitor.post(url, data=GOOD | {"rating": "1", "solved": "no"})
    assert again.status_code == 410
    assert (stored(record).rating, tasks()) == (5, [])


def test_not_solved_reopens_it_and_asks_the_lead_to_follow_up(browser: Any, app: Any) -> None:
    record = ticket()
    browser(None).post(url_of(record), data={"solved": "no", "rating": "3", "comment": "还是坏的"})
    found = stored(record)
    assert (found.state, found.reopened, found.solved_at) == ("open", 1, None)
    (task,) = tasks()
    assert (task.owner_id, task.customer_id) == (user_id("sales"), record.customer_id)
    assert record.number in task.subject
    assert task.description == "还是坏的"


def test_a_low_rating_is_followed_up_though_it_is_solved(browser: Any, app: Any) -> None:
    record = ticket()
    browser(None).post(url_of(record), data={"solved": "yes", "rating": "2"})
    assert stored(record).state == "closed"
    assert len(tasks()) == 1


def test_the_word_of_a_deleted_customer_is_kept_and_followed_up(browser: Any, app: Any) -> None:
    record = ticket()
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.trash(registry.current().entity("Customer"), record.customer_id)
    answer = browser(None).post(url_of(record), data={"solved": "no", "rating": "1"})
    assert answer.status_code == 200
    assert (stored(record).state, stored(record).rating) == ("open", 1)
    (task,) = tasks()
    assert (task.owner_id, task.customer_id) == (user_id("sales"), None)


def test_a_complaint_waits_for_its_cause_before_it_is_closed(browser: Any, app: Any) -> None:
    record = ticket(kind="complaint")
    browser(None).post(url_of(record), data=GOOD)
    assert stored(record).state == "confirmed"


@pytest.mark.parametrize("rating", ["", "0", "6", "很好"])
def test_an_answer_that_is_none_is_said_beside_the_question(
    browser: Any, app: Any, rating: str
) -> None:
    record = ticket()
    answer = browser(None).post(url_of(record), data={"solved": "yes", "rating": rating})
    assert answer.status_code == 422
    assert stored(record).state == "solved"


def test_links_that_are_over_say_so_plainly(browser: Any, app: Any) -> None:
    visitor = browser(None)
    tampered = url_of(ticket())[:-3] + "abc"
    assert visitor.get(tampered).status_code == 404
    old = ticket()
    with write_transaction() as session:
        session.execute(update(links.PublicLink).values(expires_at=now()))
    assert visitor.get(url_of(old)).status_code == 410
    gone = ticket()
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.trash(registry.current().entity("Ticket"), gone.id)
    assert visitor.post(url_of(gone), data=GOOD).status_code == 410
    again = ticket()
    first = url_of(again)
    change(again, state="open")
    assert visitor.get(first).status_code == 410
    change(again, state="solved")
    assert visitor.get(first).status_code == 410
    assert visitor.get(url_of(again)).status_code == 200


def test_the_page_speaks_the_language_of_the_request_and_can_be_switched(
    browser: Any, app: Any
) -> None:
    visitor = browser(None)
    chinese, english = ticket(), ticket(
        subject="Printer broken", description="It smokes", requester_name="Ann"
    )  # fmt: skip
    said = ticket(subject="打印机", language="en")
    assert "您的问题" in visitor.get(url_of(chinese)).text
    assert "Is your request solved?" in visitor.get(url_of(english)).text
    assert "Is your request solved?" in visitor.get(url_of(said)).text
    assert "Is your request solved?" in visitor.get(f"{url_of(chinese)}?lang=en").text


def test_the_link_is_mailed_when_it_is_solved(app: Any, post: Any) -> None:  # noqa: F811
    record = ticket(requester_email="wang@example.org")
    (mail,) = db.session.scalars(select(Mail)).all()
    job = db.session.scalars(select(Job.id).where(Job.kind == "mail")).one()
    jobs.run_job(job)
    db.session.expire_all()
    assert db.session.get_one(Mail, mail.id).state == "sent"
    assert record.number in str(mail.subject)


def test_colleagues_copy_a_link(client: Any, app: Any) -> None:
    record = ticket(requester_email=None)
    page = client.post(f"/ticket/{record.id}/do/link").text
    found = re.search(r'id="told">[^<]*(/l/[^<]+)<', page)
    assert found is not None
    assert client.get(found.group(1)).status_code == 200
    change(record, state="open")
    assert client.post(f"/ticket/{record.id}/do/link").status_code == 422


def test_low_is_two_or_less() -> None:
    assert confirmation.LOW == 2
