"""Keeping import profiles: saved, given another name, shared, deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound, ValueProblem
from app.engine.parsing import clean
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.models import EVERYONE, ImportProfile, Options
from app.engine.surfaces.imports.profiles import get, may_change

KEPT = ("mapping", "key", "choices", "mode", "near", "approved", "all_or_nothing", "make")
"""Of an import's options those that a profile keeps."""

LONGEST = 80
MOST = 100
"""So many profiles of an entity a person may have."""


def save(
    definition: EntityDefinition,
    name: str,
    columns: Sequence[str],
    options: Options,
    shared: Iterable[Any],
    replacing: bool,
) -> ImportProfile:
    """Keep the options under a name, for the viewer; with `replacing` in place of their own of it.

    Raises InvalidInput naming what is wrong.
    """
    viewer, name = policy.current_viewer(), _name(name)
    values: dict[str, Any] = {
        "columns": list(columns),
        "options": {key: value for key, value in options.as_json().items() if key in KEPT},
        "shared": _shared(definition, shared),
        "changed_at": now(),
    }
    with _named_once(name) as session:
        own = _own(session, definition, viewer)
        profile = own.get(name)
        if profile is not None and not replacing:
            raise _there_already(name)
        if profile is None:
            if len(own) >= MOST:
                raise InvalidInput.of(
                    "name", _("You have %(count)s profiles; delete one first.", count=MOST)
                )
            profile = ImportProfile(entity=definition.name, name=name)
            values |= {"user_id": viewer.user_id, "user_name": viewer.name}
        for column, value in values.items():
            setattr(profile, column, value)
        session.add(profile)
    return profile


def _own(
    session: Session, definition: EntityDefinition, viewer: policy.Viewer
) -> dict[str, ImportProfile]:
    """The viewer's profiles of the entity, by name."""
    statement = select(ImportProfile).where(
        ImportProfile.entity == definition.name, ImportProfile.user_id == viewer.user_id
    )
    return {profile.name: profile for profile in session.scalars(statement)}


def change(
    definition: EntityDefinition, profile_id: int, name: str, shared: Iterable[Any]
) -> ImportProfile:
    """Give a profile another name, or to others. Raises NotFound, InvalidInput."""
    name = _name(name)
    with _named_once(name) as session:
        profile = _changeable(definition, profile_id)
        taken = select(ImportProfile.id).where(
            ImportProfile.entity == definition.name,
            ImportProfile.user_id == profile.user_id,
            ImportProfile.name == name,
            ImportProfile.id != profile.id,
        )
        if session.scalar(taken) is not None:
            raise _there_already(name)
        profile.name, profile.changed_at = name, now()
        profile.shared = _shared(definition, shared)
    return profile


def remove(definition: EntityDefinition, profile_id: int) -> str:
    """Forget a profile; its name. Imports made with it are as they were. Raises NotFound."""
    with write_transaction() as session:
        profile = _changeable(definition, profile_id)
        session.delete(profile)
    return profile.name


def _changeable(definition: EntityDefinition, profile_id: int) -> ImportProfile:
    profile = get(definition, profile_id)
    if not may_change(profile):
        raise NotFound(_("There is no such import profile of yours."))
    return profile


def _name(text: str) -> str:
    """Raises InvalidInput."""
    try:
        name = clean(text)
    except ValueProblem as problem:
        raise InvalidInput.of("name", problem.message) from problem
    if not name:
        raise InvalidInput.of("name", _("Give the profile a name."))
    if len(name) > LONGEST:
        raise InvalidInput.of(
            "name", _("A profile's name has at most %(count)s characters.", count=LONGEST)
        )
    return name


def _shared(definition: EntityDefinition, wanted: Iterable[Any]) -> list[Any]:
    """EVERYONE, or the roles among those wanted that may import at all."""
    given = {str(item) for item in wanted}
    if EVERYONE in given:
        return [EVERYONE]
    roles = policy.roles_with(db.session(), definition.name, "import")
    return [role.role_id for role in roles if str(role.role_id) in given]


@contextlib.contextmanager
def _named_once(name: str) -> Iterator[Session]:
    """A transaction in which two profiles of one person cannot come to have the same name."""
    try:
        with write_transaction() as session:
            yield session
    except IntegrityError as error:
        raise _there_already(name) from error


def _there_already(name: str) -> InvalidInput:
    return InvalidInput.of(
        "name", _("You have a profile “%(name)s” already. Replace it, or choose another name.", name=name)
    )  # fmt: skip
