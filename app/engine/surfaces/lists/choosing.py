"""Which columns a list shows, in which order, and how close its rows are."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from app.engine import policy, views
from app.engine.addresses import ListAddress, list_address
from app.engine.presentation import columns, offered_columns
from app.engine.registry import EntityDefinition

ARRANGEMENT = ("cols", "density")


def arranged(definition: EntityDefinition, args: MultiDict[str, str]) -> ListAddress:
    """What the address says, with what the panel has sent, as far as the viewer may know of it.

    Raises ValueProblem.
    """
    viewer = policy.current_viewer()
    address = ListAddress.parse(args)
    if "chosen" in args:
        chosen = MultiDict([("cols", ",".join(args.getlist("show")))])
        usual = tuple(one.name for one in columns(definition, viewer) if not one.main)
        names = ListAddress.parse(chosen).columns
        address = address.first_page(
            columns=() if names == usual else names, dense=args.get("close_rows") == "1"
        )
    return views.seen_by(definition, address, viewer)


def panel(definition: EntityDefinition, address: ListAddress) -> dict[str, Any]:
    """The columns shown, in their order, then those that could be."""
    viewer = policy.current_viewer()
    title = definition.title_field.name
    shown = [one for one in columns(definition, viewer, address.columns) if one.name != title]
    names = {one.name for one in shown}
    every = offered_columns(definition, viewer)
    others = [one for name, one in every.items() if name not in names and name != title]
    base = list_address(definition)
    return {
        "definition": definition,
        "base": base,
        "columns": [(one.name, one.label, True) for one in shown]
        + [(one.name, one.label, False) for one in others],
        "dense": address.dense,
        "state": [pair for pair in address.pairs(paging=False) if pair[0] not in ARRANGEMENT],
        "back_href": address.href(base),
        "usual_href": address.first_page(columns=(), dense=False, view=views.ALL).href(base),
    }
