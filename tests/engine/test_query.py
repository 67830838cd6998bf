"""Lists read in pages: every record once, in order, by cursor and by number, on both databases."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.changes import change_set, create_prepared
from app.engine.errors import NotFound, ValueProblem
from app.engine.query import Condition, Records, Sort, grouped
from tests.factories import make, shelf

pytestmark = pytest.mark.usefixtures("as_admin")


def parcels() -> registry.EntityDefinition:
    return registry.current().entity("Parcel")


@pytest.fixture
def many(app: Any, as_admin: Any) -> list[int]:
    """Thirty records: prices with ties and blanks."""
    prices = [None if n % 4 == 0 else decimal.Decimal(n % 5) for n in range(30)]
    rows = [
        {"name": f"包裹 {n:02}", "price": price, "pieces": n, "colour": "red" if n % 3 else "blue"}
        for n, price in enumerate(prices)
    ]
    with change_set("test") as changes:
        prepared = [changes.checker.new(parcels(), row) for row in rows]
        return create_prepared(changes, parcels(), prepared)


def walk(sort: Sort, text: str = "") -> tuple[list[int], list[int]]:
    """All ids page by page forward, then all of them again backward."""
    forward: list[int] = []
    cursor = None
    while True:
        page = Records(parcels()).search(text).sort(sort).page(7, cursor=cursor)
        forward += [row["id"] for row in page.rows]
        if page.next is None:
            break
        cursor = page.next
    backward = [row["id"] for row in page.rows]
    while page.previous is not None:
        page = Records(parcels()).search(text).sort(sort).page(7, cursor=page.previous)
        backward = [row["id"] for row in page.rows] + backward
    return forward, backward


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["id", "price", "name", "colour", "created_at"])
@pytest.mark.parametrize("text", ["", "包裹"])
def test_every_record_comes_once_forward_and_back(
    many: list[int], name: str, descending: bool, text: str
) -> None:
    rows = {row["id"]: row for row in Records(parcels()).page(100).rows}

    def key(record_id: int) -> Any:
        value = rows[record_id][name]
        return (value is not None, value, record_id)

    expected = sorted(
        many,
        key=lambda i: key(i) if rows[i][name] is not None else (False, "", i),
        reverse=descending,
    )
    forward, backward = walk(Sort(name, descending), text)
    assert forward == expected
    assert backward == expected


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["id", "price"])
def test_page_numbers_lead_to_the_same_rows(many: list[int], name: str, descending: bool) -> None:
    forward, _backward = walk(Sort(name, descending))
    numbered: list[int] = []
    for number in range(5):
        page = Records(parcels()).sort(Sort(name, descending)).page(7, number=number)
        numbered += [row["id"] for row in page.rows]
    assert numbered == forward


def test_filters_of_every_kind() -> None:
    make(
        "Parcel",
        name="Alpha",
        pieces=1,
        price=decimal.Decimal("1.50"),
        tags=["急", "a,b"],
        fragile=True,
        arrived_on=datetime.date(2026, 3, 5),
        notes="100%_sure",
    )
    make(
        "Parcel",
        name="beta",
        pieces=5,
        price=None,
        tags=None,
        fragile=False,
        colour="blue",
        arrived_on=datetime.date(2026, 4, 1),
        notes=None,
    )

    def names(*conditions: tuple[str, str, Any]) -> list[str]:
        records = Records(parcels()).where(*(Condition(*item) for item in conditions))
        return sorted(row["name"] for row in records.page(10).rows)

    assert names(("name", "ct", "ALPH")) == ["Alpha"]
    assert names(("name", "sw", "be")) == ["beta"]
    assert names(("notes", "ct", "0%_s")) == ["Alpha"]
    assert names(("notes", "ct", "0__s")) == []
    assert names(("pieces", "ge", "5")) == ["beta"]
    assert names(("pieces", "in", "1,7")) == ["Alpha"]
    assert names(("price", "empty", "")) == ["beta"]
    assert names(("price", "le", "1.50")) == ["Alpha"]
    assert names(("price", "gt", "1.49"), ("price", "lt", "1.51")) == ["Alpha"]
    assert names(("tags", "ct", "急")) == ["Alpha"]
    assert names(("tags", "empty", "")) == ["beta"]
    assert names(("fragile", "eq", "1")) == ["Alpha"]
    assert names(("colour", "neq", "red")) == ["beta"]
    assert names(("colour", "in", "red,blue")) == ["Alpha", "beta"]
    assert names(("arrived_on", "month", "2026-03")) == ["Alpha"]
    assert names(("opened_at", "month", "2026-03")) == ["Alpha", "beta"]


def test_a_filter_that_makes_no_sense_is_refused() -> None:
    for name, operator, operand in (
        ("pieces", "ge", "many"), ("pieces", "ct", "1"), ("arrived_on", "eq", "2026-02-30"),
        ("pieces", "ge", ""), ("arrived_on", "month", "2026-13"),
    ):  # fmt: skip
        with pytest.raises(ValueProblem):
            Records(parcels()).where(Condition(name, operator, operand))
    with pytest.raises(NotFound):
        Records(parcels()).where(Condition("nothing", "eq", "1"))
    with pytest.raises(ValueProblem):
        Records(parcels()).sort(Sort("id")).page(5, cursor="garbage")


def test_groups_are_counted_and_summed_in_the_database(many: list[int]) -> None:
    groups = grouped(Records(parcels()), "colour")
    assert {group.value: group.figure for group in groups} == {"red": 20, "blue": 10}
    assert {group.filter for group in groups} == {"colour:eq:red", "colour:eq:blue"}
    sums = grouped(Records(parcels()), "colour", "price")
    assert sum(group.figure for group in sums) == sum(
        decimal.Decimal(n % 5) for n in range(30) if n % 4
    )
    months = grouped(Records(parcels()), "created_at")
    assert len(months) == 1


def test_drafts_count_in_no_figure(many: list[int]) -> None:
    assert grouped(Records(parcels()).approved_only(), "colour") == []
    with change_set("action") as changes:
        changes.approve(parcels(), many[0])
    assert sum(g.figure for g in grouped(Records(parcels()).approved_only(), "colour")) == 1


def statements_of(action: Callable[[], Any]) -> int:
    """How many statements the action sends."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_a_page_costs_the_same_statements_whatever_its_rows() -> None:
    home = make("Shelf").id
    make("Parcel", shelf=home)
    one = statements_of(lambda: Records(parcels()).page(25))
    for _count in range(5):
        make("Parcel", shelf=make("Shelf", **shelf()).id)
    assert statements_of(lambda: Records(parcels()).page(25)) == one
