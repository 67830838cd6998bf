"""Files that nobody has refreshed for a month: whose they are, and how many."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from app.domains.customers.customer import Customer
from app.domains.customers.order import CHINA
from app.domains.customers.plan import working_day
from app.engine.onward import make_once

DAYS = 30
"""A file is to be looked through monthly."""

AT_ONCE = 7
"""So many days there are for looking through them."""


def begun(today: datetime.date) -> datetime.datetime:
    """Files that were changed last before this moment are stale: midnight in China."""
    day = today - datetime.timedelta(days=DAYS)
    return datetime.datetime.combine(day, datetime.time(), CHINA)


def list_of(owner: int, today: datetime.date) -> str:
    """The page that lists an owner's stale files."""
    day = begun(today).date()
    return f"/customer/?f=account_manager:eq:{owner}&f=updated_at:lt:{day.isoformat()}"


def count_by_owner(changes: Any, today: datetime.date) -> dict[int, int]:
    """How many stale files each account manager has; one statement."""
    model: Any = Customer
    statement = (
        select(model.account_manager_id, func.count(model.id))
        .where(
            model.account_manager_id.is_not(None),
            model.archived_at.is_(None),
            model.updated_at < begun(today),
        )
        .group_by(model.account_manager_id)
    )
    return {int(owner): int(count) for owner, count in changes.session.execute(statement)}


def ask_to_refresh(
    changes: Any, counts: dict[int, int], today: datetime.date, english: Collection[int]
) -> list[int]:
    """A to-do for each owner, once a month; gives the ids of those made."""
    due = working_day(today + datetime.timedelta(days=AT_ONCE))
    tasks = [
        {
            "subject": f"Look through {count} customer files not refreshed for a month"
            if owner in english
            else f"更新 {count} 份一个月未更新的客户档案",
            "due_on": due,
            "owner": owner,
            "origin": "stale",
            "origin_key": f"stale:{owner}:{today:%Y-%m}",
        }
        for owner, count in counts.items()
    ]
    return make_once(changes, "Task", tasks, "origin_key")
