"""Files of records: each content kept once, given to nobody who only guesses, never half there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import files, policy, registry
from app.engine.adapters.database import db
from app.engine.adapters.disk import DiskFull
from app.engine.adapters.storage import Storage, store
from app.engine.changes import change_set
from app.engine.changes.merging import merge
from app.engine.changes.undo import undo
from app.engine.errors import InvalidInput, ValueProblem
from app.engine.files import sweeping
from app.engine.files.keeping import UNFINISHED
from app.engine.files.models import FOLDER
from app.engine.query import Records
from tests.factories import filed, make, viewer

CONTENT = "合同正文\n".encode() * 1000


def leaf() -> registry.EntityDefinition:
    return registry.current().entity("Leaf")


def put(content: bytes = CONTENT, name: str = "合同.txt") -> files.StoredFile:
    return files.put(io.BytesIO(content), name)


def kept() -> set[str]:
    return set(store().paths(FOLDER))


def rows() -> int:
    return db.session.scalar(select(func.count(files.StoredFile.id))) or 0


def test_a_content_is_kept_once_under_its_hash(as_admin: Any) -> None:
    first, second = put(), put(name="同一份.txt")
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert first.id == second.id
    assert (first.sha256, first.size, first.media_type) == (digest, len(CONTENT), "text/plain")
    assert f"files/{digest[:2]}/{digest[2:4]}/{digest}" in kept()
    with files.open_file(digest) as file:
        assert file.read() == CONTENT


def test_it_is_read_as_a_stream(as_admin: Any) -> None:
    """Never more of it is asked for at once than a piece."""

    class Endless(io.RawIOBase):
        left = 5_000_000
        most = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            type(self).most = max(self.most, size)
            part = min(size, self.left)
            self.left -= part
            return b"x" * part

    stored = files.put(Endless(), "x.bin")  # type: ignore[arg-type]
    assert stored.size == 5_000_000
    assert Endless.most <= 1024 * 1024


def test_what_is_empty_or_too_large_is_refused_and_leaves_nothing(
    as_admin: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, count = kept(), rows()
    with pytest.raises(ValueProblem, match=r"empty|空"):
        put(b"")
    monkeypatch.setattr(type(app.config["STEWARD"]), "file_limit", 1000)
    with pytest.raises(files.TooLarge):
        put(b"y" * 1001)
    assert (kept(), rows()) == (before, count)


@pytest.mark.parametrize("broken", ["write", "move"])
def test_a_store_that_is_full_or_gone_half_way_leaves_nothing(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    before, count = kept(), rows()

    def full(*_arguments: Any) -> Any:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Storage, broken, full)
    with pytest.raises(DiskFull):
        put(b"z" * 3000)
    monkeypatch.undo()

    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(100)

    with pytest.raises(ConnectionResetError):
        files.put(Cut(b"z" * 3000), "z.bin")
    assert (kept(), rows()) == (before, count)
    assert not store().paths(UNFINISHED)


def test_a_content_that_went_missing_is_there_again_when_somebody_brings_it(as_admin: Any) -> None:
    stored = put(b"once more")
    store().remove(stored.path)
    assert put(b"once more").id == stored.id
    with files.open_file(stored.sha256) as file:
        assert file.read() == b"once more"


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("../../etc/passwd", "passwd"),
        ("合同\u202efdp.exe.txt", "合同fdp.exe.txt"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("合" * 300 + ".txt", "合" * 116 + ".txt"),
    ],
)
def test_names_are_cleaned_wherever_they_come_from(as_admin: Any, name: str, called: str) -> None:
    with change_set("form") as changes:
        record = changes.create(leaf(), {"content": put(name=name).id})
    assert record.name == called


# -- filing ----------------------------------------------------------------------------------


def test_a_file_gives_its_record_the_name_unless_it_has_one(as_admin: Any) -> None:
    with change_set("form") as changes:
        named = changes.create(leaf(), {"content": put().id, "name": "采购合同"})
        unnamed = changes.create(leaf(), {"content": put().id})
        assert (named.name, unnamed.name) == ("采购合同", "合同.txt")
        changes.update(leaf(), unnamed.id, {"content": put(b"second", "新版.txt").id})
        assert unnamed.name == "新版.txt"


def test_a_number_that_one_guesses_is_no_file(acting: Any) -> None:
    acting("admin")
    secret = put(b"of the administrator")
    make("Leaf", content=secret.id)
    rights = policy.RoleRights({("Leaf", "*"): "own"}, {})
    stranger = policy.Viewer(viewer("sales").user_id, "sales", policy.Rights((rights,)))
    with policy.acting_as(stranger), change_set("form") as changes:
        for guessed in (secret.id, secret.id + 1000):
            with pytest.raises(InvalidInput, match=r"uploaded|上传"):
                changes.create(leaf(), {"content": guessed})
        own = put(b"of the administrator")  # who has the content may have it kept once more
        assert changes.create(leaf(), {"content": own.id}).content_id == secret.id


def test_who_may_take_a_file_out_of_a_record_may_file_it_in_another(acting: Any) -> None:
    acting("admin")
    stored = put(b"passed on")
    make("Leaf", content=stored.id)
    db.session.execute(files.FileUpload.__table__.delete())  # type: ignore[attr-defined]
    db.session.commit()
    parcel = registry.current().entity("Parcel")
    rights = policy.RoleRights({("*", "*"): "all"}, {})
    hidden = policy.RoleRights({("*", "*"): "all"}, {("Leaf", "content"): "masked"})
    person = viewer("sales").user_id
    for role, may in ((hidden, False), (rights, True)):
        with policy.acting_as(policy.Viewer(person, "sales", policy.Rights((role,)))):
            outcome = contextlib.nullcontext() if may else pytest.raises(InvalidInput)
            with outcome, change_set("form") as changes:
                changes.create(parcel, {"name": "纸箱", "manual": stored.id})


@pytest.mark.parametrize(
    ("content", "name", "taken"),
    [
        (b"%PDF-1.7\nx", "scan.pdf", True),
        (b"\x89PNG\r\n\x1a\nx", "scan.png", True),
        (b"%PDF-1.7\nx", "scan.png", False),
        (b"plain text", "scan.pdf", False),
        (b"MZ\x90\0", "scan.pdf", False),
    ],
)
def test_a_field_takes_the_kinds_that_it_names(
    as_admin: Any, content: bytes, name: str, taken: bool
) -> None:
    outcome = contextlib.nullcontext() if taken else pytest.raises(InvalidInput)
    with outcome, change_set("form") as changes:
        changes.create(leaf(), {"content": put().id, "scan": put(content, name).id})


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"\x7fELF\x02", "report"), (b"#!/bin/sh\nrm -rf /", "notes.txt"), (b"dir c:\r\n", "run.BAT")],
)
def test_programs_are_not_taken_where_nothing_is_said(
    as_admin: Any, content: bytes, name: str
) -> None:
    with pytest.raises(InvalidInput, match=r"rogram|程序"), change_set("form") as changes:
        changes.create(leaf(), {"content": put(content, name).id})


def test_undo_history_and_merge_keep_the_files(as_admin: Any) -> None:
    first, second = put(b"first"), put(b"second")
    record = make("Leaf", content=first.id, name="甲")
    with change_set("form") as changes:
        changes.update(leaf(), record.id, {"content": second.id})
    with change_set("form") as changes:
        other = changes.create(leaf(), {"content": first.id, "scan": filed(b"%PDF-1.4", "s.pdf")})
    db.session.execute(files.FileUpload.__table__.delete())  # type: ignore[attr-defined]
    db.session.commit()
    with change_set("form") as changes:  # what it has held may be given back to it
        changes.update(leaf(), record.id, {"content": first.id})
    undo(changes.id or 0)
    assert Records(leaf()).get(record.id)["content"] == second.id
    with change_set("form") as changes:
        merge(changes, leaf(), record.id, [other.id])
    row = Records(leaf()).get(record.id)
    assert (row["content"], row["scan.file"].media_type) == (second.id, "application/pdf")
    undo(changes.id or 0)
    assert Records(leaf()).get(record.id)["scan"] is None


def test_many_bring_the_same_at_once_and_it_is_kept_once(as_admin: Any, app: Any) -> None:
    """Beside somebody who sweeps: whoever was told that it is kept finds it there."""
    content = b"brought by many at once"
    before = rows()

    def bring(number: int) -> str:
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            if number == 3:  # one of them takes away what nobody needs
                sweeping.sweep_contents()
            found = files.put(io.BytesIO(content), f"{number}.txt").sha256
            db.session.remove()
            return found

    with ThreadPoolExecutor(6) as pool:
        hashes = set(pool.map(bring, range(6)))
    assert hashes == {hashlib.sha256(content).hexdigest()}
    db.session.rollback()
    assert rows() == before + 1
    with files.open_file(hashes.pop()) as file:
        assert file.read() == content
    assert not store().paths(UNFINISHED)
