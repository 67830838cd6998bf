"""The text of files in the search: read by a job, found with everything else, kept within bounds."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from app.engine import contents, files, registry
from app.engine.adapters.database import db, write_transaction
from app.engine.changes import change_set, undo
from app.engine.contents import keeping, work
from app.engine.contents.models import FileContents
from app.engine.files import sweeping
from app.engine.indexing import rebuild
from app.engine.query import Records
from app.engine.search import long_texts, taken_apart
from app.engine.search.passages import find_passage
from jobs import contents as jobs_of_contents
from tests import factories, sample_files
from tests.reading_files import filed, read_all, waiting

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("as_admin", "sent")]


def leaf() -> registry.EntityDefinition:
    return registry.current().entity("Leaf")


def found(words: str) -> list[int]:
    return sorted(Records(leaf()).search(words).ids(50))


def contract(path: Path) -> None:
    sample_files.pdf(path, ["甲方：润科精密", "The acceptance of tank seven."])


def test_it_is_found_once_a_job_has_read_it() -> None:
    record = filed(contract, "合同.pdf")
    assert found("精密") == []
    assert read_all() == 1
    assert found("精密") == [record.id]
    assert found("润科精密") == [record.id]
    assert found("accept tank") == [record.id]
    assert found("tank eight") == []
    assert found("合同 精密") == [record.id], "one word in the name, one in the file"


def test_a_single_character_finds_it_too() -> None:
    record = filed(contract, "a.pdf")
    read_all()
    assert found("润") == [record.id]


def test_a_word_broken_at_the_end_of_a_line_is_found() -> None:
    record = filed(lambda p: p.write_text("这里写着客户\n管家四个字"), "a.txt")
    read_all()
    assert found("客户管家") == [record.id]


def test_the_same_content_is_read_once_and_found_everywhere() -> None:
    first = filed(contract, "甲.pdf")
    read_all()
    second = factories.make("Leaf", content=first.content_id, name="乙.pdf")
    assert waiting() == []
    assert found("精密") == [first.id, second.id]


def test_two_that_file_it_before_it_is_read_are_both_found() -> None:
    first = filed(contract, "甲.pdf")
    second = factories.make("Leaf", content=first.content_id, name="乙.pdf")
    read_all()
    assert found("精密") == [first.id, second.id]


def test_it_stays_found_when_something_else_of_the_record_is_changed() -> None:
    record = filed(contract, "a.pdf")
    read_all()
    with change_set("test") as changes:
        changes.update(leaf(), record.id, {"name": "改名.pdf"})
    assert found("精密") == [record.id]
    rebuild("Leaf")
    assert found("精密") == [record.id]


def test_another_file_in_its_place_is_found_instead() -> None:
    record = filed(contract, "a.pdf")
    read_all()
    other = factories.filed("另外一份文件".encode(), "b.txt")
    with change_set("test") as changes:
        changes.update(leaf(), record.id, {"content": other})
    set_id = changes.id
    read_all()
    assert found("精密") == []
    assert found("另外") == [record.id]
    undo(set_id)
    assert found("精密") == [record.id]
    assert found("另外") == []


def test_what_is_in_the_trash_is_not_found_until_it_is_back() -> None:
    record = filed(contract, "a.pdf")
    with change_set("test") as changes:
        changes.trash(leaf(), record.id)
    read_all()
    assert found("精密") == []
    with change_set("test") as changes:
        changes.restore(leaf(), record.id)
    assert found("精密") == [record.id]


def test_a_reading_that_is_undone_with_the_filing_is_not_asked_for() -> None:
    number = factories.filed(b"text", "a.txt")

    def file_and_fail() -> None:
        with change_set("test") as changes:
            changes.create(leaf(), {"name": "a.txt", "content": number})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        file_and_fail()
    assert waiting() == []


def test_newer_readers_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    record = filed(contract, "a.pdf")
    read_all()
    assert work.outdated(10) == []
    for module in (work, keeping):
        monkeypatch.setattr(module, "VERSION", contents.VERSION + 1)
    monkeypatch.setattr(work, "read", lambda *_given: contents.Contents(("新的文字",)))
    assert work.outdated(10) == [record.content_id]
    assert _again() == {"files": 1}
    read_all()
    assert found("新的") == [record.id]
    assert found("精密") == []
    assert work.outdated(10) == []


def test_what_was_missed_is_read_at_night() -> None:
    record = filed(contract, "a.pdf")
    read_all()
    with write_transaction() as session:
        session.execute(delete(FileContents))
    assert _again() == {"files": 1}
    read_all()
    assert found("精密") == [record.id]


def _again() -> dict[str, Any]:
    class Run:
        def progress(self, _done: int) -> None: ...

    return jobs_of_contents.again(Run())  # type: ignore[arg-type]


def test_a_file_that_cannot_be_read_is_kept_and_not_tried_again() -> None:
    record = filed(lambda p: sample_files.pdf(p, ["geheim"], "pw"), "a.pdf")
    assert read_all() == 1
    known = keeping.about(record.content_id)
    assert known is not None
    assert (known.problem, known.pictures) == ("encrypted", 0)
    factories.make("Leaf", content=record.content_id, name="b.pdf")
    assert waiting() == []


@pytest.mark.once
def test_what_was_made_of_a_content_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    record = filed(contract, "a.pdf")
    read_all()
    number = record.content_id
    sha256 = str(db.session.get_one(work.StoredFile, number).sha256)
    folder = f"previews/{sha256[:2]}/{sha256}"
    assert work.store().paths(folder)
    with change_set("test") as changes:
        changes.trash(leaf(), record.id)
    with change_set("test") as changes:
        changes.purge(leaf(), record.id)
    with write_transaction() as session:
        session.execute(delete(files.FileUpload))
    monkeypatch.setattr(sweeping, "OLD", datetime.timedelta(0))
    sweeping.sweep_contents()
    db.session.rollback()
    assert work.store().paths(folder) == []
    assert keeping.about(number) is None


# -- bounds ----------------------------------------------------------------------------------


def test_a_book_of_different_words_has_room_in_the_index() -> None:
    """PostgreSQL takes a megabyte for one record; a longer text is searched as far as that goes."""
    signs = [chr(0x4E00 + n) for n in range(20_000)]
    pages = ["".join(signs[(n * k) % 20_000] for k in range(1, 3001)) for n in range(1, 140)]
    kept = taken_apart(pages)
    assert not kept.whole
    assert 400_000 < len(kept.words.encode()) <= long_texts.BYTES
    number = factories.filed("\n".join(pages).encode(), "book.txt")
    record = factories.make("Leaf", content=number, name="book.txt")
    read_all()
    known = keeping.about(number)
    assert known is not None
    assert not known.searched_whole
    assert found(pages[3][100:104]) == [record.id]


@pytest.mark.once
def test_a_text_is_searched_up_to_where_it_is_promised() -> None:
    page = "很长的一份文件，" * 250
    pages = [page] * 200
    pages[140] = "前面的词语" + page
    pages[160] = "后面的词语" + page
    kept = taken_apart(pages)
    assert not kept.whole
    assert ":前面" in kept.words.split()
    assert ":后面" not in kept.words.split()


# -- passages --------------------------------------------------------------------------------


def passage(words: str, *pages: str) -> tuple[int, str] | None:
    """The page, and the passage with brackets around what is marked."""
    said = find_passage(words, pages)
    if said is None:
        return None
    return said.page, "".join(f"[{text}]" if marked else text for text, marked in said.parts)


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "pages", "expected"),
    [
        ("润科", ("无", "甲方润科公司"), (2, "甲方[润科]公司")),
        ("润科", ("甲方润\n科公司",), (1, "甲方[润科]公司")),
        ("润科 合同", ("润科", "润科的合同"), (2, "[润科]的[合同]")),
        ("CONTRACT", ("A contract.",), (1, "A [contract].")),
        ("muller", ("Herr Müller kam",), (1, "Herr [Müller] kam")),
        ("12", ("第１２条",), (1, "第[１２]条")),
        ("act", ("contract",), None),
        ("合同", ("没有",), None),
        ("…", ("没有",), None),
        ("<b>", ("a <b>bold</b>",), (1, "a <[b]>[b]old</[b]>")),
        ("a.*", ("aXX a",), (1, "[a]XX [a]")),
    ],
)
def test_a_passage(words: str, pages: tuple[str, ...], expected: Any) -> None:
    assert passage(words, *pages) == expected


@pytest.mark.once
def test_a_passage_is_short_and_says_that_the_text_goes_on() -> None:
    said = passage("合同", "前" * 500 + "合同" + "后" * 500)
    assert said is not None
    assert said[1].startswith("…前")
    assert said[1].endswith("后…")
    assert len(said[1]) < 220


@pytest.mark.once
def test_the_passage_is_where_the_words_stand_together() -> None:
    text = "甲方的名称。" + "空" * 400 + "甲方与乙方签署。"
    said = passage("甲方 乙方", text)
    assert said is not None
    assert "[甲方]与[乙方]签署" in said[1]
