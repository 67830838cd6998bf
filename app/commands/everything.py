"""`run.py` without arguments: all that one machine needs, under one supervisor; or one part with the embedded queue."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from flask import Flask

from app import create_app
from app.commands import checks, keys, prepare, prepared, web
from app.engine.adapters import embedded_queue, i18n
from app.engine.adapters.embedded_queue import EmbeddedQueue, QueueOwned
from app.engine.adapters.supervisor import Part, PartFailed, Supervisor, say
from config import Settings
from jobs import scheduler, worker

WEB_WITHIN = 90  # seconds until the web server answers for the first time
QUEUE_WITHIN = 30

URGENT = "urgent worker"

MAINS: dict[str, Callable[[Flask], int]] = {
    "web": web.run,
    "worker": worker.run,
    URGENT: worker.run_urgent,
    "scheduler": scheduler.run,
}


def run(settings: Settings) -> int:
    """Check, prepare and start everything; returns the exit code once stopped."""
    _check(settings, web=True)
    workers = [*["worker"] * settings.workers, *[URGENT] * bool(settings.workers)]
    return _supervised(settings, ["web", *workers, "scheduler"], whole=True)


def run_part(settings: Settings, name: str) -> int:
    """Run the web server, a worker or the scheduler; the embedded queue with it if nobody runs that."""
    _check(settings, web=name == "web")
    deadline = time.monotonic() + QUEUE_WITHIN
    while not settings.redis_url:
        address = embedded_queue.known_address(settings)
        if embedded_queue.answers(address):
            settings = replace(settings, redis_url=address)
            break
        try:
            return _supervised(settings, [name], whole=False)
        except QueueOwned:  # its owner is just starting it
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    return MAINS[name](create_app(settings))


def _check(settings: Settings, *, web: bool) -> None:
    if web:
        checks.port_is_free(settings)
    checks.files_known(settings)
    checks.saml_known(settings)
    checks.database_answers(settings)
    keys.fit(settings)
    if settings.redis_url:
        checks.queue_answers(settings)
    for warning in checks.unsafe(settings):
        say(warning)
    i18n.compile_catalogs()


def _supervised(settings: Settings, names: Sequence[str], *, whole: bool) -> int:
    """Run these parts until asked to stop; the whole is prepared first, and says where it is."""
    queue = None if settings.redis_url else EmbeddedQueue.acquire(settings)
    supervisor = Supervisor()
    password = None
    try:
        if queue:
            _start_queue(supervisor, queue)
            settings = replace(settings, redis_url=queue.address.url)
        if whole:
            password = _prepare(supervisor, settings)
        app = create_app(replace(settings, admin_password=None))  # once: its memory is shared
        parts = [_part(name, app) for name in names]
        for part in parts:
            if not supervisor.stopping:
                supervisor.start(part)
        if whole:
            supervisor.wait_until(lambda: _answers(settings), parts[0], WEB_WITHIN)
            _welcome(settings, password)
            password = None
        supervisor.run()
    except PartFailed as problem:
        say(str(problem))
        return 1
    finally:
        if password:  # it was made, and nobody else will ever say it
            _welcome(settings, password)
        supervisor.stop()
        if queue:
            queue.release()
    return 0


def _part(name: str, app: Flask) -> Part:
    return Part("web server" if name == "web" else name, lambda: MAINS[name](app))


def _start_queue(supervisor: Supervisor, queue: EmbeddedQueue) -> None:
    """Start the embedded queue; data that it cannot read are set aside, once."""
    part = Part("embedded queue", queue.command(), leaned_on=True, pass_files=(queue.lock,))

    def ready() -> bool:
        return embedded_queue.answers(queue.address.url)

    supervisor.start(part)
    try:
        supervisor.wait_until(ready, part, QUEUE_WITHIN)
    except PartFailed as problem:
        if part.running or not (aside := queue.set_damaged_data_aside()):
            raise PartFailed(f"{problem} It logs to {queue.folder / 'server.log'}.") from problem
        say(f"The embedded queue could not read its data. They are kept in {aside}.")
        part.launch()
        supervisor.wait_until(ready, part, QUEUE_WITHIN)


def _prepare(supervisor: Supervisor, settings: Settings) -> str | None:
    """Migrate and seed where something changed; returns the first administrator's password if one was generated."""
    if prepared.is_current(settings):
        return None
    say("Preparing the database …")
    answer, report = os.pipe()
    part = Part("preparation", lambda: prepare.everything(settings, report))
    supervisor.complete(part)
    os.close(report)
    with os.fdopen(answer, encoding="utf-8") as file:
        return file.read() or None


def _answers(settings: Settings) -> bool:
    place = urlsplit(settings.address)
    connection = HTTPConnection(place.hostname or "", settings.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def _welcome(settings: Settings, password: str | None) -> None:
    lines = ["", "  Steward · 客户管家", "", f"  address    {settings.address}"]
    if password:
        lines.append(f"  user       {prepared.FIRST_USER}")
        lines.append(f"  password   {password}   (shown this once; to be changed at first login)")
    print("\n".join([*lines, "", "  Ctrl-C stops it.", ""]), flush=True)
