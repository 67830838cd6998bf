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


def drop(name: str, queue_url: str, count: str) -> None:
    """Remove the database, and all keys of the db numbers that were claimed."""
    with psycopg.connect(f"{DATABASE_SERVER}/postgres", autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))
    if queue_url:
        first = int(queue_url.rpartition("/")[2])
        for number in range(first, first + int(count)):
            _database(number).flushdb()


def queue(count: str) -> None:
    """Print the address of the first of `count` db numbers in a row that nobody uses, claimed for an hour."""
    claimed: list[int] = []
    for number in NUMBERS:
        client = _database(number)
        if client.dbsize() == 0 and client.set(CLAIM, os.getpid(), nx=True, ex=3600):
            claimed.append(number)
        else:
            _free(claimed)
        if len(claimed) == int(count):
            print(f"{QUEUE_SERVER}/{claimed[0]}")
            return
    _free(claimed)
    sys.exit(f"no {count} free db numbers in a row on the Redis server")


def _free(claimed: list[int]) -> None:
    for number in claimed:
        _database(number).delete(CLAIM)
    claimed.clear()


def _database(number: int) -> redis.Redis:
    return redis.Redis.from_url(f"{QUEUE_SERVER}/{number}")


def ran(report: str, kind: str) -> None:
    """Refuse a run in which no test of a kind ran, or one was skipped for want of what it needs."""
    cases = ElementTree.parse(Path(report)).getroot().iter("testcase")  # noqa: S314  pytest's own
    ours = [case for case in cases if _is_of(case, kind)]
    skipped = [case for case in ours if _is_skipped(case)]
    for case in skipped:
        print(f"skipped: {case.get('classname')}.{case.get('name')}", file=sys.stderr)
    if not ours or skipped:
        sys.exit(f"{len(ours)} {kind} tests, {len(skipped)} of them skipped: not a pass")
    without = sum(case.find("skipped") is not None for case in ours)
    print(f"{len(ours) - without} {kind} tests ran, {without} had no sample data")


def _is_skipped(case: ElementTree.Element) -> bool:
    """For want of a server or a browser; real data may be missing (tests/sample_data.py)."""
    found = case.find("skipped")
    return found is not None and not found.get("message", "").startswith("no sample data here")


def _is_of(case: ElementTree.Element, kind: str) -> bool:
    return any(
        one.get("name") == "kind" and one.get("value") == kind for one in case.iter("property")
    )


if __name__ == "__main__":
    {"create": create, "drop": drop, "queue": queue, "ran": ran}[sys.argv[1]](*sys.argv[2:])
