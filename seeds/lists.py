"""Reference data: the choice lists that a company shapes, from the tables in seeds/data.

Provinces and cities carry the codes of GB/T 2260 and go by their short names; industries carry
those of GB/T 4754-2017. Administrators edit the lists: what they changed or removed stays so.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes, create_prepared
from app.engine.policy import WITH_TRASH

DATA = Path(__file__).parent / "data"
_COMPARED = ("label_zh", "label_en", "parent", "synonyms", "position")


@functools.cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a file in seeds/data."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def options() -> Iterator[dict[str, Any]]:
    """Every option of every list, as values of ChoiceOption."""
    for position, row in enumerate(table("provinces.csv")):
        yield _option("province", row, position, official=row["official_zh"])
    for position, row in enumerate(table("cities.csv")):
        parent = f"{row['code'][:2]}0000"
        yield _option("city", row, position, parent=parent, official=row["official_zh"])
    for position, row in enumerate(table("industries.csv")):
        yield _option("industry", row, position, parent=row["parent"])
    for position, row in enumerate(table("categories.csv")):
        yield _option(row["list"], row, position, parent=row["parent"])
    for position, row in enumerate(table("lists.csv")):
        yield _option(row["list"], row, position)


def _option(
    list_name: str, row: dict[str, str], position: int, parent: str = "", official: str = ""
) -> dict[str, Any]:
    words = [official, *row["synonyms"].split(";")]
    return {
        "list_name": list_name,
        "value": row["code"],
        "label_zh": row["zh"],
        "label_en": row["en"],
        "parent": parent or None,
        "synonyms": [word for word in words if word and word != row["zh"]] or None,
        "position": position,
        "active": True,
    }


def write(changes: Changes) -> None:
    """Bring the lists up to these tables: add what is new, correct what nobody has touched."""
    definition = registry.current().entity("ChoiceOption")
    model: Any = definition.model
    statement = select(model).execution_options(**{WITH_TRASH: True})
    present = {(row.list_name, row.value): row for row in changes.session.scalars(statement)}
    missing = []
    for values in options():
        row = present.get((values["list_name"], values["value"]))
        if row is None:
            missing.append(changes.checker.new(definition, values))
        elif _is_ours(row) and any(getattr(row, name) != values[name] for name in _COMPARED):
            changes.update(definition, row.id, {name: values[name] for name in _COMPARED})
    create_prepared(changes, definition, missing)


def _is_ours(row: Any) -> bool:
    """Whether no person has changed or removed it."""
    return row.updated_by_id is None and row.deleted_at is None
