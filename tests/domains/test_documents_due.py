"""What each day brings to documents: what is over falls due, what is held stays, notes are taken anew."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

import jobs
from app.engine import policy
from app.engine.adapters.database import db
from app.engine.fields.periods import OFFSET
from app.engine.job import Job, request_job
from tests.domains.documents import archived, fresh, hold, in_force, release, update
from tests.factories import make

TODAY = datetime.datetime.now(OFFSET).date()

pytestmark = pytest.mark.usefixtures("as_admin")


@pytest.fixture
def years_later(monkeypatch: pytest.MonkeyPatch) -> Any:
    def go(years: int) -> None:
        day = TODAY + datetime.timedelta(days=366 * years)
        for place in ("choices", "retention", "holding", "keeping", "filing", "dues"):
            monkeypatch.setattr(f"app.domains.documents.{place}.today", lambda: day)

    return go


def run() -> Job:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        job_id = request_job("documents.due", {}).id
    jobs.run_job(job_id)
    db.session.expire_all()
    return db.session.get_one(Job, job_id)


def test_what_is_over_falls_due_once_and_what_is_held_stays(years_later: Any) -> None:
    over, kept, working = archived(), archived(), in_force()
    forever = archived(retention="permanent")
    one = hold(kept)
    assert run().result["due"] == 0
    years_later(11)
    done = run()
    assert (done.state, done.result["due"], done.result["kept"]) == ("done", 1, 1)
    states = [fresh(record).state for record in (over, kept, working, forever)]
    assert states == ["due", "archived", "in_force", "archived"]
    assert run().result["due"] == 0
    release(one)
    assert run().result["due"] == 1
    assert fresh(kept).state == "due"


def test_its_page_lists_what_fell_due(years_later: Any, client: Any) -> None:
    record = archived()
    years_later(11)
    page = client.get(run().result["page"]).get_data(as_text=True)
    assert f"/document/{record.id}" in page


def test_a_document_that_left_a_folder_is_missed_there() -> None:
    contracts, paper = make("DocumentClass").id, make("DocumentClass").id
    make("RequiredPaper", document_class=contracts, paper_class=paper)
    customer = make("Customer").id
    contract = in_force(document_class=contracts, customer=customer)
    moved = in_force(document_class=paper, customer=customer)
    assert fresh(contract).papers == "complete"
    update(moved, customer=make("Customer").id)
    run()
    assert fresh(contract).papers == "missing"


def test_taking_stock_is_no_change_of_the_record() -> None:
    record = make("Document")
    before = fresh(record).version
    hold(record, until=TODAY)
    run()
    assert fresh(record).version == before
