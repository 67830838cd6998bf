"""What is held on one person: their record, what belongs to it or names it, and what looks like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.engine import registry
from app.engine.changes import Change, ChangeSet
from app.engine.changes import models as kinds
from app.engine.errors import NotFound
from app.engine.fields import Field, Reference
from app.engine.holds import Hold, holds_on
from app.engine.personal.terms import Finder, Terms, fields_about, is_person, terms_of
from app.engine.query.labels import titles
from app.engine.registry import EntityDefinition

ITSELF, MERGED, BELONGS, NAMES, LIKE, MENTION = (
    "itself", "merged", "belongs", "names", "like", "mention",
)  # fmt: skip

HOW = {
    ITSELF: _("the person's own record"),
    MERGED: _("merged into it"),
    BELONGS: _("belongs to it"),
    NAMES: _("refers to it"),
    LIKE: _("the same number, address or name"),
    MENTION: _("mentions the person"),
}

MOST = 500
"""So many records of an entity are looked at."""

_NEAR = 50


@dataclass(frozen=True)
class Held:
    """A record that tells of the person."""

    definition: EntityDefinition
    record: Any
    how: str
    fields: Sequence[Field] = ()
    """Those with something of the person in them."""
    holds: Sequence[Hold] = ()

    @property
    def key(self) -> str:
        return f"{self.definition.name}:{self.record.id}"

    @property
    def title(self) -> str:
        title = self.definition.title_field
        if title.target is not None:
            return f"#{self.record.id}"
        return title.text(title.get(self.record)) or f"#{self.record.id}"

    @property
    def trashed(self) -> bool:
        return self.record.deleted_at is not None

    def values(self) -> list[tuple[Field, Any]]:
        """What it says of the person."""
        return [(f, f.get(self.record)) for f in self.fields if f.get(self.record) is not None]


@dataclass
class Person:
    """All that is held on one person, as records."""

    definition: EntityDefinition
    record_id: int
    terms: Terms
    held: list[Held] = field(default_factory=list)

    def those(self, *how: str) -> list[Held]:
        return [one for one in self.held if one.how in how]


def person(
    session: Session, definition: EntityDefinition, record_id: int, thorough: bool = False
) -> Person:
    """Look for everything. Raises NotFound for a record that is there no more or about no person.

    `session` sees everything. `thorough`: every text of every record is read, which takes long.
    """
    if not definition.options.about_person:
        raise NotFound
    own = _by_ids(session, definition, [record_id])
    if not own or not is_person(definition, own[0]):
        raise NotFound
    merged = _by_ids(session, definition, _merged_into(session, definition, record_id))
    about = fields_about(definition, whole=True)
    states = [
        values
        for record in (*own, *merged)
        for values in (
            {f.name: f.get(record) for f in about},
            *_earlier(session, definition, record.id),
        )
    ]
    found = Person(definition, record_id, terms_of(definition, states))
    seen: set[str] = set()

    def add(one: EntityDefinition, records: Sequence[Any], how: str, of: Sequence[Field]) -> None:
        for record in records:
            key = f"{one.name}:{record.id}"
            if key not in seen:
                seen.add(key)
                held_by = holds_on(session, one.name, record.id)
                found.held.append(Held(one, record, how, of, held_by))

    add(definition, own, ITSELF, about)
    add(definition, merged, MERGED, about)
    ids = [record.id for record in (*own, *merged)]
    for child, how, records in _pointing(session, definition, ids):
        add(child, records, how, _told(child, how))
    for other in registry.current().entities.values():
        for record, how, fields in _alike(session, other, found.terms, thorough):
            add(other, [record], how, fields)
    return found


def _told(child: EntityDefinition, how: str) -> list[Field]:
    """What a record that refers to the person says of them: personal fields, and all its texts if
    it belongs to them alone.
    """
    if how == NAMES:
        return fields_about(child)
    return [
        f
        for f in child.fields.values()
        if not f.system
        and f.target is None
        and (f.personal or f.type_name in ("text", "long_text", "url", "tags"))
    ]


def _by_ids(session: Session, definition: EntityDefinition, ids: Sequence[int]) -> list[Any]:
    model: Any = definition.model
    if not ids:
        return []
    return list(session.scalars(select(model).where(model.id.in_(ids)).order_by(model.id)))


def _merged_into(session: Session, definition: EntityDefinition, record_id: int) -> list[int]:
    """Records that were merged into this one: what they said was of the same person."""
    into = Change.after["merged_into"].as_integer()
    statement = select(Change.record_id).where(
        Change.entity == definition.name, Change.kind == kinds.TRASH, into == record_id
    )
    return list(dict.fromkeys(session.scalars(statement)))


def _earlier(
    session: Session, definition: EntityDefinition, record_id: int
) -> Iterator[dict[str, Any]]:
    """Values that the record once had."""
    statement = select(Change.before, Change.after).where(
        Change.entity == definition.name, Change.record_id == record_id
    )
    for before, after in session.execute(statement):
        yield from (dict(part) for part in (before, after) if part)


def _pointing(
    session: Session, definition: EntityDefinition, ids: Sequence[int]
) -> Iterator[tuple[EntityDefinition, str, list[Any]]]:
    """Records whose reference is the person, and those that name them by entity and number."""
    for child in registry.current().entities.values():
        model: Any = child.model
        for item in child.references:
            if item.target == definition.name and not item.system:
                own = isinstance(item, Reference) and item.on_delete == "cascade"
                statement = select(model).where(item.expression(model).in_(ids)).limit(MOST)
                yield child, BELONGS if own else NAMES, list(session.scalars(statement))
        if {"entity", "record"} <= child.model.declared.keys():
            statement = select(model).where(model.entity == definition.name, model.record.in_(ids))
            yield child, NAMES, list(session.scalars(statement.limit(MOST)))


# -- near matches and mentions -----------------------------------------------------------------


def _alike(
    session: Session, other: EntityDefinition, terms: Terms, thorough: bool
) -> Iterator[tuple[Any, str, list[Field]]]:
    """Records that have one of the words as a value, or somewhere in a text."""
    sure, every = Finder(terms.sure), Finder(terms.all)
    for record in _candidates(session, other, terms, thorough):
        values = {f: f.get(record) for f in other.fields.values() if f.target is None}
        named = is_person(other, record)
        equal = [f for f, value in values.items() if _is(f, value, other, terms, named)]
        if equal:
            yield record, LIKE, equal
            continue
        said = [f for f, value in values.items() if not f.system and sure.holds(_plain(value))]
        if said:
            yield (
                record,
                MENTION,
                [f for f in values if not f.system and every.holds(_plain(values[f]))],
            )


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, list)) else None


def _is(field: Field, value: Any, other: EntityDefinition, terms: Terms, named: bool) -> bool:
    if not isinstance(value, str):
        return False
    if field.personal and value.lower() in {word.lower() for word in terms.sure}:
        return True
    titled = field is other.title_field and named
    return titled and value.strip() in terms.names


def _candidates(
    session: Session, other: EntityDefinition, terms: Terms, thorough: bool
) -> list[Any]:
    model: Any = other.model
    found: dict[int, Any] = {}
    index = other.search_index
    words = terms.all if other.options.about_person else terms.sure
    for word in words if index is not None else ():
        assert index is not None
        condition = index.condition(word, list(index.fields), model.id)
        if condition is not None:
            statement = select(model).where(condition).order_by(model.id.desc()).limit(_NEAR)
            found |= {record.id: record for record in session.scalars(statement)}
    if thorough and terms.sure:
        finder = Finder(terms.sure)
        texts = [
            f.expression(model)
            for f in other.fields.values()
            if f.target is None and f.type_name in ("text", "long_text", "email", "phone", "url")
            and not f.custom and not f.system and not f.hidden_text
        ]  # fmt: skip
        closed = [f for f in other.fields.values() if f.hidden_text and f.type_name != "date"]
        clause = or_(
            *(finder.clause(text) for text in (*texts, model.custom)),
            *(f.looked_up(model).in_(f.lookups(terms.sure)) for f in closed),
        )
        found |= {record.id: record for record in session.scalars(select(model).where(clause))}
    return [found[key] for key in sorted(found)]


def history_of(session: Session, held: Held) -> list[dict[str, Any]]:
    """The changes of a record: when, by whom, what was before and after in fields about the person."""
    names = {f.name: f for f in held.fields}
    statement = (
        select(Change, ChangeSet.at, ChangeSet.user_name)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(Change.entity == held.definition.name, Change.record_id == held.record.id)
        .order_by(Change.id)
    )
    return [
        {"at": at, "who": who, "field": item, "before": before, "after": after}
        for change, at, who in session.execute(statement)
        for name, item in names.items()
        for before, after in [((change.before or {}).get(name), (change.after or {}).get(name))]
        if before is not None or after is not None
    ]


def label_of(held: Held) -> str:
    """What the record is called, where its title is a reference its number."""
    title = held.definition.title_field
    if title.target is not None and title.get(held.record) is not None:
        value = title.get(held.record)
        return titles(str(title.target), [value]).get(value) or f"#{held.record.id}"
    return held.title
