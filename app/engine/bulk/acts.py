"""What can be done to many records, each as what it does to a batch inside a change set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.bulk.selection import Selection
from app.engine.bulk.tally import Tally
from app.engine.changes import Changes
from app.engine.changes.many import (
    archive_many,
    changed_after,
    load_many,
    permitted,
    restore_many,
    trash_many,
)
from app.engine.errors import NotAllowed, NotFound, StewardError
from app.engine.fields import Field, File, Serial
from app.engine.registry import EntityDefinition

BATCH = 500
"""Records in one transaction: so few that whoever saves meanwhile on SQLite waits a moment only."""

Values = Mapping[str, Any]


class Act:
    """Something to be done to many records of an entity."""

    name: str = ""
    icon: str = "checks"
    danger: bool = False
    right: str = "update"
    trash: bool = False
    asks: bool = False
    """Whether the person is asked for more first."""

    def __init__(self, definition: EntityDefinition, values: Values | None = None) -> None:
        self.definition = definition
        self.values = values or {}

    @property
    def label(self) -> Any:
        """What its button is called."""
        raise NotImplementedError

    def title(self) -> Any:
        """What a job of it is called; kept, and put into words for each reader."""
        return self.label

    def offered(self, viewer: policy.Viewer) -> bool:
        """Whether the viewer may do this to any records at all."""
        return viewer.can(self.definition.name, self.right)

    # -- doing ----------------------------------------------------------------------------

    def batches(self, selection: Selection, after: int = 0) -> Iterator[Sequence[Any]]:
        """What is to be done, a transaction's worth at a time, behind the mark that `mark` gave."""
        ids = selection.all_ids(after)
        for start in range(0, len(ids), BATCH):
            yield list(ids[start : start + BATCH])

    def mark(self, batch: Sequence[Any]) -> int:
        """Where to go on after this batch."""
        return int(batch[-1])

    def take(self, changes: Changes, ids: Sequence[Any], since: int | None) -> Tally:
        """Do it to these records; those that others changed after `since` are left alone."""
        tally, definition = Tally(), self.definition
        touched = changed_after(changes, definition, ids, since) if since is not None else set()
        fresh = [record_id for record_id in ids if record_id not in touched]
        may = permitted(changes, definition, fresh, self.right, self.trash)
        records = [
            record
            for record in load_many(changes, definition, fresh, self.trash)
            if (record.deleted_at is not None) == self.trash
        ]
        tally.skipped += len(ids) - len(records)
        for record in records:
            if record.id not in may:
                tally.refuse(definition, record, _outside())
        self.write(changes, [record for record in records if record.id in may], tally)
        return tally

    def write(self, changes: Changes, records: Sequence[Any], tally: Tally) -> None:
        """Do it to records on which the viewer may act so."""
        self.together(changes, records, lambda some: self.put(changes, some), tally)

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        """Write all of them, or raise StewardError."""
        raise NotImplementedError

    def together(
        self,
        changes: Changes,
        items: Sequence[Any],
        put: Callable[[Sequence[Any]], None],
        tally: Tally,
        record_of: Callable[[Any], Any] = lambda item: item,
    ) -> None:
        """All at once; when one of them spoils it, each by itself."""
        if not items:
            return
        try:
            with changes.attempt():
                put(items)
        except StewardError as error:
            if len(items) == 1:
                tally.refuse(self.definition, record_of(items[0]), error)
                return
            for item in items:
                self.together(changes, [item], put, tally, record_of)
        else:
            tally.changed += len(items)


def _outside() -> NotAllowed:
    return NotAllowed(_("This record lies outside what your roles let you change."))


class Trash(Act):
    """To the trash, with what belongs to each alone."""

    name, icon, danger, right = "trash", "trash", True, "delete"

    @property
    def label(self) -> Any:
        return _("Delete")

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        trash_many(changes, self.definition, records)


class Restore(Act):
    """Out of the trash."""

    name, icon, right, trash = "restore", "restore", "delete", True

    @property
    def label(self) -> Any:
        return _("Restore")

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        restore_many(changes, self.definition, records)


class Archive(Act):
    """Put aside: left out of lists until somebody asks for them."""

    name, icon = "archive", "archive"
    archived = True

    @property
    def label(self) -> Any:
        return _("Archive")

    def offered(self, viewer: policy.Viewer) -> bool:
        return self.definition.options.archivable and super().offered(viewer)

    def write(self, changes: Changes, records: Sequence[Any], tally: Tally) -> None:
        wanted = [one for one in records if (one.archived_at is not None) != self.archived]
        tally.unchanged += len(records) - len(wanted)
        super().write(changes, wanted, tally)

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        archive_many(changes, self.definition, records, self.archived)


class Unarchive(Archive):
    """Back among the others."""

    name, icon = "unarchive", "archive-off"
    archived = False

    @property
    def label(self) -> Any:
        return _("Take out of the archive")


class Approve(Act):
    """Let drafts count."""

    name, right = "approve", "approve"

    @property
    def label(self) -> Any:
        return _("Approve")

    def offered(self, viewer: policy.Viewer) -> bool:
        return self.definition.review and super().offered(viewer)

    def write(self, changes: Changes, records: Sequence[Any], tally: Tally) -> None:
        drafts = [record for record in records if record.review_state == "draft"]
        tally.unchanged += len(records) - len(drafts)
        for record in drafts:
            self.together(changes, [record], lambda some: self.put(changes, some), tally)

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        for record in records:
            changes.approve(self.definition, record.id)


class Declared(Act):
    """An action that the entity declares."""

    def __init__(self, definition: EntityDefinition, action: Any) -> None:
        super().__init__(definition)
        self.action = action
        self.name = f"do:{action.name}"
        self.icon = action.icon
        self.right = action.right

    @property
    def label(self) -> Any:
        return self.action.label

    def offered(self, viewer: policy.Viewer) -> bool:
        """How many it was done to tells the fields that it hangs on."""
        return super().offered(viewer) and policy.sees(self.definition, self.action.tells, viewer)

    def write(self, changes: Changes, records: Sequence[Any], tally: Tally) -> None:
        wanted = [record for record in records if self.action.offered(record)]
        tally.unchanged += len(records) - len(wanted)
        for record in wanted:
            self.together(changes, [record], lambda some: self.put(changes, some), tally)

    def put(self, changes: Changes, records: Sequence[Any]) -> None:
        for record in records:
            self.action.run(changes, record, {})


def editable(definition: EntityDefinition) -> list[Field]:
    """The fields that the viewer may give the same value in many records."""
    return [
        field
        for field in policy.writable(definition)
        if field.in_form and not field.unique and not isinstance(field, (File, Serial))
    ]


def every(definition: EntityDefinition, values: Values | None = None) -> dict[str, Act]:
    """Each act by its name, whoever may do it, in the order of the buttons."""
    from app.engine.bulk.duplicates import Merge, MergeDuplicates
    from app.engine.bulk.edit import Assign, Edit, Tag

    kinds: list[type[Act]] = [Approve, Edit, Assign, Tag, Archive, Unarchive]
    found = [kind(definition, values) for kind in kinds]
    found += [Declared(definition, action) for action in definition.model.actions]
    found += [kind(definition, values) for kind in (Merge, MergeDuplicates, Trash, Restore)]
    return {act.name: act for act in found}


def offered(definition: EntityDefinition) -> list[Act]:
    """What this viewer may do to rows of a list."""
    viewer = policy.current_viewer()
    return [act for act in every(definition).values() if not act.trash and act.offered(viewer)]


def act_of(definition: EntityDefinition, name: str, values: Values | None = None) -> Act:
    """The act of that name. Raises NotFound, NotAllowed."""
    act = every(definition, values).get(name)
    if act is None:
        raise NotFound(_("There is no such action."))
    if not act.offered(policy.current_viewer()):
        raise NotAllowed
    return act
