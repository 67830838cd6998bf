"""Graph: a record's surroundings by the links that an entity declares (`graph=`), and as a table.

What the viewer may not see is neither drawn nor counted, and nothing is reached over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, make_response, render_template, request
from sqlalchemy import or_

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import list_address, record_address, with_query
from app.engine.errors import NotFound
from app.engine.presentation import title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current

MOST_NODES = 40
MOST_LINKS = 200
STEPS = 2
"""So far from the record the graph goes."""


@dataclass(frozen=True)
class Link:
    """A link as its record has it: what `other` is to `one`."""

    record_id: int
    one: int
    other: int
    kind: str


@dataclass
class Surroundings:
    """The records around one, by id with what they are called, and the links between them."""

    names: dict[int, str]
    steps: dict[int, int] = field(default_factory=dict)
    """How far each is from the one in the middle."""
    links: dict[int, Link] = field(default_factory=dict)
    more: bool = False
    """Whether some were left out, since there would be too many."""


class GraphPages(Pages):
    """/<key>/<id>/graph"""

    @expose("/<key>/<int:record_id>/graph")
    @entity_page("read")
    def graph(self, definition: EntityDefinition, record_id: int) -> Any:
        """The graph with its table, or as a part of the record's page."""
        viewer = policy.current_viewer()
        row = Records(definition, viewer).get(record_id)
        linking = linking_of(definition, viewer)
        if linking is None:
            raise NotFound
        title = title_of(definition, row)
        around = surroundings(definition, linking, record_id, title)
        part = bool(request.headers.get("HX-Request"))
        answer = make_response(
            render_template(
                "graph/_graph.html" if part else "graph/graph.html",
                definition=definition,
                title=title,
                label=getattr(linking.options.graph, "label", ""),
                base=list_address(definition),
                record_href=record_address(definition, record_id),
                drawn=_drawn(definition, linking, record_id, around),
                lines=_lines(definition, linking, record_id, around),
                more=around.more,
                most=MOST_NODES,
                add_href=_add_href(linking, record_id, viewer),
            )
        )
        answer.headers["Vary"] = "HX-Request"
        return answer


def linking_of(definition: EntityDefinition, viewer: policy.Viewer) -> EntityDefinition | None:
    """The entity whose records link those of this one, if the viewer may see such at all."""
    for linking, _reference in current().incoming.get(definition.name, ()):
        graph = linking.options.graph
        if graph is None or not viewer.can(linking.name, "read"):
            continue
        if {linking.fields[n] for n in (graph.one, graph.other, graph.kind)} <= set(
            policy.plain(linking, viewer)
        ):
            return linking
    return None


def surroundings(
    definition: EntityDefinition, linking: EntityDefinition, record_id: int, name: str
) -> Surroundings:
    """Step by step from the record: two statements each, whatever the number of links."""
    around, fresh = Surroundings({record_id: name}), {record_id}
    around.steps[record_id] = 0
    for step in range(1, STEPS + 1):
        found = _links(linking, sorted(fresh))
        around.more |= len(found) > MOST_LINKS
        met = {end for link in found for end in (link.one, link.other)} - around.names.keys()
        names = _names(definition, sorted(met))
        kept = dict(list(names.items())[: MOST_NODES - len(around.names)])
        around.more |= len(kept) < len(names)
        around.names |= kept
        around.steps |= dict.fromkeys(kept, step)
        around.links |= {
            link.record_id: link
            for link in found[:MOST_LINKS]
            if link.one in around.names and link.other in around.names
        }
        fresh = set(kept)
        if not fresh:
            break
    return around


def _links(linking: EntityDefinition, ids: Sequence[int]) -> list[Link]:
    graph: Any = linking.options.graph
    fields = [linking.fields[name] for name in (graph.one, graph.other, graph.kind)]
    ends = [field.expression(linking.model) for field in fields[:2]]
    records = Records(linking)
    records.clauses.append(or_(*(end.in_(ids) for end in ends)))
    rows = records.page(MOST_LINKS + 1, fields).rows
    return [Link(row["id"], *(row[field.name] for field in fields)) for row in rows]


def _names(definition: EntityDefinition, ids: Sequence[int]) -> dict[int, str]:
    """Those of the records that the viewer may see."""
    if not ids:
        return {}
    viewer = policy.current_viewer()
    title = definition.title_field
    fields = [title] if title in policy.known(definition, viewer) else []
    rows = Records(definition, viewer).with_ids(ids).page(2 * MOST_LINKS, fields).rows
    by_id = {row["id"]: title_of(definition, row) for row in rows}
    return {record_id: by_id[record_id] for record_id in ids if record_id in by_id}


def _drawn(
    definition: EntityDefinition, linking: EntityDefinition, record_id: int, around: Surroundings
) -> dict[str, Any]:
    """What charts.js draws: nodes with their pages, links with their words."""
    kind = linking.fields[linking.options.graph.kind]  # type: ignore[union-attr]
    return {
        "nodes": [
            {
                "id": str(one),
                "name": name,
                "href": record_address(definition, one),
                "step": around.steps[one],
            }
            for one, name in around.names.items()
        ],
        "links": [
            {"source": str(link.one), "target": str(link.other), "word": kind.text(link.kind)}
            for link in around.links.values()
        ],
    }


def _lines(
    definition: EntityDefinition, linking: EntityDefinition, record_id: int, around: Surroundings
) -> list[dict[str, Any]]:
    """The same as lines: who, what to whom; those of the record itself first."""
    graph: Any = linking.options.graph
    kind = linking.fields[graph.kind]
    lines = []
    for link in around.links.values():
        one, other, value = link.one, link.other, link.kind
        if other == record_id:
            one, other, value = other, one, graph.inverse[value]
        lines.append(
            {
                "own": one == record_id,
                "one": around.names[one],
                "one_href": record_address(definition, one),
                "word": kind.cell(value),
                "other": around.names[other],
                "other_href": record_address(definition, other),
                "href": record_address(linking, link.record_id),
            }
        )
    return sorted(lines, key=lambda line: not line["own"])


def _add_href(linking: EntityDefinition, record_id: int, viewer: policy.Viewer) -> str | None:
    graph: Any = linking.options.graph
    if not viewer.can(linking.name, "create"):
        return None
    return with_query(f"/{linking.key}/add", [(graph.one, record_id)])


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(GraphPages)
