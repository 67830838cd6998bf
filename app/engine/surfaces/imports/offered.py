"""What the pages of an import offer beside the columns: profiles, and making what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.labels import Bilingual
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.columns import importable
from app.engine.surfaces.imports.deciding import BY_NAME
from app.engine.surfaces.imports.making import makeable as may_make
from app.engine.surfaces.imports.making import ways
from app.engine.surfaces.imports.models import EVERYONE, ImportRun, Options
from app.engine.surfaces.imports.profiles import fitting, usable


def makeable(definition: EntityDefinition) -> list[dict[str, Any]]:
    """The references whose missing records this viewer may have made."""
    return [
        {
            "name": field.name,
            "label": field.label,
            "ways": [(BY_NAME, current().entity(field.target).title_field.label)]
            + [(way.name, way.label) for way in ways(definition, field)],
        }
        for field in importable(definition)
        if field.target and may_make(definition, field)
    ]


def making(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What will be made beside the rows themselves, by entity."""
    return [
        {"entity": current().entity(name).plural, "names": names, "total": total}
        for name, (total, names) in plan.get("making", {}).items()
    ]


def fits(definition: EntityDefinition, run: ImportRun) -> list[dict[str, Any]]:
    """The profiles to choose from, those that fit best first."""
    return [
        {"id": fit.profile.id, "name": fit.profile.name, "found": fit.found, "wanted": fit.wanted,
         "by": fit.profile.user_name if fit.profile.user_id != run.user_id else ""}
        for fit in fitting(definition, run.columns or [])
    ]  # fmt: skip


def profile(definition: EntityDefinition, options: Options) -> dict[str, Any]:
    """The profile in use, if any, and what keeping one asks for."""
    viewer = policy.current_viewer()
    there = (item for item in usable(definition) if item.id == options.profile)
    used = next(there, None) if options.profile is not None else None
    return {
        "profile": used,
        "own_profile": used if used is not None and used.user_id == viewer.user_id else None,
        "shares": shares(definition),
    }


def shares(definition: EntityDefinition) -> list[tuple[str, Any]]:
    """With whom a profile can be shared: value and words."""
    everyone = _("Everyone who may import %(entities)s", entities=definition.plural)
    return [(EVERYONE, everyone), *((str(number), name) for number, name in roles(definition))]


def roles(definition: EntityDefinition) -> list[tuple[int, Bilingual]]:
    """The roles that may import into the entity."""
    found = policy.roles_with(db.session(), definition.name, "import")
    return [(role.role_id, Bilingual(role.label_zh, role.label_en)) for role in found]
