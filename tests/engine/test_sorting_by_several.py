"""Lists sorted by several fields: as plain Python sorts them, page by page, both ways."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine import registry
from app.engine.changes import change_set, create_prepared
from app.engine.errors import NotAllowed, NotFound, ValueProblem
from app.engine.query import Records, Sort
from app.engine.query.snapshot import snapshot
from tests.factories import make

pytestmark = pytest.mark.usefixtures("as_admin")

FIELDS = ("price", "pieces", "colour", "fragile", "arrived_on", "opened_at", "floor", "tare")
SORTS = st.lists(
    st.tuples(st.sampled_from([*FIELDS, "id"]), st.booleans()),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)


def parcels() -> registry.EntityDefinition:
    return registry.current().entity("Parcel")


@pytest.fixture
def rows(app: Any, as_admin: Any) -> list[dict[str, Any]]:
    """Forty records with many ties and blanks in every field, two of them added at run time."""
    make("CustomField", name="floor", label_en="Floor", kind="integer")
    make("CustomField", name="tare", label_en="Tare", kind="decimal")
    noon = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    values = [
        {
            "name": f"包裹 {n:02}",
            "price": None if n % 3 == 0 else decimal.Decimal(n % 4) / 4,
            "pieces": None if n % 5 == 0 else n % 3,
            "colour": None if n % 7 == 0 else "red" if n % 2 else "blue",
            "fragile": None if n % 4 == 0 else bool(n % 3),
            "arrived_on": None if n % 6 == 0 else datetime.date(2026, 1, 1 + n % 3),
            "opened_at": None if n % 4 == 1 else noon + datetime.timedelta(hours=n % 3),
            "floor": None if n % 4 == 2 else n % 3 - 1,
            "tare": None if n % 5 == 1 else decimal.Decimal(n % 3) / 10,
        }
        for n in range(40)
    ]
    with change_set("test") as changes:
        create_prepared(changes, parcels(), [changes.checker.new(parcels(), one) for one in values])
    return Records(parcels()).page(100).rows


def by_python(rows: list[dict[str, Any]], sort: Sort) -> list[int]:
    """Sorting is stable, so the last key is sorted by first; nothing is lowest, the id last of all."""
    found = sorted(rows, key=lambda row: row["id"], reverse=sort.descending)
    for key in reversed(sort.keys):
        present = sorted(
            (row for row in found if row[key.field] is not None),
            key=lambda row: row[key.field],
            reverse=key.descending,
        )
        empty = [row for row in found if row[key.field] is None]
        found = [*present, *empty] if key.descending else [*empty, *present]
    return [row["id"] for row in found]


def walked(sort: Sort, size: int) -> tuple[list[int], list[int], list[int]]:
    """All ids by cursor forward, by cursor backward, and by the numbers of pages."""
    forward, numbered, cursor = [], [], None
    number = 0
    while True:
        page = Records(parcels()).sort(sort).page(size, cursor=cursor)
        forward += [row["id"] for row in page.rows]
        again = Records(parcels()).sort(sort).page(size, number=number)
        numbered += [row["id"] for row in again.rows]
        assert not any(name.startswith("__") for name in page.rows[0])
        if page.next is None:
            break
        cursor, number = page.next, number + 1
    backward = [row["id"] for row in page.rows]
    while page.previous is not None:
        page = Records(parcels()).sort(sort).page(size, cursor=page.previous)
        backward = [row["id"] for row in page.rows] + backward
    return forward, backward, numbered


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=SORTS, size=st.sampled_from([3, 7, 50]))
def test_several_fields_sort_as_python_does(
    rows: list[dict[str, Any]], chosen: list[tuple[str, bool]], size: int
) -> None:
    sort = Sort.parse(",".join(f"{'-' if down else ''}{name}" for name, down in chosen))
    expected = by_python(rows, sort)
    assert len(expected) == 40
    for found in walked(sort, size):
        assert found == expected


@pytest.mark.parametrize("text", ["-price,colour", "colour,-arrived_on,pieces", "fragile,-id"])
def test_what_is_exported_comes_in_the_same_order(rows: list[dict[str, Any]], text: str) -> None:
    sort = Sort.parse(text)
    with snapshot() as state:
        fields = [parcels().fields["id"]]
        parts = list(state.columns(Records(parcels()).sort(sort), fields))
    assert [number for (ids,) in parts for number in ids] == by_python(rows, sort)
    streamed = [
        row["id"] for batch in Records(parcels()).sort(sort).stream(batch=7) for row in batch
    ]
    assert streamed == by_python(rows, sort)


def test_a_page_stays_in_its_place_while_records_are_added(rows: list[dict[str, Any]]) -> None:
    sort = Sort.parse("colour,-pieces")
    first = Records(parcels()).sort(sort).page(10)
    make("Parcel", name="先来的", colour=None, pieces=99)
    second = Records(parcels()).sort(sort).page(10, cursor=first.next)
    assert [row["id"] for row in second.rows] == by_python(rows, sort)[10:20]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("-price,name", "-price,name"),
        ("price,-price,name", "price,name"),
        ("name,id,price", "name,id"),
        (" -name , ,colour,", "-name,colour"),
        ("a,b,c,d,e,f", "a,b,c,d"),
    ],
)
def test_an_order_is_read_and_written(text: str, read: str) -> None:
    assert str(Sort.parse(text)) == read
    assert Sort.parse(read) == Sort.parse(text)


def test_what_nobody_can_sort_by_is_refused_wherever_it_stands() -> None:
    for text, refused in (("name,tags", ValueProblem), ("name,nonsense", NotFound)):
        with pytest.raises((refused, NotAllowed)):
            Records(parcels()).sort(Sort.parse(text))


def test_a_cursor_of_another_order_leads_nowhere(rows: list[dict[str, Any]]) -> None:
    cursor = Records(parcels()).sort(Sort.parse("colour,price")).page(5).next
    for other in ("colour,-price", "colour", "colour,price,pieces", "id"):
        with pytest.raises(ValueProblem):
            Records(parcels()).sort(Sort.parse(other)).page(5, cursor=cursor)
