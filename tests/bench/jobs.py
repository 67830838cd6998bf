"""From click to start: how long a small export waits while a large one runs, beside an idle installation.

Everything runs as an operator starts it: web server, queue, the default workers, the scheduler.
"""

from __future__ import annotations

import datetime
import re
import statistics
import time
from urllib.parse import quote, urlencode

from sqlalchemy import select

from tests.bench.bars import RARE_WORD
from tests.bench.client import Client, Failed, by_cookie
from tests.bench.filling import Database
from tests.bench.report import Line
from tests.bench.serving import ADMINISTRATOR, PASSWORD, served

NAME = "click to start, beside a large export"
MOST_MILLISECONDS = 200
SECONDS_TO_RUN = 60
FORM = "application/x-www-form-urlencoded"


def click_to_start(big: Database, clicks: int) -> Line:
    """The median over the clicks, in milliseconds; `stock` is the same without the large export.

    Raises Failed, also when the large export is over before the last click.
    """
    with served(["run.py"], "/readyz", big.folder / "jobs.log", big.settings) as port:
        client = by_cookie(port, ADMINISTRATOR, PASSWORD)
        small = f"/export/customer?q={quote(RARE_WORD)}"
        _waits(client, big, small, 3)
        idle = _waits(client, big, small, clicks)
        large = _ask(client, "/export/customer")
        _started(big, large)
        waits = _waits(client, big, small, clicks)
        if _row(big, large)[1] != "running":
            raise Failed("the large export was over before the last click: take more rows")
        client.ask("POST", f"/jobs/{large}/cancel", _form(client, "/jobs/"), FORM)
    loaded, reference = statistics.median(waits), statistics.median(idle)
    return Line(NAME, loaded, reference, "ms", loaded, MOST_MILLISECONDS)


def _waits(client: Client, database: Database, path: str, clicks: int) -> list[float]:
    waits = []
    for _click in range(clicks):
        form = _form(client, path)
        clicked = datetime.datetime.now(datetime.UTC)
        started = _started(database, _ask(client, path, form))
        waits.append((started - clicked).total_seconds() * 1000)
    return waits


def _ask(client: Client, path: str, form: bytes | None = None) -> str:
    """The id of the job that the page asks for."""
    answer = client.ask("POST", path, form or _form(client, path), FORM)
    if answer.status != 303:
        raise Failed(f"{path}: {answer.status} {answer.text[:300]}")
    return answer.headers["location"].rpartition("/")[2]


def _form(client: Client, path: str) -> bytes:
    page = client.get(path)
    if cookie := page.headers.get("set-cookie"):
        client.headers["Cookie"] = cookie
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    if token is None:
        raise Failed(f"{path}: {page.status}, no token")
    return urlencode({"csrf_token": token[1], "format": "csv", "columns": "all"}).encode()


def _started(database: Database, job_id: str) -> datetime.datetime:
    until = time.monotonic() + SECONDS_TO_RUN
    while time.monotonic() < until:
        started, _state = _row(database, job_id)
        if started is not None:
            return started
        time.sleep(0.02)
    raise Failed(f"job {job_id} did not start")


def _row(database: Database, job_id: str) -> tuple[datetime.datetime | None, str]:
    from app.engine.job import Job

    engine = database.engine()
    with engine.connect() as connection:
        found = connection.execute(select(Job.started_at, Job.state).where(Job.id == job_id)).one()
    return found.started_at, found.state
