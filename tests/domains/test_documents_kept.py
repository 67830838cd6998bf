"""What keeps documents: the period that runs and legal holds, at every door, with why and until when."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from flask_babel import force_locale

from app.domains.documents import holding
from app.engine import policy
from app.engine.changes import change_set, undo
from app.engine.changes.many import load_many, trash_many
from app.engine.changes.merging import merge
from app.engine.errors import InvalidInput
from app.engine.fields.periods import OFFSET
from app.engine.query import Condition, Records
from tests.domains.documents import (
    act,
    archived,
    definition,
    fresh,
    hold,
    in_force,
    release,
    trash,
    update,
)
from tests.factories import make, user_id, viewer

TODAY = datetime.datetime.now(OFFSET).date()
TEN_YEARS = TODAY.replace(year=TODAY.year + 10) - datetime.timedelta(days=1)

pytestmark = pytest.mark.usefixtures("as_admin")


@pytest.fixture(autouse=True)
def english(app: Any) -> Any:
    with force_locale("en"):
        yield


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`later(11)`: it is so many years later."""

    def go(years: int) -> None:
        day = TODAY + datetime.timedelta(days=366 * years)
        for place in ("choices", "retention", "holding", "keeping", "filing"):
            monkeypatch.setattr(f"app.domains.documents.{place}.today", lambda: day)

    return go


def held_ids() -> set[int]:
    return set(Records(definition()).where(Condition("held", "eq", "1")).ids())


# -- the period --------------------------------------------------------------------------------------


def test_a_draft_goes_as_it_came() -> None:
    record = make("Document")
    trash(record)
    assert fresh(record).deleted_at is not None


def test_what_is_filed_is_not_deleted_before_its_period_is_over(later: Any) -> None:
    record = in_force()
    with pytest.raises(InvalidInput, match=f"must be kept until {TEN_YEARS}: It is kept for 10"):
        trash(record)
    update(record, title="在用时可以改题名")
    update(record, state="superseded")
    later(11)
    trash(record)
    assert fresh(record).deleted_at is not None


def test_what_is_archived_is_not_changed_either(client: Any) -> None:
    record = archived()
    with pytest.raises(InvalidInput, match="must be kept until"):
        update(record, title="改题名")
    update(record, place="5 号柜")
    answer = client.put(f"/api/v1/document/{record.id}", json={"title": "改题名"})
    assert answer.status_code == 422
    assert str(TEN_YEARS) in answer.get_data(as_text=True)
    assert client.delete(f"/api/v1/document/{record.id}").status_code == 422
    assert client.post(f"/document/{record.id}/delete").status_code in (303, 422)
    assert fresh(record).deleted_at is None
    with pytest.raises(InvalidInput, match="closed"):
        make("DocumentVersion", document=record.id)


def test_in_force_it_is_kept_though_its_period_is_over(later: Any) -> None:
    record = in_force()
    later(11)
    with pytest.raises(InvalidInput, match="in force"):
        trash(record)


def test_permanent_has_no_end_and_an_unknown_event_neither(later: Any) -> None:
    permanent = archived(retention="permanent")
    unknown = archived(counted_from="event")
    later(300)
    with pytest.raises(InvalidInput, match="It must be kept: It is kept permanently"):
        trash(permanent)
    with pytest.raises(InvalidInput, match="not known yet"):
        trash(unknown)


def test_an_event_of_what_is_archived_is_noted_once() -> None:
    record = archived(counted_from="event")
    record = update(record, event_on=TODAY)
    assert record.retain_until == TEN_YEARS
    with pytest.raises(InvalidInput, match="not shorter"):
        update(record, event_on=TODAY - datetime.timedelta(days=3650))


def test_a_period_that_is_over_makes_it_due_and_then_it_may_go(later: Any) -> None:
    record = archived()
    with pytest.raises(InvalidInput, match="not over"):
        update(record, state="due")
    later(11)
    update(record, state="due")
    trash(record)
    with change_set("form") as changes:
        changes.purge(definition(), record.id)


def test_undoing_takes_nothing_out_of_the_archive() -> None:
    record = in_force()
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"state": "archived"})
    assert undo(changes.id).blocked == 1
    assert fresh(record).state == "archived"


def test_undoing_ends_no_period() -> None:
    record = make("Document")
    make("DocumentVersion", document=record.id)
    update(record, state="in_review")
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"state": "in_force"})
    assert undo(changes.id).blocked >= 1
    assert fresh(record).state == "in_force"


def test_a_draft_is_purged_with_its_versions_and_their_files() -> None:
    record = make("Document")
    version = make("DocumentVersion", document=record.id)
    make("DocumentFile", document_version=version.id)
    trash(record)
    with change_set("form") as changes:
        changes.purge(definition(), record.id)
    for entity in ("Document", "DocumentVersion", "DocumentFile"):
        assert Records(definition(entity)).exact_count() == 0
        assert Records(definition(entity)).in_trash().exact_count() == 0


# -- legal holds -------------------------------------------------------------------------------------


def test_a_hold_keeps_even_a_draft_as_it_is() -> None:
    record = make("Document")
    hold(record, reason="合同纠纷", case="（2026）沪 01 民初 1 号")
    with pytest.raises(InvalidInput, match="民初 1 号: 合同纠纷"):
        update(record, title="改题名")
    with pytest.raises(InvalidInput, match="合同纠纷"):
        trash(record)
    with pytest.raises(InvalidInput, match="合同纠纷"):
        make("DocumentVersion", document=record.id)


def test_a_hold_outlives_the_period(later: Any) -> None:
    record = archived()
    hold(record, reason="合同纠纷")
    later(11)
    with pytest.raises(InvalidInput, match="合同纠纷"):
        trash(record)


def test_each_of_several_holds_has_to_be_released() -> None:
    record = make("Document")
    one, other = hold(record, reason="甲案"), hold(record, reason="乙案")
    release(one)
    assert held_ids() == {record.id}
    with pytest.raises(InvalidInput, match="乙案"):
        trash(record)
    release(other)
    assert held_ids() == set()
    trash(record)


def test_a_hold_on_a_class_keeps_what_lies_below() -> None:
    top = make("DocumentClass")
    below = make("DocumentClass", parent=top.id)
    record = make("Document", document_class=below.id)
    other = make("Document")
    one = hold(top, "DocumentClass", reason="税务检查")
    assert held_ids() == {record.id}
    late = make("Document", document_class=below.id)
    assert held_ids() == {record.id, late.id}
    for act_on in (
        lambda: update(record, title="改"),
        lambda: update(below, "DocumentClass", parent=None),
    ):
        with pytest.raises(InvalidInput, match="税务检查"):
            act_on()
    update(other, title="可以改")
    release(one)
    assert held_ids() == set()
    update(record, title="可以改")


def test_a_hold_on_a_customer_keeps_their_documents_and_themselves() -> None:
    customer = make("Customer")
    record = make("Document", customer=customer.id)
    hold(customer, "Customer", reason="诉讼")
    assert held_ids() == {record.id}
    with pytest.raises(InvalidInput, match="诉讼"):
        update(record, customer=make("Customer").id)
    with pytest.raises(InvalidInput, match="诉讼"), change_set("form") as changes:
        changes.trash(definition("Customer"), customer.id)
    other = make("Customer")
    with pytest.raises(InvalidInput, match="诉讼"), change_set("merge") as changes:
        merge(changes, definition("Customer"), other.id, [customer.id])
    with change_set("bulk") as changes:
        records = load_many(changes, definition("Customer"), [other.id, customer.id])
        with pytest.raises(InvalidInput, match="诉讼"):
            trash_many(changes, definition("Customer"), records)
    update(customer, "Customer", notes="可以继续维护")


def test_a_document_that_is_moved_into_a_held_class_is_held() -> None:
    one = make("DocumentClass")
    hold(one, "DocumentClass")
    record = make("Document")
    update(record, document_class=one.id)
    assert held_ids() == {record.id}


def test_a_hold_is_released_with_a_reason_by_somebody_and_not_deleted() -> None:
    record = make("Document")
    one = hold(record)
    with pytest.raises(InvalidInput, match="saying why"):
        trash(one, "LegalHold")
    with pytest.raises(InvalidInput, match="saying why"):
        update(one, "LegalHold", until=TODAY - datetime.timedelta(days=1))
    with pytest.raises(InvalidInput, match="saying why"):
        update(one, "LegalHold", entity="Customer")
    done = act(one, "release", "LegalHold", release_reason="案件已结")
    one = fresh(one, "LegalHold")
    assert (one.release_reason, one.released_by_id) == ("案件已结", user_id("admin"))
    assert one.released_at is not None
    assert undo(done).blocked == 1
    with pytest.raises(InvalidInput, match="a record of its own"):
        update(one, "LegalHold", release_reason="别的原因")
    trash(one, "LegalHold")


def test_making_a_hold_is_not_undone_but_released() -> None:
    record = make("Document")
    with change_set("form") as changes:
        values = {"reason": "诉讼", "entity": "Document", "record": record.id}
        changes.create(definition("LegalHold"), values)
    assert undo(changes.id).blocked == 1
    assert held_ids() == {record.id}


def test_a_hold_that_ends_by_itself_is_no_longer_noted(later: Any) -> None:
    record = make("Document")
    hold(record, until=TODAY + datetime.timedelta(days=30))
    assert held_ids() == {record.id}
    later(1)
    update(record, title="可以改")
    with change_set("job") as changes:
        assert holding.note(changes) == 1
    assert held_ids() == set()


# -- in bulk, and whoever may see the hold -----------------------------------------------------------


def test_in_bulk_one_that_is_held_stays() -> None:
    free, kept = make("Document"), make("Document")
    hold(kept)
    with change_set("bulk") as changes:
        records = load_many(changes, definition(), [free.id, kept.id])
        with pytest.raises(InvalidInput, match="Legal hold"):
            trash_many(changes, definition(), records)


def test_a_hold_counts_for_those_who_do_not_see_it(acting: Any) -> None:
    record = make("Document", customer=make("Customer", account_manager=user_id("sales")).id)
    hold(record, reason="保密的案件")
    acting("sales")
    with pytest.raises(InvalidInput, match="保密的案件"):
        update(record, title="改")
    with policy.acting_as(viewer("sales")):
        assert Records(definition()).ids() == [record.id]


def test_versions_and_files_of_what_is_held_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make("DocumentVersion")
    file = make("DocumentFile", document_version=version.id)
    make("LegalHold", entity="Document", record=version.document_id, reason="诉讼")
    for entity, record in (("DocumentVersion", version), ("DocumentFile", file)):
        with pytest.raises(InvalidInput, match="诉讼"):
            trash(record, entity)
    with pytest.raises(InvalidInput, match="诉讼"):
        update(file, "DocumentFile", name="改.pdf")


def test_who_is_at_work_on_what_is_held_may_still_check_it_in() -> None:
    record = make("Document")
    act(record, "check_out")
    hold(record)
    act(record, "check_in")
    assert fresh(record).checked_out_by_id is None
