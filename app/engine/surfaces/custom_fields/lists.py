"""The choice lists: which there are, what is in them, which fields choose from them."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.addresses import with_query
from app.engine.fields import Choice

SHOWN = 12
"""Choices named on the page; longer lists are opened."""


class ChoiceListPages(Pages):
    """/settings/lists"""

    @expose("/settings/lists")
    @page("ChoiceOption", "read")
    def lists(self) -> str:
        """Every list with its first choices; the choices themselves are records like any other."""
        viewer = policy.current_viewer()
        return render_template(
            "custom_fields/lists.html",
            lists=sorted(described(), key=lambda item: item["name"]),
            may_add=viewer.can("ChoiceOption", "create"),
        )


def described() -> list[dict[str, Any]]:
    """Each list by name: what it is used for, how many choices, the first of them."""
    known = registry.current()
    users = uses()
    found = []
    for name in {*known.lists, *users}:
        options = list(known.lists.get(name, ()))
        found.append({
            "name": name,
            "users": users.get(name, []),
            "count": len(options),
            "labels": [str(option.label) for option in options if option.active][:SHOWN],
            "href": with_query("/choice_option/", [("f", f"list_name:eq:{name}"),
                                                   ("sort", "position")]),
            "add_href": with_query("/choice_option/add", [("list_name", name)]),
        })  # fmt: skip
    return found


def uses() -> dict[str, list[str]]:
    """By list the fields that choose from it, as far as the viewer may know of them."""
    viewer = policy.current_viewer()
    found: dict[str, list[str]] = {}
    for definition in registry.current().entities.values():
        if not viewer.can(definition.name, "read"):
            continue
        for field in policy.known(definition):
            if isinstance(field, Choice) and field.list_name:
                found.setdefault(field.list_name, []).append(f"{definition.label}: {field.label}")
    return found
