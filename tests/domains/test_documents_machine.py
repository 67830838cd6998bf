"""Random steps over every door: no document that is held or whose period runs is deleted or changed.

What must stay is worked out here, in plain Python from the bare rows before each step, and shares
nothing with the guards; after the step the bare rows are compared.
"""

from __future__ import annotations

import datetime
import os
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import select

from app.domains.documents import choices
from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set, undo
from app.engine.changes.many import load_many, trash_many
from app.engine.changes.merging import merge
from app.engine.changes.models import ChangeSet
from app.engine.errors import StewardError
from app.engine.fields.periods import OFFSET
from tests.domains.documents import act, definition
from tests.engine.test_erasure import erase
from tests.factories import make, viewer
from tests.matrix.runs import afresh

FULL = os.environ.get("STEWARD_PROOF") == "full"
STEPS, SHORT = 50, 25
TODAY = datetime.datetime.now(OFFSET).date()
YEAR = datetime.timedelta(days=366)
PLACES = ("choices", "retention", "holding", "keeping", "filing")
STATES = tuple(state.value for state in choices.DocumentState)
FILED = ("in_force", "superseded", "archived", "due")
DOORS = ("form", "api", "bulk", "import")
SAID = ("title", "document_class_id", "customer_id", "parties", "keywords", "description",
        "confidentiality", "number", "owner_id", "filed_on", "retention", "retention_years",
        "counted_from", "dated_on")  # fmt: skip
"""What a document says."""

tried: dict[str, int] = {"steps": 0, "against": 0}


def rows(entity: str) -> dict[int, dict[str, Any]]:
    """The bare rows of an entity."""
    model: Any = registry.current().entity(entity).model
    with policy.unrestricted("the test looks at everything") as session:
        return {row.id: dict(row._mapping) for row in session.execute(select(model.__table__))}


class Picture:
    """All there is, and what of it must stay."""

    def __init__(self, today: datetime.date) -> None:
        self.today = today
        self.documents, self.classes = rows("Document"), rows("DocumentClass")
        self.versions, self.files = rows("DocumentVersion"), rows("DocumentFile")
        self.holds = [row for row in rows("LegalHold").values() if self.stands(row)]

    def stands(self, row: dict[str, Any]) -> bool:
        over = row["until"] is not None and row["until"] < self.today
        return row["deleted_at"] is None and row["released_at"] is None and not over

    def held(self, document: dict[str, Any]) -> bool:
        targets = {("Document", document["id"]), ("Customer", document["customer_id"])}
        level = document["document_class_id"]
        while level is not None:
            targets.add(("DocumentClass", level))
            level = self.classes[level]["parent_id"]
        return any((row["entity"], row["record"]) in targets for row in self.holds)

    def runs(self, document: dict[str, Any]) -> bool:
        """Whether its period runs, counted by the calendar alone."""
        if document["state"] not in FILED:
            return False
        years = {"years_10": 10, "years_30": 30, "custom": document["retention_years"]}
        if document["retention"] == "permanent":
            return True
        first, count = document["filed_on"], years[document["retention"]]
        end = (first.year + count, first.month, first.day)
        return (self.today.year, self.today.month, self.today.day) < end

    def kept(self) -> set[int]:
        """Documents that must not go."""
        return {i for i, one in self.documents.items()
                if one["deleted_at"] is None and (self.held(one) or self.runs(one))}  # fmt: skip

    def closed(self) -> set[int]:
        """Documents that must stay as they are."""
        return {
            i for i in self.kept()
            if self.held(self.documents[i]) or self.documents[i]["state"] in ("archived", "due")
        }  # fmt: skip


class Documents(RuleBasedStateMachine):
    """People work on documents by all doors, and try what they may not."""

    monkeypatch: Any
    browser: Any
    given: Any

    @initialize()
    def begin(self) -> None:
        afresh(*type(self).given)
        self.acting = policy.acting_as(viewer("admin"))
        self.acting.__enter__()
        self.client = type(self).browser("admin")
        self.is_today(TODAY)
        self.top = make("DocumentClass", retention="custom", retention_years=2)
        below = make("DocumentClass", parent=self.top.id, retention="years_10")
        other = make("DocumentClass", retention="custom", retention_years=1)
        self.class_ids = [self.top.id, below.id, other.id]
        self.customer_ids = [make("Customer").id for _number in range(3)]
        contact = make("Contact", customer=self.customer_ids[0], name="金丝雀小娜")
        self.contact = SimpleNamespace(id=contact.id)
        self.document_ids: list[int] = []
        for place, state in enumerate(("draft", "in_force", "archived", "archived")):
            self.make_document(place)
            for step in STATES[1 : STATES.index(state) + 1]:
                if step != "superseded":
                    values = {"state": step}
                    self.update("Document", self.document_ids[-1], values, "form")
        make("LegalHold", entity="Document", record=self.document_ids[3])

    def is_today(self, day: datetime.date) -> None:
        self.today = day
        for place in PLACES:
            type(self).monkeypatch.setattr(f"app.domains.documents.{place}.today", lambda: day)

    def make_document(self, place: int) -> None:
        record = make(
            "Document",
            document_class=self.class_ids[place % 3],
            customer=self.customer_ids[place % 3],
            parties=["金丝雀小娜", "甲公司"],
        )
        version = make("DocumentVersion", document=record.id)
        make("DocumentFile", document_version=version.id)
        self.document_ids.append(record.id)

    def one(self, place: int) -> int:
        return self.document_ids[place % len(self.document_ids)]

    def step(self, do: Any) -> None:
        """Do it, whatever comes of it, and see that what must stay has stayed."""
        before = Picture(self.today)
        tried["steps"] += 1
        try:
            do()
        except StewardError:
            db.session.rollback()
        db.session.rollback()
        after = Picture(before.today)
        closed = before.closed()
        for record_id in before.kept():
            there = after.documents.get(record_id)
            assert there is not None, "gone"
            assert there["deleted_at"] is None, "in the trash"
            was = before.documents[record_id]
            if record_id in closed:
                assert {n: was[n] for n in SAID} == {n: there[n] for n in SAID}
                assert self.papers(before, record_id) == self.papers(after, record_id)
                assert was["state"] == there["state"] or there["state"] in ("archived", "due")
            assert after.runs(there) or not before.runs(was), "its period was made shorter"
            assert after.held(there) or not before.held(was) or self.released, "slipped from a hold"
        for record_id, there in after.documents.items():
            own = [v for v in after.versions.values() if v["document_id"] == record_id]
            in_force = sum(bool(v["in_force"]) for v in own if v["deleted_at"] is None)
            if there["deleted_at"] is None:
                assert in_force == (there["state"] in FILED), (there["state"], in_force)
        self.released = False

    released = False

    @staticmethod
    def papers(picture: Picture, record_id: int) -> Any:
        """The versions and files of a document with what they say."""
        versions = [
            (v["id"], v["number"], v["comment"], v["notes"], v["deleted_at"], bool(v["in_force"]))
            for v in picture.versions.values() if v["document_id"] == record_id
        ]  # fmt: skip
        files = [
            (f["id"], f["name"], f["content_id"], f["deleted_at"])
            for f in picture.files.values() if f["document_id"] == record_id
        ]  # fmt: skip
        return sorted(versions), sorted(files)

    def against(self, record_id: int) -> None:
        """Count what is tried on a document that must stay."""
        picture = Picture(self.today)
        tried["against"] += record_id in picture.kept() | picture.closed()

    # -- what people do ----------------------------------------------------------------------------

    @rule(place=st.integers(0, 8))
    def more(self, place: int) -> None:
        if len(self.document_ids) < 8:
            self.step(lambda: self.make_document(place))

    @rule(place=st.integers(0, 8), state=st.sampled_from(STATES))
    def move(self, place: int, state: str) -> None:
        self.step(lambda: self.update("Document", self.one(place), {"state": state}, "form"))

    @rule(place=st.integers(0, 8))
    def go_on(self, place: int) -> None:
        """The usual way, so that documents come into the archive often enough."""
        state = rows("Document").get(self.one(place), {}).get("state")
        way = dict(zip(STATES, (*STATES[1:3], "archived", "archived", "due", "due"), strict=True))
        if state is not None:
            self.step(
                lambda: self.update("Document", self.one(place), {"state": way[state]}, "form")
            )

    @rule(place=st.integers(0, 8), door=st.sampled_from(DOORS), name=st.sampled_from(
        ("title", "document_class", "customer", "retention_years", "filed_on", "description")))  # fmt: skip
    def change(self, place: int, door: str, name: str) -> None:
        values: dict[str, Any] = {
            "title": {"title": f"改过的题名 {place}"},
            "document_class": {"document_class": self.class_ids[place % 3]},
            "customer": {"customer": self.customer_ids[(place + 1) % 3]},
            "retention_years": {"retention": "custom", "retention_years": 1 + place % 2},
            "filed_on": {"filed_on": TODAY - 10 * YEAR},
            "description": {"description": f"说明 {place}"},
        }[name]
        record_id = self.one(place)
        self.against(record_id)
        self.step(lambda: self.update("Document", record_id, values, door))

    @rule(place=st.integers(0, 30), door=st.sampled_from(DOORS))
    def change_a_paper(self, place: int, door: str) -> None:
        entity, values = (
            ("DocumentVersion", {"comment": f"改 {place}"}),
            ("DocumentFile", {"name": f"改{place}.pdf"}),
        )[place % 2]
        ids = sorted(rows(entity))
        if ids:
            self.step(lambda: self.update(entity, ids[place % len(ids)], values, door))

    @rule(place=st.integers(0, 8), door=st.sampled_from(DOORS))
    def delete(self, place: int, door: str) -> None:
        record_id = self.one(place)
        self.against(record_id)
        self.step(lambda: self.trash("Document", record_id, door))

    @rule(place=st.integers(0, 30), door=st.sampled_from(DOORS))
    def delete_a_paper(self, place: int, door: str) -> None:
        entity = ("DocumentVersion", "DocumentFile", "LegalHold", "Customer")[place % 4]
        ids = sorted(rows(entity))
        if ids:
            self.step(lambda: self.trash(entity, ids[place % len(ids)], door))

    @rule(place=st.integers(0, 8), restore=st.booleans())
    def out_of_the_trash(self, place: int, restore: bool) -> None:
        record_id = self.one(place)
        self.against(record_id)

        def do() -> None:
            with change_set("form") as changes:
                (changes.restore if restore else changes.purge)(definition(), record_id)

        self.step(do)

    @rule(back=st.integers(0, 12))
    def undo_something(self, back: int) -> None:
        with policy.unrestricted("the test looks at everything") as session:
            statement = select(ChangeSet.id).order_by(ChangeSet.id.desc()).limit(13)
            ids = list(session.scalars(statement))
        self.step(lambda: undo(ids[back % len(ids)]))

    @rule(one=st.integers(0, 2), other=st.integers(0, 2))
    def merge_customers(self, one: int, other: int) -> None:
        def do() -> None:
            with change_set("merge") as changes:
                merge(changes, definition("Customer"),
                      self.customer_ids[one], [self.customer_ids[other]])  # fmt: skip

        self.step(do)

    @rule(what=st.integers(0, 2), place=st.integers(0, 8))
    def put_on_hold(self, what: int, place: int) -> None:
        entity, record_id = (
            ("Document", self.one(place)),
            ("DocumentClass", self.class_ids[place % 3]),
            ("Customer", self.customer_ids[place % 3]),
        )[what]
        until = self.today + YEAR if place % 2 else None
        self.step(lambda: make("LegalHold", entity=entity, record=record_id, until=until))

    @rule(place=st.integers(0, 8))
    def release_one(self, place: int) -> None:
        standing = sorted(row["id"] for row in Picture(self.today).holds)
        if standing:
            self.released = True
            record = standing[place % len(standing)]
            self.step(lambda: self.update("LegalHold", record, {"release_reason": "结案"}, "form"))

    @rule(place=st.integers(0, 2), other=st.integers(0, 3))
    def move_a_class(self, place: int, other: int) -> None:
        parent = None if other == 3 else self.class_ids[other]
        values = {"parent": parent}
        self.step(lambda: self.update("DocumentClass", self.class_ids[place], values, "form"))

    @rule(place=st.integers(0, 8))
    def new_version_in_force(self, place: int) -> None:
        def do() -> None:
            version = make("DocumentVersion", document=self.one(place))
            act(version, "in_force", "DocumentVersion")

        try:
            self.step(do)
        except AssertionError as error:
            if str(error) != "in_force":
                raise

    @rule(chance=st.integers(0, 9))
    def erase_somebody(self, chance: int) -> None:
        if chance == 9:  # it goes through everything that there is
            self.step(lambda: erase(self.contact))

    @rule(years=st.integers(0, 1))
    def later(self, years: int) -> None:
        self.is_today(self.today + years * YEAR + datetime.timedelta(days=1))

    # -- doors -------------------------------------------------------------------------------------

    def update(self, entity: str, record_id: int, values: dict[str, Any], door: str) -> None:
        if door == "api":
            given = {
                name: value.isoformat() if isinstance(value, datetime.date) else value
                for name, value in values.items()
            }
            self.client.put(f"/api/v1/{definition(entity).key}/{record_id}", json=given)
            return
        with change_set(door) as changes:
            changes.update(definition(entity), record_id, values)

    def trash(self, entity: str, record_id: int, door: str) -> None:
        key = definition(entity).key
        if door == "api":
            self.client.delete(f"/api/v1/{key}/{record_id}")
        elif door == "form":
            self.client.post(f"/{key}/{record_id}/delete")
        else:
            with change_set(door) as changes:
                records = load_many(changes, definition(entity), [record_id])
                trash_many(changes, definition(entity), records)

    def teardown(self) -> None:
        self.acting.__exit__(None, None, None)


@pytest.mark.proof
def test_nothing_that_is_held_or_kept_is_deleted_or_changed_by_any_door(
    app: Any,
    database: Any,
    browser: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """10,000 steps in proof."""
    Documents.given = (app, database)
    Documents.monkeypatch, Documents.browser = monkeypatch, staticmethod(browser)
    Documents.TestCase.settings = settings(
        max_examples=220 if FULL else 3, stateful_step_count=STEPS if FULL else SHORT, deadline=None,
        derandomize=not FULL, suppress_health_check=list(HealthCheck), database=None,
        phases=(Phase.generate, Phase.shrink) if FULL else (Phase.generate,),
    )  # fmt: skip
    Documents.TestCase().runTest()
    with capsys.disabled():
        print(
            f"\n{tried['steps']:,} steps, {tried['against']:,} of them against what must stay: 0 succeeded"
        )
