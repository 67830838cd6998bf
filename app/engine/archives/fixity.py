"""Fixity: stored files and packages are read again by plan, a slice a day, all of them within so many days.

What is found: *decay* (the content is not what it was), *loss* (it is gone), *strangers* (files in the
store that no row knows). Each is kept with when it was first and last seen, until a later reading finds
all well; whoever may read the audit log is told of new ones.
"""

from __future__ import annotations

import datetime
import hashlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import audit, notices, policy
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import Identifier, Model, UtcDateTime, now, write_transaction
from app.engine.adapters.storage import FileGone, store
from app.engine.adapters.vault import VaultClosed
from app.engine.archives import checking, declaring
from app.engine.files import StoredFile
from app.engine.files.models import FOLDER, path_of
from app.engine.job import WARNING, JobKind, Run, declare

KIND = declare(JobKind("archive.fixity", _("Fixity check"))).name

DECAY, LOSS, STRANGER = "decay", "loss", "stranger"
LABELS = {
    DECAY: _("Decayed: it is not what it was"),
    LOSS: _("Lost: it is not in the store"),
    STRANGER: _("Stranger: nothing here knows it"),
}

PAGE = "/fixity/"
ARCHIVES = "archives"
"""Of the store: where packages are kept."""

_BATCH = 50
_YOUNG = datetime.timedelta(days=2)
"""A file may be in the store before its row is: no stranger yet."""

_WHY = "every stored file is read again, whoever filed it"


class FixityRound(Model):
    """How far the present round over one kind of contents has come."""

    __tablename__ = "fixity_round"

    source: Mapped[str] = mapped_column(String(60), primary_key=True)
    begun_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    after: Mapped[int] = mapped_column(Identifier, default=0)
    checked: Mapped[int] = mapped_column(Identifier, default=0)
    ended_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    """When the last whole round ended."""


class FixityFinding(Model):
    """Something that a reading found, and that no later one has found well."""

    __tablename__ = "fixity_finding"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    path: Mapped[str] = mapped_column(String(200), unique=True)
    what: Mapped[str] = mapped_column(String(10))
    first_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Kept:
    """Something that must be in the store. `well(path)` reads it; raises FileGone."""

    id: int
    path: str
    well: Callable[[], bool]


@dataclass(frozen=True)
class Source:
    """One kind of contents: `after(session, id, limit)` gives the next, by id."""

    name: str
    after: Callable[[Session, int, int], Sequence[Kept]]
    count: Callable[[Session, int], int]


def sources() -> list[Source]:
    """Stored files, and the packages of each archive."""
    return [Source("files", _files, _files_left), *map(_of_archive, declaring.declared())]


def _files(session: Session, after: int, limit: int) -> list[Kept]:
    rows = session.execute(
        select(StoredFile.id, StoredFile.sha256, StoredFile.size)
        .where(StoredFile.id > after)
        .order_by(StoredFile.id)
        .limit(limit)
    ).all()
    return [
        Kept(row.id, path_of(row.sha256), partial(is_whole, row.sha256, row.size)) for row in rows
    ]


def _files_left(session: Session, after: int) -> int:
    left = select(func.count()).select_from(StoredFile).where(StoredFile.id > after)
    return int(session.scalar(left) or 0)


def is_whole(sha256: str, size: int) -> bool:
    """Whether a stored content is what its name says. Raises FileGone."""
    sha, found = hashlib.sha256(), 0
    try:
        with store().open(path_of(sha256)) as file:
            while chunk := file.read(checking.CHUNK):
                sha.update(chunk)
                found += len(chunk)
    except VaultClosed:  # an encrypted file that was changed, or cut
        return False
    return sha.hexdigest() == sha256 and found == size


def _of_archive(archive: declaring.Archive) -> Source:
    def after(session: Session, last: int, limit: int) -> list[Kept]:
        return [
            Kept(one.id, one.path, partial(_is_well, one))
            for one in archive.sealed(session, last, limit)
        ]

    def left(session: Session, last: int) -> int:
        count = 0
        while some := archive.sealed(session, last, 1000):
            count, last = count + len(some), some[-1].id
        return count

    return Source(archive.entity, after, left)


def _is_well(one: declaring.Sealed) -> bool:
    return not list(check_package(one))


def check_package(one: declaring.Sealed) -> Iterator[str]:
    """What is wrong with a package that is in the store: its seal, then all that it says of itself.

    Raises FileGone.
    """
    with store().local(one.path) as place, place.open("rb") as file:
        try:
            if place.stat().st_size != one.size or checking.seal_of(file) != one.seal:
                yield "its seal is broken"
            with checking.opened(place) as package:
                yield from map(str, checking.check(package))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            yield f"it cannot be read: {error}"


# -- the daily slice -------------------------------------------------------------------------


def run(run: Run) -> dict[str, Any]:
    """Read today's slice of each source, and look for strangers. Run again it goes on."""
    days = int(current_app.config["STEWARD"].fixity_days)
    counts = {"checked": 0, DECAY: 0, LOSS: 0, STRANGER: 0}
    with policy.unrestricted(_WHY) as session:
        before = int(session.scalar(select(func.count()).select_from(FixityFinding)) or 0)
    for source in sources():
        _slice(run, source, days, counts)
    _strangers(run, counts)
    _tell(run, before)
    run.log(
        _(
            "%(checked)s read again; decayed: %(decay)s, lost: %(loss)s, strangers: %(stranger)s.",
            **counts,
        )
    )
    return counts


def slice_of(left: int, begun: datetime.datetime, at: datetime.datetime, days: int) -> int:
    """How many are read today, so that the round ends in time; all that is left once it is late."""
    passed = max(0, (at - begun).days)  # a clock that was set back makes nothing late
    remaining = max(1, days - passed)
    return -(-left // remaining)


def _slice(run: Run, source: Source, days: int, counts: dict[str, int]) -> None:
    wanted = _begin(source, days)
    while wanted > 0:
        with policy.unrestricted(_WHY) as session:
            found = session.get(FixityRound, source.name)
            some = source.after(session, found.after if found else 0, min(_BATCH, wanted))
        if not some:
            break
        results = {one.path: read(one) for one in some}
        _note(run, source, some[-1].id, results, counts)
        wanted -= len(some)
    with policy.unrestricted(_WHY) as session:
        found = session.get(FixityRound, source.name)
        over = found is not None and not source.count(session, found.after)
    if over:
        _end(source)


def _begin(source: Source, days: int) -> int:
    """How many are to be read; a round begins with the first slice after the last one's end."""
    with write_transaction() as session:
        found = session.get(FixityRound, source.name)
        if found is None:
            found = FixityRound(source=source.name, begun_at=now(), after=0, checked=0)
            session.add(found)
            session.flush()
        after, begun = found.after, found.begun_at
    with policy.unrestricted(_WHY) as session:
        left = source.count(session, after)
    return slice_of(left, begun, now(), days)


def _end(source: Source) -> None:
    with write_transaction() as session:
        found = session.get_one(FixityRound, source.name)
        found.after, found.checked = 0, 0
        found.ended_at = found.begun_at = now()


def read(one: Kept) -> str | None:
    """Read a content whole; what is wrong with it."""
    try:
        return None if one.well() else DECAY
    except FileGone:
        return LOSS


def _note(
    run: Run, source: Source, last: int, results: dict[str, str | None], counts: dict[str, int]
) -> None:
    with write_transaction() as session:
        counts["checked"] += len(results)
        run.hold(session, done=counts["checked"])
        found = session.get_one(FixityRound, source.name)
        found.after, found.checked = last, found.checked + len(results)
        for path, what in results.items():
            if what is not None:
                counts[what] += 1
            note(session, run, path, what)


def note(session: Session, run: Run | None, path: str, what: str | None) -> None:
    """Keep what was found of a path; nothing once it is well."""
    known = session.scalar(select(FixityFinding).where(FixityFinding.path == path))
    if what is None:
        if known is not None:
            session.delete(known)
        return
    if known is not None and known.what == what:
        known.last_at = now()
        return
    if known is None:
        known = FixityFinding(path=path, what=what, first_at=now(), last_at=now())
        session.add(known)
    known.what, known.last_at = what, now()
    audit.record("archive.found", details={"path": path, "what": what})
    if run is not None:
        run.log(_("%(path)s: %(what)s", path=path, what=LABELS[what]), WARNING)


def _tell(run: Run, before: int) -> None:
    """Tell whoever reads the audit log that there is more to look at than before."""
    with policy.unrestricted(_WHY) as session:
        found = int(session.scalar(select(func.count()).select_from(FixityFinding)) or 0)
        people = list(session.scalars(select(StewardUser.id).where(StewardUser.active.is_(True))))
    if found <= before:
        return
    message = _("Stored files were found wanting: %(number)s.", number=found)
    told = [one for one in people if policy.viewer_by_id(one).can(policy.AUDIT, "read")]
    with write_transaction() as session:
        run.hold(session)
        for user_id in told:
            notices.notify(session, user_id, message, PAGE, tone=notices.BAD)


# -- strangers -------------------------------------------------------------------------------


def strangers(session: Session) -> Iterator[str]:
    """Files in the store, where contents and packages lie, that no row knows."""
    yield from _unknown(store().paths(FOLDER), lambda some: _known_files(session, some))
    packages = {one.path for archive in declaring.declared() for one in _all(archive, session)}
    yield from _unknown(store().paths(ARCHIVES), lambda _some: packages)


def _all(archive: declaring.Archive, session: Session) -> Iterator[declaring.Sealed]:
    last = 0
    while some := archive.sealed(session, last, 1000):
        yield from some
        last = some[-1].id


def _known_files(session: Session, paths: Sequence[str]) -> set[str]:
    names = [path.rpartition("/")[2] for path in paths]
    found = session.scalars(select(StoredFile.sha256).where(StoredFile.sha256.in_(names)))
    return {path_of(sha256) for sha256 in found}


def _unknown(
    paths: Sequence[str], known: Callable[[Sequence[str]], set[str]], part: int = 500
) -> Iterator[str]:
    for start in range(0, len(paths), part):
        some = paths[start : start + part]
        there = known(some)
        yield from (path for path in some if path not in there and not _is_young(path))


def _is_young(path: str) -> bool:
    written = store().written_at(path)
    return written is not None and now() - written < _YOUNG


def _strangers(run: Run, counts: dict[str, int]) -> None:
    with policy.unrestricted(_WHY) as session:
        found = list(strangers(session))
    with write_transaction() as session:
        run.hold(session)
        before = session.scalars(select(FixityFinding).where(FixityFinding.what == STRANGER))
        for one in list(before):
            if one.path not in set(found):
                session.delete(one)
        for path in found:
            counts[STRANGER] += 1
            note(session, run, path, STRANGER)
