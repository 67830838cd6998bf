"""Records that a file names and that are not there yet are made on the way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.query import Records
from tests import factories
from tests.engine.import_walk import names, run_of, shelves, upload, work

pytestmark = pytest.mark.usefixtures("sent")


def test_what_a_column_names_is_made_once_where_the_user_wants_it(client: Any, app: Any) -> None:
    rows = [f"p{n},{'新架' if n % 2 else '旧架'},{n}" for n in range(6)]
    text = "name,shelf,pieces\r\n" + "\r\n".join([*rows, "bad,坏架,x"])
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Shelf", name="旧架")
    here = upload(client, text).headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert 'name="make-shelf"' in page
    assert "2 names that are not there" in page
    assert run_of(here).plan["refused"] == 4  # type: ignore[index]
    client.post(f"{here}/check", data={"make-shelf": "1"})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert "1 new record is made on the way: Shelves" in page
    assert shelves() == ["旧架"]
    client.post(f"{here}/start")
    work(here)
    assert shelves() == ["新架", "旧架"]
    run = run_of(here)
    assert ((run.counts or {})["new"], (run.counts or {})["made"]) == (6, 1)
    page = client.get(here).get_data(as_text=True)
    assert "not those of the preview" not in page
    assert "1 record was made on the way" in page
    client.post(f"{here}/undo")
    assert (names(), shelves()) == ([], ["旧架"])


def test_what_is_made_may_get_the_word_as_its_code(client: Any, app: Any) -> None:
    """Beside the fields' names the page offers the codes that a word may be."""
    here = upload(client, "客户编号,name\r\n00017,甲\r\n", key="contact").headers["Location"]
    page = client.get(here).get_data(as_text=True)
    assert '<option value="external_code">Make new records, by External code' in page
    form = {"columns": "1", "column-0": "customer", "column-1": "name"}
    client.post(f"{here}/check", data={**form, "make-customer": "external_code"})
    work(here)
    client.post(f"{here}/start")
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        (made,) = Records(registry.current().entity("Customer")).page(5).rows
    assert (made["name"], made["external_code"]) == ("00017", "00017")


def test_a_changed_reference_is_shown_by_name_in_the_preview(client: Any, app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        old = factories.make("Shelf", name="旧架")
        factories.make("Parcel", name="a", code="1", shelf=old.id)
        factories.make("Parcel", name="b", code="2", shelf=None)
    here = upload(client, "name,code,shelf\r\na,1,新架\r\nb,2,旧架\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "code", "column-2": "shelf"}
    client.post(f"{here}/check", data={**form, "key": "code", "make-shelf": "1"})
    work(here)
    changes_shown = client.get(here).get_data(as_text=True).split('id="changes"')[1]
    assert changes_shown.count("旧架") == 2
    assert "新架" in changes_shown


def test_nothing_is_made_by_those_who_may_not(browser: Any, app: Any) -> None:
    """Making a customer on the way takes the right to make one; it is not even offered without."""
    from app.engine.policy import RoleGrant

    with app.app_context():
        role = app.appbuilder.sm.find_role("Sales")
        grant = db.session.scalar(
            select(RoleGrant).where(
                RoleGrant.role_id == role.id, RoleGrant.entity == "Customer",
                RoleGrant.action == "create",
            )
        )  # fmt: skip
        assert grant is not None
        grant.scope = "none"
        db.session.commit()
    sales = browser("sales")
    app.extensions.pop("steward.rights", None)
    here = upload(sales, "name,customer\r\n甲,没有这家\r\n", key="contact").headers["Location"]
    assert 'name="make-customer"' not in sales.get(here).get_data(as_text=True)
    form = {"columns": "1", "column-0": "name", "column-1": "customer", "make-customer": "1"}
    sales.post(f"{here}/check", data=form)
    work(here)
    assert run_of(here).plan["refused"] == 1  # type: ignore[index]


def test_contacts_bring_their_customers_along(client: Any, app: Any) -> None:
    text = "customer,name,phone\r\n新一家公司,甲,010-88880001\r\n新一家公司,乙,010-88880002\r\n"
    here = upload(client, text, key="contact").headers["Location"]
    form = {"columns": "1", "column-0": "customer", "column-1": "name", "column-2": "phone"}
    client.post(f"{here}/check", data={**form, "make-customer": "1"})
    work(here)
    assert (run_of(here).plan["new"], run_of(here).plan["made"]) == (2, 1)  # type: ignore[index]
    client.post(f"{here}/start")
    work(here)
    assert ((run_of(here).counts or {})["new"], (run_of(here).counts or {})["made"]) == (2, 1)
    assert run_of(here).state == "done"
