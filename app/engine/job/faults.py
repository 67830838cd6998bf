"""Which faults pass by themselves, so that trying again later is worth it, and how they are called."""

from __future__ import annotations

import errno
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.engine.adapters.beside import BesideEnded
from app.engine.adapters.disk import full_disk
from app.engine.adapters.logs import redacted

_LASTING = frozenset(
    number
    for name in (
        "ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EISDIR",
        "EEXIST", "ENAMETOOLONG", "EINVAL", "ENOEXEC", "ELOOP",
    )
    if (number := getattr(errno, name, None)) is not None
)  # fmt: skip
"""A full disk or a missing right stays until somebody mends it."""


def passing(error: BaseException) -> Any:
    """What is wrong, when it will pass by itself; else None."""
    if isinstance(error, DBAPIError):
        if full_disk(error):
            return None
        lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
        return _("The database did not answer.") if lost else None
    if isinstance(error, BesideEnded):
        return _("The process that reads ahead did not answer.")
    if isinstance(error, OSError) and error.errno not in _LASTING:
        return _("The file store or the network did not answer: %(why)s.", why=said(error))
    return None


def said(error: OSError) -> str:
    """The system's own words, as they may be shown."""
    return redacted(error.strerror or str(error) or type(error).__name__)
