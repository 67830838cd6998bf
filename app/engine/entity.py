"""Entity: the base of every declared thing. One class body gives the table and every surface."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKeyConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.actions import Action
from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.agenda import Agenda
from app.engine.areas import area as declared_area
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.deadlines import Deadline
from app.engine.fields import Choice, DateTime, Field, Owner, Reference
from app.engine.fields import Integer as IntegerField
from app.engine.fields.sensitive import mark_column
from app.engine.graphs import Graph, Tree
from app.engine.remarks import Counted, Remark
from app.engine.rules import Rule
from app.engine.states import Move, open_moves


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
    titles: Mapping[str, str]
    order: str
    review: bool
    key_field: str | None
    duplicates: tuple[str, ...]
    scope_through: str | None
    unique_together: tuple[tuple[str, ...], ...]
    shapes_registry: bool
    shapes_rights: bool
    parent: str | None
    archivable: bool
    about_person: bool | str
    pool: bool
    owned_by_maker: bool
    alike: bool
    registered: bool
    graph: Graph | None
    tree: Tree | None
    timeline: str | None
    worked_out: str | None

    def is_about_person(self, value_of: Callable[[str], Any]) -> bool:
        """Whether a record is about one person; `value_of` gives its values by field."""
        if isinstance(self.about_person, bool):
            return self.about_person
        name, _operator, values = self.about_person.split(":")
        return value_of(name) in values.split(",")


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

ARCHIVED = "archived_at"
"""The system field of records that were put aside: lists leave them out until asked for them."""

RESERVED = frozenset({
    *SYSTEM_NAMES, *REVIEW_NAMES, ARCHIVED, "deleted_at", "custom", "options", "declared", "rules", "charts", "agenda",
    "actions", "remarks", "deadlines", "metadata", "registry",
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
    agenda: Sequence[Agenda] = ()
    actions: Sequence[Action] = ()
    remarks: Sequence[Remark | Counted] = ()
    deadlines: Sequence[Deadline] = ()

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
        titles: Mapping[str, str] | None = None,
        order: str = "-id",
        review: bool = False,
        key: str | None = None,
        duplicates: Sequence[str] = (),
        scope_through: str | None = None,
        unique_together: Sequence[Sequence[str]] = (),
        shapes_registry: bool = False,
        shapes_rights: bool = False,
        parent: str | None = None,
        archivable: bool = False,
        about_person: bool | str = False,
        pool: bool = False,
        owned_by_maker: bool = False,
        alike: bool = False,
        registered: bool = False,
        graph: Graph | None = None,
        tree: Tree | None = None,
        timeline: str | None = None,
        worked_out: str | None = None,
        **keywords: Any,
    ) -> None:
        """`area`: the key of a declared `Area`; an unknown one raises LookupError.

        `key`: the field that imports find records by; `title`: the field that names a record; `titles`: by
        language another one that does, for readers of that.

        `review`: new records are drafts until approved. `scope_through`: the reference whose
        record decides who may see this one. `parent`: the reference under whose record page
        these are listed first. `archivable`: records can be put aside. `shapes_registry`: records
        of it are part of the registry; `shapes_rights`: they say who may see what.

        `about_person`: each record is about one person, who may ask what is held on them and have
        it erased; or only some are, as `kind:in:person,trader`. `pool`: records without an owner are in a pool, from which people take them.
        `alike`: several records may have the same content, as purchases do: rows of a file that say
        no key are each a record, though they repeat one. `registered`: every act on its records is in
        the register, see `app.engine.changes.register`. `graph`: its records link two others of an
        entity, whose pages show that. `tree`: its records lie below one another. `timeline`: the field of time by which these stand in the
        timeline of what they point at. `owned_by_maker`: the scope “own” means whoever made the record, though it names people.
        `worked_out`: the reference to the record for which these are worked out as a whole set (see
        `figures`). They can be worked out anew, so they go, without trace, with what they belong to.
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
            titles=dict(titles or {}),
            order=order,
            review=review,
            key_field=key,
            duplicates=tuple(duplicates),
            scope_through=scope_through,
            unique_together=tuple(tuple(names) for names in unique_together),
            shapes_registry=shapes_registry,
            shapes_rights=shapes_rights,
            parent=parent,
            archivable=archivable,
            about_person=about_person,
            pool=pool,
            owned_by_maker=owned_by_maker,
            alike=alike,
            registered=registered,
            graph=graph,
            tree=tree,
            timeline=timeline,
            worked_out=worked_out,
        )
        cls.rules = tuple(item for item in vars(cls).values() if hasattr(item, "is_rule"))
        cls.declared = MappingProxyType(_prepare(cls, declared, review, archivable))
        cls.actions = (*cls.actions, *_moves(cls.__name__, declared))
        DECLARED[cls.__name__] = cls
        super().__init_subclass__(**keywords)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


def _trusted(cls: type[Entity], fields: Mapping[str, Field]) -> list[Reference]:
    """The references of worked-out records that the database need not check."""
    if not cls.options.worked_out:
        return []
    names = (cls.options.worked_out, "created_by", "updated_by")
    references = [item for item in fields.values() if isinstance(item, Reference)]
    return [item for item in references if item.name in names or item.on_delete == "cascade"]


def _unchecked(field: Reference) -> ForeignKeyConstraint:
    """PostgreSQL does not look up, row by row, what a whole set was selected from: that takes a third
    of the time, and marks every record that it looks up as read.

    Whoever fills a set, and whoever takes away what such records belong to, take turns instead (see
    `changes.sets`, `changes.bulk`). People are not named in them.
    """
    key = ForeignKeyConstraint([field.column_name], [field.foreign_key()], ondelete="RESTRICT")
    key.ddl_if(dialect="sqlite")
    return key


def _moves(entity: str, declared: Mapping[str, Field]) -> list[Action]:
    """The steps of the entity's states, each as an action."""
    return [
        _move_action(entity, field, move)
        for field in declared.values()
        if isinstance(field, Choice)
        for move in field.moves
    ]


def _move_action(entity: str, field: Choice, move: Move) -> Action:
    def run(changes: Any, record: Any, values: Mapping[str, Any]) -> None:
        from app.engine.registry import current

        definition = current().entity(entity)
        changes.update(definition, record.id, {**values, field.name: move.target})

    def offered(record: Any) -> bool:
        from app.engine.registry import current

        fields = current().entity(entity).fields
        values = {name: f.get(record) for name, f in fields.items() if not f.system}
        return move in open_moves(field, values, lambda _right: True)

    tells = (field.name,)
    return Action(move.name, move.label, move.right, run, move.icon, offered, move.asks, tells)


def _prepare(
    cls: type[Entity], declared: dict[str, Field], review: bool, archivable: bool
) -> dict[str, Field]:
    """Turn fields into columns on the class; give back all fields, the system's included."""
    fields: dict[str, Field] = {}
    for name, field in declared.items():
        field.name = name
        fields[name] = field
        for companion_name, companion in field.companions().items():
            companion.name = companion_name
            fields[companion_name] = companion
    fields |= _system_fields(review, archivable)
    cls.__tablename__ = cls.options.key
    attributes: dict[str, Any] = {}
    for reference in (trusted := _trusted(cls, fields)):
        reference.keyed = False
    for field in fields.values():
        if field.name != "id":
            attributes |= field.attributes()
    for name in declared:
        delattr(cls, name)
    for name, attribute in attributes.items():
        setattr(cls, name, attribute)
    cls.__mapper_args__ = {"version_id_col": attributes["version"]}
    keys = [_unchecked(reference) for reference in trusted]
    cls.__table_args__ = (*_indexes(cls, fields), *keys, {"sqlite_autoincrement": True})
    return fields


def _system_fields(review: bool, archivable: bool) -> dict[str, Field]:
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
    if archivable:
        fields[ARCHIVED] = DateTime(_("Archived at"), in_list=False, index=False)
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
    """Indexes over the records that are not in the trash.

    Each ends in the id, so that it serves sorting with a stable order and keyset paging. Those of
    people say as well what was put aside: a scope's records are counted without being looked up.
    Those of references hold the trash, too: whenever a record goes for good, the database looks for
    what points at it.
    """
    table = cls.options.key
    trashed = text("deleted_at IS NOT NULL")
    indexes = [
        *([] if cls.options.worked_out else [_live_index(f"ix_{table}_live", ["id"])]),
        Index(f"ix_{table}_trash", "id", sqlite_where=trashed, postgresql_where=trashed),
    ]
    unsorted = ("created_at", "updated_at") if cls.options.worked_out else ()
    for field in fields.values():
        sorted_by = getattr(field, "sort_column", None) or field.column_name
        if field.unique:
            indexes.append(_live_index(f"uq_{table}_{field.name}", [field.column_name], True))
        if _points_at_record(field):
            columns = [field.column_name, "deleted_at", "id"]
            indexes.append(Index(f"ix_{table}_{field.column_name}", *columns))
        elif field.index and not field.unique and field.name not in unsorted:
            last = [ARCHIVED] if cls.options.archivable and field.target == "User" else []
            indexes.append(_live_index(f"ix_{table}_{sorted_by}", [sorted_by, "id", *last]))
    indexes += [_mark_index(table, mark_column(f)) for f in fields.values() if f.sensitive]
    if cls.options.archivable:
        kept, archived = (
            text(f"deleted_at IS NULL AND {ARCHIVED} IS{no} NULL") for no in ("", " NOT")
        )
        indexes += [
            Index(f"ix_{table}_kept", "id", sqlite_where=kept, postgresql_where=kept),
            Index(f"ix_{table}_archived", "id", sqlite_where=archived, postgresql_where=archived),
        ]
    for names in cls.options.unique_together:
        columns = [fields[name].column_name for name in names]
        indexes.append(_live_index(f"uq_{table}_{'_'.join(names)}", columns, True))
    return indexes


def _points_at_record(field: Field) -> bool:
    """Whether it is a reference to another record, and not to a person; or to a file."""
    return (field.target is not None and field.target != "User") or field.type_name == "file"


def _mark_index(table: str, column: str) -> Index:
    """Over the marks of sensitive values: empty, and free, where no key is set."""
    marked = text(f"deleted_at IS NULL AND {column} IS NOT NULL")
    return Index(f"ix_{table}_{column}", column, sqlite_where=marked, postgresql_where=marked)


def _live_index(name: str, columns: Sequence[str], unique: bool = False) -> Index:
    live = text("deleted_at IS NULL")
    return Index(name, *columns, unique=unique, sqlite_where=live, postgresql_where=live)


__all__ = [
    "ARCHIVED",
    "DECLARED",
    "Entity",
    "Options",
    "ReviewState",
    "key_of",
    "table_name",
]
