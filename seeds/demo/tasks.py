"""To-dos of the demo people: late, due today, due soon, without a day, done and dropped."""

from __future__ import annotations

import datetime

from seeds.demo import words
from seeds.demo.base import Demo, Values, in_turn

COUNT = 60
DAYS = (-12, -5, -2, -1, 0, 0, 1, 3, 6, 10, 21, None)
"""From today; None: some day."""

STATES = ("open", "open", "open", "done", "open", "open", "done", "open", "open", "dropped")
ORIGINS = (None, "plan", None, "stale", None, "evaluation", "plan", None)


def write(demo: Demo) -> None:
    """Spread over those who look after customers, so that everybody finds some of each kind."""
    if not demo.has("Task"):
        return
    owners = demo.people("Sales", "AccountManager", "Support")
    customers = [
        (customer_id, values.get("account_manager"))
        for customer_id, values in demo.made["Customer"]
        if values.get("account_manager")
    ]
    dice = demo.dice("tasks")
    rows: list[Values] = []
    for place in range(demo.count(COUNT)):
        owner = in_turn(owners, place)
        own = [one for one in customers if one[1] == owner]
        customer_id, _manager = dice.choice(own or customers)
        days = in_turn(DAYS, place // len(owners) + place)
        due = None if days is None else demo.day + datetime.timedelta(days=days)
        rows.append({
            "subject": in_turn(words.TASKS, place),
            "customer": customer_id,
            "owner": owner,
            "due_on": due,
            "state": in_turn(STATES, place),
            "origin": in_turn(ORIGINS, place),
        })  # fmt: skip
    demo.create("Task", rows)
