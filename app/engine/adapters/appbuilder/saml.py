"""Sign-in by a provider that speaks SAML 2.0: begun here by redirect, answered by a post from there.

The request's name is drawn from the state, which counts once and in one browser only: an answer to
another's request, or to none, fits nowhere. The post brings no cookie; it is changed for a short code
with which the browser comes as it does from any other provider.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import logging
import zlib
from urllib.parse import quote_plus

from flask import current_app
from flask_babel import lazy_gettext as _

from app.engine.adapters.appbuilder import saml_answers, saml_response
from app.engine.adapters.appbuilder.providers import Identity, Provider, SignInRefused
from app.engine.adapters.appbuilder.saml_parties import (
    POST,
    RSA_SHA256,
    NotTrusted,
    Parties,
    SetUpWrongly,
    parties,
)
from app.engine.adapters.appbuilder.saml_shape import NAMES

log = logging.getLogger(__name__)

NAME_ID = "NameID"
"""As the name of an attribute: the subject's own name."""

REFUSED, NOT_TRUSTED = "refused", "not-trusted"
"""Codes that stand for nobody, and for why."""


class Saml(Provider):
    """One provider, by its metadata or by its name, address and certificates."""

    key = "saml"

    @property
    def label(self) -> str:
        """What people here call it."""
        return self.settings.saml_name

    @property
    def is_set_up(self) -> bool:
        return bool(self.settings.saml_idp_metadata or self.settings.saml_idp_entity_id)

    def address(self, back: str, state: str) -> str:
        both = self._parties()
        asked = zlib.compress(_request(both, request_id(state)), wbits=-zlib.MAX_WBITS)
        # The order and spelling of these are what is signed (SAML 2.0 Bindings, 3.4.4.1).
        given = {"SAMLRequest": base64.b64encode(asked).decode(), "RelayState": state}
        if both.signs:
            given |= {"SigAlg": RSA_SHA256}
            given |= {"Signature": _signature(both, _query(given))}
        return f"{both.sso_url}{'&' if '?' in both.sso_url else '?'}{_query(given)}"

    def identity(self, code: str, back: str, state: str) -> Identity:
        if code in (REFUSED, NOT_TRUSTED):
            refusal = self.refused() if code == REFUSED else self._not_trusted()
            refusal.noted = True
            raise refusal
        identity = saml_answers.take(code, state)
        if identity is None:
            raise self.refused("no such code")
        return identity

    def answered(self, posted: str, state: str) -> str:
        """The code for the browser that follows, for an answer that was posted.

        Raises NotTrusted, NotConfirmed, and SignInRefused where SAML is set up wrongly.
        """
        both = self._parties()
        if not state:
            raise NotTrusted("nobody asked for it here")
        assertion = saml_response.read(both, posted, request_id(state))
        identity = self._identity(both, assertion)
        code = saml_answers.keep(assertion.id, assertion.counts_until, identity, state)
        if code is None:
            raise NotTrusted("it was taken before")
        return code

    def _identity(self, both: Parties, assertion: saml_response.Assertion) -> Identity:
        def values(name: str) -> tuple[str, ...]:
            if name == NAME_ID:
                return (assertion.name_id,) if assertion.name_id else ()
            return tuple(assertion.attributes.get(name, ()))

        def first(name: str) -> str | None:
            return next(iter(values(name)), None)

        settings = self.settings
        subject = first(settings.saml_id_attribute)
        if subject is None:
            raise NotTrusted(f"no lasting {settings.saml_id_attribute}; see SAML_ID_ATTRIBUTE")
        username, email = first(settings.saml_user_attribute), first(settings.saml_email_attribute)
        return Identity(
            self.key,
            hashlib.sha256(f"{both.issuer}\n{subject}".encode()).hexdigest(),
            first(settings.saml_name_attribute) or username or email or subject,
            email,
            username,
            # Entra ID names only an address of the groups where there are more than 150.
            None
            if any(name.endswith("groups.link") for name in assertion.attributes)
            else values(settings.saml_group_attribute),
        )

    def metadata(self) -> bytes:
        """What the provider is told of Steward. Raises SignInRefused."""
        from onelogin.saml2.metadata import OneLogin_Saml2_Metadata

        toolkit = self._parties().toolkit
        told = toolkit.get_sp_metadata()
        if certificate := toolkit.get_sp_cert():  # to sign with it says already; to encrypt for us
            plain = OneLogin_Saml2_Metadata.builder(
                toolkit.get_sp_data(), authnsign=True, valid_until="", cache_duration=""
            )
            told = OneLogin_Saml2_Metadata.add_x509_key_descriptors(plain, certificate, True)
        return told if isinstance(told, bytes) else told.encode()

    def _parties(self) -> Parties:
        """Both sides. Raises SignInRefused."""
        try:
            return parties(self.settings)
        except SetUpWrongly as error:
            log.warning("saml is not set up rightly: %s", error)
            raise SignInRefused(
                _("%(name)s is not set up rightly. Tell an administrator.", name=self.label)
            ) from error

    def _not_trusted(self) -> SignInRefused:
        return SignInRefused(
            _(
                "What %(name)s answered can't be trusted, so nobody was signed in. "
                "Try again, or tell an administrator.",
                name=self.label,
            )
        )


def request_id(state: str) -> str:
    """What the request is called that belongs to a state; nobody without SECRET_KEY can tell it."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return "_" + hmac.new(secret, f"saml request|{state}".encode(), hashlib.sha256).hexdigest()


def _request(both: Parties, name: str) -> bytes:
    from lxml.builder import ElementMaker
    from lxml.etree import tostring

    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    samlp = ElementMaker(namespace=NAMES["samlp"], nsmap={n: NAMES[n] for n in ("samlp", "saml")})
    saml = ElementMaker(namespace=NAMES["saml"])
    request = samlp.AuthnRequest(
        saml.Issuer(both.entity_id),
        samlp.NameIDPolicy(AllowCreate="true"),
        ID=name,
        Version="2.0",
        IssueInstant=moment,
        Destination=both.sso_url,
        ProtocolBinding=POST,
        AssertionConsumerServiceURL=both.acs,
    )
    return bytes(tostring(request))


def _query(given: dict[str, str]) -> str:
    return "&".join(f"{name}={quote_plus(value)}" for name, value in given.items())


def _signature(both: Parties, query: str) -> str:
    from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

    # Without being told, by RSA with SHA-256.
    return base64.b64encode(Utils.sign_binary(query, both.toolkit.get_sp_key())).decode()
