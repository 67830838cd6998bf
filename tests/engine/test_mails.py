"""Mails: what people get of exports and of how their jobs have ended, once, and only with the right to it."""

from __future__ import annotations

import datetime
import email
import email.policy
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask_babel import lazy_gettext
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import select

import jobs
from app.engine import mails, policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.mail import Letter, MailDelayed, MailRefused, Post, one_line
from app.engine.adapters.storage import store
from app.engine.job import DONE, FAILED, WAITING, Job, JobKind, declare, request_job, retry
from app.engine.mails import SENDING, SENT, UNKNOWN, Mail
from app.engine.messages import thaw
from app.engine.notices import Notification
from app.engine.surfaces.exports import Request
from app.engine.surfaces.exports.request import Mailing
from config import Settings, SettingsError
from tests import factories

_ = lazy_gettext
PLACE = "https://steward.example.com"


class Server:
    """A mail server that keeps what it takes; `says` is its answer to the content, `to` to recipients."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.says = "250 Taken"
        self.to = "250 OK"
        self.before_answer: Any = None
        self.controller = Controller(self, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.to.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.before_answer is not None:
            self.before_answer()
        if self.says.startswith("250"):
            self.taken.append(envelope.content)
            self.recipients.append(envelope.rcpt_tos)
        return self.says


def only(server: Server) -> Any:
    """The one mail that it has taken."""
    (content,) = server.taken
    return email.message_from_bytes(content, policy=email.policy.default)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    found.controller.port = free_port()
    found.controller.start()
    yield found
    if found.controller.smtpd is not None:
        found.controller.stop()


@pytest.fixture
def post(server: Server, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Post:
    url = f"smtp://127.0.0.1:{server.controller.port}"
    made = Post(url, "客户管家 <steward@example.com>", PLACE)
    monkeypatch.setitem(app.extensions, "steward.mail", made)
    return made


pytestmark = pytest.mark.usefixtures("sent")


def run(job_id: str) -> Job:
    """Let it run, at once though it was to wait."""
    with write_transaction() as session:
        session.get_one(Job, job_id).due_at = None
    jobs.run_job(job_id)
    db.session.rollback()
    return db.session.get_one(Job, job_id, populate_existing=True)


def mail_jobs() -> list[str]:
    wanted = select(Job.id).where(Job.kind == "mail").order_by(Job.created_at)
    return list(db.session.scalars(wanted))


def export(who: str = "admin", **mailing: Any) -> Job:
    """An export of one parcel by mail, done."""
    with policy.acting_as(factories.viewer(who)):
        factories.make("Parcel", name="润科包裹")
        wanted = Request("Parcel", "csv", fields=("code", "name"), mail=Mailing(**mailing))
        wanted.check_mailing()
        job_id = request_job("export", wanted.as_json(), title=_("Export")).id
    done = run(job_id)
    assert done.state == DONE
    return done


def language(name: str, code: str) -> None:
    with write_transaction() as session:
        session.merge(factories.person(name)).language = code


def messages_of(name: str) -> list[str]:
    told = select(Notification).where(Notification.user_id == factories.user_id(name))
    return [f"{thaw(n.message)} {thaw(n.detail)}" for n in db.session.scalars(told)]


# -- exports -------------------------------------------------------------------------------


def test_an_export_is_mailed_to_its_asker_as_a_link(post: Post, server: Server) -> None:
    done = export()
    (job_id,) = mail_jobs()
    assert server.taken == []
    assert run(job_id).state == DONE
    message = only(server)
    assert server.recipients == [["admin@example.org"]]
    assert message["To"].addresses[0].addr_spec == "admin@example.org"
    assert message["From"].addresses[0].display_name == "客户管家"
    assert f"{PLACE}/jobs/{done.id}" in message.get_content()
    assert not list(message.iter_attachments())


@pytest.mark.parametrize(
    ("code", "subject", "words"),
    [("zh", "导出：", "导出已完成"), ("en", "Export: ", "Your export is ready")],
)
def test_a_mail_is_in_the_language_of_whoever_gets_it(
    post: Post, server: Server, code: str, subject: str, words: str
) -> None:
    language("admin", code)
    export()
    run(mail_jobs()[0])
    assert only(server)["Subject"].startswith(subject)
    assert words in only(server).get_content()
    assert b"\xe5" not in server.taken[0]  # seven bits on the way, whatever the server can


def test_the_file_goes_along_where_that_is_wanted(post: Post, server: Server) -> None:
    done = export(attach=True)
    run(mail_jobs()[0])
    (attached,) = only(server).iter_attachments()
    assert done.result is not None
    assert attached.get_filename() == done.result["name"]
    with store().open(done.result["file"]) as file:
        assert attached.get_payload(decode=True) == file.read()


def test_a_file_that_is_too_large_is_only_linked(
    post: Post, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "mail_attach_limit", 10)
    language("admin", "en")
    export(attach=True)
    run(mail_jobs()[0])
    assert not list(only(server).iter_attachments())
    assert "too large" in only(server).get_content()


def test_run_again_a_mail_is_sent_once(post: Post, server: Server) -> None:
    export()
    (job_id,) = mail_jobs()
    run(job_id)
    with write_transaction() as session:
        session.get_one(Job, job_id).state = WAITING
    assert run(job_id).state == DONE
    assert len(server.taken) == 1


def test_asked_for_twice_for_one_cause_it_is_one_mail(post: Post, as_admin: Any) -> None:
    user_id = factories.user_id("sales")
    with write_transaction() as session:
        assert mails.ask(session, "once", user_id, "x", [], "/") is not None
        assert mails.ask(session, "once", user_id, "x", [], "/") is None
    assert len(mail_jobs()) == 1


def test_what_the_server_puts_off_is_tried_again(post: Post, server: Server) -> None:
    export()
    (job_id,) = mail_jobs()
    server.says = "451 come back later"
    job = run(job_id)
    assert job.state == WAITING
    assert job.message is not None
    assert "451 come back later" in thaw(job.message)
    server.says = "250 Taken"
    assert run(job_id).state == DONE
    assert len(server.taken) == 1


@pytest.mark.parametrize("where", ["to", "says"])
def test_what_the_server_refuses_fails_and_says_why(post: Post, server: Server, where: str) -> None:
    export()
    (job_id,) = mail_jobs()
    setattr(server, where, "550 no such mailbox")
    job = run(job_id)
    assert job.state == FAILED
    assert "550 no such mailbox" in thaw(job.message)
    assert any("550 no such mailbox" in text for text in messages_of("admin"))
    assert server.taken == []


def test_a_server_that_is_away_is_tried_again(post: Post, server: Server) -> None:
    export()
    (job_id,) = mail_jobs()
    server.controller.stop()
    assert run(job_id).state == WAITING
    assert db.session.scalars(select(Mail.state)).all() == ["open"]


def test_a_mail_whose_fate_is_not_known_waits_for_a_persons_word(
    post: Post, server: Server
) -> None:
    export()
    (job_id,) = mail_jobs()
    with write_transaction() as session:
        session.scalars(
            select(Mail)
        ).one().state = SENDING  # as a run leaves it that is killed there
    job = run(job_id)
    assert job.state == FAILED
    assert server.taken == []
    assert db.session.scalars(select(Mail.state)).all() == [UNKNOWN]
    with policy.acting_as(factories.viewer("admin")):
        assert retry(job_id)
    assert run(job_id).state == DONE
    assert len(server.taken) == 1


def test_a_connection_that_breaks_in_the_handing_over_is_not_taken_for_a_delay(
    post: Post, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import smtplib

    def broken(*_arguments: Any) -> Any:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    monkeypatch.setattr(smtplib.SMTP, "data", broken)
    export()
    job = run(mail_jobs()[0])
    assert job.state == FAILED
    assert db.session.scalars(select(Mail.state)).all() == [UNKNOWN]


def test_it_is_noted_as_sending_before_the_server_has_it(post: Post, server: Server) -> None:
    export()
    (job_id,) = mail_jobs()
    seen: list[str] = []

    def look() -> None:
        with post_app.app_context():
            seen.extend(db.session.scalars(select(Mail.state)))
            db.session.remove()

    from flask import current_app

    post_app: Any = current_app._get_current_object()  # type: ignore[attr-defined]
    server.before_answer = look
    run(job_id)
    assert seen == [SENDING]
    assert db.session.scalars(select(Mail.state)).all() == [SENT]


# -- rights --------------------------------------------------------------------------------


def test_the_askers_rights_taken_away_meanwhile_nothing_is_sent(
    post: Post, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    export()
    guest = factories.viewer("guest")
    monkeypatch.setattr(policy, "viewer_by_id", lambda _user_id: guest)
    assert run(mail_jobs()[0]).state == FAILED
    assert server.taken == []


def test_an_account_that_was_closed_meanwhile_gets_nothing(post: Post, server: Server) -> None:
    export(to=(factories.user_id("admin"),))
    with write_transaction() as session:
        session.merge(factories.person("admin")).active = False
    assert run(mail_jobs()[0]).state == FAILED
    assert server.taken == []


def test_nobody_is_sent_what_they_may_not_see(post: Post, app: Any) -> None:
    from app.engine.errors import NotAllowed

    with policy.acting_as(factories.viewer("admin")):
        wanted = Request("Parcel", "csv", mail=Mailing(to=(factories.user_id("guest"),)))
        with pytest.raises(NotAllowed):
            wanted.check_mailing()


def test_too_many_recipients_are_refused_and_none_is_left_out(post: Post, app: Any) -> None:
    from app.engine.errors import ValueProblem

    with policy.acting_as(factories.viewer("admin")), pytest.raises(ValueProblem, match="20"):
        Request("Parcel", "csv", mail=Mailing(to=tuple(range(1, 30)))).check_mailing()


def test_a_colleague_gets_it_who_may_see_as_much(post: Post, server: Server, browser: Any) -> None:
    with write_transaction() as session:
        boss = session.merge(factories.person("sales2"))
        boss.roles = list(factories.person("admin").roles)
    language("sales2", "en")
    done = export(to=(factories.user_id("sales2"),))
    run(mail_jobs()[0])
    assert server.recipients == [["sales2@example.org"]]
    link = f"/jobs/{done.id}/download"
    assert f"{PLACE}{link}" in only(server).get_content()
    assert "管理员" in only(server).get_content()  # who sent it
    assert browser("sales2").get(link).status_code == 200
    assert browser("sales").get(link).status_code == 404
    with write_transaction() as session:
        session.merge(factories.person("sales2")).roles = list(factories.person("guest").roles)
    assert browser("sales2").get(link).status_code == 403


def test_a_file_past_its_time_is_not_mailed(post: Post, server: Server) -> None:
    done = export(attach=True)
    with write_transaction() as session:
        session.get_one(Job, done.id).keep_until = now() - datetime.timedelta(minutes=1)
    assert run(mail_jobs()[0]).state == FAILED
    assert server.taken == []


# -- pages ---------------------------------------------------------------------------------


def test_the_page_of_an_export_offers_mail_only_where_there_is_some(
    app: Any, browser: Any, request: pytest.FixtureRequest
) -> None:
    admin = browser("admin")
    page = admin.get("/export/parcel").text
    assert "Mail is not set up here" in page
    assert 'name="mail"' not in page
    assert "Mail is not set up here" in admin.get("/schedules/new/export").text
    assert "Mail is not set up here" in admin.get("/users/userinfo/").text
    answer = admin.post("/export/parcel", data={"format": "csv", "mail": "1"})
    assert answer.status_code == 422
    assert db.session.scalars(select(Job)).all() == []
    request.getfixturevalue("post")
    assert 'name="mail"' in admin.get("/export/parcel").text


def test_an_export_asked_for_on_its_page_is_mailed(
    post: Post, server: Server, browser: Any
) -> None:
    form = {"format": "csv", "mail": "1", "attach": "1"}
    asked = browser("admin").post("/export/parcel", data=form)
    assert run(asked.location.rsplit("/", 1)[1]).state == DONE
    run(mail_jobs()[0])
    assert len(list(only(server).iter_attachments())) == 1


def schedule(browser: Any, **answers: str) -> Any:
    form = {
        "name": "每天", "at": "08:00", "zone": "Asia/Shanghai",
        "argument_entity": "Parcel", "argument_format": "csv",
        **{f"argument_{name}": value for name, value in answers.items()},
    }  # fmt: skip
    return browser("admin").post("/schedules/new/export?every=day", data=form)


def test_a_scheduled_export_comes_by_mail(post: Post, server: Server, browser: Any) -> None:
    made = schedule(browser, mail="link")
    assert made.status_code == 303
    assert browser("admin").post(f"{made.location}/run").status_code == 303
    (job_id,) = db.session.scalars(select(Job.id).where(Job.kind == "export"))
    assert run(job_id).state == DONE
    run(mail_jobs()[0])
    assert server.recipients == [["admin@example.org"]]


def test_a_schedule_names_whom_it_cannot_mail(post: Post, browser: Any) -> None:
    page = schedule(browser, mail="link", mail_to="admin, nobody-of-that-name")
    assert page.status_code == 422
    assert "“nobody-of-that-name” is no active user." in page.text
    page = schedule(browser, mail="link", mail_to="guest")
    assert page.status_code == 422
    assert "may not see all" in page.text


def test_results_of_jobs_are_mailed_to_whoever_wants_that(
    post: Post, server: Server, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "kinds", lambda: {"quick": lambda _run: None, "mail": mails.send})
    declare(JobKind("quick", "quick"))

    def end_one() -> str:
        with policy.acting_as(factories.viewer("sales")):
            job_id = request_job("quick", {}, title="算账").id
        run(job_id)
        return job_id

    end_one()
    assert mail_jobs() == []
    form = {"first_name": "伟", "last_name": "张", "language": "zh", "theme": "system"}
    answer = browser("sales").post("/users/userinfo/", data={**form, "mails_results": "y"})
    assert answer.status_code == 302
    job_id = end_one()
    (mail_id,) = mail_jobs()
    run(mail_id)
    assert server.recipients == [["sales@example.org"]]
    assert only(server)["Subject"] == "已完成：算账"
    assert f"{PLACE}/jobs/{job_id}" in only(server).get_content()
    assert len(mail_jobs()) == 1  # and no mail about the mail


# -- what a mail is made of ----------------------------------------------------------------


def letter(**values: str) -> Letter:
    given = {
        "name": "张伟",
        "address": "zhang@example.org",
        "subject": "s",
        "text": "t",
        "token": "1",
    }
    return Letter(**{**given, **values})


def test_no_name_and_no_subject_adds_a_header(post: Post, server: Server) -> None:
    wicked = "x\r\nBcc: thief@example.net\r\n\r\nbody\u2028more\x0b"
    post.send(letter(subject=wicked, name=wicked), lambda: None)
    assert server.recipients == [["zhang@example.org"]]
    assert "Bcc" not in only(server)
    assert only(server)["Subject"].startswith("x Bcc: thief@example.net body more")


@settings(max_examples=200, deadline=None)
@examples(text=st.text(max_size=300))
def test_a_header_is_one_line_whatever_the_text(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 200
    assert line == one_line(line).strip()


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "a@b,c@d", "@b", "a@"]
)
def test_what_is_no_address_is_refused_unsent(post: Post, server: Server, address: str) -> None:
    with pytest.raises(MailRefused):
        post.send(letter(address=address), lambda: None)
    assert server.taken == []


def test_chinese_addresses(post: Post, server: Server) -> None:
    post.send(letter(address="张伟@例子.中国"), lambda: None)
    assert server.recipients[0][0].startswith("张伟@xn--")


def test_without_a_server_there_is_no_mail() -> None:
    with pytest.raises(MailRefused):
        Post(None, None, None).send(letter(), lambda: None)


def test_tls_that_the_server_does_not_offer_is_not_gone_without(server: Server) -> None:
    url = f"smtp+starttls://u:s3cret@127.0.0.1:{server.controller.port}"
    with pytest.raises(MailRefused) as caught:
        Post(url, "a@example.com", PLACE).send(letter(), lambda: None)
    assert "s3cret" not in str(caught.value)
    assert server.taken == []


def test_a_port_where_nobody_listens_is_a_delay() -> None:
    with pytest.raises(MailDelayed):
        Post(f"smtp://127.0.0.1:{free_port()}", "a@example.com", PLACE).send(letter(), lambda: None)


def test_settings_of_mail() -> None:
    given = {
        "MAIL_URL": "smtps://u:s3cret@h", "MAIL_FROM": "S <s@example.com>", "PUBLIC_URL": PLACE,
    }  # fmt: skip
    made = Settings.from_environment(given)
    assert "s3cret" not in repr(made)
    for name, value in (
        ("MAIL_URL", "imap://u:s3cret@h"), ("MAIL_URL", "smtp://"), ("MAIL_URL", "smtp://h:99999"),
        ("MAIL_FROM", "nobody"), ("PUBLIC_URL", "steward"), ("MAIL_FROM", ""), ("PUBLIC_URL", ""),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=f"^{name} must ") as caught:
            Settings.from_environment({**given, name: value})
        assert "s3cret" not in str(caught.value)
