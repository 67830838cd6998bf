"""Sign-in by 企业微信, 钉钉 and 飞书: who each says that somebody is, by the protocol that each speaks.

All three send the browser back with a code, which counts once and for minutes; how a code becomes
a person differs. Nothing of an answer is written to a log: addresses hold secrets and codes.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

import requests
from flask_babel import lazy_gettext as _

from app.engine.errors import StewardError
from config import Settings

log = logging.getLogger(__name__)

TIMEOUT = (5, 10)
"""Seconds to connect, and to wait for an answer."""

LARGEST = 1_000_000
"""Bytes of an answer that are read at most."""


class SignInRefused(StewardError):
    """The provider did not vouch for anybody; the message is for the person in front of the page."""

    status = 422
    noted = False
    """Whether the audit log has it already."""


@dataclass(frozen=True)
class Identity:
    """Whom a provider vouches for. `subject` is theirs for ever within the provider's company."""

    provider: str
    subject: str
    name: str
    email: str | None = None
    """Only what the company itself vouches for."""

    username: str | None = None
    """What they are called there, where the company decides it."""

    groups: tuple[str, ...] | None = None
    """Which groups they are in there; None where that is not told."""


@dataclass(frozen=True)
class Provider:
    """One site that vouches for people."""

    settings: Settings

    key: ClassVar[str]
    code_name: ClassVar[str] = "code"

    @property
    def label(self) -> Any:
        """What people call it."""
        raise NotImplementedError

    @property
    def is_set_up(self) -> bool:
        raise NotImplementedError

    def address(self, back: str, state: str) -> str:
        """Where the browser goes to be asked; it comes back to `back` with a code and the state."""
        raise NotImplementedError

    def identity(self, code: str, back: str, state: str) -> Identity:
        """Who the code stands for that came back with this state. Raises SignInRefused."""
        raise NotImplementedError

    def _asked(self, method: str, address: str, **options: Any) -> Mapping[str, Any]:
        """The JSON object that the provider answers, whatever the status. Raises SignInRefused."""
        try:
            answer = requests.request(
                method, address, timeout=TIMEOUT, allow_redirects=False, stream=True, **options
            )
            with answer:
                raw = answer.raw.read(LARGEST, decode_content=True)
        except (requests.RequestException, OSError) as error:
            log.warning("%s can't be reached: %s", self.key, type(error).__name__)
            raise self.unreachable() from error
        try:
            body = json.loads(raw)
        except ValueError as error:
            log.warning("%s answered %s without JSON", self.key, answer.status_code)
            raise self.unreachable() from error
        if not isinstance(body, dict):
            raise self.unreachable()
        return body

    def refused(self, reason: Any = None) -> SignInRefused:
        """The code is wrong, was used, or is too old."""
        if reason is not None:
            log.info("%s refused a sign-in: %s", self.key, str(reason)[:80])
        return SignInRefused(
            _("%(name)s did not confirm this sign-in. Try again.", name=self.label)
        )

    def unreachable(self) -> SignInRefused:
        """The provider is down, or set up wrongly."""
        return SignInRefused(
            _("%(name)s can't be reached at the moment. Try again later.", name=self.label)
        )


class WeCom(Provider):
    """企业微信: the application has a token of its own, with which it asks who a code stands for."""

    key = "wecom"
    label = _("WeCom")
    _tokens: ClassVar[dict[tuple[str, ...], tuple[str, float]]] = {}
    _one_at_a_time = threading.Lock()
    EXPIRED = (40001, 40014, 42001)
    """The application's token is no longer good: a new one is asked for, once."""

    @property
    def is_set_up(self) -> bool:
        return bool(self.settings.wecom_corp_id)

    def address(self, back: str, state: str) -> str:
        query = {
            "login_type": "CorpApp",
            "appid": self.settings.wecom_corp_id,
            "agentid": self.settings.wecom_agent_id,
            "redirect_uri": back,
            "state": state,
        }
        return f"{self.settings.wecom_login_url}?{urlencode(query)}"

    def identity(self, code: str, back: str, state: str) -> Identity:
        person = self._with_token("/cgi-bin/auth/getuserinfo", {"code": code})
        userid = person.get("userid")
        if not isinstance(userid, str) or not userid:
            raise self.refused("not a member of the company")
        member = self._with_token("/cgi-bin/user/get", {"userid": userid})
        email = member.get("biz_mail") or None
        name = str(member.get("name") or userid)
        return Identity(self.key, userid, name, email, username=userid)

    def _with_token(self, path: str, query: dict[str, str]) -> Mapping[str, Any]:
        for fresh in (False, True):
            given = {"access_token": self._token(fresh), **query}
            body = self._asked("GET", f"{self.settings.wecom_url}{path}", params=given)
            if body.get("errcode") not in self.EXPIRED:
                break
        if body.get("errcode", 0) != 0:
            raise self.refused(body.get("errcode"))
        return body

    def _token(self, fresh: bool) -> str:
        """Kept until it expires: 企业微信 limits how often it may be asked for."""
        settings = self.settings
        whose = (settings.wecom_url, str(settings.wecom_corp_id), str(settings.wecom_secret))
        with self._one_at_a_time:
            token, until = self._tokens.get(whose, ("", 0.0))
            if token and not fresh and time.monotonic() < until:
                return token
            query = {"corpid": whose[1], "corpsecret": whose[2]}
            body = self._asked("GET", f"{settings.wecom_url}/cgi-bin/gettoken", params=query)
            if body.get("errcode", 0) != 0 or not body.get("access_token"):
                log.warning("wecom gives no token to the application: %s", body.get("errcode"))
                raise self.unreachable()
            token = str(body["access_token"])
            lasts = int(body.get("expires_in") or 0)
            self._tokens[whose] = (token, time.monotonic() + max(0, lasts - 200))
            return token


class DingTalk(Provider):
    """钉钉: the code is changed for the person's own token, which tells who they are."""

    key = "dingtalk"
    label = _("DingTalk")
    code_name = "authCode"

    @property
    def is_set_up(self) -> bool:
        return bool(self.settings.dingtalk_client_id)

    def address(self, back: str, state: str) -> str:
        query = {
            "redirect_uri": back,
            "response_type": "code",
            "client_id": self.settings.dingtalk_client_id,
            "scope": "openid corpid" if self.settings.dingtalk_corp_id else "openid",
            "state": state,
            "prompt": "consent",
        }
        return f"{self.settings.dingtalk_login_url}?{urlencode(query)}"

    def identity(self, code: str, back: str, state: str) -> Identity:
        asked = {
            "clientId": self.settings.dingtalk_client_id,
            "clientSecret": self.settings.dingtalk_client_secret,
            "code": code,
            "grantType": "authorization_code",
        }
        url = self.settings.dingtalk_url
        given = self._asked("POST", f"{url}/v1.0/oauth2/userAccessToken", json=asked)
        token = given.get("accessToken")
        if not isinstance(token, str) or not token:
            raise self.refused(given.get("code"))
        company = self.settings.dingtalk_corp_id
        if company and given.get("corpId") != company:
            raise self.refused("another company")
        headers = {"x-acs-dingtalk-access-token": token}
        person = self._asked("GET", f"{url}/v1.0/contact/users/me", headers=headers)
        union = person.get("unionId")
        if not isinstance(union, str) or not union:
            raise self.refused(person.get("code"))
        # The address is the person's own to choose: it counts only inside the one company.
        email = person.get("email") if company else None
        return Identity(self.key, union, str(person.get("nick") or union), email or None)


class Feishu(Provider):
    """飞书: OAuth 2 with answers of its own shape."""

    key = "feishu"
    label = _("Feishu")

    @property
    def is_set_up(self) -> bool:
        return bool(self.settings.feishu_app_id)

    def address(self, back: str, state: str) -> str:
        query = {
            "client_id": self.settings.feishu_app_id,
            "response_type": "code",
            "redirect_uri": back,
            "state": state,
        }
        return f"{self.settings.feishu_login_url}?{urlencode(query)}"

    def identity(self, code: str, back: str, state: str) -> Identity:
        asked = {
            "grant_type": "authorization_code",
            "client_id": self.settings.feishu_app_id,
            "client_secret": self.settings.feishu_app_secret,
            "code": code,
            "redirect_uri": back,
        }
        url = self.settings.feishu_url
        given = self._asked("POST", f"{url}/open-apis/authen/v2/oauth/token", json=asked)
        token = given.get("access_token")
        if given.get("code", 0) != 0 or not isinstance(token, str) or not token:
            raise self.refused(given.get("code"))
        headers = {"Authorization": f"Bearer {token}"}
        told = self._asked("GET", f"{url}/open-apis/authen/v1/user_info", headers=headers)
        person = told.get("data")
        if told.get("code", 0) != 0 or not isinstance(person, dict) or not person.get("union_id"):
            raise self.refused(told.get("code"))
        name = str(person.get("name") or person["union_id"])
        return Identity(
            self.key, str(person["union_id"]), name, person.get("enterprise_email") or None
        )
