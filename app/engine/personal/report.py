"""The report of what is held on one person, as data, as JSON and as a table for people."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.engine.adapters.database import now
from app.engine.fields import Field
from app.engine.fields.time import reader_zone
from app.engine.personal.files import files_with
from app.engine.personal.finding import HOW, LIKE, Held, history_of, label_of, person
from app.engine.personal.sweep import count
from app.engine.personal.terms import Finder
from app.engine.registry import EntityDefinition
from app.engine.tables import Column, write_xlsx

FORMATS = ("json", "xlsx")


def gather(session: Session, definition: EntityDefinition, record_id: int) -> dict[str, Any]:
    """All of it; takes as long as it takes. Records that only look alike say no more than that."""
    found = person(session, definition, record_id, thorough=True)
    entities = frozenset(one.definition.name for one in found.held)
    files = files_with(session, Finder(found.terms.all), entities)
    return {
        "made_at": now().isoformat(),
        "entity": definition.name,
        "record": record_id,
        "records": [_record(session, one) for one in found.held if one.how != LIKE],
        "alike": [
            {"entity": str(one.definition.label), "record": one.record.id}
            for one in found.held
            if one.how == LIKE
        ],
        "kept_beside": count(session, found.terms),
        "files": [{"what": str(file.what), "name": file.name} for file in files],
    }


def _record(session: Session, one: Held) -> dict[str, Any]:
    return {
        "entity": str(one.definition.label),
        "record": one.record.id,
        "name": label_of(one),
        "why": str(HOW[one.how]),
        "in_trash": one.trashed,
        "added_at": one.record.created_at.isoformat() if one.record.created_at else None,
        "values": [
            {"field": str(item.label), "value": item.text(value)} for item, value in one.values()
        ],
        "history": [
            {
                "at": line["at"].isoformat(),
                "by": line["who"],
                "field": str(line["field"].label),
                "before": _text(line["field"], line["before"]),
                "after": _text(line["field"], line["after"]),
            }
            for line in history_of(session, one)
        ],
    }


def _text(item: Field, dumped: Any) -> str:
    return "" if dumped is None else item.text(item.load(dumped))


def write(report: dict[str, Any], format: str, path: Path) -> int:
    """Put the report into a file; how many lines it has."""
    lines = list(_lines(report))
    if format == "json":
        path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
        return len(lines)
    columns = [
        Column(gettext("Place")),
        Column(gettext("Record")),
        Column(gettext("Field")),
        Column(gettext("Value")),
        Column(gettext("When"), "datetime"),
        Column(gettext("Who")),
    ]
    return write_xlsx(path, columns, lines, reader_zone(), gettext("Personal data"))


def _lines(report: dict[str, Any]) -> Iterator[list[Any]]:
    for one in report["records"]:
        where, name = f"{one['entity']} ({one['why']})", f"{one['name']} (#{one['record']})"
        added = datetime.datetime.fromisoformat(one["added_at"]) if one["added_at"] else None
        for value in one["values"]:
            yield [where, name, value["field"], value["value"], added, None]
        for line in one["history"]:
            at = datetime.datetime.fromisoformat(line["at"])
            words = gettext(
                "“%(before)s” became “%(after)s”", before=line["before"], after=line["after"]
            )
            yield [gettext("History"), name, line["field"], words, at, line["by"]]
    for one in report["alike"]:
        yield [one["entity"], f"#{one['record']}", None, str(HOW[LIKE]), None, None]
    for place, number in report["kept_beside"].items():
        yield [place, None, None, str(number), None, None]
    for file in report["files"]:
        yield [file["what"], file["name"], None, None, None, None]
