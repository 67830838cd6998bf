"""A disk that is full: noticed in whatever words it comes, and said to whoever asked."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import DBAPIError

from app.engine.errors import StewardError

_FULL_STATES = ("53100",)
"""PostgreSQL's code for it."""

_ROOM = 1_000_000
"""With fewer bytes free no batch can be written."""


def full_disk(error: BaseException) -> bool:
    """Whether a write failed because the disk is full, in either database's words."""
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlstate", None)
        return code in _FULL_STATES or "disk is full" in str(error.orig)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def no_room() -> bool:
    """Whether nothing more fits beside what Steward keeps in its own folder."""
    return shutil.disk_usage(current_app.config["STEWARD"].data_dir).free < _ROOM


class DiskFull(StewardError):
    """Nothing more can be written until somebody makes room."""

    status = 507

    def __init__(self) -> None:
        super().__init__(
            _("The disk is full. What was written so far stays; make room and try again.")
        )


@contextlib.contextmanager
def full_disk_told() -> Iterator[None]:
    """A full disk as DiskFull, which says so to whoever asked."""
    try:
        yield
    except (OSError, DBAPIError) as error:
        if not full_disk(error):
            raise
        raise DiskFull from error
