"""Exports: the list's selection as a file that import takes back unchanged, under the rights of now."""

from __future__ import annotations

import datetime
import decimal
import hashlib
from pathlib import Path
from typing import Any

import pytest

import jobs
from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.errors import NotAllowed
from app.engine.job import DONE, FAILED, Job
from app.engine.query import Records
from app.engine.surfaces import exports
from app.engine.surfaces.imports import command as import_command
from app.engine.tables import open_table
from tests import factories

pytestmark = pytest.mark.usefixtures("sent")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_export_then_import_changes_nothing(
    as_admin: policy.Viewer, tmp_path: Path, kind: str, language: str
) -> None:
    from flask_babel import force_locale

    shelf = factories.make("Shelf", name="=甲架")
    factories.make(
        "ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top"
    )
    factories.make(
        "Parcel",
        name="=cmd|' /C calc'!A0",
        shelf=shelf.id,
        grade="top",
        keeper=factories.user_id("sales"),
        phone="+86 138 0013 8000",
        price=decimal.Decimal("1234567.89"),
        price_currency="USD",
        opened_at=datetime.datetime(2026, 3, 5, 6, 30, 15, tzinfo=datetime.UTC),
        arrived_on=datetime.date(1899, 12, 31),
        notes="-1\n'=2",
    )
    factories.make("Parcel", name="'=x", fragile=False, tags=["=a", "b"])
    path = tmp_path / f"out.{kind}"
    with force_locale(language):
        report = exports.command("Parcel", kind, path)
        assert report.rows == 2
        assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        back = import_command("Parcel", path)
    assert {name: n for name, n in back.counts.items() if n} == {"total": 2, "unchanged": 2}
    assert {"shelf", "keeper", "price", "price_currency", "tags", "notes"} <= set(
        back.mapping.values()
    )


def test_an_export_is_a_job_and_its_file_is_for_its_asker(app: Any, browser: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        for number in range(3):
            factories.make("Parcel", approved=True, colour="red" if number else "blue")
    admin = browser("admin")
    page = admin.get("/export/parcel?f=colour:eq:red")
    assert page.status_code == 200
    assert b">2<" in page.data
    asked = admin.post("/export/parcel?f=colour:eq:red", data={"format": "csv", "columns": "list"})
    job_id = asked.headers["Location"].rsplit("/", 1)[1]
    assert admin.get(f"/jobs/{job_id}/download").status_code == 404
    jobs.run_job(job_id)
    job = db.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    assert job.state == DONE
    assert b"Download" in admin.get(f"/jobs/{job_id}").data
    answer = admin.get(f"/jobs/{job_id}/download")
    assert answer.status_code == 200
    assert answer.data.count(b"\r\n") == 3
    assert "attachment" in answer.headers["Content-Disposition"]
    assert browser("sales").get(f"/jobs/{job_id}/download").status_code == 404


def test_no_right_no_export(app: Any, browser: Any, tmp_path: Path) -> None:
    assert browser("guest").get("/export/parcel").status_code == 403
    with policy.acting_as(factories.viewer("guest")), pytest.raises(NotAllowed):
        exports.command("Parcel", "csv", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_right_taken_away_meanwhile_stops_the_job(
    app: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = browser("admin").post("/export/parcel", data={"format": "csv"})
    job_id = asked.headers["Location"].rsplit("/", 1)[1]
    guest = factories.viewer("guest")
    monkeypatch.setattr(policy, "viewer_by_id", lambda user_id: guest)
    jobs.run_job(job_id)
    job = db.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    assert job.state == FAILED


def test_masked_fields_are_masked_in_files(acting: Any, tmp_path: Path) -> None:
    acting("admin")
    factories.make("Parcel", phone="138 0013 8000")
    definition = registry.current().entity("Parcel")
    masking = policy.Rights(
        (policy.RoleRights({("*", "*"): "all"}, {("Parcel", "phone"): "masked"}),)
    )
    with policy.acting_as(policy.Viewer(1, "x", masking)):
        fields = exports.export_fields(definition)
        exports.write_export(Records(definition), fields, "csv", tmp_path / "m.csv")
    with open_table(tmp_path / "m.csv") as table:
        assert any("138****8000" in row.cells for row in table.rows())


@pytest.mark.parametrize("kind", ["doc", "", "../x"])
def test_other_formats_there_are_none(client: Any, as_admin: Any, kind: str) -> None:
    assert client.post("/export/parcel", data={"format": kind}).status_code == 404


def test_a_folder_that_is_not_there_is_named(as_admin: Any, tmp_path: Path) -> None:
    from app.engine.tables import TableProblem

    with pytest.raises(TableProblem, match="nowhere"):
        exports.command("Parcel", "csv", tmp_path / "nowhere" / "x.csv")


def test_a_file_is_not_given_out_once_its_asker_sees_less(app: Any, browser: Any) -> None:
    """Neither fields that are masked since nor rows that are others' come out of an old file."""
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Parcel", approved=True)
    for later in (
        {"grants": {"Parcel": {"*": "all"}}, "fields": {"Parcel": {"phone": "masked"}}},
        {"grants": {"Parcel": {"*": "own"}, "Shelf": {"read": "own"}}},
    ):
        _give(app, {"grants": {"Parcel": {"*": "all"}, "Shelf": {"read": "all"}}})
        asked = browser("sales").post("/export/parcel", data={"format": "csv"})
        job_id = asked.headers["Location"].rsplit("/", 1)[1]
        jobs.run_job(job_id)
        assert browser("sales").get(f"/jobs/{job_id}/download").status_code == 200
        _give(app, later)
        assert browser("sales").get(f"/jobs/{job_id}/download").status_code == 403


def test_a_file_is_not_given_to_who_only_views_as_its_asker(app: Any, browser: Any) -> None:
    _give(app, {"grants": {"Parcel": {"*": "all"}, "Shelf": {"read": "all"}}})
    asked = browser("sales").post("/export/parcel", data={"format": "csv"})
    job_id = asked.headers["Location"].rsplit("/", 1)[1]
    jobs.run_job(job_id)
    looking = browser("admin")
    assert looking.post(f"/view-as/{factories.user_id('sales')}").status_code == 303
    assert looking.get(f"/jobs/{job_id}").status_code == 200
    assert looking.get(f"/jobs/{job_id}/download").status_code == 403


def _give(app: Any, rights: dict[str, Any]) -> None:
    role = app.appbuilder.sm.find_role("Sales")
    policy.replace_role(db.session(), role.id, rights)
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    policy.refresh_rights(registry.versions())
