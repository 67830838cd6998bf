"""Rows that PostgreSQL itself writes as lines of CSV: `COPY … TO STDOUT`, inside a transaction of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Select, event
from sqlalchemy.orm import Session

Sent = tuple[str, Mapping[str, Any]]
"""A statement's text and parameters, as the driver takes them."""


def copied(session: Session, statement: Select[Any], size: int) -> Iterator[list[bytes]]:
    """The lines of a statement's rows, so many at a time, each with its end.

    The server sends a line at a time: what is not one line would end the file short, which is counted.
    """
    text, parameters = _as_sent(session, statement)
    # Compiling the expressions takes longer than it saves, whatever the planner reckons.
    session.connection().exec_driver_sql("SET LOCAL jit = off")
    driver: Any = session.connection().connection.driver_connection
    copying = f"COPY ({text}) TO STDOUT WITH (FORMAT csv)"
    with driver.cursor() as cursor, cursor.copy(copying, parameters) as lines:
        while batch := list(islice(lines, size)):
            yield batch


def _as_sent(session: Session, statement: Select[Any]) -> Sent:
    """The statement as it would go to the database: the policy has been applied by then."""
    caught: list[Sent] = []

    def catch(_connection: Any, _cursor: Any, text: str, parameters: Any, *_rest: Any) -> Any:
        caught.append((text, parameters))
        return f"SELECT * FROM ({text}) AS sent LIMIT 0", parameters  # noqa: S608  it is ours

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", catch, retval=True)
    try:
        session.execute(statement).close()
    finally:
        event.remove(connection, "before_cursor_execute", catch)
    (sent,) = caught
    return sent
