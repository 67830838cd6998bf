"""The evaluation of every customer beside the bare SQL that works the same figures out.

Customers and orders are those of `cdnow_transactions.txt`, or as many made-up ones where it is missing.
`python -m tests.bench.evaluating` runs it alone.
"""

from __future__ import annotations

import datetime
import random
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from tests.bench.client import Failed
from tests.bench.filling import Database, database, make_anew
from tests.bench.report import Line
from tests.bench.serving import run
from tests.domains import cdnow

NAME = "evaluation of every customer"
MOST = 2.0
"""At most so many times the bare SQL."""

ROUNDS = 5
DAY = datetime.date(2022, 6, 30)

BARE = """
WITH counted AS (
  SELECT customer_id, ordered_on, amount, amount_currency FROM "order"
  WHERE deleted_at IS NULL AND state <> 'cancelled' AND ordered_on <= '2022-06-30'
), sums AS (
  SELECT customer_id, count(*) AS orders, min(ordered_on) AS first_on, max(ordered_on) AS last_on,
    sum(CASE WHEN ordered_on > '2021-06-30' AND amount_currency = 'USD' THEN amount ELSE 0 END) AS yearly,
    sum(CASE WHEN amount_currency = 'USD' THEN amount ELSE 0 END) AS total,
    count(DISTINCT ordered_on) AS days,
    sum(CASE WHEN amount_currency = 'USD' AND amount >= 0 THEN amount ELSE 0 END) AS paid,
    sum(CASE WHEN amount < 0 THEN 1 ELSE 0 END) AS refunds,
    sum(CASE WHEN amount_currency <> 'USD' THEN 1 ELSE 0 END) AS left_out
  FROM counted GROUP BY customer_id
), days AS (
  SELECT DISTINCT customer_id, ordered_on FROM counted WHERE amount >= 0
), gaps AS (
  SELECT customer_id, {gap} AS gap FROM (
    SELECT customer_id, ordered_on,
      lag(ordered_on) OVER (PARTITION BY customer_id ORDER BY ordered_on) AS before
    FROM days) AS pairs
  WHERE before IS NOT NULL
), rhythm AS (
  SELECT customer_id, avg(gap) AS middle FROM (
    SELECT customer_id, gap, row_number() OVER (PARTITION BY customer_id ORDER BY gap) AS place,
      count(*) OVER (PARTITION BY customer_id) AS number
    FROM gaps) AS placed
  WHERE place IN ((number + 1) / 2, (number + 2) / 2) GROUP BY customer_id
)
SELECT customer.id, sums.*, rhythm.middle,
  ntile(5) OVER (ORDER BY sums.last_on), ntile(5) OVER (ORDER BY sums.days),
  ntile(5) OVER (ORDER BY sums.total)
FROM customer LEFT JOIN sums ON sums.customer_id = customer.id
LEFT JOIN rhythm ON rhythm.customer_id = customer.id WHERE customer.deleted_at IS NULL
"""
"""Written by hand, as somebody would who wants the figures and nothing else."""

GAPS = {
    "sqlite": "julianday(ordered_on) - julianday(before)",
    "postgresql": "ordered_on - before",
}


def lines(folder: Path, given: str, only: str) -> list[Line]:
    """The line, on a database of its own that is thrown away. Raises Failed."""
    if only not in NAME:
        return []
    print(f"  {NAME} …", file=sys.stderr)
    place = database("steward_bench_evaluating", folder, given)
    make_anew(place)
    run(["run.py", "migrate"], place.settings)
    run(["run.py", "seed"], place.settings)
    try:
        return [_measured(place)]
    finally:
        make_anew(place)


def _measured(place: Database) -> Line:
    from app.engine import policy, registry

    app = _application(place)
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        registry.refresh()
        rows = cdnow.rows() if cdnow.path() else _made_up()
        cdnow.put_in(rows)
        run_id = _run()
        bare, whole = [], []
        for _round in range(ROUNDS):
            bare.append(_bare())
            _forget(run_id)
            whole.append(_job(run_id))
    ours, theirs = statistics.median(whole), statistics.median(bare)
    return Line(NAME, ours, theirs, "ms", ours / theirs, MOST)


def _application(place: Database) -> Flask:
    from app import create_app
    from config import Settings

    return create_app(
        Settings(data_dir=place.folder, database_url=place.address, secret_key="x" * 40, demo=False)
    )


def _run() -> int:
    """The run that is done again and again, by thresholds that fit."""
    from app.engine import registry
    from app.engine.changes import change_set

    known = registry.current()
    with change_set("bench") as changes:
        rules = changes.create(known.entity("EvaluationRule"), cdnow.SCALED).id
        values = {"as_of": DAY, "ruleset": rules}
        return int(changes.create(known.entity("EvaluationRun"), values).id)


def _forget(run_id: int) -> None:
    """As before the first time."""
    from app.engine import figures
    from app.engine.changes import change_set

    with change_set("bench") as changes:
        figures.drop(changes, "Evaluation", run_id)


def _job(run_id: int) -> float:
    """Milliseconds of the whole job, from its claim to its end. Raises Failed."""
    import jobs
    from app.engine.adapters.database import db
    from app.engine.job import DONE, Job, request_job

    job_id = request_job("evaluation", {"run": run_id}).id
    began = time.perf_counter()
    jobs.run_job(job_id)
    took = (time.perf_counter() - began) * 1000
    job = db.session.get_one(Job, job_id, populate_existing=True)
    if job.state != DONE:
        raise Failed(f"{NAME}: {job.state} {job.message}")
    db.session.commit()
    return took


def _bare() -> float:
    """Milliseconds of the bare statement, its rows fetched."""
    from app.engine.adapters.database import db, dialect_name

    statement = text(BARE.format(gap=GAPS[dialect_name()]))
    began = time.perf_counter()
    with db.engine.connect() as connection:
        rows: Any = connection.execute(statement).fetchall()
    if not rows:
        raise Failed(f"{NAME}: no customers")
    return (time.perf_counter() - began) * 1000


def _made_up() -> list[cdnow.Row]:
    rng = random.Random(1)
    first = datetime.date(2021, 1, 1)
    return [
        (
            f"{rng.randrange(23_544):05}",
            first + datetime.timedelta(days=rng.randrange(545)),
            rng.randrange(1, 5),
            Decimal(rng.randrange(10_000)) / 100,
        )
        for _number in range(69_659)
    ]


if __name__ == "__main__":
    import os

    with tempfile.TemporaryDirectory() as home:
        for one in lines(Path(home), os.environ.get("DATABASE_URL", ""), ""):
            print(f"{one.name}: {one.steward:.0f} ms, bare {one.stock:.0f} ms, {one.value:.2f}")
