"""Jobs run with the rights of the moment, and a file made before is given out with those of now."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import jobs
from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.bulk import Order, Selection, act_of, ask
from app.engine.job import Job
from app.engine.surfaces.exports.formats import FORMATS
from app.engine.undoing import request_undo
from tests.matrix.asking import Asker
from tests.matrix.doors import Visit
from tests.matrix.holes import jobs_with_every_right
from tests.matrix.personas import FAR, MINE, Persona, built_in, shifted
from tests.matrix.runs import afresh, no_queue, written
from tests.matrix.world import World

ENTITY = "Customer"

KINDS = {
    "bulk": "asked for here",
    "export": "asked for here",
    "export.scheduled": "run by its schedule here",
    "import.check": "asked for here",
    "import.run": "begun here",
    "undo": "asked for here",
    "mail": "its file is given out by the same rule as a download; tests/engine/test_mails.py",
    "password_link": "mails a link for a new password; reads no records",
    "clean_up": "reads no records",
    "survey": "invites people whom its asker sees; tests/domains/test_surveys.py",
    "evaluation": "works out records that are read under the scope of their customers",
    "personal.report": "its file is given out by the same rule as a download",
    "personal.erase": "takes values away; tests of personal data",
    "handover": "asked for by who manages accounts; tests of leaving",
    "pool.return": "asked for by nobody",
    "demo.remove": "takes away what demonstration brought, by who runs the system",
    "customers.plan": "asked for by nobody; makes to-dos for account managers of their own customers",
    "customers.stale": "asked for by nobody; counts for each account manager their own customers",
    "documents.due": "asked for by nobody; tests/domains/test_documents_due.py",
    "audit.export": "holds the log alone; tests of the audit log",
    "archive.collect": "takes in what its asker sees; tests/domains/test_archiving.py",
    "archive.seal": "asked for by who approves packages; there too",
    "archive.dissolve": "asked for by who approves packages; there too",
    "archive.fixity": "asked for by nobody; reads stored files again, tells who reads the audit log",
    "audit.head": "holds the log's head alone",
    "files.sweep": "asked for by nobody; gives nothing out",
    "contents.again": "asked for by nobody; asks for what follows",
    "contents.draw": "draws pages of a file, on nobody's behalf; tests of previews",
    "contents.read": "reads a file for the index, on nobody's behalf; tests of previews",
    "search.rebuild": "writes the index alone, on nobody's behalf",
}
"""Every kind of job, and where its rights are tried."""


def test_every_kind_of_job_is_classified() -> None:
    assert set(jobs.kinds()) == set(KINDS)


def personas() -> list[Persona]:
    return [shifted("own", 1), built_in("Sales"), built_in("Support")]


@pytest.mark.parametrize("number", range(3))
def test_what_was_asked_for_with_more_rights(
    app: Flask, database: Any, browser: Any, number: int
) -> None:
    assert came_through(app, database, browser, personas()[number]) == []


def test_jobs_with_every_right_turn_it_red(
    app: Flask, database: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs_with_every_right(monkeypatch)
    assert came_through(app, database, browser, personas()[0])


def came_through(app: Flask, database: Any, browser: Any, persona: Persona) -> list[str]:
    """Everything is asked for by somebody who may do everything, and run when they may no more."""
    afresh(app, database)
    with no_queue():
        world = World(persona)
        world.take_roles(None)
        asked = Asker(world, browser)
        _finish_an_export(asked)
        made = asked.work()
        _ask_for_everything(Visit(asked, registry.current().entity(ENTITY), 2, 0))
        db.session.rollback()
        world.take_roles(persona)
        later = Asker(world, browser)
        later.work()
        for job_id in made:
            later.get(f"/jobs/{job_id}/download", same=False)
        found = written(world, ENTITY)
        _undo(world, later)
        return [*later.seen.leaks, *found, *written(world, ENTITY, fields=False)]


def _undo(world: World, ask: Asker) -> None:
    """One's own change set is taken back, as far as its records may still be changed."""
    world.take_roles(None)
    with policy.acting_as(policy.viewer_by_id(world.me)):
        request_undo(world.change_sets[0], "Undo", "default", 5, "/changes/")
    world.take_roles(ask.world.persona)
    ask.work()


def _finish_an_export(ask: Asker) -> None:
    """A file made while everything might be seen."""
    ask.post(f"/export/{ENTITY.lower()}", {"format": "csv"}, hops=0)


def _ask_for_everything(visit: Visit) -> None:
    base = f"/export/{visit.key}"
    for name in FORMATS:
        visit.ask.post(
            base, {"format": name, "columns": "all" if name != "pdf" else "list"}, hops=0
        )
    visit.ask.post(f"{base}/{visit.world.of(ENTITY, FAR)[0].id}", hops=0)
    _ask_by_schedule(visit)
    _begin_an_import(visit)
    viewer = policy.viewer_by_id(visit.world.me)
    with policy.acting_as(viewer):
        definition = registry.current().entity(ENTITY)
        values = {
            "set": {"notes": "written by a job", "yearly_amount": "1"},
            "add": {},
            "remove": {},
        }
        every = Selection(definition, whole=True)
        ask(Order(act_of(definition, "edit", values), every), "Edit")
        ask(
            Order(act_of(definition, "trash"), Selection(definition, tuple(visit.ids()[-2:]))),
            "Trash",
        )


def _ask_by_schedule(visit: Visit) -> None:
    form = {"name": "Matrix", "at": "08:00", "zone": "Asia/Shanghai", "argument_entity": ENTITY,
            "argument_format": "csv", "argument_folder": "matrix"}  # fmt: skip
    answer = visit.ask.post("/schedules/new/export.scheduled", form, hops=0)
    visit.ask.post(f"{answer.headers['Location']}/run", hops=0)


def _begin_an_import(visit: Visit) -> None:
    """One that is checked and to be run, one that is to be checked: of rows of others by their keys."""
    definition = registry.current().entity(ENTITY)
    key, name = definition.fields["external_code"], definition.fields["name"]
    held = visit.world.of(ENTITY, FAR)[0].values[key.name]
    own = visit.world.of(ENTITY, MINE)[0].values[key.name]
    lines = f"external_code,name,notes\r\n{held},改名一,注\r\n{own},改名二,注\r\n"
    form = {"columns": "1", "column-0": key.name, "column-1": name.name, "column-2": "notes",
            "key": key.name, "mode": "upsert"}  # fmt: skip
    for run in (True, False):
        file = (io.BytesIO(lines.encode()), "rows.csv")
        upload = visit.ask.ask("POST", f"/import/{visit.key}", data={"file": file}, hops=0)
        here = upload.headers["Location"]
        visit.ask.post(f"{here}/check", form, hops=0)
        if run:
            for job_id in list(
                db.session.scalars(select(Job.id).where(Job.kind == "import.check"))
            ):
                jobs.run_job(job_id)
                db.session.rollback()
            visit.ask.post(f"{here}/start", hops=0)
