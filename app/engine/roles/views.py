"""Changing a saved view that roles take conditions from: the view and all of them, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.engine import policy, views
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed, Problem
from app.engine.policy import ViewUse, current_viewer
from app.engine.registry import current
from app.engine.roles.book import RoleBook, load_book
from app.engine.roles.changing import (
    Proposal,
    StaleRole,
    book_to_change,
    note_refused,
    write_role,
)
from app.engine.roles.checks import problems_of
from app.engine.saved_views import WITH_ROLES


@dataclass(frozen=True)
class ViewProposal:
    """A saved view with other filters, and the marks of the roles that were looked at."""

    view_id: int
    address: str
    version: int
    marks: Mapping[int, str]

    @property
    def use(self) -> ViewUse:
        """What roles take from it. Raises InvalidInput where they can't."""
        return views.use_of(self.view_id, self.address)


def marks_of(book: RoleBook, view_id: int) -> dict[int, str]:
    """The roles that use the view, each with the mark of how it stands."""
    return {role_id: book.roles[role_id].mark for role_id in book.using(view_id)}


def proposed(session: Session, proposal: ViewProposal) -> tuple[RoleBook, RoleBook]:
    """All roles before and after. Raises InvalidInput, NotAllowed; what was tried is noted."""
    book = load_book(session)
    after = book.with_view(proposal.use)
    _require(session, book, after, proposal, previewed=True)
    return book, after


def save_view(proposal: ViewProposal) -> int | None:
    """Change the view and the roles that use it, in one transaction; the change set's number.

    Raises InvalidInput, NotAllowed, StaleRecord, StaleRole; then nothing has changed.
    """
    definition = current().entity(views.NAME)
    with change_set("form") as changes:
        session = changes.session
        book = book_to_change(session)
        if marks_of(book, proposal.view_id) != dict(proposal.marks):
            raise StaleRole
        after = book.with_view(proposal.use)
        session.info[WITH_ROLES] = proposal.view_id
        try:
            values = {"address": proposal.address}
            changes.update(definition, proposal.view_id, values, proposal.version)
        finally:
            session.info.pop(WITH_ROLES, None)
        _require(session, book, after, proposal)
        for role_id in proposal.marks:
            step = Proposal(role_id, after.roles[role_id])
            old, new = book.roles[role_id], after.roles[role_id]
            if old != new:
                write_role(session, step, after, old, new)
    return changes.id


def _require(
    session: Session,
    book: RoleBook,
    after: RoleBook,
    proposal: ViewProposal,
    previewed: bool = False,
) -> None:
    """Raises InvalidInput, NotAllowed."""
    viewer = current_viewer()
    if not viewer.can(policy.USERS, "update"):
        raise NotAllowed
    found: list[Problem] = []
    for role_id in proposal.marks:
        problems = problems_of(session, book, after, role_id, viewer, as_proposed=previewed)
        if problems:
            note_refused(role_id, problems)
        found += problems
    if found:
        raise InvalidInput(found)
