"""Orders, interactions and to-dos: what is refused, and what follows from what."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.domains.customers.order import CHINA
from app.engine import policy, registry
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput
from tests.factories import make, user_id

pytestmark = pytest.mark.usefixtures("as_admin")


def today() -> datetime.date:
    return datetime.datetime.now(CHINA).date()


def tasks() -> list[Any]:
    model: Any = registry.current().entity("Task").model
    with policy.unrestricted("the test looks at all of them") as session:
        return list(session.scalars(select(model).where(model.deleted_at.is_(None))))


def refused(entity: str, **values: Any) -> set[str | None]:
    with pytest.raises(InvalidInput) as wrong:
        make(entity, **values)
    return {problem.field for problem in wrong.value.problems}


def test_an_order_without_a_number_is_given_one() -> None:
    order = make("Order", number=None)
    assert order.number.startswith("D20")


def test_a_number_that_is_emptied_stays_what_it_was() -> None:
    order = make("Order", number="A-1")
    with change_set("form") as changes:
        definition = registry.current().entity("Order")
        changes.update(definition, order.id, {"number": None, "product": "滤芯"})
    assert order.number == "A-1"


def test_two_orders_of_one_number_are_refused() -> None:
    make("Order", number="A-1")
    assert refused("Order", number="A-1") == {"number"}


def test_a_refund_is_a_negative_amount() -> None:
    back = make("Order", amount=decimal.Decimal("-99.90"), quantity=decimal.Decimal(-1))
    assert (back.amount, back.amount_currency) == (decimal.Decimal("-99.90"), "CNY")


def test_what_lies_in_the_future_has_not_happened() -> None:
    tomorrow = today() + datetime.timedelta(days=1)
    assert refused("Order", ordered_on=tomorrow) == {"ordered_on"}
    at = datetime.datetime.combine(tomorrow, datetime.time(), CHINA)
    assert refused("Interaction", at=at) == {"at"}
    make("Order", ordered_on=today())
    make("Interaction", at=at - datetime.timedelta(seconds=1))


def test_a_customer_with_orders_is_not_purged() -> None:
    order = make("Order")
    customer = registry.current().entity("Customer")
    with change_set("form") as changes:
        changes.trash(customer, order.customer_id)
    with pytest.raises(InvalidInput), change_set("form") as changes:
        changes.purge(customer, order.customer_id)


def test_whom_we_met_is_a_contact_of_that_customer() -> None:
    contact, other = make("Contact"), make("Customer")
    make("Interaction", customer=contact.customer_id, contact=contact.id)
    assert refused("Interaction", customer=other.id, contact=contact.id) == {"contact"}


def test_a_next_step_becomes_a_to_do_once() -> None:
    soon = today() + datetime.timedelta(days=3)
    steps = {"next_step": "寄合同", "next_step_on": soon, "next_step_owner": user_id("sales")}
    interaction = make("Interaction", **steps)
    with change_set("form") as changes:
        definition = registry.current().entity("Interaction")
        changes.update(definition, interaction.id, {"content": "补记"})
    (task,) = tasks()
    assert (task.subject, task.due_on, task.owner_id) == ("寄合同", soon, user_id("sales"))
    assert (task.customer_id, task.origin) == (interaction.customer_id, "next_step")


def test_a_next_step_without_an_owner_is_for_who_handled_it() -> None:
    make("Interaction", next_step="回电", person=user_id("sales2"))
    make("Interaction", next_step="回电")
    assert {task.owner_id for task in tasks()} == {user_id("sales2"), user_id("admin")}


def test_a_day_without_a_next_step_is_refused() -> None:
    assert refused("Interaction", next_step_on=today()) == {"next_step"}


def test_undoing_an_interaction_takes_its_to_do_along() -> None:
    with change_set("form") as changes:
        make("Interaction", next_step="回电")
    undo(changes.id or 0)
    assert tasks() == []


def test_a_to_do_says_when_it_was_done() -> None:
    task = make("Task")
    assert task.done_at is None
    done, _drop, again = registry.current().entity("Task").model.actions
    with change_set("action") as changes:
        done.run(changes, task, {})
    assert task.done_at is not None
    assert (done.offered(task), again.offered(task)) == (False, True)
    with change_set("action") as changes:
        again.run(changes, task, {})
    assert (task.state, task.done_at) == ("open", None)
