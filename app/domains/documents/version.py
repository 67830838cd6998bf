"""Versions of a document, exactly one of them in force, and the files of each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.domains.documents.choices import EDITABLE, LOCKED, DocumentState
from app.domains.documents.document import Document
from app.domains.documents.holding import refuse_additions
from app.domains.documents.locking import refuse
from app.engine import registry
from app.engine.actions import Action
from app.engine.entity import Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import Boolean, DateTime, File, Integer, LongText, Reference, Text
from app.engine.onward import note, whoever_sees
from app.engine.rules import Saving, rule, whoever_saves

ELSEWHERE = ("import", "seed", "demo", "undo")
"""Doors by which a document may come in force without a version: it has a history elsewhere."""


def put_in_force(changes: Any, version: Any, _values: Mapping[str, Any]) -> None:
    """Let this version be the one that counts; the one before gives way."""
    model: Any = DocumentVersion
    document = changes.session.get(Document, version.document_id)
    refuse(changes, document.checked_out_by_id, document.checked_out_at)
    before = changes.session.scalars(
        select(model).where(model.document_id == version.document_id, model.in_force.is_(True))
    )
    moment = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    for earlier in before.all():
        note(changes, "DocumentVersion", earlier,
             {"in_force": False, "in_force_of": None, "in_force_until": moment})  # fmt: skip
    note(changes, "DocumentVersion", version, {
        "in_force": True,
        "in_force_of": version.document_id,
        "in_force_since": moment,
        "in_force_until": None,
    })  # fmt: skip
    if document.state == DocumentState.IN_REVIEW:
        values = {"state": DocumentState.IN_FORCE.value}
        changes.update(registry.current().entity("Document"), document.id, values)


def _may_come_in_force(version: Any) -> bool:
    document = version.document
    states = (DocumentState.IN_REVIEW, DocumentState.IN_FORCE)
    return not version.in_force and document is not None and document.state in states


class DocumentVersion(
    Entity,
    area="documents",
    label=_("Document version"),
    plural=_("Document versions"),
    icon="versions",
    title="comment",
    unique_together=(("document", "number"),),
    scope_through="document",
    parent="document",
    registered=True,
):
    """How a document read from one day to another; what has been in force stays as it was."""

    document = Reference(
        "Document", _("Document"), required=True, in_list=True, on_delete="cascade"
    )
    number = Integer(_("Version number"), in_form=False, in_list=True)
    comment = Text(_("What is new"), required=True, max_length=300, search=True, in_list=True)
    in_force = Boolean(_("In force"), default=False, read_only=True, in_form=False, in_list=True)
    in_force_since = DateTime(_("In force since"), read_only=True, in_form=False, in_list=True)
    in_force_until = DateTime(_("In force until"), read_only=True, in_form=False)
    in_force_of = Integer(_("Version in force of"), internal=True, unique=True)
    notes = LongText(_("Notes"))

    actions = (
        Action("in_force", _("Put in force"), "approve", put_in_force, "check", _may_come_in_force),
    )

    @rule
    def follows_the_last(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        if not saving.new:
            for name in ("document", "number"):
                if saving.changed(name):
                    saving.problem(name, STAYS)
            return
        if saving.from_elsewhere and values.get("number") is not None:
            return
        model: Any = DocumentVersion
        last = select(func.max(model.number)).where(model.document_id == values["document"])
        ((number,),) = whoever_sees(saving.changes, last)
        values["number"] = (number or 0) + 1

    @rule
    def document_is_open(saving: Saving) -> None:  # noqa: N805
        check_open(saving, saving.values["document"])


class DocumentFile(
    Entity,
    area="documents",
    label=_("Document file"),
    plural=_("Document files"),
    icon="file",
    title="name",
    scope_through="document",
    parent="document_version",
    registered=True,
):
    """A file of a version."""

    document_version = Reference(
        "DocumentVersion", _("Document version"), required=True, in_list=True, on_delete="cascade"
    )
    document = Reference(
        "Document",
        _("Document"),
        read_only=True,
        in_form=False,
        in_list=True,
        on_delete="cascade",
    )
    name = Text(_("File name"), required=True, max_length=255, search=True, in_list=True)
    content = File(_("File"), required=True, named="name", in_list=True, search=True)
    position = Integer(_("Position"), index=False)

    @rule
    def belongs_to_its_version(saving: Saving) -> None:  # noqa: N805
        model: Any = DocumentVersion
        if not saving.new and saving.changed("document_version"):
            saving.problem("document_version", STAYS)
            return
        with whoever_saves():
            version = saving.changes.session.get(model, saving.values["document_version"])
        saving.values["document"] = version.document_id
        if version.in_force_since is not None and saving.new and not saving.from_elsewhere:
            saving.problem("document_version", BEEN_IN_FORCE)
        check_open(saving, version.document_id)


STAYS = _("This stays as it is.")
BEEN_IN_FORCE = _("It has been in force: add a new version instead.")
CLOSED = _("The document is closed: nothing is added to it, nor changed, any more.")


def check_open(saving: Saving, document_id: int) -> None:
    """Nothing is added to a document that is closed, held, or checked out by somebody else."""
    with whoever_saves():
        document = saving.changes.session.get(Document, document_id)
    if document is None:  # not visible, which is said elsewhere
        return
    touched = any(saving.changed(name) for name in saving.before)
    if saving.new and not saving.from_elsewhere:
        if document.state not in EDITABLE:
            saving.problem(None, CLOSED)
        refuse_additions(saving, document)
    elif touched and document.state in LOCKED:
        saving.problem(None, CLOSED)
    viewer = saving.changes.viewer
    if viewer.user_id is not None:
        refuse(saving.changes, document.checked_out_by_id, document.checked_out_at)


@on("Document", "updated")
def has_a_version_in_force(changes: Any, document: Any) -> None:
    """A document comes in force with its newest version. Raises InvalidInput where it has none."""
    if document.state != DocumentState.IN_FORCE or changes.journal.door in ELSEWHERE:
        return
    model: Any = DocumentVersion
    there = select(model).where(model.document_id == document.id)
    if changes.session.scalar(there.where(model.in_force.is_(True)).limit(1)) is not None:
        return
    newest = changes.session.scalar(there.order_by(model.number.desc()).limit(1))
    if newest is None:
        raise InvalidInput.of("state", _("It has no version yet: add one, with its files, first."))
    put_in_force(changes, newest, {})


__all__ = ["DocumentFile", "DocumentVersion", "put_in_force"]
