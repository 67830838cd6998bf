"""Import profiles: what was decided about a kind of file, kept under a name and used again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput, NotFound
from app.engine.fields import Choice
from app.engine.parsing import header_key
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.columns import importable, key_candidates, matched, propose
from app.engine.surfaces.imports.making import wanted_of
from app.engine.surfaces.imports.models import (
    EVERYONE,
    LEAVE_EMPTY,
    MAKE,
    MODES,
    NEAR,
    ImportProfile,
    Options,
)

_LISTED = 500


@dataclass(frozen=True)
class Fit:
    """A profile beside a file: how many of its columns the file has."""

    profile: ImportProfile
    found: int
    wanted: int
    exact: bool
    """Whether the file has the very columns of the file that the profile was made with."""


def usable(definition: EntityDefinition) -> list[ImportProfile]:
    """The profiles of an entity that the viewer may use, their own first."""
    viewer = policy.current_viewer()
    statement = (
        select(ImportProfile)
        .where(ImportProfile.entity == definition.name)
        .order_by(ImportProfile.name, ImportProfile.id)
        .limit(_LISTED)
    )
    found = [profile for profile in db.session.scalars(statement) if _may_use(profile, viewer)]
    return sorted(found, key=lambda profile: profile.user_id != viewer.user_id)


def may_change(profile: ImportProfile) -> bool:
    """One's own, and everybody's for those who run the system."""
    viewer = policy.current_viewer()
    own = profile.user_id is not None and profile.user_id == viewer.user_id
    return own or viewer.can(policy.SYSTEM, "update")


def _may_use(profile: ImportProfile, viewer: policy.Viewer) -> bool:
    return (
        profile.user_id == viewer.user_id
        or viewer.can(policy.SYSTEM, "update")
        or EVERYONE in profile.shared
        or not set(profile.shared).isdisjoint(viewer.role_ids)
    )


def get(definition: EntityDefinition, profile_id: int) -> ImportProfile:
    """A profile that the viewer may use. Raises NotFound."""
    found: ImportProfile | None = db.session.get(ImportProfile, profile_id, populate_existing=True)
    if (
        found is None
        or found.entity != definition.name
        or not _may_use(found, policy.current_viewer())
    ):
        raise NotFound(_("There is no such import profile."))
    return found


def named(definition: EntityDefinition, name: str) -> ImportProfile:
    """The profile of that name, or of that number, as the command line asks for it.

    Raises NotFound, and InvalidInput where several people have one of that name.
    """
    there = usable(definition)
    found = [profile for profile in there if profile.name == name]
    if not found and name.isdecimal():
        found = [profile for profile in there if profile.id == int(name)]
    if not found:
        raise NotFound(_("There is no import profile “%(name)s”.", name=name[:80]))
    if len(found) > 1:
        numbers = ", ".join(f"{profile.id} ({profile.user_name})" for profile in found)
        raise InvalidInput.of(
            "profile",
            _("Several people have a profile “%(name)s”. Give the number of one: %(numbers)s.",
              name=name, numbers=numbers),
        )  # fmt: skip
    return found[0]


# -- fitting them to a file -----------------------------------------------------------------


def fitting(definition: EntityDefinition, columns: Sequence[str]) -> list[Fit]:
    """The profiles that share a column with the file, those that fit best first."""
    fits = [_fit(profile, columns) for profile in usable(definition)]
    return sorted((fit for fit in fits if fit.found), key=_rank)


def _fit(profile: ImportProfile, columns: Sequence[str]) -> Fit:
    wanted = profile.options.get("mapping", {})
    same = {header_key(name) for name in profile.columns} == {header_key(n) for n in columns}
    return Fit(profile, len(matched(columns, wanted)), len(wanted), same)


def _rank(fit: Fit) -> tuple[bool, float, int]:
    return (not fit.exact, -fit.found / fit.wanted, -fit.found)


def applied(
    definition: EntityDefinition, profile: ImportProfile, columns: Sequence[str], base: Options
) -> tuple[Options, list[Any]]:
    """The options for a file with these columns as the profile says, and warnings.

    Columns that the profile's own file did not have are mapped by their names.
    """
    kept: Mapping[str, Any] = profile.options
    fields = {field.name: field for field in importable(definition)}
    there = matched(columns, kept.get("mapping", {}))
    wanted = {column: kept["mapping"][name] for name, column in there.items()}
    mapping = {column: name for column, name in wanted.items() if name in fields}
    known = set(matched(columns, profile.columns).values())
    free = [field for field in fields.values() if field.name not in mapping.values()]
    mapping |= propose([column for column in columns if column not in known], free)
    keys = [field.name for field in key_candidates(definition, mapping)]
    key = kept.get("key") if kept.get("key") in keys else None
    options = replace(
        base,
        mapping=mapping,
        key=key,
        choices=_choices(definition, kept.get("choices", {})),
        mode=_one_of(MODES, kept.get("mode")) if key else "both",
        near=_one_of(NEAR, kept.get("near")),
        approved=bool(kept.get("approved")) and _may_approve(definition),
        all_or_nothing=bool(kept.get("all_or_nothing")),
        make=[name for name in kept.get("make", ()) if _may_make(definition, name)],
        profile=profile.id,
    )
    return options, _warnings(definition, kept, wanted, fields, key)


def _warnings(
    definition: EntityDefinition,
    kept: Mapping[str, Any],
    wanted: Mapping[str, str],
    fields: Mapping[str, Any],
    key: str | None,
) -> list[Any]:
    """What the profile asks for and this file, or this viewer, does not have."""
    missing = set(kept.get("mapping", {}).values()) - set(wanted.values())
    denied = set(wanted.values()) - fields.keys()
    said: list[Any] = []
    if missing:
        listed = _labels(definition, missing)
        said.append(
            _("The profile also fills fields whose columns this file lacks: %(fields)s.", fields=listed)
        )  # fmt: skip
    if denied:
        listed = _labels(definition, denied)
        said.append(
            _("The profile also fills fields that you may not import: %(fields)s.", fields=listed)
        )
    if kept.get("key") and key is None:
        said.append(_("The profile's field to find records by is not filled here."))
    return said


def _labels(definition: EntityDefinition, names: Iterable[str]) -> str:
    fields = definition.fields
    return ", ".join(str(fields[name].label) if name in fields else name for name in sorted(names))


def _choices(
    definition: EntityDefinition, kept: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """What words mean, as far as there still is such a choice, or the viewer may make it."""
    may_make = policy.current_viewer().can("ChoiceOption", "create")
    found: dict[str, dict[str, str]] = {}
    for name, words in kept.items():
        item = definition.fields.get(name)
        if not isinstance(item, Choice):
            continue
        for word, meant in words.items():
            making = meant == MAKE and item.open and may_make
            if making or meant == LEAVE_EMPTY or meant in item.options:
                found.setdefault(name, {})[word] = meant
    return found


def _one_of(answers: Sequence[str], answer: Any) -> str:
    return answer if answer in answers else answers[0]


def _may_approve(definition: EntityDefinition) -> bool:
    return definition.review and policy.current_viewer().can(definition.name, "approve")


def _may_make(definition: EntityDefinition, asked: str) -> bool:
    try:
        wanted_of(definition, asked)
    except (InvalidInput, NotFound):
        return False
    return True
