"""What an answer by SAML has to look like before a signature in it is worth looking at.

Attacks on signed XML leave the signature whole and move what it covers: a second assertion, a second
element of the same ID, a transformation that leaves things out. Here only the one plain shape passes,
in which the signed element is the one that is read. Source: Somorovsky et al., “On Breaking SAML:
Be Whoever You Want to Be” (USENIX Security 2012).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.engine.adapters.appbuilder.saml_parties import NotTrusted

NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
ASSERTION = f"{{{NAMES['saml']}}}Assertion"
ENCRYPTED = f"{{{NAMES['saml']}}}EncryptedAssertion"
RESPONSE = f"{{{NAMES['samlp']}}}Response"

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
TRANSFORMS = ("http://www.w3.org/2000/09/xmldsig#enveloped-signature", EXCLUSIVE)
CANONICAL = (EXCLUSIVE, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")

OAEP = (
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
)
CIPHERS = (
    *OAEP,
    *(f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm" for bits in (128, 192, 256)),
    *(f"http://www.w3.org/2001/04/xmlenc#aes{bits}-cbc" for bits in (128, 192, 256)),
)
"""Not RSA by PKCS #1 v1.5, whose padding tells too much (Bleichenbacher 1998)."""

LARGEST = 300_000
"""Bytes of an answer that are looked at."""


def parsed(raw: bytes) -> Any:
    """The answer's root element, without anything declared or fetched. Raises NotTrusted."""
    from lxml import etree

    if len(raw) > LARGEST:
        raise NotTrusted("too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.LxmlError, ValueError) as error:
        raise NotTrusted("not well-formed") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotTrusted("a document type is declared")
    return root


def check(root: Any) -> None:
    """Refuse every shape but the plain one. Raises NotTrusted."""
    if root.tag != RESPONSE:
        raise NotTrusted("not a response")
    if root.xpath("//comment() | //processing-instruction()"):
        raise NotTrusted("a comment or instruction inside")
    _one_assertion(root)
    ids = Counter(root.xpath("//@*[local-name()='ID' or local-name()='Id' or local-name()='id']"))
    if any(times > 1 for times in ids.values()):
        raise NotTrusted("two elements of one ID")
    signatures = _all(root, "//ds:Signature")
    for signature in signatures:
        _check_signature(root, signature)
    if len({signature.getparent() for signature in signatures}) < len(signatures):
        raise NotTrusted("two signatures of one element")
    _check_encryption(root)


def assertion_of(root: Any) -> Any:
    """The one assertion of an answer that was checked."""
    return root.find(ASSERTION)


def _one_assertion(root: Any) -> None:
    """One, directly below the root: no other element can be taken for it."""
    anywhere = _all(root, "//saml:Assertion | //saml:EncryptedAssertion | //samlp:Response")
    if len(anywhere) != 2 or anywhere[0] is not root or anywhere[1].getparent() is not root:
        raise NotTrusted("not exactly one assertion in its place")


def _check_signature(root: Any, signature: Any) -> None:
    """That it covers the whole of the element it stands in, and nothing else."""
    signed = signature.getparent()
    if signed is not root and not (signed.tag == ASSERTION and signed.getparent() is root):
        raise NotTrusted("a signature in another place")
    references = _all(signature, ".//ds:Reference")
    if len(references) != 1 or _all(signature, ".//ds:Object | .//ds:Manifest"):
        raise NotTrusted("a signature of several things")
    if not signed.get("ID") or references[0].get("URI") != f"#{signed.get('ID')}":
        raise NotTrusted("a signature of something else")
    transforms = [one.get("Algorithm") for one in _all(references[0], ".//ds:Transform")]
    canonical = [one.get("Algorithm") for one in _all(signature, ".//ds:CanonicalizationMethod")]
    if len(transforms) > 2 or not set(transforms) <= set(TRANSFORMS):
        raise NotTrusted("a transformation that may leave things out")
    if len(canonical) != 1 or canonical[0] not in CANONICAL:
        raise NotTrusted("an unknown way of writing before signing")


def _check_encryption(root: Any) -> None:
    methods = [one.get("Algorithm") for one in _all(root, "//xenc:EncryptionMethod")]
    if not set(methods) <= set(CIPHERS) or _all(root, "//xenc:CipherReference"):
        raise NotTrusted("encrypted in a way that is not taken")


def _all(element: Any, path: str) -> list[Any]:
    return list(element.xpath(path, namespaces=NAMES))
