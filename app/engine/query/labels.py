"""Names of the records that references point at: one query for each entity pointed at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import people, policy
from app.engine.adapters.database import db
from app.engine.fields import Field, FileInfo
from app.engine.files.models import StoredFile
from app.engine.registry import current


def titles(
    target: str, record_ids: Collection[int], session: Session | None = None
) -> dict[int, str]:
    """The names of records of an entity, or of users; those that can't be seen are left out."""
    if not record_ids:
        return {}
    viewer = policy.current_viewer()
    if target == policy.USERS:
        if set(record_ids) == {viewer.user_id}:
            return dict.fromkeys(record_ids, viewer.name)
        return people.names_of(record_ids, session)
    definition = current().entity(target)
    title = definition.spoken_title
    if viewer.access(definition.name, title) not in ("read", "write"):
        title = definition.title_field
    if viewer.access(definition.name, title) not in ("read", "write"):
        return {record_id: f"#{record_id}" for record_id in record_ids}
    model: Any = definition.model
    rows = (session or db.session).execute(
        select(model.id, title.expression(model)).where(model.id.in_(record_ids))
    )
    return {record_id: title.text(value) for record_id, value in rows}


def files_info(ids: Collection[int], session: Session | None = None) -> dict[int, FileInfo]:
    """What is known of contents of files, by their numbers."""
    if not ids:
        return {}
    columns = (StoredFile.id, StoredFile.sha256, StoredFile.size, StoredFile.media_type)
    statement = select(*columns).where(StoredFile.id.in_(ids))
    return {row.id: FileInfo(*row) for row in (session or db.session).execute(statement)}


def add_files(key: str, rows: Sequence[dict[str, Any]], fields: Iterable[Field]) -> None:
    """Put `<file>.file` into rows of the entity with this key for each file among the fields."""
    holding = [field for field in fields if field.type_name == "file"]
    ids = {row[f.name] for f in holding for row in rows if row.get(f.name) is not None}
    found = files_info(ids)
    for field in holding:
        for row in rows:
            info = found.get(row.get(field.name) or 0)
            href = f"/{key}/{row['id']}/file/{field.name}"
            row[f"{field.name}.file"] = info and replace(info, href=href)


def add_labels(rows: Sequence[dict[str, Any]], fields: Iterable[Field]) -> None:
    """Put `<reference>.label` into the rows for each reference among the fields."""
    wanted: dict[str, set[int]] = {}
    references = [field for field in fields if field.target]
    for field in references:
        ids = {row[field.name] for row in rows if row.get(field.name) is not None}
        wanted.setdefault(str(field.target), set()).update(ids)
    found = {target: titles(target, ids) for target, ids in wanted.items()}
    for field in references:
        names = found[str(field.target)]
        for row in rows:
            row[f"{field.name}.label"] = names.get(row[field.name]) if row.get(field.name) else None
