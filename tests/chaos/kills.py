"""What is done to an installation at random moments."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import psutil
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.running.support import Installation

OURS = "chaos"
"""The name under which the load itself is connected to PostgreSQL: those connections are left alone."""

_CUT = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> :ours"
)


class Killer:
    """Draws what to kill, and counts what it has killed."""

    def __init__(self, steward: Installation, seed: int, database_url: str) -> None:
        self._steward = steward
        self._draw = random.Random(seed)
        self._database_url = database_url
        self.done: Counter[str] = Counter()

    def strike(self) -> None:
        """One kill of what there is; when what was drawn is just being restarted, another draw."""
        ways: list[tuple[str, Callable[[], bool]]] = [
            ("worker", lambda: self._kill("worker")),
            ("urgent worker", lambda: self._kill("urgent worker")),
            ("job", self._kill_a_job),
            ("job", self._kill_a_job),
            ("scheduler", lambda: self._kill("scheduler")),
            ("web server", lambda: self._kill("web server")),
            ("queue", lambda: self._kill("valkey")),
            ("queue wiped", self._wipe),
        ]
        if self._database_url:
            ways += [("database connections", self._cut)] * 2
        for _try in range(50):
            name, way = self._draw.choice(ways)
            if way():
                self.done[name] += 1
                return

    def pause(self, mean: float) -> float:
        """Seconds until the next one."""
        return self._draw.uniform(0.1, 2 * mean)

    def _named(self, name: str) -> list[psutil.Process]:
        found = []
        for process in self._steward.processes():
            try:
                if process.name().startswith(name):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def _kill(self, name: str) -> bool:
        return self._end(self._named(name))

    def _kill_a_job(self) -> bool:
        """A fork in which a job runs just now."""
        forks = []
        for worker in (*self._named("worker"), *self._named("urgent worker")):
            try:
                forks += worker.children()
            except psutil.NoSuchProcess:
                continue
        return self._end(forks)

    def _end(self, processes: list[psutil.Process]) -> bool:
        if not processes:
            return False
        try:
            self._draw.choice(processes).kill()
        except psutil.NoSuchProcess:
            return False
        return True

    def _wipe(self) -> bool:
        address = self._steward.data / "queue" / "address"
        try:
            redis.Redis.from_url(address.read_text().strip()).flushall()
        except (redis.RedisError, OSError):
            return False
        return True

    def _cut(self) -> bool:
        engine = create_engine(self._database_url, poolclass=NullPool)
        with engine.connect() as connection:
            return bool(connection.scalar(_CUT, {"ours": OURS}))
