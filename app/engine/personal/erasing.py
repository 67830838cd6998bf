"""Erasing what is held on a person: everywhere at once, except what is held, and with a proof.

What lies beside the records goes first and the records last, so that a run that dies finds in them
what to look for when it is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.engine import audit, policy, registry
from app.engine.adapters.database import forget_freed, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.changes import Change, Changes, change_set
from app.engine.changes.erasing import (
    clean_changes_of_gone,
    erase_fields,
    load_erased,
    replace_in_record,
)
from app.engine.errors import NotFound
from app.engine.holds import holds_on
from app.engine.messages import freeze
from app.engine.personal.files import StoredFile, files_with
from app.engine.personal.finding import (
    BELONGS,
    ITSELF,
    LIKE,
    MERGED,
    Held,
    Person,
    person,
)
from app.engine.personal.models import Erasure
from app.engine.personal.sweep import sweep
from app.engine.personal.terms import Finder, Terms, fields_about, is_closed, is_person
from app.engine.privacy import PersonalDataRequest, RequestState
from app.engine.registry import EntityDefinition

EMPTIED = (ITSELF, MERGED, BELONGS)
"""Of these every field about the person is emptied; from the others only their words are taken."""

Hold = Callable[[Session], None]
Done = Callable[[Session, int], None]


@dataclass(frozen=True)
class Order:
    """What is asked for: the person's record, and of the records that look like it those to erase."""

    entity: str
    record_id: int
    chosen: tuple[str, ...] = ()
    request_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "record": self.record_id,
            "chosen": list(self.chosen),
            "request": self.request_id,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Order:
        return cls(given["entity"], given["record"], tuple(given["chosen"]), given["request"])


@dataclass
class Plan:
    """What would be erased, and what is kept and why."""

    whole: list[Held] = field(default_factory=list)
    words: list[Held] = field(default_factory=list)
    kept: list[Held] = field(default_factory=list)
    offered: list[Held] = field(default_factory=list)
    """Records that only look like the person's: erased where somebody says that they are."""


def plan(found: Person, chosen: Collection[str] = ()) -> Plan:
    """Sort what was found by what becomes of it."""
    made = Plan()
    own_held = any(one.holds for one in found.those(ITSELF))
    for one in found.held:
        if one.holds or (own_held and one.how in EMPTIED):
            made.kept.append(one)
        elif one.how == LIKE and one.key not in chosen:
            made.offered.append(one)
        elif one.how in EMPTIED or (one.how == LIKE and is_person(one.definition, one.record)):
            made.whole.append(one)
        else:
            made.words.append(one)
    return made


def erase(order: Order, hold: Hold | None = None, done: Done | None = None) -> int:
    """Do it; the id of the proof, which says so where all of it is held. Raises NotFound, NotAllowed.

    `hold` is called first in the transaction, so that a run that was taken over writes nothing;
    `done` at its end with the proof, so that it is known to be done.
    """
    viewer = policy.current_viewer()
    viewer.require(policy.PERSONAL_DATA, "delete")
    definition = registry.current().entity(order.entity)
    with policy.unrestricted("all that is held on a person is erased") as session:
        found = person(session, definition, order.record_id, thorough=True)
        made = plan(found, order.chosen)
        if any(one.how == ITSELF for one in made.kept):
            return _refused(order, made, hold, done)
        entities = frozenset(one.definition.name for one in (*made.whole, *made.words))
        files = files_with(session, Finder(found.terms.all), entities)
        gone = _ids_of_gone(session, found.terms)
    beside = _beside(found.terms, files)
    with policy.entrusted("the right to erase was asked for; holds were asked for each record"):
        proof_id = _erase_records(order, made, found.terms, gone, beside, files, hold, done)
    sweep(found.terms)  # what was written meanwhile
    return proof_id


def compact() -> bool:
    """Let what was erased vanish from the database's files too, see `forget_freed`."""
    indexes = (one.search_index for one in registry.current().entities.values())
    return forget_freed(index.table_name for index in indexes if index is not None)


def _beside(terms: Terms, files: Sequence[StoredFile]) -> dict[str, int]:
    for file in files:
        if file.forget is not None:
            with write_transaction() as session:
                file.forget(session)
        store().remove(file.path)
    return sweep(terms)


def _ids_of_gone(session: Session, terms: Terms) -> list[int]:
    """Changes with the person's words in them; those of records that stand are dealt with as records."""
    finder = Finder((*terms.sure, *terms.plain_names))
    if not finder:
        return []
    clause = or_(finder.clause(Change.before), finder.clause(Change.after))
    if not is_closed(Change.before):
        return list(session.scalars(select(Change.id).where(clause)))
    rows = session.execute(select(Change.id, Change.before, Change.after).where(clause))
    return [i for i, *values in rows if any(map(finder.holds, values))]


def _erase_records(
    order: Order,
    made: Plan,
    terms: Terms,
    gone: Sequence[int],
    beside: Mapping[str, int],
    files: Sequence[StoredFile],
    hold: Hold | None,
    done: Done | None,
) -> int:
    """Records, history and proof in one transaction."""
    lines: list[dict[str, Any]] = []
    with change_set("erasure", "PIPL") as changes:
        if hold is not None:
            hold(changes.session)
        for one in sorted((*made.whole, *made.words), key=lambda held: held.key):
            lines += _erase_one(changes, one, terms, whole=one in made.whole)
        old = _clean_gone(changes, gone, terms)
        lines += [{"what": "history", "count": old}] if old else []
        lines += [{"what": "column", "name": name, "count": n} for name, n in beside.items()]
        lines += [{"what": "file", "kind": freeze(file.what)} for file in files]
        changes.journal.open()
        _answer(changes, order)
        return _note(changes.session, order, lines, made.kept, changes.id, done)


def _erase_one(changes: Changes, one: Held, terms: Terms, whole: bool) -> list[dict[str, Any]]:
    record = load_erased(changes, one.definition, one.record.id)
    if record is None or holds_on(changes.session, one.definition.name, record.id):
        return []
    fields = list(one.fields) if one.how != LIKE else fields_about(one.definition, whole)
    words = Finder(terms.all)
    if whole:
        count = erase_fields(changes, one.definition, record, fields)
    else:
        count = replace_in_record(changes, one.definition, record, words.clean)
        if not count:
            return []
    return [
        {
            "what": "record",
            "entity": one.definition.name,
            "record": one.record.id,
            "how": one.how,
            "fields": [f.name for f in fields],
            "count": count,
        }
    ]


def _clean_gone(changes: Changes, ids: Sequence[int], terms: Terms) -> int:
    words = Finder((*terms.sure, *terms.plain_names))
    done = 0
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        found = changes.session.scalars(select(Change.entity).where(Change.id.in_(part)).distinct())
        for name in found.all():
            definition = registry.current().entities.get(name)
            if definition is not None:
                of_entity = _of_entity(changes.session, part, definition)
                done += clean_changes_of_gone(changes, definition, of_entity, words.clean)
    return done


def _of_entity(session: Session, ids: Sequence[int], definition: EntityDefinition) -> list[int]:
    statement = select(Change.id).where(Change.id.in_(ids), Change.entity == definition.name)
    return list(session.scalars(statement))


# -- proof -----------------------------------------------------------------------------------


def _refused(order: Order, made: Plan, hold: Hold | None, done: Done | None) -> int:
    """The proof that nothing could be erased, and why."""
    with write_transaction() as session:
        if hold is not None:
            hold(session)
        return _note(session, order, [], made.kept, None, done)


def _note(
    session: Session,
    order: Order,
    lines: list[dict[str, Any]],
    kept: Sequence[Held],
    change_set_id: int | None,
    done: Done | None,
) -> int:
    viewer = policy.current_viewer()
    proof = Erasure(
        at=now(),
        by_id=viewer.user_id,
        by_name=viewer.name,
        entity=order.entity,
        record_id=order.record_id,
        request_id=order.request_id,
        change_set_id=change_set_id,
        erased=lines,
        kept=[_kept(one) for one in kept],
    )
    session.add(proof)
    session.flush()
    audit.record(
        "personal.erased",
        entity=order.entity,
        record_id=order.record_id,
        details={"proof": proof.id, "kept": len(kept)},
    )
    if done is not None:
        done(session, proof.id)
    return proof.id


def _answer(changes: Changes, order: Order) -> None:
    """The request that asked for it is done."""
    if order.request_id is None:
        return
    definition = registry.current().entity(PersonalDataRequest.__name__)
    record = load_erased(changes, definition, order.request_id)
    about = record is not None and (record.entity, record.record)
    if about == (order.entity, order.record_id) and record.deleted_at is None:
        words = str(gettext("Erased; see the proof of erasure."))
        values = {"state": RequestState.DONE.value, "done": record.done or words}
        changes.update(definition, record.id, values)


def _kept(one: Held) -> dict[str, Any]:
    reasons = [freeze(hold.why) for hold in one.holds]
    days = [hold.until for hold in one.holds if hold.until is not None]
    until = max(days) if days and len(days) == len(one.holds) else None
    return {
        "entity": one.definition.name,
        "record": one.record.id,
        "how": one.how,
        "why": reasons or [freeze(_("It belongs to a record that is kept."))],
        "until": until.isoformat() if until else None,
    }


def proof_of(session: Session, proof_id: int) -> Erasure:
    """Raises NotFound."""
    found: Erasure | None = session.get(Erasure, proof_id)
    if found is None:
        raise NotFound
    return found
