"""Tickets as people in a service desk know them: priority, deadlines, states, conversation."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from app.domains.tickets import steps
from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput
from tests.engine.test_erasure import erase, places_with
from tests.factories import make, user_id, viewer

CHINA = datetime.timezone(datetime.timedelta(hours=8))


def local(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(datetime.UTC)


class Watch:
    """The time that rules see, as a test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at("2026-03-03T09:00")
        monkeypatch.setattr(steps, "now", lambda: self.moment)

    def at(self, text: str) -> datetime.datetime:
        self.moment = local(text)
        return self.moment


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def definition() -> registry.EntityDefinition:
    return registry.current().entity("Ticket")


def ticket(**values: Any) -> Any:
    values.setdefault("impact", None)
    values.setdefault("urgency", None)
    return make("Ticket", **values)


def update(record: Any, door: str = "form", **values: Any) -> Any:
    with change_set(door) as changes:
        return changes.update(definition(), record.id, values)


def fresh(record: Any) -> Any:
    with change_set("form") as changes:
        return changes.load(definition(), record.id, "read")


# -- priority ------------------------------------------------------------------------------------


def test_impact_and_urgency_give_the_priority(as_admin: Any) -> None:
    record = ticket(impact="high", urgency="high")
    assert record.priority == "urgent"
    assert update(record, urgency="low").priority == "medium"


def test_who_knows_better_sets_the_priority_by_hand(as_admin: Any) -> None:
    record = ticket(impact="low", urgency="low")
    assert update(record, priority="urgent").priority == "urgent"
    assert update(record, description="更正").priority == "urgent"


def test_the_matrix_is_data(as_admin: Any) -> None:
    rule = registry.current().entity("PriorityRule")
    with change_set("form") as changes:
        model: Any = rule.model
        from sqlalchemy import select

        cell = changes.session.scalar(
            select(model).where(model.impact == "low", model.urgency == "low")
        )
        changes.update(rule, cell.id, {"priority": "high"})
    assert ticket(impact="low", urgency="low").priority == "high"


# -- deadlines -----------------------------------------------------------------------------------


def test_ten_minutes_to_answer_and_two_hours_to_solve_in_working_time(
    as_admin: Any, watch: Watch
) -> None:
    watch.at("2026-03-03T11:55")
    record = ticket()
    assert record.response_due_at == local("2026-03-03T13:05")
    assert record.solution_due_at == local("2026-03-03T14:55")
    assert (record.response_clock, record.solution_clock) == ("due", "due")


def test_what_is_complex_has_a_day_of_24_hours(as_admin: Any, watch: Watch) -> None:
    assert ticket(complex=True).solution_due_at == local("2026-03-05T18:00")


def test_a_customer_of_value_may_be_promised_more(as_admin: Any, watch: Watch) -> None:
    make("ServiceLevel", tier="high", priority=None, response_minutes=5, solution_minutes=30)
    high = make("Customer", value_tier="high")
    record = ticket(customer=high.id)
    assert record.solution_due_at == local("2026-03-03T09:30")
    assert ticket().solution_due_at == local("2026-03-03T11:00")


def test_a_higher_priority_moves_the_deadline_and_its_warning(as_admin: Any, watch: Watch) -> None:
    make("ServiceLevel", tier=None, priority="urgent", response_minutes=5, solution_minutes=30)
    record = ticket()
    watch.at("2026-03-03T09:10")
    record = update(record, priority="urgent")
    assert record.solution_due_at == local("2026-03-03T09:30")
    assert record.solution_alarm_at == local("2026-03-03T09:24")


def test_rules_that_change_later_leave_tickets_as_they_were_promised(
    as_admin: Any, watch: Watch
) -> None:
    record = ticket()
    make("ServiceLevel", tier=None, priority=None, kind="fault", solution_minutes=5)
    assert update(record, description="更正").solution_due_at == local("2026-03-03T11:00")


def test_waiting_for_the_customer_stops_the_clock(as_admin: Any, watch: Watch) -> None:
    record = update(ticket(), state="open")
    watch.at("2026-03-03T10:00")
    record = update(record, state="waiting")
    assert (record.solution_due_at, record.solution_clock) == (None, "due")
    watch.at("2026-03-04T10:00")
    record = update(record, state="open")
    assert record.solution_due_at == local("2026-03-04T11:00")
    watch.at("2026-03-04T11:00")
    record = update(record, state="solved")
    assert (record.solution_clock, record.solution_minutes) == ("met", 120)


def test_a_reopened_ticket_goes_on_where_it_stopped(as_admin: Any, watch: Watch) -> None:
    watch.at("2026-03-03T09:00")
    record = ticket()
    watch.at("2026-03-03T10:00")
    record = update(record, state="solved")
    assert (record.solution_clock, record.first_response_at) == ("met", watch.moment)
    watch.at("2026-03-05T10:00")
    record = update(record, state="open")
    assert (record.reopened, record.solved_at) == (1, None)
    assert record.solution_due_at == local("2026-03-05T11:00")
    watch.at("2026-03-05T11:01")
    assert update(record, state="solved").solution_clock == "breached"


def test_without_a_time_of_opening_nothing_is_known(as_admin: Any, watch: Watch) -> None:
    with change_set("import") as changes:
        values = {"subject": "旧工单", "priority": "high", "solved_at": watch.moment}
        record = changes.create(definition(), values)
    assert (record.state, record.opened_at) == (None, None)
    assert (record.response_clock, record.solution_clock) == ("unknown", "unknown")
    assert (record.response_due_at, record.solution_alarm_at) == (None, None)


def test_times_that_contradict_each_other_are_left_out(as_admin: Any, watch: Watch) -> None:
    with change_set("import") as changes:
        values = {
            "subject": "旧工单",
            "opened_at": local("2026-03-02T09:00"),
            "first_response_at": local("2026-03-02T12:00"),
            "solved_at": local("2026-03-02T10:00"),
        }
        record = changes.create(definition(), values)
    assert record.times_doubtful is True
    assert record.solution_clock == "unknown"
    with pytest.raises(InvalidInput):
        ticket(first_response_at=local("2026-03-02T09:00"), opened_at=local("2026-03-02T10:00"))


def test_old_tickets_that_come_in_warn_of_nothing_that_is_past(as_admin: Any, watch: Watch) -> None:
    with change_set("import") as changes:
        values = {"subject": "旧工单", "state": "open", "opened_at": local("2026-01-05T09:00")}
        record = changes.create(definition(), values)
    assert (record.solution_clock, record.solution_alarm_at) == ("breached", None)


def test_a_year_without_a_calendar_is_said_on_the_ticket(
    as_admin: Any, client: Any, watch: Watch
) -> None:
    watch.at("2031-03-03T09:00")
    record = ticket()
    assert "2031" in client.get(f"/ticket/{record.id}").get_data(as_text=True)
    assert record.solution_due_at == local("2031-03-03T11:00")
    make("CalendarDay", day=datetime.date(2031, 3, 3))
    page = client.get(f"/ticket/{record.id}").get_data(as_text=True)
    assert "No calendar is published" not in page


# -- states --------------------------------------------------------------------------------------


def test_a_complaint_is_closed_with_cause_responsibility_and_remedy(
    as_admin: Any, watch: Watch
) -> None:
    record = ticket(kind="complaint")
    for state in ("solved", "confirmed"):
        update(record, state=state)
    with pytest.raises(InvalidInput) as refused:
        update(record, state="closed")
    assert {p.field for p in refused.value.problems} == {"cause", "responsibility", "remedy"}
    done = update(record, state="closed", cause="漏发", responsibility="仓库", remedy="补发")
    assert done.closed_at == watch.moment


def test_the_page_of_a_complaint_asks_for_them(as_admin: Any, client: Any, watch: Watch) -> None:
    complaint, fault = ticket(kind="complaint"), ticket(kind="fault")
    for record in (complaint, fault):
        for state in ("solved", "confirmed"):
            update(record, state=state)
    assert f"/ticket/{fault.id}/do/close" in client.get(f"/ticket/{fault.id}").text
    address = f"/ticket/{complaint.id}/do/settle"
    assert address in client.get(f"/ticket/{complaint.id}").text
    assert 'name="remedy"' in client.get(address).text
    assert client.post(address, data={"cause": "漏发"}).status_code == 422
    said = {"cause": "漏发", "responsibility": "仓库", "remedy": "补发"}
    assert client.post(address, data=said).status_code == 303
    assert fresh(complaint).state == "closed"


def test_undoing_a_step_takes_its_times_back(as_admin: Any, watch: Watch) -> None:
    record = update(ticket(), state="open")
    due = record.solution_due_at
    with change_set("form") as changes:
        changes.update(definition(), record.id, {"state": "solved"})
    undo(changes.id or 0)
    record = fresh(record)
    assert (record.state, record.solved_at, record.solution_due_at) == ("open", None, due)


# -- conversation --------------------------------------------------------------------------------


def test_the_first_public_reply_is_the_first_response(as_admin: Any, watch: Watch) -> None:
    record = ticket()
    watch.at("2026-03-03T09:07")
    make("TicketMessage", ticket=record.id, kind="note", text="先查日志")
    assert fresh(record).first_response_at is None
    make("TicketMessage", ticket=record.id, kind="reply")
    record = fresh(record)
    assert (record.state, record.response_clock, record.response_minutes) == ("open", "met", 7)


def test_the_customers_word_ends_the_waiting(as_admin: Any, watch: Watch) -> None:
    record = update(update(ticket(), state="open"), state="waiting")
    make("TicketMessage", ticket=record.id, kind="customer", text="截图如下")
    assert fresh(record).state == "open"


def test_internal_notes_are_for_those_whose_roles_say_so(browser: Any, watch: Watch) -> None:
    with policy.acting_as(viewer("admin")):
        record = ticket()
        note = make("TicketMessage", ticket=record.id, kind="note", text="此客户很难缠")
        make("TicketMessage", ticket=record.id, kind="reply", text="我们正在处理")
    guest = browser("guest")
    page = guest.get(f"/ticket/{record.id}").get_data(as_text=True)
    assert "我们正在处理" in page
    assert "难缠" not in page
    assert guest.get(f"/ticket_message/{note.id}").status_code == 404
    assert guest.get(f"/api/v1/ticket_message/{note.id}").status_code == 404


def test_a_note_stays_a_note(as_admin: Any, watch: Watch) -> None:
    note = make("TicketMessage", kind="note")
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.update(registry.current().entity("TicketMessage"), note.id, {"kind": "reply"})


# -- what else it hangs on -----------------------------------------------------------------------


def test_a_ticket_whose_customer_is_deleted_stays_and_says_so(as_admin: Any, client: Any) -> None:
    record = ticket()
    customers = registry.current().entity("Customer")
    with change_set("form") as changes:
        changes.trash(customers, record.customer_id)
    page = client.get(f"/ticket/{record.id}")
    assert page.status_code == 200
    assert "customer of this ticket was deleted" in page.get_data(as_text=True)
    assert update(record, description="更正").description == "更正"
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.purge(customers, record.customer_id)


def test_a_merged_customers_tickets_go_to_the_one_that_stays(as_admin: Any) -> None:
    from app.engine.changes.merging import merge

    record, stays = ticket(), make("Customer")
    with change_set("form") as changes:
        merge(changes, registry.current().entity("Customer"), stays.id, [record.customer_id])
    assert fresh(record).customer_id == stays.id


def test_a_contact_brings_their_customer_and_must_be_theirs(as_admin: Any) -> None:
    contact = make("Contact", email="wang@example.org")
    record = ticket(customer=None, contact=contact.id, requester_email=None, requester_name=None)
    assert record.customer_id == contact.customer_id
    assert (record.requester_name, record.requester_email) == (contact.name, "wang@example.org")
    with pytest.raises(InvalidInput):
        ticket(customer=make("Customer").id, contact=contact.id)


def test_a_category_in_use_is_retired_and_not_removed(as_admin: Any) -> None:
    from sqlalchemy import select

    options = registry.current().entity("ChoiceOption")
    model: Any = options.model
    record = ticket(subject="Network problem")
    assert (record.category, record.subcategory) == ("technical", "network")
    with change_set("form") as changes:
        used = changes.session.scalar(
            select(model.id).where(
                model.list_name == "ticket_subcategory", model.value == "network"
            )
        )
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.trash(options, used)
    with change_set("form") as changes:
        changes.update(options, used, {"active": False})
    registry.refresh()
    assert fresh(record).subcategory == "network"
    assert ticket(subject="Network problem").subcategory is None


def test_the_lead_of_its_queue_leads_it_unless_somebody_else_is_named(as_admin: Any) -> None:
    make("QueueLead", queue="technical", lead=user_id("sales"))
    assert ticket(queue="technical").lead_id == user_id("sales")
    assert ticket(queue="technical", lead=user_id("admin")).lead_id == user_id("admin")


def test_a_sales_representative_sees_the_tickets_of_own_customers(browser: Any) -> None:
    with policy.acting_as(viewer("admin")):
        mine = make("Customer", account_manager=user_id("sales"), approved=True)
        own, other = ticket(customer=mine.id), ticket()
    person = browser("sales")
    assert person.get(f"/ticket/{own.id}").status_code == 200
    assert person.get(f"/ticket/{other.id}").status_code == 404


def test_pages_say_what_charts_leave_out(as_admin: Any, client: Any) -> None:
    with change_set("import") as changes:
        changes.create(definition(), {"subject": "旧工单"})
    page = client.get("/ticket/charts").get_data(as_text=True)
    assert "1 ticket is left out" in page


def test_erasing_a_person_leaves_none_of_their_words_in_their_tickets(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)
    contact = make("Contact", name="金丝雀娜", email="canary@example.org", phone="13987650123")
    record = ticket(
        customer=contact.customer_id, contact=contact.id, requester_name=None, requester_email=None
    )
    assert record.requester_name == "金丝雀娜"
    make("TicketMessage", ticket=record.id, kind="customer", text="我是金丝雀娜，电话13987650123")
    erase(contact)
    left = [places_with(word) for word in ("金丝雀娜", "canary@example.org", "13987650123")]
    assert left == [[], [], []]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"])
def test_a_moment_at_the_end_of_the_calendar_is_refused_beside_its_field(
    client: Any, moment: str
) -> None:
    answer = client.post("/api/v1/ticket/", json={"subject": "钟坏了", "opened_at": moment})
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.get_json()["problems"]] == ["opened_at"]


def test_a_ticket_from_elsewhere_dated_where_the_calendar_ends_has_no_deadline(
    as_admin: Any,
) -> None:
    far = datetime.datetime(9998, 12, 31, tzinfo=datetime.UTC)
    with change_set("import") as changes:
        record = changes.create(definition(), {"subject": "很远的将来", "opened_at": far})
        assert record.opened_at == far


def test_the_first_year_and_week_of_the_calendar_are_no_filters(client: Any) -> None:
    for condition in ("year:0001", "week:0001-W01", "year:9999"):
        assert client.get(f"/ticket/?f=opened_at:{condition}").status_code == 422


def test_the_clock_is_stopped_by_solving_and_not_by_typing_a_time(
    as_admin: Any, watch: Watch
) -> None:
    """Else an open ticket counts as solved in time and nobody is warned, or a solved one is overdue."""
    record = ticket()
    with pytest.raises(InvalidInput) as typed:
        update(record, solved_at=watch.moment)
    assert [problem.field for problem in typed.value.problems] == ["solved_at"]
    solved = watch.at("2026-03-03T10:00")
    assert update(record, state="solved").solved_at == solved
    with pytest.raises(InvalidInput):
        update(record, solved_at=None)
    earlier = watch.moment - datetime.timedelta(minutes=5)
    typed_over = update(record, first_response_at=earlier, solved_at=earlier)
    assert typed_over.solution_clock == "met"
    assert update(record, state="open").solved_at is None
