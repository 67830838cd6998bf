"""What can be wrong before anything starts, each found at once and said in one line."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import fsspec
import redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from app.engine.adapters.appbuilder import saml_parties
from app.engine.adapters.embedded_queue import ask
from config import LOOPBACK, Settings, SettingsError, without_password

SECONDS = 5
FEWEST_SIGNS = 12
"""Different characters in a key of 32 and more; a drawn one has twice as many."""


def port_is_free(settings: Settings) -> None:
    """Raises `SettingsError` when the web server could not listen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror}); "
                "choose another, for example PORT=8001."
            ) from error


def database_answers(settings: Settings) -> None:
    """Raises `SettingsError` when the database cannot be reached or is not one."""
    try:
        url = make_url(settings.database_url)
        sqlite = url.get_backend_name() == "sqlite"
        limit = {} if sqlite else {"connect_timeout": SECONDS}
        engine = create_engine(url, poolclass=NullPool, connect_args=limit)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA schema_version" if sqlite else "SELECT 1"))
    except (SQLAlchemyError, ValueError, UnicodeError) as error:
        raise SettingsError(
            f"DATABASE_URL: {without_password(settings.database_url)} cannot be used "
            f"({_reason(error)})."
        ) from error


def files_known(settings: Settings) -> None:
    """Raises `SettingsError` when `FILES_URL` names no kind of store that can be used here."""
    try:
        fsspec.core.url_to_fs(settings.files_url)
    except (ValueError, ImportError, OSError) as error:
        raise SettingsError(
            f"FILES_URL: {without_password(settings.files_url)} cannot be used ({_reason(error)})."
        ) from error


def queue_answers(settings: Settings) -> None:
    """Raises `SettingsError` when `REDIS_URL` names no queue that answers."""
    url = settings.redis_url or ""
    try:
        ask(url, SECONDS)
    except (redis.RedisError, OSError, ValueError) as error:
        raise SettingsError(
            f"REDIS_URL: {without_password(url)} does not answer ({_reason(error)})."
        ) from error


def saml_known(settings: Settings) -> None:
    """Raises `SettingsError` when a file of SAML's can't be used."""
    if not (settings.saml_idp_metadata or settings.saml_idp_entity_id):
        return
    try:
        saml_parties.parties(settings)
    except saml_parties.SetUpWrongly as error:
        raise SettingsError(f"SAML: {error}.") from error


def unsafe(settings: Settings) -> Iterator[str]:
    """What the operator should know of settings that can be used, but not safely: a line each."""
    open_to_all = settings.host not in LOOPBACK and settings.host != "::1"
    public = urlsplit(settings.public_url or "")
    if open_to_all and not settings.trusted_proxies:
        yield (
            f"HOST={settings.host} without TRUSTED_PROXIES: passwords and data cross the network "
            "readable by others. Put a proxy with HTTPS in front and set TRUSTED_PROXIES=1."
        )
    if settings.trusted_proxies and not open_to_all and public.scheme == "http":
        yield "PUBLIC_URL begins with http: links in mails lead people past HTTPS."
    if open_to_all and settings.trusted_proxies and not settings.known_hosts:
        yield "ALLOWED_HOSTS and PUBLIC_URL are empty: Steward answers to any host name."
    if settings.secret_key and len(set(settings.secret_key)) < FEWEST_SIGNS:
        yield (
            "SECRET_KEY can be guessed: take the output of "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    if settings.mail_url and _sends_openly(settings.mail_url):
        yield "MAIL_URL sends a password unencrypted: use smtps:// or smtp+starttls://."
    if settings.redis_url and _sends_openly(settings.redis_url):
        yield "REDIS_URL sends a password unencrypted over the network: use rediss://."
    yield from _open_sign_in(settings)
    if open_to_all and settings.demo and not settings.admin_password:
        yield "DEMO=1 on a server that others reach: set DEMO=0 before real data go in."


def _open_sign_in(settings: Settings) -> Iterator[str]:
    """Ways of signing in whose words cross the network readable by others."""
    directory, issuer = urlsplit(settings.ldap_url or ""), urlsplit(settings.oidc_issuer or "")
    saml, here = urlsplit(settings.saml_idp_sso_url or ""), (*LOOPBACK, "::1")
    if directory.scheme == "ldap" and not settings.ldap_starttls and directory.hostname not in here:
        yield "LDAP_URL sends passwords unencrypted: use ldaps:// or set LDAP_STARTTLS=1."
    if issuer.scheme == "http" and issuer.hostname not in here:
        yield "OIDC_ISSUER begins with http: others on the network can sign in as anybody."
    if saml.scheme == "http" and saml.hostname not in here:
        yield "SAML_IDP_SSO_URL begins with http: others can lead people to a page of their own."


def _sends_openly(url: str) -> bool:
    """Whether a password goes to another machine without encryption."""
    parts = urlsplit(url)
    return (
        bool(parts.password)
        and parts.scheme in ("smtp", "redis")
        and parts.hostname not in (*LOOPBACK, "::1")
    )


def _reason(error: BaseException) -> str:
    """The driver's own words, on one line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[-1] if lines else type(cause).__name__)[:300].rstrip(".")
