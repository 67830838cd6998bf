"""Links for people without an account: opened by anybody, answered once, over when they are over."""

from __future__ import annotations

import datetime
import re
import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update

import jobs
from app.engine import links, policy, registry
from app.engine.adapters import queue
from app.engine.adapters.appbuilder.attempts import LIMITS
from app.engine.adapters.database import db, now, write_transaction
from app.engine.audit import AuditEntry
from app.engine.changes import Change, ChangeSet, change_set, undo
from app.engine.errors import InvalidInput
from app.engine.job import Job
from app.engine.labels import Bilingual
from app.engine.links import Item, Purpose, Recipient
from app.engine.mails import Mail
from tests import factories
from tests.engine.test_mails import PLACE, only, post, server  # noqa: F401  (fixtures)
from tests.pages.support import given

ITEMS = (
    Item("pieces", Bilingual("满意吗", "How was it"), "scale", low=1, high=5, low_label="-", high_label="+"),
    Item(
        "colour", Bilingual("颜色", "Colour"), "one",
        options=(("red", Bilingual("红", "Red")), ("blue", Bilingual("蓝", "Blue"))),
    ),
    Item("tags", "Tags", "several", required=False, options=(("a", "A"), ("b", "B"))),
    Item("notes", Bilingual("留言", "Words"), "text", required=False, longest=50),
)  # fmt: skip
GOOD = {"pieces": "4", "colour": "blue", "tags": ["b", "a"], "notes": "好"}


def store(changes: Any, parcel: Any, values: Any) -> None:
    if values["notes"] == "no":
        raise InvalidInput.of("notes", "Not this word.")
    changes.update(registry.current().entity("Parcel"), parcel.id, values)


links.declare(
    Purpose(
        "toy",
        Bilingual("包裹评价", "About your parcel"),
        "Parcel",
        items=lambda _parcel: ITEMS,
        act=store,
        heading=lambda parcel: Bilingual(f"包裹 {parcel.code}", f"Parcel {parcel.code}"),
        lines=lambda _parcel: [Bilingual("请告诉我们。", "Please tell us.")],
        is_open=lambda parcel: not parcel.fragile,
    )
)


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("send", "send_again"):
        monkeypatch.setattr(queue, name, lambda *_given, **_named: True)


@pytest.fixture
def parcel(app: Any) -> Any:
    empty = dict.fromkeys(("pieces", "colour", "tags", "notes"))
    named = {"name": "润科包裹", "code": "A1", "email": "li@example.org", "fragile": False}
    return given("Parcel", **empty, **named)


def made(parcel: Any, language: str = "en", **named: Any) -> str:
    with policy.acting_as(policy.SYSTEM_VIEWER), write_transaction() as session:
        link = links.make(session, "toy", parcel.id, language, **named)
        return links.path(link)


def stored(parcel: Any) -> Any:
    db.session.rollback()
    with policy.unrestricted("a test looks") as session:
        return session.get(type(parcel), parcel.id)


def change(**values: Any) -> None:
    with write_transaction() as session:
        session.execute(update(links.PublicLink).values(**values))


def kinds() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.kind).order_by(AuditEntry.id)))


def test_answered_once(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    page = visitor.get(url)
    assert page.status_code == 200
    assert "Parcel A1" in page.text
    assert "润科" not in page.text
    done = visitor.post(url, data=GOOD)
    assert done.status_code == 200
    assert "Thank you" in done.text
    found = stored(parcel)
    assert (found.pieces, found.colour, found.tags, found.notes) == (4, "blue", ["a", "b"], "好")
    again = visitor.post(url, data=GOOD | {"pieces": "1"})
    assert again.status_code == 410
    assert "Already answered" in again.text
    assert "已经提交过" in again.text
    assert visitor.get(url).status_code == 410
    assert stored(parcel).pieces == 4
    assert kinds().count("link.used") == kinds().count("link.refused") == 1


def test_what_was_answered_is_a_change_set_by_a_link_and_can_be_undone(
    client: Any, browser: Any, parcel: Any
) -> None:
    assert browser(None).post(made(parcel), data=GOOD).status_code == 200
    last = db.session.scalars(select(ChangeSet).order_by(ChangeSet.id.desc())).first()
    assert last is not None
    assert (last.door, last.user_id, last.user_name) == ("link", None, "link")
    assert "Somebody by a link" in client.get(f"/changes/{last.id}").text
    with policy.acting_as(factories.viewer("admin")):
        undo(last.id)
    assert stored(parcel).pieces is None


def test_who_is_signed_in_in_that_browser_is_not_who_answers(client: Any, parcel: Any) -> None:
    page = client.get(made(parcel))
    assert "Set-Cookie" not in page.headers
    assert client.post(made(parcel), data=GOOD).status_code == 200
    change = db.session.scalars(select(ChangeSet).order_by(ChangeSet.id.desc())).first()
    assert change is not None
    assert change.user_id is None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_mail_scanner_that_opens_it_changes_nothing(
    browser: Any, parcel: Any, method: str
) -> None:
    url, visitor = made(parcel), browser(None)
    before = [db.session.scalar(select(func.count(k.id))) for k in (Change, AuditEntry)]
    for _number in range(40):
        assert visitor.open(url, method=method).status_code == 200
    assert [db.session.scalar(select(func.count(k.id))) for k in (Change, AuditEntry)] == before
    assert visitor.post(url, data=GOOD).status_code == 200


def test_no_cookie_and_no_token_of_a_form_is_needed(app: Any, browser: Any, parcel: Any) -> None:
    """Nothing but the address: as from a browser that keeps no cookies."""
    url = made(parcel)
    app.test_client_class = None
    try:
        plain = app.test_client(use_cookies=False)
        assert plain.post(url, data=GOOD).status_code == 200
    finally:
        del app.test_client_class


def test_two_at_the_same_moment(app: Any, browser: Any, parcel: Any) -> None:
    url = made(parcel)
    clients = [browser(None), browser(None)]
    together = threading.Barrier(2)
    statuses: list[int] = []

    def send(visitor: Any, points: str) -> None:
        together.wait()
        with app.app_context():
            statuses.append(visitor.post(url, data=GOOD | {"pieces": points}).status_code)

    threads = [
        threading.Thread(target=send, args=(visitor, str(number + 1)))
        for number, visitor in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 410]
    edits = select(func.count(Change.id)).where(
        Change.entity == "Parcel", Change.record_id == parcel.id, Change.kind == "update"
    )
    assert db.session.scalar(edits) == 1


def test_a_partial_answer_is_refused_beside_the_question(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    page = visitor.post(url, data={"colour": "green", "notes": "x" * 51})
    assert page.status_code == 422
    beside = dict(re.findall(r'id="q-(\w+)-error">([^<]*)<', page.text))
    assert set(beside) == {"pieces", "colour", "notes"}
    assert beside["pieces"] == "Please answer this question."
    assert "3 questions need your attention." in page.text
    assert "x" * 51 in page.text
    assert stored(parcel).pieces is None
    for wrong in ("6", "0", "-1", "四", "4.0", "1e0", "9" * 30):
        assert visitor.post(url, data=GOOD | {"pieces": wrong}).status_code == 422
    assert visitor.post(url, data=GOOD).status_code == 200


def test_what_the_purpose_refuses_leaves_the_link_good(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    page = visitor.post(url, data=GOOD | {"notes": "no"})
    assert page.status_code == 422
    assert "Not this word." in page.text
    assert visitor.post(url, data=GOOD).status_code == 200


def test_over(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    past = now() - datetime.timedelta(minutes=1)
    change(expires_at=past)
    for page in (visitor.get(url), visitor.post(url, data=GOOD)):
        assert page.status_code == 410
        assert "too old" in page.text
        assert "此链接已过期" in page.text
    change(expires_at=now() + datetime.timedelta(days=1))
    with policy.acting_as(policy.SYSTEM_VIEWER), write_transaction() as session:
        assert links.revoke(session, "toy", parcel.id) == 1
        assert links.revoke(session, "toy", parcel.id) == 0
    for page in (visitor.get(url), visitor.post(url, data=GOOD)):
        assert page.status_code == 410
        assert "taken back" in page.text
    assert stored(parcel).pieces is None


@pytest.mark.parametrize("how", ["closed", "trash", "purged"])
def test_the_subject_is_gone(browser: Any, parcel: Any, how: str) -> None:
    url, visitor, definition = made(parcel), browser(None), registry.current().entity("Parcel")
    with policy.acting_as(factories.viewer("admin")), change_set("form") as changes:
        if how == "closed":
            changes.update(definition, parcel.id, {"fragile": True})
        else:
            changes.trash(definition, parcel.id)
        if how == "purged":
            changes.purge(definition, parcel.id)
    for page in (visitor.get(url), visitor.post(url, data=GOOD)):
        assert page.status_code == 410
        assert "no longer there" in page.text


@pytest.mark.parametrize("token", ["x", "a" * 43, "é", "a/b", "%00", "A" * 5000])
def test_tampered(browser: Any, parcel: Any, token: str) -> None:
    made(parcel)
    for method in ("GET", "POST"):
        assert browser(None).open(f"/l/{token}", method=method).status_code in (400, 404)


def test_one_sign_changed_is_another_link(browser: Any, parcel: Any) -> None:
    url = made(parcel)
    other = url[:-2] + ("A" if url[-2] != "A" else "B") + url[-1]
    page = browser(None).get(other)
    assert page.status_code == 404
    assert "not known" in page.text
    assert "找不到此链接" in page.text


def test_guessing_is_slowed_down(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    for _number in range(LIMITS["guess-address"].free):
        visitor.get("/l/guess")
    page = visitor.get("/l/guess")
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 0
    assert visitor.get(url).status_code == 200  # who has a good link is not kept out


def test_sending_again_and_again_is_slowed_down(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel), browser(None)
    statuses = [
        visitor.post(url, data={}).status_code for _number in range(LIMITS["answer-link"].free + 1)
    ]
    assert statuses[0] == 422
    assert statuses[-1] == 429


def test_nobody_is_told_the_address(browser: Any, parcel: Any) -> None:
    visitor = browser(None)
    for url in (made(parcel), "/l/none"):
        page = visitor.get(url)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert "no-store" in page.headers["Cache-Control"]
        assert not re.findall(r'(?:href|src|action)="https?:', page.text)


def test_nothing_that_could_be_used_is_in_the_table(app: Any, parcel: Any) -> None:
    token = made(parcel).rpartition("/")[2]
    row = db.session.execute(select(links.PublicLink.__table__)).one()
    assert token not in map(str, row)


def test_in_the_recipients_language_and_in_the_other(browser: Any, parcel: Any) -> None:
    url, visitor = made(parcel, "zh"), browser(None)
    page = visitor.get(url)  # the browser asks for English; the link is for somebody Chinese
    assert 'lang="zh-CN"' in page.text
    assert "包裹 A1" in page.text
    page = visitor.get(f"{url}?lang=en")
    assert 'lang="en"' in page.text
    assert "Please tell us." in page.text
    assert 'action="?lang=en"' in page.text
    assert "谢谢" in visitor.post(f"{url}?lang=zh", data=GOOD).text


def test_mailed_to_the_address_that_stands_there_then(
    app: Any,
    browser: Any,
    parcel: Any,
    post: Any,  # noqa: F811
    server: Any,  # noqa: F811
) -> None:
    to = Recipient("Parcel", parcel.id)
    with policy.acting_as(factories.viewer("admin")), write_transaction() as session:
        link = links.make(session, "toy", parcel.id, "zh", to)
        words = Bilingual("您的包裹", "Your parcel")
        assert links.mail(session, link, to, words, [Bilingual("请评价：", "Rate it:")])
    with policy.acting_as(factories.viewer("admin")), change_set("form") as changes:
        values = {"email": "wang@example.org"}
        changes.update(registry.current().entity("Parcel"), parcel.id, values)
    jobs.run_job(db.session.scalars(select(Job.id).where(Job.kind == "mail")).one())
    assert server.recipients == [["wang@example.org"]]
    letter = only(server)
    assert letter["Subject"] == "您的包裹"
    assert "请评价" in letter.get_content()
    url = re.search(rf"{PLACE}(/l/\S+)", letter.get_content())
    assert url is not None
    assert browser(None).get(url[1]).status_code == 200
    kept = db.session.execute(select(Mail.__table__)).one()
    assert "example.org" not in str(kept)


def test_without_an_address_the_mail_fails_and_says_so(
    app: Any,
    parcel: Any,
    post: Any,  # noqa: F811
) -> None:
    to = Recipient("Parcel", parcel.id)
    with policy.acting_as(factories.viewer("admin")), write_transaction() as session:
        links.mail(session, links.make(session, "toy", parcel.id, "zh", to), to, "s", [])
    with policy.acting_as(factories.viewer("admin")), change_set("form") as changes:
        changes.update(registry.current().entity("Parcel"), parcel.id, {"email": None})
    job_id = db.session.scalars(select(Job.id).where(Job.kind == "mail")).one()
    jobs.run_job(job_id)
    db.session.rollback()
    job = db.session.get_one(Job, job_id, populate_existing=True)
    assert job.state == "failed"
    assert "mail address" in str(job.message)


def test_links_that_are_over_for_long_go(app: Any, parcel: Any) -> None:
    made(parcel)
    assert links.remove_old() == 0
    change(expires_at=now() - datetime.timedelta(days=91))
    assert links.remove_old() == 1
