"""The pool: what is taken is one's own and nobody else's, and the rule holds whatever people do."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

import jobs
from app.engine import policy, pooling, registry
from app.engine.adapters.database import db, now, write_transaction
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput, NotAllowed, NotFound
from app.engine.job import DONE, Job, request_job
from app.engine.notices import Notification
from tests.factories import make, user_id, viewer

GONE = "It is not in the pool any more: somebody else may have taken it."


pytestmark = pytest.mark.usefixtures("sent")


def definition() -> registry.EntityDefinition:
    return registry.current().entity("Customer")


def customers(count: int = 1, **values: Any) -> list[int]:
    with policy.acting_as(viewer("admin")):
        return [make("Customer", approved=True, **values).id for _ in range(count)]


def owner(record_id: int) -> int | None:
    model: Any = definition().model
    with policy.unrestricted("the test looks at whose it is") as session:
        return session.scalar(select(model.account_manager_id).where(model.id == record_id))


def set_rule(**values: Any) -> None:
    kind = registry.current().entity("PoolRule")
    rules = {"most_held": None, "most_a_day": None, "cooling_days": None, "idle_days": None}
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        found = pooling.rule_of(changes.session, definition())
        changes.update(kind, found.id, {**rules, **values})


def take(name: str, *ids: int) -> pooling.Moved:
    with policy.acting_as(viewer(name)):
        return pooling.take(definition(), ids)


def give_back(name: str, *ids: int, reason: str = "暂无需求") -> pooling.Moved:
    with policy.acting_as(viewer(name)):
        return pooling.give_back(definition(), ids, reason)


def whys(moved: pooling.Moved) -> list[str]:
    with force_locale("en"):
        return [str(why) for _name, why in moved.refused]


# -- taking ----------------------------------------------------------------------------------


def test_what_is_taken_is_ones_own(app: Flask) -> None:
    (one,) = customers()
    assert take("sales", one).ids == [one]
    assert owner(one) == user_id("sales")
    assert whys(take("sales2", one)) == [GONE]
    assert whys(take("sales", one)) == ["It is yours already."]
    assert owner(one) == user_id("sales")


def test_what_is_not_in_the_pool_is_neither_named_nor_told_from_what_is_not_there(
    app: Flask,
) -> None:
    """Else whoever may take could read all names by their numbers."""
    (others,) = customers(account_manager=user_id("sales2"))
    (free,) = customers()
    moved = take("sales", others, 99_999, free)
    assert moved.ids == [free]
    assert sorted(name for name, _why in moved.refused) == sorted([f"#{others}", "#99999"])
    assert set(whys(moved)) == {GONE}


def test_a_refusal_names_what_one_may_see(app: Flask) -> None:
    (own,) = customers(name="润科", account_manager=user_id("sales"))
    assert [name for name, _why in take("sales", own).refused] == ["润科"]


def test_drafts_and_archived_ones_are_not_in_the_pool(app: Flask) -> None:
    with policy.acting_as(viewer("admin")):
        draft = make("Customer").id
    assert take("sales", draft).ids == []
    assert owner(draft) is None


def test_only_with_the_right(app: Flask) -> None:
    (one,) = customers()
    with pytest.raises(NotAllowed):
        take("guest", one)
    with pytest.raises(NotAllowed):
        give_back("guest", one)


def test_a_condition_in_the_role_makes_pools_of_regions(app: Flask) -> None:
    near, far = customers(province="440000") + customers(province="110000")
    grants = {
        "Customer": {
            "read": "own",
            "take": {"scope": "all", "conditions": ["province:eq:440000"]},
        }
    }
    manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
    policy.replace_role(db.session(), manager.find_role("Sales").id, {"grants": grants})
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    policy.refresh_rights(registry.versions())
    assert take("sales", near, far).ids == [near]
    assert owner(far) is None


def test_the_rule_limits_what_is_held_and_taken_and_taken_back(app: Flask) -> None:
    a, b, c, d = customers(4)
    set_rule(most_held=2)
    assert take("sales", a, b, c).ids == [a, b]
    assert whys(take("sales", c)) == ["One person holds at most 2."]
    set_rule(most_a_day=3)
    assert take("sales", c, d).ids == [c]
    assert whys(take("sales", d)) == ["At most 3 are taken in a day."]
    set_rule(cooling_days=7)
    assert give_back("sales", a).ids == [a]
    assert "you can take it again from" in whys(take("sales", a))[0]
    assert take("sales2", a).ids == [a]


def test_undoing_what_one_took_frees_no_place_in_the_day(app: Flask) -> None:
    a, b = customers(2)
    set_rule(most_a_day=1)
    moved = take("sales", a)
    with policy.acting_as(viewer("sales")):
        assert moved.change_set is not None
        report = undo(moved.change_set)
    assert (report.kept, report.blocked) == (0, 0)
    assert owner(a) is None
    assert whys(take("sales", b)) == ["At most 1 are taken in a day."]


# -- giving back -----------------------------------------------------------------------------


def test_giving_back_asks_why_and_can_be_undone_for_a_day(app: Flask) -> None:
    (one,) = customers(account_manager=user_id("sales"))
    with pytest.raises(InvalidInput):
        give_back("sales", one, reason="  ")
    assert give_back("sales2", one).ids == []
    moved = give_back("sales", one)
    assert owner(one) is None
    with policy.acting_as(viewer("sales")):
        assert moved.change_set is not None
        report = undo(moved.change_set)
    assert (report.kept, report.blocked) == (0, 0)
    assert owner(one) == user_id("sales")
    again = give_back("sales", one)
    with write_transaction() as session:
        from app.engine.changes import ChangeSet

        session.get_one(ChangeSet, again.change_set).at = now() - datetime.timedelta(days=2)
    with policy.acting_as(viewer("sales")), pytest.raises(NotAllowed):
        undo(int(again.change_set or 0))


def test_undoing_does_not_take_it_from_who_has_it_by_now(app: Flask) -> None:
    (one,) = customers(account_manager=user_id("sales"))
    moved = give_back("sales", one)
    take("sales2", one)
    with policy.acting_as(viewer("sales")):
        undo(int(moved.change_set or 0))
    assert owner(one) == user_id("sales2")


def test_an_entity_without_a_pool_has_none(app: Flask) -> None:
    with policy.acting_as(viewer("admin")), pytest.raises(NotFound):
        pooling.take(registry.current().entity("Contact"), [1])


# -- two at once -----------------------------------------------------------------------------


def test_of_two_people_at_once_one_gets_it(app: Flask) -> None:
    ids = customers(3)
    set_rule()
    found: dict[str, pooling.Moved] = {}
    people = {name: viewer(name) for name in ("sales", "sales2")}
    begin = threading.Barrier(2)

    def one(name: str) -> None:
        with app.app_context(), policy.acting_as(people[name]):
            registry.refresh()
            begin.wait()
            found[name] = pooling.take(definition(), ids)
            db.session.remove()

    threads = [threading.Thread(target=one, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = found["sales"], found["sales2"]
    assert sorted(first.ids + second.ids) == ids
    assert len(first.refused) + len(second.refused) == len(ids)
    for name, moved in found.items():
        assert all(owner(one) == user_id(name) for one in moved.ids)
        assert set(whys(moved)) <= {GONE}


# -- by itself -------------------------------------------------------------------------------


def test_what_nobody_touches_goes_back_and_its_owner_is_told(app: Flask) -> None:
    old, fresh = customers(2, account_manager=user_id("sales"))
    model: Any = definition().model
    with policy.unrestricted("the test makes it old") as session:
        session.get_one(model, old).updated_at = now() - datetime.timedelta(days=91)
        session.info["changes"] = True
        session.commit()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        quiet = request_job("pool.return", {})
    jobs.run_job(quiet.id)
    assert owner(old) == user_id("sales")
    set_rule(idle_days=90)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        job = request_job("pool.return", {}).id
    jobs.run_job(job)
    done = db.session.get_one(Job, job, populate_existing=True)
    assert (done.state, done.result) == (DONE, {"returned": {"Customer": 1}})
    assert owner(old) is None
    assert owner(fresh) == user_id("sales")
    told = db.session.scalars(select(Notification).where(Notification.user_id == user_id("sales")))
    assert [one.href for one in told] == ["/customer/"]


# -- whatever people do ----------------------------------------------------------------------

MOST_HELD, MOST_A_DAY, RECORDS = 3, 6, 5
NAMES = ("sales", "sales2")


class PoolMachine(RuleBasedStateMachine):
    """Two people take, give back and undo at will; a plain picture of it says what must be."""

    ids: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.owners: dict[int, str | None] = dict.fromkeys(self.ids)
        self.returned: set[tuple[str, int]] = set()
        self.taken = dict.fromkeys(NAMES, 0)
        for one in self.ids:
            if owner(one) is not None:
                with policy.acting_as(viewer("admin")), change_set("form") as changes:
                    changes.update(definition(), one, {"account_manager": None})
        with policy.acting_as(viewer("admin")), change_set("form") as changes:
            kind = registry.current().entity("PoolMove")
            model: Any = kind.model
            for move in changes.session.scalars(select(model)).all():
                changes.trash(kind, move.id)
        with write_transaction() as session:
            from app.engine.changes import ChangeSet

            for made in session.scalars(select(ChangeSet).where(ChangeSet.door == "pool")):
                made.at = now() - datetime.timedelta(days=3)

    @rule(name=st.sampled_from(NAMES), place=st.integers(0, RECORDS - 1))
    def take(self, name: str, place: int) -> None:
        one = self.ids[place]
        may = (
            self.owners[one] is None
            and list(self.owners.values()).count(name) < MOST_HELD
            and self.taken[name] < MOST_A_DAY
            and (name, one) not in self.returned
        )
        assert take(name, one).ids == ([one] if may else [])
        if may:
            self.owners[one] = name
            self.taken[name] += 1

    @rule(name=st.sampled_from(NAMES), place=st.integers(0, RECORDS - 1))
    def give_back(self, name: str, place: int) -> None:
        one = self.ids[place]
        may = self.owners[one] == name
        assert give_back(name, one).ids == ([one] if may else [])
        if may:
            self.owners[one] = None
            self.returned.add((name, one))

    @rule(name=st.sampled_from(NAMES), place=st.integers(0, RECORDS - 1))
    def take_and_undo(self, name: str, place: int) -> None:
        one = self.ids[place]
        moved = take(name, one)
        if moved.ids:
            self.taken[name] += 1
            with policy.acting_as(viewer(name)):
                undo(int(moved.change_set or 0))

    @invariant()
    def everybody_has_what_they_took(self) -> None:
        ids = {name: user_id(name) for name in NAMES}
        wanted = {one: ids[name] if name else None for one, name in self.owners.items()}
        assert {one: owner(one) for one in self.ids} == wanted


def test_the_rule_holds_whatever_people_do(app: Flask) -> None:
    set_rule(most_held=MOST_HELD, most_a_day=MOST_A_DAY, cooling_days=7)
    PoolMachine.ids = customers(RECORDS)
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        PoolMachine,
        settings=settings(
            max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=checks
        ),
    )
