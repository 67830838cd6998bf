"""Choices that the system itself acts on. Kinds, categories, channels and queues are lists of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.choices import Choices
from app.engine.states import Move

COMPLAINT = "complaint"
"""The kind, in the list of kinds, that is not closed without cause, responsibility and remedy."""


class TicketState(Choices):
    """Where a ticket stands; a ticket from elsewhere may have none."""

    NEW = "new", _("New ticket"), "blue"
    OPEN = "open", _("In progress"), "cyan"
    WAITING = "waiting", _("Waiting for the customer"), "yellow"
    SOLVED = "solved", _("Solved"), "green"
    CONFIRMED = "confirmed", _("Confirmed"), "green"
    CLOSED = "closed", _("Closed"), "gray"


SETTLED_BY = ("cause", "responsibility", "remedy")
"""What must be known of a complaint before it is closed."""


def _no_complaint(values: Mapping[str, Any]) -> Any:
    if values.get("kind") != COMPLAINT:
        return None
    return _("A complaint is closed with its cause, responsibility and remedy.")


def _complaint(values: Mapping[str, Any]) -> Any:
    return None if values.get("kind") == COMPLAINT else _("This is no complaint.")


MOVES = (
    Move("take_up", _("Take up"), ("new",), "open", icon="player-play"),
    Move("wait", _("Wait for the customer"), ("open",), "waiting", icon="clock"),
    Move("go_on", _("Go on"), ("waiting",), "open", icon="player-play"),
    Move("solve", _("Solve"), ("new", "open", "waiting"), "solved", icon="circle-check"),
    Move("confirm", _("Confirm"), ("solved",), "confirmed", icon="checks"),
    Move("close", _("Close ticket"), ("confirmed",), "closed", when=_no_complaint, icon="check"),
    Move(
        "settle",
        _("Close complaint"),
        ("confirmed",),
        "closed",
        asks=SETTLED_BY,
        when=_complaint,
        icon="check",
    ),
    Move("reopen", _("Reopen"), ("solved", "confirmed", "closed"), "open", icon="refresh"),
)
BEGINS = (TicketState.NEW, TicketState.OPEN)
DONE = (TicketState.SOLVED, TicketState.CONFIRMED, TicketState.CLOSED)


class Impact(Choices):
    """How far it reaches."""

    HIGH = "high", _("Whole company")
    MEDIUM = "medium", _("A department")
    LOW = "low", _("One person")


class Urgency(Choices):
    """How long it can wait."""

    HIGH = "high", _("Work has stopped")
    MEDIUM = "medium", _("Work is hindered")
    LOW = "low", _("It can wait")


class Priority(Choices):
    """What comes first."""

    URGENT = "urgent", _("Urgent"), "red", ("Critical",)
    HIGH = "high", _("High"), "orange"
    MEDIUM = "medium", _("Medium"), "blue"
    LOW = "low", _("Low"), "gray"


class ClockState(Choices):
    """How a deadline stands."""

    DUE = "due", _("Running"), "blue"
    MET = "met", _("Met"), "green"
    BREACHED = "breached", _("Breached"), "red"
    UNKNOWN = "unknown", _("Unknown"), "gray"


class Language(Choices):
    """The languages in which customers are written to."""

    ZH = "zh", "中文"
    EN = "en", "English"


class MessageKind(Choices):
    """Who wrote a message for whom."""

    REPLY = "reply", _("Public reply"), "green"
    CUSTOMER = "customer", _("From the customer"), "blue"
    NOTE = "note", _("Internal note"), "yellow"
