"""The formats: how the tables of an export become one file."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from flask_babel import lazy_gettext as _

from app.engine.surfaces.exports.cells import Cells
from app.engine.surfaces.exports.order import Order
from app.engine.surfaces.exports.parts import Part
from app.engine.surfaces.exports.pdf import write_pdf
from app.engine.tables import Sheet, write_sheets
from app.engine.tables.csv_columns import BOM, END, csv_lines, quoted

MANIFEST = "manifest.json"
PDF = "pdf"


@dataclass
class Sink:
    """Where a text file goes, with what proves that it is whole."""

    stream: BinaryIO
    size: int = 0
    digest: Any = None

    def write(self, content: bytes) -> None:
        if self.digest is not None:
            self.digest.update(content)
        self.size += len(content)
        self.stream.write(content)


@dataclass(frozen=True)
class Format:
    """A format; `text` writes one table of those that hold only one to a file."""

    name: str
    label: Any
    media_type: str
    text: Callable[[Order, Part, Sink], None] | None = None
    whole: Callable[[Order, Path], None] | None = None
    on_paper: bool = False
    """Whether it is for reading: with what lists show, and not with all there is."""

    @property
    def zips(self) -> bool:
        """Whether several tables become a zip of several files."""
        return self.whole is None

    def write(self, order: Order, path: Path) -> None:
        """Write the tables to `path`. Raises TableProblem, OSError."""
        if self.whole is not None:
            self.whole(order, path)
        elif len(order.parts) > 1:
            self._write_zip(order, path)
        else:
            with path.open("wb") as stream:
                assert self.text is not None
                self.text(order, order.parts[0], Sink(stream))

    def _write_zip(self, order: Order, path: Path) -> None:
        """Each table as a file, and a manifest of them."""
        files = []
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for part in order.parts:
                name = f"{part.title}.{self.name}"
                with archive.open(name, "w", force_zip64=True) as stream:
                    assert self.text is not None
                    sink = Sink(cast(BinaryIO, stream), digest=hashlib.sha256())
                    self.text(order, part, sink)
                entry = {"rows": part.count, "size": sink.size, "sha256": sink.digest.hexdigest()}
                files.append({"name": name, **entry})
            archive.writestr(MANIFEST, orjson.dumps({"files": files}, option=orjson.OPT_INDENT_2))


# -- text ------------------------------------------------------------------------------------


def _csv(order: Order, part: Part, sink: Sink) -> None:
    """UTF-8 with a byte order mark."""
    cells = part.cells(order.snapshot, order.zone)
    heads = [quoted(column.header) for column in part.columns(cells)]
    sink.write(BOM + (",".join(heads) + END).encode())
    lines = order.lines(part, cells)
    if lines is not None:
        end = END.encode()
        for some in lines:
            sink.write(end.join([*[line[:-1] for line in some], b""]))
        return
    for batch in order.batches(part):
        texts = [cell.texts(raw) for cell, raw in zip(cells, batch, strict=True)]
        sink.write(csv_lines(texts).encode())


def _jsonl(order: Order, part: Part, sink: Sink) -> None:
    """One JSON object a line: fields by name, values as the API has them."""
    cells = part.cells(order.snapshot, order.zone)
    names = [cell.field.name for cell in cells]
    for batch in order.batches(part):
        columns = [_plain(cell, raw) for cell, raw in zip(cells, batch, strict=True)]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        sink.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def _plain(cell: Cells, raw: Sequence[Any]) -> Sequence[Any]:
    values = cell.native(raw)
    if cell.masked:
        return values
    if cell.field.target:
        named = cell.values(raw)
        return [
            None if value is None else {"id": value, "name": name}
            for value, name in zip(values, named, strict=True)
        ]
    if cell.kind == "datetime" and not cell.field.custom:
        return [None if v is None else v.replace(" ", "T") + "Z" for v in raw]
    return [None if value is None else cell.field.dump(value) for value in values]


# -- workbooks -------------------------------------------------------------------------------


def _xlsx(order: Order, path: Path) -> None:
    """A sheet for each table."""
    made = [part.cells(order.snapshot, order.zone) for part in order.parts]
    sheets = [
        Sheet(part.title, part.columns(cells), _values(order, part, cells), ready=True)
        for part, cells in zip(order.parts, made, strict=True)
    ]
    write_sheets(path, sheets)


def _values(order: Order, part: Part, cells: Sequence[Cells]) -> Iterator[list[Sequence[Any]]]:
    for batch in order.batches(part):
        yield [cell.sheet(raw) for cell, raw in zip(cells, batch, strict=True)]


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("csv", _("CSV, for Excel and other programs"), "text/csv; charset=utf-8", text=_csv),
        Format(
            "xlsx",
            _("XLSX, an Excel workbook"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            whole=_xlsx,
        ),
        Format(PDF, _("PDF, to print"), "application/pdf", whole=write_pdf, on_paper=True),
        Format(
            "jsonl",
            _("JSON Lines, for programs"),
            "application/x-ndjson; charset=utf-8",
            text=_jsonl,
        ),
    )
}
"""Each format by its name, which is the ending of its files too."""
