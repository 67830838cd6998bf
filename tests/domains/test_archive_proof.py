"""Planted tampering with the archive: `run.py verify-archive` finds every one, and nothing where all is well."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, update

from app.engine import audit
from app.engine.adapters.database import Model, db
from app.engine.adapters.storage import store
from app.engine.archives import checking, proof
from app.engine.archives.zipping import Member, ZipStream
from app.engine.audit import heads, sealing, triggers
from app.engine.audit import verify as chain
from app.engine.audit.models import AuditEntry
from tests.domains.test_archiving import a_class, a_document, collected, no_queue, sealed
from tests.factories import make

pytestmark = pytest.mark.usefixtures("as_admin", "no_queue")
__all__ = ["no_queue"]

KEPT = ("audit_entry", "archive_package", "archive_item", "document_file", "document_version",
        "document", "stored_file", "series_counter")  # fmt: skip


class World:
    """A small archive, and all of it as it was, to be put back after each tampering."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = [Model.metadata.tables[name] for name in KEPT]
        self.rows = {table.name: self._rows(table) for table in self.tables}
        self.files = {path: self.bytes(path) for path in self.paths()}
        self.contents = [path for path in self.files if path.startswith("files/")]
        self.packages = [path for path in self.files if path.startswith("archives/")]

    def paths(self) -> list[str]:
        return [*store().paths("files"), *store().paths("archives")]

    def bytes(self, path: str) -> bytes:
        with store().open(path) as file:
            return file.read()

    def put(self, path: str, content: bytes) -> None:
        store().save(path, io.BytesIO(content))

    def sql(self, *statements: Any) -> None:
        """As the owner of the database, triggers or not."""
        db.session.commit()
        with db.engine.begin() as connection:
            for statement in triggers.dropping(connection.dialect.name):
                connection.exec_driver_sql(statement)
            for statement in statements:
                connection.execute(statement)
            for statement in triggers.creating(connection.dialect.name):
                connection.exec_driver_sql(statement)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def row(self, name: str, at: int = 0) -> dict[str, Any]:
        return sorted(self.rows[name].values(), key=lambda one: str(one))[at]

    def set(self, name: str, at: int = 0, /, **values: Any) -> None:
        table = self.table(name)
        self.sql(update(table).where(table.c.id == self.row(name, at)["id"]).values(**values))

    def _rows(self, table: Table) -> dict[Any, dict[str, Any]]:
        db.session.commit()
        key = next(iter(table.primary_key.columns)).name
        with db.engine.connect() as connection:
            found = connection.execute(select(table)).mappings().all()
        return {row[key]: dict(row) for row in found}

    def restore(self) -> None:
        for path in self.paths():
            if path not in self.files:
                store().remove(path)
        for path, content in self.files.items():
            if path not in store().paths(path.rpartition("/")[0]) or self.bytes(path) != content:
                self.put(path, content)
        for table in reversed(self.tables):
            self._restore(table)

    def _restore(self, table: Table) -> None:
        now, was = self._rows(table), self.rows[table.name]
        key = next(iter(table.primary_key.columns))
        gone, extra = was.keys() - now.keys(), now.keys() - was.keys()
        differing = [one for one in was.keys() & now.keys() if was[one] != now[one]]
        statements: list[Any] = [delete(table).where(key.in_(extra))] if extra else []
        statements += [insert(table).values(was[one]) for one in gone]
        statements += [update(table).where(key == one).values(was[one]) for one in differing]
        if statements:
            self.sql(*statements)


@pytest.fixture
def world(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for path in store().paths("files"):
        store().remove(path)
    settings = replace(app.config["STEWARD"], audit_head_file=f"file://{tmp_path}/heads.jsonl")
    monkeypatch.setitem(app.config, "STEWARD", settings)
    monkeypatch.setitem(app.extensions, "steward.audit_head", None)
    fonds = make("Fonds", code="R001")
    for code in ("TH", "TJ"):
        kind = a_class(code=code)
        for _number in range(2):
            a_document(2, document_class=kind.id)
        sealed(collected(document_class=kind.id, fonds=fonds.id))
    audit.seal()
    heads.write()
    return World(tmp_path)


Tampering = Callable[[World], None]


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def bytes_changed(world: World) -> Iterator[tuple[str, Tampering]]:
    chance = random.Random(6)
    for path in (*world.contents, *world.packages * 8):
        content = world.files[path]
        place = chance.randrange(len(content))

        def change(w: World, path: str = path, place: int = place) -> None:
            w.put(path, flipped(w.files[path], place))

        yield f"byte {place} of {path} changed", change


def files_swapped(world: World) -> Iterator[tuple[str, Tampering]]:
    def swap(one: str, two: str) -> Tampering:
        def swapped(w: World) -> None:
            w.put(one, w.files[two])
            w.put(two, w.files[one])

        return swapped

    yield "two stored files swapped", swap(*world.contents[:2])
    yield "two packages swapped", swap(*world.packages[:2])
    for path in (world.contents[0], world.packages[0]):
        yield f"{path} cut", lambda w, path=path: w.put(path, w.files[path][:-1])
        yield f"{path} longer", lambda w, path=path: w.put(path, w.files[path] + b"\0")
        yield f"{path} gone", lambda w, path=path: store().remove(path)


def strangers(_world: World) -> Iterator[tuple[str, Tampering]]:
    def add(path: str) -> Tampering:
        def added(w: World) -> None:
            w.put(path, b"stranger")
            with store().local(path) as place:
                long_ago = time.time() - 10 * 24 * 3600
                os.utime(place, (long_ago, long_ago))

        return added

    sha = hashlib.sha256(b"stranger").hexdigest()
    yield "a stored file that no row knows", add(f"files/{sha[:2]}/{sha[2:4]}/{sha}")
    yield "a package that no row knows", add("archives/00009999.zip")


def rows_edited(world: World) -> Iterator[tuple[str, Tampering]]:
    other_seal = world.row("archive_package", 1)["seal"]
    edits: list[tuple[str, dict[str, Any]]] = [
        ("document", {"title": "假合同"}),
        ("document", {"state": "in_force"}),
        ("document", {"retention": "years_30"}),
        ("document_version", {"comment": "假"}),
        ("document_version", {"in_force": False}),
        ("document_file", {"name": "假.pdf"}),
        ("document_file", {"content_id": world.row("document_file", 3)["content_id"]}),
        ("archive_item", {"title": "假"}),
        ("archive_item", {"place": 99}),
        ("archive_item", {"number": "R001-TH-2026-D10-0099"}),
        ("archive_package", {"seal": other_seal}),
        ("archive_package", {"state": "open"}),
        ("archive_package", {"title": "假"}),
        ("stored_file", {"sha256": "0" * 64}),
        ("stored_file", {"size": 3}),
    ]  # fmt: skip
    for name, values in edits:
        yield f"{name}: {values}", lambda w, n=name, v=values: w.set(n, 0, **v)
    for name in ("archive_item", "document_file"):
        table = world.table(name)
        row = world.row(name)["id"]
        yield f"{name} deleted", lambda w, t=table, r=row: w.sql(delete(t).where(t.c.id == r))
        row_added = {
            **world.row(name),
            "id": 5000,
            "document_id": None,
            "number": None,
            "only_of": None,
        }
        values = {k: v for k, v in row_added.items() if k in table.c}
        yield f"{name} added", lambda w, t=table, v=values: w.sql(insert(t).values(v))
    counter = world.table("series_counter")
    yield (
        "a number left out",
        lambda w: w.sql(
            update(counter).where(counter.c.name.like("archives.%")).values(last=counter.c.last + 1)
        ),
    )


def register_changed(world: World) -> Iterator[tuple[str, Tampering]]:
    entry = world.table("audit_entry")
    last = max(row["position"] or 0 for row in world.rows["audit_entry"].values())
    for cut in (1, 3, 20):
        yield (
            f"the register's last {cut} cut",
            lambda w, cut=cut: w.sql(delete(entry).where(entry.c.position > last - cut)),
        )
    yield "an entry taken out", lambda w: w.sql(delete(entry).where(entry.c.position == last - 5))
    registered = [r for r in world.rows["audit_entry"].values() if r["kind"] == "register"]
    for row in registered[:: max(1, len(registered) // 5)]:
        said = {**json.loads(row["details"]), "sha256": "0" * 64}
        yield (
            f"entry {row['position']} edited",
            lambda w, r=row, s=said: w.sql(
                update(entry).where(entry.c.id == r["id"]).values(details=json.dumps(s))
            ),
        )
    yield "a row edited, its entry too, the chain recomputed", recomputed


def recomputed(w: World) -> None:
    """What a clever owner of the database does: only the heads outside know better."""
    w.set("document", 0, title="假合同")
    from app.engine import policy
    from app.engine.changes import register
    from app.engine.registry import current

    document = w.row("document", 0)["id"]
    with policy.unrestricted("the forger looks") as session:
        state = register.states(session, current().entity("Document"), [document])[document]
    entry = w.table("audit_entry")
    mine = [
        row for row in w.rows["audit_entry"].values()
        if (row["kind"], row["entity"], row["record_id"]) == ("register", "Document", document)
    ]  # fmt: skip
    newest = max(mine, key=lambda row: row["id"])
    details = json.dumps({**json.loads(newest["details"]), **state})
    w.sql(update(entry).where(entry.c.id == newest["id"]).values(details=details))
    db.session.commit()
    head, statements = chain.GENESIS, []
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.position))
    for one in entries.all():
        if one.position is None:
            continue
        content = sealing.as_json(one) | {"previous": head}
        before, head = head, chain.digest(content)
        statements.append(
            update(entry).where(entry.c.id == one.id).values(previous=before, hash=head)
        )
    db.session.rollback()
    w.sql(*statements)


def manifests_rewritten(world: World) -> Iterator[tuple[str, Tampering]]:
    def forged(path: str, with_row: bool) -> Tampering:
        def change(w: World) -> None:
            content, seal = forge(w.files[path], w.folder)
            w.put(path, content)
            if with_row:
                table = w.table("archive_package")
                w.sql(update(table).where(table.c.path == path)
                      .values(seal=seal, size=len(content)))  # fmt: skip

        return change

    for path in world.packages:
        yield f"{path}: its manifests rewritten", forged(path, False)
        yield f"{path}: its manifests rewritten, its row too", forged(path, True)


def forge(content: bytes, folder: Path) -> tuple[bytes, str]:
    """The package with another file in it, in itself without fault; and the seal it would have."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            files[name] = archive.read(name)
    top = next(iter(files)).partition("/")[0]
    victim = next(name for name in files if name.startswith(f"{top}/data/"))
    swaps = {files[victim]: bytes(reversed(files[victim]))}
    before = hashlib.sha256(files[victim]).hexdigest().encode()
    files[victim] = swaps[files[victim]]
    after = hashlib.sha256(files[victim]).hexdigest().encode()
    manifest, tags = f"{top}/{checking.MANIFEST}", f"{top}/{checking.TAG_MANIFEST}"
    for name in (manifest, f"{top}/{checking.METADATA}", f"{top}/{checking.TABLE}"):
        old = hashlib.sha256(files[name]).hexdigest().encode()
        files[name] = files[name].replace(before, after)
        new = hashlib.sha256(files[name]).hexdigest().encode()
        files[tags] = files[tags].replace(old, new)
    members = []
    for at, (name, data) in enumerate(files.items()):
        place = folder / f"forged-{at}"
        place.write_bytes(data)
        members.append(Member(name, place, name.startswith(f"{top}/data/")))
    stream = ZipStream(members)
    made = b"".join(iter(lambda: stream.read(1 << 20), b""))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert checking.check(checking.Zipped(archive)) == []
    return made, stream.seal


KINDS = (bytes_changed, files_swapped, strangers, rows_edited, register_changed,
         manifests_rewritten)  # fmt: skip


def test_every_planted_tampering_is_found(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    report = proof.verify()
    assert report.findings == []
    assert (report.packages, report.files) == (2, 8)
    missed, planted = [], {}
    for kind in KINDS:
        for what, tamper in kind(world):
            planted[kind.__name__] = planted.get(kind.__name__, 0) + 1
            tamper(world)
            if proof.verify().sound:
                missed.append(what)
            world.restore()
    with capsys.disabled():
        total = sum(planted.values())
        print(f"\ntampering planted {total}, found {total - len(missed)}: {planted}")
    assert missed == []
    assert proof.verify().findings == []
