"""The judgement: what the database holds at the end, beside what plain Python expects."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select, text

from app.domains.customers.customer import Customer
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.changes import Change, ChangeSet
from app.engine.job import Job
from app.engine.notices import Notification
from app.engine.query import Records
from app.engine.registry import current
from app.engine.schedule import ScheduleRun
from app.engine.surfaces.imports import ImportRun
from tests.chaos.load import STABLE, Expected


@dataclass
class Verdict:
    """The figures; `clean` when nothing was lost, doubled or changed."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    saves: str = ""
    seconds: float = 0.0
    seed: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.differing or self.problems)

    def as_text(self) -> str:
        killed = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        jobs = ", ".join(f"{state} {count}" for state, count in sorted(self.jobs.items()))
        lines = [
            f"{self.kills.total()} kills in {self.seconds:.0f} s (seed {self.seed}): {killed}",
            f"{self.jobs.total()} jobs: {jobs}; {self.attempts} runs were begun",
            f"{self.saves}",
        ]
        found = (len(self.lost), len(self.doubled), len(self.differing))
        lines.append("{} jobs lost, {} effects doubled, {} rows differing".format(*found))
        for name in ("lost", "doubled", "differing", "problems"):
            lines += [f"  {name}: {text}" for text in getattr(self, name)[:20]]
        return "\n".join(lines)


def judge(expected: Expected, verdict: Verdict) -> Verdict:
    """Fill in what was lost, doubled and changed."""
    db.session.rollback()
    verdict.problems += expected.problems
    verdict.saves = f"{expected.saves} saves, {expected.saves_again} of them asked for again"
    _jobs(verdict)
    _customers(expected, verdict)
    _imports(expected, verdict)
    _bulk(expected, verdict)
    _exports(expected, verdict)
    return verdict


def _jobs(verdict: Verdict) -> None:
    for job in db.session.scalars(select(Job)):
        verdict.jobs[job.state] += 1
        if job.state != "done":
            verdict.lost.append(f"{job.kind} {job.id}: {job.state} {job.message}")
    lines = "SELECT count(*) FROM job_line WHERE CAST(message AS TEXT) LIKE '%Started%'"
    verdict.attempts = int(db.session.scalar(text(lines)) or 0)
    told = Counter(db.session.scalars(select(Notification.href)))
    wanted: Counter[str] = Counter()
    for job in db.session.scalars(select(Job).where(Job.asked_by.is_not(None))):
        wanted[str(job.arguments.get("page") or f"/jobs/{job.id}")] += 1
    verdict.doubled += [f"told {told[h]} times: {h}" for h in told if told[h] > wanted[h]]
    verdict.lost += [f"not told: {h}" for h in wanted if told[h] < wanted[h]]
    runs = select(ScheduleRun.job_id).where(ScheduleRun.job_id.is_not(None))
    verdict.doubled += [
        f"scheduled twice: {job}"
        for job, count in Counter(db.session.scalars(runs)).items()
        if count > 1
    ]


def _customers(expected: Expected, verdict: Verdict) -> None:
    rows = db.session.execute(select(Customer.external_code, Customer.name)).all()
    codes = Counter(code for code, _name in rows)
    verdict.doubled += [f"customer {code}" for code, count in codes.items() if count > 1]
    there = {code: name for code, name in rows}  # noqa: C416  rows are no pairs
    for code in there.keys() ^ expected.customers.keys():
        verdict.differing.append(f"{code}: {'not ' * (code not in there)}there")
    for code in there.keys() & expected.customers.keys():
        if there[code] != expected.customers[code]:
            verdict.differing.append(f"{code}: {there[code]}")
    found = Records(current().entity("Customer")).search("混沌").exact_count()
    wanted = sum(1 for name in expected.customers.values() if name.startswith("混沌"))
    if found != wanted:
        verdict.differing.append(f"the search finds {found} of {wanted}")


def _imports(expected: Expected, verdict: Verdict) -> None:
    for number, rows in expected.imports.items():
        run = db.session.get_one(ImportRun, number)
        made = select(func.count(Change.id)).where(
            Change.change_set_id == run.change_set_id, Change.kind == "create"
        )
        count = db.session.scalar(made) or 0
        if count != rows or (run.counts or {}).get("new") != rows:
            verdict.doubled.append(f"import {number}: {count} of {rows} made, {run.counts}")


def _bulk(expected: Expected, verdict: Verdict) -> None:
    """Each record once, all in one change set that is closed."""
    for job_id, rows in expected.bulk.items():
        result = db.session.get_one(Job, job_id).result or {}
        made = db.session.get_one(ChangeSet, result["change_set"])
        changes = select(func.count(Change.id)).where(Change.change_set_id == made.id)
        count = db.session.scalar(changes) or 0
        tally = {name: n for name, n in result["tally"].items() if name != "reasons"}
        expected_tally = {"changed": rows, "unchanged": 0, "refused": 0, "skipped": 0}
        if count != rows or made.state != "done" or tally != expected_tally:
            verdict.doubled.append(f"bulk {job_id}: {count} of {rows}, {made.state}, {tally}")


def _exports(expected: Expected, verdict: Verdict) -> None:
    """Each file holds each stable customer once."""
    wanted = {code for code in expected.customers if code.startswith(STABLE)}
    for job_id in expected.exports:
        job = db.session.get_one(Job, job_id)
        result = job.result or {}
        if job.state != "done" or result.get("rows") != len(wanted):
            verdict.differing.append(f"export {job_id}: {job.state}, {result.get('rows')} rows")
        elif job.arguments["format"] == "csv":
            with store().open(result["file"]) as file:
                table = csv.reader(io.StringIO(file.read().decode("utf-8-sig")))
                codes = [row[0] for row in list(table)[1:]]
            if sorted(codes) != sorted(wanted):
                verdict.differing.append(f"export {job_id}: other codes")
