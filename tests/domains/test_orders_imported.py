"""Purchases out of a file without header, set in blanks: every line an order, customers by their code."""

from __future__ import annotations

import decimal
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import policy, registry
from app.engine.changes import undo
from app.engine.errors import InvalidInput
from app.engine.surfaces import imports
from tests.factories import make
from tests.sample_data import needs, sample

MADE_UP = """\
 00001 20210101  1   11.77
 00002 20210112  1   12.00
 00002 20210112  5   77.00
 00003 20210102  2   20.76
 00003 20210102  2   20.76
 00004 20220630  1    0.00
"""
"""Two lines are alike and two purchases; one amount is nothing."""

REAL = sample("cdnow_transactions.txt")
FULL = os.environ.get("STEWARD_PROOF") == "full"
SOME = 2500
COLUMNS = {"1": "customer", "2": "ordered_on", "3": "quantity", "4": "amount"}
MAKE = ["customer:external_code"]

pytestmark = pytest.mark.usefixtures("as_admin")


def figures() -> tuple[int, int, decimal.Decimal | None]:
    """Customers, orders, and their amounts."""
    order: Any = registry.current().entity("Order").model
    customer: Any = registry.current().entity("Customer").model
    with policy.unrestricted("the test counts all of them, the trash included") as session:
        count, total = session.execute(select(func.count(order.id), func.sum(order.amount))).one()
        return session.scalar(select(func.count(customer.id))) or 0, count, total


def bring_in(file: Path, **how: Any) -> Any:
    return imports.command(
        "Order", file, COLUMNS, header=None, **{"make": MAKE, "mode": "add", **how}
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "purchases.txt"
    path.write_text(MADE_UP, encoding="utf-8")
    return path


def test_every_line_is_an_order_and_customers_come_by_their_code(file: Path) -> None:
    report = bring_in(file)
    assert (report.counts["new"], report.counts["made"], report.refused) == (6, 4, 0)
    assert figures() == (4, 6, decimal.Decimal("142.29"))
    customer: Any = registry.current().entity("Customer").model
    with policy.unrestricted("the test looks at all of them") as session:
        codes = session.scalars(select(customer.external_code).order_by(customer.id)).all()
    assert codes == ["00001", "00002", "00003", "00004"]


def test_who_is_there_by_that_code_is_not_made_again(file: Path) -> None:
    make("Customer", name="老客户", external_code="00002")
    assert bring_in(file).counts["made"] == 3
    assert figures()[0] == 4


def test_undoing_takes_orders_and_their_customers_away_without_trace(file: Path) -> None:
    before = figures()
    undo(bring_in(file).change_set)
    assert figures() == before


def test_a_file_brought_in_twice_is_said_to_be_so(file: Path) -> None:
    bring_in(file)
    again = bring_in(file)
    assert (again.counts["new"], again.counts["made"]) == (6, 0)
    assert len(again.warnings) == 1


def test_customers_are_made_by_codes_alone(file: Path) -> None:
    with pytest.raises(InvalidInput):
        bring_in(file, make=["customer:city"])


def test_a_line_that_lacks_something_is_refused_by_its_number(file: Path) -> None:
    file.write_text(MADE_UP.replace("20210101  1   11.77", "20210101  1  much"), "utf-8")
    report = bring_in(file)
    assert (report.counts["new"], report.refused) == (5, 1)
    assert report.refusals[0]["row"] == 1


@pytest.mark.proof
@needs("cdnow_transactions.txt")
def test_the_real_file_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """In full (make proof): 69,659 purchases of 23,544 customers."""
    lines = REAL.read_text("utf-8").splitlines(keepends=True)
    lines = lines if FULL else lines[:SOME]
    file = tmp_path / "real.txt"
    file.write_text("".join(lines), "utf-8")
    report = bring_in(file)
    cells = [line.split() for line in lines]
    codes = {code for code, *_rest in cells}
    amounts = sum(decimal.Decimal(amount) for *_rest, amount in cells)
    assert (report.counts["new"], report.counts["made"]) == (len(lines), len(codes))
    assert figures() == (len(codes), len(lines), amounts)
    undo(report.change_set)
    assert figures() == (0, 0, None)
