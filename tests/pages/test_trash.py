"""The trash: what is in it, restoring, purging."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import ChangeSet, change_set
from app.engine.query import Records
from tests import factories


def admin() -> Any:
    return policy.acting_as(factories.viewer("admin"))


def parcel() -> registry.EntityDefinition:
    return registry.current().entity("Parcel")


def trash(*records: Any, entity: str = "Parcel") -> None:
    with change_set("form") as changes:
        for record in records:
            changes.trash(registry.current().entity(entity), record.id)


def live() -> list[int]:
    db.session.rollback()  # what the requests wrote is to be seen
    return Records(parcel()).ids()


def newest() -> ChangeSet:
    return db.session.scalars(select(ChangeSet).order_by(ChangeSet.id.desc())).first()


def test_the_deleted_are_listed_with_who_and_when(client: Any, as_admin: Any) -> None:
    kept, gone = factories.make("Parcel", name="留下"), factories.make("Parcel", name="扔掉")
    trash(gone)
    page = client.get("/parcel/trash").text
    assert "扔掉" in page
    assert "留下" not in page
    assert "管理员" in page
    assert f"/parcel/{gone.id}/history" in page
    assert client.get(f"/parcel/{gone.id}/history").status_code == 200
    assert client.get("/shelf/trash").status_code == 200
    assert "The trash is empty" in client.get("/shelf/trash").text
    assert kept.id in live()


def test_restoring_one_and_several(client: Any, as_admin: Any) -> None:
    records = [factories.make("Parcel") for _n in range(3)]
    trash(*records)
    assert live() == []
    answer = client.post("/parcel/trash/restore", data={"ids": [records[0].id, records[1].id]})
    assert answer.status_code == 303
    assert live() == [records[0].id, records[1].id]
    made = newest()
    assert made.counts == {"restore": 2}
    assert f'action="/changes/{made.id}/undo"' in client.get("/parcel/trash").text


def test_what_cannot_be_restored_is_said_and_the_rest_is(client: Any, as_admin: Any) -> None:
    old, other = factories.make("Parcel", code="SAME"), factories.make("Parcel")
    trash(old, other)
    taker = factories.make("Parcel", code="SAME")
    client.post("/parcel/trash/restore", data={"ids": [old.id, other.id]})
    assert live() == [other.id, taker.id]
    made = newest()
    assert made.counts == {"restore": 1}
    page = client.get("/parcel/trash").text
    assert "1 record stays in the trash" in page
    assert "Code: another record has this value." in page


def test_purging_takes_away_for_good(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel")
    trash(record)
    assert 'data-confirm="Purge for good?"' in client.get("/parcel/trash").text
    client.post("/parcel/trash/purge", data={"ids": record.id})
    db.session.rollback()
    assert Records(parcel()).in_trash().ids() == []
    assert client.get(f"/parcel/{record.id}/history").status_code == 404


def test_purging_is_a_right_of_its_own(browser: Any) -> None:
    with admin():
        record = factories.make("Customer", account_manager=factories.user_id("sales"))
        trash(record, entity="Customer")
    page = browser("sales").get("/customer/trash").text
    assert record.name in page
    assert "Purge" not in page
    answer = browser("sales").post("/customer/trash/purge", data={"ids": record.id})
    assert answer.status_code == 403
    assert browser("guest").get("/customer/trash").status_code == 403


def test_others_records_stay_out_of_reach(browser: Any) -> None:
    with admin():
        record = factories.make("Customer", account_manager=factories.user_id("sales2"))
        trash(record, entity="Customer")
    assert record.name not in browser("sales").get("/customer/trash").text
    browser("sales").post("/customer/trash/restore", data={"ids": record.id})
    db.session.rollback()
    with admin():
        left = Records(registry.current().entity("Customer")).in_trash().ids()
    assert left == [record.id]


def test_nothing_chosen_or_too_much_is_refused(client: Any) -> None:
    assert client.post("/parcel/trash/restore").status_code == 422
    many = {"ids": list(range(1, 600))}
    assert client.post("/parcel/trash/restore", data=many).status_code == 422
    assert client.get("/parcel/trash/restore").status_code in (404, 405)


def test_pages_of_the_trash(client: Any, as_admin: Any) -> None:
    records = [factories.make("Parcel", name=f"第{n:03}件") for n in range(55)]
    trash(*records)
    first = client.get("/parcel/trash").text
    next_page = first.split('rel="next" href="')[1].split('"')[0]
    second = client.get(next_page.replace("&amp;", "&")).text
    names = [f"第{n:03}件" for n in range(55)]
    assert sum(name in first for name in names) == 50
    assert sum(name in second for name in names) == 5
