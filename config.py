"""Every setting, read from the environment once. Nothing here acts: no file is made, nothing is opened."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
MAIL_SCHEMES = ("smtp", "smtps", "smtp+starttls")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  named here, opened only by the operator's word


SAML_ACS, SAML_METADATA = "/providers/saml/acs", "/providers/saml/metadata"
"""Below PUBLIC_URL: where answers by SAML are posted to, and what the provider is told of Steward."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class SettingsError(Exception):
    """A setting, or what it points to, cannot be used. The message is one line for the operator."""


def _text(name: str, raw: str) -> str:
    if "\0" in raw or "\n" in raw:
        raise SettingsError(f"{name} must be one line of text.")
    return raw


def _whole_number(low: int, high: int) -> Callable[[str, str], int]:
    def parse(name: str, raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and low <= int(raw) <= high):
            raise SettingsError(f"{name} must be a whole number from {low} to {high}, not “{raw}”.")
        return int(raw)

    return parse


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def parse(name: str, raw: str) -> str:
        if raw not in choices:
            raise SettingsError(f"{name} must be {' or '.join(choices)}, not “{raw}”.")
        return raw

    return parse


def _flag(name: str, raw: str) -> bool:
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise SettingsError(f"{name} must be 1 or 0, not “{raw}”.")


def _folder(name: str, raw: str) -> Path:
    return Path(_text(name, raw)).expanduser().absolute()


def _database_url(name: str, raw: str) -> str:
    """Name the driver, and make a SQLite file's path independent of where a process is started."""
    scheme, mark, rest = _text(name, raw).partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and mark and rest:
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") and ":memory:" not in rest:
        path, question, query = rest[1:].partition("?")
        return f"sqlite:///{Path(path).expanduser().absolute()}{question}{query}"
    raise SettingsError(
        f"{name} must look like postgresql://user@host/name or sqlite:////folder/file.db, "
        f"not “{without_password(raw)}”."
    )


def _redis_url(name: str, raw: str) -> str:
    if not _text(name, raw).startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            f"{name} must look like redis://host:6379/0, not “{without_password(raw)}”."
        )
    return raw


def _files_url(name: str, raw: str) -> str:
    if "://" not in _text(name, raw):
        return f"file://{Path(raw).expanduser().absolute()}"
    return raw


def _password(name: str, raw: str) -> str:
    if len(_text(name, raw)) < 8:
        raise SettingsError(f"{name} must have at least 8 characters.")
    return raw


def _secret(name: str, raw: str) -> str:
    if len(_text(name, raw)) < 32:
        raise SettingsError(f"{name} must have at least 32 characters.")
    return raw


def _mail_url(name: str, raw: str) -> str:
    try:
        parts = urlsplit(_text(name, raw))
        known = parts.scheme in MAIL_SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise SettingsError(
            f"{name} must look like smtp://host:25, smtps://user:password@host or "
            f"smtp+starttls://user:password@host:587, not “{without_password(raw)}”."
        )
    return raw


def _mail_address(name: str, raw: str) -> str:
    """An address, or a name and an address in angle brackets."""
    address = parseaddr(_text(name, raw))[1]
    local, _at, domain = address.rpartition("@")
    if not local or not domain or any(sign.isspace() or ord(sign) < 32 for sign in address):
        raise SettingsError(
            f"{name} must look like steward@example.com or Steward <steward@example.com>, not “{raw}”."
        )
    return raw


def _public_url(name: str, raw: str) -> str:
    try:
        parts = urlsplit(_text(name, raw))
        known = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username:
        raise SettingsError(f"{name} must look like https://steward.example.com, not “{raw}”.")
    return raw.rstrip("/")


_SECRET_OPTION = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&#]*")


def without_password(url: str) -> str:
    """The URL as it may be shown in a message or a log.

    One that cannot be taken apart is cut before its last “@”, so that no part of a password is left.
    """
    url = _SECRET_OPTION.sub(r"\1***", url)
    try:
        password = urlsplit(url).password
    except ValueError:
        return f"***@{url.rpartition('@')[2]}"
    if password:
        return url.replace(f":{password}@", ":***@", 1)
    return url


def _keys(name: str, raw: str) -> tuple[str, ...]:
    """Keys with commas between, the one that writes first."""
    keys = tuple(key.strip() for key in _text(name, raw).split(","))
    if len(set(keys)) < len(keys) or any(len(key) < 32 for key in keys):
        raise SettingsError(
            f"{name} must be one or more different keys of at least 32 characters, with commas between."
        )
    return keys


def _hosts(name: str, raw: str) -> tuple[str, ...]:
    """Host names with commas between; “.example.com” stands for all below it."""
    hosts = tuple(host.strip().lower() for host in _text(name, raw).split(",") if host.strip())
    if not all(re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*|\[[0-9a-f:]+\]", host) for host in hosts):
        raise SettingsError(f"{name} must look like crm.example.com,.example.org, not “{raw}”.")
    return hosts


def _group_roles(name: str, raw: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A JSON object: groups, and the names of the roles that each gives."""
    try:
        given = json.loads(raw)
    except ValueError:
        given = None
    if isinstance(given, dict) and given and all(map(_are_names, given.values())):
        return tuple((group, tuple(roles)) for group, roles in given.items())
    raise SettingsError(f'{name} must look like {{"group": ["Role"]}}, in one line of JSON.')


def _are_names(roles: object) -> bool:
    return isinstance(roles, list) and bool(roles) and all(isinstance(one, str) for one in roles)


def _directory_url(name: str, raw: str) -> str:
    try:
        parts = urlsplit(_text(name, raw))
        known = parts.scheme in ("ldap", "ldaps") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.username or parts.path.strip("/") or parts.query:
        raise SettingsError(
            f"{name} must look like ldaps://directory.example.com, not “{without_password(raw)}”."
        )
    return raw.rstrip("/")


def _entity_id(name: str, raw: str) -> str:
    """An address, or a name of any kind that can stand in XML as it is."""
    if re.search(r"[\s<>&\"'\0]", raw) or len(raw) > 1024:
        raise SettingsError(f"{name} must be an address or name without blanks, not “{raw}”.")
    return raw


def _web_address(name: str, raw: str) -> str:
    """As `_public_url`, but there may be a query."""
    _public_url(name, _text(name, raw).partition("?")[0])
    return raw


def _attribute(name: str, raw: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", raw):
        raise SettingsError(f"{name} must be the name of an attribute such as uid, not “{raw}”.")
    return raw


def _file(name: str, raw: str) -> Path:
    path = _folder(name, raw)
    if not path.is_file():
        raise SettingsError(f"{name} must name a file, and there is none at {path}.")
    return path


def _setting(
    name: str,
    parse: Callable[[str, str], Any],
    default: Any,
    says: str,
    shown: str | None = None,
    secret: bool = False,
) -> Any:
    """One field of `Settings`: its variable, how it is read, its default and what it is for."""
    metadata = {
        "variable": name,
        "parse": parse,
        "says": says,
        "default": shown or str(default),
    }
    return field(default=default, metadata=metadata, repr=not secret)


def _provider_setting(name: str, says: str, secret: bool = False) -> Any:
    """An identifier or secret that the provider gives; without it the provider is not offered."""
    return _setting(name, _text, None, says, "none", secret)


def _provider_url(name: str, default: str, says: str) -> Any:
    return _setting(name, _public_url, default, says)


@dataclass(frozen=True)
class ProviderSettings:
    """Sign-in by 企业微信 (WeCom), 钉钉 (DingTalk) and 飞书 (Feishu)."""

    wecom_corp_id: str | None = _provider_setting("WECOM_CORP_ID", "企业微信: the company's id")
    wecom_agent_id: str | None = _provider_setting(
        "WECOM_AGENT_ID", "企业微信: the application's id"
    )
    wecom_secret: str | None = _provider_setting(
        "WECOM_SECRET", "企业微信: the application's secret", secret=True
    )
    wecom_url: str = _provider_url(
        "WECOM_URL", "https://qyapi.weixin.qq.com", "企业微信: where its interface is"
    )
    wecom_login_url: str = _provider_url(
        "WECOM_LOGIN_URL",
        "https://login.work.weixin.qq.com/wwlogin/sso/login",
        "企业微信: where people are sent to sign in",
    )
    dingtalk_client_id: str | None = _provider_setting(
        "DINGTALK_CLIENT_ID", "钉钉: the application's client id (AppKey)"
    )
    dingtalk_client_secret: str | None = _provider_setting(
        "DINGTALK_CLIENT_SECRET", "钉钉: the application's client secret", secret=True
    )
    dingtalk_corp_id: str | None = _provider_setting(
        "DINGTALK_CORP_ID", "钉钉: the company's id; people of other companies are refused"
    )
    dingtalk_url: str = _provider_url(
        "DINGTALK_URL", "https://api.dingtalk.com", "钉钉: where its interface is"
    )
    dingtalk_login_url: str = _provider_url(
        "DINGTALK_LOGIN_URL",
        "https://login.dingtalk.com/oauth2/auth",
        "钉钉: where people are sent to sign in",
    )
    feishu_app_id: str | None = _provider_setting("FEISHU_APP_ID", "飞书: the application's id")
    feishu_app_secret: str | None = _provider_setting(
        "FEISHU_APP_SECRET", "飞书: the application's secret", secret=True
    )
    feishu_url: str = _provider_url(
        "FEISHU_URL", "https://open.feishu.cn", "飞书: where its interface is"
    )
    feishu_login_url: str = _provider_url(
        "FEISHU_LOGIN_URL",
        "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
        "飞书: where people are sent to sign in",
    )
    provider_match: str | None = _setting(
        "PROVIDER_MATCH",
        _one_of("email", "user_id"),
        None,
        "accounts that nobody linked are found by e-mail address, or by the user name that 企业微信, the directory or the OpenID Connect or SAML provider tells",
        "only linked ones",
    )
    provider_default_role: str | None = _setting(
        "PROVIDER_DEFAULT_ROLE",
        _text,
        None,
        "who has no account is given one with this role",
        "nobody is given one",
    )
    provider_group_roles: tuple[tuple[str, tuple[str, ...]], ...] = _setting(
        "PROVIDER_GROUP_ROLES",
        _group_roles,
        (),
        'roles by groups of the provider or directory, given and taken at each sign-in: {"group": ["Role"]}',
        "roles are given here alone",
    )


@dataclass(frozen=True)
class OpenIdSettings(ProviderSettings):
    """Sign-in by a provider that speaks OpenID Connect."""

    oidc_issuer: str | None = _setting(
        "OIDC_ISSUER", _public_url, None, "OpenID Connect: the provider's issuer address", "none"
    )
    oidc_client_id: str | None = _provider_setting(
        "OIDC_CLIENT_ID", "OpenID Connect: the client's id"
    )
    oidc_client_secret: str | None = _provider_setting(
        "OIDC_CLIENT_SECRET", "OpenID Connect: the client's secret", secret=True
    )
    oidc_name: str = _setting(
        "OIDC_NAME", _text, "OpenID Connect", "OpenID Connect: what people call the provider"
    )
    oidc_scopes: str = _setting(
        "OIDC_SCOPES", _text, "openid profile email", "OpenID Connect: what is asked for"
    )
    oidc_user_claim: str = _setting(
        "OIDC_USER_CLAIM", _text, "preferred_username", "OpenID Connect: the claim of the user name"
    )
    oidc_group_claim: str = _setting(
        "OIDC_GROUP_CLAIM", _text, "groups", "OpenID Connect: the claim of the groups"
    )
    oidc_trust_email: bool = _setting(
        "OIDC_TRUST_EMAIL",
        _flag,
        False,
        "1: addresses count though the provider does not say that it verified them",
        "0",
    )


@dataclass(frozen=True)
class SamlSettings(OpenIdSettings):
    """Sign-in by a provider that speaks SAML 2.0."""

    saml_idp_metadata: Path | None = _setting(
        "SAML_IDP_METADATA", _file, None, "SAML: file of the provider's metadata", "none"
    )
    saml_idp_entity_id: str | None = _setting(
        "SAML_IDP_ENTITY_ID",
        _entity_id,
        None,
        "SAML: what the provider calls itself; which one, where the metadata hold several",
        "as in the metadata",
    )
    saml_idp_sso_url: str | None = _setting(
        "SAML_IDP_SSO_URL",
        _web_address,
        None,
        "SAML: where people are sent to sign in (HTTP-Redirect)",
        "as in the metadata",
    )
    saml_idp_certificates: Path | None = _setting(
        "SAML_IDP_CERTIFICATES",
        _file,
        None,
        "SAML: file of the provider's certificates in PEM; while it changes them, the old and the new",
        "as in the metadata",
    )
    saml_name: str = _setting("SAML_NAME", _text, "SAML", "SAML: what people call the provider")
    saml_entity_id: str | None = _setting(
        "SAML_ENTITY_ID",
        _entity_id,
        None,
        "SAML: what Steward is called at the provider",
        "address of its metadata",
    )
    saml_key_file: Path | None = _setting(
        "SAML_KEY_FILE",
        _file,
        None,
        "SAML: Steward's RSA key in PEM; with it requests are signed and encrypted answers read",
        "none",
    )
    saml_certificate_file: Path | None = _setting(
        "SAML_CERTIFICATE_FILE", _file, None, "SAML: the certificate of SAML_KEY_FILE", "none"
    )
    saml_id_attribute: str = _setting(
        "SAML_ID_ATTRIBUTE",
        _text,
        "NameID",
        "SAML: attribute that stays the same for ever; NameID stands for the subject's name",
    )
    saml_user_attribute: str = _setting(
        "SAML_USER_ATTRIBUTE", _text, "uid", "SAML: attribute of the user name"
    )
    saml_email_attribute: str = _setting(
        "SAML_EMAIL_ATTRIBUTE", _text, "mail", "SAML: attribute of the e-mail address"
    )
    saml_name_attribute: str = _setting(
        "SAML_NAME_ATTRIBUTE", _text, "displayName", "SAML: attribute of the whole name"
    )
    saml_group_attribute: str = _setting(
        "SAML_GROUP_ATTRIBUTE", _text, "groups", "SAML: attribute of the groups"
    )

    def _check_saml(self) -> None:
        if self.saml_idp_metadata and (self.saml_idp_sso_url or self.saml_idp_certificates):
            raise SettingsError(
                "SAML_IDP_SSO_URL and SAML_IDP_CERTIFICATES are for where SAML_IDP_METADATA is not set."
            )
        _need_package("SAML_IDP_METADATA or SAML_IDP_ENTITY_ID", "onelogin")


@dataclass(frozen=True)
class DirectorySettings(SamlSettings):
    """Sign-in with a password that the company's directory (LDAP) knows."""

    ldap_url: str | None = _setting(
        "LDAP_URL", _directory_url, None, "directory: ldaps://host or ldap://host", "none"
    )
    ldap_starttls: bool = _setting(
        "LDAP_STARTTLS", _flag, False, "directory: 1 encrypts an ldap:// connection", "0"
    )
    ldap_ca_file: Path | None = _setting(
        "LDAP_CA_FILE",
        _file,
        None,
        "directory: certificates of who vouches for its certificate",
        "those of the machine",
    )
    ldap_bind_user: str | None = _setting(
        "LDAP_BIND_USER", _text, None, "directory: as whom people are searched for", "nobody"
    )
    ldap_bind_password: str | None = _provider_setting(
        "LDAP_BIND_PASSWORD", "directory: the password of LDAP_BIND_USER", secret=True
    )
    ldap_search_base: str | None = _provider_setting(
        "LDAP_SEARCH_BASE", "directory: below what people are searched for"
    )
    ldap_search_filter: str | None = _setting(
        "LDAP_SEARCH_FILTER", _text, None, "directory: who may sign in, as a filter", "everyone"
    )
    ldap_user_field: str = _setting(
        "LDAP_USER_FIELD", _attribute, "uid", "directory: attribute of the user name"
    )
    ldap_email_field: str = _setting(
        "LDAP_EMAIL_FIELD", _attribute, "mail", "directory: attribute of the e-mail address"
    )
    ldap_name_field: str = _setting(
        "LDAP_NAME_FIELD", _attribute, "cn", "directory: attribute of the whole name"
    )
    ldap_group_field: str = _setting(
        "LDAP_GROUP_FIELD", _attribute, "memberOf", "directory: attribute of the groups"
    )
    ldap_id_field: str = _setting(
        "LDAP_ID_FIELD",
        _attribute,
        "entryUUID",
        "directory: attribute that stays the same for ever; objectGUID in Active Directory",
    )

    def check_providers(self, public_url: str | None) -> None:
        """Raises SettingsError naming what is missing."""
        self._check_together(public_url)
        finds = self.provider_match or self.provider_default_role
        if finds and self.dingtalk_client_id and not self.dingtalk_corp_id:
            # Anybody can have an account at 钉钉, with any address.
            raise SettingsError(
                "DINGTALK_CORP_ID must be set where PROVIDER_MATCH or PROVIDER_DEFAULT_ROLE is."
            )
        if self.oidc_issuer and "openid" not in self.oidc_scopes.split():
            raise SettingsError("OIDC_SCOPES must contain openid.")
        if self.saml_idp_metadata or self.saml_idp_entity_id:
            self._check_saml()
        if self.ldap_url:
            self._check_directory(bool(finds))

    def _check_together(self, public_url: str | None) -> None:
        together = dict(_GO_TOGETHER)
        if not self.saml_idp_metadata:
            together |= {"saml_idp_entity_id": ("saml_idp_sso_url", "saml_idp_certificates")}
        for first, others in together.items():
            if not getattr(self, first):
                continue
            for name in others:
                if not getattr(self, name):
                    raise SettingsError(f"{name.upper()} must be set where {first.upper()} is.")
            if not public_url and first not in _WITHOUT_BROWSER:
                raise SettingsError(f"PUBLIC_URL must be set where {first.upper()} is.")

    def _check_directory(self, finds: bool) -> None:
        if not finds:
            raise SettingsError(
                "PROVIDER_MATCH or PROVIDER_DEFAULT_ROLE must be set where LDAP_URL is."
            )
        if self.ldap_starttls and str(self.ldap_url).startswith("ldaps:"):
            raise SettingsError("LDAP_STARTTLS is for ldap://; LDAP_URL is encrypted already.")
        chosen = self.ldap_search_filter
        if chosen and not (chosen.startswith("(") and chosen.endswith(")")):
            raise SettingsError(f"LDAP_SEARCH_FILTER must be in brackets, not “{chosen}”.")
        _need_package("LDAP_URL", "ldap3")


def _need_package(name: str, package: str) -> None:
    if find_spec(package) is None:
        raise SettingsError(
            f"{name} needs packages that are not installed: "
            ".venv/bin/python -m pip install -r requirements-sign-in.txt"
        )


_GO_TOGETHER = {
    "wecom_corp_id": ("wecom_agent_id", "wecom_secret"),
    "dingtalk_client_id": ("dingtalk_client_secret",),
    "feishu_app_id": ("feishu_app_secret",),
    "oidc_issuer": ("oidc_client_id", "oidc_client_secret"),
    "saml_idp_metadata": (),
    "saml_key_file": ("saml_certificate_file",),
    "saml_certificate_file": ("saml_key_file",),
    "ldap_url": ("ldap_search_base",),
    "ldap_bind_user": ("ldap_bind_password",),
}

_WITHOUT_BROWSER = ("ldap_url", "ldap_bind_user", "saml_key_file", "saml_certificate_file")
"""They send no browser away that has to find back."""


@dataclass(frozen=True)
class Settings(DirectorySettings):
    """What the operator decides. An empty variable counts as one that is not set."""

    port: int = _setting("PORT", _whole_number(1, 65535), 8000, "port of the web pages")
    host: str = _setting(
        "HOST",
        _text,
        "127.0.0.1",
        "address the web server listens on; 0.0.0.0 opens it to the network",
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        _whole_number(0, 16),
        0,
        "how many proxies of ours stand in front; each adds to X-Forwarded-For, and the last sets "
        "X-Forwarded-Proto and X-Forwarded-Host",
    )
    data_dir: Path = _setting(
        "DATA_DIR",
        _folder,
        ROOT / "instance",
        "folder of everything Steward keeps itself: SQLite file, embedded queue, files, secret key",
        "instance/",
    )
    database_url: str = _setting(
        "DATABASE_URL",
        _database_url,
        "",
        "database: postgresql://user@host/name, or sqlite:////folder/file.db",
        "SQLite file in DATA_DIR",
        secret=True,
    )
    redis_url: str | None = _setting(
        "REDIS_URL",
        _redis_url,
        None,
        "queue: redis://host:6379/0 (Redis or Valkey)",
        "embedded Valkey",
        secret=True,
    )
    files_url: str = _setting(
        "FILES_URL",
        _files_url,
        "",
        "file store: a folder or any fsspec address such as s3://bucket/folder",
        "folder in DATA_DIR",
        secret=True,
    )
    admin_password: str | None = _setting(
        "ADMIN_PASSWORD",
        _password,
        None,
        "first start only: password of the first administrator, who then need not change it",
        "generated",
        secret=True,
    )
    demo: bool = _setting("DEMO", _flag, True, "1: with demonstration data, 0: without", "1")
    web_workers: int = _setting("WEB_WORKERS", _whole_number(1, 64), 2, "web processes")
    web_threads: int = _setting("WEB_THREADS", _whole_number(1, 64), 4, "threads in a web process")
    workers: int = _setting(
        "WORKERS",
        _whole_number(0, 64),
        1,
        "processes that run jobs, beside one that is kept free of long ones",
    )
    session_idle_minutes: int = _setting(
        "SESSION_IDLE_MINUTES",
        _whole_number(5, 43_200),
        120,
        "after so many minutes without being used a browser is signed out",
    )
    session_hours: int = _setting(
        "SESSION_HOURS",
        _whole_number(1, 8_760),
        12,
        "after so many hours a browser is signed out, however much it is used",
    )
    upload_limit_mb: int = _setting(
        "UPLOAD_LIMIT_MB", _whole_number(1, 4096), 100, "largest upload, in MB (10⁶ bytes)"
    )
    file_limit_mb: int = _setting(
        "FILE_LIMIT_MB",
        _whole_number(1, 100_000),
        2_148,
        "largest file that is kept in a record, in MB (10⁶ bytes); sent in parts it may be larger than UPLOAD_LIMIT_MB",
    )
    mail_url: str | None = _setting(
        "MAIL_URL",
        _mail_url,
        None,
        "mail server: smtp://host:25, smtps://user:password@host or smtp+starttls://…; with it, "
        "MAIL_FROM and PUBLIC_URL are needed",
        "no mail is sent",
        secret=True,
    )
    mail_from: str | None = _setting(
        "MAIL_FROM",
        _mail_address,
        None,
        "whom mails come from: Steward <steward@example.com>",
        "none",
    )
    mail_attach_mb: int = _setting(
        "MAIL_ATTACH_MB",
        _whole_number(0, 100),
        10,
        "largest file that goes along with a mail, in MB (10⁶ bytes); 0: only links",
    )
    public_url: str | None = _setting(
        "PUBLIC_URL",
        _public_url,
        None,
        "address at which people open Steward, for links in mails",
        "none",
    )
    allowed_hosts: tuple[str, ...] = _setting(
        "ALLOWED_HOSTS",
        _hosts,
        (),
        "further host names at which Steward answers, where PUBLIC_URL names one; "
        "with either, no other is answered",
        "any, or that of PUBLIC_URL",
    )
    audit_head_file: str = _setting(
        "AUDIT_HEAD_FILE",
        _files_url,
        "",
        "where heads of the audit log are written: a file, or a folder of any fsspec store",
        "audit-heads.jsonl in DATA_DIR",
    )
    audit_head_mail: str | None = _setting(
        "AUDIT_HEAD_MAIL",
        _mail_address,
        None,
        "who is mailed the head of the audit log each day; needs MAIL_URL",
        "nobody",
    )
    audit_years: int = _setting(
        "AUDIT_YEARS",
        _whole_number(1, 100),
        3,
        "how many years entries of the audit log are kept at least",
    )
    fixity_days: int = _setting(
        "FIXITY_DAYS",
        _whole_number(1, 3650),
        30,
        "within how many days every stored file and archive package is read again and compared",
    )
    encryption_keys: tuple[str, ...] = _setting(
        "ENCRYPTION_KEYS",
        _keys,
        (),
        "encrypt sensitive fields and kept files; the first writes, all read; the same on all hosts",
        "nothing is encrypted",
        secret=True,
    )
    secret_key: str | None = _setting(
        "SECRET_KEY",
        _secret,
        None,
        "signs sessions and tokens; the same on all hosts",
        "generated once, kept in DATA_DIR",
        secret=True,
    )

    def __post_init__(self) -> None:
        """Fill in what follows from the data folder."""
        object.__setattr__(self, "data_dir", Path(self.data_dir).absolute())
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'steward.db'}")
        if not self.files_url:
            object.__setattr__(self, "files_url", f"file://{self.data_dir / 'files'}")
        if not self.audit_head_file:
            heads = f"file://{self.data_dir / 'audit-heads.jsonl'}"
            object.__setattr__(self, "audit_head_file", heads)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read every setting from the environment; raises `SettingsError` naming a wrong one."""
        source = os.environ if environment is None else environment
        given = {}
        for entry in fields(cls):
            name = entry.metadata["variable"]
            if raw := source.get(name, "").strip():
                given[entry.name] = entry.metadata["parse"](name, raw)
        settings = cls(**given)
        for name, value in (("MAIL_FROM", settings.mail_from), ("PUBLIC_URL", settings.public_url)):
            if settings.mail_url and not value:
                raise SettingsError(f"{name} must be set where MAIL_URL is.")
        if settings.audit_head_mail and not settings.mail_url:
            raise SettingsError("MAIL_URL must be set where AUDIT_HEAD_MAIL is.")
        settings.check_providers(settings.public_url)
        return settings

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the pages."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def known_hosts(self) -> list[str]:
        """The host names that are answered; empty: all."""
        named = [*self.allowed_hosts, *filter(None, [urlsplit(self.public_url or "").hostname])]
        here = [self.host] if self.host not in EVERY_ADDRESS and ":" not in self.host else []
        return [*named, *here, *LOOPBACK] if named else []

    @property
    def mail_attach_limit(self) -> int:
        """Largest file in a mail, in bytes."""
        return self.mail_attach_mb * 1_000_000

    @property
    def file_limit(self) -> int:
        """Largest file of a record, in bytes."""
        return self.file_limit_mb * 1_000_000

    @property
    def upload_limit(self) -> int:
        """Largest request body, in bytes."""
        return self.upload_limit_mb * 1_000_000
