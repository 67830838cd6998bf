"""Several people, or one who clicks twice, take the same change set back at the same moment."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import changes, policy, registry
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput
from app.engine.job import CANCELLED, Job
from app.engine.undoing import request_undo
from tests import factories
from tests.engine.toys import Parcel

AT_ONCE = 4


pytestmark = pytest.mark.usefixtures("sent")


def made() -> int:
    definition = registry.current().entity("Parcel")
    with changes.change_set("form") as written:
        for _record in range(5):
            written.create(definition, factories.parcel())
    assert written.id is not None
    return written.id


def all_at_once(app: Any, viewer: policy.Viewer, act: Any) -> list[Any]:
    """What each of several threads got, a refusal as itself."""
    start, answers = threading.Barrier(AT_ONCE), []

    def one() -> None:
        with app.app_context(), policy.acting_as(viewer):
            start.wait()
            try:
                answers.append(act())
            except InvalidInput as refusal:
                answers.append(refusal)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=one) for _thread in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_of_several_takes_it_back(app: Any, as_admin: policy.Viewer) -> None:
    number = made()
    answers = all_at_once(app, as_admin, lambda: changes.undo(number))
    reports = [answer for answer in answers if isinstance(answer, changes.UndoReport)]
    assert [(report.reversed, report.kept, report.blocked) for report in reports] == [(5, 0, 0)]
    assert len(answers) == AT_ONCE
    db.session.rollback()
    assert db.session.scalar(select(func.count(Parcel.id))) == 0
    again = select(func.count()).where(changes.ChangeSet.undoes_id == number)
    assert db.session.scalar(again) == 1
    assert changes.undone_with(number)["reversed"] == 5  # type: ignore[index]


def test_one_job_is_asked_for(app: Any, as_admin: policy.Viewer) -> None:
    number = made()
    jobs = all_at_once(app, as_admin, lambda: request_undo(number, "Undo").id)
    assert len(set(jobs)) == 1
    with policy.acting_as(factories.viewer("sales")), pytest.raises(InvalidInput):
        request_undo(number, "Undo")
    other = request_undo(made(), "Undo")
    assert other.id not in jobs
    db.session.get_one(Job, jobs[0]).state = CANCELLED
    db.session.commit()
    assert request_undo(number, "Undo").id != jobs[0]
