#!/usr/bin/env python3
"""Steward's command line. Without an argument it runs everything; each sub-command runs one part."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from config import Settings, SettingsError

Command = Callable[[Settings, argparse.Namespace], int]


def everything(settings: Settings, _options: argparse.Namespace) -> int:
    """Run the queue, the web server, the workers and the scheduler."""
    from app.commands import everything as parts

    return parts.run(settings)


def part(settings: Settings, options: argparse.Namespace) -> int:
    """Run the web server, a worker or the scheduler; the embedded queue with it if nobody runs that."""
    from app.commands import everything as parts

    urgent = getattr(options, "urgent", False)
    return parts.run_part(settings, parts.URGENT if urgent else options.command)


def database(settings: Settings, options: argparse.Namespace) -> int:
    """Migrate, seed, or both with the first administrator."""
    from app.commands import checks, prepare
    from app.engine.adapters import embedded_queue

    checks.database_answers(settings)
    return prepare.run(embedded_queue.resolve(settings), options)


def user(settings: Settings, options: argparse.Namespace) -> int:
    """Add, reset or list users."""
    from app.commands import users
    from app.engine.adapters import embedded_queue

    return users.run(embedded_queue.resolve(settings), options)


def entities(settings: Settings, options: argparse.Namespace) -> int:
    """Print every registered entity and the surfaces derived from it."""
    from app.commands import entities as listing
    from app.engine.adapters import embedded_queue

    return listing.run(embedded_queue.resolve(settings), options)


def data(settings: Settings, options: argparse.Namespace) -> int:
    """Import or export records, or undo a change set."""
    from app.commands import data as records
    from app.engine.adapters import embedded_queue

    return records.run(embedded_queue.resolve(settings), options)


def search(settings: Settings, options: argparse.Namespace) -> int:
    """Write search entries anew."""
    from app.commands import search as entries
    from app.engine.adapters import embedded_queue

    return entries.run(embedded_queue.resolve(settings), options)


def audit_log(settings: Settings, options: argparse.Namespace) -> int:
    """Verify the audit log, or write it to a file."""
    from app.commands import audit
    from app.engine.adapters import embedded_queue

    return audit.run(embedded_queue.resolve(settings), options)


def archive(settings: Settings, options: argparse.Namespace) -> int:
    """Verify the archive: register, rows, stored files and packages."""
    from app.commands import archive as proving
    from app.engine.adapters import embedded_queue

    return proving.run(embedded_queue.resolve(settings), options)


def encrypt(settings: Settings, options: argparse.Namespace) -> int:
    """Encrypt what is not, or not by the first key."""
    from app.commands import encrypt as passages
    from app.engine.adapters import embedded_queue

    return passages.run(embedded_queue.resolve(settings), options)


def demo(settings: Settings, options: argparse.Namespace) -> int:
    """Put demonstration data in, or take it away."""
    from app.commands import demo as demonstration
    from app.engine.adapters import embedded_queue

    return demonstration.run(embedded_queue.resolve(settings), options)


def parser() -> argparse.ArgumentParser:
    """The command line, as `--help` shows it."""
    line = argparse.ArgumentParser(prog="run.py", description=__doc__)
    line.set_defaults(run=everything)
    commands = line.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Command, says: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, description=says, help=says)
        made.set_defaults(run=run)
        return made

    command("web", part, "run the web server")
    command("worker", part, "run one worker").add_argument(
        "--urgent", action="store_true", help="only what people wait for, never what runs long"
    )
    command("scheduler", part, "run the scheduler")
    migrate = command("migrate", database, "bring the database to this version's tables")
    migrate.add_argument(
        "--generate", metavar="MESSAGE", help="write the migration that the entities ask for"
    )
    migrate.add_argument(
        "--check", action="store_true", help="only say whether the entities ask for a migration"
    )
    command("seed", database, "put in reference data and roles; demonstration data if DEMO=1")
    shown = command("demo", demo, "put in demonstration data, or take it away")
    shown.add_argument(
        "--remove",
        action="store_true",
        help="take it away; what people edited or built upon stays and is named",
    )
    shown.add_argument("--size", choices=("small", "large"), default="small")
    shown.add_argument(
        "--passwords", action="store_true", help="give its people passwords, printed this once"
    )
    shown.add_argument("--json", action="store_true", help="print the result as JSON")
    _user_options(command("user", user, "add, reset or list users"))
    listing = command("entities", entities, "print every entity and its surfaces")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    _import_options(command("import", data, "bring in a CSV, TSV, XLSX, XLS or ODS file"))
    _export_options(command("export", data, "write records to a file"))
    undo = command("undo", data, "take back a change set")
    undo.add_argument("change_set", type=int, metavar="CHANGE_SET")
    undo.add_argument("--json", action="store_true", help="print the result as JSON")
    verify = command(
        "verify-audit", audit_log, "verify the audit log and what was kept outside of it"
    )
    verify.add_argument("--heads", type=Path, action="append", default=[], metavar="FILE",
                        help="heads kept elsewhere, beside those of AUDIT_HEAD_FILE")  # fmt: skip
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    proved = command(
        "verify-archive", archive, "verify the archive: register, rows, stored files, packages"
    )
    proved.add_argument("--heads", type=Path, action="append", default=[], metavar="FILE",
                        help="heads kept elsewhere, beside those of AUDIT_HEAD_FILE")  # fmt: skip
    proved.add_argument("--json", action="store_true", help="print the result as JSON")
    written = command("export-audit", audit_log, "write the audit log to a file, as JSON lines")
    written.add_argument("--out", type=Path, required=True, metavar="FILE")
    written.add_argument("--json", action="store_true", help="print the result as JSON")
    entries = command("search", search, "write search entries anew, while the server runs")
    entries.add_argument(
        "--rebuild", nargs="?", const="", required=True, metavar="ENTITY", help="of all without one"
    )
    entries.add_argument("--json", action="store_true", help="print a JSON document a line")
    sealing = command("encrypt", encrypt, "encrypt with the first key, while the server runs")
    sealing.add_argument(
        "--rotate",
        action="store_true",
        help="what earlier keys have encrypted as well; the same, said for the reader",
    )
    sealing.add_argument("--json", action="store_true", help="print a JSON document a line")
    return line


def _user_options(line: argparse.ArgumentParser) -> None:
    actions = line.add_subparsers(dest="action", required=True, metavar="add|reset|list")
    add = actions.add_parser("add", help="add a user; prints the generated password")
    add.add_argument("name")
    add.add_argument("--role", action="append", metavar="ROLE", help="may be repeated")
    add.add_argument("--email")
    reset = actions.add_parser("reset", help="give a user a new password")
    reset.add_argument(
        "--second-factor", action="store_true", help="turn the second factor off as well"
    )
    reset.add_argument("name")
    for one in (add, reset):
        one.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
    actions.add_parser("list", help="list the users and their roles")


def _import_options(line: argparse.ArgumentParser) -> None:
    line.add_argument("entity", metavar="ENTITY")
    line.add_argument("file", type=Path, metavar="FILE")
    line.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", dest="mapping")
    line.add_argument("--profile", metavar="NAME", help="columns and decisions of a kept profile")
    line.add_argument(
        "--make",
        action="append",
        default=[],
        metavar="FIELD[:BY]",
        help="make the records that it names and that are not there, by their name or by a code of"
        " theirs, as customer:external_code; may be repeated",
    )
    line.add_argument("--key", metavar="FIELD", help="find records by it; empty: every row is new")
    line.add_argument(
        "--mode",
        choices=("both", "add", "update", "skip"),
        help="add and change; only add; only change; add and leave what is there",
    )
    line.add_argument(
        "--near",
        choices=("add", "leave", "update"),
        help="new rows that resemble a record: add them, leave them out, change that record",
    )
    line.add_argument(
        "--all-or-nothing", action="store_true", help="take everything back if a row is refused"
    )
    line.add_argument("--sheet", metavar="NAME", help="of a workbook; else its first table")
    line.add_argument("--delimiter", metavar="D", help="else found out; ' ' means runs of blanks")
    line.add_argument(
        "--no-header",
        action="store_true",
        help="the first row is data, though it looks like a header; columns are named by number",
    )
    line.add_argument("--dry-run", action="store_true", help="say what would happen; write nothing")
    line.add_argument("--json", action="store_true", help="print the result as JSON")


def _export_options(line: argparse.ArgumentParser) -> None:
    line.add_argument("entity", metavar="ENTITY")
    line.add_argument("--format", choices=("csv", "xlsx", "jsonl", "pdf"), required=True)
    line.add_argument("--out", type=Path, required=True, metavar="FILE")
    line.add_argument("--json", action="store_true", help="print the result as JSON")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 2 when a setting or what it points to cannot be used."""
    options = parser().parse_args(arguments)
    os.umask(0o077)  # whatever we write is for the user who runs us
    try:
        settings = Settings.from_environment()
        from app.engine.adapters import data_folder, leash

        if parent := os.environ.pop(leash.VARIABLE, ""):
            leash.bind(int(parent), signal.SIGTERM)
        return int(options.run(data_folder.prepare(settings), options))
    except SettingsError as problem:
        print(f"steward: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
