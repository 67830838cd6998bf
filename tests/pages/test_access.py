"""Why may this person see this record, why not: the page answers with the rules themselves."""

from __future__ import annotations

from typing import Any

import pytest

from app.engine import policy, registry
from tests.factories import make, user_id, viewer
from tests.pages.support import given


@pytest.fixture
def customer(app: Any) -> Any:
    return given("Customer", name="解释有限公司", account_manager=user_id("sales"))


def page(browser: Any, record: Any, person: str, reader: str = "admin") -> Any:
    return browser(reader).get(f"/customer/{record.id}/access?person={user_id(person)}")


def test_one_sees_ones_own_by_the_rule_that_says_so(browser: Any, customer: Any) -> None:
    text = page(browser, customer, "sales").text
    assert "Sales representative: own records" in text
    assert "does not reach this record" not in text


def test_another_does_not_and_the_rule_that_stops_short_is_named(
    browser: Any, customer: Any
) -> None:
    text = page(browser, customer, "sales2").text
    assert "Sales representative: own records" in text
    assert "does not reach this record" in text


def test_a_share_is_a_reason(browser: Any, customer: Any) -> None:
    with policy.acting_as(viewer("admin")):
        make("RecordShare", entity="Customer", record=customer.id, person=user_id("sales2"))
    assert "The record was shared with them." in page(browser, customer, "sales2").text
    assert browser("sales2").get(f"/customer/{customer.id}").status_code == 200
    assert browser("sales2").get(f"/customer/{customer.id}/edit").status_code == 403


def test_fields_that_are_kept_back_are_named_with_their_rule(browser: Any, customer: Any) -> None:
    text = page(browser, customer, "guest").text
    assert "Read-only guest: Personal data – masked" in text
    assert "Read-only guest: Notes – hidden" in text


def test_only_who_manages_users_may_ask(browser: Any, customer: Any) -> None:
    assert page(browser, customer, "guest", reader="sales").status_code == 403
    assert browser("sales").get(f"/customer/{customer.id}").text.count("/access") == 0
    assert browser("admin").get(f"/customer/{customer.id}").text.count("/access") == 1


def test_the_answer_is_what_happens(browser: Any, customer: Any, app: Any) -> None:
    """For every person and action, the explanation says what the policy then does."""
    definition = registry.current().entity("Customer")
    for name in ("admin", "sales", "sales2", "guest"):
        person = viewer(name)
        answers = policy.why_record(definition, customer.id, person, ("read", "update", "delete"))
        found = {answer.action: answer.allowed for answer in answers}
        assert found["read"] == (browser(name).get(f"/customer/{customer.id}").status_code == 200)
        edit = browser(name).get(f"/customer/{customer.id}/edit").status_code
        assert found["update"] == (edit == 200), name


def test_what_is_shared_for_reading_brings_its_contacts_to_be_read_only(
    browser: Any, customer: Any
) -> None:
    contact = given("Contact", customer=customer.id)
    with policy.acting_as(viewer("admin")):
        make("RecordShare", entity="Customer", record=customer.id, person=user_id("sales2"))
    colleague = browser("sales2")
    assert colleague.get(f"/contact/{contact.id}").status_code == 200
    assert colleague.get(f"/contact/{contact.id}/edit").status_code == 403
    assert colleague.post(f"/contact/{contact.id}/delete").status_code == 403


def test_a_team_in_the_trash_opens_nothing(browser: Any, customer: Any) -> None:
    with policy.acting_as(viewer("admin")):
        team = make("Team")
        make("TeamMember", team=team.id, person=user_id("sales2"))
        share = {"entity": "Customer", "record": customer.id, "person": None, "team": team.id}
        make("RecordShare", **share)
    assert browser("sales2").get(f"/customer/{customer.id}").status_code == 200
    assert browser("admin").post(f"/team/{team.id}/delete").status_code in (302, 303)
    assert browser("sales2").get(f"/customer/{customer.id}").status_code == 404


def test_a_persons_page_says_all_that_they_may_and_by_which_role(browser: Any, app: Any) -> None:
    client = browser("admin")
    page = client.get(f"/users/{user_id('guest')}/access?on=Contact").text
    assert "Read-only guest: all records" in page
    assert "Read-only guest: Personal data – masked" in page
    assert f'action="/view-as/{user_id("guest")}"' in page
    assert client.get(f"/users/edit/{user_id('guest')}").text.count("/access") == 1
    assert client.get("/users/999999/access").status_code == 404
    assert browser("sales").get(f"/users/{user_id('guest')}/access").status_code == 403


def test_from_a_person_to_one_record(browser: Any, customer: Any) -> None:
    person = user_id("sales2")
    answer = browser("admin").get(f"/users/{person}/access?on=Customer&record={customer.id}")
    assert answer.status_code == 302
    assert answer.location == f"/customer/{customer.id}/access?person={person}"
