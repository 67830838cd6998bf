"""What charts show, beside the same worked out in plain Python."""

from __future__ import annotations

import datetime
import decimal
import random
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import registry
from app.engine.changes import change_set, create_prepared
from app.engine.charts import Chart, Measure
from app.engine.errors import ValueProblem
from app.engine.fields import PERIODS
from app.engine.query import By, Condition, Records, charted, measured
from app.engine.surfaces.charts.figures import in_round_units
from tests import factories

CHINA = datetime.timezone(datetime.timedelta(hours=8))
Values = dict[str, Any]


def parcels() -> Any:
    return registry.current().entity("Parcel")


@pytest.fixture
def rows(as_admin: Any) -> list[Values]:
    """Parcels with gaps: some without a colour, a weight, a time."""
    dice = random.Random(7)
    start = datetime.datetime(2025, 11, 30, 12, tzinfo=datetime.UTC)
    made = [
        factories.parcel(
            colour=dice.choice(("red", "red", "blue", None)),
            pieces=dice.choice((0, 3, 6, 7, 9, 10, None)),
            weight=dice.choice((None, decimal.Decimal(dice.randrange(1, 9000)) / 1000)),
            fragile=dice.choice((True, False, None)),
            opened_at=dice.choice((None, start + datetime.timedelta(hours=dice.randrange(2400)))),
            arrived_on=dice.choice((None, datetime.date(2026, 1, dice.randrange(1, 29)))),
            grade=None,
        )
        for _number in range(60)
    ]
    definition = parcels()
    with change_set("form") as changes:
        prepared = [changes.checker.new(definition, values) for values in made]
        create_prepared(changes, definition, prepared, approved=True)
    return made


def drawn(measure: str, by: str = "colour", split: str = "", **chart: Any) -> Any:
    records = Records(parcels())
    what = measured(records, Measure.parse(measure), chart.get("of", ()), chart.get("unit", ""))
    second = By.parse(records, split) if split else None
    return charted(records, By.parse(records, by), what, 15, second, 6)


def shown(found: Any) -> Values:
    return {group.value: group.figure for group in found.groups}


def in_groups(rows: list[Values], key: Callable[[Values], Any]) -> dict[Any, list[Values]]:
    found: dict[Any, list[Values]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def known(rows: list[Values], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def percentile(values: list[Any], rank: int) -> decimal.Decimal:
    """As PostgreSQL's percentile_cont: between the two nearest values."""
    values = sorted(values)
    place = decimal.Decimal(rank * (len(values) - 1)) / 100
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


@pytest.mark.servers
def test_averages_medians_and_percentiles(rows: list[Values]) -> None:
    by_colour = in_groups(rows, lambda row: row["colour"])
    for measure, expected in (
        ("sum:weight", sum),
        ("average:weight", lambda values: sum(values) / len(values)),
        ("median:weight", statistics.median),
        ("p90:weight", lambda values: percentile(values, 90)),
        ("p25:pieces", lambda values: percentile([decimal.Decimal(v) for v in values], 25)),
    ):
        name = measure.partition(":")[2]
        found = drawn(measure)
        figures = shown(found)
        assert figures.keys() == by_colour.keys()
        for colour, members in by_colour.items():
            exact = expected(known(members, name))
            assert abs(figures[colour] - exact) <= decimal.Decimal("0.01"), (measure, colour)
        assert found.without_value == sum(row[name] is None for row in rows)


@pytest.mark.servers
def test_share_of_the_whole_and_of_each_group(rows: list[Values]) -> None:
    by_colour = in_groups(rows, lambda row: row["colour"])
    whole = shown(drawn("share"))
    for colour, members in by_colour.items():
        assert whole[colour] == round(decimal.Decimal(len(members) * 100) / 60, 1)
    fragile = drawn("share", of=(("fragile", "eq", "1"),))
    for colour, members in by_colour.items():
        answers = known(members, "fragile")
        expected = decimal.Decimal(sum(answers) * 100) / len(answers)
        assert abs(shown(fragile)[colour] - expected) <= decimal.Decimal("0.05")
    assert fragile.without_value == sum(row["fragile"] is None for row in rows)


def test_net_promoter_score_leaves_out_who_gave_none(rows: list[Values]) -> None:
    found = drawn("nps:pieces")
    for colour, members in in_groups(rows, lambda row: row["colour"]).items():
        scores = known(members, "pieces")
        balance = sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)
        expected = decimal.Decimal(balance * 100) / len(scores)
        assert abs(shown(found)[colour] - expected) <= decimal.Decimal("0.05")


@pytest.mark.servers
@pytest.mark.parametrize("period", PERIODS)
def test_times_are_grouped_by_the_calendar_of_the_installation(
    rows: list[Values], period: str
) -> None:
    def opened(row: Values) -> Any:
        return row["opened_at"] and first_day(row["opened_at"].astimezone(CHINA).date(), period)

    for name, key in (
        ("opened_at", opened),
        ("arrived_on", lambda row: row["arrived_on"] and first_day(row["arrived_on"], period)),
    ):
        expected = {
            day and day.isoformat(): len(members) for day, members in in_groups(rows, key).items()
        }
        found = drawn("count", f"{name}:{period}")
        assert shown(found) == expected
        assert found.without_time == expected[None]
        for group in found.groups:
            condition = Condition.parse(group.filter)
            assert Records(parcels()).where(condition).exact_count() == group.figure


def first_day(day: datetime.date, period: str) -> datetime.date:
    match period:
        case "week":
            return day - datetime.timedelta(days=day.weekday())
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "month":
            return day.replace(day=1)
    return day


@pytest.mark.servers
def test_time_between_two_fields_where_both_are_known_and_in_order(rows: list[Values]) -> None:
    found = drawn("median:opened_at..created_at")
    late = drawn("median:created_at..opened_at")
    opened = known(rows, "opened_at")
    assert found.without_value == 60 - len(opened)
    assert late.without_value == 60  # a parcel that was opened before it was entered
    moment = {record.name: record.created_at for record in records()}
    for colour, members in in_groups(rows, lambda row: row["colour"]).items():
        spans = [
            (moment[row["name"]] - row["opened_at"]).total_seconds() / 60
            for row in members
            if row["opened_at"]
        ]
        assert float(shown(found)[colour]) == pytest.approx(statistics.median(spans), abs=0.1)


def records() -> list[Any]:
    from sqlalchemy import select

    from app.engine.adapters.database import db

    return list(db.session.scalars(select(parcels().model)))


@pytest.mark.servers
@pytest.mark.parametrize("measure", ["count", "sum:pieces", "median:pieces", "share"])
def test_a_second_field_divides_each_group(rows: list[Values], measure: str) -> None:
    found = drawn(measure, "colour", "fragile")
    assert {bool(part.value) if part.value is not None else None for part in found.parts} == {
        True, False, None,
    }  # fmt: skip
    for group in found.groups:
        members = [row for row in rows if row["colour"] == group.value]
        for part, figure in zip(found.parts, group.parts, strict=True):
            wanted = None if part.value is None else bool(part.value)
            some = [row for row in members if row["fragile"] is wanted]
            match measure:
                case "count":
                    assert (figure or 0) == len(some)
                case "share":
                    assert float(figure or 0) == pytest.approx(
                        100 * len(some) / len(members), abs=0.1
                    )
                case "sum:pieces":
                    assert (figure or 0) == sum(known(some, "pieces"))
                case _:
                    values = known(some, "pieces")
                    assert figure == (statistics.median(values) if values else None)


@pytest.mark.servers
def test_the_rest_of_many_groups_is_one_and_the_whole_stays_whole(as_admin: Any) -> None:
    definition = parcels()
    with change_set("form") as changes:
        shelves = [factories.shelf(name=f"架{n}") for n in range(30)]
        shelf = registry.current().entity("Shelf")
        ids = create_prepared(
            changes, shelf, [changes.checker.new(shelf, values) for values in shelves]
        )
        some = [
            factories.parcel(shelf=key, pieces=n, colour="red" if n % 2 else "blue")
            for n, key in enumerate(ids)
            for _copy in range(n + 1)
        ]
        made = [changes.checker.new(definition, values) for values in some]
        create_prepared(changes, definition, made, approved=True)
    found = drawn("count", "shelf")
    assert len(found.groups) == 15
    assert found.groups[0].label == "架29"
    assert sum(group.figure for group in found.groups) == sum(range(1, 31))
    assert found.groups[-1].filter == ""
    assert found.earlier == 0
    average = drawn("average:pieces", "shelf").groups[-1].figure
    rest = [n for n in range(16) for _copy in range(n + 1)]
    assert float(average) == pytest.approx(statistics.mean(rest), abs=0.01)
    middle = drawn("median:pieces", "shelf").groups[-1].figure
    assert float(middle) == statistics.median(rest)
    divided = drawn("count", "colour", "shelf")
    assert len(divided.parts) == 6
    assert sum(sum(filter(None, group.parts)) for group in divided.groups) == sum(range(1, 31))


@pytest.mark.parametrize(
    "measure",
    ["", "mean:pieces", "p0:pieces", "p100:pieces", "count:pieces", "median:"],
)
def test_what_is_no_figure_is_said(app: Any, measure: str) -> None:
    with pytest.raises(ValueProblem):
        Measure.parse(measure)


@pytest.mark.parametrize(
    ("measure", "by"),
    [
        ("median:name", "colour"), ("median:opened_at..arrived_on", "colour"),
        ("median:opened_at..name", "colour"), ("count", "notes"), ("count", "colour:week"),
        ("count", "opened_at:fortnight"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_or_grouped_is_said(as_admin: Any, measure: str, by: str) -> None:
    with pytest.raises(ValueProblem):
        drawn(measure, by)


def test_a_chart_names_every_field_that_it_needs() -> None:
    chart = Chart(
        "x", "", "opened_at:week", measure="median:a..b", split="colour",
        only=(("c", "nempty", None),), of=(("d", "eq", 1),),
    )  # fmt: skip
    assert chart.fields == {"opened_at", "a", "b", "colour", "c", "d"}


@given(st.dates(datetime.date(1, 2, 1), datetime.date(9998, 1, 1)), st.sampled_from([*PERIODS]))
def test_every_day_lies_in_one_period_of_each_kind(day: datetime.date, name: str) -> None:
    period = PERIODS[name]
    first, after = period.bounds(period.write(first_day(day, name)))
    assert first <= day < after
    assert period.write(first) == period.write(first_day(day, name))


@pytest.mark.parametrize("text", ["2026-13", "26-Q1", "2026-Q5", "2026-W54", "x", "2026-1", ""])
def test_no_period_is_a_problem_of_the_filter(text: str) -> None:
    for period in PERIODS.values():
        with pytest.raises(ValueProblem):
            period.bounds(text)


def test_durations_are_shown_in_the_unit_that_reads_best(app: Any) -> None:
    from app.engine.query import Group

    for minutes, divisor in ((90, 1), (120, 60), (2879, 60), (2880, 1440)):
        groups = [Group("x", "x", decimal.Decimal(minutes), "")]
        assert in_round_units("minutes", groups)[0] == divisor
