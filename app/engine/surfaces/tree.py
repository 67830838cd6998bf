"""Tree: an entity's records below one another (`tree=`), each with how many records it counts.

Two numbers to each: its own, and with all below it; both open just those records. What the viewer may
not see is neither shown nor counted. A fixed number of statements, however large the tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, render_template, request

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import ListAddress, list_address, record_address, with_query
from app.engine.errors import NotFound
from app.engine.fields import Field
from app.engine.graphs import Tree
from app.engine.query import Condition, Records, grouped
from app.engine.registry import EntityDefinition, current

MOST = 500
"""Records of a tree that are shown."""

OPEN_LEVELS = 2
"""So many levels stand open."""


@dataclass
class Node:
    """A record of the tree."""

    id: int
    name: str
    code: str
    href: str
    above: int | None
    level: int = 0
    own: int = 0
    whole: int = 0
    """What it counts itself, and with all below it."""
    own_href: str = ""
    whole_href: str = ""
    below: list[Node] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """Its number and those of all below."""
        return [self.id, *(one for node in self.below for one in node.ids)]


class TreePages(Pages):
    """/<key>/tree"""

    @expose("/<key>/tree")
    @entity_page("read")
    def tree(self, definition: EntityDefinition) -> str:
        """All branches with their counts; the filters of the address narrow what is counted."""
        shape = definition.options.tree
        if shape is None:
            raise NotFound
        viewer = policy.current_viewer()
        counted = _counted(shape, viewer)
        nodes, more = _nodes(definition, shape)
        address = ListAddress.parse(request.args).first_page()
        if counted is not None:
            _count(nodes, counted, shape.by, address)
        roots = _rooted(nodes)
        for root in roots:
            _sum(root, counted, shape.by, address)
        return render_template(
            "tree/tree.html",
            definition=definition,
            counted=counted,
            base=list_address(definition),
            roots=roots,
            whole=sum(root.whole for root in roots),
            more=more,
            most=MOST,
            open_levels=OPEN_LEVELS,
            add_href=f"/{definition.key}/add" if viewer.can(definition.name, "create") else None,
        )


def _counted(shape: Tree, viewer: policy.Viewer) -> EntityDefinition | None:
    """The entity whose records are counted, for those who may see them and where they belong."""
    found = current().entity(shape.of)
    if not viewer.can(found.name, "read"):
        return None
    return found if found.fields[shape.by] in policy.plain(found, viewer) else None


def _fields(definition: EntityDefinition, shape: Tree) -> Mapping[str, Field]:
    """What of a record is shown, as far as the viewer may see it plainly."""
    wanted = {
        "name": definition.spoken_title.name,
        "code": definition.options.key_field or definition.options.title,
        "parent": shape.parent,
    }
    seen = {one.name: one for one in policy.plain(definition)}
    return {use: seen[name] for use, name in wanted.items() if name in seen}


def _nodes(definition: EntityDefinition, shape: Tree) -> tuple[dict[int, Node], bool]:
    """The records that the viewer may see, in the order of the list; whether there are more."""
    fields = _fields(definition, shape)
    page = Records(definition).page(MOST, list(fields.values()))
    nodes = {}
    for row in page.rows:
        words = {use: one.text(row.get(one.name)) for use, one in fields.items() if use != "parent"}
        name, code = words.get("name") or f"#{row['id']}", words.get("code", "")
        code = "" if fields.get("name") is fields.get("code") else code
        above = row.get(shape.parent) if "parent" in fields else None
        here = record_address(definition, row["id"])
        nodes[row["id"]] = Node(row["id"], name, code, here, above)
    return nodes, page.next is not None


def _count(
    nodes: Mapping[int, Node], counted: EntityDefinition, by: str, address: ListAddress
) -> None:
    """What each counts itself: one statement for all of them."""
    records = address.records(counted)
    if nodes:
        records.where(Condition(by, "in", list(nodes)))
    for group in grouped(records, by, most=MOST + 1):
        if group.value in nodes:
            nodes[group.value].own = int(group.figure)


def _rooted(nodes: Mapping[int, Node]) -> list[Node]:
    """Put each below the one above it; those whose upper one is not seen stand at the top."""
    by_parent: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes.values():
        by_parent[node.above if node.above in nodes else None].append(node)
    return _placed(by_parent, None, 0)


def _placed(
    by_parent: Mapping[int | None, Sequence[Node]], above: int | None, level: int
) -> list[Node]:
    found = list(by_parent.get(above, ()))
    for node in found:
        node.level = level
        node.below = _placed(by_parent, node.id, level + 1)
    return found


def _sum(node: Node, counted: EntityDefinition | None, by: str, address: ListAddress) -> None:
    """Add up from below, and say where the records are."""
    for one in node.below:
        _sum(one, counted, by, address)
    node.whole = node.own + sum(one.whole for one in node.below)
    if counted is None:
        return
    base, pairs = list_address(counted), address.pairs(paging=False)
    ids = ",".join(str(one) for one in node.ids)
    node.own_href = with_query(base, [*pairs, ("f", f"{by}:eq:{node.id}")])
    node.whole_href = with_query(base, [*pairs, ("f", f"{by}:in:{ids}")])


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the page."""
    appbuilder.add_view_no_menu(TreePages)
