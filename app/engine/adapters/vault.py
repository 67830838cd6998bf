"""Encryption of what must not be read in the database, its files or a backup of them.

`ENCRYPTION_KEYS` names one or more keys: the first writes, all read. From each key three are derived:
one to encrypt with (AES-256-GCM), one for the marks that equal values share (HMAC-SHA256), and its
name, which stands in what it has encrypted. Without a key everything is kept as it is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect
from sqlalchemy.types import String, Text, TypeDecorator, TypeEngine

from app.engine.adapters.database import Json

SEALED = "enc1:"
"""How an encrypted text begins; then the key's name, a colon, nonce and content in base64."""

PLAIN = "raw1:"
"""Before a text that is not encrypted and would look as if it were."""

WRAPPED = "$sealed"
"""The only key of a JSON object that stands for an encrypted value."""

_NONCE = 12
_MARK = 16  # bytes of a mark that are kept


class VaultClosed(Exception):
    """Something was encrypted with a key that is not among those given, or has been changed since."""


class Key:
    """One key of the operator's, and what follows from it."""

    def __init__(self, secret: str) -> None:
        def derived(purpose: bytes, length: int = 32) -> bytes:
            kdf = HKDF(hashes.SHA256(), length, salt=b"steward", info=purpose)
            return kdf.derive(secret.encode())

        self.name = derived(b"name", 4).hex()
        self.cipher = AESGCM(derived(b"values"))
        self.files = derived(b"files")
        self.marks = derived(b"marks")


class Vault:
    """The keys of this process; none: it is open, and nothing is encrypted."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.keys = [Key(secret) for secret in secrets]
        self._by_name = {key.name: key for key in self.keys}

    @property
    def first(self) -> Key | None:
        """The key that writes."""
        return self.keys[0] if self.keys else None

    @property
    def names(self) -> list[str]:
        return [key.name for key in self.keys]

    def key(self, name: str) -> Key:
        """Raises VaultClosed for one that is not given."""
        try:
            return self._by_name[name]
        except KeyError:
            raise VaultClosed(f"encrypted with the key {name}, which is not given") from None

    def seal(self, text: str) -> str:
        """The text as it is stored."""
        first = self.first
        if first is None:
            return PLAIN + text if text.startswith((SEALED, PLAIN)) else text
        nonce = os.urandom(_NONCE)
        content = nonce + first.cipher.encrypt(nonce, text.encode(), first.name.encode())
        return f"{SEALED}{first.name}:{base64.urlsafe_b64encode(content).decode()}"

    def open(self, stored: str) -> str:
        """The text out of what is stored. Raises VaultClosed."""
        if not stored.startswith(SEALED):
            return stored.removeprefix(PLAIN)
        name, _colon, content = stored[len(SEALED) :].partition(":")
        key = self.key(name)
        try:
            raw = base64.urlsafe_b64decode(content)
            return key.cipher.decrypt(raw[:_NONCE], raw[_NONCE:], name.encode()).decode()
        except (ValueError, InvalidTag):
            raise VaultClosed("an encrypted value was changed, or cut") from None

    def is_stale(self, stored: str) -> bool:
        """Whether it would be stored otherwise today: not encrypted, or by an earlier key."""
        return self.first is not None and not stored.startswith(f"{SEALED}{self.first.name}:")

    def wrap(self, value: Any) -> Any:
        """A JSON value as it is stored."""
        if value is None or self.first is None:
            return value
        return {WRAPPED: self.seal(orjson.dumps(value).decode())}

    def unwrap(self, stored: Any) -> Any:
        """The reverse. Raises VaultClosed."""
        if isinstance(stored, dict) and stored.keys() == {WRAPPED}:
            return orjson.loads(self.open(stored[WRAPPED]))
        return stored

    def marks(self, text: str, purpose: str) -> list[str]:
        """What equal texts share and nobody can read, by each key, the first one's first."""
        content = f"{purpose}\0{text}".encode()
        return [
            hmac.new(key.marks, content, hashlib.sha256).digest()[:_MARK].hex() for key in self.keys
        ]


_present = Vault()


def use(secrets: Sequence[str]) -> None:
    """From here on this process encrypts with these keys."""
    global _present  # noqa: PLW0603  a column's type knows no application
    if list(secrets) != _given:
        _given[:] = secrets
        _present = Vault(secrets)


_given: list[str] = []


def present() -> Vault:
    """The keys of this process."""
    return _present


def is_on() -> bool:
    """Whether anything is encrypted."""
    return bool(_present.keys)


class Sealed(TypeDecorator[Any]):
    """A column of texts that are encrypted where a key is set.

    `length`: of the texts; SQLite is told it, which bounds nothing there. Encrypted they are longer.
    """

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        told = dialect.name == "sqlite" and self.length is not None
        return String(self.length) if told else Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _present.seal(str(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.opened(value)

    def opened(self, stored: str) -> Any:
        """The value out of what the column holds."""
        return _present.open(stored)


class SealedJson(TypeDecorator[Any]):
    """A column of JSON that is encrypted as a whole where a key is set."""

    impl = Json
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Json.dialect_impl(dialect))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return _present.wrap(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return _present.unwrap(value)


class JournalJson(SealedJson):
    """Values by field; who writes them encrypts those of sensitive fields, each by itself."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: _present.unwrap(one) for name, one in value.items()}
