"""Tickets out of a file: customers made on the way by e-mail, and what is unknown stays so."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.changes import undo
from app.engine.surfaces import imports
from tests.factories import make
from tests.pages.support import counted
from tests.sample_data import needs, sample

FULL = os.environ.get("STEWARD_PROOF") == "full"
ROOT = Path(__file__).resolve().parents[2]
REAL = sample("support_tickets.csv")
SOME = 120

MADE_UP = ROOT / "tests" / "files" / "tickets.csv"
"""Three lines in the shape of the real file."""


@pytest.fixture
def file() -> Path:
    return MADE_UP


def count(entity: str, *conditions: Any) -> int:
    model: Any = registry.current().entity(entity).model
    return db.session.scalar(select(func.count(model.id)).where(*conditions)) or 0


def model(entity: str) -> Any:
    return registry.current().entity(entity).model


def bring_in(path: Path) -> Any:
    return imports.command("Ticket", path, make=["customer"])


def test_customers_are_made_by_e_mail_once_each(as_admin: Any, file: Path) -> None:
    report = bring_in(file).as_json()
    assert (report["new"], report["refused"], report["made"]) == (3, 0, 2)
    customers = db.session.execute(select(model("Customer").name, model("Customer").email)).all()
    assert sorted(customers) == [("Ann Lee", "ann@example.org"), ("王小明", "wang@example.com")]
    names = db.session.scalars(
        select(model("Ticket").requester_name).order_by(model("Ticket").external_number)
    ).all()
    assert names == ["王小明", "Ann Lee", "王小红"]


def test_columns_and_words_are_known_and_what_is_unknown_stays_so(
    as_admin: Any, file: Path
) -> None:
    bring_in(file)
    first, second, third = db.session.scalars(
        select(model("Ticket")).order_by(model("Ticket").external_number)
    ).all()
    assert (first.kind, first.priority, first.channel) == ("fault", "low", "social")
    assert (first.category, first.subcategory, first.product) == ("technical", "network", "打印机")
    assert (second.kind, second.priority, second.rating) == ("consultation", "urgent", 5)
    assert (third.kind, third.category, third.subject) == ("service_request", None, "Something new")
    for record in (first, second, third):
        assert (record.state, record.opened_at, record.response_clock) == (None, None, "unknown")
    assert (first.times_doubtful, second.times_doubtful) == (None, True)


def test_a_customer_who_is_there_is_found_and_not_made_again(as_admin: Any, file: Path) -> None:
    known = make("Customer", email="wang@example.com")
    report = bring_in(file).as_json()
    assert report["made"] == 1
    assert count("Ticket", model("Ticket").customer_id == known.id) == 2


def test_without_the_wish_nobody_is_made_and_the_tickets_come_all_the_same(
    as_admin: Any, file: Path
) -> None:
    report = imports.command("Ticket", file).as_json()
    assert (report["new"], report["refused"], count("Customer")) == (3, 0, 0)


def test_a_second_time_nothing_is_doubled(as_admin: Any, file: Path) -> None:
    bring_in(file)
    report = bring_in(file).as_json()
    assert (report["new"], report["unchanged"], count("Ticket"), count("Customer")) == (0, 3, 3, 2)


def test_undo_takes_all_away(as_admin: Any, file: Path) -> None:
    report = bring_in(file)
    undone = undo(report.change_set)
    assert (undone.kept, undone.blocked) == (0, 0)
    assert (count("Ticket"), count("Customer")) == (0, 0)


def test_statements_do_not_grow_with_the_rows(as_admin: Any, tmp_path: Path) -> None:
    counts, header = [], MADE_UP.read_text(encoding="utf-8").splitlines()[0]
    for start, number in ((100, 3), (200, 30)):
        lines = [
            f"{start + n},甲,{start + n}@example.org,,,,,Technical issue,Data loss,Low,Chat,,,"
            for n in range(number)
        ]
        path = tmp_path / f"{start}.csv"
        path.write_text("\n".join([header, *lines]), encoding="utf-8")
        with counted() as statements:
            bring_in(path)
        counts.append(len(statements))
    assert abs(counts[0] - counts[1]) <= 2


def test_the_page_asks_whether_to_make_them(client: Any, file: Path) -> None:
    sent = {"file": (io.BytesIO(file.read_bytes()), "tickets.csv")}
    answer = client.post("/import/ticket", data=sent, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert 'name="make-customer"' in page
    assert 'value="requester_email" selected' in page


def real_rows() -> list[dict[str, str]]:
    with REAL.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.proof
@needs("support_tickets.csv")
def test_the_real_file_comes_in_whole_and_goes_without_trace(
    as_admin: Any, tmp_path: Path, client: Any
) -> None:
    """2,769 tickets of 2,749 customers, 1,365 solved before they were answered: in proof, all of them."""
    rows = real_rows() if FULL else real_rows()[:SOME]
    path = tmp_path / "real.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    mails = {row["Customer_Email"] for row in rows}
    report = bring_in(path)
    said = report.as_json()
    assert (said["new"], said["refused"], said["made"]) == (len(rows), 0, len(mails))
    assert (count("Ticket"), count("Customer")) == (len(rows), len(mails))
    ticket = model("Ticket")
    assert count("Ticket", ticket.customer_id.is_(None)) == 0
    assert count("Ticket", ticket.state.is_not(None) | ticket.opened_at.is_not(None)) == 0
    doubtful = count("Ticket", ticket.times_doubtful.is_(True))
    if FULL:
        assert (len(rows), len(mails), doubtful) == (2769, 2749, 1365)
    kinds = {"kind", "category", "subcategory", "priority", "channel", "rating", "product"}
    empty = [name for name in kinds if count("Ticket", getattr(ticket, name).is_(None))]
    assert not empty
    page = client.get("/ticket/charts", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert f"{len(rows):,}" in page
    assert f"{doubtful:,}" in page
    again = bring_in(path).as_json()
    assert (again["new"], again["unchanged"], again["made"]) == (0, len(rows), 0)
    undone = undo(report.change_set)
    assert (undone.kept, undone.blocked) == (0, 0)
    assert (count("Ticket"), count("Customer")) == (0, 0)
