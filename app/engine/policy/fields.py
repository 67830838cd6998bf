"""Field access: which fields a viewer may know of, see plainly, write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.errors import NotAllowed, NotFound
from app.engine.fields import Field
from app.engine.policy.viewer import Viewer, current_viewer
from app.engine.registry import EntityDefinition


def access(definition: EntityDefinition, field: Field, viewer: Viewer | None = None) -> str:
    """`hidden`, `masked`, `read` or `write`, the field's own nature included."""
    found = (viewer or current_viewer()).access(definition.name, field)
    return "read" if found == "write" and field.read_only else found


def known(definition: EntityDefinition, viewer: Viewer | None = None) -> list[Field]:
    """The fields that the viewer may know of, masked ones included."""
    viewer = viewer or current_viewer()
    return [f for f in definition.fields.values() if viewer.access(definition.name, f) != "hidden"]


def plain(definition: EntityDefinition, viewer: Viewer | None = None) -> list[Field]:
    """The fields whose values the viewer may see: those to filter, sort, group and search by."""
    viewer = viewer or current_viewer()
    return [
        f
        for f in definition.fields.values()
        if viewer.access(definition.name, f) in ("read", "write")
    ]


def sees(
    definition: EntityDefinition, names: Collection[str], viewer: Viewer | None = None
) -> bool:
    """Whether the viewer may see the values of all these fields."""
    seen = {field.name for field in plain(definition, viewer)}
    return seen.issuperset(names)


def writable(definition: EntityDefinition, viewer: Viewer | None = None) -> list[Field]:
    """The fields that the viewer may write."""
    viewer = viewer or current_viewer()
    return [f for f in definition.fields.values() if access(definition, f, viewer) == "write"]


def known_field(definition: EntityDefinition, name: str, viewer: Viewer | None = None) -> Field:
    """A field by its name. Raises NotFound alike for one that is hidden and one that is not."""
    field = definition.field(name)
    if access(definition, field, viewer) == "hidden":
        raise NotFound(_("There is no field “%(name)s”.", name=str(name)[:80]))
    return field


def plain_field(definition: EntityDefinition, name: str, viewer: Viewer | None = None) -> Field:
    """A field to filter, sort or group by. Raises NotFound, or NotAllowed for a masked one."""
    field = known_field(definition, name, viewer)
    if access(definition, field, viewer) == "masked":
        raise NotAllowed(
            _(
                "%(field)s is masked for you; it can't be filtered, sorted or grouped by.",
                field=field.label,
            )
        )
    return field


def shown(definition: EntityDefinition, field: Field, value: Any, viewer: Viewer) -> Any:
    """The value as this viewer sees it. Raises NotFound for a hidden field."""
    match viewer.access(definition.name, field):
        case "hidden":
            raise NotFound
        case "masked":
            return field.mask(value)
        case _:
            return field.guard(value)


def record_name(definition: EntityDefinition, record: Any) -> str:
    """What a loaded record is called; its number where the viewer may not see the name."""
    title = definition.title_field
    seen = current_viewer().access(definition.name, title) in ("read", "write")
    return (title.text(title.get(record)) if seen else "") or f"#{record.id}"
