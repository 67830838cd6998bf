"""The load: people saving, imports, exports, undos and small jobs, with what each must come to."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.bulk import Order, Selection, act_of
from app.engine.changes.many import last_change
from app.engine.job import Job, request_job
from app.engine.registry import current
from app.engine.surfaces.imports import ImportRun
from tests.bench.client import Client, Failed
from tests.conftest import Browser

STABLE = "STABLE"
"""Codes of the customers that nobody touches, and that every export must hold, each once."""

MOST_WAITING = 30
"""With so many jobs unfinished nobody asks for another export."""

PATIENCE = 600


@dataclass
class Expected:
    """What must be there at the end, worked out by plain Python as the load goes on."""

    customers: dict[str, str] = field(default_factory=dict)
    stable: int = 0
    exports: list[str] = field(default_factory=list)
    imports: dict[int, int] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    bulk: dict[str, int] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    saves: int = 0
    saves_again: int = 0
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Load:
    """Threads that go on until `over` is set; each ends what it has begun."""

    def __init__(
        self, app: Flask, viewer: policy.Viewer, port: int, token: dict[str, str], rows: int
    ) -> None:
        self.app, self.viewer, self.port, self.token = app, viewer, port, token
        self.rows = rows
        self.over = threading.Event()
        self.expected = Expected()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(2):
            self._go(f"save{number}", lambda number=number: self._save(number))
        self._go("imports", self._import)
        self._go("exports", self._export)

    def finish(self) -> None:
        """Let every thread come to the end of what it does."""
        self.over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def bring_in(self, prefix: str, rows: int) -> int:
        """One import from upload to its end; its number."""
        names = {f"{prefix}-{n:05}": f"混沌客户{prefix}{n}有限公司" for n in range(rows)}
        text = "name,external_code\n" + "".join(f"{v},{k}\n" for k, v in names.items())
        self.app.test_client_class = Browser
        client: Any = self.app.test_client()
        client.sign_in("admin")
        sent = {"file": (io.BytesIO(text.encode()), f"{prefix}.csv")}
        here = client.post("/import/customer", data=sent).headers["Location"]
        number = int(here.rsplit("/", 1)[1])
        columns = {"columns": "1", "column-0": "name", "column-1": "external_code"}
        assert client.post(f"{here}/check", data=columns).status_code == 303, here
        self._until(lambda: self._import_state(number) == "checked", f"check of {prefix}")
        assert client.post(f"{here}/start").status_code == 303, here
        self._until(lambda: self._import_state(number) == "done", f"import of {prefix}")
        with self.expected.lock:
            self.expected.customers |= names
            self.expected.imports[number] = rows
        return number

    def _import(self) -> None:
        """Imports, one after the other; every second one is taken back, the others edited."""
        count = 0
        while not self.over.is_set():
            count += 1
            number = self.bring_in(f"I{count:04}", self.rows)
            if count % 2:
                self._work_on_all(f"I{count:04}-", self.rows)
                continue
            run = self._row(number)
            job = self._ask("undo", {"change_set": run.change_set_id}, "default")
            self._until(lambda job=job: self._state(job) == "done", f"undo of import {number}")
            with self.expected.lock:
                self.expected.undone.add(number)
                for code in [c for c in self.expected.customers if c.startswith(f"I{count:04}-")]:
                    del self.expected.customers[code]

    def _work_on_all(self, prefix: str, rows: int) -> None:
        """Give all customers of an import a tag and another note, by one job."""
        definition = current().entity("Customer")
        selection = Selection(definition, whole=True, query=(("f", f"external_code:sw:{prefix}"),))
        values = {"set": {"notes": prefix}, "add": {"tags": [prefix]}, "remove": {}}
        order = Order(act_of(definition, "edit", values), selection, last_change(db.session), rows)
        job = self._ask("bulk", order.as_json(), "bulk")
        self._until(lambda: self._state(job) == "done", f"work on {prefix}")
        with self.expected.lock:
            self.expected.bulk[job] = rows

    def _export(self) -> None:
        """Exports of what nobody touches, long ones and short ones in turn."""
        count = 0
        while not self.over.is_set():
            count += 1
            arguments = {
                "entity": "Customer",
                "query": [["f", f"external_code:sw:{STABLE}"]],
                "format": ("csv", "xlsx")[count % 2],
                "fields": ["external_code", "name"],
            }
            job = self._ask("export", arguments, ("bulk", "interactive", "default")[count % 3])
            self.expected.exports.append(job)
            self.over.wait(1.5)
            while self._unfinished() > MOST_WAITING and not self.over.wait(1):
                continue

    def _save(self, number: int) -> None:
        """By the API of the web server that is killed now and then: asked again until it is there."""
        count, client = 0, Client(self.port, self.token)
        while not self.over.is_set():
            count += 1
            body = {"name": f"手工客户{number}之{count}", "external_code": f"P{number}-{count:06}"}
            if self._sent(client, body):
                with self.expected.lock:
                    self.expected.customers[body["external_code"]] = body["name"]
            self.over.wait(0.1)

    def _sent(self, client: Client, body: dict[str, str]) -> bool:
        again = False
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                status = client.post_json("/api/v1/customer/", body).status
            except (OSError, EOFError, Failed, ValueError):
                client.close()
                status = 0
            # 422: the code is there already, since an answer was lost; the client itself asks again
            # where a connection breaks. The judgement sees whether it is.
            if status in (201, 422):
                self.expected.saves += 1
                self.expected.saves_again += again or status == 422
                return True
            if status and status < 500 and status != 408:
                self.expected.problems.append(f"save of {body}: {status}")
                return False
            again = True
            time.sleep(0.2)
        self.expected.problems.append(f"save of {body} never came through")
        return False

    def _ask(self, kind: str, arguments: dict[str, Any], queue: str) -> str:
        job = request_job(kind, arguments, queue, title=f"{kind} of the load")
        return str(job.id)

    def _unfinished(self) -> int:
        db.session.rollback()
        unfinished = select(func.count(Job.id)).where(Job.state.in_(("waiting", "running")))
        return db.session.scalar(unfinished) or 0

    def _row(self, number: int) -> ImportRun:
        db.session.rollback()
        return db.session.get_one(ImportRun, number, populate_existing=True)

    def _import_state(self, number: int) -> str:
        run = self._row(number)
        if self._state(run.job_id) in ("failed", "cancelled"):
            raise AssertionError(f"import {number}: its job has failed")
        return run.state

    def _state(self, job_id: str | None) -> str:
        db.session.rollback()
        return str(db.session.scalar(select(Job.state).where(Job.id == job_id)))

    def _until(self, true: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > until:
                raise AssertionError(f"{what} did not come to an end")
            time.sleep(0.2)

    def _go(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            with self.app.app_context(), policy.acting_as(self.viewer):
                try:
                    work()
                except Exception as error:
                    self.expected.problems.append(f"{name}: {type(error).__name__}: {error}")
                finally:
                    db.session.remove()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
