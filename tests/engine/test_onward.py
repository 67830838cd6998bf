"""A rule of one area has records of another made: once each, whoever acts, in the same change set."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput
from app.engine.onward import make_once
from tests.factories import viewer
from tests.pages.support import counted


def rows(count: int) -> list[dict[str, Any]]:
    return [{"name": f"架{n}", "code": f"rule:{n}"} for n in range(count)]


def made(key: str = "rule:0") -> list[Any]:
    model: Any = registry.current().entity("Parcel").model
    with policy.unrestricted("the test looks at all of them") as session:
        return list(session.scalars(select(model).where(model.code == key)))


def test_asked_for_twice_it_is_made_once(as_admin: Any) -> None:
    with change_set("job") as changes:
        assert len(make_once(changes, "Parcel", rows(3), "code")) == 3
        assert make_once(changes, "Parcel", rows(3) + rows(1), "code") == []
    with change_set("job") as changes:
        assert len(make_once(changes, "Parcel", rows(4), "code")) == 1
    assert len(made()) == 1


def test_what_was_thrown_away_is_not_made_again(as_admin: Any) -> None:
    definition = registry.current().entity("Parcel")
    with change_set("job") as changes:
        (one,) = make_once(changes, "Parcel", rows(1), "code")
        changes.trash(definition, one)
        assert make_once(changes, "Parcel", rows(1), "code") == []


def test_it_goes_again_with_what_asked_for_it(as_admin: Any) -> None:
    with change_set("job") as changes:
        make_once(changes, "Parcel", rows(2), "code")
    undo(changes.id or 0)
    assert made() == []


def test_nobody_needs_the_right_to_make_it_themselves(app: Any) -> None:
    with policy.acting_as(viewer("guest")):
        with change_set("form") as changes:
            make_once(changes, "Parcel", rows(1), "code")
        assert len(made()) == 1


def test_values_that_do_not_fit_are_refused(as_admin: Any) -> None:
    with pytest.raises(InvalidInput), change_set("job") as changes:
        make_once(changes, "Parcel", [{"name": None, "code": "x"}], "code")


def test_statements_do_not_grow_with_the_rows(as_admin: Any) -> None:
    def ask(size: int) -> int:
        some = [{"name": f"架{n}", "code": f"{size}:{n}"} for n in range(size)]
        with counted() as statements, change_set("job") as changes:
            make_once(changes, "Parcel", some, "code")
        return len(statements)

    assert ask(2) == ask(40)
