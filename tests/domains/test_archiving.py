"""Archiving: what is complete is collected, numbered without gaps, sealed into a package, and stays."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from typing import Any

import bagit
import pytest
from sqlalchemy import select

import jobs
from app.domains.documents import archiving
from app.domains.documents.package import ArchiveItem, ArchivePackage
from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.archives import checking
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from app.engine.job import Job, cancel, retry
from app.engine.registry import current
from tests.domains.documents import act, fresh, trash, update
from tests.factories import filed, make

pytestmark = pytest.mark.usefixtures("as_admin", "no_queue")


@pytest.fixture
def no_queue(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in store().paths("archives"):
        store().remove(path)
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)
    monkeypatch.setattr(queue, "send_again", lambda *_given, **_named: True)
    monkeypatch.setattr(queue, "forget", lambda *_given: None)


def a_document(files: int = 1, **values: Any) -> Any:
    """In force, with one version and its files."""
    document = make("Document", **values)
    version = make("DocumentVersion", document=document.id)
    for _number in range(files):
        make("DocumentFile", document_version=version.id, content=filed())
    update(document, state="in_review")
    return update(document, state="in_force")


def run_jobs() -> list[str]:
    """Run whatever of the archive waits, until nothing does; how each ended."""
    ended = []
    while True:
        db.session.rollback()
        waiting = db.session.scalar(
            select(Job.id)
            .where(Job.state == "waiting", Job.kind.like("archive.%"))
            .order_by(Job.created_at)
            .limit(1)
        )
        if waiting is None:
            return ended
        jobs.run_job(waiting)
        db.session.rollback()
        ended.append(db.session.get_one(Job, waiting, populate_existing=True).state)


def package(**values: Any) -> Any:
    return fresh(make("ArchivePackage", **values), "ArchivePackage")


def collected(**values: Any) -> Any:
    made = package(by_rule=True, **values)
    assert run_jobs() == ["done"]
    return fresh(made, "ArchivePackage")


def sealed(made: Any) -> Any:
    act(made, "seal", "ArchivePackage")
    assert run_jobs() == ["done"]
    return fresh(made, "ArchivePackage")


def items(made: Any) -> list[Any]:
    db.session.rollback()
    item: Any = ArchiveItem
    with policy.unrestricted("a test looks at all of it") as session:
        statement = select(item).where(item.package_id == made.id, item.deleted_at.is_(None))
        return list(session.scalars(statement.order_by(item.place, item.id)))


def numbers(made: Any) -> list[str | None]:
    return [one.number for one in items(made)]


def a_class(**values: Any) -> Any:
    return make("DocumentClass", **values)


def test_what_the_rule_names_is_collected(app: Any) -> None:
    wanted, other = a_class(code="TH"), a_class(code="TJ")
    below = a_class(code="THA", parent=wanted.id)
    one, two = a_document(document_class=wanted.id), a_document(document_class=below.id)
    a_document(document_class=other.id)
    make("Document", document_class=wanted.id)
    without_file = a_document(files=0, document_class=wanted.id)
    made = collected(document_class=wanted.id)
    assert {one.document_id for one in items(made)} == {one.id, two.id}
    assert (made.state, made.items, made.left_out) == ("open", 2, 1)
    assert without_file.state == "in_force"


def test_only_what_is_old_enough(app: Any) -> None:
    kind = a_class()
    a_document(document_class=kind.id)
    assert collected(document_class=kind.id, least_age=1).items == 0
    assert collected(document_class=kind.id, least_age=0).items == 1


def test_what_lacks_a_required_paper_is_left_out_until_it_is_there(app: Any) -> None:
    contract, acceptance = a_class(), a_class(name_zh="验收单")
    make("RequiredPaper", document_class=contract.id, paper_class=acceptance.id)
    customer = make("Customer")
    document = a_document(document_class=contract.id, customer=customer.id)
    assert collected(document_class=contract.id).left_out == 1
    by_hand = package()
    with pytest.raises(InvalidInput, match="验收单"):
        make("ArchiveItem", package=by_hand.id, document=document.id)
    a_document(document_class=acceptance.id, customer=customer.id)
    assert collected(document_class=contract.id).items == 1


def test_a_document_is_in_one_package_at_most(app: Any) -> None:
    kind = a_class()
    a_document(document_class=kind.id)
    first = collected(document_class=kind.id)
    assert collected(document_class=kind.id).items == 0
    with pytest.raises(InvalidInput):
        make("ArchiveItem", package=package().id, document=items(first)[0].document_id)


def test_a_sealed_package_holds_and_proves_all_of_it(app: Any, tmp_path: Any) -> None:
    kind, fonds = a_class(code="TH", retention="permanent"), make("Fonds", code="R001")
    for day in (5, 6, 7):
        a_document(2, document_class=kind.id, dated_on=datetime.date(2026, 3, day))
    made = sealed(collected(document_class=kind.id, fonds=fonds.id))
    assert (made.state, made.items, made.files) == ("sealed", 3, 6)
    assert numbers(made) == [f"R001-TH-2026-Y-{n:04}" for n in (1, 2, 3)]
    content = store().open(made.path).read()
    assert checking.seal_of(io.BytesIO(content)) == made.seal
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    bag = bagit.Bag(str(tmp_path / made.number))
    bag.validate()
    assert bag.info["External-Identifier"] == made.number
    said = checking.metadata_of(checking.Folder(tmp_path / made.number))
    assert [one["archival_number"] for one in said["records"]] == numbers(made)
    documents = [fresh(make_shift(one.document_id)) for one in items(made)]
    assert {one.state for one in documents} == {"archived"}


def make_shift(record_id: int) -> Any:
    """Something with that id, for helpers that take a record."""
    return type("Record", (), {"id": record_id})()


def test_numbers_of_a_series_go_on_and_those_undone_come_back(app: Any) -> None:
    fonds = make("Fonds", code="R002")
    kind = a_class(code="TX", retention="years_10")

    def some(count: int) -> Any:
        for _number in range(count):
            a_document(document_class=kind.id, dated_on=datetime.date(2026, 1, 5))
        return collected(document_class=kind.id, fonds=fonds.id)

    first = sealed(some(2))
    second = some(2)
    act(second, "seal", "ArchivePackage")
    with (
        policy.entrusted("a job that dies after it gave the numbers"),
        change_set("job") as changes,
    ):
        assert archiving.number_some(changes, second.id, 100) == 2
    assert numbers(second) == ["R002-TX-2026-D10-0003", "R002-TX-2026-D10-0004"]
    job = db.session.scalar(select(Job).where(Job.kind == "archive.seal", Job.state == "waiting"))
    assert job is not None
    with pytest.raises(InvalidInput, match="先取消"):
        act(second, "dissolve", "ArchivePackage")
    cancel(job.id)
    act(second, "dissolve", "ArchivePackage")
    assert run_jobs() == ["done"]
    assert fresh(second, "ArchivePackage").state == "dissolved"
    assert items(second) == []
    third = sealed(some(1))
    assert numbers(first) == ["R002-TX-2026-D10-0001", "R002-TX-2026-D10-0002"]
    assert numbers(third) == [f"R002-TX-2026-D10-{n:04}" for n in (3, 4, 5)]


def test_what_waits_in_a_package_stays_as_it_is(app: Any) -> None:
    kind = a_class()
    document = a_document(document_class=kind.id)
    made = collected(document_class=kind.id)
    for refused in (
        lambda: update(document, title="改"),
        lambda: update(document, state="superseded"),
        lambda: trash(document),
    ):
        with pytest.raises(InvalidInput):
            refused()
    with pytest.raises(InvalidInput, match=made.number):
        update(document, title="改")
    act(made, "dissolve", "ArchivePackage")
    assert run_jobs() == ["done"]
    assert update(document, title="改").title == "改"


def test_nothing_of_a_sealed_package_changes(app: Any) -> None:
    kind = a_class()
    document = a_document(document_class=kind.id)
    made = sealed(collected(document_class=kind.id))
    item = items(made)[0]
    refused: list[Callable[[], Any]] = [
        lambda: update(document, title="改"),
        lambda: trash(document),
        lambda: update(made, "ArchivePackage", title="改"),
        lambda: update(made, "ArchivePackage", state="dissolving"),
        lambda: trash(made, "ArchivePackage"),
        lambda: trash(item, "ArchiveItem"),
        lambda: make("ArchiveItem", package=made.id, document=a_document().id),
    ]
    for one in refused:
        with pytest.raises(InvalidInput):
            one()
    assert run_jobs() == []


def test_a_stored_file_that_decayed_stops_the_sealing_and_can_be_mended(app: Any) -> None:
    kind = a_class()
    a_document(document_class=kind.id)
    made = collected(document_class=kind.id)
    with policy.unrestricted("a test breaks a file") as session:
        (packed,) = archiving.packed(session, made.id)
    path = packed.pieces[0].source
    content = store().open(path).read()
    store().save(path, io.BytesIO(b"x" + content[1:]))
    act(made, "seal", "ArchivePackage")
    assert run_jobs() == ["failed"]
    assert fresh(made, "ArchivePackage").state == "sealing"
    assert archiving.place_of(made.id) not in store().paths("archives")
    store().save(path, io.BytesIO(content))
    job = db.session.scalar(select(Job).where(Job.kind == "archive.seal"))
    assert job is not None
    retry(job.id)
    assert run_jobs() == ["done"]
    assert fresh(made, "ArchivePackage").state == "sealed"


def test_an_empty_package_is_not_sealed(app: Any) -> None:
    made = collected(document_class=a_class().id)
    act(made, "seal", "ArchivePackage")
    assert run_jobs() == ["failed"]
    assert fresh(made, "ArchivePackage").state == "sealing"
    act(made, "dissolve", "ArchivePackage")
    assert run_jobs() == ["done"]
    assert current().entity("ArchivePackage").model is ArchivePackage
