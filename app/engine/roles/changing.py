"""Saving a change of a role, whole or not at all, and proposing to take one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.engine import audit
from app.engine.adapters.appbuilder import permissions
from app.engine.adapters.appbuilder import roles as rows
from app.engine.adapters.appbuilder.guard import ADMINISTRATORS
from app.engine.adapters.database import db, in_turn, now, write_transaction
from app.engine.errors import InvalidInput, NotFound, Problem, StewardError
from app.engine.policy import (
    Grant,
    RoleFieldAccess,
    RoleGrant,
    RoleInclude,
    RoleProfile,
    current_viewer,
)
from app.engine.registry import RIGHTS, raise_version
from app.engine.roles.book import NAMES, Key, RoleBook, RolePicture, load_book
from app.engine.roles.checks import problems_of
from app.engine.roles.models import RoleChange
from app.engine.saved_views import USED_BY_ROLES

audit.declare("role.refused", _("Change of a role refused"), audit.RIGHTS, grave=True)

NEW = 0
"""The id of a role that is not there yet."""


class StaleRole(StewardError):
    """Somebody has changed the role since the change was previewed."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else changed this role meanwhile. Look at it again and repeat the change.")
        )


@dataclass(frozen=True)
class Proposal:
    """A role as it would be (None: deleted), and the mark of the role that was looked at."""

    role_id: int
    picture: RolePicture | None
    base: str = ""
    undoes_id: int | None = None
    kept: int = 0
    """Of an undoing: how many lines stay, since somebody has changed them again."""


def standing(session: Session, role_id: int) -> RolePicture:
    """The role as it is. Raises NotFound."""
    found = load_book(session).roles.get(role_id)
    if found is None:
        raise NotFound(_("There is no such role."))
    return found


def save(proposal: Proposal) -> RoleChange | None:
    """Make the roles what the proposal says; None when that is what they are.

    One transaction. Raises InvalidInput, NotAllowed, StaleRole; then nothing has changed.
    """
    with write_transaction() as session:
        book = book_to_change(session)
        before = book.roles.get(proposal.role_id)
        if (before.mark if before else "") != proposal.base:
            raise StaleRole
        _require_undoable(session, proposal)
        after = proposal.picture
        if before == after:
            return None
        if after is None:
            _require_unused(session, book, proposal.role_id)
        problems = problems_of(
            session, book, book.having(proposal.role_id, after), proposal.role_id, current_viewer()
        )
        if problems:
            note_refused(proposal.role_id, problems)
            raise InvalidInput(problems)
        return write_role(session, proposal, book, before, after)


def book_to_change(session: Session) -> RoleBook:
    """All roles, to be changed in this transaction: whoever changes them after it waits, and sees it."""
    raise_version(session, RIGHTS)
    in_turn(session, [ADMINISTRATORS, USED_BY_ROLES])
    session.expire_all()
    return load_book(session)


def note_refused(role_id: int, problems: Iterable[Problem]) -> None:
    """What somebody tried and may not, in the audit log: it stays though the change does not."""
    with force_locale("en"):
        why = [str(problem.message) for problem in problems]
    audit.record("role.refused", details={"role_id": role_id, "why": why}, apart=True)


def _require_undoable(session: Session, proposal: Proposal) -> None:
    """Raises InvalidInput for the undoing of what is undone, or of another role's change."""
    if proposal.undoes_id is None:
        return
    change = session.get(RoleChange, proposal.undoes_id)
    if change is None or change.undone or proposal.role_id not in (NEW, change.role_id):
        raise InvalidInput.of(None, _("This change has been undone already."))


def _require_unused(session: Session, book: RoleBook, role_id: int) -> None:
    """Raises InvalidInput for a role that comes with Steward, that people have or roles include."""
    profile = session.get(RoleProfile, role_id)
    if profile is not None and profile.built_in is not None:
        raise InvalidInput.of(None, _("This role comes with Steward; it can't be deleted."))
    if number := rows.role_counts().get(role_id, 0):
        raise InvalidInput.of(
            None, _("The role can't be deleted: people have it (%(number)s).", number=number)
        )
    if others := book.including(role_id) - {role_id}:
        names = ", ".join(str(book.roles[other].label) for other in sorted(others))
        raise InvalidInput.of(
            None, _("The role can't be deleted: other roles include it: %(roles)s.", roles=names)
        )


def write_role(
    session: Session,
    proposal: Proposal,
    book: RoleBook,
    before: RolePicture | None,
    after: RolePicture | None,
) -> RoleChange:
    """Put the role's rows in place, and note the change. What may be wrong with it was asked before."""
    names = rows.role_names(session)
    role_id = proposal.role_id
    if before is None and after is not None:
        role_id = rows.add_role(session, after.names["label_en"])
    role_name = names.get(role_id) or rows.role_names(session)[role_id]
    if after is None:
        rows.drop_role(session, role_id)
    else:
        _write_lines(session, role_id, before, after)
        touched = book.having(role_id, after).including(role_id)
        permissions.derive(session, touched)
    viewer = current_viewer()
    change = RoleChange(
        at=now(),
        by_id=viewer.user_id,
        by_name=viewer.name,
        role_id=role_id,
        role_name=role_name,
        before=before and before.as_json(),
        after=after and after.as_json(),
        undoes_id=proposal.undoes_id,
    )
    session.add(change)
    audit.record("role.changed", details=_told(change))
    if proposal.undoes_id is not None:
        undone = update(RoleChange).where(RoleChange.id == proposal.undoes_id)
        session.execute(undone.values(undone=True))
    session.flush()
    return change


def _told(change: RoleChange) -> dict[str, Any]:
    """For the audit log: the role, and which parts of it differ, line by line."""
    old, new = (_flat(data or {}) for data in (change.before, change.after))
    differing = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    return {
        "role": change.role_name,
        "role_id": change.role_id,
        "before": {key: old[key] for key in differing if key in old},
        "after": {key: new[key] for key in differing if key in new},
    }


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part, value in data.items():
        if part in ("grants", "fields"):
            for entity, lines in value.items():
                found |= {f"{part}.{entity}.{name}": given for name, given in lines.items()}
        else:
            found[part] = value
    return found


def _write_lines(
    session: Session, role_id: int, before: RolePicture | None, after: RolePicture
) -> None:
    """Take away the rows that differ, and put in those that are new."""
    had = before or RolePicture({})
    _write_profile(session, role_id, after.names)
    for other in set(had.includes) ^ set(after.includes):
        row = RoleInclude(role_id=role_id, included_id=other)
        of_it = (RoleInclude.role_id == role_id, RoleInclude.included_id == other)
        _replace(session, RoleInclude, of_it, row if other in after.includes else None)
    for key in _changed(had.grants, after.grants):
        grant = after.grants.get(key)
        at = (RoleGrant.role_id == role_id, RoleGrant.entity == key[0], RoleGrant.action == key[1])
        _replace(session, RoleGrant, at, grant and _grant_row(role_id, key, grant))
    for key in _changed(had.fields, after.fields):
        entity, name = key
        line, access = RoleFieldAccess, after.fields.get(key)
        at = (line.role_id == role_id, line.entity == entity, line.field == name)
        values = {"role_id": role_id, "entity": entity, "field": name, "access": access}
        _replace(session, line, at, line(**values) if access else None)
    session.flush()


def _write_profile(session: Session, role_id: int, names: Mapping[str, str]) -> None:
    profile = session.get(RoleProfile, role_id)
    if profile is None:
        profile = RoleProfile(role_id=role_id)
        session.add(profile)
    for name in NAMES:
        setattr(profile, name, names[name].strip())


def _changed(before: Mapping[Key, Any], after: Mapping[Key, Any]) -> list[Key]:
    keys = {*before, *after}
    return sorted(key for key in keys if before.get(key) != after.get(key))


def _replace(session: Session, table: Any, condition: Iterable[Any], row: Any) -> None:
    session.execute(delete(table).where(*condition))
    if row is not None:
        session.add(row)


def _grant_row(role_id: int, key: Key, grant: Grant) -> RoleGrant:
    return RoleGrant(
        role_id=role_id,
        entity=key[0],
        action=key[1],
        scope=grant.scope,
        conditions=grant.stored or None,
    )


# -- history -------------------------------------------------------------------------------


def changes_of(role_id: int | None, limit: int, before: int | None = None) -> list[RoleChange]:
    """The latest changes of a role (None: of all), newest first; those before one by its id."""
    statement = select(RoleChange)
    if role_id is not None:
        statement = statement.where(RoleChange.role_id == role_id)
    if before is not None:
        statement = statement.where(RoleChange.id < before)
    return list(db.session.scalars(statement.order_by(RoleChange.id.desc()).limit(limit)))


def propose_undo(change_id: int) -> Proposal:
    """The role without what the change did; what somebody has changed since then stays.

    Raises NotFound, InvalidInput when nothing is left to undo.
    """
    change = db.session.get(RoleChange, change_id)
    if change is None:
        raise NotFound(_("There is no such change."))
    if change.undone:
        raise InvalidInput.of(None, _("This change has been undone already."))
    present = load_book(db.session()).roles.get(change.role_id)
    did_before, did_after = (
        RolePicture.of_json(data) if data is not None else None
        for data in (change.before, change.after)
    )
    if did_after is None:  # it was deleted: it comes back under a number of its own
        return Proposal(NEW, did_before, "", change.id)
    if present is None:
        raise InvalidInput.of(None, _("The role has been deleted since; undo that first."))
    if did_before is None:
        return Proposal(change.role_id, None, present.mark, change.id)
    merged, kept = _without(present, did_before, did_after)
    if merged == present:
        raise InvalidInput.of(None, _("Nothing is left to undo: all of it was changed again."))
    return Proposal(change.role_id, merged, present.mark, change.id, kept)


def _without(
    present: RolePicture, before: RolePicture, after: RolePicture
) -> tuple[RolePicture, int]:
    """What stands, with each line that the change made put back where nobody changed it since."""
    kept = 0
    parts: dict[str, dict[Any, Any]] = {}
    for part in ("names", "grants", "fields"):
        stands, was, became = (dict(getattr(p, part)) for p in (present, before, after))
        for key in _changed(was, became):
            if stands.get(key) != became.get(key):
                kept += 1
            elif key in was:
                stands[key] = was[key]
            else:
                stands.pop(key, None)
        parts[part] = stands
    includes = set(present.includes)
    includes |= set(before.includes) - set(after.includes)
    includes -= set(after.includes) - set(before.includes)
    return RolePicture(includes=tuple(sorted(includes)), **parts), kept
