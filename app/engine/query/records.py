"""Reading records: the one way that every surface reads by, with the policy on rows and fields.

Rows come as dictionaries of field values, masked where the viewer sees no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Self

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, case, func, select

from app.engine import audit, policy
from app.engine.adapters.database import db, dialect_name
from app.engine.conditions import MOST_KEYS, Condition, Sort
from app.engine.entity import ARCHIVED, ReviewState
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields import Field
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.query import walk
from app.engine.query.keyset import Cursor, Key, Keys
from app.engine.query.labels import add_files, add_labels
from app.engine.registry import EntityDefinition
from app.engine.search import Search, WeighedSearch

COUNT_CAP = 10_000
"""Counting stops here: a page's cost must not grow with the table."""

MAX_PAGE_SIZE = 500


@dataclass
class Page:
    """One page of rows. The cursors lead to the neighbouring pages where there are any."""

    rows: list[dict[str, Any]]
    next: str | None = None
    previous: str | None = None


@dataclass
class Records:
    """A selection of an entity's records that the viewer may see; refine it, then read it."""

    definition: EntityDefinition
    viewer: policy.Viewer = dataclass_field(default_factory=policy.current_viewer)
    clauses: list[ColumnElement[bool]] = dataclass_field(default_factory=list)
    order: Sort | None = None
    searched: Search | None = None
    trash: bool = False
    _weighed: WeighedSearch | None = None
    _counted: tuple[walk.Selection, int] | None = None

    def __post_init__(self) -> None:
        self.viewer.require(self.definition.name, "read")

    @property
    def model(self) -> Any:
        return self.definition.model

    # -- refining -------------------------------------------------------------------------

    def where(self, *conditions: Condition) -> Self:
        """Only records that meet the conditions. Raises NotFound, NotAllowed, ValueProblem."""
        for condition in conditions:
            field = policy.plain_field(self.definition, condition.field, self.viewer)
            self.clauses.append(
                field.clause(field.expression(self.model), condition.operator, condition.operand)
            )
        return self

    def search(self, text: str, within: str | None = None, sounds: bool = True) -> Self:
        """Only records found by the text in fields that the viewer sees plainly.

        `within`: in this field only. Without `sounds`, not by pinyin or initials.
        """
        index = self.definition.search_index
        if not text.strip():
            return self
        if index is None:
            raise ValueProblem(
                _("%(entities)s can't be searched.", entities=self.definition.plural)
            )
        names = [f.name for f in policy.plain(self.definition, self.viewer) if f.search]
        if within is not None:
            names = [name for name in names if name == within]
        self.searched = index.search(text, names, sounds)
        return self

    def sort(self, sort: Sort) -> Self:
        """The order; without one, the entity's own. Raises NotFound, NotAllowed, ValueProblem."""
        for key in sort.keys:
            field = policy.plain_field(self.definition, key.field, self.viewer)
            if not field.sortable:
                raise ValueProblem(_("%(field)s can't be sorted by.", field=field.label))
        self.order = sort
        return self

    def approved_only(self) -> Self:
        """Without drafts: what counts in a figure."""
        if self.definition.review:
            self.clauses.append(self.model.review_state == ReviewState.APPROVED.value)
        return self

    def without_archived(self) -> Self:
        """Without those that were put aside. To be said after the other conditions."""
        if self.definition.options.archivable:
            kept = getattr(self.model, ARCHIVED).is_(None)
            # Nearly all records meet this: an index of any other condition is the better one.
            opaque = self.clauses and dialect_name() == "sqlite"
            self.clauses.append(case((kept, 1), else_=0) == 1 if opaque else kept)
        return self

    def in_trash(self) -> Self:
        """Those in the trash instead."""
        self.trash = True
        self.clauses.append(self.model.deleted_at.is_not(None))
        return self

    def pointing_at(self, reference: Field, others: Records) -> Self:
        """Only those whose reference points at one of the other selection's records."""
        inside = others.narrowed(select(others.model.id))
        self.clauses.append(reference.expression(self.model).in_(inside))
        return self

    def with_ids(self, ids: Sequence[int]) -> Self:
        self.clauses.append(self.model.id.in_(ids))
        return self

    # -- reading --------------------------------------------------------------------------

    def get(self, record_id: int, fields: Sequence[Field] | None = None) -> dict[str, Any]:
        """One record as a row. Raises NotFound."""
        if not 0 < record_id <= MAX_IDENTIFIER:
            raise NotFound
        self.clauses.append(self.model.id == record_id)
        rows = self._rows(self._select(self._fields(fields)), self._fields(fields))
        if not rows:
            raise NotFound
        return rows[0]

    def page(
        self,
        size: int,
        fields: Sequence[Field] | None = None,
        cursor: str | None = None,
        number: int = 0,
    ) -> Page:
        """A page from where the cursor points, or the page of this number (from 0)."""
        size = max(1, min(size, MAX_PAGE_SIZE))
        wanted = self._fields(fields)
        sort = self._sort()
        at = self._start(sort, cursor) if cursor else None
        if at is None and number:
            ids = walk.ids_at(self._walked(sort), self._order(sort), size + 1, number * size)
        else:
            ids = walk.ids_from(self._walked(sort), self._order(sort), at, size + 1)
        backward = at is not None and at.backward
        more = len(ids) > size
        ids = ids[:size]
        if backward:
            ids.reverse()
        rows = self._by_ids(ids, wanted, sort)
        page = Page(rows)
        if rows and (more or backward):
            page.next = self._cursor(sort, rows[-1], backward=False)
        if rows and ((more and backward) or (at is not None and not backward) or number > 0):
            page.previous = self._cursor(sort, rows[0], backward=True)
        _unmark(rows)
        return page

    def count(self) -> tuple[int, bool]:
        """How many, and whether that is exact: counting stops at COUNT_CAP."""
        selection = self._selection()
        if self._counted is None or self._counted[0] != selection:
            self._counted = selection, walk.capped_count(selection, COUNT_CAP + 1)
        found = self._counted[1]
        return (COUNT_CAP, False) if found > COUNT_CAP else (found, True)

    def exact_count(self) -> int:
        """All of them; for jobs, not for pages."""
        return db.session.scalar(self.narrowed(select(func.count(self.model.id)))) or 0

    def ids(self, limit: int | None = None) -> list[int]:
        """The ids, ascending."""
        statement = self.narrowed(select(self.model.id)).order_by(self.model.id)
        return list(db.session.scalars(statement.limit(limit) if limit else statement))

    def stream(
        self, fields: Sequence[Field] | None = None, batch: int = 2000
    ) -> Iterator[list[dict[str, Any]]]:
        """All rows in the order asked for, in batches, at constant memory."""
        wanted = self._fields(fields)
        sort = self._sort()
        at: Cursor | None = None
        while True:
            ids = walk.ids_from(self._selection(), self._order(sort), at, batch)
            rows = self._by_ids(ids, wanted, sort)
            if rows:
                at = Cursor.parse(self._cursor(sort, rows[-1], backward=False))
                _unmark(rows)
                yield rows
            if len(ids) < batch or not rows:
                return

    # -- statements -----------------------------------------------------------------------

    def narrowed(self, statement: Select[Any]) -> Select[Any]:
        """Another statement on the model, such as a chart's, limited to this selection."""
        statement = statement.where(*self.clauses)
        if self.searched is not None:
            statement = statement.where(self.searched.condition(self.model.id))
        return self.optioned(statement)

    def optioned(self, statement: Select[Any]) -> Select[Any]:
        """A statement on the model that sees the trash only where this selection does."""
        return statement.execution_options(**{policy.WITH_TRASH: self.trash})

    def ordering(self) -> walk.Order:
        """What the selection is sorted by."""
        return self._order(self._sort())

    def _selection(self) -> walk.Selection:
        if self.searched is not None and self._weighed is None:
            self._weighed = self.searched.weigh(db.session.connection())
        scoped = policy.scope_clause(self.definition, self.viewer) is not None
        return walk.Selection(self.model, tuple(self.clauses), self._weighed, self.trash, scoped)

    def _walked(self, sort: Sort) -> walk.Selection:
        """The selection as a page in this order is best read.

        What many records meet is looked for along the order; what few meet, by its own index.
        """
        selection = self._selection()
        sorted_by_field = sort.field != "id" and self.definition.field(sort.field).index
        if not selection.clauses or selection.search is not None or not sorted_by_field:
            return selection
        if dialect_name() != "sqlite" or self.trash or self.count()[1]:
            return selection
        return selection.walked()

    def _order(self, sort: Sort) -> walk.Order:
        by_id = next((key for key in sort.keys if key.field == "id"), sort)
        return walk.Order(self._keys(sort), by_id.descending)

    def _fields(self, fields: Sequence[Field] | None) -> Sequence[Field]:
        return policy.known(self.definition, self.viewer) if fields is None else fields

    def _sort(self) -> Sort:
        """The order asked for, else the entity's own, unless the viewer may not see that field."""
        if self.order is not None:
            return self.order
        own = Sort.parse(self.definition.options.order)
        fields = [self.definition.field(key.field) for key in own.keys]
        access = {self.viewer.access(self.definition.name, field) for field in fields}
        return own if access <= {"read", "write"} else Sort("id", descending=True)

    def _keys(self, sort: Sort) -> Keys:
        """Without the id, which every order ends in."""
        return tuple(
            Key(self.definition.field(key.field).sort_expression(self.model), key.descending)
            for key in sort.keys
            if key.field != "id"
        )

    def _select(self, fields: Sequence[Field]) -> Select[Any]:
        columns = [field.expression(self.model) for field in fields]
        return self.narrowed(select(self.model.id, *columns))

    def _by_ids(self, ids: list[int], fields: Sequence[Field], sort: Sort) -> list[dict[str, Any]]:
        """The rows of these ids, in their order, read in one statement."""
        if not ids:
            return []
        columns = [field.expression(self.model) for field in fields]
        keys = self._keys(sort)
        marks = _marks(len(keys))
        columns += [key.expression.label(m) for m, key in zip(marks, keys, strict=True)]
        statement = select(self.model.id, *columns).where(self.model.id.in_(ids))
        statement = self.optioned(statement)
        by_id = {row["id"]: row for row in self._rows(statement, fields, len(keys))}
        return [by_id[record_id] for record_id in ids if record_id in by_id]

    def _rows(
        self, statement: Select[Any], fields: Sequence[Field], sorted_by: int = 0
    ) -> list[dict[str, Any]]:
        names = ["id", *(field.name for field in fields)]
        masked = [f for f in fields if self.viewer.access(self.definition.name, f) == "masked"]
        custom = [f for f in fields if f.custom or f.type_name == "boolean"]
        names += _marks(sorted_by)
        rows = [dict(zip(names, values, strict=True)) for values in db.session.execute(statement)]
        for field in custom:
            for row in rows:
                row[field.name] = field.from_database(row[field.name])
        self._note_seen(rows, [field for field in fields if field not in masked])
        for field in masked:
            for row in rows:
                row[field.name] = field.mask(row[field.name])
        for field in fields:
            if field.guarded and field not in masked:
                for row in rows:
                    row[field.name] = field.guard(row[field.name])
        plain = [field for field in fields if field not in masked]
        add_labels(rows, plain)
        add_files(self.definition.key, rows, plain)
        return rows

    def _note_seen(self, rows: list[dict[str, Any]], fields: Sequence[Field]) -> None:
        """Personal values that are about to be shown go into the audit log, a page at a time."""
        personal = [field.name for field in fields if field.personal]
        names = [name for name in personal if any(row[name] is not None for row in rows)]
        filled = [row["id"] for row in rows if any(row[name] is not None for name in names)]
        audit.note_view(self.definition.name, filled, names)

    def _start(self, sort: Sort, cursor: str) -> Cursor:
        """Raises ValueProblem for a cursor that does not belong to this order."""
        at = Cursor.parse(cursor)
        at.check(str(sort), self._keys(sort))
        return at

    def _cursor(self, sort: Sort, row: dict[str, Any], backward: bool) -> str:
        values = tuple(row[mark] for mark in _marks(len(self._keys(sort))))
        return str(Cursor(values, row["id"], backward, str(sort)))


def _marks(count: int) -> list[str]:
    """Under which names a row carries what it is sorted by."""
    return [f"__sorted_by_{number}" for number in range(count)]


def _unmark(rows: Sequence[dict[str, Any]]) -> None:
    """Take away what rows were sorted by."""
    for mark in _marks(MOST_KEYS):
        for row in rows:
            row.pop(mark, None)
