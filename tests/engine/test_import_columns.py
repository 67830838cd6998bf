"""What the columns of a file mean: proposed by name, by the last choice, by a template."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import xlsxwriter

from tests.engine.import_walk import imported, names, run_of, upload, work

pytestmark = pytest.mark.usefixtures("sent")


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_understood_when_it_comes_back(
    client: Any, app: Any, format: str, language: str
) -> None:
    answer = client.get(f"/import/parcel/template.{format}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    here = imported(client, answer.get_data(), f"template.{format}")
    run = run_of(here)
    assert set(run.columns or ()) == set(run.decided.mapping)
    assert (run.counts or {})["new"] == 1
    assert client.get("/import/parcel/template.pdf").status_code == 404


def test_what_was_chosen_for_a_column_last_is_proposed_again(client: Any, app: Any) -> None:
    for data, form in (
        (
            "name,Label,notes\r\na,x,1\r\n",
            {"column-0": "", "column-1": "name", "column-2": "notes"},
        ),
        ("name,code\r\nb,2\r\n", {"column-0": "name", "column-1": "code", "key": "code"}),
    ):
        here = upload(client, data).headers["Location"]
        client.post(f"{here}/check", data={"columns": "1", **form})
        work(here)
        client.post(f"{here}/start")
        work(here)
    assert names() == ["x", "b"]
    mapping = run_of(upload(client, "LABEL,code\r\nc,3\r\n").headers["Location"]).decided.mapping
    assert mapping == {"LABEL": "name", "code": "code"}
    again = run_of(upload(client, "name,Label,notes\r\nd,y,1\r\n").headers["Location"])
    assert again.decided.mapping == {"name": "name", "notes": "notes"}  # the last word on "name"


def test_a_column_that_was_left_out_stays_out(client: Any, app: Any) -> None:
    form = {"columns": "1", "column-0": "name", "column-1": ""}
    here = upload(client, "name,notes\r\na,secret\r\n").headers["Location"]
    client.post(f"{here}/check", data=form)
    work(here)
    client.post(f"{here}/start")
    work(here)
    later = run_of(upload(client, "name,notes,phone\r\nb,x,\r\n").headers["Location"])
    assert later.decided.mapping == {"name": "name", "phone": "phone"}


def test_the_sheet_that_names_fields_is_taken(client: Any, app: Any) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        for sheet, rows in (
            ("说明", [["填写说明"], ["第一条"], ["第二条"]]),
            ("空", []),
            ("数据", [["name", "code"], ["a", "1"]]),
        ):
            page = book.add_worksheet(sheet)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
    run = run_of(upload(client, stream.getvalue(), "a.xlsx").headers["Location"])
    assert run.decided.sheet == "数据"
    assert run.decided.mapping == {"name": "name", "code": "code"}


def test_a_header_is_known_by_the_fields_that_it_names(client: Any, app: Any) -> None:
    run = run_of(upload(client, "name,code,notes,notes\r\na,1,x,y\r\n").headers["Location"])
    assert run.decided.header
    assert run.columns == ["name", "code", "notes", "notes (2)"]
    data = run_of(upload(client, "甲,北京,北京\r\n乙,上海,上海\r\n").headers["Location"])
    assert not data.decided.header


def test_a_template_lists_the_choices_and_marks_what_is_required(
    client: Any, app: Any, grades: None
) -> None:

    answer = client.get("/import/parcel/template.xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        first = archive.read("xl/worksheets/sheet1.xml").decode()
        words = archive.read("xl/sharedStrings.xml").decode()
    assert "<formula1>'Choices'!$" in first
    assert "Name *" in words
    assert "Code *" not in words
    assert "Top" in words
    lines = client.get("/import/parcel/choices.csv").get_data().decode("utf-8-sig").splitlines()
    assert lines[0] == "Field,Choice,Belongs to"
    assert "Grade,Top," in lines
    assert "Colour,Blue," in lines
    plain = client.get("/import/parcel/template.csv").get_data().decode("utf-8-sig")
    assert plain.startswith("Name *,Code,")
