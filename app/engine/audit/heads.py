"""The chain's head, written outside the database, so that a cut tail or a chain computed anew shows.

Each few minutes the scheduler adds a line to a file (or an object to a folder of a store, which can be
one that lets nothing be overwritten) and to the log; once a day it is mailed where that is set.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
from flask import current_app
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import db, now
from app.engine.adapters.mail import Letter, post
from app.engine.audit.sealing import chain_head
from app.engine.audit.verify import read_lines
from app.engine.job import JobKind, Run, declare

KIND = declare(JobKind("audit.head", _("Head of the audit log, by mail"), notifies=False)).name

_WRITTEN = "steward.audit_head"

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # a head in the log is one more place outside the database


def head() -> dict[str, Any]:
    """The chain's head as it is now."""
    position, last = chain_head(db.session())
    return {"at": now().isoformat(timespec="seconds"), "position": position, "hash": last}


def write() -> bool:
    """Write the head down where it has moved; whether it had."""
    found = head()
    place = (found["position"], found["hash"])
    if not found["position"] or current_app.extensions.get(_WRITTEN) == place:
        return False
    _append(_address(), json.dumps(found, sort_keys=True), found["position"])
    log.info("head of the audit log: %(position)s %(hash)s", found)
    current_app.extensions[_WRITTEN] = place
    return True


def written() -> Iterator[dict[str, Any]]:
    """Every head that was written down."""
    address = _address()
    if address.startswith("file://"):
        path = Path(address.removeprefix("file://"))
        yield from read_lines(path) if path.exists() else ()
        return
    files, folder = fsspec.core.url_to_fs(address)
    for name in sorted(files.ls(folder, detail=False)) if files.exists(folder) else ():
        with files.open(name, "r") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def mail(run: Run) -> dict[str, Any]:
    """Mail the head to AUDIT_HEAD_MAIL; nothing where that is not set."""
    address, found = current_app.config["STEWARD"].audit_head_mail, head()
    if not address or not found["position"]:
        return {}
    text = gettext("Keep this mail: the audit log is verified with the line below.")
    letter = Letter(
        name="",
        address=address,
        subject=gettext("Steward: head of the audit log, %(position)s", position=found["position"]),
        text=f"{text}\n\n{json.dumps(found, sort_keys=True)}\n",
        token=f"{run.id}.audit-head",
    )
    post().send(letter, lambda: None)
    return found


def _address() -> str:
    return str(current_app.config["STEWARD"].audit_head_file)


def _append(address: str, line: str, position: int) -> None:
    """A line more in a file on this machine, in one write; elsewhere an object of its own."""
    if address.startswith("file://"):
        path = Path(address.removeprefix("file://"))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
            os.fsync(file.fileno())
        return
    files, folder = fsspec.core.url_to_fs(address)
    files.makedirs(folder, exist_ok=True)
    with files.open(f"{folder.rstrip('/')}/head-{position:015}.json", "w") as file:
        file.write(f"{line}\n")
