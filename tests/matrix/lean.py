"""The full matrix without asking the same thing twice: who is asked about what, and how closely.

Every persona stands before every door of every entity at least once. What is asked there beyond that
follows from three rules, so that nothing is left out whose answer could come by another way:

- *Closely or shortly.* Over one entity two personas may have the same row rights (grants for every
  action on it, on what it belongs to, and reading of what it refers to) and the same field rights (the
  access to each field). A pair of persona and entity is asked closely, in both worlds, where its row
  rights or its field rights come for the first time over this entity; else shortly: in one world, of one
  row and one field at each door, a row out of reach and a field unseen where there are any; each
  fourth door in turn to its end, and at the others the first two questions.
- *Fields.* Asked closely, those fields are guessed at whose sort comes for the first time: a sort is
  whether all rows are read, some or none, the access to the field, its type, and whether it is personal,
  unique, searched, required, custom, a refining choice or a column of the list. And always one that is
  not seen, another at each door, so that over entities and personas each comes.
- *Rows.* Asked closely, of the rows on which the persona may do the same one is asked about, in turn;
  always one of one's own, and one of somebody else's.

Of alternatives that no rights distinguish (formats of a file, acts of bulk work) one comes in turn.
Doors that know of no entity are asked once for each persona.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.engine import policy, registry
from app.engine.registry import EntityDefinition
from tests.matrix.personas import ACTIONS, Persona, grants_of

Rights = tuple[Any, ...]
ASKED_FOR = (*ACTIONS, "take", "unmask")


@dataclass(frozen=True)
class Depth:
    """How a persona is asked about an entity."""

    closely: bool
    fields: frozenset[str] = frozenset()
    """Fields that nobody before has been asked about in this way."""


SHORTLY = Depth(closely=False)


WHOLLY, FIRST = 4, 2
"""Shortly, each fourth door is gone through to its end, and at the others two things are asked."""


def left_to_ask(depth: Depth | None, turn: int) -> int | None:
    """How much is asked at most at a door whose turn this is; None: everything."""
    if depth is None or depth.closely or turn % WHOLLY == 0:
        return None
    return FIRST


def depths(personas: Iterable[Persona]) -> dict[tuple[str, str], Depth]:
    """Name of the persona and of the entity → how closely it is asked."""
    pairs = [(p, d) for p in personas for d in registry.current().entities.values()]
    close = _asked_closely(pairs)
    found, sorts = {}, set()
    for persona, definition in pairs:
        fields = set()
        if (persona.name, definition.name) in close:
            for item in definition.fields.values():
                sort = sort_of(persona, definition, item)
                if not item.system and sort not in sorts:
                    sorts.add(sort)
                    fields.add(item.name)
            found[persona.name, definition.name] = Depth(True, frozenset(fields))
        else:
            found[persona.name, definition.name] = SHORTLY
    return found


def _asked_closely(pairs: list[tuple[Persona, EntityDefinition]]) -> set[tuple[str, str]]:
    """First the pairs that bring new rights of both kinds, then those that bring some of one."""
    close, seen = set(), set()
    for wanted in (2, 1):
        for persona, definition in pairs:
            rights = {
                (definition.name, "rows", row_rights(persona, definition)),
                (definition.name, "fields", field_rights(persona, definition)),
            }
            if len(rights - seen) >= wanted:
                seen |= rights
                close.add((persona.name, definition.name))
    return close


def row_rights(persona: Persona, definition: EntityDefinition) -> Rights:
    """All that decides which rows of the entity are seen and written."""
    rights: list[Any] = [persona.signed_in]
    if not any(grants_of(persona, definition.name, action) for action in ASKED_FOR):
        return (*rights, "none at all")
    above: EntityDefinition | None = definition
    while above is not None:
        name = above.name
        rights += [grants_of(persona, name, action) for action in ASKED_FOR]
        rights += sorted(place for place in persona.shared if place[0] == name)
        through = above.options.scope_through
        above = None if through is None else _target(above.fields[through])
    for item in definition.references:
        if item.target != policy.USERS:
            rights.append((item.name, grants_of(persona, str(item.target), "read")))
    return tuple(rights)


def _target(item: Any) -> EntityDefinition:
    return registry.current().entity(str(item.target))


def field_rights(persona: Persona, definition: EntityDefinition) -> Rights:
    """The access to each field."""
    return tuple((name, persona.access(definition.name, name)) for name in definition.fields)


def _how_many(persona: Persona, definition: EntityDefinition) -> str:
    """Whether all rows of the entity are read, some or none."""
    found = grants_of(persona, definition.name, "read")
    if ("all", ()) in found:
        return "all"
    return "some" if found or persona.shared else "none"


def sort_of(persona: Persona, definition: EntityDefinition, item: Any) -> Rights:
    """What two fields have in common that are guessed at in the same way."""
    return (
        _how_many(persona, definition),
        persona.access(definition.name, item.name),
        item.type_name,
        bool(item.target),
        item.personal,
        item.unique,
        bool(item.search),
        item.required,
        item.custom,
        item.in_list,
        getattr(item, "parent", None) is not None,
        bool(getattr(item, "moves", ())),
    )
