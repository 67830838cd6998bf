"""The first page: what waits, what needs attention, figures, what one has worked on, first steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_babel import gettext
from sqlalchemy import select

from app.engine import attention, policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.addresses import has_page, record_address
from app.engine.areas import SETTINGS
from app.engine.changes import Change, ChangeSet
from app.engine.query import Records, titles
from app.engine.registry import EntityDefinition
from app.engine.surfaces.home.due import approvals, sections
from app.engine.surfaces.home.figures import figures

RECENT = 8
LATEST_SETS = 40
LATEST_CHANGES = 200


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
        readable = [
            definition
            for definition in registry.current().entities.values()
            if viewer.can(definition.name, "read")
        ]
        entities = [one for one in readable if one.area != SETTINGS.key]
        main = [definition for definition in entities if definition.options.parent is None]
        drawn = figures(entities, viewer)
        begun = bool(drawn) or any(Records(definition).ids(1) for definition in main)
        health = attention.system(viewer)
        return render_template(
            "home/home.html",
            name=viewer.name,
            due=sections(readable, viewer),
            approvals=approvals(entities, viewer),
            needed=attention.mine(viewer),
            health=health,
            recent=_recent(viewer),
            figures=drawn,
            steps=[] if begun else [_step(definition, viewer) for definition in main],
            nothing=not entities and health is None,
            new=_new(main, viewer),
            exports=_exports(main, viewer) if begun else [],
        )


def _new(entities: list[EntityDefinition], viewer: policy.Viewer) -> list[dict[str, Any]]:
    """What the viewer may add."""
    return [
        {"label": definition.label, "icon": definition.icon, "href": f"/{definition.key}/add"}
        for definition in entities
        if viewer.can(definition.name, "create") and has_page(f"/{definition.key}/add")
    ]


def _exports(entities: list[EntityDefinition], viewer: policy.Viewer) -> list[dict[str, Any]]:
    """What the viewer may take out."""
    return [
        {"label": definition.plural, "icon": definition.icon, "href": f"/export/{definition.key}"}
        for definition in entities
        if viewer.can(definition.name, "export") and has_page(f"/export/{definition.key}")
    ]


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


def _step(definition: EntityDefinition, viewer: policy.Viewer) -> dict[str, Any]:
    """How to begin with an entity that has no records."""
    importing = viewer.can(definition.name, "import") and has_page(f"/import/{definition.key}")
    return {
        "title": gettext("%(entities)s: nothing here yet", entities=definition.plural),
        "icon": definition.icon,
        "add_href": f"/{definition.key}/add" if viewer.can(definition.name, "create") else None,
        "import_href": f"/import/{definition.key}" if importing else None,
    }
