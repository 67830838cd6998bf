"""Lets archived documents fall due whose period is over, and takes stock of holds and papers, daily."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_ngettext

from app.domains.documents import dues
from app.engine.changes import change_set
from app.engine.job import Run

BATCH = 200
DUE = "/document/?f=state:eq:due"


def run(run: Run) -> dict[str, Any]:
    """In batches, each a transaction; run again it finds nothing left to do."""
    due = held = 0
    after: int | None = 0
    change_set_id: int | None = None
    while after is not None:
        with change_set("job", change_set_id=change_set_id, last=False) as changes:
            run.hold(changes.session, done=due)
            fell, kept, after = dues.fall_due(changes, after, BATCH)
            change_set_id = changes.id
        due, held = due + fell, held + kept
    with change_set("job", change_set_id=change_set_id) as changes:
        run.hold(changes.session, done=due)
        noted = dues.take_stock(changes)
    if held:
        run.log(
            lazy_ngettext(
                "%(num)s document whose period is over stands under a hold and stays.",
                "%(num)s documents whose period is over stand under a hold and stay.",
                held,
            )
        )
    return {"due": due, "kept": held, "noted": noted["held"] + noted["papers"], "page": DUE}
