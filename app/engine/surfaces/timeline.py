"""Timeline: what points at a record and has a time (`timeline=`), newest first, page by page."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, make_response, render_template, request
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, false, or_, true

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import list_address, record_address, with_query
from app.engine.errors import ValueProblem
from app.engine.fields import DateTime, Field
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.fields.time import local_to_utc, reader_zone, to_utc
from app.engine.presentation import cell_maker, columns, needed, title_of
from app.engine.query import Condition, Records, Sort
from app.engine.registry import EntityDefinition, current

SIZE = 15
FACTS = 3
"""So many values are shown beside what something is called."""


@dataclass(frozen=True)
class Source:
    """Records of an entity that point here, by which reference, and their field of time."""

    definition: EntityDefinition
    reference: Field
    time: Field


@dataclass(frozen=True)
class Place:
    """Where a page of the timeline ends: the last one's moment, entity and id."""

    at: datetime.datetime
    key: str
    record_id: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """Out of an address. Raises ValueProblem."""
        moment, _bar, rest = text.partition("|")
        key, _bar, number = rest.partition("|")
        try:
            at = datetime.datetime.fromisoformat(moment)
        except ValueError:
            raise ValueProblem(text[:40]) from None
        if at.tzinfo is None or not (number.isascii() and number.isdecimal()) or len(number) > 19:
            raise ValueProblem(text[:40])
        return cls(to_utc(at), key, min(int(number), MAX_IDENTIFIER))

    def __str__(self) -> str:
        moment = self.at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
        return f"{moment}|{self.key}|{self.record_id}"


@dataclass(frozen=True)
class Entry:
    """One thing in the timeline, ready to be drawn."""

    place: Place
    icon: str
    kind: Any
    when: Markup | str
    title: str
    href: str
    facts: Sequence[Markup]


class TimelinePages(Pages):
    """/<key>/<id>/timeline"""

    @expose("/<key>/<int:record_id>/timeline")
    @entity_page("read")
    def timeline(self, definition: EntityDefinition, record_id: int) -> Any:
        """The timeline, or as a part of a page what follows where that ended."""
        viewer = policy.current_viewer()
        row = Records(definition, viewer).get(record_id)
        after = request.args.get("after")
        entries, more = page(definition, record_id, Place.parse(after) if after else None)
        here = f"{record_address(definition, record_id)}/timeline"
        part = bool(request.headers.get("HX-Request"))
        answer = make_response(
            render_template(
                "timeline/_entries.html" if part else "timeline/timeline.html",
                definition=definition,
                title=title_of(definition, row),
                base=list_address(definition),
                record_href=record_address(definition, record_id),
                entries=entries,
                first=after is None,
                more_href=with_query(here, [("after", str(entries[-1].place))]) if more else None,
            )
        )
        answer.headers["Vary"] = "HX-Request"
        return answer


def sources(definition: EntityDefinition, viewer: policy.Viewer) -> list[Source]:
    """What stands in the timelines of the entity's records, as far as the viewer may know."""
    found = []
    for child, reference in current().incoming.get(definition.name, ()):
        name = child.options.timeline
        if name is None or not viewer.can(child.name, "read"):
            continue
        time = child.fields[name]
        if {reference, time} <= set(policy.plain(child, viewer)):
            found.append(Source(child, reference, time))
    return found


def page(
    definition: EntityDefinition, record_id: int, after: Place | None
) -> tuple[list[Entry], bool]:
    """What comes after that place, and whether there is more. A statement or two for each entity."""
    found: list[Entry] = []
    for source in sources(definition, policy.current_viewer()):
        found += _entries(source, record_id, after)
    found.sort(
        key=lambda entry: (-entry.place.at.timestamp(), entry.place.key, -entry.place.record_id)
    )
    return found[:SIZE], len(found) > SIZE


def _entries(source: Source, record_id: int, after: Place | None) -> list[Entry]:
    child, viewer = source.definition, policy.current_viewer()
    records = Records(child, viewer).where(Condition(source.reference.name, "eq", record_id))
    expression = source.time.expression(child.model)
    records.clauses.append(expression.is_not(None))
    if after is not None:
        records.clauses.append(_following(source, expression, after))
    shown = _shown(source, viewer)
    titled = [child.title_field] if child.title_field in policy.known(child, viewer) else []
    wanted = needed(child, [*titled, source.time, *shown])
    rows = records.sort(Sort(source.time.name, descending=True)).page(SIZE + 1, wanted).rows
    makers = [(field, cell_maker(child, field)) for field in shown]
    return [
        Entry(
            place=Place(_moment(row[source.time.name]), child.key, row["id"]),
            icon=child.icon,
            kind=child.label,
            when=source.time.cell(row[source.time.name], row),
            title=title_of(child, row),
            href=record_address(child, row["id"]),
            facts=[make(row) for field, make in makers if row.get(field.name) not in (None, "")],
        )
        for row in rows
    ]


def _shown(source: Source, viewer: policy.Viewer) -> list[Field]:
    """The first of the list's columns that say something here."""
    taken = {source.reference.name, source.time.name, source.definition.title_field.name}
    return [c.field for c in columns(source.definition, viewer) if c.name not in taken][:FACTS]


def _moment(value: datetime.date) -> datetime.datetime:
    """A day begins at midnight on the reader's clock; the first and the last of all on UTC's."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC)
    midnight = datetime.datetime.combine(value, datetime.time())
    try:
        return local_to_utc(midnight)
    except ValueProblem:
        return midnight.replace(tzinfo=datetime.UTC)


def _day(moment: datetime.datetime) -> datetime.date:
    """The day on the reader's clock; at the ends of the calendar on UTC's."""
    try:
        return moment.astimezone(reader_zone()).date()
    except OverflowError:
        return moment.date()


def _following(source: Source, expression: ColumnElement[Any], after: Place) -> ColumnElement[bool]:
    """What comes after the place: earlier; of the same moment by entity, then the lower id."""
    key, model = source.definition.key, source.definition.model
    same: ColumnElement[bool] = (
        model.id < after.record_id if key == after.key else (true() if key > after.key else false())
    )
    if isinstance(source.time, DateTime):
        edge: Any = after.at
    else:
        edge = _day(after.at)
        if _moment(edge) != after.at:
            day: ColumnElement[bool] = expression <= edge
            return day
    return or_(expression < edge, and_(expression == edge, same))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(TimelinePages)
