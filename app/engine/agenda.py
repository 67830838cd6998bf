"""Agendas: which records of an entity wait for whom, and by when; the first page shows them.

agenda = (Agenda("open", _("To-dos"), due="due_on", open="state:eq:open"),)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Agenda:
    """Records that wait for a person: what is late and what is due comes first.

    `due`: the date, or moment, by which; `after`: so many days later, as for “not heard of for 90
    days”. `owner`: the field that names the person; without one, whose the record is. `open`: the
    filters, as in an address, of what still waits. `soon`: from how many days before it is due.
    `shows`: a further field to tell records apart. `undated`: what has no date is told of as well.
    """

    name: str
    label: Any
    due: str
    owner: str = ""
    open: tuple[str, ...] | str = ()
    after: int = 0
    soon: int = 7
    shows: str = ""
    undated: Any = ""

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters of what still waits."""
        return (self.open,) if isinstance(self.open, str) else self.open
