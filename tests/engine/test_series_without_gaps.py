"""Numbers of a series without gaps: many at once take them and give them back, some are rolled back."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import Any

from app.engine import archives, policy
from app.engine.adapters.database import db
from app.engine.changes import change_set

NAME = "R001-HT-2026-Y"
TAKERS, TURNS = 4, 12


def test_the_next_are_the_smallest_that_nobody_has(as_admin: Any) -> None:
    with change_set("job") as changes:
        assert archives.take(changes, NAME, 3) == [1, 2, 3]
    with change_set("job") as changes:
        archives.give_back(changes, NAME, [2])
        assert archives.given(changes.session, NAME) == {1, 3}
    with contextlib.suppress(RuntimeError), change_set("job") as changes:
        assert archives.take(changes, NAME, 2) == [2, 4]
        raise RuntimeError
    with change_set("job") as changes:
        assert archives.take(changes, NAME, 2) == [2, 4]
        assert archives.take(changes, "other", 1) == [1]


def test_many_at_once_leave_no_gap_and_no_double(app: Any) -> None:
    held: list[set[int]] = [set() for _taker in range(TAKERS)]
    failed: list[BaseException] = []

    def work(mine: set[int], chance: random.Random) -> None:
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            try:
                for _turn in range(TURNS):
                    turn(mine, chance)
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    def turn(mine: set[int], chance: random.Random) -> None:
        back = {chance.choice(sorted(mine))} if mine and chance.random() < 0.4 else set()
        spoilt = chance.random() < 0.3
        with contextlib.suppress(RuntimeError):
            with change_set("job") as changes:
                if back:
                    archives.give_back(changes, NAME, sorted(back))
                taken = archives.take(changes, NAME, chance.randrange(1, 4))
                if spoilt:
                    raise RuntimeError
            mine -= back
            mine |= set(taken)

    threads = [
        threading.Thread(target=work, args=(mine, random.Random(at)))
        for at, mine in enumerate(held)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    everybody = [number for mine in held for number in mine]
    assert len(everybody) == len(set(everybody)), "no number twice"
    with policy.unrestricted("a test looks at the counter") as session:
        assert archives.given(session, NAME) == set(everybody), "and none left out"
