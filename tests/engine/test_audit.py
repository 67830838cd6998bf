"""The audit log: entries with and apart from transactions, sealing at once, what verifying finds."""

from __future__ import annotations

import contextlib
import datetime
import json
import multiprocessing
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from app.engine import audit, policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.audit import heads, reading, retention, sealing, triggers
from app.engine.audit import verify as verifying
from app.engine.audit.models import AuditEntry

VERIFIER = Path(verifying.__file__)


@pytest.fixture(autouse=True)
def _from_the_beginning(app) -> None:
    """Without what seeding has recorded: positions count from one."""
    without_guards("DELETE FROM audit_entry")


def entries() -> list[dict]:
    """Every sealed entry in the order of the chain, as it is exported."""
    db.session.commit()
    found = db.session.scalars(
        select(AuditEntry).where(AuditEntry.position.is_not(None)).order_by(AuditEntry.position),
        execution_options={"populate_existing": True},
    )
    rows = [sealing.as_json(entry) | {"hash": entry.hash} for entry in found]
    db.session.commit()
    return rows


def some(number: int) -> list[dict]:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        for place in range(number):
            audit.record("settings.changed", details={"place": place, "名": "值"})
    audit.seal()
    return entries()


def without_guards(*statements: str) -> None:
    """What the owner of the database can do."""
    db.session.commit()  # it would wait for our reading transaction
    with db.engine.begin() as connection:
        for statement in triggers.dropping(connection.dialect.name):
            connection.exec_driver_sql(statement)
        for statement in statements:
            connection.execute(text(statement))
        for statement in triggers.creating(connection.dialect.name):
            connection.exec_driver_sql(statement)
    db.session.commit()


def taken_back(**details: object) -> None:
    with contextlib.suppress(RuntimeError), write_transaction():
        audit.record("settings.changed", details=details)
        raise RuntimeError


def test_an_entry_goes_with_its_transaction(app, as_admin) -> None:
    taken_back(name="lost")
    with write_transaction():
        audit.record("settings.changed", entity="Parcel", record_id=7, details={"name": "kept"})
    (found,) = db.session.scalars(select(AuditEntry).where(AuditEntry.kind == "settings.changed"))
    assert json.loads(found.details) == {"name": "kept"}
    assert (found.entity, found.record_id, found.user_id) == ("Parcel", 7, as_admin.user_id)
    assert found.at.tzinfo is not None


def test_a_kind_without_a_word_is_a_fault(app, as_admin) -> None:
    with pytest.raises(KeyError):
        audit.record("no such kind")


def test_the_chain_is_gapless_though_ids_are_not(app) -> None:
    some(5)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        taken_back()
    found = some(3)
    assert [entry["position"] for entry in found] == list(range(1, len(found) + 1))
    verdict = verifying.verify(found)
    assert verdict.sound
    assert verdict.last == len(found)
    assert audit.seal() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET who = 'nobody' WHERE position = 2",
        "UPDATE audit_entry SET hash = 'x' WHERE position = 2",
        "UPDATE audit_entry SET who = 'nobody', position = 99 WHERE position IS NULL",
        "DELETE FROM audit_entry WHERE position = 2",
        "DELETE FROM audit_entry WHERE position IS NULL",
        "DELETE FROM audit_checkpoint",
    ],
)
def test_the_database_refuses_changes(app, statement: str) -> None:
    some(3)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        audit.record("settings.changed")
    with write_transaction() as session:
        session.add(audit.AuditCheckpoint(position=1, hash="0" * 64, at=now()))
    with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
        connection.execute(text(statement))


def test_emptying_the_table_is_refused(app) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    some(1)
    with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit_entry"))


def test_what_is_changed_without_a_trace_is_found(app) -> None:
    before = some(6)
    head = {"position": before[-1]["position"], "hash": before[-1]["hash"]}
    without_guards("UPDATE audit_entry SET who = 'nobody' WHERE position = 3")
    assert any("3 was changed" in line for line in verifying.verify(entries(), [head]).findings)


def test_what_is_deleted_in_the_middle_is_found(app) -> None:
    some(6)
    without_guards("DELETE FROM audit_entry WHERE position = 3")
    assert any("3 to 3 are missing" in line for line in verifying.verify(entries()).findings)


def test_a_cut_tail_is_found_by_the_head(app) -> None:
    before = some(6)
    head = {"position": before[-1]["position"], "hash": before[-1]["hash"]}
    without_guards("DELETE FROM audit_entry WHERE position >= 5")
    assert verifying.verify(entries()).sound, "the chain alone can't know"
    assert any("cut off" in line for line in verifying.verify(entries(), [head]).findings)


def test_a_cut_beginning_is_found(app) -> None:
    some(6)
    without_guards("DELETE FROM audit_entry WHERE position <= 2")
    assert any("begins at 3" in line for line in verifying.verify(entries()).findings)


def test_a_chain_computed_anew_is_found_by_the_head(app) -> None:
    before = some(6)
    head = {"position": before[3]["position"], "hash": before[3]["hash"]}
    forged, last = [], verifying.GENESIS
    for entry in before:
        made = {**entry, "who": "nobody", "previous": last}
        last = made["hash"] = verifying.digest(made)
        forged.append(made)
    assert verifying.verify(forged).sound, "the chain alone can't know"
    assert any("written down outside" in line for line in verifying.verify(forged, [head]).findings)


def test_the_verifier_needs_python_alone(app, tmp_path: Path) -> None:
    found = some(4)
    log, heads = tmp_path / "log.jsonl", tmp_path / "heads.jsonl"
    log.write_text("".join(json.dumps(entry) + "\n" for entry in found))
    heads.write_text(json.dumps({"position": found[-1]["position"], "hash": found[-1]["hash"]}))
    copied = tmp_path / "verify.py"
    copied.write_text(VERIFIER.read_text())

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-I", "-S", str(copied), *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    sound = run(log, heads)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "0 findings" in sound.stdout
    assert "1 heads met" in sound.stdout
    log.write_text("".join(json.dumps(entry) + "\n" for entry in found[:-1]))
    cut = run(log, heads)
    assert cut.returncode == 1
    assert "cut off" in cut.stdout
    assert run(tmp_path / "none").returncode == 2


# -- several processes at once ---------------------------------------------------------------------

WRITERS, EACH = 3, 40


def _write(settings, number: int) -> None:
    """A process that writes entries, takes some back, and seals now and then."""
    from app import create_app

    with create_app(settings).app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        for place in range(EACH):
            with contextlib.suppress(RuntimeError), write_transaction():
                audit.record("settings.changed", details={"writer": number, "place": place})
                if place % 5 == 4:
                    raise RuntimeError("taken back")
            if place % 3 == number % 3:
                audit.seal()


def test_writers_and_sealers_of_several_processes_make_one_chain(app, settings) -> None:
    db.session.remove()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(settings, n)) for n in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * WRITERS
    audit.seal()
    found = [entry for entry in entries() if entry["kind"] == "settings.changed"]
    assert len(found) == WRITERS * EACH * 4 // 5
    for number in range(WRITERS):
        places = [e["details"]["place"] for e in found if e["details"]["writer"] == number]
        assert places == sorted(places), "a writer's own entries keep their order"
    assert verifying.verify(entries()).sound


def test_an_entry_committed_late_is_sealed_late(app) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    some(1)
    engine = create_engine(db.engine.url)
    insert = (
        "INSERT INTO audit_entry (at, who, door, kind, details)"
        " VALUES (now(), 'slow', 'command', 'settings.changed', '{}') RETURNING id"
    )
    with engine.connect() as slow:
        early = slow.execute(text(insert)).scalar_one()
        later = some(2)
        assert all(entry["id"] != early for entry in later)
        slow.commit()
    engine.dispose()
    audit.seal()
    found = entries()
    assert found[-1]["id"] == early < found[-2]["id"]
    assert verifying.verify(found).sound


def test_sealing_that_is_interrupted_leaves_nothing_half(app, monkeypatch) -> None:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        for _place in range(4):
            audit.record("settings.changed")
    real, calls = sealing.digest, []

    def dies(content):
        calls.append(content)
        if len(calls) == 3:
            raise OSError("power cut")
        return real(content)

    monkeypatch.setattr(sealing, "digest", dies)
    with pytest.raises(OSError, match="power cut"):
        audit.seal()
    db.session.rollback()
    assert entries() == []
    monkeypatch.setattr(sealing, "digest", real)
    audit.seal()
    assert verifying.verify(entries()).sound
    assert db.session.scalar(select(func.count()).where(AuditEntry.position.is_(None))) == 0


# -- heads outside the database, and the purge -----------------------------------------------------


def test_heads_are_written_outside_and_show_a_cut_tail(app, tmp_path, monkeypatch, caplog) -> None:
    kept = replace(app.config["STEWARD"], audit_head_file=f"file://{tmp_path}/kept/heads.jsonl")
    monkeypatch.setitem(app.config, "STEWARD", kept)
    app.extensions.pop("steward.audit_head", None)
    some(3)
    assert heads.write()
    assert not heads.write(), "it has not moved"
    last = some(3)[-1]
    assert heads.write()
    (_first, second) = heads.written()
    assert (second["position"], second["hash"]) == (last["position"], last["hash"])
    assert last["hash"] in caplog.text
    assert (tmp_path / "kept" / "heads.jsonl").stat().st_mode & 0o077 == 0
    assert reading.verdict().sound
    without_guards("DELETE FROM audit_entry WHERE position >= 4")
    assert any("cut off" in line for line in reading.verdict().findings)


def test_heads_go_to_a_store_as_objects(app, monkeypatch) -> None:
    kept = replace(app.config["STEWARD"], audit_head_file="memory://audit-heads")
    monkeypatch.setitem(app.config, "STEWARD", kept)
    app.extensions.pop("steward.audit_head", None)
    some(2)
    heads.write()
    some(2)
    heads.write()
    assert [head["position"] for head in heads.written()] == [2, 4]
    assert reading.verdict().heads_met == 2


def aged(number: int, years: int) -> None:
    """Entries as they would be after so many years."""
    statement = (
        "INSERT INTO audit_entry (at, who, door, kind, details)"
        " VALUES (:at, 'system', 'command', 'settings.changed', '{}')"
    )
    at = now() - datetime.timedelta(days=366 * years + 1)
    value = at if db.engine.dialect.name == "postgresql" else at.replace(tzinfo=None).isoformat(" ")
    with db.engine.begin() as connection:
        for _place in range(number):
            connection.execute(text(statement), {"at": value})
    db.session.commit()


def test_the_purge_leaves_younger_entries_and_a_chain_that_can_be_verified(app) -> None:
    aged(5, years=3)
    some(3)
    before = {entry["position"]: entry["hash"] for entry in entries()}
    with policy.acting_as(policy.SYSTEM_VIEWER):
        assert retention.purge_some() == 5
        assert retention.purge_some() == 0
    found = entries()
    assert [entry["position"] for entry in found] == [6, 7, 8, 9]
    assert found[-1]["kind"] == "audit.purged"
    assert found[-1]["details"] == {"through": 5, "hash": before[5], "entries": 5, "years": 3}
    assert verifying.verify(found, [{"position": 8, "hash": before[8]}]).sound
    cut = [entry for entry in found if entry["kind"] != "audit.purged"]
    assert any("begins at 6" in line for line in verifying.verify(cut).findings)


def test_a_purge_before_its_time_is_found_by_the_heads(app) -> None:
    early = some(4)[1]
    head = {"position": 2, "hash": early["hash"], "at": now().isoformat()}
    with policy.acting_as(policy.SYSTEM_VIEWER):
        details = {"through": 2, "hash": early["hash"], "entries": 2, "years": 3}
        audit.record("audit.purged", details=details)
    audit.seal()
    without_guards("DELETE FROM audit_entry WHERE position <= 2")
    found = entries()
    assert verifying.verify(found).sound, "the chain alone can't know"
    assert any("younger than 3" in line for line in verifying.verify(found, [head]).findings)
    old = {**head, "at": (now() - datetime.timedelta(days=3 * 366)).isoformat()}
    assert verifying.verify(found, [old]).sound


def test_a_log_of_which_all_is_old_goes_on(app) -> None:
    aged(4, years=4)
    audit.seal()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        retention.purge_some()
    assert [entry["position"] for entry in some(1)] == [5, 6]
    assert verifying.verify(entries()).sound


def test_entries_that_stay_unsealed_are_found(app) -> None:
    aged(1, years=0)
    assert any("not been sealed" in line for line in reading.verdict().findings)


def test_details_hold_what_every_database_stores(app, as_admin) -> None:
    odd = "a\0b\ud800"
    audit.record("settings.changed", details={odd: [odd, 1, None, True], "long": "x" * 9000})
    audit.record("settings.changed", details={odd: odd})
    audit.seal()
    long, short = (entry["details"] for entry in entries())
    assert long["too_long"] > 9000
    assert short == {"a�b?": "a�b?"}
    assert verifying.verify(entries()).sound


def test_the_head_is_mailed_where_that_is_set(app, monkeypatch) -> None:
    letters: list = []

    class Post:
        def send(self, letter, _before) -> None:
            letters.append(letter)

    monkeypatch.setattr(heads, "post", Post)
    run = SimpleNamespace(id="a run")
    last = some(2)[-1]
    assert heads.mail(run) == {}, "nobody is to be mailed"
    wanted = replace(app.config["STEWARD"], audit_head_mail="auditor@example.org")
    monkeypatch.setitem(app.config, "STEWARD", wanted)
    assert heads.mail(run)["hash"] == last["hash"]
    (letter,) = letters
    assert letter.address == "auditor@example.org"
    kept = json.loads(letter.text.strip().splitlines()[-1])
    assert verifying.verify(entries(), [kept]).heads_met == 1
