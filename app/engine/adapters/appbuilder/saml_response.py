"""Whether an answer by SAML is the provider's, for us, for this sign-in and for now; and what it says.

python3-saml checks signatures, schema, status, issuer and times. What it lets pass when it is left out
(audience, recipient, what is answered) or compares loosely (addresses by their beginning) is checked
here. Source: SAML 2.0 Profiles, 4.1.4.3 and 4.1.4.5.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.adapters.appbuilder import saml_shape
from app.engine.adapters.appbuilder.saml_parties import NotConfirmed, NotTrusted, Parties
from app.engine.adapters.appbuilder.saml_shape import NAMES
from app.engine.adapters.database import now

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


@dataclass(frozen=True)
class Assertion:
    """What the provider vouches for."""

    id: str
    counts_until: datetime.datetime
    name_id: str | None
    """None where it is another at each sign-in."""

    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By name; where no attribute has that name, by what it is called for people."""


def read(parties: Parties, posted: str, request_id: str) -> Assertion:
    """What an answer says that was posted to us. Raises NotTrusted and NotConfirmed."""
    try:
        raw = base64.b64decode(posted)
    except (binascii.Error, ValueError) as error:
        raise NotTrusted("not in base64") from error
    root = saml_shape.parsed(raw)
    saml_shape.check(root)
    response = _response(parties, raw)
    document = response.get_xml_document()
    if response.encrypted:
        saml_shape.check(document)
    _require_success(response)
    if not response.is_valid(_asked_at(parties), request_id):
        raise NotTrusted(str(response.get_error()))
    _check_addressee(parties, root, request_id)
    assertion = saml_shape.assertion_of(document)
    _check_audience(parties, assertion)
    return Assertion(
        f"{parties.issuer}\n{assertion.get('ID')}",
        _counts_until(parties, assertion, request_id),
        _name_id(assertion),
        _attributes(assertion),
    )


def _response(parties: Parties, raw: bytes) -> Any:
    """python3-saml's view of it; what is encrypted for us is decrypted."""
    import xmlsec
    from lxml import etree
    from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
    from onelogin.saml2.response import OneLogin_Saml2_Response

    unreadable = (
        OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, xmlsec.Error, etree.LxmlError,
        ValueError, TypeError, LookupError, AttributeError,
    )  # fmt: skip
    try:
        return OneLogin_Saml2_Response(parties.toolkit, base64.b64encode(raw).decode())
    except unreadable as error:
        raise NotTrusted(f"it can't be read: {error}") from error


def _require_success(response: Any) -> None:
    from onelogin.saml2.errors import OneLogin_Saml2_ValidationError

    try:
        response.check_status()
    except OneLogin_Saml2_ValidationError as error:
        raise NotConfirmed(str(error)) from error


def _asked_at(parties: Parties) -> dict[str, Any]:
    """Our own address as python3-saml wants to be told of a request: from the setting alone."""
    scheme, _colon, rest = parties.acs.partition("://")
    host, _slash, path = rest.partition("/")
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
    }


def _check_addressee(parties: Parties, root: Any, request_id: str) -> None:
    """The envelope; what of it is not signed binds nobody, but may not contradict."""
    signed = root.find("ds:Signature", NAMES) is not None
    destination = root.get("Destination")
    if destination != parties.acs and (destination is not None or signed):
        raise NotTrusted("sent to another address")
    if root.get("InResponseTo") != request_id:
        raise NotTrusted("an answer to another request")


def _check_audience(parties: Parties, assertion: Any) -> None:
    """That we are among those it is for, by each restriction that stands in it."""
    restrictions = assertion.findall("saml:Conditions/saml:AudienceRestriction", NAMES)
    for restriction in restrictions:
        named = [_text(one) for one in restriction.findall("saml:Audience", NAMES)]
        if parties.entity_id not in named:
            raise NotTrusted("meant for another audience")
    if not restrictions:
        raise NotTrusted("meant for no audience in particular")


def _counts_until(parties: Parties, assertion: Any, request_id: str) -> datetime.datetime:
    """Until when a confirmation counts that is for this request at this address."""
    from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", NAMES):
        data = confirmation.find("saml:SubjectConfirmationData", NAMES)
        if confirmation.get("Method") != BEARER or data is None:
            continue
        fits = data.get("InResponseTo") == request_id and data.get("Recipient") == parties.acs
        if not fits or not data.get("NotOnOrAfter"):
            continue
        seconds = Utils.parse_SAML_to_time(data.get("NotOnOrAfter"))
        until = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        if until > now():
            return until
    raise NotTrusted("no confirmation for this request, at this address, by now")


def _name_id(assertion: Any) -> str | None:
    found = assertion.find("saml:Subject/saml:NameID", NAMES)
    if found is None or found.get("Format") == TRANSIENT:
        return None
    return _text(found) or None


def _attributes(assertion: Any) -> dict[str, tuple[str, ...]]:
    told: dict[str, tuple[str, ...]] = {}
    given = assertion.findall("saml:AttributeStatement/saml:Attribute", NAMES)
    for called in ("FriendlyName", "Name"):
        by_name: dict[str, tuple[str, ...]] = {}
        for one in given:
            values = [_text(value) for value in one.findall("saml:AttributeValue", NAMES)]
            name = one.get(called)
            if name:
                by_name[name] = by_name.get(name, ()) + tuple(filter(None, values))
        told |= by_name
    return told


def _text(element: Any) -> str:
    """All of the text, whatever stands between."""
    return "".join(element.itertext()).strip()
