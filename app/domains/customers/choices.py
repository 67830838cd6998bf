"""Choices that the system itself acts on. Lists that a company shapes are data: see seeds/data."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine.choices import Choices
from app.engine.states import Move


class LifeCycle(Choices):
    """How far along with us a customer is; kept current by the evaluation of their business."""

    POTENTIAL = "potential", _("Potential"), "blue"
    NEW = "new", _("New customer"), "cyan"
    ACTIVE = "active", _("Active"), "green"
    DORMANT = "dormant", _("Dormant"), "yellow"
    LOST = "lost", _("Lost"), "red"


LIFE_CYCLE = (
    Move("win", _("First business"), ("potential",), "new", icon="star"),
    Move(
        "activate", _("Active"), ("potential", "new", "dormant", "lost"), "active", icon="activity"
    ),
    Move("rest", _("Dormant"), ("new", "active"), "dormant", icon="moon"),
    Move("lose", _("Lost"), ("potential", "new", "active", "dormant"), "lost", icon="user-x"),
)
"""Nobody becomes potential or new again who has bought, and who is lost comes back by business."""


class ValueTier(Choices):
    """What a customer is worth in a year: from 500,000, from 100,000, or less."""

    HIGH = "high", _("High value"), "purple"
    MIDDLE = "middle", _("Middle value"), "blue"
    POTENTIAL = "potential", _("Potential value"), "gray"


class NeedType(Choices):
    """What a customer looks for in us."""

    PRODUCT = "product", _("Product-oriented")
    SERVICE = "service", _("Service-oriented")
    RELATION = "relation", _("Relation-oriented")
