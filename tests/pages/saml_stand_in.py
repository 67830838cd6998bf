"""An identity provider of our own that speaks SAML 2.0 over HTTP: for tests, without the network.

It reads the request as a provider does, and answers with a page whose form brings a signed response
to Steward. `spoil` changes the response before it is signed, `forge` after that, as an attacker would.
"""

from __future__ import annotations

import base64
import datetime
import html
import re
import secrets
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from flask import Flask, request
from lxml import etree
from lxml.builder import ElementMaker
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from werkzeug.serving import make_server

HERE = "http://localhost"
ACS, STEWARD = f"{HERE}/providers/saml/acs", f"{HERE}/providers/saml/metadata"
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
SAMLP = ElementMaker(namespace=NAMES["samlp"], nsmap={n: NAMES[n] for n in ("samlp", "saml")})
SAML = ElementMaker(namespace=NAMES["saml"], nsmap={"saml": NAMES["saml"]})


class Pair:
    """A key and its certificate."""

    def __init__(self, bits: int = 2048) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
        start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(start).not_valid_after(start.replace(year=2090))
        self.key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    @property
    def plain(self) -> str:
        """The certificate as XML holds it."""
        return "".join(self.pem.splitlines()[1:-1])


class SamlStandIn:
    """One provider; `person` is who signs in there next."""

    def __init__(self, folder: Path) -> None:
        self.app = Flask("saml_stand_in")
        self.folder = folder
        self.pair, self.other, self.ours = Pair(), Pair(), Pair()
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = f"{self.address}/idp"
        self.app.add_url_rule("/sso", "sso", self.sso)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.clean()
        self._thread.start()

    def clean(self) -> None:
        """As at the beginning."""
        self.subject, self.format = "p-248289", PERSISTENT
        self.person: dict[str, Any] = {"uid": ["sales"], "displayName": ["张伟"]}
        self.signer = self.pair
        self.signs = "assertion"
        self.encrypts = False
        self.asked: list[Any] = []
        self.wants_signed_requests = False
        self.spoil: Callable[[Any], Any] = lambda response: None
        self.forge: Callable[[Any], Any] = lambda response: response
        self.raw: Callable[[bytes], bytes] = lambda written: written
        self.certificates(self.pair)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def certificates(self, *pairs: Pair) -> None:
        """What the operator has from the provider."""
        self.file = self.folder / f"{secrets.token_hex(4)}.pem"
        self.file.write_text("".join(pair.pem for pair in pairs))

    def settings(self) -> dict[str, str]:
        return {
            "SAML_IDP_ENTITY_ID": self.issuer,
            "SAML_IDP_SSO_URL": f"{self.address}/sso?tenant=1&x=2",
            "SAML_IDP_CERTIFICATES": str(self.file),
            "SAML_NAME": "Example SAML",
        }

    def own_key(self) -> dict[str, str]:
        """Settings with which Steward has a key of its own."""
        key, certificate = self.folder / "ours.key", self.folder / "ours.pem"
        key.write_text(self.ours.key)
        certificate.write_text(self.ours.pem)
        return {"SAML_KEY_FILE": str(key), "SAML_CERTIFICATE_FILE": str(certificate)}

    def metadata(self, *pairs: Pair) -> Path:
        keys = "".join(
            '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
            f"<ds:X509Data><ds:X509Certificate>{pair.plain}</ds:X509Certificate></ds:X509Data>"
            "</ds:KeyInfo></md:KeyDescriptor>"
            for pair in pairs
        )
        path = self.folder / f"{secrets.token_hex(4)}.xml"
        path.write_text(
            f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{self.issuer}">'
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{NAMES["samlp"]}">{keys}'
            '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{self.address}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )
        return path

    # What it is asked, and answers

    def sso(self) -> str:
        """A page whose form the browser sends on to Steward."""
        given = zlib.decompress(base64.b64decode(request.args["SAMLRequest"]), -15)
        asked = etree.fromstring(given)
        assert asked.tag == f"{{{NAMES['samlp']}}}AuthnRequest"
        assert asked.get("AssertionConsumerServiceURL") == ACS
        assert asked.get("Destination").startswith(f"{self.address}/sso")
        assert asked.findtext("saml:Issuer", namespaces=NAMES) == STEWARD
        if self.wants_signed_requests:
            self._check_signature()
        self.asked.append(asked)
        return self.page(asked.get("ID"), request.args["RelayState"])

    def _check_signature(self) -> None:
        query = request.query_string.decode()
        signed = re.search(r"SAMLRequest=.*&SigAlg=[^&]*", query)
        assert signed is not None
        signature = base64.b64decode(request.args["Signature"])
        algorithm = request.args["SigAlg"]
        assert Utils.validate_binary_sign(signed[0], signature, self.ours.pem, algorithm)

    def page(self, answers: str | None, state: str | None) -> str:
        posted = base64.b64encode(self.response(answers)).decode()
        kept = f'<input name="RelayState" value="{html.escape(state)}">' if state else ""
        return (
            f'<form method="post" action="{ACS}"><input name="SAMLResponse" value="{posted}">'
            f"{kept}<button>Continue</button></form>"
        )

    def response(self, answers: str | None) -> bytes:
        """Signed, and encrypted, as this provider does."""
        root = self._unsigned(answers)
        self.spoil(root)
        if self.signs in ("assertion", "both"):
            sign(root.find("saml:Assertion", NAMES), self.signer)
        if self.encrypts:
            encrypt(root, self.ours)
        if self.signs in ("response", "both"):
            sign(root, self.signer)
        return self.raw(etree.tostring(self.forge(etree.fromstring(etree.tostring(root)))))

    def _unsigned(self, answers: str | None) -> Any:
        answered = {"InResponseTo": answers} if answers else {}
        confirmation = SAML.SubjectConfirmationData(
            Recipient=ACS, NotOnOrAfter=stamp(minutes=5), **answered
        )
        told = [
            SAML.Attribute(*map(SAML.AttributeValue, values), Name=name)
            for name, values in self.person.items()
        ]
        assertion = SAML.Assertion(
            SAML.Issuer(self.issuer),
            SAML.Subject(
                SAML.NameID(self.subject, Format=self.format),
                SAML.SubjectConfirmation(
                    confirmation, Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"
                ),
            ),
            SAML.Conditions(
                SAML.AudienceRestriction(SAML.Audience(STEWARD)),
                NotBefore=stamp(minutes=-5),
                NotOnOrAfter=stamp(minutes=5),
            ),
            SAML.AuthnStatement(
                SAML.AuthnContext(
                    SAML.AuthnContextClassRef("urn:oasis:names:tc:SAML:2.0:ac:classes:Password")
                ),
                AuthnInstant=stamp(),
            ),
            *([SAML.AttributeStatement(*told)] if told else ()),
            ID=f"_{secrets.token_hex(16)}",
            Version="2.0",
            IssueInstant=stamp(),
        )
        return SAMLP.Response(
            SAML.Issuer(self.issuer),
            SAMLP.Status(SAMLP.StatusCode(Value=SUCCESS)),
            assertion,
            ID=f"_{secrets.token_hex(16)}",
            Version="2.0",
            IssueInstant=stamp(),
            Destination=ACS,
            **answered,
        )


def stamp(**after: int) -> str:
    """Now, or so long after, as SAML writes it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(**after)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def sign(element: Any, pair: Pair, algorithm: Any = None) -> None:
    """An enveloped signature behind the issuer, where the schema wants it."""
    signature = xmlsec.template.create(
        element, xmlsec.Transform.EXCL_C14N, algorithm or xmlsec.Transform.RSA_SHA256, ns="ds"
    )
    element.insert(1, signature)
    reference = xmlsec.template.add_reference(
        signature, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}"
    )
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.key, xmlsec.KeyFormat.PEM, None)
    context.key.load_cert_from_memory(pair.pem, xmlsec.KeyFormat.PEM)
    context.sign(signature)


def encrypt(root: Any, pair: Pair, key_transport: Any = None, block: Any = None) -> None:
    """Put the assertion away for whoever has the key of this certificate."""
    assertion = root.find("saml:Assertion", NAMES)
    wrapper = SAML.EncryptedAssertion()
    root.replace(assertion, wrapper)
    wrapper.append(assertion)
    data = xmlsec.template.encrypted_data_create(
        wrapper,
        block or xmlsec.Transform.AES256_GCM,
        type=xmlsec.EncryptionType.ELEMENT,
        ns="xenc",
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, key_transport or xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(pair.pem, xmlsec.KeyFormat.CERT_PEM, None))
    context = xmlsec.EncryptionContext(manager)
    bits = 256 if block is None else 128
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(data, assertion)
