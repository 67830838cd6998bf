"""What the processes write about themselves, and that no secret is in it.

Known secrets (passwords, keys, those inside addresses) are replaced wherever they stand; what only
looks like one, by its shape: tokens, cookies, passwords in forms, JSON and addresses.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from urllib.parse import unquote, urlsplit

from config import Settings

HIDDEN = "***"
_SHORTEST = 6
"""Shorter ones stand in ordinary words too; the shapes below find them where they are named."""

_NAMES = r"pass(?:word|wd|phrase)?|pwd|secret\w*|\w*token|api[_-]?key|\w*_key|csrf\w*|session|__Host-session"
_SHAPES = (
    # A password inside an address.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b((?:Set-)?Cookie['\"]?\s*[:=]\s*).+", re.IGNORECASE), rf"\1{HIDDEN}"),
    # A JSON web token, and what itsdangerous signs: a session, a token of a form.
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"(?<![\w.])\.?[\w-]{20,}\.[\w-]{6}\.[\w-]{27,}"), HIDDEN),
    (
        re.compile(
            rf"((?<![a-z0-9])(?:{_NAMES})['\"]?\s*[=:,]\s*)(['\"])(?:(?!\2).)*\2", re.IGNORECASE
        ),
        rf"\1\2{HIDDEN}\2",
    ),
    (
        re.compile(rf"((?<![a-z0-9])(?:{_NAMES})\s*=\s*)[^\s&;,'\")*]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)

_known: set[str] = set()


def know(settings: Settings) -> None:
    """From here on what is secret in these settings is written nowhere."""
    for secret in (
        settings.secret_key, settings.admin_password, *settings.encryption_keys,
        settings.wecom_secret, settings.dingtalk_client_secret, settings.feishu_app_secret,
        settings.oidc_client_secret, settings.ldap_bind_password,
    ):  # fmt: skip
        _add(secret)
    for url in (
        settings.database_url, settings.redis_url, settings.files_url, settings.mail_url,
    ):  # fmt: skip
        _add(_password_in(url))


def _password_in(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").password
    except ValueError:
        return None


def _add(secret: str | None) -> None:
    for spelled in {secret or "", unquote(secret or "")}:
        if len(spelled) >= _SHORTEST:
            _known.add(spelled)


def redacted(text: str) -> str:
    """The text without secrets."""
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


class Redacting(logging.Filter):
    """On a handler: every line that it writes, and every traceback, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redacted(
                "".join(traceback.format_exception(*record.exc_info)).rstrip()
            )
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return True


def begin(settings: Settings) -> None:
    """In a process of ours: warnings and worse go to standard error, without secrets."""
    know(settings)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, Redacting) for one in handler.filters):
            handler.addFilter(Redacting())
    sys.excepthook = _written


def _written(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ended a process, as Python would write it."""
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))
