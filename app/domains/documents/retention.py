"""Retention worked out: from which day, until which day, and why.

A period ends on the day before the same day so many years later: what is filed on 5 March 2026 for
ten years is kept until 4 March 2036, that day included. Permanent has no end; a period counted from
a contract's end or an event has none before that is known.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.domains.documents.choices import FILED, Beginning, Retention, today

Values = Mapping[str, Any]

YEARS = {Retention.YEARS_30.value: 30, Retention.YEARS_10.value: 10}
BEGINS = {
    Beginning.FILING.value: "filed_on",
    Beginning.CONTRACT_END.value: "contract_ends_on",
    Beginning.EVENT.value: "event_on",
}
"""The field that says from when a period is counted."""

LAST = datetime.date.max


def begins_on(values: Values) -> datetime.date | None:
    """The day from which the period counts; None while it is not known."""
    day: datetime.date | None = values.get(BEGINS.get(values.get("counted_from") or "", "filed_on"))
    return day


def years_of(values: Values) -> int | None:
    """How many years; None for good."""
    retention = values.get("retention") or ""
    return YEARS.get(retention) or (
        values.get("retention_years") if retention == Retention.CUSTOM else None
    )


def until(values: Values) -> datetime.date | None:
    """The last day of the period; None where it has no end, or none that is known yet."""
    begun, years = begins_on(values), years_of(values)
    if begun is None or years is None:
        return None
    return years_after(begun, years) - datetime.timedelta(days=1)


def years_after(day: datetime.date, years: int) -> datetime.date:
    """The same day so many years later; 29 February is 1 March where there is none."""
    if day.year + years > LAST.year:
        return LAST
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return datetime.date(day.year + years, 3, 1)


def is_over(values: Values) -> bool:
    """Whether the period has ended."""
    last = values.get("retain_until")
    return last is not None and last < today()


def why(values: Values) -> Any:
    """Why the document is kept, in the reader's words; None for one that nobody has filed."""
    if values.get("state") not in FILED:
        return None
    if values.get("retention") == Retention.PERMANENT:
        return _("It is kept permanently.")
    counted = Beginning(values.get("counted_from") or Beginning.FILING.value).label
    if values.get("retain_until") is None:
        return _(
            "It is kept for %(years)s years (%(beginning)s); that day is not known yet.",
            years=years_of(values) or "?",
            beginning=counted,
        )
    begun = begins_on(values)
    return _(
        "It is kept for %(years)s years (%(beginning)s: %(begun)s).",
        years=years_of(values),
        beginning=counted,
        begun=begun.isoformat() if begun else "",
    )


__all__ = ["begins_on", "is_over", "until", "why", "years_after", "years_of"]
