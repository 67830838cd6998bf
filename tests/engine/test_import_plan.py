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
from tests.engine.toys import Parcel

EXAMPLES = 400 if os.environ.get("STEWARD_PROOF") == "full" else 30
THERE = {"1": ("甲", 1), "2": ("乙", 2), "3": ("丙", None)}
"""Code → name and pieces of what is there before each import."""

ROWS = st.lists(
    st.tuples(
        st.sampled_from("123456"),
        st.sampled_from(["", "甲", "乙", "丙", "丁", "戊"]),
        st.sampled_from(["", "1", "2", "x"]),
    ),
    min_size=1,
    max_size=9,
)


class Model:
    """What an import should do, said plainly: one row after the other, one dictionary."""

    def __init__(self, mode: str, near: str) -> None:
        self.mode, self.near = mode, near
        self.table: dict[str, tuple[str, int | None]] = dict(THERE)
        self.counts: Counter[str] = Counter()
        self.codes: set[str] = set()
        self.names: set[str] = set()
        self.meant: set[str] = set()

    def take(self, code: str, name: str, pieces: str) -> None:
        self.counts["total"] += 1
        self.counts[self.decide(code, name, pieces)] += 1

    def decide(self, code: str, name: str, pieces: str) -> str:
        if pieces == "x":
            return "refused"
        if code in self.codes:
            return "duplicate"
        self.codes.add(code)
        record = code if code in THERE else None
        if record is None and name and self.near != "add":
            alike = next((c for c, (held, _p) in THERE.items() if held == name), None)
            if name in self.names or (alike and self.near == "leave"):
                return "duplicate"
            if alike:
                record = alike
        self.names |= {name} - {""}
        return (
            self.new(code, name, pieces) if record is None else self.old(record, code, name, pieces)
        )

    def new(self, code: str, name: str, pieces: str) -> str:
        if self.mode == "update" or not name:
            return "refused"
        self.table[code] = (name, int(pieces) if pieces else None)
        return "new"

    def old(self, record: str, code: str, name: str, pieces: str) -> str:
        if self.mode == "add":
            return "refused"
        if self.mode == "skip":
            return "unchanged"
        if record in self.meant:
            return "duplicate"
        self.meant.add(record)
        before = self.table[record]
        after = (name or before[0], int(pieces) if pieces else before[1])
        if (code, after) == (record, before):
            return "unchanged"
        self.names.add(before[0])
        del self.table[record]
        self.table[code] = after
        return "changed"


def held() -> dict[str, tuple[str, int | None]]:
    db.session.rollback()
    rows = db.session.execute(select(Parcel.code, Parcel.name, Parcel.pieces))
    return {code: (name, pieces) for code, name, pieces in rows}


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_the_preview_says_is_what_happens(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (size,))
    for code, (name, pieces) in THERE.items():
        factories.make("Parcel", code=code, name=name, pieces=pieces, phone=None)
    path = tmp_path / "rows.csv"

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(rows=ROWS, mode=st.sampled_from(MODES), near=st.sampled_from(NEAR))
    def holds(rows: list[Any], mode: str, near: str) -> None:
        stream = io.StringIO()
        csv.writer(stream).writerows([("code", "name", "pieces"), *rows])
        path.write_text(stream.getvalue(), encoding="utf-8", newline="")
        mapping = {name: name for name in ("code", "name", "pieces")}
        options = Options(mapping=mapping, key="code", mode=mode, near=near)
        model = Model(mode, near)
        for row in rows:
            model.take(*row)
        preview = check("Parcel", path, "rows.csv", options)
        definition = registry.current().entity("Parcel")
        run_id = _note(definition, policy.current_viewer(), path, "0" * 64, options)
        run = Runner(run_id, path, _no_hold).run()
        assert held() == model.table
        assert run.counts == preview.counts
        assert {k: v for k, v in preview.counts.items() if v} == dict(model.counts)
        if run.change_set_id is not None:
            assert changes.undo(run.change_set_id).blocked == 0
        assert held() == THERE

    holds()
