"""What stands in exported files: everything asked for, in its order, whole, and nothing else."""

from __future__ import annotations

import csv
import datetime
import decimal
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jobs
from app.engine import policy, registry
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.errors import NotFound
from app.engine.job import DONE, FAILED, Job, request_job, retry
from app.engine.query import Records, Snapshot, Sort
from app.engine.surfaces import exports
from app.engine.surfaces.exports.parts import ExportIncomplete
from app.engine.surfaces.imports import command as import_command
from app.engine.tables import TableProblem, open_table
from tests import factories

pytestmark = pytest.mark.usefixtures("sent")


def written(
    path: Path, kind: str = "csv", names: tuple[str, ...] | None = None, **more: Any
) -> exports.Written:
    """Parcels as the viewer may export them, by number."""
    definition = registry.current().entity("Parcel")
    records = Records(definition).sort(Sort("pieces"))
    fields = exports.export_fields(definition, names)
    return exports.write_export(records, fields, kind, path, **more)


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12
)
DANGEROUS = st.sampled_from(
    ["=1+1", "'=x", "''", "+86 138", "-1", "@x", "\u3000=", "a,b", 'a"b', "＝1"]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(
        st.fixed_dictionaries(
            {
                "name": (TEXTS | DANGEROUS).filter(lambda text: text.strip()),
                "notes": st.none() | DANGEROUS | TEXTS,
                "pieces": st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
                "weight": st.none()
                | st.decimals(-999999, 999999, places=3, allow_nan=False, allow_infinity=False),
                "arrived_on": st.none()
                | st.dates(datetime.date(1800, 1, 1), datetime.date(2200, 1, 1)),
                "opened_at": st.none()
                | st.datetimes(
                    datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1),
                    timezones=st.just(datetime.UTC),
                ).map(lambda moment: moment.replace(microsecond=0)),
                "fragile": st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    kind=st.sampled_from(["csv", "xlsx"]),
)  # fmt: skip
def test_what_was_exported_and_is_imported_changes_nothing(
    as_admin: policy.Viewer, tmp_path: Path, values: list[dict[str, Any]], kind: str
) -> None:
    for row in values:
        factories.make("Parcel", **row)
    path = tmp_path / f"out.{kind}"
    report = exports.command("Parcel", kind, path)
    back = import_command("Parcel", path)
    counts = {name: number for name, number in back.counts.items() if number}
    assert counts == {"total": report.rows, "unchanged": report.rows}


@pytest.mark.parametrize("names", [("code", "name"), ("pieces",), ("tags", "weight", "code")])
def test_chosen_columns_stand_in_the_order_of_choosing(
    as_admin: policy.Viewer, tmp_path: Path, names: tuple[str, ...]
) -> None:
    factories.make("Parcel", pieces=None)
    written(tmp_path / "x.csv", names=names)
    definition = registry.current().entity("Parcel")
    head, row = rows(tmp_path / "x.csv")
    assert head == [str(definition.fields[name].label) for name in names]
    assert len(row) == len(names)


def test_an_amount_comes_with_its_currency(as_admin: policy.Viewer, tmp_path: Path) -> None:
    factories.make("Parcel", price=decimal.Decimal("1234.5"), price_currency="USD")
    written(tmp_path / "x.csv", names=("price", "code"))
    head, row = rows(tmp_path / "x.csv")
    assert head == [label(name) for name in ("price", "price_currency", "code")]
    assert row[:2] == ["1234.50", "USD"]
    written(tmp_path / "y.csv", names=("price_currency", "price"))
    assert rows(tmp_path / "y.csv")[0] == [label(name) for name in ("price_currency", "price")]


def label(name: str) -> str:
    return str(registry.current().entity("Parcel").fields[name].label)


def test_an_amount_on_paper_carries_its_currency(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make("Parcel", price=decimal.Decimal("1234.5"), price_currency="USD")
    factories.make("Parcel", price=decimal.Decimal(2), price_currency="CNY")
    drawn = on_paper(monkeypatch, "write_tables")
    written(tmp_path / "x.pdf", "pdf", ("name", "price"))
    ((_path, _title, _note, (table,)),) = drawn
    assert table.heads == [label("name"), label("price")]
    assert {row[1] for row in table.rows} in ({"¥2.00", "US$1,234.50"}, {"CN¥2.00", "US$1,234.50"})


def test_rows_come_in_the_order_of_the_list_empty_ones_first(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    for pieces in (3, None, 1, 2):
        factories.make("Parcel", pieces=pieces)
    written(tmp_path / "x.csv", names=("pieces",))
    assert [row[0] for row in rows(tmp_path / "x.csv")[1:]] == ["", "1", "2", "3"]


def test_numbers_and_moments_are_written_as_people_here_write_them(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    moment = datetime.datetime(2026, 3, 5, 23, 30, 15, tzinfo=datetime.UTC)
    price = decimal.Decimal("-1234.05")
    factories.make("Parcel", opened_at=moment, price=price, weight=decimal.Decimal("-0.005"))
    written(tmp_path / "x.csv", names=("opened_at", "price", "weight"))
    row = rows(tmp_path / "x.csv")[1]
    assert row == ["2026-03-06 07:30:15", "-1234.05", "CNY", "-0.005"]


def test_a_workbook_holds_what_the_system_notes_as_moments(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    made = factories.make("Parcel").created_at
    written(tmp_path / "x.xlsx", "xlsx", names=("created_at",))
    with open_table(tmp_path / "x.xlsx") as table:
        (cell,) = next(iter(table.rows())).cells
    china = datetime.timezone(datetime.timedelta(hours=8))
    assert cell == made.astimezone(china).replace(microsecond=0, tzinfo=None)


def test_json_lines_hold_values_for_programs(as_admin: policy.Viewer, tmp_path: Path) -> None:
    shelf = factories.make("Shelf", name="甲架")
    price = decimal.Decimal("12.50")
    factories.make("Parcel", shelf=shelf.id, price=price, tags=["急"], colour="red", fragile=True)
    names = ("shelf", "price", "tags", "colour", "fragile", "arrived_on")
    written(tmp_path / "x.jsonl", "jsonl", names)
    (line,) = (tmp_path / "x.jsonl").read_bytes().splitlines()
    row = json.loads(line)
    assert row["shelf"] == {"id": shelf.id, "name": "甲架"}
    assert (row["price"], row["tags"], row["colour"], row["fragile"]) == (
        "12.50", ["急"], "red", True,
    )  # fmt: skip


def test_masked_fields_are_masked_in_every_format(acting: Any, tmp_path: Path) -> None:
    acting("admin")
    factories.make("Parcel", phone="138 0013 8000", price=decimal.Decimal("77.31"))
    fields = {("Parcel", "phone"): "masked", ("Parcel", "price"): "masked"}
    masking = policy.Rights((policy.RoleRights({("*", "*"): "all"}, fields),))
    with policy.acting_as(policy.Viewer(1, "x", masking)):
        for kind in ("csv", "xlsx", "jsonl"):
            path = tmp_path / kind
            written(path, kind, ("phone", "price"))
            content = path.read_bytes()
            if kind == "xlsx":
                with zipfile.ZipFile(path) as book:
                    content = b"".join(book.read(name) for name in book.namelist())
            assert b"0013" not in content
            assert b"77.31" not in content


def test_only_rows_inside_the_scope_come_and_the_trash_stays_out(app: Any, tmp_path: Path) -> None:
    with policy.acting_as(factories.viewer("admin")) as admin:
        mine, other = (
            factories.make("Shelf", keeper=factories.user_id(n)) for n in ("sales", "sales2")
        )
        for shelf in (mine, other):
            factories.make("Parcel", shelf=shelf.id, pieces=shelf.id)
        factories.make("Parcel", shelf=mine.id, pieces=999)
        from app.engine.changes import change_set

        definition = registry.current().entity("Parcel")
        gone = Records(definition).ids()[-1]
        with change_set("form") as changes:
            changes.trash(definition, gone)
    grants = {("Shelf", "*"): "own", ("Parcel", "*"): "own"}
    rights = policy.Rights((policy.RoleRights(grants, {}),))
    with policy.acting_as(policy.Viewer(factories.user_id("sales"), "x", rights)):
        assert written(tmp_path / "x.csv", names=("pieces",)).rows == 1
    assert rows(tmp_path / "x.csv")[1:] == [[str(mine.id)]]
    assert admin.user_id is not None


def test_what_belongs_to_the_records_comes_as_further_files(
    app: Any, as_admin: policy.Viewer, tmp_path: Path
) -> None:
    first, second = (factories.make("Customer", name=f"甲公司{n}") for n in (1, 2))
    factories.make("Contact", customer=first.id, name="张三")
    factories.make("Contact", customer=second.id, name="李四")
    definition = registry.current().entity("Customer")
    records = Records(definition).with_ids([first.id])
    fields = exports.export_fields(definition, ["name"])
    path = tmp_path / "x.zip"
    report = exports.write_export(records, fields, "csv", path, related=["Contact"])
    assert (report.rows, report.ending) == (2, "zip")
    with zipfile.ZipFile(path) as archive:
        proof = json.loads(archive.read("manifest.json"))
        for entry in proof["files"]:
            assert hashlib.sha256(archive.read(entry["name"])).hexdigest() == entry["sha256"]
        contacts = archive.read(proof["files"][1]["name"]).decode()
    assert "张三" in contacts
    assert "李四" not in contacts
    sheets = exports.write_export(records, fields, "xlsx", tmp_path / "x", related=["Contact"])
    assert (sheets.rows, sheets.ending) == (2, "xlsx")
    with pytest.raises(NotFound):
        exports.write_export(records, fields, "csv", path, related=["Parcel"])


def test_a_file_that_would_end_short_is_refused(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make("Parcel")
    monkeypatch.setattr(Snapshot, "columns", lambda *_arguments: iter(()))
    with pytest.raises(ExportIncomplete):
        exports.command("Parcel", "csv", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_meanwhile_is_not_in_the_file(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        factories.make("Parcel")
    read: Callable[..., Any] = Snapshot.columns

    def late(*arguments: Any) -> Any:
        factories.make("Parcel")
        yield from read(*arguments)

    monkeypatch.setattr(Snapshot, "columns", late)
    assert written(tmp_path / "x.csv").rows == 3


def test_a_list_on_paper_carries_its_font_and_numbers_its_pages(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    for _number in range(60):
        factories.make("Parcel", notes="很长的说明，" * 40)
    path = tmp_path / "x.pdf"
    assert written(path, "pdf", ("name", "price", "opened_at", "tags", "notes")).rows == 60
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"NotoSansSC" in content
    assert b"/FontFile3" in content
    assert content.count(b"/Type /Page\n") > 2


def test_paper_has_its_bounds(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.surfaces.exports.pdf.MOST_ROWS", 1)
    for _number in range(2):
        factories.make("Parcel")
    for names in (("name",), None):
        with pytest.raises(TableProblem):
            written(tmp_path / "x.pdf", "pdf", names)


def on_paper(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """What is given to the function that draws."""
    from app.engine.tables import pdf

    drawn: list[Any] = []
    draw = getattr(pdf, name)
    monkeypatch.setattr(pdf, name, lambda *given: (drawn.append(given), draw(*given)))
    return drawn


def test_a_record_is_printed_with_what_belongs_to_it(
    app: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        mine, other = (factories.make("Customer", name=f"甲公司{n}") for n in (1, 2))
        factories.make("Contact", customer=mine.id, name="张三")
        factories.make("Contact", customer=other.id, name="李四")
    drawn = on_paper(monkeypatch, "write_record")
    answer = browser("admin").post(f"/export/customer/{mine.id}")
    job = done(answer.headers["Location"].rsplit("/", 1)[1])
    assert job.state == DONE
    ((_path, title, _note, _groups, (table,)),) = drawn
    assert title.endswith("甲公司1")
    assert table.title.endswith("(1)")
    assert "张三" in table.rows[0]
    assert not any("甲公司1" in cell for cell in table.rows[0])
    parts = (job.result or {})["parts"]
    assert [part["entity"] for part in parts if part["rows"]] == ["Customer", "Contact"]


def test_a_list_on_paper_may_bring_what_belongs_to_it(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = factories.make("Customer", name="甲公司")
    factories.make("Contact", customer=first.id, name="张三")
    drawn = on_paper(monkeypatch, "write_tables")
    definition = registry.current().entity("Customer")
    fields = exports.export_fields(definition, ["name"])
    records = Records(definition)
    report = exports.write_export(records, fields, "pdf", tmp_path / "x", related=["Contact"])
    assert (report.rows, report.ending) == (2, "pdf")
    ((_path, _title, _note, (_customers, contacts)),) = drawn
    assert {"甲公司", "张三"} <= set(contacts.rows[0])


def paper() -> Any:
    from app.engine.tables.pdf import Paper

    return Paper("x", "", landscape=True)


def test_more_columns_than_fit_go_on_over_further_pages_beside_the_name(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    from app.engine.tables.pdf import Table, _blocks

    heads = [f"Column {number}" for number in range(40)]
    table = Table(heads, [False] * 40, [["12,345,678.90"] * 40], key=3)
    sheet = paper()
    blocks = _blocks(sheet, table)
    assert len(blocks) > 1
    others = [column for block in blocks[1:] for column in block.columns if column != 3]
    assert sorted([*blocks[0].columns, *others]) == list(range(40))
    assert all(block.columns[0] == 3 for block in blocks[1:])
    for block in blocks:
        assert sum(block.widths) == pytest.approx(sheet.epw)
        assert all(
            sheet.wrapped("12,345,678.90", w - 2.4) == ["12,345,678.90"] for w in block.widths
        )
    factories.make("Parcel")
    assert written(tmp_path / "x.pdf", "pdf").rows == 1


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("ab 甲乙,1\u202f"), max_size=60), width=st.floats(4, 40))
def test_a_cell_on_paper_loses_nothing(text: str, width: float) -> None:
    sheet = paper()
    lines = sheet.wrapped(text, width, 1000)
    bare = "".join(text.split())
    assert "".join("".join(lines).split()) == bare
    assert all(sheet.get_string_width(line.rstrip()) <= width or len(line) == 1 for line in lines)


def test_one_record_is_printed_with_all_its_fields(parcel: Any, browser: Any) -> None:
    assert f'/export/parcel/{parcel.id}"' in browser("admin").get(f"/parcel/{parcel.id}").text
    answer = browser("admin").post(f"/export/parcel/{parcel.id}")
    job = done(answer.headers["Location"].rsplit("/", 1)[1])
    assert job.state == DONE
    file = browser("admin").get(f"/jobs/{job.id}/download")
    assert file.mimetype == "application/pdf"
    assert browser("admin").post("/export/parcel/999999").status_code == 404


# -- the job -------------------------------------------------------------------------------


def asked(browser: Any, **form: Any) -> str:
    answer = browser("admin").post("/export/parcel", data={"format": "csv", **form})
    assert answer.status_code == 303
    return str(answer.headers["Location"].rsplit("/", 1)[1])


def done(job_id: str) -> Job:
    jobs.run_job(job_id)
    return db.session.get_one(Job, job_id, populate_existing=True)


@pytest.fixture
def parcel(app: Any) -> Any:
    with policy.acting_as(factories.viewer("admin")):
        return factories.make("Parcel", name="红包裹", approved=True)


def test_the_page_offers_columns_in_an_order_of_ones_own(parcel: Any, browser: Any) -> None:
    page = browser("admin").get("/export/parcel").get_data(as_text=True)
    assert 'value="chosen"' in page
    job_id = asked(browser, columns="chosen", fields=["code", "name"])
    job = done(job_id)
    assert job.result is not None
    assert job.result["fields"] == ["code", "name"]
    assert browser("admin").post(
        "/export/parcel", data={"format": "csv", "columns": "chosen"}
    ).status_code == 422  # fmt: skip


def test_the_manifest_proves_the_file(parcel: Any, browser: Any) -> None:
    job_id = asked(browser)
    assert browser("admin").get(f"/export/manifest/{job_id}").status_code == 404
    assert done(job_id).state == DONE
    assert f"/export/manifest/{job_id}" in browser("admin").get(f"/jobs/{job_id}").text
    proof = browser("admin").get(f"/export/manifest/{job_id}").get_json()
    file = browser("admin").get(f"/jobs/{job_id}/download")
    assert proof["sha256"] == hashlib.sha256(file.data).hexdigest()
    assert (proof["rows"], proof["size"]) == (1, len(file.data))
    assert browser("sales").get(f"/export/manifest/{job_id}").status_code == 404


def test_the_file_has_its_name_in_the_askers_language(parcel: Any, browser: Any) -> None:
    answer = browser("admin").post(
        "/export/customer", data={"format": "xlsx"}, headers={"Accept-Language": "zh"}
    )
    job_id = answer.headers["Location"].rsplit("/", 1)[1]
    assert done(job_id).state == DONE
    head = browser("admin").get(f"/jobs/{job_id}/download").headers["Content-Disposition"]
    assert "filename*=UTF-8''%E5%AE%A2%E6%88%B7-" in head


def test_a_right_taken_away_closes_the_download(
    parcel: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = asked(browser)
    done(job_id)
    can = policy.Viewer.can
    monkeypatch.setattr(policy.Viewer, "can", lambda s, e, a: a != "export" and can(s, e, a))
    answer = browser("admin").get(f"/jobs/{job_id}/download")
    assert answer.status_code == 403
    assert "was taken from you" in answer.text


def test_a_link_ends_with_the_jobs_time(parcel: Any, browser: Any) -> None:
    job_id = asked(browser)
    done(job_id)
    with write_transaction() as session:
        session.get_one(Job, job_id).keep_until = now() - datetime.timedelta(minutes=1)
    for address in (f"/jobs/{job_id}/download", f"/export/manifest/{job_id}"):
        assert browser("admin").get(address).status_code == 404


def test_a_full_disk_is_said_and_the_export_can_be_tried_again(
    parcel: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = asked(browser)
    with monkeypatch.context() as full:

        def save(*_arguments: Any) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(type(store()), "save", save)
        job = done(job_id)
    assert job.state == FAILED
    assert "The disk is full" in browser("admin").get(f"/jobs/{job_id}").text
    with policy.acting_as(factories.viewer("admin")):
        assert retry(job_id)
    assert done(job_id).state == DONE


def test_a_filter_that_is_no_more_is_named(parcel: Any, browser: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        wanted = exports.Request("Parcel", "csv", query=(("f", "gone_field:eq:1"),))
        job_id = request_job("export", wanted.as_json()).id
    assert done(job_id).state == FAILED
    assert "gone_field" in browser("admin").get(f"/jobs/{job_id}").text


def test_a_scheduled_export_stays_in_its_folder_with_its_manifest(
    parcel: Any, browser: Any
) -> None:
    with policy.acting_as(factories.viewer("admin")):
        wanted = exports.Request("Parcel", "csv", fields=("code",)).as_json()
        job_id = request_job("export.scheduled", {**wanted, "folder": "每日/包裹"}).id
        wrong_id = request_job("export.scheduled", {**wanted, "folder": "../etc"}).id
    result = done(job_id).result
    assert result is not None
    assert result["kept"].startswith("scheduled/每日/包裹/parcel-")
    with store().open(result["kept"]) as file:
        assert hashlib.sha256(file.read()).hexdigest() == result["sha256"]
    with store().open(f"{result['kept']}.manifest.json") as file:
        assert json.loads(file.read())["rows"] == 1
    page = browser("admin").get(f"/jobs/{job_id}").get_data(as_text=True)
    assert result["kept"] in page
    assert result["sha256"] in page
    assert done(wrong_id).state == FAILED
