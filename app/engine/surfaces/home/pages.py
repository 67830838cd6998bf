"""The first page: what waits, what needs attention, figures, what one has worked on, first steps."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext

from app.engine import attention, policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.addresses import has_page
from app.engine.areas import SETTINGS
from app.engine.navigation import additions
from app.engine.query import Records
from app.engine.recent import recent_records
from app.engine.registry import EntityDefinition
from app.engine.surfaces.home.due import approvals, sections
from app.engine.surfaces.home.figures import figures


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
            recent=recent_records(viewer),
            figures=drawn,
            steps=[] if begun else [_step(definition, viewer) for definition in main],
            nothing=not entities and health is None,
            new=additions(viewer),
            exports=_exports(main, viewer) if begun else [],
        )


def _exports(entities: list[EntityDefinition], viewer: policy.Viewer) -> list[dict[str, Any]]:
    """What the viewer may take out."""
    return [
        {"label": definition.plural, "icon": definition.icon, "href": f"/export/{definition.key}"}
        for definition in entities
        if viewer.can(definition.name, "export") and has_page(f"/export/{definition.key}")
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
