"""The register: what is done to a registered record is in the chain, and what is done behind it shows."""

from __future__ import annotations

import contextlib
import datetime
import json
from typing import Any

import pytest
from sqlalchemy import select

from app.engine import audit, policy
from app.engine.adapters.database import db, write_transaction
from app.engine.audit import AuditEntry, reading, retention
from app.engine.changes import change_set, register, undo
from app.engine.registry import current
from tests.engine.test_audit import without_guards

DEED = "Deed"


def definition() -> Any:
    return current().entity(DEED)


def made(name: str = "合同") -> int:
    with change_set("form") as changes:
        values = {"name": name, "signed_on": datetime.date(2026, 1, 2)}
        return int(changes.create(definition(), values).id)


def changed(record_id: int, **values: object) -> int:
    with change_set("form") as changes:
        changes.update(definition(), record_id, values)
        return int(changes.id or 0)


def entries(record_id: int) -> list[dict[str, Any]]:
    statement = select(AuditEntry).where(
        AuditEntry.kind == register.KIND, AuditEntry.record_id == record_id
    )
    return [json.loads(one.details) for one in db.session.scalars(statement.order_by("id"))]


def found() -> list[tuple[str, int]]:
    db.session.commit()
    with policy.unrestricted("a test checks all rows") as session:
        return list(register.check(session, definition()))


def behind(*statements: str) -> None:
    """What the owner of the database can do."""
    without_guards(*statements)


def test_every_act_has_its_entry(as_admin: Any) -> None:
    deed = made()
    change = changed(deed, name="补充合同")
    with change_set("form") as changes:
        changes.trash(definition(), deed)
    with change_set("form") as changes:
        changes.restore(definition(), deed)
    undo(change)
    said = entries(deed)
    assert [one["acts"] for one in said] == [
        ["create"], ["update"], ["trash"], ["restore"], ["update"],
    ]  # fmt: skip
    assert said[1]["change_set"] == change
    assert len({one["sha256"] for one in said}) == len(said), "each is of another state"
    assert found() == []


def test_many_at_once_have_one_each(as_admin: Any) -> None:
    deeds = [made(f"合同 {n}") for n in range(3)]
    with change_set("bulk") as changes:
        for deed in deeds:
            changes.update(definition(), deed, {"name": f"新 {deed}"})
            changes.update(definition(), deed, {"name": f"又新 {deed}"})
    assert [len(entries(deed)) for deed in deeds] == [2, 2, 2]
    assert found() == []


def test_what_was_taken_back_has_none(as_admin: Any) -> None:
    with change_set("form") as changes:
        with contextlib.suppress(RuntimeError), changes.attempt():
            lost = changes.create(definition(), {"name": "没有"}).id
            raise RuntimeError
        kept = changes.create(definition(), {"name": "有"}).id
    assert [one["acts"] for one in entries(kept)] == [["create"]]
    assert lost == kept or entries(lost) == []
    assert found() == []


def test_gone_for_good_is_an_entry_too(as_admin: Any) -> None:
    deed = made()
    with change_set("form") as changes:
        changes.trash(definition(), deed)
        changes.purge(definition(), deed)
    assert entries(deed)[-1]["gone"] is True
    undone = made()
    with change_set("form") as changes:
        other = changes.create(definition(), {"name": "误建"})
        set_id, other_id = changes.id, other.id
    undo(int(set_id or 0))
    assert entries(other_id)[-1]["gone"] is True
    assert undone
    assert found() == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE deed SET name = '假' WHERE id = {id}", register.CHANGED),
        ("UPDATE deed SET signed_on = NULL WHERE id = {id}", register.CHANGED),
        ("UPDATE deed SET deleted_at = updated_at WHERE id = {id}", register.CHANGED),
        ("UPDATE deed SET created_by_id = NULL WHERE id = {id}", register.CHANGED),
        ("DELETE FROM deed WHERE id = {id}", register.LOST),
        ("UPDATE deed SET id = id + 5000 WHERE id = {id}", register.STRANGER),
    ],
)
def test_what_is_done_to_a_row_behind_us_shows(as_admin: Any, statement: str, what: str) -> None:
    made("别的")
    deed = made()
    assert found() == []
    behind(statement.format(id=deed))
    assert what in [one[0] for one in found()]


def test_a_row_put_back_as_it_was_shows_too(as_admin: Any) -> None:
    """The version before, with its own hash, is not what the last entry says."""
    deed = made("合同")
    behind("CREATE TABLE deed_kept AS SELECT * FROM deed")
    changed(deed, name="补充")
    columns = "name, version, updated_at"
    behind(
        f"UPDATE deed SET ({columns}) = (SELECT {columns} FROM deed_kept WHERE deed_kept.id = deed.id)",
        "DROP TABLE deed_kept",
    )
    assert found() == [(register.CHANGED, deed)]


def test_the_last_entries_outlast_the_purge_of_the_log(as_admin: Any) -> None:
    deed, gone = made(), made("没了")
    with change_set("form") as changes:
        changes.trash(definition(), gone)
        changes.purge(definition(), gone)
    audit.seal()
    first = entries(deed)[0]
    behind("UPDATE audit_entry SET at = '2001-01-01 00:00:00'")
    while retention.purge_some():
        pass
    audit.seal()
    (kept,) = entries(deed)
    assert kept["sha256"] == first["sha256"]
    assert kept["since"][1].startswith("2001-01-01")
    assert entries(gone) == []
    assert found() == []
    assert not [one for one in reading.verdict().findings if "missing" in one]


def test_without_a_transaction_nothing_is_registered(as_admin: Any) -> None:
    with write_transaction() as session:
        register.write(session, {}, None)
    assert found() == []


def test_records_from_before_there_was_a_register_are_entered_once(as_admin: Any) -> None:
    deed = made()
    behind("DELETE FROM audit_entry WHERE kind = 'register' AND entity = 'Deed'")
    assert found() == [(register.STRANGER, deed)]
    for _time in range(2):
        with write_transaction() as session:
            register.begin(session)
    assert [one["acts"] for one in entries(deed)] == [["begin"]]
    assert found() == []
