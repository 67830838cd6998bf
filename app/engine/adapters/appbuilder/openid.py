"""Sign-in by any provider that speaks OpenID Connect: discovery, code with PKCE, a signed ID token.

Nonce and PKCE verifier are drawn from the state, which counts once and in one browser only: there is
nothing more to keep, and nobody without SECRET_KEY can tell them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

import jwt
from flask import current_app
from flask_babel import lazy_gettext as _

from app.engine.adapters.appbuilder.providers import Identity, Provider, SignInRefused

log = logging.getLogger(__name__)

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures by a key pair: neither “none”, nor one made with the client's secret."""

LEEWAY = 60
"""Seconds that the clocks may differ."""

KEPT = 3600
"""Seconds for which the provider's addresses and keys are kept."""

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OpenId(Provider):
    """One provider, by its issuer address."""

    key = "oidc"
    _kept: ClassVar[dict[str, tuple[Mapping[str, Any], float]]] = {}
    _one_at_a_time = threading.Lock()

    @property
    def label(self) -> str:
        """What people here call it."""
        return self.settings.oidc_name

    @property
    def is_set_up(self) -> bool:
        return bool(self.settings.oidc_issuer)

    def address(self, back: str, state: str) -> str:
        verifier = _drawn("pkce", state)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self.settings.oidc_client_id,
            "redirect_uri": back,
            "scope": self.settings.oidc_scopes,
            "state": state,
            "nonce": _drawn("nonce", state),
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        there = str(self._metadata()["authorization_endpoint"])
        return f"{there}{'&' if '?' in there else '?'}{urlencode(query)}"

    def identity(self, code: str, back: str, state: str) -> Identity:
        metadata = self._metadata()
        given = self._tokens(metadata, code, back, state)
        claims = self._verified(metadata, given.get("id_token"), _drawn("nonce", state))
        claims = {**self._further(metadata, given.get("access_token"), claims), **claims}
        subject = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()
        username = _text(claims.get(self.settings.oidc_user_claim))
        email = _text(claims.get("email"))
        verified = self.settings.oidc_trust_email or claims.get("email_verified") in (True, "true")
        return Identity(
            self.key,
            subject,
            _text(claims.get("name")) or username or email or str(claims["sub"]),
            email if verified else None,
            username,
            _names(claims.get(self.settings.oidc_group_claim)),
        )

    # What the provider says of itself

    def _metadata(self) -> Mapping[str, Any]:
        issuer = str(self.settings.oidc_issuer)
        metadata = self._remembered(f"{issuer}/.well-known/openid-configuration")
        own = urlsplit(issuer).scheme
        for name in ENDPOINTS:
            scheme = urlsplit(str(metadata.get(name, ""))).scheme
            if scheme not in ("https", own):
                log.warning("oidc: %s of the provider is no address that can be used", name)
                raise self.unreachable()
        if str(metadata.get("issuer", "")).rstrip("/") != issuer:
            log.warning("oidc: the provider at OIDC_ISSUER calls itself otherwise")
            raise self.unreachable()
        return metadata

    def _remembered(self, address: str, fresh: bool = False) -> Mapping[str, Any]:
        with self._one_at_a_time:
            found, until = self._kept.get(address, ({}, 0.0))
            if found and not fresh and time.monotonic() < until:
                return found
        found = self._asked("GET", address)
        with self._one_at_a_time:
            self._kept[address] = (found, time.monotonic() + KEPT)
        return found

    def _tokens(
        self, metadata: Mapping[str, Any], code: str, back: str, state: str
    ) -> Mapping[str, Any]:
        whose = str(self.settings.oidc_client_id), str(self.settings.oidc_client_secret)
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": _drawn("pkce", state),
        }
        options: dict[str, Any] = {"data": asked}
        known = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in known:
            options["auth"] = (quote(whose[0], safe=""), quote(whose[1], safe=""))
        else:
            asked |= {"client_id": whose[0], "client_secret": whose[1]}
        given = self._asked("POST", str(metadata["token_endpoint"]), **options)
        if "error" in given or not isinstance(given.get("id_token"), str):
            raise self.refused(given.get("error", "no ID token"))
        return given

    def _further(
        self, metadata: Mapping[str, Any], token: object, claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What stands only at the provider's user address, where it has one."""
        wanted = ("name", "email", self.settings.oidc_user_claim)
        there = metadata.get("userinfo_endpoint")
        if not there or not isinstance(token, str) or all(name in claims for name in wanted):
            return {}
        headers = {"Authorization": f"Bearer {token}"}
        told = self._asked("GET", str(there), headers=headers)
        if told.get("sub") != claims["sub"]:
            raise self._not_trusted("the user address tells of somebody else")
        if "email" in claims:  # whether it is verified belongs to the address that it was said of
            told = {name: told[name] for name in told if name != "email_verified"}
        return told

    # Whether it is they, and for us, and now

    def _verified(
        self, metadata: Mapping[str, Any], token: object, nonce: str
    ) -> Mapping[str, Any]:
        try:
            key = self._key_for(metadata, str(token))
            claims: dict[str, Any] = jwt.decode(
                str(token),
                key,
                algorithms=ALGORITHMS,
                audience=self.settings.oidc_client_id,
                issuer=str(metadata["issuer"]),
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise self._not_trusted(type(error).__name__) from error
        told = str(claims.get("nonce", ""))
        if not hmac.compare_digest(told.encode(), nonce.encode()):
            raise self._not_trusted("another nonce")
        party = claims.get("azp")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or party is not None) and party != self.settings.oidc_client_id:
            raise self._not_trusted("issued to another client")
        return claims

    def _key_for(self, metadata: Mapping[str, Any], token: str) -> jwt.PyJWK:
        """The provider's key that the token names; its keys are asked for anew when none fits."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        for fresh in (False, True):
            keys = self._remembered(str(metadata["jwks_uri"]), fresh)
            known = jwt.PyJWKSet.from_dict(dict(keys)).keys
            fitting = [one for one in known if one.public_key_use in (None, "sig")]
            if "kid" in header:
                fitting = [one for one in fitting if one.key_id == header["kid"]]
            if len(fitting) == 1:
                return fitting[0]
        raise jwt.InvalidKeyError

    def _not_trusted(self, reason: str) -> SignInRefused:
        log.warning("oidc: an ID token was refused: %s", reason)
        return SignInRefused(
            _(
                "What %(name)s answered can't be trusted, so nobody was signed in. "
                "Try again, or tell an administrator.",
                name=self.label,
            )
        )


def _drawn(purpose: str, state: str) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    drawn = hmac.new(secret, f"oidc {purpose}|{state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()


def _text(given: object) -> str | None:
    return given.strip() or None if isinstance(given, str) else None


def _names(given: object) -> tuple[str, ...] | None:
    if isinstance(given, str):
        return (given,)
    return tuple(map(str, given)) if isinstance(given, list) else None
