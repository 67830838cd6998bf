"""`make bench`: Steward beside a stock Flask-AppBuilder application, in one run, on the same rows."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
from pathlib import Path

from tests.bench import archiving, evaluating, exporting, importing, saving
from tests.bench.client import Failed
from tests.bench.filling import Database, database, prepare, remove_after
from tests.bench.jobs import NAME, click_to_start
from tests.bench.report import Line, as_table
from tests.bench.running import Run, Servers, measure
from tests.bench.serving import ROOT, served

PEOPLE = 2_000
"""Accounts that a customer may belong to: the select in the stock application's forms."""

SMALL = 10_000
"""Rows of the table that the growth of the first page is measured against."""


def main() -> int:
    """Fill what is not filled yet, serve, measure, print; 1 when a bar is missed and `--strict`."""
    options = _options().parse_args()
    folder = Path(options.data).absolute()
    given = os.environ.get("DATABASE_URL", "")
    kind = "" if options.people == PEOPLE else f"_{options.people}"
    big, stock, small = (
        database(f"{name}{kind}", folder, given)
        for name in (
            f"steward_bench_{options.rows}",
            f"stock_bench_{options.rows}",
            f"steward_bench_{SMALL}",
        )
    )
    app = prepare(big, stock, options.rows, options.people)
    prepare(small, None, SMALL, options.people)
    run = Run(options.rows, options.rounds, options.seconds, bool(given), options.people)
    try:
        with _servers(big, stock, small) as servers:
            lines = measure(run, servers, app, options.only)
        if options.only in NAME:
            print(f"  {NAME} …", file=sys.stderr)
            lines.append(click_to_start(big, run.rounds))
        if any(options.only in name for name in exporting.NAMES):
            lines += exporting.measured(big, options.rows)
        lines += importing.lines(folder, given, options.only)
        lines += saving.lines(folder, given, options.only)
        lines += evaluating.lines(folder, given, options.only)
        lines += archiving.lines(options.only)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 2
    finally:
        for one in (big, stock):
            remove_after(one, options.rows)
    _print(lines, run, options.json)
    return int(options.strict and not all(line.ok for line in lines))


def _options() -> argparse.ArgumentParser:
    line = argparse.ArgumentParser(prog="make bench", description=__doc__)
    line.add_argument("--rows", type=int, default=1_000_000, help="customers (1000000)")
    line.add_argument("--people", type=int, default=PEOPLE, help="accounts (2000)")
    line.add_argument("--rounds", type=int, default=21, help="rounds of each page (21)")
    line.add_argument("--seconds", type=float, default=30, help="at most for a page (30)")
    line.add_argument(
        "--data", default=ROOT / "bench-data", help="folder that is kept (bench-data)"
    )
    line.add_argument("--only", default="", help="only lines whose name holds this")
    line.add_argument("--json", action="store_true", help="print one JSON document")
    line.add_argument("--strict", action="store_true", help="exit with 1 when a bar is missed")
    return line


@contextlib.contextmanager
def _servers(big: Database, stock: Database, small: Database):
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_steward(big))
        theirs = stack.enter_context(
            served(
                ["-m", "tests.bench.stock", "serve"], "/login/", stock.folder / "server.log",
                {"DATABASE_URL": stock.address},
            )
        )  # fmt: skip
        little = stack.enter_context(_steward(small))
        yield Servers(ours, theirs, little)


def _steward(database: Database):
    settings = {**database.settings, "WEB_WORKERS": "2", "WEB_THREADS": "4"}
    return served(["run.py", "web"], "/healthz", database.folder / "server.log", settings)


def _print(lines: list[Line], run: Run, as_json: bool) -> None:
    if as_json:
        document = {
            "rows": run.rows,
            "database": "postgresql" if run.postgresql else "sqlite",
            "lines": [{**dataclasses.asdict(line), "ok": line.ok} for line in lines],
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print(as_table(lines, run.rows, run.postgresql))


if __name__ == "__main__":
    sys.exit(main())
