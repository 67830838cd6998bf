"""One run: an installation, a load on it, kills, and the judgement when all has come to rest."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flask import Flask
from sqlalchemy import func, make_url, select

from app import create_app
from app.engine import policy, registry
from app.engine.adapters import data_folder, embedded_queue
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import Job
from app.engine.schedule import Rule, Schedule
from app.engine.schedule.rules import CRON
from config import Settings
from tests.bench.client import by_token
from tests.chaos.kills import OURS, Killer
from tests.chaos.load import STABLE, Load
from tests.chaos.verdict import Verdict, judge
from tests.database import PostgresqlDatabase
from tests.factories import viewer
from tests.running.support import Installation, eventually

PASSWORD = "Chaos-only-pass-1"
REST = 600
"""Seconds within which every job must be over once nothing is killed any more."""


def chaos(
    folder: Path,
    kills: int,
    pause: float,
    seed: int,
    server: str = "",
    stable: int = 3000,
    rows: int = 1200,
) -> Verdict:
    """So many kills, drawn from the seed; `server`: of PostgreSQL, else SQLite.

    `stable`: customers that every export holds; `rows`: of each import.
    """
    began = time.monotonic()
    with _installation(folder, server) as (steward, url):
        app = _application(steward, url)
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            registry.refresh()
            load = _load(app, steward, stable, rows)
            killer = Killer(steward, seed, url)
            load.start()
            for _kill in range(kills):
                time.sleep(killer.pause(pause))
                killer.strike()
            load.finish()
            eventually(_at_rest, REST, "the end of every job")
            verdict = Verdict(kills=killer.done, seed=seed, seconds=time.monotonic() - began)
            judge(load.expected, verdict)
            db.session.remove()
            db.engine.dispose()
    return verdict


@contextlib.contextmanager
def _installation(folder: Path, server: str) -> Iterator[tuple[Installation, str]]:
    """One that runs, on a database of its own."""
    database = PostgresqlDatabase(server) if server else None
    settings = {"ADMIN_PASSWORD": PASSWORD}
    if database:
        database.create()
        settings["DATABASE_URL"] = database.url
    steward = Installation(folder, **settings)
    try:
        steward.start()
        steward.until_ready()
        yield steward, database.url if database else ""
    finally:
        steward.close()
        if database:
            database.drop()


def _application(steward: Installation, url: str) -> Flask:
    """The same installation's application, in this process, which nobody kills."""
    settings = Settings(data_dir=steward.data, demo=False)
    if url:
        named = make_url(url).update_query_dict({"application_name": OURS})
        settings = replace(settings, database_url=named.render_as_string(hide_password=False))
    return create_app(data_folder.prepare(embedded_queue.resolve(settings)))


def _load(app: Flask, steward: Installation, stable: int, rows: int) -> Load:
    token = by_token(steward.port, "admin", PASSWORD).headers
    _schedule()
    load = Load(app, viewer("admin"), steward.port, token, rows)
    with policy.acting_as(load.viewer):
        load.bring_in(STABLE, stable)
    return load


def _schedule() -> None:
    """Something due each minute, so that schedulers are killed while it is."""
    rule = Rule(CRON, cron="* * * * *")
    with write_transaction() as session:
        session.add(
            Schedule(
                name="Chaos", kind="clean_up",
                answers={}, arguments={}, rule=rule.as_json(), active=True, owner_name="chaos",
                language="zh", changed_at=now(), changed_by="chaos",
                next_due_at=rule.next_after(now()),
            )
        )  # fmt: skip


def _at_rest() -> bool:
    db.session.rollback()
    unfinished = select(func.count(Job.id)).where(Job.state.in_(("waiting", "running")))
    return not db.session.scalar(unfinished)
