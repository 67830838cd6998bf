"""While an import runs, people go on saving: nobody is refused, nothing is lost."""

from __future__ import annotations

import csv
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.engine import changes, policy, registry
from app.engine.adapters.database import db
from app.engine.surfaces.imports import command
from tests import factories
from tests.engine.toys import Parcel

ROWS = 900
SAVERS = 4


def test_people_save_while_an_import_runs(
    app: Any, as_admin: policy.Viewer, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "code", "phone"])
        writer.writerows([f"包裹{n}", f"X{n}", "010-88880000"] for n in range(ROWS))
    definition = registry.current().entity("Parcel")
    ids = [factories.make("Parcel").id for _saver in range(SAVERS)]
    over, faults, saved = threading.Event(), [], [0] * SAVERS

    def save(number: int) -> None:
        with app.app_context(), policy.acting_as(as_admin):
            while not over.wait(0.05):
                try:
                    with changes.change_set("form") as written:
                        written.update(definition, ids[number], {"pieces": saved[number] + 1})
                    saved[number] += 1
                except Exception as fault:
                    faults.append(fault)
            db.session.remove()

    savers = [threading.Thread(target=save, args=(number,)) for number in range(SAVERS)]
    for saver in savers:
        saver.start()
    try:
        report = command("Parcel", path)
    finally:
        over.set()
        for saver in savers:
            saver.join()
    assert faults == []
    assert report.counts["new"] == ROWS
    assert sum(saved) > 0
    db.session.rollback()
    pieces = dict(
        db.session.execute(select(Parcel.id, Parcel.pieces).where(Parcel.id.in_(ids))).all()
    )
    assert [pieces[record_id] for record_id, count in zip(ids, saved, strict=True) if count] == [
        count for count in saved if count
    ]
    assert db.session.scalar(select(func.count(Parcel.id))) == ROWS + SAVERS
