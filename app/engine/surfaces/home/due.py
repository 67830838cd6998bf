"""What waits for the viewer, by the agendas that entities declare, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext

from app.engine import policy
from app.engine.addresses import ListAddress, list_address, record_address
from app.engine.conditions import Condition, Sort
from app.engine.entity import ReviewState
from app.engine.presentation import title_of
from app.engine.query import Entry, Records, Waiting, waiting
from app.engine.registry import EntityDefinition

MOST_ENTRIES = 5

TONES = {"late": "bad", "soon": "warn", "undated": "neutral"}


@dataclass(frozen=True)
class Line:
    """A record that waits, ready to be drawn."""

    title: str
    href: str
    detail: str
    due: str
    hover: str
    tone: str


@dataclass(frozen=True)
class Count:
    """How many are late, soon due, or without a date; leads to the list of just those."""

    text: str
    href: str
    tone: str


@dataclass(frozen=True)
class Section:
    """One agenda of the viewer."""

    name: str
    title: Any
    icon: str
    href: str
    total: str
    counts: list[Count]
    lines: list[Line]


def sections(entities: Sequence[EntityDefinition], viewer: policy.Viewer) -> list[Section]:
    """The agendas that hold anything for the viewer, in the order of declaration."""
    found = [
        waiting(definition, agenda, viewer, MOST_ENTRIES)
        for definition in entities
        for agenda in definition.model.agenda
    ]
    return [_section(one) for one in found if one is not None and any(one.counts.values())]


def _section(found: Waiting) -> Section:
    order = Sort(found.agenda.due)
    total = sum(found.counts.values())
    return Section(
        name=f"{found.definition.key}-{found.agenda.name}",
        title=found.agenda.label,
        icon=found.definition.icon,
        href=_href(found, found.mine, order),
        total=f"{total:,}" if found.exact else f"{total - 1:,}+",
        counts=_counts(found, order),
        lines=[_line(found, entry) for entry in found.entries],
    )


def _href(found: Waiting, conditions: tuple[Condition, ...], order: Sort) -> str:
    address = ListAddress(conditions=conditions, order=order)
    return address.href(list_address(found.definition))


def _counts(found: Waiting, order: Sort) -> list[Count]:
    late, soon, undated = (found.counts[name] for name in TONES)
    words = {
        "late": ngettext("%(num)s late", "%(num)s late", late),
        "soon": ngettext(
            "%(num)s due within %(days)s days", "%(num)s due within %(days)s days", soon,
            days=found.agenda.soon,
        ),
        "undated": gettext(
            "%(what)s: %(count)s", what=found.agenda.undated or gettext("without a date"),
            count=undated,
        ),
    }  # fmt: skip
    return [
        Count(words[name], _href(found, found.conditions[name], order), tone)
        for name, tone in TONES.items()
        if found.counts[name]
    ]


def _line(found: Waiting, entry: Entry) -> Line:
    definition, shows = found.definition, found.agenda.shows
    detail = ""
    hidden = shows and definition.field(shows).target and not entry.row.get(f"{shows}.label")
    if shows and not hidden and entry.row.get(shows) is not None:
        detail = definition.field(shows).text(entry.row[shows], entry.row)
    return Line(
        title=title_of(definition, entry.row),
        href=record_address(definition, entry.row["id"]),
        detail=detail,
        due=in_days(entry.days),
        hover=f"{definition.field(found.agenda.due).label}: "
        + definition.field(found.agenda.due).text(entry.row[found.agenda.due], entry.row),
        tone=TONES.get(entry.urgency, "neutral"),
    )


def in_days(days: int) -> str:
    """“Today”, “3 days late”, “in 2 days”."""
    if days == 0:
        return str(gettext("today"))
    if days < 0:
        return str(ngettext("%(num)s day late", "%(num)s days late", -days))
    return str(ngettext("in %(num)s day", "in %(num)s days", days))


def approvals(entities: Sequence[EntityDefinition], viewer: policy.Viewer) -> list[dict[str, Any]]:
    """Drafts that this person could approve."""
    found = []
    drafts = Condition("review_state", "eq", ReviewState.DRAFT.value)
    for definition in entities:
        if not definition.review or not viewer.can(definition.name, "approve"):
            continue
        records = Records(definition).where(drafts)
        clause = policy.scope_clause(definition, viewer, "approve")
        if clause is not None:
            records.clauses.append(clause)
        count, exact = records.count()
        if count:
            href = f"{list_address(definition)}?f={drafts}"
            found.append(
                {
                    "label": definition.plural,
                    "icon": definition.icon,
                    "count": count,
                    "exact": exact,
                    "href": href,
                }
            )
    return found


__all__ = ["MOST_ENTRIES", "Section", "approvals", "sections"]
