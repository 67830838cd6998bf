"""Serial numbers: given inside the transaction that makes the record, each series in step.

A series of `take` and `give_back` has no gaps: a number is given in the transaction that writes it down,
others that want one of the series wait for its end, and one that comes back is the next to be given.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.engine.changes.models import SeriesCounter, SeriesReturn
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


def take(session: Session, name: str, count: int) -> list[int]:
    """The next numbers of a series, the smallest that nobody has: those that came back first."""
    _raise(session, name, 0)  # from here on others wait
    returned = list(
        session.scalars(
            select(SeriesReturn.number)
            .where(SeriesReturn.name == name)
            .order_by(SeriesReturn.number)
            .limit(count)
        )
    )
    if returned:
        session.execute(
            delete(SeriesReturn).where(
                SeriesReturn.name == name, SeriesReturn.number.in_(returned)
            ),
            execution_options={"synchronize_session": False},
        )
    fresh = count - len(returned)
    last = _reserve(session, name, fresh)
    return [*returned, *range(last - fresh + 1, last + 1)]


def give_back(session: Session, name: str, numbers: Sequence[int]) -> None:
    """Numbers that were taken, and that nobody has any more."""
    _raise(session, name, 0)
    session.add_all([SeriesReturn(name=name, number=number) for number in numbers])
    session.flush()


def given(session: Session, name: str) -> set[int]:
    """Every number of the series that somebody must have."""
    last = session.scalar(select(SeriesCounter.last).where(SeriesCounter.name == name)) or 0
    returned = session.scalars(select(SeriesReturn.number).where(SeriesReturn.name == name))
    return set(range(1, last + 1)) - set(returned)


def _reserve(session: Session, name: str, count: int) -> int:
    """Raise the counter by `count`; gives the last number reserved. Others wait for our commit."""
    return _raise(session, name, count) if count else 0


def _raise(session: Session, name: str, count: int) -> int:
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
