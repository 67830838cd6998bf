"""Grouping in the database: what charts and the list's foot ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.engine import policy
from app.engine.adapters.database import db, dialect_name
from app.engine.errors import ValueProblem
from app.engine.query.labels import titles
from app.engine.query.records import Records

MOST_GROUPS = 200
"""A chart with more bars than this is no chart; the largest are shown."""


@dataclass(frozen=True)
class Group:
    """One group: its value, its name, the figure, and the filter that opens its records."""

    value: Any
    label: str
    figure: Any
    filter: str


def grouped(records: Records, group_by: str, measure: str = "count") -> list[Group]:
    """Counts, or sums of a number field, by the groups of a field. Raises ValueProblem."""
    definition, viewer = records.definition, records.viewer
    field = policy.plain_field(definition, group_by, viewer)
    if not field.groupable:
        raise ValueProblem(_("%(field)s can't be grouped by.", field=field.label))
    key = field.group(field.expression(records.model), dialect_name())
    figure: Any = func.count(records.model.id)
    if measure != "count":
        summed = policy.plain_field(definition, measure, viewer)
        if not summed.summable:
            raise ValueProblem(_("%(field)s can't be summed.", field=summed.label))
        figure = func.sum(summed.expression(records.model))
    statement = records.narrowed(select(key.label("key"), figure.label("figure")))
    statement = statement.group_by("key").order_by(figure.desc().nulls_last()).limit(MOST_GROUPS)
    rows = db.session.execute(statement).all()
    names = titles(field.target, [row.key for row in rows if row.key]) if field.target else {}
    groups = []
    for row in rows:
        operator, operand = field.group_filter(row.key)
        label = names.get(row.key) or field.group_label(row.key)
        groups.append(Group(row.key, label, row.figure, f"{field.name}:{operator}:{operand}"))
    return groups
