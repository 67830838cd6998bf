"""What is measured, and at most how much of the stock application's time it may take."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import prison

SIZE = 25

COMMON_WORD = "科技"
"""In the names of about every tenth company."""

RARE_WORD = "麒岚"
"""In the names of seven."""


@dataclass(frozen=True)
class Bar:
    """A page of both applications, and the share of stock's time that ours may take."""

    name: str
    steward: str
    stock: str
    most_sqlite: float
    most_postgresql: float
    api: bool = False

    def most(self, postgresql: bool) -> float:
        return self.most_postgresql if postgresql else self.most_sqlite


def bars(count: int) -> list[Bar]:
    """The pages; for tables smaller than a million, `row 500,000` is the middle of the table."""
    middle = count // 2 // SIZE
    listed = "/customerview/list/"
    common, rare = quote(COMMON_WORD), quote(RARE_WORD)
    by_number = f"{listed}?page_CustomerView={middle}&psize_CustomerView={SIZE}"
    following = f"{listed}?page_CustomerView={middle + 1}&psize_CustomerView={SIZE}"
    chosen = "_flt_3_status=active&_oc_CustomerView=yearly_amount&_od_CustomerView=desc"
    filtered = {
        "filters": [{"col": "status", "opr": "eq", "value": "active"}],
        "order_column": "yearly_amount",
        "order_direction": "desc",
        "page_size": SIZE,
    }
    narrowed = f"/api/v1/customer/?q={quote(prison.dumps(filtered))}"
    hundred = f"/api/v1/customer/?q={quote(prison.dumps({'page_size': 100}))}"
    record = f"edit/{count // 3}"
    return [
        Bar("first page of the list", "/customer/", listed, 0.6, 0.3),
        Bar("one choice, by amount descending",
            f"/customer/?f={quote('status:eq:active')}&sort=-yearly_amount",
            f"{listed}?{chosen}", 0.6, 0.4),
        Bar("search, two characters, common",
            f"/customer/?q={common}", f"{listed}?_flt_2_name={common}", 0.1, 0.1),
        Bar("search, two characters, rare",
            f"/customer/?q={rare}", f"{listed}?_flt_2_name={rare}", 0.1, 0.1),
        Bar(NEXT_PAGE, f"/customer/?page={middle + 1}", following, 0.3, 0.15),
        Bar("by page number to row 500,000", f"/customer/?page={middle + 1}", by_number, 0.8, 0.6),
        Bar("edit form", f"/customer/{count // 3}/edit", f"/customerview/{record}", 1.0, 0.7),
        Bar("REST, 100 rows", hundred, hundred, 0.3, 0.3, api=True),
        Bar("REST, filtered and sorted", narrowed, narrowed, 0.05, 0.25, api=True),
    ]  # fmt: skip


NEXT_PAGE = "from row 500,000 to the next page"

MOST_GROWTH = 1.2
LEAST_CREATES = 0.7
LEAST_REQUESTS = 2.0
MOST_QUERIES = 8
