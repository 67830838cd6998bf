"""One way to read every kind of table: columns, then rows, with the places of what is wrong."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from flask_babel import lazy_gettext as _

from app.engine.parsing import is_empty
from app.engine.tables import text as text_files
from app.engine.tables.encodings import find_encoding
from app.engine.tables.faulty import faulty_cells
from app.engine.tables.header import find_header, looks_like_header, name_columns, with_merged
from app.engine.tables.kinds import file_kind
from app.engine.tables.marks import unmark
from app.engine.tables.problems import DEFAULT_LIMITS, Limits, TableProblem
from app.engine.tables.workbook import Workbook

_HEAD_ROWS = 25
_RawRow = tuple[int, int, list[Any]]


class Row(NamedTuple):
    """A row of a table: its line in the file (in a workbook its row), its cells, what is wrong."""

    number: int
    cells: list[Any]
    problem: Any = None


class Table:
    """A table in a file. Rows are streamed, any number of times. Close it, or use `with`."""

    def __init__(
        self,
        path: Path,
        name: str,
        *,
        encoding: str | None,
        delimiter: str | None,
        header: bool | None,
        sheet: str | None,
        limits: Limits,
        owned: Path | None,
    ) -> None:
        self._path = path
        self._limits = limits
        self._owned = owned
        self._workbook: Workbook | None = None
        self._waiting: Iterator[_RawRow] | None = None
        self._skip = 0
        self.name = name
        self.sheets: list[str] = []
        self.sheet = sheet
        self.encoding = encoding
        self.delimiter = delimiter
        try:
            self.kind, self.warnings = file_kind(path, limits)
            if self.kind == "text":
                self._find_format()
            self._find_columns(header)
        except BaseException:
            self.close()
            raise

    def _find_format(self) -> None:
        if self.encoding is None:
            self.encoding, warnings = find_encoding(self._path)
            self.warnings += warnings
        lines = text_files.sample_lines(self._path, self.encoding, self._limits)
        found, hinted = text_files.find_delimiter(lines, self.name)
        self._skip = 1 if hinted else 0
        self.delimiter = self.delimiter or found

    def _find_columns(self, header: bool | None) -> None:
        """Names of the columns; what was read for that is kept for the first reading of rows."""
        stream = self._open()
        head = list(islice(stream, _HEAD_ROWS))
        filled = [raw for raw in head if not all(is_empty(cell) for cell in raw[2])]
        if not filled:
            raise TableProblem(_("The file holds no rows."))
        self._waiting = chain(head, stream)
        widest = max(len(cells) for _first, _last, cells in filled)
        if widest > self._limits.columns:
            raise TableProblem(
                _("The table has more than %(count)s columns.", count=self._limits.columns)
            )
        merged = self._workbook.merged if self._workbook else ()
        top = find_header(filled, merged)
        self.has_header = looks_like_header(filled[top][2]) if header is None else header
        if not self.has_header:
            top = 0
        elif top:
            self.warnings.append(
                _("Lines above the header in line %(line)s were left out.", line=filled[top][0])
            )
        self._first_row = filled[top][1] + 1 if self.has_header else filled[0][0]
        rows = filled[top:]
        if self.has_header:
            rows = [with_merged(rows[0], filled[:top], merged), *rows[1:]]
        self.columns, warnings = name_columns(rows, self.has_header)
        self.warnings += warnings

    def _open(self) -> Iterator[_RawRow]:
        if self.kind == "text":
            encoding, delimiter = self.encoding or "utf-8", self.delimiter or ","
            return text_files.text_rows(self._path, encoding, delimiter, self._skip, self._limits)
        if self._workbook:
            self._workbook.close()
        self._workbook = Workbook(self._path, self.sheet, self._limits)
        self.sheets, self.sheet = self._workbook.sheets, self._workbook.sheet
        return self._workbook.rows()

    def rows(self) -> Iterator[Row]:
        """Every row that holds anything. A row that cannot be used comes with its `problem`."""
        stream, self._waiting = self._waiting or self._open(), None
        for first, last, cells in stream:
            if first < self._first_row or not cells:
                continue
            row = self._row(first, last, cells)
            if row is not None:
                yield row

    def _row(self, first: int, last: int, cells: list[Any]) -> Row | None:
        width = len(self.columns)
        count = len(cells)
        problem = None
        if count != width:
            if all(is_empty(cell) for cell in cells):
                return None
            if any(not is_empty(cell) for cell in cells[width:]) or (
                count < width and self.kind == "text"
            ):
                problem = _ragged(first, last, count, width)
            cells = [*cells[:width], *[""] * (width - count)]
        elif is_empty(cells[0]) and all(is_empty(cell) for cell in cells):
            return None
        cells = [unmark(c) if isinstance(c, str) and c[:1] == "'" else c for c in cells]
        return Row(first, cells, problem)

    def sample(self, count: int) -> list[Row]:
        """The first rows, for a person to recognise the columns by."""
        return list(islice(self.rows(), count))

    def faults(self) -> list[Any]:
        """Warnings of cells that are read as empty though something stands in them."""
        places = faulty_cells(self._path, self.sheet) if self.kind == "xlsx" and self.sheet else []
        if not places:
            return []
        cells = ", ".join(places)
        return [
            _(
                "Cells that show an error, or a formula that was never worked out, are read as "
                "empty: %(cells)s. Mend them in a spreadsheet program.",
                cells=cells,
            )
        ]

    def estimated_rows(self) -> int:
        """About how many rows there are, without reading them: for progress only."""
        if self._workbook:
            return max(self._workbook.height - 1, 0)
        lines = text_files.sample_lines(self._path, self.encoding or "utf-8", self._limits)
        size = sum(len(line.encode(self.encoding or "utf-8", "replace")) for line in lines)
        return max(round(self._path.stat().st_size / size * len(lines)) - 1, 1) if size else 0

    def close(self) -> None:
        """Let go of the reading process and of a copy of a stream."""
        if self._workbook:
            self._workbook.close()
        if self._owned:
            shutil.rmtree(self._owned, ignore_errors=True)

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_table(
    source: Path | str | BinaryIO,
    name: str | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = True,
    sheet: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Table:
    """The table in a file or stream; its format is found by content where it is not given.

    `delimiter` " " means runs of blanks; `header` None means: find out. Raises TableProblem.
    """
    if isinstance(source, Path | str):
        path, owned = Path(source), None
    else:
        path, owned = _copied(source, limits)
    return Table(
        path,
        name or path.name,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        sheet=sheet,
        limits=limits,
        owned=owned,
    )


def _copied(stream: BinaryIO, limits: Limits) -> tuple[Path, Path]:
    """A stream's bytes as a file: encodings and workbooks need more than one look."""
    folder = Path(tempfile.mkdtemp(prefix="steward-table-"))
    path = folder / "table"
    left = limits.file_bytes + 1
    try:
        with path.open("wb") as file:
            while left > 0 and (chunk := stream.read(min(left, 1024 * 1024))):
                left -= file.write(chunk)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return path, folder


def _ragged(first: int, last: int, count: int, width: int) -> Any:
    if last > first:
        return _(
            "Lines %(first)s to %(last)s were read as one row of %(count)s cells where the header "
            "has %(width)s. A quotation mark may be missing.",
            first=first,
            last=last,
            count=count,
            width=width,
        )
    return _(
        "Line %(line)s has %(count)s cells where the header has %(width)s.",
        line=first,
        count=count,
        width=width,
    )
