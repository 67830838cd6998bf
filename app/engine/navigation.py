"""Where one can go: areas with the entities that somebody may read, pages of the system, what one may add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import policy, registry
from app.engine.addresses import has_page
from app.engine.areas import SETTINGS
from app.engine.registry import EntityDefinition


@dataclass(frozen=True)
class SystemPage:
    """A page that belongs to no entity; `right` (name, action) is what it takes to see it."""

    label: Any
    href: str
    icon: str
    right: tuple[str, str] | None = None
    instead_of: str = ""


WORK = (
    SystemPage(_("Jobs"), "/jobs/", "loader-2"),
    SystemPage(_("Change sets"), "/changes/", "history"),
)
SYSTEM = (
    SystemPage(
        _("Custom fields"),
        "/settings/fields",
        "forms",
        ("CustomField", "read"),
        instead_of="CustomField",
    ),
    SystemPage(
        _("Proofs of erasure"),
        "/personal/erasures",
        "shield-check",
        (policy.PERSONAL_DATA, "read"),
    ),
    SystemPage(_("Schedules"), "/schedules/", "calendar-event", (policy.SYSTEM, "read")),
    SystemPage(_("Users"), "/users/list/", "users", (policy.USERS, "read")),
    SystemPage(_("Roles"), "/roles/list/", "shield-lock", (policy.USERS, "read")),
    SystemPage(_("Demonstration data"), "/demo/", "package", (policy.SYSTEM, "read")),
    SystemPage(_("Audit log"), "/audit/", "clipboard-list", (policy.AUDIT, "read")),
)


def additions(viewer: policy.Viewer) -> list[dict[str, Any]]:
    """What the viewer may add: whole things, not settings or parts of something."""
    return [
        _item(str(definition.label), f"/{definition.key}/add", definition.icon)
        for definition in registry.current().entities.values()
        if definition.area != SETTINGS.key
        and definition.options.parent is None
        and viewer.can(definition.name, "create")
        and has_page(f"/{definition.key}/add")
    ]


def areas(viewer: policy.Viewer) -> list[dict[str, Any]]:
    """What the viewer may see, in the order of declaration, settings last."""
    found: dict[str, list[Any]] = {}
    replaced = {page.instead_of for page in SYSTEM if has_page(page.href)}
    for definition in registry.current().entities.values():
        if definition.name not in replaced and _listed(definition, viewer):
            found.setdefault(definition.area, []).append(definition)
    settings = found.pop(SETTINGS.key, [])
    areas = [_area("", [_item(gettext("Home"), "/", "home")])]
    areas += [
        _area(
            str(definitions[0].area_label),
            [item for d in definitions for item in _of_entity(d, viewer)],
        )
        for definitions in found.values()
    ]
    areas.append(_area(gettext("Activity"), _pages(WORK, viewer)))
    # What belongs to another setting, as a department's members do, is reached from there.
    whole = [d for d in settings if d.options.parent is None]
    entities = [_item(str(d.plural), f"/{d.key}/", d.icon) for d in whole]
    areas.append(_area(str(SETTINGS.label), [*entities, *_pages(SYSTEM, viewer)]))
    return [area for area in areas if area["items"]]


def _of_entity(definition: EntityDefinition, viewer: policy.Viewer) -> list[dict[str, Any]]:
    """An entity's list, and its pool for those who may take from it."""
    found = [_item(str(definition.plural), f"/{definition.key}/", definition.icon)]
    pool = f"/{definition.key}/pool"
    if definition.options.pool and viewer.can(definition.name, "take") and has_page(pool):
        found.append(
            _item(gettext("Pool: %(entities)s", entities=definition.plural), pool, "inbox")
        )
    return found


def _listed(definition: registry.EntityDefinition, viewer: policy.Viewer) -> bool:
    """Whether the entity stands in the navigation: the organisation only for those who keep it.

    The others come to their own shares and delegations from the record and the profile.
    """
    if not viewer.can(definition.name, "read"):
        return False
    if not definition.options.shapes_rights:
        return True
    return viewer.scope(definition.name, "update") == "all" or viewer.can(policy.USERS, "read")


def _pages(pages: tuple[SystemPage, ...], viewer: policy.Viewer) -> list[dict[str, Any]]:
    allowed: Callable[[SystemPage], bool] = lambda page: (  # noqa: E731
        page.right is None or viewer.can(*page.right)
    )
    return [
        _item(str(page.label), page.href, page.icon)
        for page in pages
        if allowed(page) and has_page(page.href)
    ]


def _area(label: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"label": label, "items": items}


def _item(label: str, href: str, icon: str) -> dict[str, Any]:
    return {"label": label, "href": href, "icon": icon}
