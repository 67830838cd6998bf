"""The two sides of signing in by SAML 2.0: the company's identity provider, and Steward, as files and settings say.

Files are read again when they change: a new certificate of the provider's counts without a restart.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from config import SAML_ACS, SAML_METADATA, Settings

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

FEWEST_BITS = 2048
"""Of an RSA key; who can compute a shorter one's secret signs in as anybody."""


class SetUpWrongly(Exception):
    """A file or setting of SAML's cannot be used. The message is one line for the operator."""


class NotTrusted(Exception):
    """An answer proves nothing; the message is for the log."""


class NotConfirmed(Exception):
    """The provider says that it vouches for nobody; the message is for the log."""


@dataclass(frozen=True)
class Parties:
    """Both sides, checked: `toolkit` is what python3-saml takes them as."""

    entity_id: str
    """What Steward is called at the provider."""

    acs: str
    """Where the provider's answers are posted to."""

    issuer: str
    """What the provider calls itself."""

    sso_url: str
    signs: bool
    """Whether Steward has a key: it signs what it asks, and reads what is encrypted for it."""

    toolkit: Any


def parties(settings: Settings) -> Parties:
    """Both sides as they are now. Raises SetUpWrongly."""
    files = (
        settings.saml_idp_metadata,
        settings.saml_idp_certificates,
        settings.saml_key_file,
        settings.saml_certificate_file,
    )
    try:
        marks = tuple(one.stat().st_mtime_ns if one else 0 for one in files)
        return _parties(settings, marks)
    except OSError as error:
        raise SetUpWrongly(f"{error.filename} can't be read ({error.strerror})") from error


@functools.lru_cache(maxsize=4)
def _parties(settings: Settings, _marks: tuple[int, ...]) -> Parties:
    _load_packages()
    from onelogin.saml2.errors import OneLogin_Saml2_Error
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    here = str(settings.public_url)
    issuer, sso_url, certificates = _provider(settings)
    own = {
        "entityId": settings.saml_entity_id or here + SAML_METADATA,
        "assertionConsumerService": {"url": here + SAML_ACS, "binding": POST},
        "NameIDFormat": UNSPECIFIED,
        **_own_key(settings),
    }
    given = {
        "strict": True,
        "sp": own,
        "idp": {
            "entityId": issuer,
            "singleSignOnService": {"url": sso_url, "binding": REDIRECT},
            "x509certMulti": {"signing": certificates},
        },
        "security": {
            "authnRequestsSigned": settings.saml_key_file is not None,
            "requestedAuthnContext": False,
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
            "signatureAlgorithm": RSA_SHA256,
            "digestAlgorithm": SHA256,
            "metadataValidUntil": "",
            "metadataCacheDuration": "",
        },
    }
    try:
        toolkit = OneLogin_Saml2_Settings(given)
    except OneLogin_Saml2_Error as error:
        raise SetUpWrongly(str(error)) from error
    signs = settings.saml_key_file is not None
    return Parties(str(own["entityId"]), here + SAML_ACS, issuer, sso_url, signs, toolkit)


def _load_packages() -> None:
    """Raises SetUpWrongly where they are not there, or not made for each other."""
    try:
        importlib.import_module("xmlsec")
    except Exception as error:  # its own error has no name here: it is importing that failed
        raise SetUpWrongly(
            f"its packages can't be used ({str(error)[:120]}): "
            "install the very versions of requirements-sign-in.txt"
        ) from error


def _provider(settings: Settings) -> tuple[str, str, list[str]]:
    """What the provider is called, where people are sent, and the certificates that it signs with."""
    if settings.saml_idp_metadata:
        issuer, sso_url, certificates = _from_metadata(settings)
    else:
        issuer, sso_url = str(settings.saml_idp_entity_id), str(settings.saml_idp_sso_url)
        certificates = _certificates("SAML_IDP_CERTIFICATES", settings.saml_idp_certificates)
    if urlsplit(sso_url).scheme not in ("https", "http"):
        raise SetUpWrongly("the provider's sign-in address must begin with https")
    return issuer, sso_url, [_fitting(one) for one in certificates]


def _from_metadata(settings: Settings) -> tuple[str, str, list[x509.Certificate]]:
    from lxml import etree
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

    name = f"SAML_IDP_METADATA ({settings.saml_idp_metadata})"
    wanted = settings.saml_idp_entity_id
    if wanted and "'" in wanted:
        raise SetUpWrongly("SAML_IDP_ENTITY_ID holds an apostrophe")
    try:
        content = settings.saml_idp_metadata.read_bytes() if settings.saml_idp_metadata else b""
        told = Parser.parse(content, required_sso_binding=REDIRECT, entity_id=wanted).get("idp", {})
        if not wanted and len(Xml.query(Xml.to_etree(content), "//md:IDPSSODescriptor")) > 1:
            raise SetUpWrongly(f"{name} holds several providers; set SAML_IDP_ENTITY_ID")
        called, address = told["entityId"], told["singleSignOnService"]["url"]
        several = list(told.get("x509certMulti", {}).get("signing", []))
        coded = several or [told["x509cert"]]
        certificates = [
            x509.load_pem_x509_certificate(_pem(one).encode()) for one in dict.fromkeys(coded)
        ]
    except KeyError as error:
        what = {
            "entityId": "no identity provider" + (f" called {wanted}" if wanted else ""),
            "singleSignOnService": "no sign-in address for HTTP-Redirect",
            "x509cert": "no identity provider with a certificate to sign with",
        }[str(error.args[0])]
        raise SetUpWrongly(f"{name} holds {what}") from error
    except (etree.LxmlError, ValueError) as error:
        raise SetUpWrongly(f"{name} is no SAML metadata ({str(error)[:120]})") from error
    return called, address, certificates


def _pem(coded: str) -> str:
    lines = "\n".join(coded[at : at + 64] for at in range(0, len(coded), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _certificates(name: str, path: Path | None) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes() if path else b"")
    except ValueError as error:
        raise SetUpWrongly(f"{name} ({path}) holds no certificate in PEM") from error


def _fitting(certificate: x509.Certificate) -> str:
    """The certificate in PEM, when a signature by its key can be believed."""
    key = certificate.public_key()
    strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= FEWEST_BITS
    if not strong and not isinstance(key, ec.EllipticCurvePublicKey):
        raise SetUpWrongly(
            f"a certificate of the provider's has no RSA key of {FEWEST_BITS} bits or elliptic curve"
        )
    return certificate.public_bytes(Encoding.PEM).decode()


def _own_key(settings: Settings) -> dict[str, str]:
    """Steward's own key and certificate, when it has them; they have to belong together."""
    if not settings.saml_key_file:
        return {}
    key_pem = settings.saml_key_file.read_bytes()
    try:
        key = load_pem_private_key(key_pem, None)
    except (ValueError, TypeError) as error:
        raise SetUpWrongly("SAML_KEY_FILE holds no key in PEM without a password") from error
    certificate = _certificates("SAML_CERTIFICATE_FILE", settings.saml_certificate_file)[0]
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise SetUpWrongly("SAML_KEY_FILE and SAML_CERTIFICATE_FILE are not one RSA key's")
    return {
        "privateKey": key_pem.decode(),
        "x509cert": certificate.public_bytes(Encoding.PEM).decode(),
    }
