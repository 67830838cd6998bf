"""The first page: what waits, what one has worked on lately, charts, and the first steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import Flask, render_template
from flask_babel import gettext
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.addresses import has_page, list_address, record_address
from app.engine.areas import SETTINGS
from app.engine.changes import Change, ChangeSet
from app.engine.entity import ReviewState
from app.engine.query import Condition, Records, titles
from app.engine.registry import EntityDefinition

RECENT = 8
LATEST_SETS = 40
LATEST_CHANGES = 200
MOST_CHARTS = 4


@dataclass(frozen=True)
class Recent:
    """A record that the viewer has written lately."""

    title: str
    href: str
    entity: Any
    icon: str
    at: Any


class HomeView(Pages):
    """/"""

    default_view = "index"

    @expose("/")
    @page()
    def index(self) -> str:
        """The first page after signing in."""
        viewer = policy.current_viewer()
        entities = [
            definition
            for definition in registry.current().entities.values()
            if definition.area != SETTINGS.key and viewer.can(definition.name, "read")
        ]
        filled = {definition.name for definition in entities if Records(definition).ids(1)}
        main = [definition for definition in entities if definition.options.parent is None]
        return render_template(
            "home/home.html",
            name=viewer.name,
            waiting=_waiting(entities, filled, viewer),
            recent=_recent(viewer),
            figures=_figures([definition for definition in main if definition.name in filled]),
            steps=[] if filled else [_step(definition, viewer) for definition in main],
            nothing=not entities,
        )


def register(_app: Flask, _appbuilder: Any) -> None:
    """Nothing: Flask-AppBuilder was given HomeView as its index when it was made."""


def _waiting(
    entities: list[EntityDefinition], filled: set[str], viewer: policy.Viewer
) -> list[dict[str, Any]]:
    """Drafts that this person could approve."""
    found = []
    for definition in entities:
        if not definition.review or definition.name not in filled:
            continue
        if not viewer.can(definition.name, "approve"):
            continue
        drafts = Condition("review_state", "eq", ReviewState.DRAFT.value)
        count, exact = Records(definition).where(drafts).count()
        if count:
            found.append(
                {
                    "label": definition.plural,
                    "count": count,
                    "exact": exact,
                    "href": f"{list_address(definition)}?f={drafts}",
                }
            )
    return found


def _recent(viewer: policy.Viewer) -> list[Recent]:
    """The records in the viewer's latest change sets, the newest first, each once."""
    if viewer.user_id is None:
        return []
    sets = (
        select(ChangeSet.id)
        .where(ChangeSet.user_id == viewer.user_id)
        .order_by(ChangeSet.id.desc())
        .limit(LATEST_SETS)
    )
    changes = db.session.execute(
        select(Change.entity, Change.record_id, ChangeSet.at)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(Change.change_set_id.in_(sets.scalar_subquery()))
        .order_by(Change.change_set_id.desc(), Change.id.desc())
        .limit(LATEST_CHANGES)
    )
    latest: dict[tuple[str, int], Any] = {}
    for entity, record_id, at in changes:
        latest.setdefault((entity, record_id), at)
    return _named(list(latest.items())[: RECENT * 3], viewer)[:RECENT]


def _named(latest: list[tuple[tuple[str, int], Any]], viewer: policy.Viewer) -> list[Recent]:
    """Those that are still there and may be seen, with their names."""
    entities = registry.current().entities
    wanted: dict[str, list[int]] = {}
    for (entity, record_id), _at in latest:
        if entity in entities and viewer.can(entity, "read"):
            wanted.setdefault(entity, []).append(record_id)
    names = {entity: titles(entity, ids) for entity, ids in wanted.items()}
    return [
        Recent(
            title=names[entity][record_id] or f"#{record_id}",
            href=record_address(entities[entity], record_id),
            entity=entities[entity].label,
            icon=entities[entity].icon,
            at=at,
        )
        for (entity, record_id), at in latest
        if record_id in names.get(entity, {})
    ]


def _figures(definitions: list[EntityDefinition]) -> list[dict[str, Any]]:
    """The first charts of the entities that have records, under the names of their areas."""
    found = [
        {
            "area": definition.area_label,
            "title": chart.label,
            "url": f"/{definition.key}/chart/{chart.name}.json",
            "href": f"/{definition.key}/charts",
        }
        for definition in definitions
        for chart in definition.model.charts
        if policy.access(definition, definition.field(chart.group_by)) in ("read", "write")
    ]
    charts = [chart for chart in found[:MOST_CHARTS] if has_page(chart["url"])]
    return [
        {"area": area, "charts": list(together)}
        for area, together in groupby(charts, itemgetter("area"))
    ]


def _step(definition: EntityDefinition, viewer: policy.Viewer) -> dict[str, Any]:
    """How to begin with an entity that has no records."""
    importing = viewer.can(definition.name, "import") and has_page(f"/import/{definition.key}")
    return {
        "title": gettext("%(entities)s: nothing here yet", entities=definition.plural),
        "icon": definition.icon,
        "add_href": f"/{definition.key}/add" if viewer.can(definition.name, "create") else None,
        "import_href": f"/import/{definition.key}" if importing else None,
    }
