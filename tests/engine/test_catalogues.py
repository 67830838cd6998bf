"""Catalogues and labels of packages: what archivists print and stick on boxes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import segno
from flask import Flask
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from app.engine.archives.catalogue import Catalogue, write_pdf, write_xlsx
from app.engine.archives.labels import ACROSS, DOWN, Label, bars, write_labels
from app.engine.tables import Column

pytestmark = pytest.mark.once

NUMBER = "R001-HT-2026-Y-0001"


def a_catalogue(items: int) -> Catalogue:
    columns = [Column("档号"), Column("题名"), Column("日期", "date"), Column("件数", "integer")]
    rows = [
        [f"R001-HT-2026-Y-{n:04}", f"年度服务合同 {n}", datetime.date(2026, 5, 4), n]
        for n in range(1, items + 1)
    ]
    return Catalogue("归档目录", [("全宗", "R001 润科科技"), ("件数", str(items))], columns, rows)


def printed(page: Any) -> str:
    """The page's text; pypdf leaves half of some letters' codes beside them."""
    return str(page.extract_text()).replace("\0", "")


def test_a_catalogue_on_paper(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.pdf"
    write_pdf(file, a_catalogue(120))
    pages = PdfReader(file).pages
    first = printed(pages[0])
    assert "归档目录" in first
    assert "R001 润科科技" in first
    assert NUMBER in first
    assert "档号" in printed(pages[-1]), "its heads stand on each page"
    assert "R001-HT-2026-Y-0120" in printed(pages[-1])


def test_a_catalogue_as_a_sheet(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.xlsx"
    write_xlsx(file, a_catalogue(3))
    book = CalamineWorkbook.from_path(file)
    rows = book.get_sheet_by_name("归档目录").to_python()
    assert rows[0] == ["档号", "题名", "日期", "件数"]
    assert rows[1] == [NUMBER, "年度服务合同 1", datetime.date(2026, 5, 4), 1]
    assert len(rows) == 4
    facts = book.get_sheet_by_index(1).to_python()
    assert facts[1] == ["全宗", "R001 润科科技"]


def test_an_empty_catalogue_has_its_heads(app: Flask, tmp_path: Path) -> None:
    write_xlsx(tmp_path / "catalogue.xlsx", a_catalogue(0))
    write_pdf(tmp_path / "catalogue.pdf", a_catalogue(0))
    rows = CalamineWorkbook.from_path(tmp_path / "catalogue.xlsx").get_sheet_by_index(0)
    assert rows.to_python()[0] == ["档号", "题名", "日期", "件数"]


def test_labels_fill_a_sheet_and_go_on_over_the_next(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "labels.pdf"
    labels = [Label("润科科技", f"R001-HT-2026-Y-{n:04}", "长题名" * 40) for n in range(25)]
    write_labels(file, "标签", labels)
    pages = PdfReader(file).pages
    assert len(pages) == -(-25 // (ACROSS * DOWN)) == 2
    assert "R001-HT-2026-Y-0024" in printed(pages[1]).replace("\n", "")


def test_the_code_on_a_label_is_that_of_its_number() -> None:
    """Each module of the QR code is dark on paper where it is dark in the code, with room around it."""
    matrix = segno.make_qr(NUMBER, error="m").matrix
    size = len(matrix)
    module = 24.0 / (size + 8)
    drawn = [[0] * size for _row in range(size)]
    for left, top, width, height in bars(NUMBER, 24.0):
        assert height == pytest.approx(module)
        row, first = round(top / module) - 4, round(left / module) - 4
        for column in range(first, first + round(width / module)):
            drawn[row][column] = 1
    assert drawn == [list(row) for row in matrix]
