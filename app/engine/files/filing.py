"""Which file may stand in which record: checked at the one write path, whatever door it came by."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import now
from app.engine.changes.models import Change
from app.engine.errors import Problem, ValueProblem
from app.engine.fields import File
from app.engine.files.kinds import contradicts, ending_of, fits, label_of, runs
from app.engine.files.models import FileUpload, StoredFile
from app.engine.registry import EntityDefinition, current


def settle_files(
    session: Session,
    definition: EntityDefinition,
    values: MutableMapping[str, Any],
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    viewer: policy.Viewer,
    record_id: int | None = None,
) -> list[Problem]:
    """Name what is newly filed as it was called, and say which of it may not be filed."""
    problems = []
    for field in file_fields(definition):
        file_id = values.get(field.name)
        if file_id is None or file_id == before.get(field.name):
            continue
        own = record_id is not None and _held_before(session, definition, field, record_id, file_id)
        try:
            _settle(session, field, values, given, viewer, own)
        except ValueProblem as problem:
            problems.append(Problem(field.name, problem.message))
    return problems


def file_fields(definition: EntityDefinition) -> list[File]:
    """The entity's fields that hold files."""
    return [field for field in definition.fields.values() if isinstance(field, File)]


def _settle(
    session: Session,
    field: File,
    values: MutableMapping[str, Any],
    given: Mapping[str, Any],
    viewer: policy.Viewer,
    own: bool,
) -> None:
    file_id = values[field.name]
    stored = session.get(StoredFile, file_id)
    brought = None if stored is None else _brought_by(session, file_id, viewer)
    if stored is None or not (own or brought is not None or _seen(session, file_id, viewer)):
        raise ValueProblem(_("There is no such file, or it was not you who uploaded it."))
    if field.named and not given.get(field.named) and brought is not None:
        values[field.named] = brought.name
    name = str(
        (values.get(field.named) if field.named else None) or (brought and brought.name) or ""
    )
    refuse_unfit(field, name, stored.media_type)


def refuse_unfit(field: File, name: str, media_type: str) -> None:
    """Raises ValueProblem for a file that the field does not take."""
    kind = label_of(media_type)
    if field.allowed and not fits(media_type, field.allowed):
        raise ValueProblem(_("Files of this kind (%(kind)s) are not taken here.", kind=kind))
    if not fits(media_type, field.allowed) and runs(name, media_type):
        raise ValueProblem(_("Programs and scripts are not taken here."))
    if field.strict and contradicts(name, media_type):
        raise ValueProblem(
            _(
                "It is called “.%(ending)s”, and what is in it is %(kind)s.",
                ending=ending_of(name),
                kind=kind,
            )
        )


def _brought_by(session: Session, file_id: int, viewer: policy.Viewer) -> FileUpload | None:
    """The upload by which the viewer brought it, a short while ago."""
    whose = (
        FileUpload.user_id.is_(None)
        if viewer.user_id is None
        else FileUpload.user_id == viewer.user_id
    )
    statement = (
        select(FileUpload)
        .where(FileUpload.stored_file_id == file_id, whose, FileUpload.expires_at > now())
        .order_by(FileUpload.id.desc())
        .limit(1)
    )
    return session.scalar(statement)


def _held_before(
    session: Session, definition: EntityDefinition, field: File, record_id: int, file_id: int
) -> bool:
    """Whether the record has held it: what it is given back from its own history."""
    statement = select(Change.before, Change.after).where(
        Change.entity == definition.name, Change.record_id == record_id
    )
    return any(
        values.get(field.name) == file_id
        for row in session.execute(statement)
        for values in row
        if values
    )


def _seen(session: Session, file_id: int, viewer: policy.Viewer) -> bool:
    """Whether it stands in a record, the trash included, from which the viewer could take it."""
    for definition in current().entities.values():
        for field in file_fields(definition):
            model: Any = definition.model
            seen = viewer.access(definition.name, field) in ("read", "write")
            if not seen or not viewer.can(definition.name, "read"):
                continue
            statement = select(model.id).where(field.expression(model) == file_id).limit(1)
            if session.scalar(statement, execution_options={policy.WITH_TRASH: True}) is not None:
                return True
    return False
