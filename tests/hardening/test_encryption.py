"""Sensitive fields where a key is set: nowhere to be read, and everything that can still work works."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select, text

from app.commands import encrypt, keys
from app.engine import personal, policy, registry
from app.engine.adapters import queue, sealed_files, vault
from app.engine.adapters.database import Model, db, write_transaction
from app.engine.adapters.storage import store
from app.engine.adapters.vault import Vault, VaultClosed
from app.engine.bulk import Selection
from app.engine.bulk.duplicates import groups
from app.engine.changes import change_set, encryption
from app.engine.changes.undo import undo
from app.engine.conditions import Condition, Sort
from app.engine.contents import keeping
from app.engine.errors import StewardError
from app.engine.job import Job, request_job
from app.engine.query import Records, matching
from app.engine.surfaces import exports
from app.engine.surfaces.imports import command as import_command
from config import Settings, SettingsError
from tests import factories, sample_files
from tests.factories import make
from tests.reading_files import filed, read_all

OLD, NEW = "the first key, thirty-two and more signs", "the second key, thirty-two and more signs"

PHONE, EMAIL, WECHAT, BIRTHDAY = (
    "138-0013-8777",
    "canary.liu@example.org",
    "canary_wx77",
    "1987-06-05",
)
CANARIES = ("138-0013-8777", "13800138777", "canary.liu", "canary_wx77", "1987-06-05")


@pytest.fixture
def with_keys(app: Any) -> Iterator[Any]:
    """`with_keys(NEW, OLD)`: from here on with these keys; the search tables are as a start makes them."""
    for left in store().paths():  # by other tests, under other keys
        store().remove(left)

    def change(*secrets: str) -> None:
        vault.use(secrets)
        app.extensions.pop("steward.registry", None)
        registry.refresh()

    yield change
    change()


def person(**values: Any) -> Any:
    given = {"phone": PHONE, "email": EMAIL, "wechat": WECHAT, "birthday": datetime.date.fromisoformat(BIRTHDAY)}  # fmt: skip
    return make("Contact", **{"name": "刘小姐", **given, **values})


def everything(app: Any, tmp_path: Path) -> bytes:
    """The whole database as it lies on the disk, or as a backup has it."""
    db.session.commit()
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(str(url.database)).read_bytes()
    dumper = shutil.which("pg_dump")
    assert dumper, "pg_dump is needed for this"
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run([dumper, plain], capture_output=True, check=True).stdout


def contacts() -> Records:
    return Records(registry.current().entity("Contact"))


def found(*conditions: Condition) -> list[int]:
    return contacts().where(*conditions).ids()


def test_nothing_is_to_be_read(app: Any, as_admin: Any, with_keys: Any, tmp_path: Path) -> None:
    with_keys(OLD)
    one = person()
    definition = registry.current().entity("Contact")
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": "13800138000", "wechat": "other_canary_wx77"})
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": PHONE, "wechat": WECHAT})
    other = person(phone="+86 13800138777")
    with change_set("form") as changes:
        changes.trash(definition, other.id)
    with change_set("form") as changes:
        changes.purge(definition, other.id)
    content = everything(app, tmp_path)
    assert (
        "刘小姐".encode() in content
    )  # what is not sensitive is there: we looked in the right place
    for canary in (*CANARIES, "other_canary"):
        assert canary.encode() not in content, canary
    db.session.expire_all()
    row = contacts().get(one.id)
    assert (row["phone"], row["email"], row["wechat"]) == (PHONE, EMAIL, WECHAT)
    assert row["birthday"] == datetime.date.fromisoformat(BIRTHDAY)


def test_without_a_key_all_is_as_before(app: Any, as_admin: Any, tmp_path: Path) -> None:
    one = person()
    assert PHONE.encode() in everything(app, tmp_path)
    assert found(Condition("phone", "ct", "0013")) == [one.id]
    assert found(Condition("birthday", "month", "1987-06")) == [one.id]
    assert found(Condition("birthday", "lt", "1990-01-01")) == [one.id]
    assert contacts().sort(Sort.parse("-phone")).page(10).rows
    assert contacts().sort(Sort.parse("birthday")).page(10).rows[0]["birthday"] is not None
    assert contacts().search("0013").ids() == [one.id]


def test_filters_by_the_whole_value(as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one, other = person(), person(phone="010-66668888", email=None, wechat=None, birthday=None)
    for written in (PHONE, "13800138777", "+86 138 0013 8777", "138００138777"):
        assert found(Condition("phone", "eq", written)) == [one.id], written
    assert found(Condition("phone", "neq", PHONE)) == [other.id]
    assert found(Condition("email", "eq", "Canary.Liu@Example.org")) == [one.id]
    assert found(Condition("email", "neq", EMAIL)) == [other.id]
    assert found(Condition("wechat", "in", [WECHAT, "x"])) == [one.id]
    assert found(Condition("wechat", "nin", [WECHAT])) == [other.id]
    assert found(Condition("birthday", "eq", BIRTHDAY)) == [one.id]
    assert found(Condition("birthday", "empty", None)) == [other.id]
    assert found(Condition("email", "nempty", None)) == [one.id]


@pytest.mark.parametrize(
    ("name", "operator", "operand"),
    [("phone", "ct", "0013"), ("phone", "sw", "138"), ("email", "ew", "org"), ("birthday", "lt", "1990-01-01"), ("birthday", "month", "1987-06")],
)  # fmt: skip
def test_what_needs_the_text_itself_is_refused(
    as_admin: Any, with_keys: Any, name: str, operator: str, operand: str
) -> None:
    with_keys(OLD)
    with force_locale("en"), pytest.raises(StewardError, match="cannot be filtered"):
        found(Condition(name, operator, operand))


@pytest.mark.parametrize("name", ["phone", "email", "wechat", "birthday"])
def test_an_order_is_refused(as_admin: Any, with_keys: Any, name: str) -> None:
    with_keys(OLD)
    with force_locale("en"), pytest.raises(StewardError, match="can't be sorted"):
        contacts().sort(Sort.parse(name))


def test_pages_offer_only_what_works(client: Any, as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one = person()
    listed = client.get("/contact/")
    assert PHONE in listed.text
    assert "sort=phone" not in listed.text
    assert client.get("/contact/?sort=phone").status_code in (400, 422)
    assert client.get("/contact/filter?field=phone").status_code == 200
    page = client.get(f"/contact/{one.id}")
    assert EMAIL in page.text
    history = client.get(f"/contact/{one.id}/history")
    assert WECHAT in history.text
    edited = client.get(f"/contact/{one.id}/edit")
    assert BIRTHDAY in edited.text
    answer = client.get(f"/api/v1/contact/{one.id}").get_json()
    assert answer["result"]["phone"] == PHONE


@pytest.mark.parametrize(
    "typed", [PHONE, "13800138777", "138 0013 8777", "+86 138 0013 8777", "8777", EMAIL, WECHAT, "刘小姐 13800138777"]
)  # fmt: skip
def test_search_finds_the_whole_value(as_admin: Any, with_keys: Any, typed: str) -> None:
    with_keys(OLD)
    one = person()
    person(phone="010-66668888", email="else@example.org", wechat="else")
    assert contacts().search(typed).ids() == [one.id]


@pytest.mark.parametrize("typed", ["0013", "138001", "canary", "1380013877"])
def test_search_finds_no_part_of_it(as_admin: Any, with_keys: Any, typed: str) -> None:
    with_keys(OLD)
    person()
    assert contacts().search(typed).ids() == []


def test_undo_works(as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one = person()
    definition = registry.current().entity("Contact")
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": "13900000000", "birthday": None})
    assert changes.id is not None
    undo(changes.id)
    row = contacts().get(one.id)
    assert (row["phone"], str(row["birthday"])) == (PHONE, BIRTHDAY)
    assert contacts().search("13800138777").ids() == [one.id]
    assert contacts().search("13900000000").ids() == []


def test_duplicates_are_found_however_they_are_written(as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one = person()
    definition = registry.current().entity("Contact")
    held = matching(definition, definition.fields["phone"], ["+86 13800138777"])
    assert [record.id for record in held] == [one.id]


def rotate(settings: Settings, *secrets: str) -> int:
    """What `run.py encrypt --rotate` does once through."""
    keys.fit(dataclasses.replace(settings, encryption_keys=secrets))
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return encrypt.everything(as_json=True)


def test_switching_on_later_encrypts_what_is_there(
    app: Any, as_admin: Any, with_keys: Any, settings: Settings, tmp_path: Path
) -> None:
    one = person()
    definition = registry.current().entity("Contact")
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": "13911112222"})
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": PHONE})
    version = one.version
    with_keys(OLD)
    assert contacts().get(one.id)["phone"] == PHONE  # read as it stands, meanwhile
    rotate(settings, OLD)
    with db.engine.begin() as connection:  # SQLite leaves what was there in free pages
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "INSERT INTO search_contact(search_contact) VALUES ('optimize')"
            )
    if db.engine.dialect.name == "sqlite":
        db.session.commit()
        raw = db.engine.raw_connection()
        raw.execute("VACUUM")
        raw.close()
    content = everything(app, tmp_path)
    for canary in (*CANARIES, "13911112222"):
        assert canary.encode() not in content, canary
    db.session.expire_all()
    row = contacts().get(one.id)
    assert (row["phone"], str(row["birthday"]), row["version"]) == (PHONE, BIRTHDAY, version)
    assert contacts().search("13800138777").ids() == [one.id]
    assert found(Condition("phone", "eq", PHONE)) == [one.id]
    undo(int(changes.id or 0))
    assert contacts().get(one.id)["phone"] == "13911112222"


def test_rotation_makes_the_old_key_superfluous(
    app: Any, as_admin: Any, with_keys: Any, settings: Settings
) -> None:
    with_keys(OLD)
    one = person()
    with_keys(NEW, OLD)
    assert found(Condition("phone", "eq", PHONE)) == [one.id]  # by the old mark, meanwhile
    assert contacts().search(PHONE).ids() == [one.id]
    two = person(phone="13700001111")
    rotate(settings, NEW, OLD)
    with_keys(NEW)
    db.session.expire_all()
    assert found(Condition("phone", "eq", PHONE)) == [one.id]
    assert contacts().search(EMAIL).ids() == [two.id, one.id] or contacts().search(EMAIL).ids() == [
        one.id,
        two.id,
    ]
    assert contacts().get(one.id)["email"] == EMAIL
    assert client_history(app, one.id)
    assert rotate(settings, NEW) == 0


def client_history(app: Any, record_id: int) -> bool:
    from app.engine.changes.models import Change

    rows = db.session.scalars(
        select(Change.after).where(Change.record_id == record_id, Change.entity == "Contact")
    )
    return any((row or {}).get("email") == EMAIL for row in rows)


def test_a_wrong_key_opens_nothing(app: Any, as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one = person()
    for secrets in ((NEW,), ()):
        with_keys(*secrets)
        db.session.expire_all()
        with pytest.raises(VaultClosed):
            contacts().get(one.id)


def test_a_start_with_the_wrong_key_fails_in_one_line(app: Any, settings: Settings) -> None:
    keys.fit(settings)
    keys.fit(dataclasses.replace(settings, encryption_keys=(OLD,)))
    keys.fit(dataclasses.replace(settings, encryption_keys=(NEW, OLD)))
    for secrets in ((), (NEW,), (OLD,)):
        with pytest.raises(SettingsError) as refused:
            keys.fit(dataclasses.replace(settings, encryption_keys=secrets))
        assert "\n" not in str(refused.value)
        assert str(refused.value).startswith("ENCRYPTION_KEYS")
        assert OLD not in str(refused.value)


def test_files_are_encrypted_too(app: Any, with_keys: Any, tmp_path: Path) -> None:
    content = "电话,13800138777\n".encode() * 20_000
    store().save("imports/plain", io.BytesIO(content))
    with_keys(OLD)
    assert store().save("imports/one", io.BytesIO(content)) == len(content)
    raw = store()._as_it_is("imports/one").read()
    assert b"13800138777" not in raw
    assert store().open("imports/one").read() == content
    assert store().open("imports/plain").read() == content  # from before the key was set
    with store().local("imports/one") as here:
        assert here.read_bytes() == content
    assert store().seal("imports/plain") is True
    assert store().seal("imports/plain") is False
    assert b"13800138777" not in store()._as_it_is("imports/plain").read()
    with_keys(NEW)
    with pytest.raises(VaultClosed):
        store().open("imports/one")


def test_what_was_read_of_a_file_is_encrypted_too(
    app: Any, as_admin: Any, with_keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_keys(NEW)
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)
    record = filed(lambda path: sample_files.pdf(path, ["润科 geheim"]), "a.pdf")
    read_all()
    (kept,) = db.session.execute(text("SELECT text FROM file_contents")).one()
    assert str(kept if isinstance(kept, str) else json.dumps(kept)).startswith('{"$sealed"')
    assert "geheim" in keeping.pages_of([record.content_id])[record.content_id][0]
    made = [path for path in store().paths("previews") if path.endswith(".webp")]
    assert made
    for path in made:
        assert store().seal(path) is False, "it is encrypted as it is"
        with store().open(path) as file:
            assert file.read(4) == b"RIFF"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_any_size_of_file(size: int) -> None:
    key, content, target = Vault([OLD]), os.urandom(size), io.BytesIO()
    assert sealed_files.write(key.keys[0], io.BytesIO(content), target) == size
    target.seek(0)
    assert sealed_files.opened(key, target).read() == content


def test_a_file_cannot_be_cut_bent_or_put_together_anew() -> None:
    whole, target = Vault([OLD]), io.BytesIO()
    sealed_files.write(whole.keys[0], io.BytesIO(os.urandom(200_000)), target)
    good = target.getvalue()
    piece = 64 * 1024 + 16
    head = sealed_files.HEAD
    bent = [
        good[:-1],
        good[: head + piece],
        good[: head + 2 * piece],
        good[:head] + good[head + piece :],
        good[:head]
        + good[head + piece : head + 2 * piece]
        + good[head : head + piece]
        + good[head + 2 * piece :],
        good[:100] + bytes([good[100] ^ 1]) + good[101:],
        good[:head],
    ]
    for one in bent:
        with pytest.raises(VaultClosed):
            sealed_files.opened(whole, io.BytesIO(one)).read()


def test_texts_that_look_encrypted_stay_what_they_are() -> None:
    for text_ in ("enc1:abc", "raw1:x", "raw1:enc1:y", "", "电话", "a" * 5000):
        for keys_ in (Vault(), Vault([OLD])):
            assert keys_.open(keys_.seal(text_)) == text_


def test_equal_values_look_different_and_cannot_be_bent() -> None:
    closed = Vault([OLD])
    first, second = closed.seal(PHONE), closed.seal(PHONE)
    assert first != second
    with pytest.raises(VaultClosed):
        closed.open(first[:-6] + "AAAAAA")
    with pytest.raises(VaultClosed):
        closed.open(vault.SEALED + "nonsense")
    assert closed.marks(PHONE, "phone") == closed.marks(PHONE, "phone")
    assert closed.marks(PHONE, "phone") != closed.marks(PHONE, "email")


@pytest.mark.parametrize("raw", ["short", "k" * 40 + ",short", "k" * 40 + "," + "k" * 40])
def test_keys_that_are_none(raw: str) -> None:
    with pytest.raises(SettingsError, match="ENCRYPTION_KEYS") as refused:
        Settings.from_environment({"ENCRYPTION_KEYS": raw})
    assert raw not in str(refused.value)


def test_rows_of_jobs_and_imports_are_encrypted(app: Any, as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    with write_transaction():
        job = request_job(
            "export", {"entity": "Contact", "query": [["f", f"phone:eq:{PHONE}"]]}, title="x"
        )
    raw = db.session.execute(
        text("SELECT CAST(arguments AS VARCHAR) FROM job WHERE id = :i"), {"i": job.id}
    )
    assert PHONE not in str(raw.scalar())
    db.session.expire_all()
    assert PHONE in json.dumps(db.session.get_one(Job, job.id).arguments)


def test_the_command_needs_a_key(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="ENCRYPTION_KEYS"):
        encrypt.run(settings, argparse.Namespace(json=True, rotate=True))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_is_plain_and_comes_back(
    app: Any, as_admin: Any, with_keys: Any, tmp_path: Path, kind: str
) -> None:
    with_keys(OLD)
    one = person()
    person(phone="010-66668888", email=None, wechat="=1+1", birthday=None)
    path = tmp_path / f"out.{kind}"
    report = exports.command("Contact", kind, path)
    assert report.rows == 2
    if kind == "csv":
        content = path.read_text(encoding="utf-8-sig")
        assert all(value in content for value in (PHONE, EMAIL, WECHAT, BIRTHDAY))
        assert vault.SEALED not in content
    back = import_command("Contact", path, near="leave")
    assert {name: n for name, n in back.counts.items() if n} == {"total": 2, "duplicate": 2}
    assert contacts().get(one.id)["phone"] == PHONE


def test_an_import_writes_encrypted_rows(
    app: Any, as_admin: Any, with_keys: Any, tmp_path: Path
) -> None:
    with_keys(OLD)
    make("Customer", name="润科")
    path = tmp_path / "people.csv"
    path.write_text(
        f"客户,姓名,电话,邮箱,微信,生日\n润科,甲,{PHONE},{EMAIL},{WECHAT},{BIRTHDAY}\n润科,乙,ab{PHONE}x,{EMAIL}x@,,\n",
        encoding="utf-8",
    )
    report = import_command("Contact", path)
    assert report.counts["new"] == 1
    (row,) = contacts().page(10).rows
    assert (row["phone"], row["wechat"], str(row["birthday"])) == (PHONE, WECHAT, BIRTHDAY)
    assert contacts().search(EMAIL).ids() == [row["id"]]
    assert found(Condition("wechat", "eq", WECHAT)) == [row["id"]]
    content = everything(app, tmp_path)
    for canary in CANARIES:
        assert canary.encode() not in content, canary


def test_duplicates_among_records(as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    ids = [person(phone=phone, email=None).id for phone in (PHONE, "+86 13800138777")]
    person(phone="010-66668888", email=EMAIL)
    definition = registry.current().entity("Contact")
    everybody = Selection(definition, whole=True)
    assert groups(everybody, [definition.fields["phone"]]) == [tuple(ids)]


def test_who_sees_it_masked_still_does(app: Any, browser: Any, with_keys: Any) -> None:
    with_keys(OLD)
    with policy.acting_as(factories.viewer("admin")):
        person()
    seen = {name: browser(name).get("/contact/").text for name in ("admin", "sales")}
    with_keys()
    assert PHONE in seen["admin"]
    assert PHONE not in seen["sales"]  # of somebody else's customer


def test_the_command_goes_on_where_it_stopped(
    app: Any, as_admin: Any, with_keys: Any, settings: Settings, monkeypatch: Any
) -> None:
    customer = make("Customer").id
    ids = [person(customer=customer).id for _n in range(7)]
    with_keys(OLD)
    monkeypatch.setattr(encryption, "AT_ONCE", 2)
    passage = encryption.EntityPassage(registry.current().entity("Contact"))
    write, written = passage._write, []

    def dies(session: Any, changed: Any) -> None:
        write(session, changed)
        written.append(sorted(changed))
        if len(written) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(passage, "_write", dies)
    with pytest.raises(KeyboardInterrupt), policy.acting_as(policy.SYSTEM_VIEWER):
        passage.run()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        assert encryption.EntityPassage(registry.current().entity("Contact")).run() == len(ids) - 4
        assert encryption.EntityPassage(registry.current().entity("Contact")).run() == 0
    assert len(found(Condition("phone", "eq", PHONE))) == len(ids)


def test_an_export_without_a_key(app: Any, as_admin: Any, tmp_path: Path) -> None:
    person(wechat="enc1:odd")
    person(wechat="raw1:odd", birthday=None, phone="+86 10 6666 8888")
    path = tmp_path / "out.csv"
    assert exports.command("Contact", "csv", path).rows == 2
    first, second = sorted(path.read_text(encoding="utf-8-sig").splitlines()[1:])
    assert ",1987-06-05,138-0013-8777,canary.liu@example.org,enc1:odd," in first + second
    assert ",raw1:odd," in first + second
    assert "raw1:enc1" not in first + second


def opened_everywhere() -> str:
    """All tables as whoever has the key reads them."""
    db.session.rollback()
    with db.engine.connect() as connection:
        return "\n".join(
            json.dumps(list(row), default=str, ensure_ascii=False)
            for table in Model.metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def test_erasing_a_person_finds_what_is_encrypted(app: Any, as_admin: Any, with_keys: Any) -> None:
    with_keys(OLD)
    one = person(name="金丝雀娜")
    definition = registry.current().entity("Contact")
    with change_set("form") as changes:
        changes.update(definition, one.id, {"phone": "13911112222", "wechat": "later_canary"})
    gone = person(name="金丝雀娜")
    with change_set("form") as changes:
        changes.trash(definition, gone.id)
    with change_set("form") as changes:
        changes.purge(definition, gone.id)
    with write_transaction():
        job = request_job("export", {"entity": "Contact", "query": [["f", f"wechat:eq:{WECHAT}"]]}, title="x")  # fmt: skip
    with write_transaction() as session:
        session.get_one(Job, job.id).state = "done"
    before = opened_everywhere()
    assert all(word in before for word in (WECHAT, "later_canary", "13911112222", EMAIL))
    personal.erase(personal.Order("Contact", one.id))
    after = opened_everywhere()
    for word in (WECHAT, "later_canary", "13911112222", EMAIL, "金丝雀娜", PHONE):
        assert word not in after, [line[:300] for line in after.splitlines() if word in line]
