"""How passwords are kept: argon2id, at the cost that OWASP recommends; older hashes are still known.

A hash of another kind or of a lower cost is replaced at its owner's next sign-in.
"""

from __future__ import annotations

import functools

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

_HASHER = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1, type=Type.ID)
"""19 MiB and two passes, of OWASP's choices of like strength the one with room for many at once."""

_OLD = ("scrypt:", "pbkdf2:")


def hash_password(password: str) -> str:
    """The hash to keep."""
    return _HASHER.hash(password)


@functools.cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password; takes its time also where there is none to compare with."""
    if kept and kept.startswith(_OLD):
        return check_password_hash(kept, password)
    try:
        return _HASHER.verify(kept or _nobodys(), password) and bool(kept)
    except InvalidHashError:
        return matches(None, password)
    except VerificationError:
        return False


def outdated(kept: str) -> bool:
    """Whether the hash should be replaced, now that its password is at hand."""
    return kept.startswith(_OLD) or _HASHER.check_needs_rehash(kept)
