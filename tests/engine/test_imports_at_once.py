"""Two people import the same file at the very same moment: nothing is doubled, each row is told right."""

from __future__ import annotations

import csv
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.surfaces.imports import batches, command
from tests.engine.toys import Parcel, Shelf

ROWS = 120


@pytest.mark.parametrize("columns", [("name", "code", "shelf"), ("name", "pieces", "shelf")])
def test_nothing_is_doubled(
    app: Any,
    as_admin: policy.Viewer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: tuple[str, ...],
) -> None:
    """With a code, and without one; the shelves are made on the way by whoever comes first."""
    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (10,))
    path = tmp_path / "same.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([f"包裹{n}", n, f"架{n % 7}"] for n in range(ROWS))
    start, reports, faults = threading.Barrier(2), [], []

    def bring_in() -> None:
        with app.app_context(), policy.acting_as(as_admin):
            start.wait()
            try:
                reports.append(command("Parcel", path, make=["shelf"]))
            except Exception as fault:
                faults.append(fault)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=bring_in) for _person in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    db.session.rollback()
    assert db.session.scalar(select(func.count(Parcel.id))) == ROWS
    assert sorted(db.session.scalars(select(Shelf.name))) == [f"架{n}" for n in range(7)]
    together: Counter[str] = sum((Counter(r.counts) for r in reports), Counter())
    again = "unchanged" if "code" in columns else "duplicate"
    assert dict(together) == {"total": 2 * ROWS, "new": ROWS, again: ROWS, "made": 7}
