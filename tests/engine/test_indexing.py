"""Search finds older records too when what is searched has changed since they were saved."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, text

from app.engine import indexing, registry
from app.engine.adapters import setup_state
from app.engine.adapters.database import db, write_transaction
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput
from app.engine.job import DONE, Job
from app.engine.query import Records
from jobs import run_job
from tests import factories
from tests.factories import make

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("as_admin")]


def shelf() -> registry.EntityDefinition:
    return registry.current().entity("Shelf")


def found(query: str, entity: str = "Shelf") -> int:
    return len(Records(registry.current().entity(entity)).search(query).ids(50))


def asked() -> list[Job]:
    db.session.rollback()
    statement = select(Job).where(Job.kind == indexing.KIND, Job.state == "waiting")
    return list(db.session.scalars(statement))


def run_what_was_asked() -> list[int]:
    """How many records each of the jobs went through."""
    done = []
    for job in asked():
        run_job(job.id)
        db.session.rollback()
        row = db.session.get_one(Job, job.id, populate_existing=True)
        assert row.state == DONE, row.message
        done.append(row.result["records"])
    return done


def field(**values: Any) -> int:
    """The id of a field of shelves that is called “place”."""
    described = {"entity": "Shelf", "name": "place", "in_search": False, **values}
    return int(make("CustomField", **described).id)


def option(list_name: str) -> int:
    """The id of a choice “odd”, 靛蓝染整."""
    return int(make("ChoiceOption", list_name=list_name, value="odd", label_zh="靛蓝染整").id)


def write(entity: str, record_id: int, **values: Any) -> None:
    with change_set("form") as changes:
        changes.update(registry.current().entity(entity), record_id, values)
    registry.refresh()


def move(entity: str, record_id: int, way: str) -> int:
    with change_set("form") as changes:
        getattr(changes, way)(registry.current().entity(entity), record_id)
    registry.refresh()
    assert changes.id is not None
    return changes.id


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "AT_ONCE", 2)


def test_a_field_that_search_is_switched_on_for_finds_older_records() -> None:
    added = field()
    for number in range(5):
        make("Shelf", name=f"货架{number}", place="靛蓝仓库")
    assert asked() == []
    write("CustomField", added, in_search=True)
    assert found("靛蓝") == 0
    job = asked()[0]
    assert job.arguments == {"entity": "Shelf", "fields": ["place"]}
    assert job.asked_by == factories.user_id("admin")
    assert run_what_was_asked() == [5]
    assert found("靛蓝") == 5


def test_of_a_new_field_there_is_nothing_to_find_yet() -> None:
    """The job sees that no record holds anything in it, and goes through none."""
    make("Shelf")
    field(in_search=True)
    assert run_what_was_asked() == [0]


def test_a_removed_field_is_not_found_by_and_comes_back_with_its_entries() -> None:
    added = field(in_search=True)
    record = make("Shelf", place="靛蓝仓库").id
    removed = move("CustomField", added, "trash")
    assert found("靛蓝") == 0
    assert run_what_was_asked()[-1] == 1
    write("Shelf", record, name="别的名字")
    undo(removed)
    registry.refresh()
    run_what_was_asked()
    assert found("靛蓝") == 1


def test_a_choice_worded_anew_is_found_by_its_new_words_at_once() -> None:
    """Without a job: an entry holds the choice, and what it is called is looked up by the search."""
    choice = option("industry")
    make("Customer", industry="odd")
    assert found("靛蓝", "Customer") == 1
    write("ChoiceOption", choice, label_zh="朱红染整")
    assert (found("靛蓝", "Customer"), found("朱红", "Customer")) == (0, 1)
    with pytest.raises(InvalidInput):  # a choice in use stays
        move("ChoiceOption", choice, "trash")
    assert found("朱红", "Customer") == 1
    assert asked() == []


def test_the_same_is_asked_for_once() -> None:
    added = field()
    make("Shelf", place="靛蓝仓库")
    for in_search in (True, False, True):
        write("CustomField", added, in_search=in_search)
    assert len(asked()) == 1


def test_what_was_lost_is_there_again_and_what_should_be_gone_is_gone() -> None:
    records = [make("Shelf", name=f"靛蓝货架{number}") for number in range(5)]
    move("Shelf", records[4].id, "trash")
    index = shelf().search_index
    assert index is not None
    with write_transaction() as session:
        connection = session.connection()
        index.remove(connection, [records[0].id, records[2].id])
        for stray in (records[4].id, records[4].id + 1000):
            index.write(connection, [(stray, {"name": "靛蓝货架"})])
    assert indexing.rebuild("Shelf") == 4
    assert found("靛蓝") == 4
    held = db.session.execute(text("SELECT rowid FROM search_shelf ORDER BY rowid")).scalars()
    assert list(held) == [record.id for record in records[:4]]


class Interrupted(Exception):
    """As by Ctrl-C."""


def test_what_was_interrupted_goes_on_where_it_stopped() -> None:
    records = [make("Shelf", name=f"靛蓝货架{number}") for number in range(6)]
    steps: list[int] = []

    def stop(done: int, _total: int) -> None:
        steps.append(done)
        if done == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        indexing.rebuild("Shelf", progress=stop)
    empty_index()
    indexing.rebuild("Shelf", progress=lambda done, _total: steps.append(done))
    assert steps == [2, 4, 4, 6]
    assert Records(shelf()).search("靛蓝").ids(50) == [record.id for record in records[2:]]
    empty_index()
    indexing.rebuild("Shelf")
    assert found("靛蓝") == 6
    assert setup_state.noted("search.shelf.reached") is None


def test_it_begins_anew_when_what_is_searched_changed_on_the_way() -> None:
    added = field()
    for number in range(4):
        make("Shelf", name=f"货架{number}", place="靛蓝仓库")
    changed: list[int] = []

    def change(done: int, _total: int) -> None:
        if not changed:
            changed.append(done)
            write("CustomField", added, in_search=True)

    indexing.rebuild("Shelf", progress=change)
    assert found("靛蓝") == 4


def empty_index() -> None:
    index = shelf().search_index
    assert index is not None
    with write_transaction() as session:
        session.connection().execute(delete(index.table))
