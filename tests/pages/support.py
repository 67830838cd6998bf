"""What the tests of pages share."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from app.engine import policy
from tests import factories


def given(entity: str, **values: Any) -> Any:
    """A record made by the administrator. What follows is done by whoever the browser is of."""
    with policy.acting_as(factories.viewer("admin")):
        return factories.make(entity, **values)


HTMX = {"HX-Request": "true", "HX-Target": "list-table"}


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.strip().split(" ")[0].upper() not in ("BEGIN", "COMMIT", "ROLLBACK"):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def row_titles(page: str) -> list[str]:
    """What the rows of a list are called, in their order."""
    return [html.unescape(t) for t in re.findall(r'<td class="main"><a [^>]*>([^<]*)</a>', page)]


def hrefs(page: str) -> list[str]:
    """Every address that the page leads to."""
    return [html.unescape(address) for address in re.findall(r'href="([^"]*)"', page)]


def field_error(page: str, name: str) -> str:
    """The message beside the field; empty when there is none."""
    found = re.search(rf'id="f-{name}-error">([^<]*)<', page)
    return html.unescape(found.group(1)).strip() if found else ""


def hidden(page: str, name: str) -> str:
    """The value of a hidden input."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no hidden input {name}"
    return html.unescape(found.group(1))
