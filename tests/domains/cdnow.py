"""The purchases of the file `cdnow_transactions.txt`, put in by bulk: what evaluations are tried on."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.engine import registry
from app.engine.changes import change_set, create_prepared
from tests.sample_data import sample

FILE = sample("cdnow_transactions.txt")
CURRENCY = "USD"

SCALED: dict[str, Any] = {
    "code": "cdnow", "name_zh": "按样例数据缩放", "name_en": "Scaled to the sample",
    "high_from": Decimal(500), "high_from_currency": CURRENCY, "middle_from": Decimal(100),
    "new_months": 4, "active_months": 2, "dormant_months": 4, "high_score": 4,
}  # fmt: skip
"""The largest customer of the file bought for 13,990.93 in all."""

Row = tuple[str, datetime.date, int, Decimal]


def path() -> Any:
    """Where the file is; None where it is missing."""
    return FILE if FILE.is_file() else None


def rows() -> list[Row]:
    """Customer number, day, quantity, amount of each line."""
    found = []
    for line in path().read_text().splitlines():
        if parts := line.split():
            day = datetime.datetime.strptime(parts[1], "%Y%m%d").date()
            found.append((parts[0], day, int(parts[2]), Decimal(parts[3])))
    return found


def put_in(lines: Sequence[Row]) -> dict[str, int]:
    """Customers and their orders; the customers' ids by number. On the current viewer's behalf."""
    known = registry.current()
    customer, order = known.entity("Customer"), known.entity("Order")
    numbers = sorted({line[0] for line in lines})
    with change_set("import") as changes:
        values = [{"name": f"顾客 {n}", "external_code": f"CD{n}"} for n in numbers]
        prepared = [changes.checker.new(customer, one) for one in values]
        ids = dict(zip(numbers, create_prepared(changes, customer, prepared), strict=True))
        for start in range(0, len(lines), 5000):
            part = [
                changes.checker.new(
                    order,
                    {"customer": ids[number], "ordered_on": day, "quantity": Decimal(quantity),
                     "amount": amount, "amount_currency": CURRENCY, "state": "completed"},
                )
                for number, day, quantity, amount in lines[start : start + 5000]
            ]  # fmt: skip
            create_prepared(changes, order, part)
    return ids
