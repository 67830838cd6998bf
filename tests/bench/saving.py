"""Eight people who save records while 100,000 rows are imported: nobody may get an error.

Everything runs as an operator starts it: web server, queue, workers, scheduler. On PostgreSQL and a
Redis server when DATABASE_URL and REDIS_URL name them. `python -m tests.bench.saving` runs it alone.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text

from tests.bench.client import Client, Failed, by_cookie, by_token
from tests.bench.filling import Database, database, make_anew
from tests.bench.importing import ROWS, _file
from tests.bench.jobs import FORM
from tests.bench.report import Line
from tests.bench.serving import ADMINISTRATOR, PASSWORD, run, served

NAME = "errors of 8 savers beside an import"
PEOPLE = 8
PAUSE = 0.1
"""Seconds between one person's saves."""

PATIENCE = 1800


@dataclass
class Person:
    """Somebody who saves one record again and again."""

    client: Client
    record_id: int
    saves: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def save_until(self, over: threading.Event) -> None:
        while not over.wait(PAUSE):
            self.saves += 1
            began = time.perf_counter()
            try:
                answer = self.client.ask(
                    "PUT", f"/api/v1/customer/{self.record_id}",
                    json.dumps({"notes": f"save {self.saves}"}).encode(), "application/json",
                )  # fmt: skip
                if answer.status != 200:
                    self.errors.append(f"{answer.status} {answer.text[:200]}")
            except (OSError, EOFError, Failed) as error:
                self.errors.append(repr(error))
                self.client.close()
            self.seconds.append(time.perf_counter() - began)


def lines(folder: Path, given: str, only: str) -> list[Line]:
    """How many saves failed; the median and the slowest are said beside it. Raises Failed."""
    if only not in NAME:
        return []
    print(f"  {NAME} …", file=sys.stderr)
    place = database("steward_bench_saving", folder, given)
    make_anew(place)
    run(["run.py", "migrate"], place.settings)
    run(["run.py", "seed"], place.settings)
    settings = dict(place.settings)
    if os.environ.get("REDIS_URL"):
        settings["REDIS_URL"] = os.environ["REDIS_URL"]
    with served(["run.py"], "/readyz", place.folder / "saving.log", settings) as port:
        idle = _saved(port, seconds=10)
        people, seconds = _beside_an_import(place, port)
        _nothing_lost(place, people)
    _say("with nothing beside", idle, 10)
    _say("beside the import", people, seconds)
    errors = [error for person in people for error in person.errors]
    for error in errors[:5]:
        print(f"    {error}", file=sys.stderr)
    make_anew(place)
    return [Line(NAME, len(errors), None, "", len(errors), 0)]


def _people(port: int) -> list[Person]:
    found = []
    for number in range(PEOPLE):
        client = by_token(port, ADMINISTRATOR, PASSWORD)
        answer = client.post_json(
            "/api/v1/customer/", {"name": f"保存者{time.time_ns()}之{number}"}
        )
        if answer.status != 201:
            raise Failed(f"a record to save: {answer.status} {answer.text[:200]}")
        found.append(Person(client, int(json.loads(answer.body)["id"])))
    return found


def _saved(port: int, seconds: float) -> list[Person]:
    people, over = _people(port), threading.Event()
    threads = _go(people, over)
    time.sleep(seconds)
    _end(threads, over)
    return people


def _beside_an_import(place: Database, port: int) -> tuple[list[Person], float]:
    client = by_cookie(port, ADMINISTRATOR, PASSWORD)
    here = _upload(client, _file(place))
    _post(client, f"{here}/check", here)
    _until(place, here, "checked")
    people, over = _people(port), threading.Event()
    threads = _go(people, over)
    began = time.monotonic()
    try:
        _post(client, f"{here}/start", here)
        _until(place, here, "done")
        seconds = time.monotonic() - began
    finally:
        _end(threads, over)
    return people, seconds


def _go(people: list[Person], over: threading.Event) -> list[threading.Thread]:
    threads = [threading.Thread(target=person.save_until, args=(over,)) for person in people]
    for thread in threads:
        thread.start()
    return threads


def _end(threads: list[threading.Thread], over: threading.Event) -> None:
    over.set()
    for thread in threads:
        thread.join()


def _token(client: Client, path: str) -> str:
    page = client.get(path)
    if cookie := page.headers.get("set-cookie"):
        client.headers["Cookie"] = cookie
    found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    if found is None:
        raise Failed(f"{path}: {page.status}, no token")
    return found[1]


def _upload(client: Client, path: Path) -> str:
    mark = "steward-bench"
    token = _token(client, "/import/customer")
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="rows.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    kind = f"multipart/form-data; boundary={mark}"
    answer = client.ask("POST", "/import/customer", body, kind)
    if answer.status != 303:
        raise Failed(f"upload: {answer.status} {answer.text[:300]}")
    return answer.headers["location"]


def _post(client: Client, path: str, page: str) -> None:
    body = urlencode({"csrf_token": _token(client, page)}).encode()
    answer = client.ask("POST", path, body, FORM)
    if answer.status != 303:
        raise Failed(f"{path}: {answer.status} {answer.text[:300]}")


def _until(place: Database, here: str, state: str) -> None:
    engine = place.engine()
    number, until = int(here.rsplit("/", 1)[1]), time.monotonic() + PATIENCE
    asked = text(
        "SELECT r.state, j.state, r.counts FROM import_run r JOIN job j ON j.id = r.job_id"
        " WHERE r.id = :number"
    )
    while time.monotonic() < until:
        with engine.connect() as connection:
            now, job, counts = connection.execute(asked, {"number": number}).one()
        if now == state and job == "done":
            return
        if job in ("failed", "cancelled"):
            raise Failed(f"the import's job has {job}: {now} {counts}")
        time.sleep(0.2)
    raise Failed(f"the import did not come to be {state}")


def _nothing_lost(place: Database, people: list[Person]) -> None:
    """Raises Failed where a row of the file, or somebody's last save, is not there."""
    with place.engine().connect() as connection:
        brought = connection.scalar(
            text("SELECT count(*) FROM customer WHERE external_code LIKE 'B%'")
        )
        if brought != ROWS:
            raise Failed(f"{brought} of {ROWS} rows came in")
        for person in people:
            notes: Any = connection.scalar(
                text("SELECT notes FROM customer WHERE id = :id"), {"id": person.record_id}
            )
            if notes != f"save {person.saves}" and not person.errors:
                raise Failed(f"the last save is not there: {notes} instead of {person.saves}")


def _say(what: str, people: list[Person], seconds: float) -> None:
    times = [one * 1000 for person in people for one in person.seconds]
    print(
        f"    {what}: {len(times)} saves in {seconds:.0f} s, median {statistics.median(times):.0f} ms,"
        f" slowest {max(times):.0f} ms",
        file=sys.stderr,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        found = lines(Path(temporary), os.environ.get("DATABASE_URL", ""), "")
    sys.exit(0 if all(line.ok for line in found) else 1)
