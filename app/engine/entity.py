"""Entity: the base of every declared thing. One class body gives the table and every surface."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.actions import Action
from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.areas import area as declared_area
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.fields import Choice, DateTime, Field, Owner
from app.engine.fields import Integer as IntegerField
from app.engine.rules import Rule


class ReviewState(Choices):
    """Where a record stands that counts only after somebody with the right has approved it."""

    DRAFT = "draft", _("Draft"), "yellow"
    APPROVED = "approved", _("Approved"), "green"


@dataclass(frozen=True)
class Options:
    """What an entity's declaration says of the entity as a whole."""

    name: str
    key: str
    label: Any
    plural: Any
    area: str
    icon: str
    title: str
    order: str
    review: bool
    key_field: str | None
    duplicates: tuple[str, ...]
    scope_through: str | None
    unique_together: tuple[tuple[str, ...], ...]
    shapes_registry: bool
    parent: str | None


def key_of(name: str) -> str:
    """`CustomField` → `custom_field`: the entity's key in addresses, tables and the API."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def table_name(entity_name: str) -> str:
    """The table of an entity, or of users."""
    return "ab_user" if entity_name == "User" else key_of(entity_name)


SYSTEM_NAMES = (
    "id", "version", "created_at", "created_by", "updated_at", "updated_by",
)  # fmt: skip
REVIEW_NAMES = ("review_state", "reviewed_at", "reviewed_by")

RESERVED = frozenset({
    *SYSTEM_NAMES, *REVIEW_NAMES, "deleted_at", "custom", "options", "declared", "rules", "charts",
    "actions", "metadata", "registry",
})  # fmt: skip
"""Names that the entity itself needs."""

DECLARED: dict[str, type[Entity]] = {}
"""Every declared entity by its name, in the order of declaration."""


class Entity(Model):
    """Base of declared things.

    class Contact(Entity, area="customers", label=_("Contact"), plural=_("Contacts"), title="name"):
        name = Text(_("Name"), required=True, search=True)
    """

    __abstract__ = True
    options: Options
    declared: Mapping[str, Field]
    rules: Sequence[Rule]
    charts: Sequence[Chart] = ()
    actions: Sequence[Action] = ()

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    deleted_at: Mapped[Any] = mapped_column(UtcDateTime, nullable=True)
    custom: Mapped[dict[str, Any] | None] = mapped_column(Json, nullable=True)

    def __init_subclass__(
        cls,
        *,
        label: Any = None,
        plural: Any = None,
        area: str = "",
        icon: str = "circle",
        title: str = "",
        order: str = "-id",
        review: bool = False,
        key: str | None = None,
        duplicates: Sequence[str] = (),
        scope_through: str | None = None,
        unique_together: Sequence[Sequence[str]] = (),
        shapes_registry: bool = False,
        parent: str | None = None,
        **keywords: Any,
    ) -> None:
        """`area`: the key of a declared `Area`; an unknown one raises LookupError.

        `key`: the field that imports find records by; `title`: the field that names a record.

        `review`: new records are drafts until approved. `scope_through`: the reference whose
        record decides who may see this one. `parent`: the reference under whose record page
        these are listed first. `shapes_registry`: records of it are part of the registry.
        """
        declared = {name: item for name, item in vars(cls).items() if isinstance(item, Field)}
        if taken := RESERVED & declared.keys():
            raise TypeError(f"{cls.__name__}: no field can be called {sorted(taken)}")
        cls.options = Options(
            name=cls.__name__,
            key=key_of(cls.__name__),
            label=label or cls.__name__,
            plural=plural or label or cls.__name__,
            area=declared_area(area).key,
            icon=icon,
            title=title or next(iter(declared), "id"),
            order=order,
            review=review,
            key_field=key,
            duplicates=tuple(duplicates),
            scope_through=scope_through,
            unique_together=tuple(tuple(names) for names in unique_together),
            shapes_registry=shapes_registry,
            parent=parent,
        )
        cls.rules = tuple(item for item in vars(cls).values() if hasattr(item, "is_rule"))
        cls.declared = MappingProxyType(_prepare(cls, declared, review))
        DECLARED[cls.__name__] = cls
        super().__init_subclass__(**keywords)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def _prepare(cls: type[Entity], declared: dict[str, Field], review: bool) -> dict[str, Field]:
    """Turn fields into columns on the class; give back all fields, the system's included."""
    fields: dict[str, Field] = {}
    for name, field in declared.items():
        field.name = name
        fields[name] = field
        for companion_name, companion in field.companions().items():
            companion.name = companion_name
            fields[companion_name] = companion
    fields |= _system_fields(review)
    cls.__tablename__ = cls.options.key
    attributes: dict[str, Any] = {}
    for field in fields.values():
        if field.name != "id":
            attributes |= field.attributes()
    for name in declared:
        delattr(cls, name)
    for name, attribute in attributes.items():
        setattr(cls, name, attribute)
    cls.__mapper_args__ = {"version_id_col": attributes["version"]}
    cls.__table_args__ = (*_indexes(cls, fields), {"sqlite_autoincrement": True})
    return fields


def _system_fields(review: bool) -> dict[str, Field]:
    fields: dict[str, Field] = {
        "id": IntegerField(_("ID"), in_list=False, index=False),
        "created_at": DateTime(_("Created at"), in_list=False),
        "created_by": Owner(_("Created by"), in_list=False, index=False),
        "updated_at": DateTime(_("Changed at"), in_list=False),
        "updated_by": Owner(_("Changed by"), in_list=False, index=False),
        "version": _Version(_("Version"), in_list=False, index=False),
    }
    if review:
        fields["review_state"] = Choice(
            _("Review"), ReviewState, default=ReviewState.DRAFT.value, in_list=True
        )
        fields["reviewed_at"] = DateTime(_("Reviewed at"), in_list=False, index=False)
        fields["reviewed_by"] = Owner(_("Reviewed by"), in_list=False, index=False)
    for name, field in fields.items():
        field.name = name
        field.system = True
        field.read_only = True
        field.in_form = False
        field.synonyms = ()
    return fields


class _Version(IntegerField):
    """The count of a record's versions; a stale form is known by it."""

    type_name = ""

    largest = 2**31 - 1

    def attributes(self) -> dict[str, Any]:
        return {"version": mapped_column(Integer, nullable=False)}


def _indexes(cls: type[Entity], fields: Mapping[str, Field]) -> list[Index]:
    """Partial indexes over the records that are not in the trash.

    Each ends in the id, so that it serves sorting with a stable order and keyset paging.
    """
    table = cls.options.key
    trashed = text("deleted_at IS NOT NULL")
    indexes = [
        _live_index(f"ix_{table}_live", ["id"]),
        Index(f"ix_{table}_trash", "id", sqlite_where=trashed, postgresql_where=trashed),
    ]
    for field in fields.values():
        sorted_by = getattr(field, "sort_column", None) or field.column_name
        if field.unique:
            indexes.append(_live_index(f"uq_{table}_{field.name}", [field.column_name], True))
        elif field.index:
            indexes.append(_live_index(f"ix_{table}_{sorted_by}", [sorted_by, "id"]))
    for names in cls.options.unique_together:
        columns = [fields[name].column_name for name in names]
        indexes.append(_live_index(f"uq_{table}_{'_'.join(names)}", columns, True))
    return indexes


def _live_index(name: str, columns: Sequence[str], unique: bool = False) -> Index:
    live = text("deleted_at IS NULL")
    return Index(name, *columns, unique=unique, sqlite_where=live, postgresql_where=live)


__all__ = [
    "DECLARED",
    "Entity",
    "Options",
    "ReviewState",
    "key_of",
    "table_name",
]
