"""Links for a new password: mailed or handed over, good once, and silent about who has an account."""

from __future__ import annotations

import datetime
import html
import re

import pytest
from sqlalchemy import func, inspect, select, text, update

import jobs
from app.engine import policy
from app.engine.adapters.appbuilder import accounts, password_links
from app.engine.adapters.appbuilder.password_links import PasswordLink
from app.engine.adapters.database import db, now, write_transaction
from app.engine.audit import AuditEntry
from app.engine.job import Job
from app.engine.mails import Mail
from tests import factories
from tests.engine.test_mails import PLACE, only, post, server  # noqa: F401  (fixtures)
from tests.pages.conftest import take_token, visitor  # noqa: F401  (fixtures)

NEW = "entirely new words"
FORGOTTEN = "/forgottenpassword/"


pytestmark = pytest.mark.usefixtures("sent")


def run_all():
    """Until no job waits."""
    while waiting := db.session.scalars(select(Job.id).where(Job.state == "waiting")).all():
        for job_id in waiting:
            jobs.run_job(job_id)
            db.session.rollback()


def given(browser, username="sales"):
    page = browser("admin").post(f"/passwordlink/{factories.user_id(username)}")
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    address = html.unescape(re.search(r'id="secret">([^<]+)<', page.text)[1])
    return "/newpassword/" + address.rpartition("/")[2]


def mailed(server):  # noqa: F811
    return re.search(rf"{PLACE}(/newpassword/\S+)", only(server).get_content())[1]


def choose(client, link, password=NEW, again=None):
    return client.post(link, data={"password": password, "again": again or password})


def sign_in(client, password=NEW):
    return client.post("/login/", data={"username": "sales", "password": password})


def test_by_mail(visitor, post, server):  # noqa: F811
    asker = visitor()
    assert FORGOTTEN in asker.get("/login/").text
    answer = asker.post(FORGOTTEN, data={"username": "SALES@example.org"})
    assert answer.status_code == 200
    run_all()
    assert server.recipients == [["sales@example.org"]]
    link = mailed(server)
    page = asker.get(link)
    assert page.status_code == 200
    assert "sales" in page.text
    assert choose(asker, link).location == "/login/"
    assert sign_in(visitor()).status_code == 302
    assert sign_in(visitor(), factories.PASSWORD).status_code == 422
    change = accounts.changes_of(factories.user_id("sales"))[0]
    assert change.by_name == factories.person("sales").full_name


def test_it_never_tells_whether_there_is_such_an_account(visitor, post, server):  # noqa: F811
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales2"), {"active": False})
    answers = [visitor().post(FORGOTTEN, data={"username": name}) for name in
               ("sales", "nobody", "sales2", "x" * 300)]  # fmt: skip
    assert {answer.status_code for answer in answers} == {200}
    tokens = re.compile(r'(content|value)="[\w.-]{60,}"')
    assert len({tokens.sub("", answer.text) for answer in answers}) == 1
    assert db.session.scalar(select(func.count()).select_from(Job)) == 4
    run_all()
    assert server.recipients == [["sales@example.org"]]


def test_asking_costs_the_same_statements_for_all(visitor, post, statements_made):  # noqa: F811
    counts = []
    for number, name in enumerate(("sales", "nobody")):
        client = visitor()
        with statements_made() as made:
            client.post(
                FORGOTTEN,
                data={"username": name},
                environ_base={"REMOTE_ADDR": f"192.0.2.{number}"},
            )
        counts.append(len(made))
    assert counts[0] == counts[1]


@pytest.fixture
def statements_made():
    from tests.pages.support import counted

    return counted


def test_mails_are_limited_in_silence_and_askers_in_words(visitor, post, server):  # noqa: F811
    for _number in range(6):
        assert visitor().post(FORGOTTEN, data={"username": "sales"}).status_code == 200
    run_all()
    assert len(server.recipients) == 3
    for number in range(4):
        visitor().post(FORGOTTEN, data={"username": f"other{number}"})
    answer = visitor().post(FORGOTTEN, data={"username": "guest"})
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text


def test_without_mail_there_is_no_such_page(visitor):  # noqa: F811
    client = visitor()
    assert client.get(FORGOTTEN).status_code == 404
    assert client.post(FORGOTTEN, data={"username": "sales"}).status_code == 404
    assert FORGOTTEN not in client.get("/login/").text


def test_nothing_that_could_be_used_is_in_the_database(visitor, post, server):  # noqa: F811
    visitor().post(FORGOTTEN, data={"username": "sales"})
    run_all()
    secret = mailed(server).rpartition("/")[2]
    with db.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                assert secret not in str(row), table
    assert db.session.scalars(select(Mail.href)).one().startswith("made:password_link:")


def test_handed_over_by_an_administrator(browser, visitor):  # noqa: F811
    link = given(browser)
    client = visitor()
    assert client.get(link).status_code == 200
    assert choose(client, link).status_code == 302
    assert sign_in(visitor()).status_code == 302
    person = factories.person("sales")
    assert not person.must_change_password


def test_good_once(browser, visitor, caplog):  # noqa: F811
    link = given(browser)
    assert choose(visitor(), link).status_code == 302
    for answer in (visitor().get(link), choose(visitor(), link, "yet another set of words")):
        assert answer.status_code == 410
        assert "This link can&#39;t be used" in answer.text
    assert "refused: link" in caplog.text
    entries = db.session.scalars(select(AuditEntry.kind)).all()
    assert entries.count("password_link.refused") == 2
    assert entries.count("password_link.used") == 1
    assert sign_in(visitor()).status_code == 302


def test_two_at_once_use_it_once(browser, visitor, monkeypatch):  # noqa: F811
    """The second one had opened the page before the first one sent it."""
    link = given(browser)
    found = password_links.open_link(link.rpartition("/")[2])
    assert choose(visitor(), link).status_code == 302
    monkeypatch.setattr(password_links, "open_link", lambda _secret: found)
    assert choose(visitor(), link, "yet another set of words").status_code == 410
    assert sign_in(visitor()).status_code == 302


@pytest.mark.parametrize("over", ["too old", "switched off", "another password", "never made"])
def test_what_is_over_cannot_be_used(browser, visitor, over):  # noqa: F811
    link, sales = given(browser), factories.user_id("sales")
    with policy.acting_as(policy.SYSTEM_VIEWER), write_transaction() as session:
        if over == "too old":
            session.execute(update(PasswordLink).values(expires_at=now()))
        elif over == "switched off":
            accounts.save_user(sales, {"active": False})
        elif over == "another password":
            accounts.set_password(sales, "words of somebody's own")
        else:
            link = link[:-3] + "xyz"
    assert visitor().get(link).status_code == 410
    assert choose(visitor(), link).status_code == 410
    assert sign_in(visitor()).status_code == 422


def test_a_poor_password_does_not_use_it_up(browser, visitor):  # noqa: F811
    link = given(browser)
    for password, again in (("sales12345", None), (NEW, "other words"), ("", "")):
        assert choose(visitor(), link, password, again).status_code == 422
    assert choose(visitor(), link).status_code == 302


def test_it_ends_other_sessions_and_the_lock(browser, visitor):  # noqa: F811
    elsewhere, link = browser("sales"), given(browser)
    for _number in range(7):
        last = sign_in(visitor(), "wrong")
    assert last.status_code == 429
    client = visitor()
    choose(client, link)
    assert elsewhere.get("/users/userinfo/").status_code == 302
    take_token(client)
    assert sign_in(client).status_code == 302


def test_only_who_manages_users_makes_links(app, browser, visitor):  # noqa: F811
    sales, admin = factories.user_id("sales"), factories.user_id("admin")
    assert browser("sales2").post(f"/passwordlink/{sales}").status_code == 403
    assert visitor().post(f"/passwordlink/{sales}").status_code == 302
    manager = app.appbuilder.sm
    role = manager.find_role("SystemAdmin")
    manager.add_user("keeper", "系", "统", "keeper@example.org", role, factories.PASSWORD)
    assert browser("keeper").post(f"/passwordlink/{admin}").status_code == 403
    assert browser("admin").post("/passwordlink/99999").status_code == 404
    assert browser("admin").get(f"/passwordlink/{sales}").status_code in (404, 405)


@pytest.mark.parametrize(("language", "word"), [("zh", "新密码"), ("en", "new password")])
def test_both_languages(browser, visitor, post, language, word):  # noqa: F811
    link = given(browser)
    said = {"Accept-Language": language}
    for address in (FORGOTTEN, link):
        assert word in visitor().get(address, headers=said).text or "密码" in word
    assert visitor().get(link + "x", headers=said).status_code == 410


def test_old_links_are_taken_away(browser):
    given(browser)
    assert password_links.remove_old() == 0
    with write_transaction() as session:
        past = now() - password_links.KEPT - datetime.timedelta(days=1)
        session.execute(update(PasswordLink).values(expires_at=past))
    assert password_links.remove_old() == 1
