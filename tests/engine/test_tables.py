"""Files as people have them: every kind read, every fault named, and written ones read back."""

from __future__ import annotations

import codecs
import csv
import io
import random
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.parsing import parse_date, parse_datetime, parse_decimal
from app.engine.tables import Column, Limits, TableProblem, open_table, write_csv, write_xlsx
from app.engine.tables.marks import mark, unmark
from tests.sample_data import needs, sample

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = ["编码", "名称", "城市"]
BODY = [
    ["000001", "平安银行", "深圳"],
    ["000002", "万科Ａ", "深圳"],
    ["600519", "贵州茅台", "贵州"],
]


def text(rows: list[list[str]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue()


def read(data: bytes, name: str = "file.csv", **options: Any) -> tuple[list[str], list[list[Any]]]:
    with open_table(io.BytesIO(data), name, **options) as table:
        return table.columns, [row.cells for row in table.rows()]


def problem(data: bytes, name: str = "file.csv", **options: Any) -> str:
    with pytest.raises(TableProblem) as caught:
        read(data, name, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "mark_bytes"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("gb18030", b""),
        ("gbk", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_encodings_and_separators_are_found(
    encoding: str, mark_bytes: bytes, delimiter: str
) -> None:
    data = mark_bytes + text([HEADER, *BODY], delimiter).encode(encoding)
    assert read(data) == (HEADER, BODY)


def test_utf16_without_a_mark_is_found_by_its_zeros() -> None:
    rows = [["code", "name"], ["000001", "Ping An"], ["000002", "万科"]]
    assert read(text(rows).encode("utf-16-le"))[1] == rows[1:]


def test_other_encodings_are_read_with_a_warning() -> None:
    rows = [["Name", "Stadt"]] + [["Müller & Söhne", "Düsseldorf"], ["Größe", "Köln"]] * 20
    with open_table(io.BytesIO(text(rows).encode("cp1252")), "file.csv") as table:
        assert table.warnings
        assert [row.cells for row in table.rows()] == rows[1:]


def test_a_bad_byte_in_utf8_is_named_by_its_line() -> None:
    good = text([HEADER, *BODY * 4])
    data = good.encode() + "坏".encode("gbk") + b",x,y\r\n"
    assert str(good.count("\n") + 1) in problem(data)


def test_runs_of_blanks_and_no_header() -> None:
    data = b" 00001 20210101  1   11.77\r\n 00002 20210112  1   12.00\r\n" * 30
    columns, rows = read(data, "transactions.txt", header=None)
    assert columns == ["column_1", "column_2", "column_3", "column_4"]
    assert rows[0] == ["00001", "20210101", "1", "11.77"]
    assert len(rows) == 60


@pytest.mark.parametrize(
    ("name", "columns", "count"),
    [
        pytest.param(name, columns, count, marks=needs(name), id=name)
        for name, columns, count in (
            ("listed_companies.csv", 10, 5524),
            ("support_tickets.csv", 14, None),
            ("cdnow_transactions.txt", 4, None),
        )
    ],
)
def test_real_files_where_they_are_at_hand(name: str, columns: int, count: int | None) -> None:
    with open_table(sample(name), header=None) as table:
        rows = list(table.rows())
        assert len(table.columns) == columns
        assert not [row for row in rows if row.problem]
        assert count is None or len(rows) == count
        assert abs(table.estimated_rows() - len(rows)) < len(rows) / 5


def test_ragged_rows_are_refused_alone_and_by_line() -> None:
    data = text([HEADER, BODY[0], ["1", "2"], ["1", "2", "3", "4"], ["1", "2", "3", ""], BODY[1]])
    with open_table(io.BytesIO(data.encode()), "file.csv") as table:
        rows = list(table.rows())
    assert [row.number for row in rows] == [2, 3, 4, 5, 6]
    assert [bool(row.problem) for row in rows] == [False, True, True, False, False]
    assert "3" in str(rows[1].problem)
    assert "2 cells" in str(rows[1].problem)


def test_a_row_over_several_lines_names_them_all() -> None:
    data = 'a,b\r\n1,"x\r\ny"\r\n2,"open\r\n3,c\r\n4,d"\r\n5,6,7\r\n'
    with open_table(io.BytesIO(data.encode()), "file.csv") as table:
        rows = list(table.rows())
    assert rows[0].cells == ["1", "x\r\ny"]
    assert [row.number for row in rows] == [2, 4, 7]


def test_blank_rows_and_trailing_separators_are_nothing() -> None:
    columns, rows = read("编码,名称,,\r\n1,a,,\r\n,,,\r\n\r\n2,b,,\r\n".encode())
    assert columns == ["编码", "名称"]
    assert rows == [["1", "a"], ["2", "b"]]


def test_titles_above_the_header_are_left_out() -> None:
    rows = [["客户名单", "", ""], ["", "", ""], HEADER, *BODY]
    with open_table(io.BytesIO(text(rows).encode()), "file.csv") as table:
        assert table.columns == HEADER
        assert table.warnings
        assert next(table.rows()).number == 4


def test_missing_and_doubled_headers_get_names_and_a_warning() -> None:
    with open_table(io.BytesIO("电话,,电话\r\n1,2,3\r\n".encode()), "file.csv") as table:
        assert table.columns == ["电话", "column_2", "电话 (2)"]
        assert len(table.warnings) == 2


def test_a_separator_named_in_the_first_line() -> None:
    assert read(b"sep=;\r\na;b\r\n1,5;2\r\n") == (["a", "b"], [["1,5", "2"]])


def test_rows_can_be_read_again() -> None:
    with open_table(io.BytesIO(text([HEADER, *BODY]).encode()), "file.csv") as table:
        assert [r.cells for r in table.sample(1)] == BODY[:1]
        assert [r.cells for r in table.rows()] == BODY
        assert [r.cells for r in table.rows()] == BODY


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b"%PDF-1.7 ...",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"PK\x03\x04 no archive at all",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600),
        b"<html><table><tr><td>1</td></tr></table></html>",
        random.Random(1).randbytes(5000),
        bytes(5000),
    ],
)
def test_what_is_no_table_is_refused(data: bytes) -> None:
    assert problem(data)


def test_other_archives_are_no_table() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "not a table" in problem(stream.getvalue(), "letter.xlsx")


def test_bounds() -> None:
    wide = (",".join(f"c{n}" for n in range(1_000_000)) + "\r\n").encode()
    assert "columns" in problem(wide) or "too long" in problem(wide)
    assert "Line 2" in problem(b"a,b\r\n1," + b"x" * 200_000 + b"\r\n")
    assert "Line 2" in problem(b"a,b\r\n1," + b"x" * 50_000_000 + b"\r\n")
    assert "Line 3" in problem(b'a,b\r\n1,2\r\n1,"' + b"x\r\n" * 100_000)
    assert "1 MB" in problem(b"a,b\r\n" * 500_000, limits=Limits(file_bytes=1024 * 1024))


def workbook(path: Path, sheet: str, extra: dict[str, bytes] | None = None) -> Path:
    """A minimal XLSX file around the given rows of XML."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
        'package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData>'
        "</worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def test_a_cell_at_the_far_corner_does_not_take_the_process_along(tmp_path: Path) -> None:
    corner = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(TableProblem):
        open_table(workbook(tmp_path / "corner.xlsx", corner))


def test_zip_bombs_and_broken_workbooks_are_refused(tmp_path: Path) -> None:
    bomb = workbook(tmp_path / "bomb.xlsx", "", {"xl/media/a": bytes(30_000_000)})
    with pytest.raises(TableProblem, match="unpacked"):
        open_table(bomb, limits=Limits(unpacked_bytes=10_000_000))
    broken = workbook(tmp_path / "broken.xlsx", "<row r='1'><c r='A1'><v>1</row")
    with pytest.raises(TableProblem, match="damaged"):
        open_table(broken)
    with pytest.raises(TableProblem):
        open_table(workbook(tmp_path / "void.xlsx", ""))


def test_macros_are_left_and_said(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>'
    path = workbook(tmp_path / "macro.xlsm", rows, {"xl/vbaProject.bin": b"x"})
    with open_table(path) as table:
        assert table.warnings
        assert [row.cells for row in table.rows()] == [[1.0]]


def merged_header(
    path: Path, *rows: list[str], blocks: Sequence[tuple[int, int, int, int]]
) -> Path:
    """A workbook with these rows, in which the given blocks are merged."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, word in enumerate(row):
                if word:
                    sheet.write_string(number, column, word)
        for top, first, bottom, last in blocks:
            sheet.merge_range(top, first, bottom, last, rows[top][first])
    return path


def test_a_header_below_merged_cells_is_found(tmp_path: Path) -> None:
    path = merged_header(
        tmp_path / "merged.xlsx",
        ["客户资料", "", "", "", ""],
        ["基本信息", "", "联系", "", "备注"],
        ["名称", "编号", "电话", "邮箱", ""],
        ["甲公司", "1", "010-88880000", "a@b.cn", "x"],
        blocks=[(0, 0, 0, 4), (1, 0, 1, 1), (1, 2, 1, 3), (1, 4, 2, 4)],
    )
    with open_table(path) as table:
        assert table.columns == ["名称", "编号", "电话", "邮箱", "备注"]
        assert [row.cells[0] for row in table.rows()] == ["甲公司"]


def test_a_merged_cell_in_the_only_header_does_not_hide_it(tmp_path: Path) -> None:
    path = merged_header(
        tmp_path / "merged.xlsx",
        ["名称", "编号", "地址", ""],
        ["甲公司", "一", "深圳", "南山"],
        blocks=[(0, 2, 0, 3)],
    )
    with open_table(path) as table:
        assert table.columns[:3] == ["名称", "编号", "地址"]
        assert [row.number for row in table.rows()] == [2]


def test_row_numbers_are_those_of_the_sheet(tmp_path: Path) -> None:
    cell = '<row r="{0}"><c r="C{0}" t="str"><v>{1}</v></c></row>'
    rows = "".join(cell.format(*pair) for pair in ((3, "name"), (7, "x"), (9, "y")))
    with open_table(workbook(tmp_path / "offset.xlsx", rows)) as table:
        assert table.columns == ["name"]
        assert [(row.number, row.cells) for row in table.rows()] == [(7, ["x"]), (9, ["y"])]


def test_sheets_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_xlsx(path, [Column("a")], [["1"]], sheet="客户")
    with open_table(path) as table:
        assert table.sheets == ["客户"]
        assert table.sheet == "客户"
    with pytest.raises(TableProblem, match="没有"):
        open_table(path, sheet="没有")


def test_native_types_come_back(tmp_path: Path) -> None:
    path = tmp_path / "typed.xlsx"
    kinds = ["text", "integer", "decimal", "money", "date", "datetime", "boolean"]
    columns = [Column(kind, kind) for kind in kinds]  # type: ignore[arg-type]
    moment = datetime(2026, 3, 5, 2, 30, 15, tzinfo=UTC)
    row = ["=1+1", 12, Decimal("0.125"), Decimal("1234.50"), date(2026, 3, 5), moment, True]
    assert write_xlsx(path, columns, [row, [None] * 7], zone=SHANGHAI) == 2
    with open_table(path) as table:
        (cells,) = [found.cells for found in table.rows()]
    assert cells == [
        "=1+1",
        12,
        0.125,
        1234.5,
        date(2026, 3, 5),
        datetime(2026, 3, 5, 10, 30, 15),
        True,
    ]
    assert parse_datetime(cells[5], SHANGHAI) == moment
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in sheet
    assert "<autoFilter" in sheet
    assert "'=1+1" in sheet


def test_an_empty_export_still_has_its_header(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "e.xlsx", [Column("a"), Column("a")], [])
    write_csv(tmp_path / "e.csv", [Column("a"), Column("a")], [])
    for name in ("e.xlsx", "e.csv"):
        with open_table(tmp_path / name) as table:
            assert table.columns == ["a", "a (2)"]
            assert list(table.rows()) == []


def test_what_xlsx_cannot_hold_fails_loudly(tmp_path: Path) -> None:
    with pytest.raises(TableProblem):
        write_xlsx(tmp_path / "long.xlsx", [Column("a")], [["x" * 40_000]])


def test_a_fault_while_writing_is_not_hidden(tmp_path: Path) -> None:
    def rows() -> Any:
        yield ["a"]
        raise RuntimeError("the database went away")

    for write in (write_csv, write_xlsx):
        with pytest.raises(RuntimeError, match="went away"):
            write(tmp_path / "x", [Column("a")], rows())


risky = st.text(alphabet=st.sampled_from("'=+-@\t\r\n a1,\";|中＝－"), max_size=8)


@given(st.one_of(risky, st.text()))
def test_marks_undo_each_other(value: str) -> None:
    assert unmark(mark(value)) == value


@pytest.mark.parametrize("value", ["=cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "+1+1", "\t=1", "＝1"])
def test_formulas_get_one_mark(value: str) -> None:
    assert mark(value) == "'" + value


@pytest.mark.parametrize("value", ["-5", "+86 138-0013-8000", "+12.5", "a=b", "", "'quoted'"])
def test_numbers_phones_and_plain_text_get_none(value: str) -> None:
    assert mark(value) == value


cell_texts = st.one_of(
    risky, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
)
values = st.tuples(
    cell_texts,
    st.one_of(st.none(), st.integers(-(10**20), 10**20)),
    st.one_of(st.none(), st.decimals(-(10**18), 10**18, places=4)),
    st.one_of(st.none(), st.dates()),
    st.one_of(st.none(), st.datetimes(min_value=datetime(1901, 1, 1), timezones=st.just(UTC))),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(values, max_size=5))
@pytest.mark.parametrize("name", ["f.csv", "f.xlsx"])
def test_export_then_import_changes_nothing(
    name: str, tmp_path: Path, rows: list[tuple[Any, ...]]
) -> None:
    kinds = ("text", "integer", "decimal", "date", "datetime")
    columns = [Column("id", "text"), *(Column(kind, kind) for kind in kinds)]  # type: ignore[arg-type]
    latest = datetime(9999, 12, 30, tzinfo=UTC)
    rows = [(f"r{n}", *row) for n, row in enumerate(rows) if row[4] is None or row[4] < latest]
    write = write_csv if name == "f.csv" else write_xlsx
    write(tmp_path / name, columns, rows, zone=SHANGHAI)
    with open_table(tmp_path / name) as table:
        back = [row.cells for row in table.rows()]
    assert [cells[0] for cells in back] == [row[0] for row in rows]
    for cells, row in zip(back, rows, strict=True):
        assert cells[1] == row[1] or (name == "f.xlsx" and "\r" in row[1])
        assert parse_decimal(cells[2]) == row[2]
        assert parse_decimal(cells[3]) == row[3]
        assert parse_date(cells[4]) == row[4]
        assert parse_datetime(cells[5], SHANGHAI) == row[5]


def test_cells_that_are_read_as_empty_though_they_are_not_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        other, sheet = book.add_worksheet("封面"), book.add_worksheet("数据 & 表")
        other.write_formula("A1", "=1/0", None, "#DIV/0!")
        sheet.write_row(0, 0, ["name", "price", "notes"])
        sheet.write_row(1, 0, ["甲", 5, "t=“e”"])
        sheet.write_formula("B3", "=1/0", None, "#DIV/0!")
        sheet.write_formula("C3", "=A2", None, "")
        sheet.write_formula("A3", "=A2&B2", None, "甲5")
    with open_table(path, sheet="数据 & 表") as table:
        assert [row.cells for row in table.rows()][1] == ["甲5", "", ""]
        (warning,) = table.faults()
        assert "B3, C3" in str(warning)
    with open_table(io.BytesIO(b"name,price\r\na,#DIV/0!\r\n"), "a.csv") as table:
        assert table.faults() == []
