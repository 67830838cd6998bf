"""Documents as a controller knows them: class and period, versions, check-out, review, papers."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from flask_babel import force_locale

from app.domains.documents import choices, papers, retention
from app.engine import policy, reminding
from app.engine.adapters.database import db
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.fields.periods import OFFSET
from app.engine.notices import Notification
from app.engine.query import Condition, Records
from app.engine.surfaces import imports
from tests.domains.documents import (
    act,
    archived,
    definition,
    fresh,
    in_force,
    trash,
    update,
)
from tests.factories import make, user_id, viewer

TODAY = datetime.datetime.now(OFFSET).date()


@pytest.fixture(autouse=True)
def english(app: Any) -> Any:
    with force_locale("en"):
        yield


def document(**values: Any) -> Any:
    return make("Document", **values)


# -- what a class gives ------------------------------------------------------------------------------


def test_numbers_count_by_class_and_year(as_admin: Any) -> None:
    contracts = make("DocumentClass", code="T1").id
    minutes = make("DocumentClass", code="T2").id
    numbers = [document(document_class=one).number for one in (contracts, contracts, minutes)]
    year = TODAY.year
    assert numbers == [f"T1-{year}-00001", f"T1-{year}-00002", f"T2-{year}-00001"]


def test_what_a_document_does_not_say_comes_from_its_class(as_admin: Any) -> None:
    one = make("DocumentClass", retention="custom", retention_years=5, confidentiality="secret")
    record = document(document_class=one.id)
    assert (record.retention, record.retention_years) == ("custom", 5)
    assert (record.confidentiality, record.counted_from) == ("secret", "filing")
    assert document(document_class=one.id, confidentiality="public").confidentiality == "public"


def test_a_draft_that_is_moved_goes_by_its_new_class(as_admin: Any) -> None:
    record = document(document_class=make("DocumentClass", retention="years_10").id)
    record = update(record, document_class=make("DocumentClass", retention="permanent").id)
    assert record.retention == "permanent"


def test_a_class_does_not_lie_below_itself(as_admin: Any) -> None:
    top = make("DocumentClass")
    below = make("DocumentClass", parent=top.id)
    with pytest.raises(InvalidInput, match="below itself"):
        update(top, "DocumentClass", parent=below.id)


def test_other_years_say_how_many(as_admin: Any) -> None:
    with pytest.raises(InvalidInput, match="how many years"):
        make("DocumentClass", retention="custom")


def test_what_is_filed_under_a_ticket_is_filed_under_its_customer(as_admin: Any) -> None:
    ticket = make("Ticket")
    assert document(ticket=ticket.id).customer_id == ticket.customer_id


@pytest.mark.parametrize(("language", "name"), [("en", "Agreements"), ("zh", "协议书")])
def test_a_class_is_called_so_in_the_readers_language(
    as_admin: Any, client: Any, language: str, name: str
) -> None:
    one = make("DocumentClass", name_zh="协议书", name_en="Agreements")
    record = document(document_class=one.id)
    for address in ("/document/", f"/document/{record.id}"):
        page = client.get(address, headers={"Accept-Language": language}).get_data(as_text=True)
        assert f">{name}</a>" in page, address


@pytest.mark.parametrize("name", ["协议书", "Agreements"])
def test_a_file_names_a_class_in_either_language(as_admin: Any, tmp_path: Any, name: str) -> None:
    one = make("DocumentClass", name_zh="协议书", name_en="Agreements")
    (tmp_path / "in.csv").write_text(f"题名,类目\n供货协议,{name}\n", "utf-8")
    report = imports.command("Document", tmp_path / "in.csv", dry_run=False)
    assert report.refusals == []
    (row,) = Records(definition()).where(Condition("title", "eq", "供货协议")).page(2).rows
    assert row["document_class"] == one.id


def test_a_number_that_only_rules_know_names_nothing(as_admin: Any, tmp_path: Any) -> None:
    """A version says which document it is in force of; no row of a file finds it by that."""
    record = in_force()
    path = tmp_path / "files.csv"
    path.write_text(f"Document version,File name\n{record.id},a.txt\n", encoding="utf-8")
    report = imports.command("DocumentFile", path, dry_run=True)
    assert "was not found" in str(report.refusals)


# -- how long it is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "until"),
    [
        ({"retention": "years_10", "filed_on": "2026-03-05"}, "2036-03-04"),
        ({"retention": "years_30", "filed_on": "2024-02-29"}, "2054-02-28"),
        ({"retention": "custom", "retention_years": 2, "filed_on": "2024-02-29"}, "2026-02-28"),
        ({"retention": "custom", "retention_years": 4, "filed_on": "2024-02-29"}, "2028-02-28"),
        ({"retention": "permanent", "filed_on": "2026-03-05"}, None),
        ({"retention": "years_10", "counted_from": "contract_end", "filed_on": "2026-03-05"}, None),
        (
            {"retention": "years_10", "counted_from": "contract_end",
             "contract_ends_on": "2030-12-31"},
            "2040-12-30",
        ),
        ({"retention": "years_10", "counted_from": "event", "event_on": "2027-01-01"},
         "2036-12-31"),
        ({"retention": "years_10", "filed_on": "9995-01-01"}, "9999-12-30"),
    ],
)  # fmt: skip
@pytest.mark.once
def test_periods_by_hand(values: dict[str, Any], until: str | None) -> None:
    days = {
        name: datetime.date.fromisoformat(value) if name.endswith("_on") else value
        for name, value in values.items()
    }
    found = retention.until({"counted_from": "filing", **days})
    assert (found.isoformat() if found else None) == until


def test_a_period_begins_with_coming_in_force(as_admin: Any) -> None:
    assert document().retain_until is None
    record = in_force()
    assert record.filed_on == TODAY
    assert record.retain_until == retention.years_after(TODAY, 10) - datetime.timedelta(days=1)


def test_a_period_that_runs_can_be_made_longer_and_not_shorter(as_admin: Any) -> None:
    record = in_force()
    assert update(record, retention="years_30").retention == "years_30"
    with pytest.raises(InvalidInput, match="not shorter"):
        update(record, retention="years_10")
    update(record, retention="permanent")
    with pytest.raises(InvalidInput, match="not shorter"):
        update(record, retention="years_30")


def test_the_page_says_what_keeps_it_why_and_until_when(as_admin: Any, client: Any) -> None:
    record = archived()
    make("LegalHold", entity="Document", record=record.id, reason="合同纠纷")
    page = client.get(f"/document/{record.id}").get_data(as_text=True)
    assert "It is kept for 10 years (From filing" in page
    assert f"until {record.retain_until}" in page
    assert "合同纠纷" in page
    address = f"/legal_hold/add?entity=Document&record={record.id}"
    assert address in page.replace("&amp;", "&")
    form = client.get(address).get_data(as_text=True)
    assert f'value="{record.id}"' in form


# -- its life ----------------------------------------------------------------------------------------


def test_each_step_needs_its_right(as_admin: Any, acting: Any) -> None:
    record = document(customer=make("Customer", account_manager=user_id("sales")).id)
    make("DocumentVersion", document=record.id)
    acting("sales")
    update(record, state="in_review")
    with pytest.raises(InvalidInput, match="do not allow"):
        update(record, state="in_force")
    acting("admin")
    assert update(record, state="in_force").state == "in_force"
    with pytest.raises(InvalidInput, match="can't go"):
        update(record, state="draft")


def test_nothing_comes_in_force_without_a_version(as_admin: Any) -> None:
    record = update(document(), state="in_review")
    with pytest.raises(InvalidInput, match="no version yet"):
        update(record, state="in_force")


def test_exactly_one_version_is_in_force(as_admin: Any) -> None:
    record = in_force()
    second = make("DocumentVersion", document=record.id, comment="改版")
    assert second.number == 2
    act(second, "in_force", "DocumentVersion")
    rows = Records(definition("DocumentVersion")).where(Condition("document", "eq", record.id))
    found = {row["number"]: row["in_force"] for row in rows.page(10).rows}
    assert found == {1: False, 2: True}


def test_which_version_is_in_force_is_not_undone_but_replaced(as_admin: Any) -> None:
    record = in_force()
    second = make("DocumentVersion", document=record.id)
    done = act(second, "in_force", "DocumentVersion")
    assert undo(done).blocked == 2
    assert fresh(second, "DocumentVersion").in_force


def test_what_has_been_in_force_stays_as_it_was(as_admin: Any) -> None:
    record = document()
    first = make("DocumentVersion", document=record.id)
    file = make("DocumentFile", document_version=first.id)
    update(file, "DocumentFile", name="合同（改）.pdf")
    update(record, state="in_review")
    update(record, state="in_force")
    with pytest.raises(InvalidInput, match="has been in force"):
        update(first, "DocumentVersion", comment="悄悄改")
    with pytest.raises(InvalidInput, match="has been in force"):
        update(file, "DocumentFile", name="另一个.pdf")
    with pytest.raises(InvalidInput, match="has been in force"):
        trash(file, "DocumentFile")
    with pytest.raises(InvalidInput, match="new version instead"):
        make("DocumentFile", document_version=first.id)


def test_a_file_belongs_to_the_document_of_its_version(as_admin: Any) -> None:
    version = make("DocumentVersion")
    assert make("DocumentFile", document_version=version.id).document_id == version.document_id


# -- at work on it -----------------------------------------------------------------------------------


def test_what_is_checked_out_only_that_person_changes(as_admin: Any, acting: Any) -> None:
    record = document(customer=make("Customer", account_manager=user_id("sales")).id)
    acting("sales")
    act(record, "check_out")
    record = fresh(record)
    assert (record.checked_out_by_id, bool(record.checked_out_at)) == (user_id("sales"), True)
    update(record, title="新题名")
    acting("admin")
    with pytest.raises(InvalidInput, match="Somebody else has checked it out"):
        update(record, title="抢改")
    with pytest.raises(InvalidInput, match="Somebody else has checked it out"):
        make("DocumentVersion", document=record.id)
    with pytest.raises(InvalidInput, match="Somebody else has checked it out"):
        act(record, "check_in")
    acting("sales")
    act(record, "check_in")
    acting("admin")
    assert update(record, title="再改").title == "再改"


def test_an_administrator_breaks_a_lock(as_admin: Any, acting: Any) -> None:
    record = document(customer=make("Customer", account_manager=user_id("sales")).id)
    acting("sales")
    act(record, "check_out")
    with pytest.raises(NotAllowed):
        act(record, "break_lock")
    acting("admin")
    act(record, "break_lock")
    assert fresh(record).checked_out_by_id is None


# -- review ------------------------------------------------------------------------------------------


def test_the_owner_is_reminded_of_a_review_before_and_on_its_day(as_admin: Any) -> None:
    record = document(review_on=TODAY + datetime.timedelta(days=10), owner=user_id("sales"))
    assert record.review_clock == "running"
    reminding.remind()
    late = document(review_on=TODAY - datetime.timedelta(days=1), owner=user_id("sales"))
    reminding.remind()
    reminding.remind()
    assert fresh(late).review_clock == "overdue"
    told = db.session.query(Notification).filter_by(user_id=user_id("sales")).count()
    assert told == 2
    assert update(late, review_on=TODAY + datetime.timedelta(days=400)).review_clock == "running"


# -- required papers ---------------------------------------------------------------------------------


def test_missing_papers_are_counted_in_the_folder(as_admin: Any) -> None:
    contracts, papers_class = make("DocumentClass").id, make("DocumentClass").id
    below = make("DocumentClass", parent=papers_class).id
    make("RequiredPaper", document_class=contracts, paper_class=papers_class)
    order = make("Order")
    contract = in_force(document_class=contracts, order=order.id)
    assert (contract.papers, contract.missing_papers) == ("missing", 1)
    draft = document(document_class=below, order=order.id)
    make("DocumentVersion", document=draft.id)
    assert fresh(contract).missing_papers == 1  # a draft is no paper yet
    update(draft, state="in_review")
    update(draft, state="in_force")
    assert (fresh(contract).papers, fresh(contract).missing_papers) == ("complete", 0)
    with change_set("form") as changes:
        assert papers.missing_in(changes, ("order", order.id)) == []


def test_what_is_required_now_is_missing_of_what_there_was(as_admin: Any) -> None:
    contracts, other = make("DocumentClass").id, make("DocumentClass").id
    record = document(document_class=contracts)
    assert record.papers is None
    paper = make("RequiredPaper", document_class=contracts, paper_class=other)
    assert fresh(record).missing_papers == 1
    with change_set("form") as changes:
        assert [one.paper_class for one in papers.missing_for(changes, record)] == [other]
    trash(paper, "RequiredPaper")
    assert fresh(record).papers is None


# -- who sees it -------------------------------------------------------------------------------------


def test_levels_of_confidentiality_are_for_those_whose_roles_say_so(as_admin: Any) -> None:
    made = {
        level.value: document(confidentiality=level.value).id for level in choices.Confidentiality
    }

    def seen(name: str) -> set[str]:
        with policy.acting_as(viewer(name)):
            ids = set(Records(definition()).ids())
        return {level for level, record_id in made.items() if record_id in ids}

    assert seen("guest") == {"public"}
    assert seen("admin") == set(made)
