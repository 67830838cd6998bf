"""Rows out of XLSX, XLS and ODS workbooks, read by a process of its own within bounds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import orjson
from flask_babel import lazy_gettext as _

from app.engine.tables.header import Merged
from app.engine.tables.problems import Limits, TableProblem

_CHILD = Path(__file__).with_name("workbook_child.py")
_NATIVE: dict[str, Callable[[str], Any]] = {
    "moment": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": str,
}


class Workbook:
    """One sheet being read. `sheets` are the names to choose from; `rows()` comes once."""

    def __init__(self, path: Path, sheet: str | None, limits: Limits) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                str(_CHILD),
                str(path),
                sheet or "",
                str(limits.workbook_memory),
                str(limits.workbook_seconds),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"RUST_BACKTRACE": "0", "PYTHONIOENCODING": "utf-8"},
        )
        try:
            self._start(limits, sheet)
        except BaseException:
            self.close()
            raise

    def _start(self, limits: Limits, sheet: str | None) -> None:
        first = self._line()
        if first is None:
            raise self._died()
        problem = first.get("problem")
        if problem == "no sheet":
            if sheet:
                raise TableProblem(_("The workbook has no sheet “%(name)s”.", name=sheet))
            raise TableProblem(_("The workbook has no sheet with cells."))
        if problem == "password":
            raise TableProblem(
                _("The workbook is protected by a password. Remove the password and try again.")
            )
        if problem:
            raise TableProblem(_("The workbook is damaged and cannot be read."))
        self.sheets: list[str] = first["sheets"]
        self.sheet: str = first["sheet"]
        self.height: int = first["height"]
        self.merged = [Merged(*block) for block in first["merged"]]
        if first["width"] > limits.columns:
            raise _too_wide(limits.columns)

    def rows(self) -> Iterator[tuple[int, int, list[Any]]]:
        """Row number (1 is the sheet's first), the same again, cells with native values."""
        number = 0
        while True:
            batch = self._line()
            if batch is None:
                break
            for cells in batch:
                number += 1
                for index, cell in enumerate(cells):
                    if type(cell) is list:
                        cells[index] = _NATIVE[cell[0]](cell[1])
                yield number, number, cells
        if self._process.wait() != 0:
            raise self._died()

    def close(self) -> None:
        """End the reading process, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()

    def _line(self) -> Any:
        stream = self._process.stdout
        line = stream.readline() if stream else b""
        return orjson.loads(line) if line.endswith(b"\n") else None

    def _died(self) -> TableProblem:
        return TableProblem(_("The workbook is damaged, or too large once unpacked."))


def _too_wide(columns: int) -> TableProblem:
    return TableProblem(_("The table has more than %(count)s columns.", count=columns))
