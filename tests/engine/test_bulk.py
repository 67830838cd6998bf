"""Many records in one change set: carried on where it stopped, refused one by one, taken back whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.bulk import Order, Selection, act_of, acts, ask, running
from app.engine.bulk.duplicates import groups
from app.engine.changes import Change, ChangeSet, change_set, undo
from app.engine.changes.many import last_change
from app.engine.changes.merging import merge
from app.engine.errors import NotAllowed
from app.engine.job import DONE, FAILED, Job, cancel, free_dead_runs, retry
from app.engine.query import Condition, Records
from jobs import run_job
from tests import factories
from tests.engine.test_undo_proof import snapshot
from tests.factories import make, user_id

pytestmark = pytest.mark.usefixtures("sent")


def definition(name: str = "Parcel") -> registry.EntityDefinition:
    return registry.current().entity(name)


def rows(name: str = "Parcel", *conditions: Condition) -> list[dict[str, Any]]:
    return Records(definition(name)).where(*conditions).page(500).rows


def asked(name: str, values: dict[str, Any], entity: str = "Parcel", **selection: Any) -> str:
    """A job for all records of the entity; its id."""
    chosen = Selection(definition(entity), whole=True, **selection)
    act = act_of(definition(entity), name, values)
    order = Order(act, chosen, last_change(db.session), chosen.count())
    job_id = ask(order, "many").id
    db.session.commit()
    return job_id


def ended(job_id: str) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, job_id, populate_existing=True)


BLUE = {"set": {"colour": "blue"}}


# -- jobs ------------------------------------------------------------------------------------


def test_a_run_that_dies_is_carried_on_as_one_change_set(
    as_admin: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _n in range(10):
        make("Parcel", colour="red", tags=["甲"])
    monkeypatch.setattr(acts, "BATCH", 3)
    job_id = asked("edit", {"set": {"colour": "blue"}, "add": {"tags": ["新"]}})
    whole = running.Runner._take
    taken = []

    class Killed(BaseException):
        pass

    def dies_in_the_third(self: Any, batch: Any) -> None:
        taken.append(batch)
        if len(taken) == 3:
            raise Killed
        whole(self, batch)

    monkeypatch.setattr(running.Runner, "_take", dies_in_the_third)
    with pytest.raises(Killed):
        run_job(job_id)
    assert len(rows("Parcel", Condition("colour", "eq", "blue"))) == 6
    monkeypatch.setattr(running.Runner, "_take", whole)
    db.session.rollback()
    db.session.execute(update(Job).where(Job.id == job_id).values(heartbeat_at=None))
    db.session.commit()
    assert free_dead_runs() == 1
    run_job(job_id)
    job = ended(job_id)
    assert job.state == DONE
    assert job.result is not None
    tally = job.result["tally"]
    assert (tally["changed"], tally["unchanged"], tally["skipped"]) == (10, 0, 0)
    sets = db.session.scalars(select(ChangeSet).where(ChangeSet.door == "bulk")).all()
    assert [(one.id, one.state, one.counts) for one in sets] == [
        (job.result["change_set"], "done", {"update": 10})
    ]
    changes = select(func.count(Change.id)).where(Change.change_set_id == sets[0].id)
    assert db.session.scalar(changes) == 10, "nothing was done twice"
    report = undo(sets[0].id)
    assert (report.reversed, report.kept, report.blocked) == (10, 0, 0)
    assert {(row["colour"], tuple(row["tags"])) for row in rows()} == {("red", ("甲",))}


def test_a_cancelled_job_goes_on_when_it_is_retried(
    as_admin: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _n in range(6):
        make("Parcel", colour="red")
    monkeypatch.setattr(acts, "BATCH", 2)
    job_id = asked("edit", BLUE)
    whole = running.Runner._take
    taken = []

    def cancelled_after_the_first(self: Any, batch: Any) -> None:
        if taken:
            cancel(job_id)
        taken.append(batch)
        whole(self, batch)

    monkeypatch.setattr(running.Runner, "_take", cancelled_after_the_first)
    run_job(job_id)
    assert len(rows("Parcel", Condition("colour", "eq", "blue"))) == 2
    monkeypatch.setattr(running.Runner, "_take", whole)
    assert retry(job_id)
    run_job(job_id)
    job = ended(job_id)
    assert job.result is not None
    assert (job.state, job.result["tally"]["changed"]) == (DONE, 6)
    assert db.session.scalar(select(func.count(ChangeSet.id)).where(ChangeSet.door == "bulk")) == 1


def test_a_job_has_the_rights_that_its_asker_has_when_it_runs(acting: Any) -> None:
    acting("admin")
    mine = make("Customer", account_manager=user_id("sales"), status="active").id
    make("Customer", account_manager=user_id("sales2"), status="active")
    acting("sales")
    job_id = asked("edit", {"set": {"status": "lost"}}, "Customer")
    run_job(job_id)
    acting("admin")
    assert [row["id"] for row in rows("Customer", Condition("status", "eq", "lost"))] == [mine]
    acting("sales")
    second = asked("edit", {"set": {"status": "active"}}, "Customer")
    factories.person("sales").active = False
    db.session.commit()
    run_job(second)
    assert ended(second).state == FAILED
    acting("admin")
    assert [row["id"] for row in rows("Customer", Condition("status", "eq", "lost"))] == [mine]


def test_a_record_that_spoils_a_batch_is_refused_alone(as_admin: object) -> None:
    kept = make("Parcel", code="SAME")
    gone = make("Parcel", code="SAME-2")
    other = make("Parcel")
    with change_set("form") as changes:
        changes.trash(definition(), gone.id)
        changes.trash(definition(), other.id)
    with change_set("form") as changes:
        changes.update(definition(), kept.id, {"code": "SAME-2"})
    act = act_of(definition(), "restore")
    with change_set("bulk") as changes:
        tally = act.take(changes, [gone.id, other.id], None)
    assert (tally.changed, tally.refused) == (1, 1)
    assert tally.reasons[0]["id"] == gone.id
    assert {row["id"] for row in rows()} == {kept.id, other.id}
    assert changes.id is not None
    assert db.session.get_one(ChangeSet, changes.id).counts == {"restore": 1}


def test_many_go_to_the_trash_with_what_belongs_to_them(as_admin: object) -> None:
    shelves = [make("Shelf") for _n in range(3)]
    for shelf in shelves:
        make("Parcel", shelf=shelf.id)
    make("Parcel")
    before = snapshot()
    with change_set("bulk") as changes:
        act_of(definition("Shelf"), "trash").take(changes, [s.id for s in shelves], None)
    assert (len(rows("Shelf")), len(rows())) == (0, 1)
    assert changes.id is not None
    report = undo(changes.id)
    assert (report.reversed, report.kept, report.blocked) == (6, 0, 0)
    assert snapshot() == before


def test_writing_many_costs_the_same_as_writing_few(as_admin: object) -> None:
    from tests.pages.support import counted

    ids = [make("Parcel", colour="red").id for _n in range(40)]
    costs = []
    for some in (ids[:4], ids[4:]):
        act = act_of(definition(), "edit", {**BLUE, "add": {"tags": ["新"]}})
        with change_set("bulk") as changes, counted() as statements:
            act.take(changes, some, None)
        costs.append(len([s for s in statements if "search_" not in s and "SAVEPOINT" not in s]))
    assert costs[0] == costs[1]


# -- merging ---------------------------------------------------------------------------------


def test_references_move_and_what_is_lacking_is_filled(as_admin: object) -> None:
    stays = make("Parcel", name="甲", code=None, price=None, price_currency=None, tags=["a"])
    goes = make("Parcel", name="乙", code="ONLY", tags=["b", "a"])
    with change_set("merge") as changes:
        merged = merge(changes, definition(), stays.id, [goes.id])
    (row,) = rows()
    assert (row["id"], row["name"], row["code"]) == (stays.id, "甲", "ONLY")
    assert (str(row["price"]), row["price_currency"]) == ("99.50", "CNY")
    assert row["tags"] == ["a", "b"]
    assert "code" in merged.given
    found = Records(definition()).search("ONLY").page(5).rows
    assert [one["id"] for one in found] == [stays.id], "search follows"


def test_no_one_merges_beyond_their_rights(acting: Any) -> None:
    acting("admin")
    mine = make("Customer", account_manager=user_id("sales"))
    other = make("Customer", account_manager=user_id("sales2"))
    acting("guest")
    with pytest.raises(NotAllowed), change_set("merge") as changes:
        merge(changes, definition("Customer"), mine.id, [other.id])


def test_the_primary_contact_of_the_survivor_stays_the_primary_one(as_admin: object) -> None:
    stays, goes = make("Customer"), make("Customer")
    first = make("Contact", customer=stays.id)
    second = make("Contact", customer=goes.id)
    assert (first.is_primary, second.is_primary) == (True, True)
    with change_set("merge") as changes:
        merged = merge(changes, definition("Customer"), stays.id, [goes.id])
    assert merged.moved == {"Contact": 1}
    found = {row["id"]: (row["customer"], row["is_primary"]) for row in rows("Contact")}
    assert found == {first.id: (stays.id, True), second.id: (stays.id, False)}
    assert changes.id is not None
    report = undo(changes.id)
    assert (report.kept, report.blocked) == (0, 0)
    found = {row["id"]: (row["customer"], row["is_primary"]) for row in rows("Contact")}
    assert found == {first.id: (stays.id, True), second.id: (goes.id, True)}


def test_undoing_the_undo_of_a_merge_leads_to_the_survivor_again(
    client: Any, as_admin: object
) -> None:
    stays, goes = make("Shelf"), make("Shelf")
    with change_set("merge") as changes:
        merge(changes, definition("Shelf"), stays.id, [goes.id])
    assert changes.id is not None
    back = undo(changes.id)
    assert client.get(f"/shelf/{goes.id}").status_code == 200
    assert back.undone_by is not None
    undo(back.undone_by)
    assert client.get(f"/shelf/{goes.id}").headers["Location"] == f"/shelf/{stays.id}"
    assert client.get("/shelf/999").status_code == 404


NAMES = st.sampled_from(["润科有限公司", "润科 有限责任公司", "润科", "别家", "別的", ""])
PHONES = st.sampled_from([None, "010-88880000", "01088880000", "13800001111"])
PEOPLE = st.tuples(NAMES, PHONES, st.integers(0, 3), st.sets(st.sampled_from("abc")))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(given_rows=st.lists(PEOPLE, min_size=2, max_size=8))
def test_duplicates_are_merged_as_by_hand(as_admin: object, given_rows: list[Any]) -> None:
    """Groups by plain Python; each merged by the rule; and undone, everything is as it was."""
    made = []
    for name, phone, pieces, tags in given_rows:
        values = {"name": name or "无名", "phone": phone, "pieces": pieces or None}
        made.append(make("Parcel", **values, tags=sorted(tags) or None))
    ids = [record.id for record in made]
    before = snapshot()
    alike: dict[str, list[int]] = {}
    for record_id, (name, *_rest) in zip(ids, given_rows, strict=True):
        key = (
            (name or "无名").replace(" ", "").removesuffix("有限责任公司").removesuffix("有限公司")
        )
        alike.setdefault(key, []).append(record_id)
    expected = [tuple(group) for group in alike.values() if len(group) > 1]
    act: Any = act_of(definition(), "merge_duplicates", {"by": ["name"], "keep": "oldest"})
    selection = Selection(definition(), tuple(ids))
    assert act.groups(selection) == sorted(expected)
    with change_set("bulk") as changes:
        for batch in act.batches(selection):
            act.take(changes, batch, None)
    by_id = dict(zip(ids, given_rows, strict=True))
    left = {row["id"]: row for row in rows() if row["id"] in by_id}
    assert set(left) == set(ids) - {i for group in expected for i in group[1:]}
    for group in expected:
        first = left[group[0]]
        assert first["phone"] == next((by_id[i][1] for i in group if by_id[i][1]), None)
        assert first["pieces"] == next((by_id[i][2] for i in group if by_id[i][2]), None)
        united = [tag for i in group for tag in sorted(by_id[i][3])]
        assert (first["tags"] or []) == list(dict.fromkeys(united))
    if changes.id is not None:
        report = undo(changes.id)
        assert (report.kept, report.blocked) == (0, 0)
    assert snapshot() == before


def test_only_what_says_something_is_a_duplicate(as_admin: object) -> None:
    for phone in (None, None, "123", "123"):
        make("Parcel", phone=phone)
    fields = [definition().fields["phone"]]
    assert groups(Selection(definition(), whole=True), fields) == []
