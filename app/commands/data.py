"""`run.py import`, `export` and `undo`: what the pages do, without a browser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from app.commands import terminal
from app.engine import changes
from app.engine.surfaces import exports, imports
from config import Settings, SettingsError

LISTED = 20  # refused rows shown to a person; a program gets what the report holds


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what the sub-command says; returns its exit code."""
    with terminal.session(settings), terminal.problems_told():
        if options.command == "import":
            return _import(options)
        if options.command == "export":
            return _export(options)
        report = changes.undo(options.change_set).as_json()
        terminal.show(report, options.json)
    return 0


def _import(options: argparse.Namespace) -> int:
    """0 when nothing was refused."""
    report = imports.command(
        options.entity,
        options.file,
        _mapping(options.mapping),
        options.delimiter,
        header=False if options.no_header else None,
        dry_run=options.dry_run,
        profile=options.profile,
        make=options.make,
        near=options.near,
        mode=options.mode,
        key=options.key,
        sheet=options.sheet,
        all_or_nothing=options.all_or_nothing,
    )
    result = report.as_json()
    if options.json:
        terminal.show(result, as_json=True)
    else:
        refusals: Sequence[Mapping[str, Any]] = result.pop("refusals")
        terminal.show({**result, "mapping": None}, as_json=False)
        for refusal in refusals[:LISTED]:
            words = " · ".join(str(value) for value in refusal.values() if value not in (None, ""))
            print(f"  {words}", file=sys.stderr)
    return terminal.REFUSED if report.refused else 0


def _export(options: argparse.Namespace) -> int:
    report = exports.command(options.entity, options.format, options.out)
    terminal.show(report.as_json(), options.json)
    return 0


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`COLUMN=FIELD`, the column's name with any “=” of its own; an empty field leaves the column out."""
    wanted = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not (sign and column):
            raise SettingsError(f"--map takes COLUMN=FIELD, not “{pair}”.")
        wanted[column] = field
    return wanted
