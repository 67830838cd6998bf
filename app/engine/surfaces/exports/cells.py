"""A field's values for a file, a column at a time: looked up once, put right in bulk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cached_property
from operator import methodcaller
from typing import Any, cast

from app.engine.adapters.database import ExactDecimal
from app.engine.fields import Field
from app.engine.query import Records, Snapshot, files_info, moment, restorer
from app.engine.tables import ColumnKind, sheet_column
from app.engine.tables.csv_columns import quoted, quoted_column

Raw = Sequence[Any]
"""A column of a batch as `query.portable` reads it."""

_TYPED = frozenset(("integer", "decimal", "money", "date", "datetime"))
_FEW_VALUES = frozenset(("choice", "boolean"))
_EXACT = 15
"""So many signs of a number a workbook holds exactly; of more than that it depends."""

_BROKEN = "?"
_WHOLE_SECOND = len("2026-03-05 14:30:00")
_MOST_NAMES = 200_000
"""Names of records kept at once; a few dozen MB."""


class Words(dict[Any, Any]):
    """A dictionary that works out what it has not yet: `map` over it stays in C."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __missing__(self, key: Any) -> Any:
        found = self[key] = self._make(key)
        return found


class Cells:
    """One field of one export. `values` are what import takes back, `texts` the same for CSV."""

    def __init__(self, field: Field, records: Records, snapshot: Snapshot, zone: tzinfo) -> None:
        self.field = field
        self.snapshot = snapshot
        self.zone = zone
        self.column_type = field.expression(records.model).type
        self.masked = records.viewer.access(records.definition.name, field) == "masked"
        self._restore = restorer(field, records.model, snapshot.dialect)
        self._names: dict[Any, str] = {}
        self._quoted_names: dict[Any, str] = {None: ""}
        self._words = Words(self.word)
        self._quoted = Words(lambda raw: quoted(self.word(raw) or ""))

    @property
    def kind(self) -> ColumnKind:
        """What the file's column holds."""
        if self.masked or self.field.type_name not in _TYPED:
            return "text"
        return cast(ColumnKind, self.field.type_name)

    def native(self, raw: Raw) -> Raw:
        """The field's own values, masked where the viewer sees no more."""
        restore, mask = self._restore, self.field.mask
        if restore is not None:
            raw = [None if value is None else restore(value) for value in raw]
        return [mask(value) for value in raw] if self.masked else raw

    def values(self, raw: Raw) -> Raw:
        """What the cells of a spreadsheet hold."""
        field = self.field
        if self.masked or self.kind in ("integer", "decimal", "money", "date"):
            return self.native(raw)
        if self.kind == "datetime":
            return [None if value is None else self._local(value) for value in raw]
        if field.type_name in _FEW_VALUES:
            return list(map(self._words.__getitem__, raw))
        if field.shown_with:
            return self._named(raw)
        if self.as_it_is:
            return self.native(raw)
        return [self._exported(value) for value in self.native(raw)]

    def texts(self, raw: Raw) -> Sequence[str]:
        """What the cells of a CSV file hold, quoted and marked."""
        if self.masked:
            return quoted_column(self.native(raw))
        if self.field.type_name in _FEW_VALUES:
            return list(map(self._quoted.__getitem__, raw))
        if self.field.shown_with:
            self._named(raw)
            return list(map(self._quoted_names.__getitem__, raw))
        if self.kind == "text":
            return quoted_column(self.values(raw))
        return self._typed_texts(raw)

    def sheet(self, raw: Raw) -> Sequence[Any]:
        """What the cells of a workbook hold, ready to be written."""
        if not self.masked and not self.field.custom:
            if self.kind == "datetime":
                return sheet_column("datetime", self._moments(raw))
            if isinstance(self.column_type, ExactDecimal):
                if self.snapshot.dialect == "sqlite":
                    return _numbers(raw, self.column_type.scale)
                return [None if v is None else _number(v) for v in raw]
        return sheet_column(self.kind, self.values(raw), self.zone)

    # -- parts ----------------------------------------------------------------------------

    @cached_property
    def as_it_is(self) -> bool:
        """Whether the value of this type goes into a file unchanged."""
        kind = type(self.field)
        return (kind.export, kind.text) == (Field.export, Field.text)

    def _exported(self, value: Any) -> str | None:
        found = None if value is None else self.field.export(value, {})
        return None if found is None else str(found)

    def word(self, raw: Any) -> Any:
        """What stands in a file for one value of a field of few."""
        if raw is None:
            return None
        return self.field.export(self._restore(raw) if self._restore else raw, {})

    def _named(self, raw: Raw) -> Raw:
        names = self._names
        missing = set(raw).difference(self._quoted_names)
        if missing:
            if len(names) > _MOST_NAMES:
                names.clear()
                self._quoted_names = {None: ""}
                missing = set(raw) - {None}
            titles = self._titles(missing)
            found = {value: titles.get(value, f"#{value}") for value in missing}
            names |= found
            self._quoted_names |= {value: quoted(name) for value, name in found.items()}
        return list(map(names.get, raw))

    def _titles(self, ids: set[Any]) -> dict[int, str]:
        """What stands for records: their names; for files: their hashes."""
        if self.field.target:
            return self.snapshot.titles(str(self.field.target), ids)
        return {i: one.sha256 for i, one in files_info(ids, self.snapshot.session).items()}

    def _typed_texts(self, raw: Raw) -> Sequence[str]:
        match self.kind:
            case "date" if not self.field.sensitive:  # as both databases give it
                return [value or "" for value in raw]
            case "date":
                return [value.isoformat() if value else "" for value in self.native(raw)]
            case "datetime":
                return self._moment_texts(raw)
            case "integer":
                return ["" if value is None else str(value) for value in raw]
        if isinstance(self.column_type, ExactDecimal) and not self.field.custom:
            if self.snapshot.dialect != "sqlite":
                return [value or "" for value in raw]
            if self.column_type.scale:
                return _scaled(raw, self.column_type.scale)
        plain = methodcaller("__format__", "f")
        return ["" if value is None else plain(value) for value in self.native(raw)]

    # -- moments ----------------------------------------------------------------------------

    def _local(self, raw: Any) -> datetime:
        value = self._restore(raw) if self.field.custom and self._restore else moment(raw)
        return cast(datetime, value).astimezone(self.zone).replace(tzinfo=None)

    def _moments(self, raw: Raw) -> Raw:
        """For a workbook, which holds whole seconds as moments and parts of them as text only.

        What the system notes is never imported, so its parts of a second may go.
        """
        length = _WHOLE_SECOND if self.field.system else None
        texts = self._moment_texts(raw)
        return [datetime.fromisoformat(text[:length]) if text else None for text in texts]

    def _moment_texts(self, raw: Raw) -> Sequence[str]:
        """On the reader's clock. The hour is looked up: it is the same for many moments."""
        if self.field.custom:
            return [self._moment_text(v) for v in raw]
        hours = self._hours
        texts = ["" if v is None else hours[v[:13]] + v[13:] for v in raw]
        together = "\n".join(texts)
        if _BROKEN in together:
            return [self._moment_text(v) for v in raw]
        return together.replace(".000000", "").split("\n")

    def _moment_text(self, raw: Any) -> str:
        return "" if raw is None else self._local(raw).isoformat(" ")

    @cached_property
    def _hours(self) -> Words:
        return Words(self._hour)

    def _hour(self, text: str) -> str:
        """An hour of UTC on the reader's clock; `_BROKEN` where it is not one whole hour there."""
        first = datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=UTC).astimezone(self.zone)
        last = datetime.fromisoformat(f"{text}:59:59").replace(tzinfo=UTC).astimezone(self.zone)
        whole = first.minute == first.second == 0 and first.utcoffset() == last.utcoffset()
        return first.strftime("%Y-%m-%d %H") if whole else _BROKEN


def _scaled(raw: Raw, scale: int) -> list[str]:
    """Scaled integers as the numbers that they stand for."""
    base = 10**scale
    return [
        ""
        if value is None
        else f"{value // base}.{value % base:0{scale}d}"
        if value >= 0
        else f"-{-value // base}.{-value % base:0{scale}d}"
        for value in raw
    ]


def _numbers(raw: Raw, scale: int) -> list[Any]:
    """Scaled integers as a workbook's numbers: fifteen digits are exact there, more are text."""
    base, most = 10**scale, 10**15
    return [
        None
        if value is None
        else value / base
        if -most < value < most
        else format(Decimal(value).scaleb(-scale), "f")
        for value in raw
    ]


def _number(text: str) -> Any:
    """PostgreSQL's text of a number as a workbook's."""
    return float(text) if len(text) <= _EXACT else sheet_column("decimal", [Decimal(text)])[0]
