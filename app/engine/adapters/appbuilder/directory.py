"""Passwords that the company's directory (LDAP) knows: it is asked each time, and nothing of it is kept."""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.adapters.appbuilder.providers import Identity, SignInRefused
from config import Settings

log = logging.getLogger(__name__)

KEY = "ldap"

LABEL = _("Company directory")
"""What people call it."""

SUCCESS = 0

TIMEOUT = 5
"""Seconds to connect, and to wait for each answer."""


def identity(settings: Settings, name: str, password: str) -> Identity | None:
    """Who has this user name and password there; None when nobody has. Raises SignInRefused.

    An empty password is refused here: directories take it for asking as nobody, and say yes.
    """
    if not password or not name.strip() or "\0" in name + password:
        return None
    from ldap3.core.exceptions import LDAPException

    try:
        found = _found(settings, name.strip())
        if found is None:
            return None
        with _connected(settings, found["dn"], password) as taken:
            return _identity(settings, found) if taken is not None else None
    except (LDAPException, OSError) as error:
        raise _unreachable(error) from error


def confirms(
    settings: Settings, subject: str, username: str, email: str | None, password: str
) -> bool:
    """Whether this is the password there of whoever is linked by this subject. Raises SignInRefused.

    The password is shown to the directory only as that person's: an entry of another subject, which
    happens to be called like the account here, is not tried.
    """
    if not password or "\0" in password:
        return False
    from ldap3.core.exceptions import LDAPException

    names = [(settings.ldap_user_field, username), (settings.ldap_email_field, email or "")]
    names.insert(1, (settings.ldap_user_field, username.removeprefix(f"{KEY}.")))
    try:
        for attribute, name in dict.fromkeys(names):
            found = _found(settings, name, attribute) if name else None
            if found is not None and _identity(settings, found).subject == subject:
                with _connected(settings, found["dn"], password) as taken:
                    return taken is not None
    except (LDAPException, OSError) as error:
        raise _unreachable(error) from error
    return False


def _unreachable(error: Exception) -> SignInRefused:
    log.warning("the directory can't be asked: %s", type(error).__name__)
    return SignInRefused(
        _("The company's directory can't be reached at the moment. Try again later.")
    )


def _found(settings: Settings, name: str, attribute: str | None = None) -> Mapping[str, Any] | None:
    """The one entry of that name, seen with the rights of LDAP_BIND_USER. Raises SignInRefused.

    `attribute`: what the name is; None: LDAP_USER_FIELD.
    """
    from ldap3.utils.conv import escape_filter_chars

    wanted = f"({attribute or settings.ldap_user_field}={escape_filter_chars(name)})"
    if settings.ldap_search_filter:
        wanted = f"(&{settings.ldap_search_filter}{wanted})"
    with _connected(settings, settings.ldap_bind_user, settings.ldap_bind_password) as asking:
        if asking is None:
            raise _set_up_wrongly("it refuses LDAP_BIND_USER")
        # Without the schema, asking for an attribute that is not there is no mistake.
        asking.search(settings.ldap_search_base, wanted, attributes=_attributes(settings))
        if asking.result["result"] != SUCCESS:
            raise _set_up_wrongly(f"it refuses to search: {asking.result['description']}")
        entries = [one for one in asking.response or () if one["type"] == "searchResEntry"]
    if len(entries) > 1:
        log.warning("the directory has several entries for one user name")
    return entries[0] if len(entries) == 1 else None


def _set_up_wrongly(why: str) -> SignInRefused:
    log.warning("the directory is not set up rightly: %s", why)
    return SignInRefused(_("The company's directory is not set up rightly. Tell an administrator."))


@contextmanager
def _connected(settings: Settings, user: str | None, password: str | None) -> Iterator[Any | None]:
    """A connection as somebody, or as nobody; None when the password is not theirs."""
    import ldap3

    checks = ldap3.Tls(
        validate=ssl.CERT_REQUIRED,
        ca_certs_file=str(settings.ldap_ca_file) if settings.ldap_ca_file else None,
    )
    server = ldap3.Server(
        str(settings.ldap_url), tls=checks, connect_timeout=TIMEOUT, get_info=ldap3.NONE
    )
    connection = ldap3.Connection(
        server,
        user=user,
        password=password,
        authentication=ldap3.SIMPLE if user else ldap3.ANONYMOUS,
        read_only=True,
        auto_referrals=False,  # else a directory could have the password sent to another one
        receive_timeout=TIMEOUT,
    )
    try:
        connection.open()
        if settings.ldap_starttls:
            connection.start_tls()
        yield connection if connection.bind() else None
    finally:
        connection.unbind()


def _attributes(settings: Settings) -> list[str]:
    return [
        settings.ldap_user_field,
        settings.ldap_email_field,
        settings.ldap_name_field,
        settings.ldap_group_field,
        settings.ldap_id_field,
    ]


def _identity(settings: Settings, entry: Mapping[str, Any]) -> Identity:
    raw = {name.lower(): values for name, values in entry["raw_attributes"].items()}

    def values(name: str) -> list[str]:
        return [one.decode(errors="replace") for one in raw.get(name.lower(), ())]

    def first(name: str) -> str | None:
        return next(iter(values(name)), "").strip() or None

    username = first(settings.ldap_user_field) or str(entry["dn"])
    return Identity(
        KEY,
        _subject(raw.get(settings.ldap_id_field.lower()), str(entry["dn"])),
        first(settings.ldap_name_field) or username,
        first(settings.ldap_email_field),
        username,
        tuple(values(settings.ldap_group_field)),
    )


def _subject(given: list[bytes] | None, dn: str) -> str:
    """What stays theirs when they are renamed or moved; where the directory has no such, the place."""
    kept = given[0] if given else dn.casefold().encode()
    return hashlib.sha256(kept).hexdigest()
