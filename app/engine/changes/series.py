"""Serial numbers: given inside the transaction that makes the record, each series in step."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.engine.changes.models import SeriesCounter
from app.engine.fields import Serial
from app.engine.fields.time import reader_zone
from app.engine.registry import EntityDefinition


def give_numbers(
    session: Session, definition: EntityDefinition, rows: Sequence[dict[str, Any]]
) -> None:
    """Fill the serial fields of new records, in order; the day is that of the reader's zone."""
    today = datetime.datetime.now(reader_zone())
    for field in definition.fields.values():
        if not isinstance(field, Serial):
            continue
        waiting: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            if not row.get(field.name):
                waiting.setdefault(row.get(field.by), []).append(row)
        for by in sorted(waiting, key=str):  # always in one order, so that no two wait crosswise
            series = f"{definition.key}.{field.name}.{field.series(today, by)}"
            last = _reserve(session, series, len(waiting[by]))
            for offset, row in enumerate(waiting[by], start=last - len(waiting[by]) + 1):
                row[field.name] = field.number(today, offset, by)


def _reserve(session: Session, name: str, count: int) -> int:
    """Raise the counter by `count`; gives the last number reserved. Others wait for our commit."""
    if not count:
        return 0
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(SeriesCounter)
        .values(name=name, last=count)
        .on_conflict_do_update(
            index_elements=[SeriesCounter.name], set_={"last": SeriesCounter.last + count}
        )
        .returning(SeriesCounter.last)
    )
    return int(session.execute(statement).scalar_one())
