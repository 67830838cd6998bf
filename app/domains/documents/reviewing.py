"""The review of a document: by when, and when its owner is reminded."""

from __future__ import annotations

import datetime

from app.domains.documents.choices import LOCKED, DocumentState, ReviewClock
from app.engine import office
from app.engine.deadlines import NOT_YET
from app.engine.rules import Saving

DAYS_BEFORE = 14
"""So long before the day of its review the owner is reminded of it, and again on that day."""

OVER = (*LOCKED, DocumentState.SUPERSEDED)


def wind_clock(saving: Saving) -> None:
    """Set the clock anew when the day or the state has changed; what is out of force needs none."""
    values = saving.values
    day = values.get("review_on")
    if day is None or values.get("state") in OVER:
        values |= dict.fromkeys(("review_due_at", "review_alarm_at", "review_told", "review_clock"))
    elif saving.changed("review_on") or values.get("review_due_at") is None:
        due = datetime.datetime.combine(day, datetime.time(), office.zone())
        due = due.astimezone(datetime.UTC)
        values |= {
            "review_due_at": due,
            "review_alarm_at": due - datetime.timedelta(days=DAYS_BEFORE),
            "review_told": NOT_YET,
            "review_clock": ReviewClock.RUNNING.value,
        }
