"""Charts: what is declared of one; the database does the grouping.

Chart("solving", _("Time to solve by week"), "solved_at:week",
measure="median:opened_at..solved_at", split="priority")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem

COUNT, SHARE, SUM, AVERAGE, MEDIAN, NET_PROMOTERS = (
    "count", "share", "sum", "average", "median", "nps",
)  # fmt: skip
_OF_A_FIELD = re.compile(r"sum|average|median|nps|p[1-9]\d?")
_BETWEEN = ".."
MINUTES = "minutes"


@dataclass(frozen=True)
class Measure:
    """What a chart shows of each group: `count`, `share`, or a function of a field's values.

    Written `average:amount`; of the time between two fields `median:opened_at..closed_at`. The
    functions are sum, average, median, any percentile as `p90`, and `nps`: of scores from 0 to 10
    the per cent that are 9 or 10 less the per cent that are 6 or less (Reichheld, 2003).
    """

    function: str = COUNT
    field: str = ""
    until: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """As written; a field alone is summed. Raises ValueProblem."""
        if text in (COUNT, SHARE):
            return cls(text)
        function, colon, rest = text.partition(":")
        if not colon:
            function, rest = SUM, text
        if not _OF_A_FIELD.fullmatch(function) or not rest:
            raise ValueProblem(_("There is no figure “%(measure)s”.", measure=text[:60]))
        field, _between, until = rest.partition(_BETWEEN)
        return cls(function, field, until)

    def __str__(self) -> str:
        if not self.field:
            return self.function
        return f"{self.function}:{self.field}" + (_BETWEEN + self.until if self.until else "")

    @property
    def percentile(self) -> int | None:
        """50 for a median, 90 for `p90`; None for what is not one."""
        if self.function == MEDIAN:
            return 50
        return int(self.function[1:]) if self.function[0] == "p" else None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that it needs."""
        return tuple(name for name in (self.field, self.until) if name)


Conditions = tuple[tuple[str, str, Any], ...]
"""Filters as (field, operator, operand)."""


@dataclass(frozen=True)
class Chart:
    """Records counted, or a figure of theirs, by a field's groups.

    `group_by`: a field; of a time with its period, as `opened_at:week` (a month without one);
    none for a single figure. `split`: a second field that each group is divided by. `kind`: bar,
    line or pie. `measure`: see Measure. `of`: with the measure `share`, the filters whose part of
    each group is shown in per cent; records that leave one of those fields empty are left out.
    `only`: filters that always hold. `unit`: `minutes` for a number field that holds a duration.
    """

    name: str
    label: Any
    group_by: str
    kind: str = "bar"
    measure: str = COUNT
    only: Conditions = ()
    split: str = ""
    of: Conditions = ()
    unit: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it needs."""
        groups = (text.partition(":")[0] for text in (self.group_by, self.split) if text)
        filters = (name for name, _operator, _operand in (*self.only, *self.of))
        return frozenset((*groups, *filters, *Measure.parse(self.measure).fields))
