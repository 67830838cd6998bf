"""Every route of the application, with an address that leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

GIVEN: dict[str, Any] = {
    "key": "customer",
    "record_id": 1,
    "user_id": 1,
    "change_id": 1,
    "change_set_id": 1,
    "job_id": "00000000-0000-0000-0000-000000000000",
    "run_id": 1,
    "profile_id": 1,
    "field_id": 1,
    "notification_id": 1,
    "schedule_id": 1,
    "entry_id": 1,
    "role_id": 1,
    "pk": 1,
    "name": "edit",
    "field_name": "name",
    "token": "0" * 32,
    "child_key": "contact",
    "reference": "customer",
    "size": "page",
    "number": 1,
    "kind": "export.scheduled",
    "format": "csv",
    "locale": "en",
    "what": "pause",
    "proof_id": 1,
    "hand_over_id": 1,
    "share_id": 1,
    "view_id": 1,
}
"""By the argument's name; a route with another one gets a word."""


def routes(app: Flask) -> list[Rule]:
    """The application's own; other tests' (endpoint `test_…`) stay in its map when they have run before."""
    return [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("test_")]


def rules(app: Flask, *methods: str) -> Iterator[tuple[Rule, str, str]]:
    """Rule, method and address of every route that takes one of the methods."""
    for rule in sorted(routes(app), key=str):
        for method in sorted(set(rule.methods or ()) & set(methods)):
            yield rule, method, address(app, rule)


def address(app: Flask, rule: Rule) -> str:
    """An address of the route."""
    values = {name: GIVEN.get(name, "x") for name in rule.arguments}
    if rule.endpoint.endswith("static"):
        values = {"filename": "steward.css" if rule.endpoint == "static" else "css/ab.css"}
    with app.test_request_context():
        return rule.build(values)[1]
