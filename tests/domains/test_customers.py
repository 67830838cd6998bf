"""Customers and contacts: the rules that the business asks for."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from sqlalchemy import inspect

from app.domains.customers import Contact
from app.domains.customers.checks import credit_code
from app.engine import registry
from app.engine.adapters.database import db
from app.engine.changes import change_set, undo
from app.engine.conditions import Condition
from app.engine.errors import InvalidInput, NotAllowed, ValueProblem
from app.engine.query.groups import grouped
from app.engine.query.records import Records
from tests import factories

VALID = "91110000600037341L"


@pytest.fixture
def customers(as_admin: Any) -> registry.EntityDefinition:
    return registry.current().entity("Customer")


@pytest.fixture
def contacts(as_admin: Any) -> registry.EntityDefinition:
    return registry.current().entity("Contact")


def create(definition: registry.EntityDefinition, **values: Any) -> Any:
    with change_set("form") as changes:
        return changes.create(definition, values)


def problems(definition: registry.EntityDefinition, **values: Any) -> dict[str | None, str]:
    with pytest.raises(InvalidInput) as caught:
        create(definition, **values)
    return {problem.field: str(problem.message) for problem in caught.value.problems}


class TestCreditCode:
    def test_is_kept_in_its_plain_form(self) -> None:
        assert credit_code(" 9111 0000-600037341l ") == VALID
        assert credit_code("９１１１００００６０００３７３４１Ｌ") == VALID

    @pytest.mark.parametrize(
        "wrong",
        [VALID[:-1], f"{VALID}0", f"{VALID[:-1]}M", f"{VALID[:9]}O{VALID[10:]}", "X" + VALID[1:]],
    )
    def test_is_refused(self, wrong: str) -> None:
        with pytest.raises(ValueProblem):
            credit_code(wrong)

    def test_every_single_slip_is_noticed(self) -> None:
        """GB 32100's check character finds every wrong character and swap of neighbours."""
        alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        for place in range(17):
            for character in alphabet:
                if character != VALID[place]:
                    with pytest.raises(ValueProblem):
                        credit_code(VALID[:place] + character + VALID[place + 1 :])
            here, there = VALID[place : place + 2]
            if here != there:
                with pytest.raises(ValueProblem):
                    credit_code(VALID[:place] + there + here + VALID[place + 2 :])

    def test_is_checked_at_every_door(self, customers: registry.EntityDefinition) -> None:
        assert "credit_code" in problems(customers, name="甲", credit_code=f"{VALID[:-1]}M")
        record = create(customers, name="甲", credit_code=VALID.lower())
        assert record.credit_code == VALID

    def test_belongs_to_one_customer(self, customers: registry.EntityDefinition) -> None:
        create(customers, name="甲", credit_code=VALID)
        assert "credit_code" in problems(customers, name="乙", credit_code=VALID)


class TestCustomer:
    def test_only_the_name_is_required(self, customers: registry.EntityDefinition) -> None:
        assert set(problems(customers)) == {"name"}
        record = create(customers, name="杭州云岭有限公司")
        assert record.status == "potential"
        assert record.yearly_amount is None
        assert record.review_state == "draft"

    def test_city_brings_its_province(self, customers: registry.EntityDefinition) -> None:
        record = create(customers, name="甲", city="440300")
        assert record.province == "440000"
        wrong = problems(customers, name="乙", city="440300", province="330000")
        assert set(wrong) == {"city"}

    def test_amount_is_not_negative(self, customers: registry.EntityDefinition) -> None:
        assert set(problems(customers, name="甲", yearly_amount=decimal.Decimal(-1))) == {
            "yearly_amount"
        }

    def test_choices_are_found_by_what_people_write(
        self, customers: registry.EntityDefinition
    ) -> None:
        written = [
            ("province", "广东", "440000"),
            ("province", "广东省", "440000"),
            ("province", "guangdong", "440000"),
            ("province", "内蒙", "150000"),
            ("province", "Tibet", "540000"),
            ("city", "西安市", "610100"),
            ("city", "XI'AN", "610100"),
            ("city", "延边朝鲜族自治州", "222400"),
            ("industry", "货币金融服务", "J66"),
            ("ownership", "民企", "private"),
            ("listing", "科创板", "star"),
            ("status", "沉睡", "dormant"),
            ("value_tier", "high value", "high"),
            ("customer_type", "个体户", "sole_trader"),
        ]
        for field, word, value in written:
            assert customers.fields[field].parse(word) == value

    def test_industries_of_the_stock_market_get_their_english_when_they_are_made(
        self, customers: registry.EntityDefinition
    ) -> None:
        """They are no choices until somebody makes them; English charts then have words for them."""
        assert customers.fields["industry"].options.find("电气设备") is None
        made = {"list_name": "industry", "label_zh": "电气设备", "label_en": None}
        factories.make("ChoiceOption", **made, value="x1")
        factories.make("ChoiceOption", **{**made, "label_en": "Electrics"}, value="x2")
        factories.make("ChoiceOption", **{**made, "label_zh": "无人知晓"}, value="x3")
        factories.make("ChoiceOption", **{**made, "list_name": "source"}, value="x4")
        labels = {
            option.value: option.label.en
            for name in ("industry", "source")
            for option in registry.current().lists[name]
        }
        assert labels["x1"] == "Electrical equipment"
        assert labels["x2"] == "Electrics"
        assert not labels["x3"]
        assert not labels["x4"]

    def test_every_filter_by_choice_or_day_has_an_index(
        self, customers: registry.EntityDefinition
    ) -> None:
        """Without one a rare choice is looked for in every record."""
        table = inspect(customers.model).local_table
        indexed = {index.columns[0].name for index in table.indexes}
        for field in customers.fields.values():
            if field.type_name in ("choice", "date") and not field.system:
                assert field.column_name in indexed, field.name

    def test_columns_of_a_stock_list_find_their_fields(
        self, customers: registry.EntityDefinition
    ) -> None:
        wanted = {
            "ts_code": "external_code", "name": "name", "area": "province",
            "industry": "industry", "market": "listing", "list_date": "listed_on",
            "act_name": "controller", "act_ent_type": "ownership",
        }  # fmt: skip
        for column, field in wanted.items():
            assert field in _fields_called(customers, column), column

    def test_no_synonym_means_two_fields(self, customers: registry.EntityDefinition) -> None:
        for definition in (customers, registry.current().entity("Contact")):
            words = [
                (word, field.name)
                for field in definition.fields.values()
                for word in {_plain(w) for w in _names(field)}
            ]
            taken: dict[str, str] = {}
            for word, name in words:
                assert taken.setdefault(word, name) == name, (word, name, taken[word])


class TestReview:
    def test_who_only_registers_makes_a_draft(self, app: Any, acting: Any) -> None:
        acting("sales")
        customers = registry.current().entity("Customer")
        record = create(customers, name="杭州云岭有限公司")
        assert (record.review_state, record.reviewed_by_id) == ("draft", None)
        assert record.account_manager_id == factories.user_id("sales")
        with pytest.raises(NotAllowed), change_set("form") as changes:
            changes.approve(customers, record.id)
        with pytest.raises(NotAllowed), change_set("form") as changes:
            changes.create(customers, {"name": "乙"}, approved=True)

    def test_who_approved_and_when_is_kept(self, customers: registry.EntityDefinition) -> None:
        record = create(customers, name="甲")
        with change_set("action") as changes:
            changes.approve(customers, record.id)
        db.session.expire_all()
        record = db.session.get(customers.model, record.id)
        assert record.review_state == "approved"
        assert record.reviewed_by_id == factories.user_id("admin")
        assert record.reviewed_at > datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def test_drafts_count_in_no_figure(self, customers: registry.EntityDefinition) -> None:
        values = {
            "status": "active", "value_tier": "high", "city": "440300", "industry": "C14",
            "yearly_amount": decimal.Decimal(1000), "yearly_amount_currency": "CNY",
            "customer_since": datetime.date(2026, 3, 5),
        }  # fmt: skip
        for approved in (True, True, False):
            factories.make("Customer", approved=approved, **values)
        for chart in customers.model.charts:
            only = [Condition(*parts) for parts in chart.only]
            records = Records(customers).where(*only).approved_only()
            figures = [group.figure for group in grouped(records, chart.group_by, chart.measure)]
            by = {"count": 2, "share": 100, "median": 1000}  # else a sum
            expected = by.get(chart.measure.partition(":")[0], 2000)
            assert figures == [expected], chart.name


class TestPrimaryContact:
    def test_the_first_contact_is_the_primary_one(
        self, contacts: registry.EntityDefinition
    ) -> None:
        customer = factories.make("Customer")
        first = create(contacts, customer=customer.id, name="王敏")
        second = create(contacts, customer=customer.id, name="李强")
        assert (first.is_primary, second.is_primary) == (True, False)

    def test_a_new_one_takes_the_place(self, contacts: registry.EntityDefinition) -> None:
        customer, other = factories.make("Customer"), factories.make("Customer")
        elsewhere = create(contacts, customer=other.id, name="赵杰")
        create(contacts, customer=customer.id, name="王敏")
        create(contacts, customer=customer.id, name="李强", is_primary=True)
        assert primaries(customer.id) == ["李强"]
        third = create(contacts, customer=customer.id, name="张琳")
        with change_set("form") as changes:
            changes.update(contacts, third.id, {"is_primary": True})
        assert primaries(customer.id) == ["张琳"]
        assert primaries(other.id) == [elsewhere.name]

    def test_undo_gives_the_place_back(self, contacts: registry.EntityDefinition) -> None:
        customer = factories.make("Customer")
        create(contacts, customer=customer.id, name="王敏")
        with change_set("form") as changes:
            changes.create(contacts, {"customer": customer.id, "name": "李强", "is_primary": True})
            number = changes.id
        undo(number)
        assert primaries(customer.id) == ["王敏"]

    def test_one_out_of_the_trash_gives_way(self, contacts: registry.EntityDefinition) -> None:
        customer = factories.make("Customer")
        first = create(contacts, customer=customer.id, name="王敏")
        second = create(contacts, customer=customer.id, name="李强")
        with change_set("form") as changes:
            changes.trash(contacts, first.id)
            changes.update(contacts, second.id, {"is_primary": True})
        with change_set("form") as changes:
            changes.restore(contacts, first.id)
        assert primaries(customer.id) == ["李强"]

    def test_moved_to_another_customer(self, contacts: registry.EntityDefinition) -> None:
        customer, other = factories.make("Customer"), factories.make("Customer")
        first = create(contacts, customer=customer.id, name="王敏")
        create(contacts, customer=other.id, name="李强")
        with change_set("form") as changes:
            changes.update(contacts, first.id, {"customer": other.id})
        assert primaries(other.id) == ["王敏"]


class TestContact:
    def test_needs_a_customer_and_a_name(self, contacts: registry.EntityDefinition) -> None:
        assert set(problems(contacts)) == {"customer", "name"}

    @pytest.mark.parametrize("day", [datetime.date(1899, 12, 31), datetime.date(2999, 1, 1)])
    def test_birthday_is_possible(
        self, contacts: registry.EntityDefinition, day: datetime.date
    ) -> None:
        customer = factories.make("Customer")
        assert set(problems(contacts, customer=customer.id, name="王敏", birthday=day)) == {
            "birthday"
        }

    def test_goes_with_its_customer(self, contacts: registry.EntityDefinition, acting: Any) -> None:
        """Whoever may not see the customer may not see who works there."""
        customer = factories.make("Customer", account_manager=factories.user_id("sales2"))
        create(contacts, customer=customer.id, name="王敏")
        acting("sales")
        assert primaries(customer.id) == []
        acting("sales2")
        assert primaries(customer.id) == ["王敏"]

    def test_personal_data_are_marked(self, contacts: registry.EntityDefinition) -> None:
        marked = {field.name for field in contacts.fields.values() if field.personal}
        assert marked == {"birthday", "phone", "email", "wechat"}


def primaries(customer_id: int) -> list[str]:
    statement = db.select(Contact.name).where(
        Contact.customer_id == customer_id, Contact.is_primary.is_(True)
    )
    return list(db.session.scalars(statement))


def _plain(word: str) -> str:
    from app.engine.parsing import header_key

    return header_key(word)


def _names(field: Any) -> tuple[str, ...]:
    from app.engine.labels import both_languages

    return (field.name, *both_languages(field.label), *field.synonyms)


def _fields_called(definition: registry.EntityDefinition, column: str) -> list[str]:
    return [
        field.name
        for field in definition.fields.values()
        if _plain(column) in {_plain(word) for word in _names(field)}
    ]
