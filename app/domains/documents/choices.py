"""Choices that documents act on, and the steps of a document's life."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.choices import Choices
from app.engine.fields.time import reader_zone
from app.engine.states import Move


def today() -> datetime.date:
    """The day in the reader's zone."""
    return datetime.datetime.now(reader_zone()).date()


class DocumentState(Choices):
    """Where a document stands, from the first draft to the end of its period."""

    DRAFT = "draft", _("Draft"), "yellow"
    IN_REVIEW = "in_review", _("In review"), "blue"
    IN_FORCE = "in_force", _("In force"), "green"
    SUPERSEDED = "superseded", _("Superseded"), "gray"
    ARCHIVED = "archived", _("Archived"), "purple"
    DUE = "due", _("Period over"), "orange"


class Confidentiality(Choices):
    """Who may see it at all; roles name the levels that they reach."""

    PUBLIC = "public", _("Public"), "green"
    INTERNAL = "internal", _("Internal"), "blue"
    CONFIDENTIAL = "confidential", _("Confidential"), "orange"
    SECRET = "secret", _("Secret"), "red"


class Retention(Choices):
    """How long a document is kept."""

    PERMANENT = "permanent", _("Permanent")
    YEARS_30 = "years_30", _("30 years")
    YEARS_10 = "years_10", _("10 years")
    CUSTOM = "custom", _("Other years")


class Beginning(Choices):
    """What a period is counted from."""

    FILING = "filing", _("From filing")
    CONTRACT_END = "contract_end", _("From the contract's end")
    EVENT = "event", _("From an event")


class ReviewClock(Choices):
    """How the review of a document stands."""

    RUNNING = "running", _("Running"), "blue"
    OVERDUE = "overdue", _("Overdue"), "red"


class Papers(Choices):
    """Whether the papers that its class requires lie in a document's folder."""

    COMPLETE = "complete", _("Complete"), "green"
    MISSING = "missing", _("Incomplete"), "orange"


EDITABLE = (DocumentState.DRAFT, DocumentState.IN_REVIEW, DocumentState.IN_FORCE)
"""In these versions are added, and documents checked out."""

FILED = (
    DocumentState.IN_FORCE,
    DocumentState.SUPERSEDED,
    DocumentState.ARCHIVED,
    DocumentState.DUE,
)
"""In these a document counts as filed, and its period runs."""

LOCKED = (DocumentState.ARCHIVED, DocumentState.DUE)
"""In these it stands as it was archived."""


def _over(values: Mapping[str, Any]) -> Any:
    until = values.get("retain_until")
    if until is not None and until < today():
        return None
    return _("Its period is not over.")


MOVES = (
    Move("submit", _("Submit for review"), ("draft",), "in_review", icon="send"),
    Move("send_back", _("Back to draft"), ("in_review",), "draft", icon="arrow-back-up"),
    Move("enforce", _("Put in force"), ("in_review",), "in_force", "approve", icon="check"),
    Move(
        "supersede",
        _("Supersede"),
        ("in_force",),
        "superseded",
        "approve",
        asks=("superseded_by",),
        icon="replace",
    ),
    Move("expire", _("Out of force"), ("in_force",), "superseded", "approve", icon="ban"),
    Move(
        "archive",
        _("Archive"),
        ("in_force", "superseded"),
        "archived",
        "approve",
        icon="archive",
    ),
    Move("fall_due", _("Period is over"), ("archived",), "due", "approve", when=_over, icon="clock"),
)  # fmt: skip
"""Each with the right over the document that it needs."""

BEGINS = (DocumentState.DRAFT,)
