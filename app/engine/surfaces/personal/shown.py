"""What the pages show: records with their values, what becomes of each, and proofs in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from app.engine import people, personal, registry
from app.engine.addresses import record_address
from app.engine.messages import thaw
from app.engine.personal.finding import ITSELF, LIKE
from app.engine.privacy import LegalHold, PersonalDataRequest

Row = dict[str, Any]


def everything(session: Session, found: personal.Person) -> dict[str, Any]:
    """All records with what they say of the person."""
    own = next(one for one in found.held if one.how == ITSELF)
    return {
        "title": personal.label_of(own),
        "records": [
            _record(session, one)
            for one in found.held
            if one.how != LIKE and one.definition.name != PersonalDataRequest.__name__
        ],
        "alike": [_line(one) for one in found.held if one.how == LIKE],
        "requests": _requests(session, found),
        "holds": [_hold(hold) for hold in own.holds],
    }


def _record(session: Session, one: personal.Held) -> Row:
    history = personal.history_of(session, one)
    return {
        **_line(one),
        "values": [(str(item.label), item.text(value)) for item, value in one.values()],
        "history": [
            {
                "at": line["at"],
                "who": gettext("System") if line["who"] in ("", "system") else line["who"],
                "field": str(line["field"].label),
                "before": _dumped(line["field"], line["before"]),
                "after": _dumped(line["field"], line["after"]),
            }
            for line in history
        ],
    }


def _dumped(item: Any, value: Any) -> str:
    return "" if value is None else item.text(item.load(value))


def _line(one: personal.Held) -> Row:
    return {
        "key": one.key,
        "name": personal.label_of(one),
        "entity": str(one.definition.label),
        "href": None if one.trashed else record_address(one.definition, one.record.id),
        "how": str(personal.HOW[one.how]),
        "trashed": one.trashed,
        "fields": [str(item.label) for item, _value in one.values()],
        "holds": [_hold(hold) for hold in one.holds],
    }


def _hold(hold: Any) -> str:
    if hold.until is None:
        return str(hold.why)
    return str(gettext("%(why)s (until %(day)s)", why=hold.why, day=hold.until.isoformat()))


def _requests(session: Session, found: personal.Person) -> list[Row]:
    """Requests of this person, whatever else is held."""
    definition = registry.current().entity(PersonalDataRequest.__name__)
    fields = definition.fields
    lines = []
    for one in found.held:
        if one.definition.name != definition.name or one.trashed:
            continue
        record = one.record
        names = people.names_of([record.handler_id], session) if record.handler_id else {}
        lines.append(
            {
                "href": record_address(definition, record.id),
                "number": record.number,
                "kind": fields["kind"].cell(record.kind),
                "received_on": fields["received_on"].cell(record.received_on),
                "due_on": fields["due_on"].cell(record.due_on),
                "state": fields["state"].cell(record.state),
                "handler": names.get(record.handler_id, ""),
                "open": record.state == "open",
                "id": record.id,
                "correction": record.kind == "correction",
            }
        )
    return lines


def plan(session: Session, made: personal.Plan, chosen: tuple[str, ...]) -> dict[str, Any]:
    """What becomes of each record."""
    every = (*made.whole, *made.words, *made.kept)
    own = next(one for one in every if one.how == ITSELF)
    return {
        "title": personal.label_of(own),
        "whole": [_line(one) for one in made.whole],
        "words": [_line(one) for one in made.words],
        "kept": [_line(one) for one in made.kept],
        "offered": [{**_line(one), "ticked": one.key in chosen} for one in made.offered],
        "nothing": own in made.kept,
        "hold_entity": LegalHold.options.key,
    }


# -- proofs ----------------------------------------------------------------------------------


def proof_line(found: personal.Erasure) -> Row:
    """A proof in the list."""
    definition = registry.current().entities.get(found.entity)
    records = sum(1 for line in found.erased if line["what"] == "record")
    words = ngettext("%(num)s record", "%(num)s records", records)
    return {
        "href": f"/personal/erasures/{found.id}",
        "id": found.id,
        "at": found.at,
        "who": found.by_name,
        "about": f"{definition.label if definition else found.entity} #{found.record_id}",
        "erased": words if records else gettext("Nothing: all of it is kept"),
        "kept": len(found.kept),
    }


def proof(found: personal.Erasure) -> dict[str, Any]:
    """A proof as its page shows it."""
    return {
        "proof": proof_line(found),
        "records": [_erased(line) for line in found.erased if line["what"] == "record"],
        "beside": [_beside(line) for line in found.erased if line["what"] != "record"],
        "kept": [
            {**_named(line), "why": " ".join(map(thaw, line["why"])), "until": line["until"]}
            for line in found.kept
        ],
        "change_set": found.change_set_id,
        "request": found.request_id,
    }


def _named(line: Row) -> Row:
    definition = registry.current().entities.get(line["entity"])
    label = definition.label if definition is not None else line["entity"]
    return {"name": f"{label} #{line['record']}", "how": str(personal.HOW[line["how"]])}


def _erased(line: Row) -> Row:
    definition = registry.current().entities.get(line["entity"])
    known = definition.fields if definition is not None else {}
    labels = [str(known[name].label) if name in known else name for name in line["fields"]]
    return {**_named(line), "fields": labels, "count": line["count"]}


def _beside(line: Row) -> tuple[str, str]:
    match line["what"]:
        case "file":
            return str(gettext("File taken away")), thaw(line["kind"])
        case "history":
            return str(gettext("History of records that are gone")), str(line["count"])
        case _:
            return str(gettext("Texts of the system")), f"{line['name']}: {line['count']}"


def proof_json(found: personal.Erasure) -> dict[str, Any]:
    """The proof for a file: the same, for programs."""
    return {
        "id": found.id,
        "at": found.at.isoformat(),
        "by": found.by_name,
        "entity": found.entity,
        "record": found.record_id,
        "request": found.request_id,
        "change_set": found.change_set_id,
        "erased": [
            {**line, "kind": thaw(line["kind"])} if "kind" in line else line
            for line in found.erased
        ],
        "kept": [{**line, "why": " ".join(map(thaw, line["why"]))} for line in found.kept],
    }
