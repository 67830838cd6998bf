"""Mails: asked for in the transaction that gives cause for them, sent by a job, in the words of whoever gets them.

Each is a row, one for each cause and person, so that asked for twice it is one mail. SMTP has no
transactions: a mail server that has taken a mail cannot be asked for it back, and one that dies while
taking it leaves it open whether it did. So the row notes `sending` the moment before the content is
handed over, and an attempt hands it over at most once: a run that finds `sending` left behind by a
dead one does not send again by itself. It says that the fate of the mail is not known and fails; when
a person then has the job tried again, it is sent again. What the server has plainly not taken is
tried again without asking.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Boolean, ForeignKey, Integer, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import audit, job_files, policy, registry
from app.engine.adapters.database import (
    Identifier,
    Json,
    Model,
    UtcDateTime,
    db,
    now,
    write_transaction,
)
from app.engine.adapters.i18n import full_time
from app.engine.adapters.mail import Attachment, Letter, MailUncertain, post
from app.engine.adapters.storage import store
from app.engine.errors import NotFound, StewardError
from app.engine.job import DONE, Job, JobKind, Run, declare, request_job
from app.engine.job.telling import also
from app.engine.messages import freeze, thaw
from app.engine.notices import Notification

KIND = declare(
    JobKind(
        "mail", _("Mail"), limit=datetime.timedelta(minutes=10), attempts=8, notifies_done=False
    )
)

OPEN, SENDING, UNKNOWN, SENT = "open", "sending", "unknown", "sent"
"""To be sent; being handed over; it was left so by a run that died; taken by the mail server."""

MADE_WHEN_SENT = "made:"
"""Begins the address of a page that no table may hold: `made:KIND:WHICH`, see `made_when_sent`."""

_DEFAULT_LANGUAGE = "zh"
_makers: dict[str, Callable[[str], str]] = {}


class Mail(Model):
    """One mail to one person, a user or somebody outside, kept as what it says and put into their language when it is sent."""

    __tablename__ = "mail"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    cause: Mapped[str] = mapped_column(String(120), unique=True)
    """What it is about and for whom: there is one mail for each."""
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(Integer)
    to: Mapped[Any | None] = mapped_column(Json)
    """Instead of a user: an `Outside`, where the address of somebody without an account stands."""
    subject: Mapped[Any] = mapped_column(Json)
    lines: Mapped[Any] = mapped_column(Json)
    href: Mapped[str] = mapped_column(String(300))
    file_of: Mapped[str | None] = mapped_column(String(36))
    """The job whose file it is about."""
    attach: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(String(10), default=OPEN)
    sent_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Outside:
    """Somebody without an account: the record and the field that hold the address, and their language."""

    entity: str
    record_id: int
    field: str
    language: str


def made_when_sent(kind: str, maker: Callable[[str], str]) -> None:
    """Have the addresses of a kind made from what follows in them, while the mail is written."""
    _makers[kind] = maker


def available() -> bool:
    """Whether mails can be sent at all."""
    return post().ready


def ask(
    session: Session,
    cause: str,
    user_id: int,
    subject: Any,
    lines: Sequence[Any],
    href: str,
    file_of: str | None = None,
    attach: bool = False,
) -> Mail | None:
    """Have a person sent a mail, in the writing transaction that is under way; None when they are already.

    It is sent with the rights of the current viewer. `href` is a page of ours.
    """
    if session.scalar(select(Mail.id).where(Mail.cause == cause)) is not None:
        return None
    person = _person(session, user_id)
    who = person.full_name if person is not None else f"#{user_id}"
    title = _("Mail to %(who)s: %(subject)s", who=who, subject=subject)
    job = request_job(KIND.name, {"cause": cause}, KIND.queue, title, 1)
    mail = Mail(
        cause=cause,
        job_id=job.id,
        user_id=user_id,
        subject=freeze(subject),
        lines=[freeze(line) for line in lines],
        href=href,
        file_of=file_of,
        attach=attach,
        state=OPEN,
    )
    session.add(mail)
    session.flush()
    return mail


def ask_outside(
    session: Session, cause: str, to: Outside, subject: Any, lines: Sequence[Any], href: str
) -> Mail | None:
    """Have somebody without an account sent a mail; as `ask`. The address is read when it is sent."""
    if session.scalar(select(Mail.id).where(Mail.cause == cause)) is not None:
        return None
    who = f"{registry.current().entity(to.entity).label} #{to.record_id}"
    title = _("Mail to %(who)s: %(subject)s", who=who, subject=subject)
    job = request_job(KIND.name, {"cause": cause}, KIND.queue, title, 1)
    mail = Mail(
        cause=cause,
        job_id=job.id,
        to=asdict(to),
        subject=freeze(subject),
        lines=[freeze(line) for line in lines],
        href=href,
        state=OPEN,
    )
    session.add(mail)
    session.flush()
    return mail


def send(run: Run) -> dict[str, Any]:
    """Send the mail of a job. Raises StewardError, TryLater when it may be tried again."""
    mail = db.session.scalar(select(Mail).where(Mail.cause == str(run.arguments["cause"])))
    if mail is None:
        raise NotFound(_("There is no such mail any more."))
    if mail.state == SENT:
        return _result(mail)
    if mail.state == SENDING:
        _note(mail.id, UNKNOWN)
        raise StewardError(
            _(
                "It was stopped while the mail server took the mail: whether it arrives is not known. "
                "Retry sends it again."
            )
        )
    letter = _letter(mail, run)

    def handing_over() -> None:
        _note(mail.id, SENDING, run)

    try:
        post().send(letter, handing_over)
    except MailUncertain:
        _note(mail.id, UNKNOWN)
        raise
    except StewardError:
        _note(mail.id, OPEN)
        raise
    _note(mail.id, SENT)
    if letter.attachment is not None:
        details = {"job": mail.file_of, "name": letter.attachment.name, "by": "mail"}
        audit.record("download", person_id=mail.user_id, details=details)
    return _result(mail)


def _result(mail: Mail) -> dict[str, Any]:
    return {"mail": mail.id, "to": mail.user_id if mail.to is None else mail.to}


def _note(mail_id: int, state: str, run: Run | None = None) -> None:
    """Write down how far it is; with the run, only while that has the claim. Raises JobLost."""
    with write_transaction() as session:
        if run is not None:
            run.hold(session)
        mail = session.get_one(Mail, mail_id, populate_existing=True)
        mail.state = state
        mail.sent_at = now() if state == SENT else None


# -- what is written -----------------------------------------------------------------------------


def _letter(mail: Mail, run: Run) -> Letter:
    """In the words of whoever gets it. Raises StewardError when they may not have it, or can't."""
    if mail.to is not None:
        return _letter_outside(mail, Outside(**mail.to), run)
    person = _person(db.session(), mail.user_id or 0)
    if person is None or not person.active:
        raise StewardError(_("There is no active user any more to send it to."))
    if not person.email:
        raise StewardError(_("%(who)s has no mail address.", who=person.full_name))
    about = _allowed_file(mail)
    with force_locale(person.language or _DEFAULT_LANGUAGE):
        attachment = _attachment(about) if about is not None and mail.attach else None
        lines = [thaw(line) for line in mail.lines]
        if about is not None:
            lines += _about_file(about, mail.attach, attachment is not None)
        lines.insert(len(mail.lines), f"{post().public_url}{_path(mail.href)}")
        return Letter(
            name=person.full_name,
            address=person.email,
            subject=thaw(mail.subject),
            text="\n\n".join([*lines, f"-- \nSteward · {post().public_url}"]) + "\n",
            token=f"{run.id}.{mail.id}",
            attachment=attachment,
        )


def _letter_outside(mail: Mail, to: Outside, run: Run) -> Letter:
    """Raises StewardError when the record is gone or holds no address any more."""
    with force_locale(to.language):
        return Letter(
            name="",
            address=_address_of(to),
            subject=thaw(mail.subject),
            text="\n\n".join(
                [*map(thaw, mail.lines), f"{post().public_url}{_path(mail.href)}", "-- \nSteward"]
            )
            + "\n",
            token=f"{run.id}.{mail.id}",
        )


def _address_of(to: Outside) -> str:
    definition = registry.current().entity(to.entity)
    model: Any = definition.model
    address = definition.field(to.field).expression(model)
    statement = select(address).where(model.id == to.record_id, model.deleted_at.is_(None))
    with policy.unrestricted("a mail goes to the address that stands there, whoever asked") as all_:
        found = all_.scalar(statement)
    if not found:
        raise StewardError(
            _(
                "%(entity)s %(number)s has no mail address any more.",
                entity=definition.label,
                number=to.record_id,
            )
        )
    return str(found)


def _path(href: str) -> str:
    if not href.startswith(MADE_WHEN_SENT):
        return href
    kind, _colon, which = href.removeprefix(MADE_WHEN_SENT).partition(":")
    return _makers[kind](which)


def _allowed_file(mail: Mail) -> Job | None:
    """The job whose file it is about. Raises NotFound, NotAllowed when the person may not have it."""
    if mail.file_of is None:
        return None
    job: Job | None = db.session.get(Job, mail.file_of)
    if job is None or job.state != DONE:
        raise NotFound(_("The file is not kept any more."))
    job_files.may_have(job, mail.user_id or 0)
    return job


def _about_file(job: Job, wanted: bool, attached: bool) -> list[str]:
    if attached:
        return [gettext("The file goes along with this mail.")]
    words = []
    if wanted:
        words.append(gettext("The file is too large for a mail."))
    if job.keep_until is not None:
        until = full_time(job.keep_until)
        words.append(gettext("It can be downloaded until %(when)s, after signing in.", when=until))
    return words


def _attachment(job: Job) -> Attachment | None:
    result = job.result or {}
    limit = current_app.config["STEWARD"].mail_attach_limit
    if int(result.get("size", 0)) > limit:
        return None
    with store().open(str(result["file"])) as file:
        return Attachment(str(result["name"]), str(result["type"]), file.read())


def _person(session: Session, user_id: int) -> Any:
    return session.get(current_app.appbuilder.sm.user_model, user_id)  # type: ignore[attr-defined]


# -- results of jobs -----------------------------------------------------------------------------


@also
def _mail_result(session: Session, job: Job, told: Notification) -> None:
    """What people are told of their jobs goes to those by mail too who want it so."""
    if not available() or job.kind == KIND.name or job.asked_by is None:
        return
    if job.state == DONE and job.asked_by in job_files.recipients(job):
        return  # they are sent the file
    person = _person(session, job.asked_by)
    if person is None or not person.mails_results:
        return
    session.flush()
    lines = [told.message, *([told.detail] if told.detail else [])]
    with policy.acting_as(policy.viewer_by_id(job.asked_by)):
        ask(session, f"notice:{told.id}", job.asked_by, told.message, lines, told.href)
