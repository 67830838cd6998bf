"""What a new database starts with: choice lists, roles, and demonstration data if wanted."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask

from app.engine import policy, registry
from app.engine.adapters import setup_state
from app.engine.adapters.appbuilder import permissions
from app.engine.adapters.database import db
from app.engine.changes import change_set
from seeds import demo as demonstration
from seeds import documents, evaluations, lists, office, plans, pool, roles, tickets

SEEDS = ("documents", "evaluations", "lists", "office", "plans", "pool", "roles", "tickets")
REFERENCE = "seed.reference"
DEMO = demonstration.NOTED


def seed(app: Flask, demo: bool) -> None:
    """Put in what is missing; returns at once when this version's seeds are in already.

    Demonstration data are put in once only: taken away, they stay away until `run.py demo`.
    """
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        version = fingerprint()
        if setup_state.noted(REFERENCE) != version:
            _put_in_reference_data(version)
        if demo and setup_state.noted(DEMO) is None:
            demonstration.add()
        db.session.remove()


def fingerprint() -> str:
    """Of the reference data and roles, so that a newer version's are noticed."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(
        [
            *folder.glob("data/*.csv"),
            *(folder / f"{name}.py" for name in SEEDS),
        ]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _put_in_reference_data(version: str) -> None:
    registry.refresh()
    role_ids = roles.ensure_roles()
    with change_set(door="seed") as changes:
        lists.write(changes)
    registry.refresh()  # what follows names choices of the lists
    with change_set(door="seed") as changes:
        plans.write(changes)
        pool.write(changes)
        office.write(changes)
        tickets.write(changes)
        evaluations.write(changes)
        documents.write(changes)
        roles.grant_rights(changes.session, role_ids)
        permissions.derive(changes.session)
        registry.raise_version(changes.session, registry.RIGHTS)
        setup_state.note(REFERENCE, version)
