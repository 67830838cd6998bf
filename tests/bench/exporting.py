"""Exports beside what the database and the bare writer do by themselves: same columns, same run.

Run as a program it is the process that is measured: `python -m tests.bench.exporting KIND FILE`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.bench.client import Failed
from tests.bench.filling import Database
from tests.bench.report import Line
from tests.bench.serving import ROOT, environment

ROUNDS = 3
LEAST_CSV, LEAST_XLSX, MOST_MEGABYTES = 0.25, 0.5, 200
SHEET_ROWS = 200_000
"""Rows of the workbooks: enough to tell the pace."""

NAMES = ("export to CSV, rows", "export to CSV, above idle", "export to XLSX, rows")
_ENTITY = "Customer"
_NO_COLUMNS = ("deleted_at", "custom", "version", "name_sort", "short_name_sort")


def measured(database: Database, rows: int) -> list[Line]:
    """The three lines. Raises Failed."""
    folder = database.folder
    ours = lambda: _child(database, "csv", folder / "ours.csv", rows)  # noqa: E731
    theirs = lambda: _dump(database, folder / "theirs.csv")  # noqa: E731
    try:
        pairs = [(ours(), theirs()) for _round in range(ROUNDS)]
        sheets = min(rows, SHEET_ROWS)
        books = [
            (
                _child(database, "xlsx", folder / "ours.xlsx", sheets),
                _child(database, "bare", folder / "bare.xlsx", sheets),
            )
            for _round in range(ROUNDS)
        ]
    finally:
        for name in ("ours.csv", "theirs.csv", "ours.xlsx", "bare.xlsx"):
            (folder / name).unlink(missing_ok=True)
    seconds = statistics.median(one["seconds"] for one, _other in pairs)
    dumped = statistics.median(other for _one, other in pairs)
    memory = max(one["megabytes"] for one, _other in pairs)
    book = statistics.median(one["seconds"] for one, _other in books)
    bare = statistics.median(other["seconds"] for _one, other in books)
    return [
        Line(NAMES[0], rows / seconds, rows / dumped, "1/s", dumped / seconds, LEAST_CSV, True),
        Line(NAMES[1], memory, None, "MB", memory, MOST_MEGABYTES),
        Line(NAMES[2], sheets / book, sheets / bare, "1/s", bare / book, LEAST_XLSX, True),
    ]


def _dump(database: Database, path: Path) -> float:
    """Seconds of the database's own dump of the columns, as it would be made by hand."""
    engine = database.engine()
    with engine.connect() as connection:
        from sqlalchemy import inspect

        names = [c["name"] for c in inspect(connection).get_columns(_ENTITY.lower())]
        chosen = ", ".join(name for name in names if name not in _NO_COLUMNS)
        query = f"SELECT {chosen} FROM customer WHERE deleted_at IS NULL ORDER BY id DESC"
        began = time.perf_counter()
        with path.open("wb") as file:
            if engine.dialect.name == "postgresql":
                cursor = connection.connection.cursor()
                with cursor.copy(f"COPY ({query}) TO STDOUT WITH CSV HEADER") as copy:
                    for part in copy:
                        file.write(part)
            else:
                if shutil.which("sqlite3") is None:
                    raise Failed("the program sqlite3 is needed to compare with: install it")
                address = str(make_url(database.url).database)
                subprocess.run(
                    ["sqlite3", "-csv", "-header", address, query], stdout=file, check=True
                )
        return time.perf_counter() - began


def _child(database: Database, kind: str, path: Path, rows: int) -> dict[str, Any]:
    """What a process of its own measured."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.exporting", kind, str(path), str(rows)],
        cwd=ROOT,
        env=environment(**database.settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise Failed(f"export to {kind}: {answer.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


# -- in the process that is measured -----------------------------------------------------------


def main(kind: str, path: Path, rows: int) -> None:
    """Write the file; print how long it took and what it took above idle."""
    from app.engine import policy
    from tests.bench.filling import _application

    url = make_url(os.environ["DATABASE_URL"])
    folder = Path(os.environ["DATA_DIR"])
    app = _application(Database(folder.name, url, folder))
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        work = _bare(path, rows) if kind == "bare" else _export(kind, path, rows)
        with _Memory() as memory:
            began = time.perf_counter()
            work()
            seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "megabytes": memory.above}))


def _export(kind: str, path: Path, rows: int) -> Callable[[], Any]:
    from app.engine import registry
    from app.engine.query import Records
    from app.engine.surfaces.exports import export_fields, write_export

    definition = registry.current().entity(_ENTITY)

    def records() -> Records:
        found = Records(definition)
        found.clauses.append(found.model.id <= rows)
        return found

    few = records().with_ids([1, 2])  # idle is the process that has once done such a thing
    write_export(few, export_fields(definition), kind, path)
    return lambda: write_export(records(), export_fields(definition), kind, path)


def _bare(path: Path, rows: int) -> Callable[[], Any]:
    """The writer alone, given the same values from a generator."""
    import rustpy_xlsxwriter

    from app.engine import registry
    from app.engine.query import Records, snapshot
    from app.engine.surfaces.exports import export_fields
    from app.engine.surfaces.exports.files import _zone
    from app.engine.surfaces.exports.formats import Order, _values
    from app.engine.surfaces.exports.parts import Part
    from app.engine.tables import Sheet

    definition = registry.current().entity(_ENTITY)
    with snapshot() as state:
        part = Part(Records(definition).with_ids(range(1, 5001)), export_fields(definition))
        cells = part.cells(state, _zone())
        order = Order([part], state, _zone(), lambda _count: None)
        sheet = Sheet("x", part.columns(cells), _values(order, part, cells), ready=True)
        known = list(sheet.records())
    generated = (dict(known[number % len(known)]) for number in range(rows))
    return lambda: rustpy_xlsxwriter.write_worksheet(generated, str(path))


class _Memory:
    """The most memory of this process inside the block, above what it had before, in MB."""

    def __enter__(self) -> _Memory:
        self.idle = self.most = _resident()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._watch.join()

    @property
    def above(self) -> float:
        return self.most - self.idle

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, _resident())


def _resident() -> float:
    import psutil

    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
