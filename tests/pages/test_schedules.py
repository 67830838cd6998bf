"""Schedules in the browser: for administrators, checked, shown with next and last times."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.job import Job
from app.engine.schedule import Schedule, ScheduleRun
from tests import factories

NEW = "/schedules/new/export"
FORM = {
    "name": "Parcels each morning",
    "argument_entity": "Parcel",
    "argument_format": "csv",
    "argument_list": "http://localhost/parcel/?f=colour:eq:red",
    "at": "08:30",
    "zone": "Asia/Shanghai",
}


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_given: True)


def only() -> Schedule:
    db.session.rollback()
    found = db.session.scalars(select(Schedule)).one()
    db.session.refresh(found)
    return found


def test_only_for_those_who_run_the_system(browser: Any) -> None:
    assert browser("sales").get("/schedules/").status_code == 403
    assert browser("sales").post(NEW, data=FORM).status_code == 403
    assert "/schedules/" in browser("admin").get("/jobs/").text
    assert "/schedules/" not in browser("sales").get("/jobs/").text


def test_an_export_each_working_day(client: Any) -> None:
    assert client.get(NEW).status_code == 200
    answer = client.post(NEW, data={**FORM, "working_days": "y"})
    assert answer.status_code == 303
    made = only()
    assert made.owner_id == factories.user_id("admin")
    assert made.arguments["entity"] == "Parcel"
    assert ["f", "colour:eq:red"] in made.arguments["query"]
    page = client.get(answer.headers["Location"]).text
    assert "Each working day at 08:30" in page
    assert "Next times" in page
    assert "Parcels each morning" in client.get("/schedules/").text
    assert "每个工作日 08:30" in client.get("/schedules/", headers={"Accept-Language": "zh"}).text


@pytest.mark.parametrize(
    ("every", "change", "field"),
    [
        ("day", {"at": ""}, "at"),
        ("week", {}, "weekdays"),
        ("month", {"day": "40"}, "day"),
        ("cron", {"cron": "every day"}, "cron"),
        ("day", {"name": ""}, "name"),
        ("day", {"zone": "Mars/Olympus"}, "zone"),
        ("day", {"argument_list": "/parcel/?f=nosuchfield:eq:red"}, "argument_list"),
        ("day", {"argument_list": "http://localhost/shelf/?f=colour:eq:red"}, "argument_list"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    client: Any, every: str, change: dict[str, str], field: str
) -> None:
    answer = client.post(f"{NEW}?every={every}", data={**FORM, **change})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalars(select(Schedule)).all() == []


def test_pause_resume_change_run_delete(client: Any) -> None:
    here = client.post(NEW, data=FORM).headers["Location"]
    client.post(f"{here}/pause")
    assert (only().active, only().next_due_at) == (False, None)
    assert "Paused" in client.get("/schedules/").text
    client.post(f"{here}/resume")
    assert only().next_due_at is not None
    change = {**FORM, "weekdays": ["0", "4"], "at": "18:00"}
    assert client.post(f"{here}/edit?every=week", data=change).status_code == 303
    assert (only().rule["every"], only().rule["weekdays"]) == ("week", [0, 4])
    job = client.post(f"{here}/run").headers["Location"]
    assert db.session.get(Job, job.rpartition("/")[2]) is not None
    assert "Run by hand" in client.get(here).text
    assert client.post(f"{here}/delete").status_code == 303
    assert db.session.scalars(select(ScheduleRun)).all() == []
    assert client.get(here).status_code == 404


def test_the_systems_own_can_be_paused_and_not_changed(client: Any, app: Any) -> None:
    from jobs.schedule import PLANNED, reconcile

    reconcile(PLANNED[:1])
    here = f"/schedules/{only().id}"
    assert "Clean-up" in client.get("/schedules/").text
    assert client.get(f"{here}/edit").status_code == 409
    assert client.post(f"{here}/delete").status_code == 409
    client.post(f"{here}/pause")
    assert not only().active


def test_what_cannot_be_scheduled(client: Any) -> None:
    assert client.get("/schedules/new/undo").status_code == 404
    assert client.get(f"{NEW}?every=blue").status_code == 404


FOLDER = "/schedules/new/export.scheduled"


def test_an_export_into_a_folder_that_stays(client: Any) -> None:
    answer = client.post(FOLDER, data={**FORM, "argument_folder": "每日/parcels"})
    assert answer.status_code == 303
    assert only().arguments["folder"] == "每日/parcels"


@pytest.mark.parametrize("folder", ["", "../elsewhere", "a/../b", "a" * 61])
def test_a_folder_that_cannot_be(client: Any, folder: str) -> None:
    answer = client.post(FOLDER, data={**FORM, "argument_folder": folder})
    assert answer.status_code == 422
    assert 'id="argument_folder-error"' in answer.text


def test_what_is_printed_has_the_columns_of_the_list(client: Any) -> None:
    assert client.post(NEW, data={**FORM, "argument_format": "pdf"}).status_code == 303
    assert 0 < len(only().arguments["fields"]) <= 16
