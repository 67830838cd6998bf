"""The run: every line of the table, one after the other."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Flask

from tests.bench import restricted
from tests.bench.bars import (
    LEAST_CREATES,
    LEAST_REQUESTS,
    MOST_GROWTH,
    MOST_QUERIES,
    NEXT_PAGE,
    Bar,
    bars,
)
from tests.bench.client import Client, Failed, by_cookie, by_token
from tests.bench.measuring import check, following, in_turn, medians, per_second, timed
from tests.bench.queries import statements
from tests.bench.report import Line
from tests.bench.serving import ADMINISTRATOR, PASSWORD

SPELLS = 3
"""How often throughput is measured on each side."""

SPELL_SECONDS = 4.0
CREATING, ASKING = 4, 8


@dataclass(frozen=True)
class Run:
    """How large, how often, how long at most for each page, and on which database."""

    rows: int
    rounds: int
    seconds: float
    postgresql: bool
    people: int


@dataclass(frozen=True)
class Servers:
    """Ports: Steward, the stock application, Steward on a small table."""

    steward: int
    stock: int
    small: int


def measure(run: Run, servers: Servers, app: Flask, only: str) -> list[Line]:
    """Every line whose name holds `only`. Raises Failed."""
    signed_in = _SignedIn(servers)
    makers: list[tuple[str, Callable[[], Line]]] = [
        *((bar.name, partial(_page, run, bar, signed_in)) for bar in bars(run.rows)),
        ("REST creates, 4 clients", lambda: _creates(run, servers)),
        ("first page, 8 clients", lambda: _requests(servers)),
        ("first page, against 10,000 rows", lambda: _growth(run, signed_in)),
        *(
            (f"first page, {what}", partial(_restricted, run, what, servers, signed_in, app))
            for what in restricted.SEES
        ),
        ("statements of a list page, at most", lambda: _statements(run, app)),
    ]
    lines = []
    for name, make in makers:
        if only in name:
            print(f"  {name} …", file=sys.stderr)
            lines.append(make())
    return lines


class _SignedIn:
    """Clients of the administrator on each server."""

    def __init__(self, servers: Servers) -> None:
        self.pages, self.api = (
            tuple(enter(port, ADMINISTRATOR, PASSWORD) for port in (servers.steward, servers.stock))
            for enter in (by_cookie, by_token)
        )
        self.small = by_cookie(servers.small, ADMINISTRATOR, PASSWORD)


def _page(run: Run, bar: Bar, signed_in: _SignedIn) -> Line:
    ours, theirs = signed_in.api if bar.api else signed_in.pages
    path = bar.steward
    if bar.name == NEXT_PAGE:
        path = following(ours, path)
    pair = in_turn(
        lambda: timed(ours, path), lambda: timed(theirs, bar.stock), run.rounds, run.seconds
    )
    return Line(bar.name, pair.ours, pair.theirs, "ms", pair.ratio, bar.most(run.postgresql))


def _growth(run: Run, signed_in: _SignedIn) -> Line:
    big = signed_in.pages[0]
    pair = in_turn(
        lambda: timed(big, "/customer/"),
        lambda: timed(signed_in.small, "/customer/"),
        run.rounds * 2,
        run.seconds,
    )
    name = "first page, against 10,000 rows"
    return Line(name, pair.ours, pair.theirs, "ms", pair.ratio, MOST_GROWTH)


def _restricted(run: Run, what: str, servers: Servers, signed_in: _SignedIn, app: Flask) -> Line:
    names = restricted.settle(app, run.people)
    administrator = signed_in.pages[0]
    return restricted.line(what, servers.steward, names, administrator, run.rounds, run.seconds)


def _creates(_run: Run, servers: Servers) -> Line:
    numbers = itertools.count(1)

    def create(client: Client, place: int) -> None:
        number = next(numbers)
        body = {
            "name": f"上海新登记{place}号{number}贸易有限公司",
            "short_name": f"新登记{number}",
            "industry": "F51",
            "province": "310000",
            "phone": f"021-0{number:07d}",
            "email": f"new{number}@steward.example",
            "status": "new",
            "yearly_amount": f"{number}.50",
            "customer_since": "2026-03-05",
            "notes": "由接口登记",
        }
        answer = client.post_json("/api/v1/customer/", body)
        if answer.status != 201:
            raise Failed(f"creating: {answer.status} {answer.text[:400]}")

    return _throughput(
        "REST creates, 4 clients", servers, by_token, create, CREATING, LEAST_CREATES
    )


def _requests(servers: Servers) -> Line:
    def ask(path: str) -> Callable[[Client, int], None]:
        def first_page(client: Client, _place: int) -> None:
            check(client.get(path), path)

        return first_page

    name = "first page, 8 clients"
    return _throughput(
        name, servers, by_cookie, ask("/customer/"), ASKING, LEAST_REQUESTS,
        ask("/customerview/list/"),
    )  # fmt: skip


def _throughput(
    name: str,
    servers: Servers,
    enter: Callable[[int, str, str], Client],
    ours: Callable[[Client, int], None],
    clients: int,
    least: float,
    theirs: Callable[[Client, int], None] | None = None,
) -> Line:
    spells = []
    sides = ((servers.steward, ours), (servers.stock, theirs or ours))
    first = [enter(port, ADMINISTRATOR, PASSWORD) for port, _ask in sides]
    for _spell in range(SPELLS):
        speeds = []
        for (port, ask), known in zip(sides, first, strict=True):
            speeds.append(
                per_second(
                    lambda p=port, k=known: Client(p, k.headers), ask, clients, SPELL_SECONDS
                )
            )
        spells.append((speeds[0], speeds[1]))
    steward, stock = medians(spells)
    return Line(name, steward, stock, "1/s", steward / stock, least, at_least=True)


def _statements(run: Run, app: Flask) -> Line:
    paths = [bar.steward for bar in bars(run.rows) if bar.steward.startswith("/customer/?")]
    found = statements(app, ADMINISTRATOR, ["/customer/", "/customer/?size=100", *paths])
    for path, number in found.items():
        print(f"    {number}  {path}", file=sys.stderr)
    most = max(found.values())
    return Line("statements of a list page, at most", most, None, "", most, MOST_QUERIES)
