"""Mail: one message at a time, handed to an SMTP server. The only file that knows how that is spoken."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.adapters.logs import redacted
from app.engine.errors import StewardError, TryLater

_SECONDS = 30
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_LONGEST_LINE = 200
_ADDRESS = re.compile(r"[^\s<>@,;:\"()\x00-\x1f\x7f]+@[^\s<>@,;:\"()\x00-\x1f\x7f]+")


class MailRefused(StewardError):
    """The mail server will not take it, now or later; or it cannot be said to it at all."""


class MailDelayed(TryLater):
    """The mail server could not be reached, or asks to come again later. It has taken nothing."""


class MailUncertain(StewardError):
    """The connection broke while the mail was handed over: it may have been taken or not."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """One message to one person. `token` is the same each time that it is tried."""

    name: str
    address: str
    subject: str
    text: str
    token: str
    attachment: Attachment | None = None


class Post:
    """The mail server of one application; without an address there is none."""

    def __init__(self, url: str | None, sender: str | None, public_url: str | None) -> None:
        parts = urlsplit(url or "")
        self.ready = bool(url and sender and public_url)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or _PORTS.get(parts.scheme, 0)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = parseaddr(sender or "")
        self.public_url = public_url or ""

    def send(self, letter: Letter, before_content: Callable[[], None]) -> None:
        """Hand it over. `before_content` is called when the server will take it, before it is given.

        Raises MailDelayed or MailRefused when the server has not taken it, MailUncertain when that is
        not known.
        """
        if not self.ready:
            raise MailRefused(_("Mail is not set up."))
        sender, recipient = _address(*self._sender), _address(letter.name, letter.address)
        message = self._message(letter, sender, recipient)
        with _answers(), self._connected() as server:
            self._announce(server, sender.addr_spec, recipient.addr_spec)
            content = message.as_bytes()
            before_content()
            try:
                code, words = server.data(content)
            except smtplib.SMTPResponseException:
                raise
            except OSError as error:
                raise MailUncertain(
                    _(
                        "The connection to the mail server broke while it took the mail: whether it "
                        "arrives is not known. Retry sends it again."
                    )
                ) from error
            _expect(code, words)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._scheme == "smtps":
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_SECONDS)
        try:
            if self._scheme == "smtp+starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self._user:
                server.login(self._user, self._password)
            yield server
            with suppress(OSError):  # what it has taken it has taken, however it says good-bye
                server.docmd("QUIT")
        finally:
            server.close()

    def _announce(self, server: smtplib.SMTP, sender: str, recipient: str) -> None:
        wide = not (sender + recipient).isascii()
        if wide and not server.has_extn("smtputf8"):
            raise MailRefused(
                _("The mail server can't send to the address “%(address)s”.", address=recipient)
            )
        _expect(*server.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if wide else []))
        _expect(*server.rcpt(recipient))

    def _message(self, letter: Letter, sender: Address, recipient: Address) -> EmailMessage:
        wide = not (sender.addr_spec + recipient.addr_spec).isascii()
        message = EmailMessage(policy=(SMTPUTF8 if wide else SMTP).clone(cte_type="7bit"))
        message["From"], message["To"] = sender, recipient
        message["Subject"] = one_line(letter.subject)
        message["Date"] = format_datetime(now())
        message["Message-ID"] = f"<{letter.token}@{urlsplit(self.public_url).hostname}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        if letter.attachment is not None:
            kind, _slash, detail = letter.attachment.media_type.partition(";")[0].partition("/")
            message.add_attachment(
                letter.attachment.content,
                maintype=kind,
                subtype=detail,
                filename=one_line(letter.attachment.name),
            )
        return message


def one_line(text: str) -> str:
    """Text as a header may hold it: nothing in it begins a line."""
    return " ".join("".join(s if s.isprintable() else " " for s in text).split())[:_LONGEST_LINE]


def _address(name: str, address: str) -> Address:
    """Raises MailRefused for what is no address."""
    local, _at, domain = address.rpartition("@")
    wrong = MailRefused(_("“%(address)s” is no mail address.", address=one_line(address)))
    if not _ADDRESS.fullmatch(address):
        raise wrong
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode()
        return Address(one_line(name), local, plain)
    except (ValueError, MessageError, IndexError) as error:
        raise wrong from error


def _expect(code: int, words: bytes | str) -> None:
    """Raises MailDelayed or MailRefused unless the server agrees."""
    if 200 <= code < 300:
        return
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    why = one_line(redacted(f"{code} {said}"))
    if 400 <= code < 500:
        raise MailDelayed(_("The mail server asks to come again later: %(why)s", why=why))
    raise MailRefused(_("The mail server refused it: %(why)s", why=why))


@contextmanager
def _answers() -> Iterator[None]:
    """The library's faults as ours."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        _expect(error.smtp_code, error.smtp_error)
        raise
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused(
            _(
                "The mail server does not offer what it is asked for: %(why)s",
                why=one_line(redacted(str(error))),
            )
        ) from error
    except ssl.SSLError as error:
        raise MailRefused(
            _("No safe connection to the mail server: %(why)s", why=one_line(redacted(str(error))))
        ) from error
    except OSError as error:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        why = one_line(redacted(words))
        raise MailDelayed(_("The mail server did not answer: %(why)s", why=why)) from error


def init(app: Flask) -> None:
    """Note the application's mail server; nothing is opened yet."""
    settings: Any = app.config["STEWARD"]
    app.extensions["steward.mail"] = Post(
        settings.mail_url, settings.mail_from, settings.public_url
    )


def post() -> Post:
    """The application's mail server."""
    found: Post = current_app.extensions["steward.mail"]
    return found
