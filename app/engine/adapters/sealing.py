"""Secrets that have to be read again, kept so that a copy of the database alone does not tell them."""

from __future__ import annotations

import base64
import functools

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


class Unreadable(ValueError):
    """It was sealed under another SECRET_KEY, or is damaged."""


def seal(purpose: str, secret: str) -> str:
    """The secret, encrypted under a key of its own for the purpose, drawn from SECRET_KEY."""
    return _box(purpose).encrypt(secret.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """What was sealed. Raises Unreadable."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(purpose) from error


def _box(purpose: str) -> Fernet:
    return _box_of(str(current_app.config["SECRET_KEY"]), purpose)


@functools.lru_cache(maxsize=16)
def _box_of(secret_key: str, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=f"steward {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))
