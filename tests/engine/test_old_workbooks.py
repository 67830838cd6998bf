"""XLS and ODS, made by other programs (xlwt, odfpy): read like any other file.

`locked.xls` is what Excel 97 writes behind a password: every record after the second is encrypted.
"""

from __future__ import annotations

import datetime
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.engine.tables import TableProblem, open_table
from config import ROOT
from tests.engine.import_walk import run_of, upload, work

FILES = ROOT / "tests" / "files"


@pytest.mark.parametrize("name", ["sheets.xls", "sheets.ods"])
def test_every_sheet_can_be_chosen_and_holds_typed_values(name: str) -> None:
    with open_table(FILES / name) as table:
        assert table.sheets == ["说明", "数据"]
        assert table.sheet == "数据"  # a cover of one line is no table
    with open_table(FILES / name, sheet="数据") as table:
        assert table.columns == ["名称", "货号", "到货日期", "价格", "备注"]
        first, second = [row.cells for row in table.rows()]
    assert first == ["甲", "A-1", datetime.date(2026, 3, 5), 1234.5, "=1+1"]
    assert second == ["乙", "007", "2026年3月6日", "12.5万", "２０２"]


@pytest.mark.parametrize("name", ["sheets.xls", "sheets.ods"])
def test_the_page_takes_the_sheet_that_the_user_chooses(client: Any, app: Any, name: str) -> None:
    here = upload(client, (FILES / name).read_bytes(), name).headers["Location"]
    client.post(f"{here}/format", data={"sheet": "数据", "header": "yes"})
    run = run_of(here)
    assert run.decided.sheet == "数据"
    form = {"columns": "1", "key": "code", "approved": "1", "column-0": "name",
            "column-1": "code", "column-2": "arrived_on", "column-3": "price",
            "column-4": "notes"}  # fmt: skip
    client.post(f"{here}/check", data=form)
    work(here)
    plan = run_of(here).plan or {}
    assert (plan["new"], plan["refused"]) == (2, 0), plan["refusals"]


def test_a_password_is_told_whatever_the_file_is_called(client: Any, tmp_path: Path) -> None:
    """The reading library judges a file by its name first, and uploads are kept without one."""
    plain = shutil.copy(FILES / "locked.xls", tmp_path / "file")
    for path in (FILES / "locked.xls", Path(plain)):
        with pytest.raises(TableProblem, match=r"password|密码"):
            open_table(path)
    answer = upload(client, (FILES / "locked.xls").read_bytes(), "locked.xls")
    assert answer.status_code == 422
    assert re.search("password|密码", answer.get_data(as_text=True))


def test_a_password_of_the_older_kind_is_told(tmp_path: Path) -> None:
    """Not encrypted but scrambled, with a record before that keeps people from writing."""
    data = (FILES / "locked.xls").read_bytes()
    start = data.index(bytes.fromhex("2f003600"))
    older = bytes.fromhex("86000000" + "2f000600" + "0000" + "34127856")
    (tmp_path / "file").write_bytes(data[:start] + older + data[start + len(older) :])
    with pytest.raises(TableProblem, match=r"password|密码"):
        open_table(tmp_path / "file")
