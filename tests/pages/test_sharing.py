"""Sharing a record of one's own for a while, and naming a substitute for one's holiday."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.entity import DECLARED
from app.engine.errors import InvalidInput, NotAllowed, StewardError
from tests.factories import make, user_id, viewer
from tests.pages.support import given

TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
SOON = (TODAY + datetime.timedelta(days=20)).isoformat()
LATE = (TODAY + datetime.timedelta(days=500)).isoformat()


@pytest.fixture
def customer(app: Any) -> Any:
    return given("Customer", name="共享有限公司", account_manager=user_id("sales"))


def share(client: Any, record: Any, name: str = "sales2", **values: Any) -> Any:
    data = {"person": user_id(name), "until": SOON, **values}
    return client.post(f"/customer/{record.id}/share", data=data)


def shares() -> list[Any]:
    model: Any = DECLARED["RecordShare"]
    with policy.unrestricted("a test looks at all of them") as session:
        return list(session.scalars(select(model).where(model.deleted_at.is_(None))))


def test_ones_own_record_is_shared_to_be_read_until_a_day(browser: Any, customer: Any) -> None:
    owner, other = browser("sales"), browser("sales2")
    assert other.get(f"/customer/{customer.id}").status_code == 404
    assert f"/customer/{customer.id}/share" in owner.get(f"/customer/{customer.id}").text
    assert share(owner, customer).status_code == 303
    assert other.get(f"/customer/{customer.id}").status_code == 200
    assert other.get(f"/customer/{customer.id}/edit").status_code == 403
    assert other.get(f"/customer/{customer.id}/share").status_code == 403
    page = owner.get(f"/customer/{customer.id}/share").text
    assert "Grace Hopper" in page


def test_one_shared_to_be_edited_is_edited_but_not_shared_on(browser: Any, customer: Any) -> None:
    share(browser("sales"), customer, may_edit="1")
    other = browser("sales2")
    assert other.get(f"/customer/{customer.id}/edit").status_code == 200
    answer = share(other, customer, "guest")
    assert answer.status_code == 422
    assert "Only who may change a record may share it." in answer.text
    assert len(shares()) == 1


def test_a_share_is_ended_and_taken_back(browser: Any, customer: Any) -> None:
    owner = browser("sales")
    share(owner, customer)
    (found,) = shares()
    assert (
        browser("sales2").post(f"/customer/{customer.id}/share/{found.id}/end").status_code == 404
    )
    assert owner.post(f"/customer/{customer.id}/share/{found.id}/end").status_code == 303
    assert browser("sales2").get(f"/customer/{customer.id}").status_code == 404


@pytest.mark.parametrize(
    "values",
    [{"until": ""}, {"until": LATE}, {"person": ""}, {"until": "soon"}, {"team": "999999"}],
)
def test_what_is_no_share_is_refused_in_words(browser: Any, customer: Any, values: Any) -> None:
    answer = share(browser("sales"), customer, **values)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert not shares()


def test_only_records_one_may_change_are_shared(browser: Any, customer: Any) -> None:
    assert share(browser("sales2"), customer, "guest").status_code == 404
    assert share(browser("guest"), customer).status_code == 403
    for name in ("sales2", "guest"):
        with policy.acting_as(viewer(name)), pytest.raises(StewardError):
            make("RecordShare", entity="Customer", record=customer.id, person=user_id(name))
    assert not shares()


def test_a_share_gives_no_more_than_the_sharer_has_now(browser: Any, customer: Any) -> None:
    share(browser("sales"), customer, may_edit="1")
    other = browser("sales2")
    assert other.get(f"/customer/{customer.id}").status_code == 200
    # The record goes to somebody else: the one who shared it no longer sees it.
    definition = registry.current().entity("Customer")
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.update(definition, customer.id, {"account_manager": user_id("admin")})
    assert other.get(f"/customer/{customer.id}").status_code == 404
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.update(definition, customer.id, {"account_manager": user_id("sales")})
    assert other.get(f"/customer/{customer.id}").status_code == 200
    # Their account is switched off.
    from app.engine.adapters.appbuilder import accounts

    with policy.acting_as(viewer("admin")):
        accounts.save_user(user_id("sales"), {"active": False})
    assert other.get(f"/customer/{customer.id}").status_code == 404
    assert (
        "shared with them"
        not in browser("admin")
        .get(f"/customer/{customer.id}/access?person={user_id('sales2')}")
        .text
    )


def test_only_own_shares_are_seen_and_changed(browser: Any, customer: Any) -> None:
    with policy.acting_as(viewer("admin")):
        by_admin = make(
            "RecordShare", entity="Customer", record=customer.id, person=user_id("guest")
        )
    share(browser("sales"), customer)
    with policy.acting_as(viewer("sales")):
        model: Any = DECLARED["RecordShare"]
        assert by_admin.id not in set(db.session.scalars(select(model.id)))
    definition = registry.current().entity("RecordShare")
    (mine,) = [one.id for one in shares() if one.id != by_admin.id]
    with (
        policy.acting_as(viewer("sales2")),
        pytest.raises(StewardError),
        change_set("form") as changes,
    ):
        changes.update(definition, mine, {"may_edit": True})


def delegation(absent: str, substitute: str, **values: Any) -> Any:
    days = {"first_day": TODAY, "last_day": TODAY + datetime.timedelta(days=7), **values}
    return make("Delegation", absent=user_id(absent), substitute=user_id(substitute), **days)


def test_one_names_a_substitute_on_the_profile_page(browser: Any, customer: Any) -> None:
    page = browser("sales").get("/users/userinfo/").text
    assert f"/delegation/add?absent={user_id('sales')}" in page
    assert browser("sales").get(f"/delegation/add?absent={user_id('sales')}").status_code == 200
    with policy.acting_as(viewer("sales")):
        delegation("sales", "sales2")
    assert "Grace Hopper" in browser("sales").get("/users/userinfo/").text
    assert browser("sales2").get(f"/customer/{customer.id}").status_code == 200
    assert "substitutes" not in browser("guest").get("/users/userinfo/").text


def test_a_delegation_ends_within_a_year(app: Any) -> None:
    with policy.acting_as(viewer("sales")):
        with pytest.raises(InvalidInput) as refused:
            delegation("sales", "sales2", last_day=TODAY + datetime.timedelta(days=367))
        assert [problem.field for problem in refused.value.problems] == ["last_day"]
        delegation("sales", "sales2", last_day=TODAY + datetime.timedelta(days=366))


def test_nobody_is_made_a_substitute_in_anothers_name(app: Any) -> None:
    definition = registry.current().entity("Delegation")
    with policy.acting_as(viewer("sales2")):
        with pytest.raises((InvalidInput, NotAllowed)):
            delegation("sales", "sales2")
        own = delegation("sales2", "guest")
        values = {"absent": user_id("sales"), "substitute": user_id("sales2")}
        with pytest.raises((InvalidInput, NotAllowed)), change_set("form") as changes:
            changes.update(definition, own.id, values)


def test_a_substitute_gives_nothing_away_in_the_name_of_the_absent(app: Any, customer: Any) -> None:
    """Nor do they make their own time longer."""
    definition = registry.current().entity("Delegation")
    with policy.acting_as(viewer("sales")):
        given_by_sales = delegation("sales", "sales2")
    policy.refresh_rights(registry.versions())
    with policy.acting_as(viewer("sales2")):
        with pytest.raises(StewardError):
            delegation("sales", "guest")
        later = TODAY + datetime.timedelta(days=300)
        with pytest.raises(StewardError), change_set("form") as changes:
            changes.update(definition, given_by_sales.id, {"last_day": later})


def test_the_organisation_is_no_place_in_everybodys_navigation(browser: Any) -> None:
    page = browser("sales").get("/").text
    assert 'href="/record_share/"' not in page
    assert 'href="/team/"' not in page
    assert 'href="/team/"' in browser("admin").get("/").text
