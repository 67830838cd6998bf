"""One factory for each entity, and the people and tables that every test starts with."""

from __future__ import annotations

import datetime
import decimal
import itertools
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.changes import change_set

_numbers = itertools.count(1)

PEOPLE = {
    "admin": ("Admin", "系统", "管理员"),
    "sales": ("Sales", "伟", "张"),
    "sales2": ("Sales", "Grace", "Hopper"),
    "guest": ("Guest", "芳", "李"),
}
"""User name → role, first name, last name."""


def prepare_database(app: Flask) -> None:
    """Tables, search tables, reference data, roles, people."""
    import seeds

    db.create_all()
    create_search_tables()
    seeds.seed(app, demo=False)
    manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
    for name, (role, first, last) in PEOPLE.items():
        manager.add_user(
            name, first, last, f"{name}@example.org", manager.find_role(role), PASSWORD
        )
    db.session.remove()


PASSWORD = "correct horse 7"


def create_search_tables() -> None:
    """Search tables stand outside the migrations: SQLite's are virtual."""
    with policy.acting_as(policy.SYSTEM_VIEWER), db.engine.begin() as connection:
        for definition in registry.refresh({}).entities.values():
            if definition.search_index is not None:
                definition.search_index.create(connection)


def person(username: str) -> StewardUser:
    found = db.session.scalar(select(StewardUser).where(StewardUser.username == username))
    assert found is not None, f"no such person: {username}"
    return found


def user_id(username: str) -> int:
    return person(username).id


def viewer(username: str) -> policy.Viewer:
    return policy.viewer_for(person(username))


# -- values for each entity ----------------------------------------------------------------


def parcel(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "name": f"包裹 {n}",
        "code": f"SKU-{n:05}",
        "pieces": n,
        "weight": decimal.Decimal("1.250"),
        "price": decimal.Decimal("99.50"),
        "price_currency": "CNY",
        "arrived_on": datetime.date(2026, 3, 5),
        "opened_at": datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC),
        "fragile": True,
        "colour": "red",
        "tags": ["急", "fragile"],
        "email": f"parcel{n}@example.org",
        "phone": "010-88880000",
        "website": "https://example.org/parcels",
        "notes": "两行\n文字",
        **values,
    }


def shelf(**values: Any) -> dict[str, Any]:
    return {"name": f"货架 {next(_numbers)}", "colour": "blue", **values}


def customer(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {"name": f"测试客户{n}有限公司", "external_code": f"T{n:06}", **values}


def contact(**values: Any) -> dict[str, Any]:
    if "customer" not in values:
        values["customer"] = make("Customer").id
    return {"name": f"王小明{next(_numbers)}", "phone": "010-88880001", **values}


def choice_option(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "list_name": "toy_grade",
        "value": f"g{n}",
        "label_zh": f"等级{n}",
        "label_en": f"Grade {n}",
        **values,
    }


def custom_field(**values: Any) -> dict[str, Any]:
    n = next(_numbers)
    return {
        "entity": "Parcel",
        "name": f"extra_{n}",
        "kind": "text",
        "label_zh": f"字段{n}",
        "label_en": f"Field {n}",
        **values,
    }


FACTORIES = {
    "Parcel": parcel,
    "Shelf": shelf,
    "Customer": customer,
    "Contact": contact,
    "ChoiceOption": choice_option,
    "CustomField": custom_field,
}
"""Every entity has one; a test fails for an entity without."""


def make(entity: str, /, approved: bool = False, **values: Any) -> Any:
    """A record of the entity, written on the current viewer's behalf."""
    definition = registry.current().entity(entity)
    complete = FACTORIES[definition.name](**values)
    with change_set("form") as changes:
        record = changes.create(definition, complete, approved)
    if definition.options.shapes_registry:
        registry.refresh()
    return record
