"""Roles as an administrator changes them: looked at first, saved as one change, taken back."""

from app.engine.roles.book import RoleBook, RolePicture, load_book
from app.engine.roles.changing import (
    Proposal,
    changes_of,
    note_refused,
    propose_undo,
    save,
    standing,
)
from app.engine.roles.checks import problems_of
from app.engine.roles.models import RoleChange
from app.engine.roles.preview import Preview, preview
from app.engine.roles.shipped import taken_away, with_gained
from app.engine.roles.views import ViewProposal, marks_of, proposed, save_view

__all__ = [
    "Preview",
    "Proposal",
    "RoleBook",
    "RoleChange",
    "RolePicture",
    "ViewProposal",
    "changes_of",
    "load_book",
    "marks_of",
    "note_refused",
    "preview",
    "problems_of",
    "propose_undo",
    "proposed",
    "save",
    "save_view",
    "standing",
    "taken_away",
    "with_gained",
]
