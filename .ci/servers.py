"""What `.ci/run` needs of PostgreSQL and Redis: a database and a db number of its own; and proof that tests ran there."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import psycopg
import redis
from psycopg import sql

DATABASE_SERVER = os.environ.get("CI_DATABASE_SERVER", "postgresql://root@127.0.0.1:5432")
QUEUE_SERVER = os.environ.get("CI_QUEUE_SERVER", "redis://127.0.0.1:6379")
NUMBERS = range(1, 16)
CLAIM = "steward:ci"


def create(name: str) -> None:
    """Make the database."""
    with psycopg.connect(f"{DATABASE_SERVER}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop(name: str, queue_url: str) -> None:
    """Remove the database, and all keys of the db number that was claimed."""
    with psycopg.connect(f"{DATABASE_SERVER}/postgres", autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))
    if queue_url:
        redis.Redis.from_url(queue_url).flushdb()


def queue() -> None:
    """Print the address of a db number that nobody uses, claimed for an hour."""
    for number in NUMBERS:
        url = f"{QUEUE_SERVER}/{number}"
        client = redis.Redis.from_url(url)
        if client.dbsize() == 0 and client.set(CLAIM, os.getpid(), nx=True, ex=3600):
            print(url)
            return
    sys.exit("no free db number on the Redis server")


def ran(report: str, kind: str) -> None:
    """Refuse a run in which no test of a kind ran, or one was skipped for want of what it needs."""
    cases = ElementTree.parse(Path(report)).getroot().iter("testcase")  # noqa: S314  pytest's own
    ours = [case for case in cases if _is_of(case, kind)]
    skipped = [case for case in ours if case.find("skipped") is not None]
    for case in skipped:
        print(f"skipped: {case.get('classname')}.{case.get('name')}", file=sys.stderr)
    if not ours or skipped:
        sys.exit(f"{len(ours)} {kind} tests, {len(skipped)} of them skipped: not a pass")
    print(f"{len(ours)} {kind} tests ran, none skipped")


def _is_of(case: ElementTree.Element, kind: str) -> bool:
    return any(
        one.get("name") == "kind" and one.get("value") == kind for one in case.iter("property")
    )


if __name__ == "__main__":
    {"create": create, "drop": drop, "queue": queue, "ran": ran}[sys.argv[1]](*sys.argv[2:])
