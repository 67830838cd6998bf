"""Random change sets, undone in reverse order, leave the tables and the search as they were."""

from __future__ import annotations

import decimal
import os
import random
from typing import Any

import pytest
from sqlalchemy import text

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.bulk import act_of
from app.engine.changes import change_set, create_prepared, undo
from app.engine.changes.merging import merge
from app.engine.errors import InvalidInput, NotFound
from app.engine.query import Records
from tests import factories

STEPS = 2000 if os.environ.get("STEWARD_PROOF") == "full" else 60
CHANGING = {"version", "updated_at", "updated_by_id", "number"}
"""Stamps and counters: these may differ after a change and its undoing."""


def snapshot() -> dict[str, Any]:
    """Every row of the toys' tables and search tables, as they stand in the database."""
    found = {}
    for table in ("shelf", "parcel", "search_shelf", "search_parcel"):
        order = "rowid" if table.startswith("search") else "id"
        rows = db.session.connection().execute(text(f"SELECT * FROM {table} ORDER BY {order}"))
        found[table] = [
            {
                name: set(value.split()) if name == "words" else value
                for name, value in row._mapping.items()
                if name not in CHANGING
            }
            for row in rows
        ]
    db.session.commit()
    return found


class Play:
    """Does random things, each in a change set of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shelf = registry.current().entity("Shelf")
        self.parcel = registry.current().entity("Parcel")

    def step(self) -> int | None:
        """One change set of one to four acts; its id, None when it was refused or did nothing."""
        try:
            with change_set("proof") as changes:
                for _act in range(self.random.randint(1, 4)):
                    self.random.choice(
                        [
                            self.create,
                            self.create_many,
                            self.update,
                            self.update,
                            self.trash,
                            self.restore,
                            self.approve,
                            self.merge,
                            self.work_on_many,
                        ]
                    )(changes)
        except (InvalidInput, NotFound):
            return None
        return changes.id

    def pick(self, definition: registry.EntityDefinition, trash: bool = False) -> int | None:
        records = Records(definition)
        ids = (records.in_trash() if trash else records).ids()
        return self.random.choice(ids) if ids else None

    def create(self, changes: Any) -> None:
        if self.random.random() < 0.4:
            changes.create(self.shelf, factories.shelf())
        else:
            changes.create(self.parcel, factories.parcel(shelf=self.pick(self.shelf)))

    def create_many(self, changes: Any) -> None:
        rows = [factories.parcel(shelf=self.pick(self.shelf)) for _n in range(3)]
        prepared = [changes.checker.new(self.parcel, row) for row in rows]
        create_prepared(changes, self.parcel, prepared)

    def update(self, changes: Any) -> None:
        record_id = self.pick(self.parcel)
        if record_id is None:
            return
        values = {
            "name": f"改名 {self.random.randint(0, 9)}",
            "pieces": self.random.choice([None, 1, 2]),
            "price": self.random.choice([None, decimal.Decimal("1.10")]),
            "tags": self.random.choice([None, ["a"], ["a", "乙"]]),
            "shelf": self.pick(self.shelf),
            "code": self.random.choice([None, "SAME"]),
        }
        names = self.random.sample(sorted(values), self.random.randint(1, 4))
        changes.update(self.parcel, record_id, {name: values[name] for name in names})

    def trash(self, changes: Any) -> None:
        definition = self.random.choice([self.shelf, self.parcel, self.parcel])
        record_id = self.pick(definition)
        if record_id is not None:
            changes.trash(definition, record_id)

    def restore(self, changes: Any) -> None:
        definition = self.random.choice([self.shelf, self.parcel])
        record_id = self.pick(definition, trash=True)
        if record_id is not None:
            changes.restore(definition, record_id)

    def approve(self, changes: Any) -> None:
        record_id = self.pick(self.parcel)
        if record_id is not None:
            changes.approve(self.parcel, record_id)

    def merge(self, changes: Any) -> None:
        definition = self.random.choice([self.shelf, self.parcel])
        ids = Records(definition).ids()
        if len(ids) < 3:
            return
        survivor, *losers = self.random.sample(ids, self.random.randint(2, 3))
        taken = self.random.choice([{}, {"name": losers[0]}])
        merge(changes, definition, survivor, losers, taken)

    def work_on_many(self, changes: Any) -> None:
        name = self.random.choice(
            ["edit", "archive", "unarchive", "trash", "restore", "merge_duplicates"]
        )
        values: dict[str, Any] = {}
        if name == "edit":
            values = self.random.choice(
                [
                    {"set": {"colour": "blue", "pieces": None}},
                    {"set": {"name": "一样的名字"}, "add": {"tags": ["新"]}},
                    {"remove": {"tags": ["a", "急"]}},
                    {"set": {"shelf": self.pick(self.shelf)}},
                ]
            )
        if name == "merge_duplicates":
            values = {"by": ["name"], "keep": self.random.choice(["oldest", "fullest"])}
        act = act_of(self.parcel, name, values)
        records = Records(self.parcel)
        ids = (records.in_trash() if act.trash else records).ids()
        some: list[Any] = sorted(self.random.sample(ids, min(len(ids), 4)))
        if name == "merge_duplicates":
            some = [tuple(some)] if len(some) > 1 else []
        if some:
            act.take(changes, some, None)


@pytest.mark.proof
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_undone_in_reverse_order_nothing_is_left(as_admin: Any, seed: int) -> None:
    play = Play(seed)
    for _warm_up in range(10):
        play.step()
    before = snapshot()
    made = [set_id for _step in range(STEPS // 3) if (set_id := play.step()) is not None]
    assert len(made) > STEPS // 6
    for set_id in reversed(made):
        report = undo(set_id)
        assert (report.kept, report.blocked) == (0, 0), report.as_json()
    after = snapshot()
    for table, rows in before.items():
        assert [row for row in after[table] if row not in rows] == [], table
        assert after[table] == rows, table
