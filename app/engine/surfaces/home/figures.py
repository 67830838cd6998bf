"""Which charts the first page shows: those of the viewer's roles, as data; else each area's first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.addresses import has_page
from app.engine.charts import Chart
from app.engine.query import Records
from app.engine.registry import EntityDefinition

MOST_CHARTS = 4

Drawn = tuple[EntityDefinition, Chart]


def figures(entities: Sequence[EntityDefinition], viewer: policy.Viewer) -> list[dict[str, Any]]:
    """Charts under the names of their areas; of entities without records none."""
    wanted = [pair for pair in _of_roles(viewer) if pair[0] in entities] or _usual(entities)
    seen = {one.name: _plain(one, viewer) for one, _chart in wanted}
    filled = {one.name: bool(Records(one).ids(1)) for one, _chart in wanted}
    shown = [
        {
            "area": definition.area_label,
            "title": chart.label,
            "url": f"/{definition.key}/chart/{chart.name}.json",
            "href": f"/{definition.key}/charts",
        }
        for definition, chart in wanted
        if filled[definition.name] and chart.fields <= seen[definition.name]
    ]
    shown = [chart for chart in shown if has_page(chart["url"])][:MOST_CHARTS]
    return [
        {"area": area, "charts": list(together)}
        for area, together in groupby(sorted(shown, key=_place(entities)), itemgetter("area"))
    ]


def _place(entities: Sequence[EntityDefinition]) -> Any:
    """Areas in the order of the navigation, so that each is headed once."""
    areas = list(dict.fromkeys(str(definition.area_label) for definition in entities))
    return lambda chart: areas.index(str(chart["area"]))


def _plain(definition: EntityDefinition, viewer: policy.Viewer) -> frozenset[str]:
    return frozenset(field.name for field in policy.plain(definition, viewer))


def _of_roles(viewer: policy.Viewer) -> list[Drawn]:
    """What the roles' data name, as `Entity.chart`; what is there no longer is passed over."""
    profile = policy.RoleProfile
    rows = db.session.scalars(
        select(profile.built_in)
        .where(profile.role_id.in_(viewer.role_ids))
        .order_by(profile.role_id)
    )
    names = [name for row in rows for name in (row or {}).get("charts", ())]
    return [pair for name in dict.fromkeys(names) if (pair := _named(name)) is not None]


def _named(name: str) -> Drawn | None:
    entity, _dot, chart_name = name.partition(".")
    definition = registry.current().entities.get(entity)
    charts = definition.model.charts if definition else ()
    found = next((chart for chart in charts if chart.name == chart_name), None)
    return (definition, found) if definition and found else None


def _usual(entities: Sequence[EntityDefinition]) -> list[Drawn]:
    """The first chart of each entity, then the second, and so on."""
    main = [definition for definition in entities if definition.options.parent is None]
    most = max((len(definition.model.charts) for definition in main), default=0)
    return [
        (definition, definition.model.charts[place])
        for place in range(most)
        for definition in main
        if place < len(definition.model.charts)
    ]
