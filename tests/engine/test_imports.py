"""Imports: what the preview says is what happens, each row is told why, and all of it can go back."""

from __future__ import annotations

import contextlib
import csv
import datetime
import decimal
import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.engine import changes, policy, registry
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.query import Records
from app.engine.surfaces.imports import ImportReport, ImportRun, Preview, Runner, check, command
from app.engine.surfaces.imports.models import Options
from tests import factories
from tests.engine.toys import Parcel, Shelf

HEADER = ["名称", "货号", "Pieces", "Price", "Arrived on", "Colour"]


def write(folder: Path, rows: list[list[Any]], name: str = "parcels.csv") -> Path:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    path = folder / name
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    return path


def parcels() -> list[Any]:
    return list(db.session.scalars(select(Parcel).order_by(Parcel.id)))


def named(report: ImportReport) -> dict[str, int]:
    return {name: number for name, number in report.counts.items() if number}


def reasons(report: ImportReport) -> str:
    return " ".join(item["message"] for item in report.as_json()["refusals"])


@pytest.fixture
def folder(tmp_path: Path, as_admin: policy.Viewer) -> Path:
    return tmp_path


def test_columns_are_found_and_rows_come_in(folder: Path) -> None:
    rows = [["Name", *HEADER[1:]], ["箱子Ａ", "A1", "１２", "¥1,234.50", "2026年3月5日", "Red"]]
    report = command("Parcel", write(folder, [*rows, ["B", "A2", "", "", "", "蓝"]]))
    assert report.mapping == {
        "Name": "name", "货号": "code", "Pieces": "pieces", "Price": "price",
        "Arrived on": "arrived_on", "Colour": "colour",
    }  # fmt: skip
    assert named(report) == {"total": 2, "new": 1, "refused": 1}
    (parcel,) = parcels()
    assert (parcel.name, parcel.code, parcel.pieces) == ("箱子Ａ", "A1", 12)
    assert (parcel.price, parcel.price_currency) == (decimal.Decimal("1234.50"), "CNY")
    assert parcel.arrived_on == datetime.date(2026, 3, 5)
    assert parcel.number.startswith("P")
    assert parcel.review_state == "approved"
    refusal = report.as_json()["refusals"][0]
    assert (refusal["row"], refusal["column"], refusal["value"]) == (3, "Colour", "蓝")


def test_a_second_import_changes_nothing(folder: Path) -> None:
    path = write(folder, [["name", "code"], ["a", "1"], ["b", "2"]])
    assert named(command("Parcel", path)) == {"total": 2, "new": 2}
    again = command("Parcel", path)
    assert named(again) == {"total": 2, "unchanged": 2}
    assert again.change_set is None
    assert again.warnings


def test_rows_without_a_code_are_not_doubled_either(folder: Path) -> None:
    path = write(folder, [["name", "pieces"], ["a", "1"], ["a", "1"], ["a", "2"]])
    assert named(command("Parcel", path)) == {"total": 3, "new": 2, "duplicate": 1}
    assert named(command("Parcel", path)) == {"total": 3, "duplicate": 3}


def test_known_records_are_updated_and_empty_cells_leave_them(folder: Path) -> None:
    command("Parcel", write(folder, [["name", "code", "pieces"], ["a", "1", "5"], ["b", "2", "6"]]))
    path = write(
        folder, [["name", "code", "pieces"], ["a", "1", ""], ["b", "2", "7"], ["c", "3", "8"]]
    )
    preview = command("Parcel", path, dry_run=True)
    assert len(parcels()) == 2
    report = command("Parcel", path)
    assert preview.counts == report.counts
    assert named(report) == {"total": 3, "new": 1, "changed": 1, "unchanged": 1}
    assert [p.pieces for p in parcels()] == [5, 7, 8]


def test_undo_takes_creates_and_updates_back(folder: Path) -> None:
    command("Parcel", write(folder, [["name", "code", "pieces"], ["a", "1", "5"]]))
    report = command(
        "Parcel", write(folder, [["name", "code", "pieces"], ["A", "1", "9"], ["b", "2", "6"]])
    )
    undone = changes.undo(report.change_set or 0)
    assert (undone.reversed, undone.kept, undone.blocked) == (2, 0, 0)
    (parcel,) = parcels()
    assert (parcel.name, parcel.pieces) == ("a", 5)
    found = Records(registry.current().entity("Parcel")).search("b").ids()
    assert found == []


def test_duplicate_codes_in_the_file_are_named(folder: Path) -> None:
    report = command(
        "Parcel", write(folder, [["name", "code"], ["a", "1"], ["b", "1"]]), dry_run=True
    )
    assert named(report) == {"total": 2, "new": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("arrived_on", "2026-02-30", "2026-02-30"),
        ("name", "x" * 10_000, "10000"),
        ("name", "a\x00b", "a\ufffdb"),
        ("pieces", "1.5", "1.5"),
        ("email", "nobody", "nobody"),
        ("colour", "green", "green"),
        ("shelf", "nowhere", "nowhere"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(
    folder: Path, column: str, value: str, said: str
) -> None:
    rows = [["name", "code", "notes"], ["good", "1", "x"], ["bad", "2", "y"]]
    rows[0].append(f"col_{column}")
    rows[1].append("")
    rows[2].append(value)
    mapping = {f"col_{column}": column}
    if column == "name":
        rows[0][0] = "ignored"
        rows[1][3] = "good"
    report = command("Parcel", write(folder, rows), mapping)
    assert named(report) == {"total": 2, "new": 1, "refused": 1}
    refusal = report.as_json()["refusals"][0]
    assert (refusal["row"], refusal["column"]) == (3, f"col_{column}")
    assert said.lower() in (refusal["message"] + refusal["value"]).lower()


def test_formulas_stay_text_and_our_mark_comes_off(folder: Path) -> None:
    path = write(
        folder, [["name", "code"], ["=cmd|' /C calc'!A0", "1"], ["'=1+1", "2"], ["'quoted'", "3"]]
    )
    command("Parcel", path)
    assert [p.name for p in parcels()] == ["=cmd|' /C calc'!A0", "=1+1", "'quoted'"]


def test_ragged_rows_are_refused_alone(folder: Path) -> None:
    path = folder / "ragged.csv"
    path.write_text("name,code\na,1\nb\nc,3,4\nd,4\n")
    report = command("Parcel", path)
    assert named(report) == {"total": 4, "new": 2, "refused": 2}
    assert [item["row"] for item in report.as_json()["refusals"]] == [3, 4]


def test_references_are_found_by_name_and_people_too(folder: Path) -> None:
    shelf = factories.make("Shelf", name="甲架")
    factories.make("Shelf", name="双")
    factories.make("Shelf", name="双")
    rows = [["name", "code", "shelf", "keeper"], ["a", "1", "甲架", "sales"], ["b", "2", "双", ""]]
    report = command("Parcel", write(folder, rows))
    assert named(report) == {"total": 2, "new": 1, "refused": 1}
    (parcel,) = parcels()
    assert (parcel.shelf_id, parcel.keeper_id) == (shelf.id, factories.user_id("sales"))


def test_another_record_has_the_unique_value(folder: Path) -> None:
    factories.make("Parcel", code="1", name="old")
    rows = [["name", "code"], ["a", "1"], ["b", "2"]]
    path = write(folder, rows)
    options = Options(mapping={"name": "name", "code": "code"}, key=None)
    preview = check("Parcel", path, "x.csv", options)
    assert preview.counts["refused"] == 1
    assert preview.counts["new"] == 1
    assert "another record" in str(preview.refusals[0]["message"])


# -- choices -------------------------------------------------------------------------------


def run_with(path: Path, options: Options, hold: Any = None) -> ImportRun:
    from app.engine.surfaces.imports.command import _no_hold, _note

    definition = registry.current().entity("Parcel")
    run_id = _note(definition, policy.current_viewer(), path, "0" * 64, options)
    return Runner(run_id, path, hold or _no_hold).run()


def test_unknown_choices_are_made_by_the_users_word_and_go_with_the_undo(folder: Path) -> None:
    factories.make(
        "ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top"
    )
    path = write(
        folder,
        [["name", "code", "grade"], ["a", "1", "特级"], ["b", "2", "新级"], ["c", "3", "烂"]],
    )
    base = Options(mapping={"name": "name", "code": "code", "grade": "grade"}, key="code")
    preview = check("Parcel", path, "x.csv", base)
    assert dict(preview.unknown["grade"]) == {"新级": 1, "烂": 1}
    assert preview.counts["refused"] == 2
    decided = Options(**{**base.as_json(), "choices": {"grade": {"新级": "+", "烂": "top"}}})
    assert check("Parcel", path, "x.csv", decided).counts["new"] == 3
    assert "新级" not in registry.current().lists["toy_grade"]
    run = run_with(path, decided)
    assert (run.counts or {})["new"] == 3
    assert [p.grade for p in parcels()] == ["top", "新级", "top"]
    changes.undo(run.change_set_id or 0)
    registry.refresh()
    assert parcels() == []
    assert "新级" not in registry.current().lists["toy_grade"]


# -- all or nothing, stopping and going on ------------------------------------------------------


def test_all_or_nothing_reverses_what_was_committed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.surfaces.imports import batches

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    rows = [[f"p{n}", str(n), str(n)] for n in range(1, 6)] + [["bad", "9", "x"]]
    path = write(folder, [["name", "code", "pieces"], *rows])
    mapping = {"name": "name", "code": "code", "pieces": "pieces"}
    run = run_with(path, Options(mapping=mapping, key="code", all_or_nothing=True))
    assert run.state == "reversed"
    assert parcels() == []
    run = run_with(path, Options(mapping=mapping, key="code"))
    assert run.state == "done"
    assert len(parcels()) == 5


class Stopped(Exception):
    pass


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.surfaces.imports import batches
    from app.engine.surfaces.imports.command import _no_hold, _note

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    rows = [[f"p{n}", str(n % 5)] for n in range(10)]
    path = write(folder, [["name", "code"], *rows])
    options = Options(mapping={"name": "name", "code": "code"}, key="code")
    expected = check("Parcel", path, "x.csv", options).counts
    run_id = _note(
        registry.current().entity("Parcel"), policy.current_viewer(), path, "0" * 64, options
    )
    for calls in range(1, 9):
        left = [calls]

        def hold(session: Any, left: list[int] = left, **values: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Stopped

        with contextlib.suppress(Stopped):
            Runner(run_id, path, hold).run()
    run = Runner(run_id, path, _no_hold).run()
    assert run.counts == expected
    assert run.state == "done"
    assert len(parcels()) == 5
    sets = db.session.scalar(select(func.count()).select_from(changes.ChangeSet).where(
        changes.ChangeSet.door == "import"))  # fmt: skip
    assert sets == 1


def test_the_command_line_says_that_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As SQLite says it, at a commit: what was written before stays, and the file can come again."""
    from app.commands import terminal
    from app.engine.surfaces.imports import batches, running

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    path = write(folder, [["name", "code"], *[[f"p{n}", str(n)] for n in range(6)]])
    with monkeypatch.context() as full:
        real, calls = running.Runner._take, []

        def no_room(*given: Any) -> None:
            real(*given)
            calls.append(1)
            if len(calls) == 2:
                raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

        full.setattr(running.Runner, "_take", no_room)
        with pytest.raises(SystemExit), terminal.problems_told():
            command("Parcel", path)
    assert "磁盘已满" in capsys.readouterr().err
    assert named(command("Parcel", path)) == {"total": 6, "new": 2, "unchanged": 4}


# -- rights ----------------------------------------------------------------------------------


def test_a_reversal_that_was_cut_off_at_its_very_end_is_finished_by_the_next_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.surfaces.imports import batches
    from app.engine.surfaces.imports.command import _no_hold

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (1,))
    path = write(folder, [["name", "pieces"], ["p", "1"], ["bad", "x"]])
    options = Options(mapping={"name": "name", "pieces": "pieces"}, all_or_nothing=True)

    def stopped(*_given: Any) -> None:
        raise Stopped

    with monkeypatch.context() as dying:
        dying.setattr(Runner, "_finish", stopped)
        with pytest.raises(Stopped):
            run_with(path, options)
    assert parcels() == []
    run_id = db.session.scalars(select(ImportRun.id)).one()
    assert Runner(run_id, path, _no_hold).run().state == "reversed"


def test_rights_hold_in_imports(tmp_path: Path, acting: Any) -> None:
    acting("admin")
    path = write(tmp_path, [["name", "code"], ["a", "1"]])
    acting("guest")
    with pytest.raises(NotAllowed):
        command("Parcel", path)


def test_a_mapping_that_fits_nothing_is_refused(folder: Path) -> None:
    path = write(folder, [["name", "code"], ["a", "1"]])
    with pytest.raises(InvalidInput, match="nothere"):
        command("Parcel", path, {"nothere": "name"})
    with pytest.raises(InvalidInput):
        command("Parcel", path, {"name": "created_at"})
    with pytest.raises(InvalidInput):
        command("Parcel", write(folder, [["zzz"], ["a"]]))


def test_a_preview_leaves_nothing_behind(folder: Path) -> None:
    path = write(folder, [["name", "code"], *[[f"p{n}", str(n)] for n in range(50)]])
    options = Options(mapping={"name": "name", "code": "code"}, key="code")
    preview = check("Parcel", path, "x.csv", options)
    assert isinstance(preview, Preview)
    assert preview.counts["new"] == 50
    assert parcels() == []
    assert db.session.scalar(select(func.count()).select_from(Shelf)) == 0


# -- modes and likenesses ----------------------------------------------------------------------

MAPPING = {"name": "name", "code": "code", "pieces": "pieces", "phone": "phone"}


def checked_and_run(path: Path, **options: Any) -> dict[str, int]:
    """The counts of the preview, which those of the run must equal."""
    decided = Options(**{"mapping": MAPPING, "key": "code", **options})
    preview = check("Parcel", path, "x.csv", decided)
    run = run_with(path, decided)
    assert run.counts == preview.counts
    return {name: count for name, count in preview.counts.items() if count}


@pytest.mark.parametrize(
    ("mode", "counts", "pieces"),
    [
        ("both", {"total": 2, "changed": 1, "new": 1}, [7, 8]),
        ("add", {"total": 2, "refused": 1, "new": 1}, [5, 8]),
        ("update", {"total": 2, "changed": 1, "refused": 1}, [7]),
        ("skip", {"total": 2, "unchanged": 1, "new": 1}, [5, 8]),
    ],
)
def test_a_mode_says_what_happens_to_what_is_there(
    folder: Path, mode: str, counts: dict[str, int], pieces: list[int]
) -> None:
    factories.make("Parcel", name="a", code="1", pieces=5, phone=None)
    rows = [[*MAPPING], ["a", "1", "7", ""], ["b", "2", "8", ""]]
    assert checked_and_run(write(folder, rows), mode=mode) == counts
    assert [parcel.pieces for parcel in parcels()] == pieces


ALIKE = [
    [*MAPPING],
    ["华阳（深圳）贸易股份有限公司", "2", "1", ""],
    ["别家", "3", "2", "+86 755 8888 0000"],
    ["ＡＢＣ　科技", "4", "3", ""],
    ["Abc 科技有限公司", "5", "4", ""],
    ["不相干", "6", "5", "0755-88880001"],
]


@pytest.mark.parametrize(
    ("near", "counts"),
    [
        ("add", {"total": 5, "new": 5}),
        ("leave", {"total": 5, "new": 2, "duplicate": 3}),
        ("update", {"total": 5, "new": 2, "changed": 1, "duplicate": 2}),
    ],
)
def test_rows_that_resemble_a_record_or_another_row_are_known(
    folder: Path, near: str, counts: dict[str, int]
) -> None:
    factories.make("Parcel", name="华阳 (深圳)贸易有限公司", code="1", phone="0755-88880000")
    assert checked_and_run(write(folder, ALIKE), near=near) == counts


def test_the_preview_lists_what_rows_resemble(folder: Path) -> None:
    there = factories.make("Parcel", name="华阳深圳贸易有限公司", code="1", phone="075588880000")
    options = Options(mapping=MAPPING, key="code")
    preview = check("Parcel", write(folder, ALIKE), "x.csv", options)
    assert preview.near == 3
    assert [(item["row"], item["field"], item["line"], item["record_id"]) for item in preview.alike] == [
        (2, "name", None, there.id), (3, "phone", None, there.id), (5, "name", 4, None),
    ]  # fmt: skip


def test_the_command_takes_the_decisions_of_the_page(as_admin: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("name,code\n华阳有限公司,1\n乙,2\n")
    command("Parcel", path)
    path.write_text("name,code\n华阳股份有限公司,3\n乙,2\n丙,4\n")

    def counts(**decided: Any) -> dict[str, int]:
        found = command("Parcel", path, dry_run=True, **decided).counts
        return {name: number for name, number in found.items() if number and name != "total"}

    assert counts() == {"new": 2, "unchanged": 1}
    assert counts(mode="add") == {"new": 2, "refused": 1}
    assert counts(mode="update") == {"unchanged": 1, "refused": 2}
    assert counts(near="leave") == {"new": 1, "unchanged": 1, "duplicate": 1}
    assert counts(near="update") == {"new": 1, "unchanged": 1, "changed": 1}
    assert counts(key="")["refused"] == 1  # a new record with a code that is taken
    assert command("Parcel", path, mode="add", all_or_nothing=True).taken_back
    for wrong in ({"key": "name"}, {"key": "", "mode": "update"}, {"mode": "all"}, {"near": "x"}):
        with pytest.raises(InvalidInput):
            command("Parcel", path, **wrong)
