"""The registry: every entity with its fields, as of one version; replaced as a whole.

A process keeps the version that it has built. Each request and job compares it with the number in
the database and builds the new one when an administrator has added a field or a choice.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Literal

from flask import current_app
from sqlalchemy import BigInteger, String, column, select, table, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import (  # noqa: F401  declare entities
    catalog,
    office,
    organisation,
    pool,
    privacy,
    saved_views,
)
from app.engine.adapters.database import Model, db
from app.engine.areas import area
from app.engine.choices import OptionList
from app.engine.entity import DECLARED, Entity, Options, key_of
from app.engine.errors import NotFound
from app.engine.fields import Choice, Field, Reference
from app.engine.fields.sensitive import kept_words, sought_words
from app.engine.labels import language
from app.engine.search import SearchField, SearchIndex

SCHEMA = "schema"
RIGHTS = "rights"


class Version(Model):
    """A number that every process compares with its own: raised by what it must notice."""

    __tablename__ = "steward_version"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, default=0)


# Each request asks for the numbers: named columns alone, without the ORM's detour.
_NUMBERS = table(Version.__tablename__, column("name"), column("number"))


@dataclass(frozen=True)
class EntityDefinition:
    """An entity as of one version of the registry."""

    model: type[Entity]
    fields: Mapping[str, Field]

    @property
    def options(self) -> Options:
        return self.model.options

    @property
    def name(self) -> str:
        return self.options.name

    @property
    def key(self) -> str:
        return self.options.key

    @property
    def label(self) -> Any:
        return self.options.label

    @property
    def plural(self) -> Any:
        return self.options.plural

    @property
    def area(self) -> str:
        """The key of the area that it belongs to."""
        return self.options.area

    @property
    def area_label(self) -> Any:
        return area(self.options.area).label

    @property
    def icon(self) -> str:
        return self.options.icon

    @property
    def review(self) -> bool:
        return self.options.review

    @property
    def key_field(self) -> Field | None:
        """The field that imports find records by."""
        return self.fields[self.options.key_field] if self.options.key_field else None

    @property
    def title_field(self) -> Field:
        return self.fields[self.options.title]

    @property
    def spoken_title(self) -> Field:
        """The field that names a record in the reader's language, where there is one for it."""
        return self.fields[self.options.titles.get(language(), self.options.title)]

    @cached_property
    def search_index(self) -> SearchIndex | None:
        """The search index over the fields declared `search`; None when there are none."""
        fields = [_search_field(field) for field in self.fields.values() if field.search]
        return SearchIndex(f"search_{self.key}", fields) if fields else None

    @cached_property
    def owner_field(self) -> Field | None:
        """The person whom the scope “own” means: the first declared Owner; None: the maker."""
        if self.options.owned_by_maker:
            return None
        for field in self.fields.values():
            if field.target == "User" and not field.system and not field.custom:
                return field
        return None

    @cached_property
    def references(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields.values() if field.target)

    def field(self, name: str) -> Field:
        """Raises NotFound for a name that is no field of this entity."""
        if name not in self.fields:
            from flask_babel import lazy_gettext as _

            raise NotFound(_("There is no field “%(name)s”.", name=str(name)[:80]))
        return self.fields[name]


@dataclass(frozen=True)
class Registry:
    """All entities of one version."""

    version: int
    entities: Mapping[str, EntityDefinition]
    lists: Mapping[str, OptionList]

    @cached_property
    def by_key(self) -> Mapping[str, EntityDefinition]:
        return {definition.key: definition for definition in self.entities.values()}

    @cached_property
    def incoming(self) -> Mapping[str, tuple[tuple[EntityDefinition, Reference], ...]]:
        """Which declared references point at an entity."""
        found: dict[str, list[tuple[EntityDefinition, Reference]]] = {}
        for definition in self.entities.values():
            for field in definition.references:
                if isinstance(field, Reference) and not field.custom:
                    found.setdefault(str(field.target), []).append((definition, field))
        return {name: tuple(pairs) for name, pairs in found.items()}

    def entity(self, name: str) -> EntityDefinition:
        """By name or key. Raises NotFound."""
        found = self.entities.get(name) or self.by_key.get(key_of(name))
        if found is None:
            from flask_babel import lazy_gettext as _

            raise NotFound(_("There is no entity “%(name)s”.", name=str(name)[:80]))
        return found

    def of(self, record: Entity) -> EntityDefinition:
        return self.entities[type(record).__name__]


def search_code(name: str) -> str:
    """The short code that a field's tokens carry in the search index; stable for its name.

    Short, since a record has hundreds of tokens: among fifty fields, two alike once in a thousand.
    """
    digest = zlib.crc32(name.encode()).to_bytes(4, "big")
    return base64.b32encode(digest).decode()[:4].lower()


def _search_field(field: Field) -> SearchField:
    name, code, kind = field.name, search_code(field.name), search_kind(field)
    if isinstance(field, Choice):
        return SearchField(name, code, kind, field.options.all_words)
    if kind == "sealed":
        kept, sought = partial(kept_words, field), partial(sought_words, field)
        return SearchField(name, code, kind, kept=kept, sought=sought)
    return SearchField(name, code, kind)


def search_kind(
    field: Field,
) -> Literal["text", "code", "long_text", "choice", "sealed", "contents"]:
    """How the search index takes the field apart."""
    if field.type_name == "file":
        return "contents"
    if field.hidden_text:
        return "sealed"
    if isinstance(field, Choice):
        return "choice"
    if getattr(field, "code", False):
        return "code"
    return "long_text" if field.type_name == "long_text" else "text"


def build(version: int, custom_rows: Any, option_rows: Any) -> Registry:
    """A registry of the declared entities, the administrators' fields and lists."""
    lists = catalog.build_lists(option_rows)
    added: dict[str, list[Field]] = {}
    for row in custom_rows:
        added.setdefault(row.entity, []).append(catalog.build_field(row))
    entities = {}
    for name, model in DECLARED.items():
        fields = {field.name: field.bind(lists) for field in model.declared.values()}
        for field in added.get(name, ()):
            fields.setdefault(field.name, field)
        entities[name] = EntityDefinition(model, MappingProxyType(fields))
    return Registry(version, MappingProxyType(entities), MappingProxyType(lists))


def load(session: Session, version: int) -> Registry:
    """Build the registry from the database. `session` must see everything."""
    option: Any = catalog.ChoiceOption
    custom: Any = catalog.CustomField
    option_rows = session.scalars(
        select(option)
        .where(option.deleted_at.is_(None))
        .order_by(option.list_name, option.position, option.id)
    )
    custom_rows = session.scalars(
        select(custom).where(custom.deleted_at.is_(None)).order_by(custom.position, custom.id)
    )
    return build(version, custom_rows.all(), option_rows.all())


def current() -> Registry:
    """This process's registry. Raises KeyError before `refresh` was first called."""
    registry: Registry = current_app.extensions["steward.registry"]
    return registry


def versions() -> dict[str, int]:
    """The numbers in the database, one query."""
    rows = db.session.connection().execute(select(_NUMBERS.c.name, _NUMBERS.c.number))
    return {row.name: row.number for row in rows}


def refresh(numbers: Mapping[str, int] | None = None) -> Registry:
    """Make this process's registry that of the database; cheap when it is already."""
    from app.engine.policy import unrestricted

    wanted = (numbers if numbers is not None else versions()).get(SCHEMA, 0)
    present: Registry | None = current_app.extensions.get("steward.registry")
    if present is None or present.version != wanted:
        with unrestricted("the registry belongs to no one person") as session:
            present = load(session, wanted)
        current_app.extensions["steward.registry"] = present
    return present


def raise_version(session: Session, name: str) -> None:
    """Let every process notice, once the session's transaction commits."""
    touched = session.execute(
        update(Version).where(Version.name == name).values(number=Version.number + 1)
    )
    if not getattr(touched, "rowcount", 0):
        session.add(Version(name=name, number=1))
        session.flush()
