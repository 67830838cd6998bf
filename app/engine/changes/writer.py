"""The only write path: records made, changed, approved, trashed, restored, purged in a change set."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Table, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.engine import events, policy
from app.engine.adapters.database import now
from app.engine.changes import models as kinds
from app.engine.changes.checking import Checker, Prepared, current_values, dumped
from app.engine.changes.conflicts import unique_problem
from app.engine.changes.guarding import WHY, locked, refuse_removal
from app.engine.changes.journal import Journal
from app.engine.changes.series import give_numbers
from app.engine.changes.worked_out import take_turn
from app.engine.entity import ReviewState
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StaleRecord
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.holds import holds_on
from app.engine.registry import EntityDefinition, current


class Changes:
    """An open change set; made by `change_set()`."""

    def __init__(self, session: Session, viewer: policy.Viewer, journal: Journal) -> None:
        self.session = session
        self.viewer = viewer
        self.journal = journal
        self.checker = Checker(session, viewer, self)

    @property
    def id(self) -> int | None:
        """The change set's id; None while nothing has been written."""
        return self.journal.id

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """What fails inside is taken back alone, wholly, as if it had not been tried."""
        counts, set_id = Counter(self.journal.counts), self.journal.id
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            self.journal.counts, self.journal.id = counts, set_id
            raise

    # -- one record -----------------------------------------------------------------------

    def create(
        self, definition: EntityDefinition, values: Mapping[str, Any], approved: bool = False
    ) -> Any:
        """Make a record; gives it back. Raises InvalidInput, NotAllowed.

        `approved`: at once, for those with the right to approve; else a draft where the entity
        is reviewed.
        """
        self.viewer.require(definition.name, "create")
        prepared = self.checker.new(definition, values)
        record = definition.model()
        self._stamp_new(definition, record, approved)
        give_numbers(self.session, definition, [prepared.values])
        for name, value in prepared.values.items():
            if value is not None:
                definition.fields[name].set(record, value)
        self.session.add(record)
        self._flush(definition)
        self._inside_scope(definition, record, "create")
        self._journal_new(definition, [(record.id, prepared.values)])
        self._react(definition, "created", record)
        return record

    def update(
        self,
        definition: EntityDefinition,
        record_id: int,
        values: Mapping[str, Any],
        version: int | None = None,
    ) -> Any:
        """Change fields of a record; gives it back. Raises InvalidInput, NotFound, StaleRecord.

        `version`: that of the record the values were typed over; None skips the comparison.
        """
        record = self.load(definition, record_id, "update")
        if version is not None and record.version != version:
            raise StaleRecord(record, dict(values))
        prepared = self.checker.update(definition, record, values)
        return self.write(prepared, record)

    def write(
        self, prepared: Prepared, record: Any, kind: str = kinds.UPDATE, event: str = "updated"
    ) -> Any:
        """Store a checked update; nothing is written when nothing differs.

        `event`: what others are told of it.
        """
        if not prepared.changed:
            return record
        definition = prepared.definition
        for name in prepared.changed:
            definition.fields[name].set(record, prepared.values[name])
        self._stamp(record)
        self._flush(definition, record)
        before = dumped(definition, prepared.before, prepared.changed)
        after = dumped(definition, prepared.values, prepared.changed)
        self.journal.record(
            definition, kind, [{"record_id": record.id, "before": before, "after": after}]
        )
        searched = any(definition.fields[name].search for name in prepared.changed)
        if searched and record.deleted_at is None:
            self.journal.index(definition, [(record.id, prepared.values)])
        self._react(definition, event, record)
        return record

    def approve(self, definition: EntityDefinition, record_id: int) -> Any:
        """Let a draft count. Approving what is approved changes nothing."""
        record = self.load(definition, record_id, "approve")
        if not definition.review:
            raise NotAllowed(_("%(entity)s needs no approval.", entity=definition.label))
        if record.review_state == ReviewState.APPROVED:
            return record
        if problems := locked(self.session, definition, record.id, ["review_state"]):
            raise InvalidInput(problems)
        before = {"review_state": record.review_state}
        self._approve_stamp(record)
        self._stamp(record)
        self._flush(definition, record)
        self.journal.record(
            definition,
            kinds.APPROVE,
            [
                {
                    "record_id": record.id,
                    "before": before,
                    "after": {"review_state": ReviewState.APPROVED.value},
                }
            ],
        )
        self._react(definition, "approved", record)
        return record

    def trash(self, definition: EntityDefinition, record_id: int) -> None:
        """Move a record, and what belongs to it alone, to the trash."""
        record = self.load(definition, record_id, "delete")
        self._set_trashed(definition, record, True)

    def restore(self, definition: EntityDefinition, record_id: int) -> Any:
        """Bring a record back from the trash. Raises InvalidInput when its code is taken."""
        record = self.load(definition, record_id, "delete", trash=True)
        if record.deleted_at is not None:
            self._set_trashed(definition, record, False)
        return record

    def purge(self, definition: EntityDefinition, record_id: int) -> None:
        """Take a record out of the trash for good. Raises InvalidInput when others point at it."""
        record = self.load(definition, record_id, "purge", trash=True)
        if record.deleted_at is None:
            raise InvalidInput.of(None, _("Only what is in the trash can be purged."))
        self._refuse_held(definition, record_id)
        refuse_removal(self.session, definition, [record_id])
        self._remove(definition, record)
        self.journal.record(
            definition, kinds.PURGE, [{"record_id": record_id, "before": None, "after": None}]
        )

    def _refuse_held(self, definition: EntityDefinition, record_id: int) -> None:
        """Raises InvalidInput while there is a reason to keep the record."""
        with policy.unrestricted(WHY, self.session.connection()) as session:
            for hold in holds_on(session, definition.name, record_id):
                raise InvalidInput.of(None, hold.refusal)

    # -- finding --------------------------------------------------------------------------

    def may(self, entity: str, record_id: int, action: str) -> bool:
        """Whether the viewer may act so on the record; of one they can't see, no."""
        try:
            self.load(current().entity(entity), record_id, action)
        except (NotFound, NotAllowed):
            return False
        return True

    def may_share(self, entity: str, record_id: int) -> bool:
        """Whether the viewer may change the record by rights of their own, so not by a share."""
        if not self.may(entity, record_id, "update"):
            return False
        definition = current().entity(entity)
        clause = policy.scope_clause(definition, self.viewer, "update", shared=False)
        model: Any = definition.model
        statement = select(model.id).where(model.id == record_id)
        if clause is not None:
            statement = statement.where(clause)
        return self.session.scalar(statement) is not None

    def load(
        self, definition: EntityDefinition, record_id: int, action: str, trash: bool = False
    ) -> Any:
        """The record as it is now, if the viewer may act so on it. Raises NotFound, NotAllowed."""
        self.viewer.require(definition.name, action)
        if not 0 < record_id <= MAX_IDENTIFIER:
            raise NotFound
        model: Any = definition.model
        statement = (
            select(model)
            .where(model.id == record_id)
            .execution_options(populate_existing=True, **{policy.WITH_TRASH: trash})
        )
        record = self.session.scalar(statement)
        if record is None:
            raise NotFound
        self._inside_scope(definition, record, action)
        return record

    def _inside_scope(self, definition: EntityDefinition, record: Any, action: str) -> None:
        clause = policy.scope_clause(definition, self.viewer, action)
        if clause is None:
            return
        model: Any = definition.model
        statement = (
            select(model.id)
            .where(model.id == record.id, clause)
            .execution_options(**{policy.WITH_TRASH: True})
        )
        if self.session.scalar(statement) is None:
            raise NotAllowed(_("This record lies outside what your roles let you change."))

    # -- parts ----------------------------------------------------------------------------

    def _stamp(self, record: Any) -> None:
        record.updated_at = now()
        record.updated_by_id = self.viewer.user_id

    def _stamp_new(self, definition: EntityDefinition, record: Any, approved: bool) -> None:
        for name, value in new_stamps(definition, self.viewer, approved).items():
            setattr(record, name, value)

    def _approve_stamp(self, record: Any) -> None:
        record.review_state = ReviewState.APPROVED.value
        record.reviewed_at = now()
        record.reviewed_by_id = self.viewer.user_id

    def _journal_new(
        self, definition: EntityDefinition, rows: list[tuple[int, dict[str, Any]]]
    ) -> None:
        self.journal.record(
            definition,
            kinds.CREATE,
            [
                {
                    "record_id": record_id,
                    "before": None,
                    "after": dumped(
                        definition, values, [n for n, v in values.items() if v is not None]
                    ),
                }
                for record_id, values in rows
            ],
        )
        self.journal.index(definition, rows)

    def _set_trashed(
        self,
        definition: EntityDefinition,
        record: Any,
        trashed: bool,
        moment: datetime.datetime | None = None,
        merged_into: int | None = None,
    ) -> None:
        """Into the trash, or out of it; `moment` is when it came there, for undoing.

        `merged_into`: the record that has taken its place. What belongs to the record goes with it, and comes back if it went with it.
        """
        before = record.deleted_at
        if not trashed:
            self._flush_restore(definition, record)
        else:
            refuse_removal(self.session, definition, [record.id])
            record.deleted_at = moment or now()
            self._stamp(record)
            self._flush(definition, record)
            self.journal.unindex(definition, [record.id])
        self.journal.record(
            definition,
            kinds.TRASH if trashed else kinds.RESTORE,
            [
                {
                    "record_id": record.id,
                    "before": trash_note(before, merged_into),
                    "after": trash_note(record.deleted_at, merged_into),
                }
            ],
        )
        together = None if trashed else before
        for child_definition, child in self._dependents(definition, record.id):
            if child.deleted_at == together:
                self._set_trashed(child_definition, child, trashed, record.deleted_at)
        self._react(definition, "trashed" if trashed else "restored", record)

    def _flush_restore(self, definition: EntityDefinition, record: Any) -> None:
        record.deleted_at = None
        self._stamp(record)
        self._flush(definition, record)
        self.journal.index(definition, [(record.id, current_values(definition, record))])

    def _dependents(
        self, definition: EntityDefinition, record_id: int
    ) -> list[tuple[EntityDefinition, Any]]:
        """Records that belong to this one alone (`on_delete="cascade"`)."""
        found = []
        for child_definition, reference in current().incoming.get(definition.name, ()):
            if reference.on_delete != "cascade":
                continue
            statement = (
                select(child_definition.model)
                .where(reference.expression(child_definition.model) == record_id)
                .execution_options(populate_existing=True, **{policy.WITH_TRASH: True})
            )
            found += [(child_definition, child) for child in self.session.scalars(statement)]
        return found

    def _remove(self, definition: EntityDefinition, record: Any) -> None:
        """Take the row away, after what belongs to it alone; refused while others point at it."""
        take_turn(self.session, definition)
        for child_definition, child in self._dependents(definition, record.id):
            if child not in self.session:
                continue  # it belonged to another one of these as well, and went with that
            refuse_removal(self.session, child_definition, [child.id])
            self._remove(child_definition, child)
        self.journal.unindex(definition, [record.id])
        table = definition.model.__table__
        assert isinstance(table, Table)
        try:
            self.session.execute(
                delete(table).where(table.c.id == record.id),
                execution_options={policy.INTERNAL: "the write path's own delete"},
            )
        except IntegrityError:
            raise InvalidInput.of(
                None,
                _(
                    "Other records still point at “%(name)s”; purge those first.",
                    name=policy.record_name(definition, record),
                ),
            ) from None
        self.session.expunge(record)

    def _flush(self, definition: EntityDefinition, record: Any = None) -> None:
        try:
            self.session.flush()
        except IntegrityError as error:
            raise unique_problem(definition, error) from error
        except StaleDataError:
            raise StaleRecord(record) from None

    def _react(self, definition: EntityDefinition, kind: str, record: Any) -> None:
        for reaction in events.reactions(definition.name, kind):
            reaction(self, record)


def trash_note(
    deleted_at: datetime.datetime | None, merged_into: int | None = None
) -> dict[str, Any]:
    """What the history keeps of a record's stay in the trash, and of who has taken its place."""
    note: dict[str, Any] = {"deleted_at": deleted_at.isoformat() if deleted_at else None}
    if deleted_at is not None and merged_into is not None:
        note["merged_into"] = merged_into
    return note


def new_stamps(
    definition: EntityDefinition, viewer: policy.Viewer, approved: bool
) -> dict[str, Any]:
    """The system columns of a record that is being made. Raises NotAllowed for `approved`."""
    moment = now()
    stamps: dict[str, Any] = {
        "created_at": moment,
        "created_by_id": viewer.user_id,
        "updated_at": moment,
        "updated_by_id": viewer.user_id,
    }
    if definition.review:
        stamps["review_state"] = ReviewState.DRAFT.value
        if approved:
            viewer.require(definition.name, "approve")
            stamps |= {
                "review_state": ReviewState.APPROVED.value,
                "reviewed_at": moment,
                "reviewed_by_id": viewer.user_id,
            }
    return stamps
