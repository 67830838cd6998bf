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
from app.engine.query import Records, Snapshot, moment, restorer
from app.engine.tables import ColumnKind, sheet_column
from app.engine.tables.csv_columns import quoted, quoted_column

Raw = Sequence[Any]
"""A column of a batch as `query.portable` reads it."""

_TYPED = frozenset(("integer", "decimal", "money", "date", "datetime"))
_FEW_VALUES = frozenset(("choice", "boolean"))
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
        self._words = Words(self._word)
        self._quoted = Words(lambda raw: quoted(self._word(raw) or ""))

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
        if field.target:
            return self._named(raw)
        if self._as_it_is:
            return self.native(raw)
        return [self._exported(value) for value in self.native(raw)]

    def texts(self, raw: Raw) -> Sequence[str]:
        """What the cells of a CSV file hold, quoted and marked."""
        if self.masked:
            return quoted_column(self.native(raw))
        if self.field.type_name in _FEW_VALUES:
            return list(map(self._quoted.__getitem__, raw))
        if self.kind == "text":
            return quoted_column(self.values(raw))
        return self._typed_texts(raw)

    def sheet(self, raw: Raw) -> Sequence[Any]:
        """What the cells of a workbook hold, ready to be written."""
        if not self.masked and not self.field.custom:
            if self.kind == "datetime":
                return sheet_column("datetime", self._moments(raw))
            if isinstance(self.column_type, ExactDecimal) and self.snapshot.dialect == "sqlite":
                return _numbers(raw, self.column_type.scale)
        return sheet_column(self.kind, self.values(raw), self.zone)

    # -- parts ----------------------------------------------------------------------------

    @cached_property
    def _as_it_is(self) -> bool:
        """Whether the value of this type goes into a file unchanged."""
        kind = type(self.field)
        return (kind.export, kind.text) == (Field.export, Field.text)

    def _exported(self, value: Any) -> str | None:
        found = None if value is None else self.field.export(value, {})
        return None if found is None else str(found)

    def _word(self, raw: Any) -> Any:
        if raw is None:
            return None
        return self.field.export(self._restore(raw) if self._restore else raw, {})

    def _named(self, raw: Raw) -> Raw:
        names = self._names
        missing = {value for value in raw if value not in names and value is not None}
        if missing:
            if len(names) > _MOST_NAMES:
                names.clear()
                missing = set(raw) - {None}
            found = self.snapshot.titles(str(self.field.target), missing)
            names |= {value: found.get(value, f"#{value}") for value in missing}
        return list(map(names.get, raw))

    def _typed_texts(self, raw: Raw) -> Sequence[str]:
        match self.kind:
            case "date":  # as both databases give it
                return [value or "" for value in raw]
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
        return [datetime.fromisoformat(text) if text else None for text in self._moment_texts(raw)]

    def _moment_texts(self, raw: Raw) -> Sequence[str]:
        """On the reader's clock. The hour is looked up: it is the same for many moments."""
        hours = self._hours
        if self.field.custom or None in map(hours.__getitem__, {v[:13] for v in raw if v}):
            return ["" if v is None else self._local(v).isoformat(" ") for v in raw]
        texts = ["" if v is None else hours[v[:13]] + v[13:] for v in raw]
        return "\n".join(texts).replace(".000000", "").split("\n")

    @cached_property
    def _hours(self) -> Words:
        return Words(self._hour)

    def _hour(self, text: str) -> str | None:
        """An hour of UTC on the reader's clock; None where it is not one whole hour there."""
        first = datetime.fromisoformat(f"{text}:00:00").replace(tzinfo=UTC).astimezone(self.zone)
        last = datetime.fromisoformat(f"{text}:59:59").replace(tzinfo=UTC).astimezone(self.zone)
        whole = first.minute == first.second == 0 and first.utcoffset() == last.utcoffset()
        return first.strftime("%Y-%m-%d %H") if whole else None


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
