"""Reference data, roles and demonstration data, as a new installation finds them."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from stdnum.cn import uscc

import seeds
from app.domains.customers import Contact, Customer
from app.engine import policy, registry
from app.engine.adapters import setup_state
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.policy.rights import load_rights
from seeds import demo as demonstration
from seeds import lists, roles


def seed(app: Flask, demo: bool) -> None:
    """Seed as a command does; the test's own session then looks afresh."""
    seeds.seed(app, demo=demo)
    db.session.rollback()


def provinces() -> dict[str, str]:
    return {row["code"]: row["zh"] for row in lists.table("provinces.csv")}


class TestTables:
    def test_the_34_provinces_with_their_codes(self) -> None:
        assert len(provinces()) == 34
        assert provinces()["440000"] == "广东"
        assert all(code.endswith("0000") and len(code) == 6 for code in provinces())

    def test_every_city_lies_in_a_province(self) -> None:
        cities = lists.table("cities.csv")
        assert len(cities) > 360
        assert {row["code"][:2] + "0000" for row in cities} <= set(provinces())
        without = set(provinces()) - {row["code"][:2] + "0000" for row in cities}
        assert without == {"710000"}  # GB/T 2260 gives no codes to Taiwan's cities
        prefectures = [row for row in cities if row["code"].endswith("00")]
        assert len(prefectures) == 339  # 333 prefectures, 4 municipalities, Hong Kong, Macao

    def test_irregular_english_names(self) -> None:
        english = {row["zh"]: row["en"] for row in lists.table("cities.csv")}
        wanted = {
            "西安": "Xi'an", "哈尔滨": "Harbin", "呼和浩特": "Hohhot", "乌鲁木齐": "Urumqi",
            "拉萨": "Lhasa", "厦门": "Xiamen", "香港": "Hong Kong", "澳门": "Macao",
            "重庆": "Chongqing", "朝阳": "Chaoyang", "六安": "Lu'an", "蚌埠": "Bengbu",
        }  # fmt: skip
        assert {name: english[name] for name in wanted} == wanted

    def test_industries_are_those_of_the_standard(self) -> None:
        rows = lists.table("industries.csv")
        sections = [row["code"] for row in rows if not row["parent"]]
        assert sections == list("ABCDEFGHIJKLMNOPQRST")
        divisions = [row for row in rows if row["parent"]]
        assert all(row["code"][0] == row["parent"] for row in divisions)
        # a division of its section's own name stands for itself: K70, P83, T97
        assert len(divisions) == 97 - 3

    def test_no_word_means_two_options(self, app: Flask) -> None:
        from app.engine.parsing import header_key

        for name, options in registry.current().lists.items():
            taken: dict[str, str] = {}
            for option in options:
                words = {option.value, option.label.zh, option.label.en, *option.synonyms}
                for word in filter(None, words):
                    key = header_key(word)
                    assert taken.setdefault(key, option.value) == option.value, (name, word)

    def test_every_option_has_both_languages(self) -> None:
        assert all(values["label_zh"] and values["label_en"] for values in lists.options())


class TestSeeding:
    def test_is_done_once(self, app: Flask) -> None:
        before = _option_count()
        began = time.process_time()
        seed(app, demo=False)
        assert time.process_time() - began < 0.2
        assert _option_count() == before

    def test_what_people_changed_stays(self, app: Flask, as_admin: Any) -> None:
        definition = registry.current().entity("ChoiceOption")
        edited, gone, stale = (_option("source", value) for value in ("visit", "tender", "event"))
        with change_set("form") as changes:
            changes.update(definition, edited.id, {"label_zh": "陌生拜访"})
            changes.trash(definition, gone.id)
        with policy.acting_as(policy.SYSTEM_VIEWER), change_set("seed") as changes:
            changes.update(definition, stale.id, {"label_zh": "旧名称"})
            setup_state.note(seeds.REFERENCE, "an earlier version")
        seed(app, demo=False)
        assert _option("source", "visit").label_zh == "陌生拜访"
        assert _option("source", "tender") is None
        assert _option("source", "event").label_zh == "市场活动"

    def test_roles_keep_what_an_administrator_changed(self, app: Flask) -> None:
        with policy.acting_as(policy.SYSTEM_VIEWER), change_set("form") as changes:
            ids = roles.ensure_roles()
            changed = {"grants": {"Customer": {"read": "all"}}, "fields": {}}
            policy.replace_role(changes.session, ids["Sales"], changed)
            setup_state.note(seeds.REFERENCE, "an earlier version")
        seed(app, demo=False)
        grant = policy.RoleGrant
        rows = db.session.execute(
            select(grant.entity, grant.action, grant.scope).where(grant.role_id == ids["Sales"])
        )
        kept = {(entity, action): scope for entity, action, scope in rows}
        assert {key: scope for key, scope in kept.items() if key[0] == "Customer"} == {
            ("Customer", "read"): "all"
        }
        assert kept["Contact", "read"] == "own"


class TestRoles:
    def test_the_system_administrator_sees_no_customer(self, app: Flask) -> None:
        viewer = viewer_of(app, roles.SYSTEM_ADMINISTRATOR)
        assert not any(
            viewer.can(entity, action)
            for entity in ("Customer", "Contact")
            for action in policy.ACTIONS
        )
        assert viewer.can(policy.USERS, "create")
        assert viewer.can(policy.SYSTEM, "update")

    def test_the_auditor_reads_everything_and_changes_nothing(self, app: Flask) -> None:
        viewer = viewer_of(app, roles.AUDITOR)
        for entity in (
            *registry.current().entities,
            policy.SYSTEM,
            policy.USERS,
            policy.PERSONAL_DATA,
        ):
            assert viewer.scope(entity, "read") == "all"
            may = {action for action in policy.ACTIONS if viewer.can(entity, action)}
            assert may == {"read", "export"}, entity

    def test_the_account_manager_has_what_sales_have_and_the_department_and_below(
        self, app: Flask
    ) -> None:
        viewer = viewer_of(app, roles.ACCOUNT_MANAGER)
        assert viewer.grants("Customer", "read") == (policy.Grant("branch"),)
        assert viewer.grants("Customer", "delete") == (policy.Grant("own"),)
        assert not viewer.can("Customer", "purge")

    @pytest.mark.parametrize("name", [roles.SUPPORT, roles.DOCUMENT_CONTROLLER, roles.GUEST])
    def test_who_only_looks_takes_nothing_out(self, app: Flask, name: str) -> None:
        viewer = viewer_of(app, name)
        assert viewer.can("Customer", "read")
        assert not viewer.can("Customer", "export")

    def test_every_role_is_named_and_explained_in_both_languages(self) -> None:
        for role in roles.ROLES:
            assert all(
                role[f"{what}_{lang}"] for what in ("label", "purpose") for lang in ("zh", "en")
            )

    def test_the_charts_of_every_role_are_there_and_may_be_seen(self, app: Flask) -> None:
        entities = registry.current().entities
        for role in roles.ROLES:
            viewer = viewer_of(app, role["name"])
            assert role["name"] == roles.SYSTEM_ADMINISTRATOR or role["charts"]
            for name in role.get("charts", ()):
                entity, _dot, chart = name.partition(".")
                if entity not in entities:
                    continue
                declared = {one.name: one for one in entities[entity].model.charts}
                assert chart in declared, name
                seen = {field.name for field in policy.plain(entities[entity], viewer)}
                assert declared[chart].fields <= seen, (role["name"], name)

    def test_guests_see_no_personal_data(self, app: Flask, acting: Any) -> None:
        viewer = acting("guest")
        registry_now = registry.current()
        contact, customer = registry_now.entity("Contact"), registry_now.entity("Customer")
        seen = {
            name: viewer.access("Contact", contact.fields[name])
            for name in ("phone", "email", "birthday", "wechat", "notes")
        }
        assert seen == {
            "phone": "masked",
            "email": "masked",
            "birthday": "hidden",
            "wechat": "hidden",
            "notes": "hidden",
        }
        assert viewer.access("Customer", customer.fields["phone"]) == "masked"
        assert not any(
            viewer.can("Customer", action) for action in policy.ACTIONS if action != "read"
        )

    def test_sales_neither_approve_nor_purge(self, app: Flask, acting: Any) -> None:
        viewer = acting("sales")
        assert not viewer.can("Customer", "approve")
        assert not viewer.can("Customer", "purge")
        assert viewer.scope("Customer", "read") == "own"


@pytest.fixture
def demo(app: Flask) -> Flask:
    seed(app, demo=True)
    return app


class TestDemo:
    def test_is_quick_and_whole(self, app: Flask, as_admin: Any) -> None:
        began = time.process_time()
        seed(app, demo=True)
        assert time.process_time() - began < 5
        customers = list(db.session.scalars(select(Customer)))
        assert len(customers) == 200
        for name in ("status", "value_tier", "review_state"):
            used = {getattr(customer, name) for customer in customers}
            field = registry.current().entity("Customer").fields[name]
            assert used == set(field.options.values()), name
        per_customer = Counter(db.session.scalars(select(Contact.customer_id)))
        assert set(per_customer) == {customer.id for customer in customers}
        primary = db.session.scalars(select(Contact.customer_id).where(Contact.is_primary))
        assert sorted(primary) == sorted(per_customer)

    def test_is_invented_beyond_doubt(self, demo: Flask, as_admin: Any) -> None:
        for customer in db.session.scalars(select(Customer)):
            if customer.credit_code:
                assert uscc.is_valid(customer.credit_code)
                assert customer.credit_code[2:8] == "990000"
            assert customer.phone.partition("-")[2].startswith("0")
        for contact in db.session.scalars(select(Contact)):
            assert contact.phone.startswith("154")
            assert contact.email is None or contact.email.endswith(".example")

    def test_is_the_same_everywhere(self, app: Flask) -> None:
        from seeds.demo import customers

        day = datetime.date(2026, 11, 20)
        assert customers.customers([1, 2, 3], day) == customers.customers([1, 2, 3], day)

    def test_is_taken_away_by_one_command_and_stays_away(self, demo: Flask, as_admin: Any) -> None:
        report = demonstration.remove()
        assert not report.kept
        seed(demo, demo=True)
        assert db.session.scalar(select(func.count(Customer.id))) == 0

    def test_its_people_cannot_sign_in_without_a_password(self, demo: Flask) -> None:
        from app.engine.adapters.appbuilder import hashing
        from tests import factories

        for name in ("demo.wangmin", "demo.liqiang", "demo.zhanglin"):
            person = factories.person(name)
            assert not any(hashing.matches(person.password, guess) for guess in ("", "!", name))


def _option(list_name: str, value: str) -> Any:
    model: Any = registry.current().entity("ChoiceOption").model
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return db.session.scalar(
            select(model)
            .where(model.list_name == list_name, model.value == value)
            .execution_options(populate_existing=True)
        )


def _option_count() -> int:
    model: Any = registry.current().entity("ChoiceOption").model
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return db.session.scalar(select(func.count(model.id))) or 0


def viewer_of(app: Flask, role: str) -> policy.Viewer:
    """Somebody who has just this role."""
    manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
    role_id = manager.find_role(role).id
    return policy.Viewer(None, "somebody", load_rights(db.session(), [role_id]), (role_id,))
