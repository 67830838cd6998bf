"""Erasing a person: nowhere in the database or the stored files is any of their words left.

Proven by dumping every table, search tables and all, to text; on SQLite the file's own bytes too.
"""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text

import jobs
from app.engine import notices, personal, policy, registry
from app.engine.adapters.database import db, dialect_name, now, write_transaction
from app.engine.adapters.storage import FileGone, store
from app.engine.changes import Change, change_set, undo
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.job import DONE, FAILED, Job, request_job
from app.engine.surfaces import exports
from app.engine.surfaces.imports import ImportRun
from app.engine.surfaces.imports.models import DONE as IMPORTED
from tests.factories import make

NAME = "金丝雀娜"
PHONE = "13987650123"
EMAIL = "canary.bird@example.org"
WECHAT = "canary_wx_77"
OLD_PHONE = "13700001234"
WORDS = (NAME, PHONE, EMAIL, WECHAT, OLD_PHONE, "139 8765 0123")


pytestmark = pytest.mark.usefixtures("sent")


@pytest.fixture
def person(as_admin: Any) -> Any:
    """Somebody with a history, in all places that there are."""
    customer = make("Customer", name="雀鸟有限公司", notes="公司一般信息")
    contact = make(
        "Contact", customer=customer.id, name=NAME, phone=OLD_PHONE, email=EMAIL, wechat=WECHAT,
        notes=f"请打 {PHONE}", job_title="采购经理",
    )  # fmt: skip
    definition = registry.current().entity("Contact")
    with change_set("form") as changes:
        changes.update(definition, contact.id, {"phone": PHONE, "name": NAME})
    return SimpleNamespace(id=contact.id, customer_id=customer.id)


def dump() -> dict[str, str]:
    """Every table of the database as text."""
    db.session.rollback()
    with db.engine.connect() as connection:
        if dialect_name() == "sqlite":
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
        else:
            names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = list(connection.scalars(text(names)))
        return {
            name: "\n".join(
                _line(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))
            )
            for name in tables
        }


def _line(row: Any) -> str:
    """A row with JSON's escapes undone and bytes as they are."""
    parts = [
        bytes(v).decode("utf-8", "replace") if isinstance(v, (bytes, memoryview)) else str(v)
        for v in row
    ]
    line = "\t".join(parts)
    return line + json.dumps(parts, ensure_ascii=False).encode().decode("unicode_escape", "replace")


def places_with(word: str) -> list[str]:
    escaped = json.dumps(word)[1:-1]
    return [name for name, content in dump().items() if word in content or escaped in content]


def run(job: Job) -> Job:
    db.session.commit()
    jobs.run_job(job.id)
    done = db.session.get(Job, job.id, populate_existing=True)
    assert done is not None
    return done


def erase(contact: Any, chosen: tuple[str, ...] = (), request: int | None = None) -> Any:
    order = personal.Order("Contact", contact.id, chosen, request)
    done = run(request_job("personal.erase", order.as_json(), title="x"))
    assert done.state == DONE, done.message
    return personal.proof_of(db.session(), done.result["proof"])


def plant_everywhere(contact: Any, tmp_path: Path) -> None:
    """The person in notifications, jobs, imports, mails' text, files, other records."""
    user = policy.current_viewer().user_id
    make("Customer", name="提到的公司", notes=f"联系人 {NAME}，电话 {PHONE}，邮箱 {EMAIL}")
    make("Consent", contact=contact.id, source=f"{NAME}的电话", evidence=f"来自 {PHONE}")
    make(
        "PersonalDataRequest", asked_by=NAME, reach=EMAIL, wish="请删除",
        entity="Contact", record=contact.id,
    )  # fmt: skip
    gone = make("Contact", name=NAME, phone=PHONE)
    with change_set("form") as changes:
        changes.trash(registry.current().entity("Contact"), gone.id)
        changes.purge(registry.current().entity("Contact"), gone.id)
    csv = "姓名,手机\n" + f"{NAME},{PHONE}\n"
    store().save("imports/canary", io.BytesIO(csv.encode("gb18030")))
    with write_transaction() as session:
        notices.notify(session, user, f"{NAME} 已移动", f"/contact/{contact.id}", detail=PHONE)
        session.add(
            ImportRun(
                entity="Contact", user_id=user, user_name="系统管理员", created_at=now(),
                file_name=f"{NAME}.csv", file_path="imports/canary", file_size=1, sha256="0" * 64,
                state=IMPORTED, options={}, refusals=[{"row": 2, "value": PHONE}],
            )
        )  # fmt: skip
    old = request_job("clean_up", {"words": [NAME, PHONE]}, title=f"导出 {NAME}")
    with write_transaction() as session:
        session.get_one(Job, old.id).state = DONE
    for kind in ("csv", "xlsx", "pdf"):
        wanted = exports.Request(
            "Contact", kind, fields=("name", "phone") if kind == "pdf" else None
        )
        assert run(request_job("export", wanted.as_json(), title="导出")).state == DONE


def test_no_word_of_the_person_is_left_anywhere(person: Any, tmp_path: Path, database: Any) -> None:
    plant_everywhere(person, tmp_path)
    files = [j.result["file"] for j in db.session.scalars(select(Job).where(Job.kind == "export"))]
    assert {"contact", "change", "notification", "job", "import_run"} <= set(places_with(NAME))
    proof = json.dumps(erase(person).erased, ensure_ascii=False)
    left = {word: places for word in WORDS if (places := places_with(word))}
    assert left == {}
    for path in (*files, "imports/canary"):
        with pytest.raises(FileGone), store().local(path):
            pass
    assert "Contact" in proof
    assert not [word for word in WORDS if word in proof]
    if dialect_name() == "sqlite":
        db.session.remove()
        db.engine.dispose()
        raw = b"".join(f.read_bytes() for f in database.file.parent.glob("steward.db*"))
        assert {word for word in WORDS if word.encode() in raw} == set()


def test_undoing_what_was_before_brings_nothing_back(person: Any) -> None:
    definition = registry.current().entity("Contact")
    with change_set("form") as renaming:
        renaming.update(definition, person.id, {"email": "other@example.org", "notes": "新备注"})
    with change_set("form") as trashing:
        trashing.trash(definition, person.id)
    erasing = erase(person).change_set_id
    for made in (trashing.id, renaming.id):
        undo(made)
    report = undo(erasing)
    assert (report.reversed, report.blocked) == (0, 1)
    assert {word: found for word in (*WORDS, "other@example.org", "新备注")
            if (found := places_with(word))} == {}  # fmt: skip
    with change_set("form") as changes:
        changes.restore(definition, person.id)
    record = db.session.get_one(definition.model, person.id, populate_existing=True)
    assert (record.phone, record.email, record.notes, record.birthday) == (None,) * 4


def test_undoing_the_creation_and_undoing_that_brings_nothing_back(as_admin: Any) -> None:
    """The row that undo kept, to make a removed record again, is cleaned like any other history."""
    with change_set("form") as made:
        make("Contact", name=NAME, phone=PHONE)
    other = make("Contact", name="另一人", notes=f"同事电话 {PHONE}").id
    first = undo(made.id)
    assert first.reversed >= 1
    erase(make("Contact", name=NAME, phone=PHONE))
    assert first.undone_by is not None
    undo(first.undone_by)
    assert places_with(PHONE) == []
    assert places_with(NAME) == []
    kept = db.session.get_one(registry.current().entity("Contact").model, other)
    assert kept.name == "另一人"
    assert kept.notes == "同事电话 ▇▇"


def test_others_of_the_same_name_or_number_stay_unless_chosen(person: Any) -> None:
    namesake = make("Contact", name=NAME, phone="13611112222").id
    colleague = make("Contact", name="共用座机", phone=PHONE).id
    company = make("Customer", name="号码相同的公司", phone=PHONE).id
    erase(person, chosen=(f"Contact:{colleague}",))
    contact, customer = (registry.current().entity(n).model for n in ("Contact", "Customer"))
    assert db.session.get_one(contact, namesake).name == NAME
    assert db.session.get_one(customer, company).phone == PHONE
    trashed = select(contact.phone).where(contact.id == colleague)
    with policy.unrestricted("the emptied record is in the trash") as session:
        assert session.scalars(trashed).all() == [None]


def test_what_was_merged_into_the_person_goes_too(person: Any) -> None:
    from app.engine.changes.merging import merge

    twin = make("Contact", customer=person.customer_id, name="金丝雀小娜", phone="13511113333")
    definition = registry.current().entity("Contact")
    with change_set("merge") as changes:
        merge(changes, definition, person.id, [twin.id])
    erase(person)
    assert places_with("金丝雀小娜") == places_with("13511113333") == []


# -- holds -----------------------------------------------------------------------------------


def test_a_hold_keeps_the_record_and_the_proof_says_why(person: Any) -> None:
    make("LegalHold", entity="Contact", record=person.id, reason="合同纠纷")
    proof = erase(person)
    assert proof.erased == []
    assert [line["record"] for line in proof.kept if line["how"] == "itself"] == [person.id]
    assert "合同纠纷" in json.dumps(proof.kept, ensure_ascii=False)
    assert "contact" in places_with(NAME)


def test_a_hold_on_what_refers_to_the_person_keeps_that_alone(person: Any) -> None:
    consent = make("Consent", contact=person.id, evidence="保留的证据")
    make("LegalHold", entity="Consent", record=consent.id)
    proof = erase(person)
    assert [line["entity"] for line in proof.kept] == ["Consent"]
    assert "contact" not in places_with(PHONE)
    assert places_with("保留的证据") != []


def test_a_hold_that_is_over_or_taken_off_holds_nothing(person: Any) -> None:
    make("LegalHold", entity="Contact", record=person.id, until=datetime.date(2026, 1, 1))
    off = make("LegalHold", entity="Contact", record=person.id)
    with change_set("form") as changes:
        definition = registry.current().entity("LegalHold")
        changes.update(definition, off.id, {"release_reason": "案件已结"})
    assert erase(person).kept == []


def test_what_is_held_is_not_purged(person: Any) -> None:
    definition = registry.current().entity("Contact")
    make("LegalHold", entity="Contact", record=person.id, reason="合同纠纷")
    with change_set("form") as changes:
        changes.trash(definition, person.id)
    with pytest.raises(InvalidInput, match="合同纠纷"), change_set("form") as changes:
        changes.purge(definition, person.id)
    assert "contact" in places_with(NAME)


def test_an_area_registers_reasons_of_its_own(person: Any, monkeypatch: Any) -> None:
    from app.engine import holds

    monkeypatch.setitem(
        holds._reasons, "Contact", [lambda _session, _entity, _id: [holds.Hold("归档期未满")]]
    )
    proof = erase(person)
    assert "归档期未满" in json.dumps(proof.kept, ensure_ascii=False)


# -- runs ------------------------------------------------------------------------------------


def test_a_run_that_dies_before_the_records_is_tried_again_whole(
    person: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    plant_everywhere(person, tmp_path)
    order = personal.Order("Contact", person.id)
    with monkeypatch.context() as broken:
        broken.setattr(
            "app.engine.personal.erasing.erase_fields",
            lambda *_given: (_ for _ in ()).throw(EOFError),
        )
        with pytest.raises(EOFError):
            personal.erase(order)
    assert "contact" in places_with(NAME)
    personal.erase(order)
    db.session.remove()
    personal.compact()
    assert {word: found for word in WORDS if (found := places_with(word))} == {}


def test_a_person_with_a_name_of_the_systems_breaks_nothing(as_admin: Any) -> None:
    contact = make("Contact", name="Contact", phone=PHONE)
    request = make("PersonalDataRequest", asked_by="Contact", entity="Contact", record=contact.id)
    asked = int(request.id)
    order = personal.Order("Contact", contact.id, (), asked)
    personal.erase(order)
    kinds = set(db.session.scalars(select(Change.entity)))
    assert {"Contact", "Customer"} <= kinds
    model = registry.current().entity("PersonalDataRequest").model
    done = db.session.get_one(model, asked, populate_existing=True)
    assert (done.entity, done.state) == ("Contact", "done")


def test_every_text_of_the_system_is_looked_through_or_left_out_with_a_reason() -> None:
    names = {place.name for place in personal.places()}
    assert {
        "notification.message", "notification.detail", "job.title", "job.arguments", "job.result",
        "job_line.message", "mail.subject", "mail.lines", "change_set.reason", "change_set.report",
        "import_run.file_name", "import_run.refusals", "import_refusal.problems",
    } <= names  # fmt: skip


# -- report ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_the_report_holds_everything(person: Any, tmp_path: Path, kind: str) -> None:
    plant_everywhere(person, tmp_path)
    arguments = {"entity": "Contact", "record": person.id, "format": kind}
    done = run(request_job("personal.report", arguments, title="报告"))
    assert done.state == DONE, done.message
    file = str((done.result or {})["file"])
    with store().local(file) as path:
        if kind == "json":
            content = path.read_text("utf-8")
        else:
            with zipfile.ZipFile(path) as book:
                content = "".join(book.read(n).decode() for n in book.namelist() if "xml" in n)
    for word in (NAME, PHONE, EMAIL, WECHAT, OLD_PHONE, "采购经理", "notification.message", ".csv"):
        assert word in content, word
    erase(person)
    with pytest.raises(FileGone), store().local(file):
        pass


def test_only_for_those_with_the_right(person: Any, acting: Callable[..., Any]) -> None:
    acting("sales")
    with pytest.raises(NotAllowed):
        personal.erase(personal.Order("Contact", person.id))
    arguments = {"entity": "Contact", "record": person.id, "format": "json"}
    assert run(request_job("personal.report", arguments, title="x")).state == FAILED
