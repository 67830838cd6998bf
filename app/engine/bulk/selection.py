"""Which records: ticked ones by their ids, or all that a list's address selects."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.engine.adapters.database import db
from app.engine.addresses import ListAddress
from app.engine.errors import InvalidInput
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.query import MAX_PAGE_SIZE, Records
from app.engine.registry import EntityDefinition

_PART = 5000

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Selection:
    """Records of an entity: `ids`, or with `whole` all that the address `query` selects.

    `trash`: those in the trash instead.
    """

    definition: EntityDefinition
    ids: tuple[int, ...] = ()
    whole: bool = False
    query: Pairs = ()
    trash: bool = False

    @classmethod
    def parse(cls, definition: EntityDefinition, given: MultiDict[str, str]) -> Selection:
        """Out of an address or a form: `ids`, or `all=1` with a list's arguments. Raises InvalidInput."""
        trash = given.get("trash") == "1"
        if given.get("all") == "1":
            address = ListAddress.parse(given).first_page(order=None)
            pairs = () if trash else tuple(p for p in address.pairs() if p[0] != "size")
            return cls(definition, whole=True, query=pairs, trash=trash)
        texts = [text for part in given.getlist("ids") for text in part.split(",")]
        ids = dict.fromkeys(
            int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19
        )
        if not ids:
            raise InvalidInput.of(None, _("Tick the rows first."))
        if len(ids) > MAX_PAGE_SIZE:
            raise InvalidInput.of(None, _("At most %(most)s records at once.", most=MAX_PAGE_SIZE))
        return cls(definition, tuple(i for i in ids if 0 < i <= MAX_IDENTIFIER), trash=trash)

    def pairs(self) -> list[tuple[str, str]]:
        """The same as an address's arguments."""
        found = [("trash", "1")] if self.trash else []
        if self.whole:
            return [*found, ("all", "1"), *self.query]
        return [*found, ("ids", ",".join(map(str, self.ids)))]

    def as_json(self) -> dict[str, Any]:
        return {
            "ids": list(self.ids),
            "whole": self.whole,
            "query": [list(pair) for pair in self.query],
            "trash": self.trash,
        }

    @classmethod
    def from_json(cls, definition: EntityDefinition, given: Mapping[str, Any]) -> Selection:
        query = tuple((str(name), str(value)) for name, value in given["query"])
        return cls(definition, tuple(given["ids"]), given["whole"], query, given["trash"])

    def records(self) -> Records:
        """What the viewer may see of them. Raises NotFound, NotAllowed, ValueProblem."""
        if not self.whole:
            records = Records(self.definition).with_ids(self.ids)
            return records.in_trash() if self.trash else records
        if self.trash:
            return Records(self.definition).in_trash()
        return ListAddress.parse(MultiDict(list(self.query))).records(self.definition)

    def count(self) -> int:
        """How many there are, exactly."""
        return self.records().exact_count()

    def all_ids(self, after: int = 0) -> Sequence[int]:
        """Their ids as they are now, ascending, eight bytes each."""
        records = self.records()
        model = records.model
        statement = records.narrowed(select(model.id)).where(model.id > after).order_by(model.id)
        ids: array[int] = array("q")
        streamed = statement.execution_options(yield_per=_PART)
        for part in db.session.scalars(streamed).partitions():
            ids.extend(part)
        return ids
