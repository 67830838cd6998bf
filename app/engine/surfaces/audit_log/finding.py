"""What the log is narrowed to, as the address and an export's arguments say it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.engine.audit import AuditEntry
from app.engine.audit.kinds import GROUPS, declared
from app.engine.errors import ValueProblem
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.fields.time import reader_zone

_LONGEST = 100
_LARGEST_PERSON = 2**31 - 1


@dataclass(frozen=True)
class Wanted:
    """Which entries: everything that is not empty has to fit."""

    kind: str = ""
    """A kind, or a group of kinds."""
    person: str = ""
    """Who did it, or whose account it is about: a number."""
    entity: str = ""
    record: str = ""
    since: str = ""
    until: str = ""
    text: str = ""

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Raises ValueProblem for what can't be meant."""
        values = {name: str(given.get(name) or "").strip()[:_LONGEST] for name in cls().as_json()}
        wanted = cls(**values)
        wanted.clauses()
        return wanted

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    def pairs(self) -> list[tuple[str, str]]:
        """What is not empty, for an address."""
        return [(name, value) for name, value in self.as_json().items() if value]

    def statement(self) -> Select[tuple[AuditEntry]]:
        """The entries, in no order yet."""
        return select(AuditEntry).where(*self.clauses())

    def clauses(self) -> list[ColumnElement[bool]]:
        """The conditions. Raises ValueProblem."""
        found = [self._kinds(), self._person(), self._record(), self._text()]
        days = ((self.since, 0), (self.until, 1))
        since, until = (_day(text, further) for text, further in days)
        found.append(AuditEntry.at >= since if since else None)
        found.append(AuditEntry.at < until if until else None)
        return [clause for clause in found if clause is not None]

    def _kinds(self) -> ColumnElement[bool] | None:
        if not self.kind:
            return None
        names = [kind.name for kind in declared() if self.kind in (kind.name, kind.group)]
        if not names and self.kind not in GROUPS:
            raise ValueProblem(_("There is no kind of entry called “%(name)s”.", name=self.kind))
        return AuditEntry.kind.in_(names)

    def _person(self) -> ColumnElement[bool] | None:
        if not self.person:
            return None
        number = _number(self.person, _LARGEST_PERSON)
        return or_(AuditEntry.user_id == number, AuditEntry.person_id == number)

    def _record(self) -> ColumnElement[bool] | None:
        """Entries about the record itself, and of pages on which it was among others."""
        if not self.record:
            return AuditEntry.entity == self.entity if self.entity else None
        if not self.entity:
            raise ValueProblem(_("Say of which records the number is."))
        number = _number(self.record, MAX_IDENTIFIER)
        among = or_(
            *(
                AuditEntry.details.like(f'%"ids": [{before}{number}{after}%')
                for before in ("", "%, ")
                for after in (",", "]")
            )
        )
        listed = and_(AuditEntry.record_id.is_(None), among)
        return and_(AuditEntry.entity == self.entity, or_(AuditEntry.record_id == number, listed))

    def _text(self) -> ColumnElement[bool] | None:
        """In names, addresses, requests and details."""
        if not self.text:
            return None
        sought = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        places = (
            AuditEntry.who, AuditEntry.address, AuditEntry.request_id, AuditEntry.details,
        )  # fmt: skip
        return or_(*(place.ilike(f"%{sought}%", escape="\\") for place in places))


def _number(text: str, largest: int) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= largest):
        raise ValueProblem(_("“%(text)s” is no number of a record or person.", text=text))
    return int(text)


def _day(text: str, further: int) -> datetime.datetime | None:
    """The beginning of the day in the reader's zone, or of the one after it."""
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text) + datetime.timedelta(days=further)
    except (ValueError, OverflowError):
        raise ValueProblem(_("“%(text)s” is no date.", text=text)) from None
    return datetime.datetime.combine(day, datetime.time(), reader_zone())
