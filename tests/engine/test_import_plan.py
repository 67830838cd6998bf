"""The preview is the plan that is run: for any file and mode, with a plain model beside it."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.engine import changes, policy, registry
from app.engine.adapters.database import db
from app.engine.surfaces.imports import Runner, batches, check
from app.engine.surfaces.imports.command import _no_hold, _note
from app.engine.surfaces.imports.models import MODES, NEAR, Options
from tests import factories
from tests.engine.toys import Parcel, Shelf

EXAMPLES = 400 if os.environ.get("STEWARD_PROOF") == "full" else 30
Held = tuple[str, int | None, str | None]
THERE: dict[str, Held] = {"1": ("甲", 1, None), "2": ("乙", 2, "旧架"), "3": ("丙", None, None)}
"""Code → name, pieces and shelf of what is there before each import."""
SHELVES = {"旧架", "空架"}

COLUMNS = ("code", "name", "pieces", "shelf")

ROWS = st.lists(
    st.tuples(
        st.sampled_from("123456"),
        st.sampled_from(["", "甲", "乙", "丙", "丁", "戊"]),
        st.sampled_from(["", "1", "2", "x"]),
        st.sampled_from(["", "", "旧架", "新架", "又一架"]),
    ),
    min_size=1,
    max_size=9,
)


class Model:
    """What an import should do, said plainly: one row after the other, one dictionary."""

    def __init__(self, mode: str, near: str, make: bool) -> None:
        self.mode, self.near, self.make = mode, near, make
        self.table = dict(THERE)
        self.shelves = set(SHELVES)
        self.counts: Counter[str] = Counter()
        self.codes: set[str] = set()
        self.names: set[str] = set()
        self.meant: set[str] = set()

    def take(self, code: str, name: str, pieces: str, shelf: str) -> None:
        kind = self.decide(code, name, pieces, shelf)
        self.counts["total"] += 1
        self.counts[kind] += 1
        if shelf and shelf not in self.shelves and kind in ("new", "changed"):
            self.shelves.add(shelf)
            self.counts["made"] += 1

    def decide(self, code: str, name: str, pieces: str, shelf: str) -> str:
        if pieces == "x" or (shelf and shelf not in SHELVES and not self.make):
            return "refused"
        if code in self.codes:
            return "duplicate"
        self.codes.add(code)
        record = code if code in THERE else None
        if record is None and name and self.near != "add":
            alike = next((c for c, (held, _p, _s) in THERE.items() if held == name), None)
            if name in self.names or (alike and self.near == "leave"):
                return "duplicate"
            if alike:
                record = alike
        self.names |= {name} - {""}
        given = (name, int(pieces) if pieces else None, shelf or None)
        return self.new(code, *given) if record is None else self.old(record, code, *given)

    def new(self, code: str, name: str, pieces: int | None, shelf: str | None) -> str:
        if self.mode == "update" or not name:
            return "refused"
        self.table[code] = (name, pieces, shelf)
        return "new"

    def old(self, record: str, code: str, name: str, pieces: int | None, shelf: str | None) -> str:
        if self.mode == "add":
            return "refused"
        if self.mode == "skip":
            return "unchanged"
        if record in self.meant:
            return "duplicate"
        self.meant.add(record)
        before = self.table[record]
        after = (name or before[0], before[1] if pieces is None else pieces, shelf or before[2])
        if (code, after) == (record, before):
            return "unchanged"
        self.names.add(before[0])
        del self.table[record]
        self.table[code] = after
        return "changed"


def held() -> dict[str, Held]:
    db.session.rollback()
    rows = db.session.execute(
        select(Parcel.code, Parcel.name, Parcel.pieces, Shelf.name).outerjoin(
            Shelf, Shelf.id == Parcel.shelf_id
        )
    )
    return {code: (name, pieces, shelf) for code, name, pieces, shelf in rows}


def shelves() -> list[str]:
    return sorted(db.session.scalars(select(Shelf.name)))


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_the_preview_says_is_what_happens(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (size,))
    ids = {name: factories.make("Shelf", name=name).id for name in sorted(SHELVES)}
    for code, (name, pieces, shelf) in THERE.items():
        place = ids[shelf] if shelf else None
        factories.make("Parcel", code=code, name=name, pieces=pieces, phone=None, shelf=place)
    path = tmp_path / "rows.csv"

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(rows=ROWS, mode=st.sampled_from(MODES), near=st.sampled_from(NEAR), make=st.booleans())
    def holds(rows: list[Any], mode: str, near: str, make: bool) -> None:
        stream = io.StringIO()
        csv.writer(stream).writerows([COLUMNS, *rows])
        path.write_text(stream.getvalue(), encoding="utf-8", newline="")
        made = ["shelf"] if make else []
        options = Options(
            mapping={name: name for name in COLUMNS}, key="code", mode=mode, near=near, make=made
        )
        model = Model(mode, near, make)
        for row in rows:
            model.take(*row)
        preview = check("Parcel", path, "rows.csv", options)
        definition = registry.current().entity("Parcel")
        run_id = _note(definition, policy.current_viewer(), path, "0" * 64, options)
        run = Runner(run_id, path, _no_hold).run()
        assert held() == model.table
        assert shelves() == sorted(model.shelves)
        assert run.counts == preview.counts
        assert {k: v for k, v in preview.counts.items() if v} == dict(model.counts)
        if run.change_set_id is not None:
            assert changes.undo(run.change_set_id).blocked == 0
        assert held() == THERE
        assert shelves() == sorted(SHELVES)

    holds()
