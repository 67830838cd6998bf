"""What the database says of a value that is taken already, in words for the person who typed it."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from app.engine.errors import InvalidInput, Problem
from app.engine.registry import EntityDefinition


def unique_problem(definition: EntityDefinition, error: IntegrityError) -> Exception:
    """InvalidInput naming the field; the error itself when it is about something else."""
    message = str(error.orig)
    for names in [[f.name] for f in definition.fields.values() if f.unique] + [
        list(names) for names in definition.options.unique_together
    ]:
        if _is_about(definition, names, message):
            return InvalidInput([Problem(names[-1], taken(definition, names[-1]))])
    if "foreign key" in message.lower():
        return InvalidInput.of(None, _("A record that this one points at is gone."))
    return error


def _is_about(definition: EntityDefinition, names: list[str], message: str) -> bool:
    index = f"uq_{definition.key}_{'_'.join(names)}"
    columns = ", ".join(f"{definition.key}.{definition.fields[n].column_name}" for n in names)
    return f'"{index}"' in message or message.endswith(f"UNIQUE constraint failed: {columns}")


def taken(definition: EntityDefinition, name: str) -> Any:
    """The message for a value of this field that another record has."""
    return _("%(field)s: another record has this value.", field=definition.fields[name].label)
