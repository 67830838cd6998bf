"""Every write is a change set; undoing one says what it did."""

from __future__ import annotations

import decimal
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import Change, ChangeSet, WriteOutsideChangeSet, change_set, undo
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StaleRecord
from app.engine.query import Records
from tests.engine.toys import Parcel, Shelf
from tests.factories import make, parcel

pytestmark = pytest.mark.usefixtures("as_admin")


def definition(name: str = "Parcel") -> registry.EntityDefinition:
    return registry.current().entity(name)


def last_change() -> Change:
    found = db.session.scalar(select(Change).order_by(Change.id.desc()).limit(1))
    assert found is not None
    return found


def test_a_record_and_its_history_are_written_together() -> None:
    record = make("Parcel", name="润科", pieces=3)
    change = last_change()
    assert (change.entity, change.record_id, change.kind) == ("Parcel", record.id, "create")
    assert change.after["name"] == "润科"
    change_set_row = db.session.get_one(ChangeSet, change.change_set_id)
    assert (change_set_row.door, change_set_row.state) == ("form", "done")
    assert change_set_row.counts == {"create": 1}


def test_an_update_keeps_what_was_before() -> None:
    record = make("Parcel", pieces=3)
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"pieces": 4, "name": record.name})
    change = last_change()
    assert (change.before, change.after) == ({"pieces": 3}, {"pieces": 4})


def test_an_update_that_changes_nothing_leaves_no_trace() -> None:
    record = make("Parcel", pieces=3)
    before = last_change().id
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"pieces": 3})
    assert last_change().id == before
    assert record.version == 1


def test_nothing_is_written_outside_a_change_set(app: object) -> None:
    db.session.add(Shelf(name="x"))
    with pytest.raises(WriteOutsideChangeSet):
        db.session.flush()
    db.session.rollback()


def test_a_refused_record_leaves_nothing_half_written() -> None:
    count = db.session.scalar(select(ChangeSet.id).order_by(ChangeSet.id.desc()).limit(1))

    def one_right_and_one_wrong() -> None:
        with change_set("form") as changes:
            changes.create(definition(), parcel())
            changes.create(definition(), parcel(name="", pieces=2**60))

    with pytest.raises(InvalidInput):
        one_right_and_one_wrong()
    assert Records(definition()).count() == (0, True)
    after = db.session.scalar(select(ChangeSet.id).order_by(ChangeSet.id.desc()).limit(1))
    assert after == count


def test_every_wrong_field_is_named() -> None:
    with pytest.raises(InvalidInput) as refused, change_set("form") as changes:
        changes.create(definition(), {"name": "", "email": "nobody", "pieces": True})
    assert {problem.field for problem in refused.value.problems} == {"name", "email", "pieces"}


def test_a_code_is_taken_only_once() -> None:
    make("Parcel", code="A-1")
    with pytest.raises(InvalidInput) as refused:
        make("Parcel", code="A-1")
    assert [problem.field for problem in refused.value.problems] == ["code"]


def test_a_stale_form_is_refused_with_both_versions() -> None:
    record = make("Parcel", pieces=1)
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"pieces": 2}, version=1)
    with pytest.raises(StaleRecord) as stale, change_set("form") as changes:
        changes.update(definition(), record.id, {"pieces": 3}, version=1)
    assert stale.value.record.pieces == 2
    assert stale.value.submitted == {"pieces": 3}


def test_serial_numbers_count_up() -> None:
    first, second = make("Parcel"), make("Parcel")
    assert first.number.endswith("-0001")
    assert second.number.endswith("-0002")


def test_a_trashed_record_is_gone_from_every_query_and_comes_back() -> None:
    record = make("Parcel", name="润科生物")
    with change_set("form") as changes:
        changes.trash(definition(), record.id)
    assert Records(definition()).count() == (0, True)
    assert Records(definition()).search("润科").count() == (0, True)
    assert Records(definition()).in_trash().count() == (1, True)
    with change_set("form") as changes:
        changes.restore(definition(), record.id)
    assert Records(definition()).search("润科").count() == (1, True)


def test_what_belongs_to_a_record_goes_and_comes_with_it() -> None:
    shelf = make("Shelf")
    make("Parcel", shelf=shelf.id)
    with change_set("form") as changes:
        changes.trash(definition("Shelf"), shelf.id)
    assert Records(definition()).count() == (0, True)
    assert changes.id is not None
    report = undo(changes.id)
    assert (report.reversed, report.kept, report.blocked) == (2, 0, 0)
    assert Records(definition()).count() == (1, True)


def test_purging_is_for_the_trash_only_and_final() -> None:
    record = make("Parcel")
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.purge(definition(), record.id)
    with change_set("form") as changes:
        changes.trash(definition(), record.id)
    with change_set("form") as changes:
        changes.purge(definition(), record.id)
    with pytest.raises(NotFound), change_set("form") as changes:
        changes.restore(definition(), record.id)
    assert changes.id is None


class TestUndo:
    def test_of_a_create_takes_the_record_away(self) -> None:
        record = make("Parcel", name="润科")
        set_id = last_change().change_set_id
        report = undo(set_id)
        assert (report.reversed, report.kept, report.blocked) == (1, 0, 0)
        assert db.session.get_one(ChangeSet, set_id).state == "undone"
        assert Records(definition()).search("润科").count() == (0, True)
        assert Records(definition()).in_trash().count() == (0, True)
        assert record.id

    def test_of_an_undo_makes_the_record_again(self) -> None:
        record = make("Parcel", name="润科", price=decimal.Decimal("12.30"), tags=["a"])
        report = undo(last_change().change_set_id)
        assert report.undone_by is not None
        undo(report.undone_by)
        again = Records(definition()).get(record.id)
        assert (again["name"], again["price"], again["tags"]) == (
            "润科", decimal.Decimal("12.30"), ["a"],
        )  # fmt: skip
        assert Records(definition()).search("润科").count() == (1, True)

    def test_of_an_update_gives_the_old_values_back(self) -> None:
        record = make("Parcel", pieces=1, name="润科")
        with change_set("form") as changes:
            changes.update(definition(), record.id, {"pieces": 2, "name": "科技"})
        assert changes.id
        undo(changes.id)
        row = Records(definition()).get(record.id)
        assert (row["pieces"], row["name"]) == (1, "润科")
        assert Records(definition()).search("科技").count() == (0, True)

    def test_keeps_what_somebody_edited_since(self) -> None:
        record = make("Parcel", pieces=1, name="润科")
        with change_set("form") as changes:
            changes.update(definition(), record.id, {"pieces": 2, "name": "科技"})
        with change_set("form") as later:
            later.update(definition(), record.id, {"pieces": 9})
        assert changes.id
        report = undo(changes.id)
        assert (report.reversed, report.kept, report.blocked) == (0, 1, 0)
        row = Records(definition()).get(record.id)
        assert (row["pieces"], row["name"]) == (9, "润科")
        assert db.session.get_one(ChangeSet, changes.id).state == "partly_undone"

    def test_of_a_create_keeps_a_record_edited_since(self) -> None:
        record = make("Parcel", pieces=1)
        created = last_change().change_set_id
        with change_set("form") as changes:
            changes.update(definition(), record.id, {"pieces": 2})
        report = undo(created)
        assert (report.reversed, report.kept) == (0, 1)
        assert Records(definition()).count() == (1, True)

    def test_of_a_create_is_blocked_while_others_point_at_it(self) -> None:
        shelf = make("Shelf")
        created = last_change().change_set_id
        make("Parcel", shelf=shelf.id)
        report = undo(created)
        assert (report.reversed, report.blocked) == (0, 1)

    def test_works_only_once(self) -> None:
        make("Parcel")
        set_id = last_change().change_set_id
        undo(set_id)
        with pytest.raises(InvalidInput):
            undo(set_id)

    def test_of_others_needs_a_right(self) -> None:
        make("Parcel")
        set_id = last_change().change_set_id
        from tests.factories import viewer

        with policy.acting_as(viewer("sales")), pytest.raises(NotAllowed):
            undo(set_id)

    @pytest.mark.parametrize("number", [1, 2])
    def test_gives_no_field_back_that_may_not_be_written_any_more(self, number: int) -> None:
        records = [make("Parcel", name="vorher", pieces=1) for _one in range(number)]
        with change_set("form") as changes:
            for record in records:
                changes.update(definition(), record.id, {"name": "nachher", "pieces": 2})
        assert changes.id
        narrow = policy.RoleRights({("*", "*"): "all"}, {("Parcel", "name"): "read"})
        viewer = replace(policy.current_viewer(), rights=policy.Rights((narrow,)))
        with policy.acting_as(viewer):
            report = undo(changes.id)
        assert (report.reversed, report.blocked) == (0, number)
        assert {detail["reason"] for detail in report.details} == {"right"}
        for record in records:
            db.session.refresh(record)
            assert (record.name, record.pieces) == ("nachher", 2)

    def test_of_an_approval_makes_a_draft_again(self) -> None:
        record = make("Parcel")
        assert record.review_state == "draft"
        with change_set("form") as changes:
            changes.approve(definition(), record.id)
        assert record.review_state == "approved"
        assert changes.id
        undo(changes.id)
        assert db.session.get_one(Parcel, record.id, populate_existing=True).review_state == "draft"
