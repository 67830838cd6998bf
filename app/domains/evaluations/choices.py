"""Choices that evaluations act on."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine.choices import Choices


class RunState(Choices):
    """How far the evaluation of a day has come."""

    WAITING = "waiting", _("Waiting"), "gray"
    RUNNING = "running", _("Running"), "blue"
    DONE = "done", _("Done"), "green"
    FAILED = "failed", _("Failed"), "red"


class Move(Choices):
    """What has become of a figure since the evaluation before."""

    FIRST = "first", _("First evaluation"), "gray"
    SAME = "same", _("Unchanged"), "gray"
    UP = "up", _("Up"), "green"
    DOWN = "down", _("Down"), "red"


class Segment(Choices):
    """The eight classes of RFM as they are usual in China: recency, frequency, amount, high or low.

    A score counts as high from the limit of the rules on, usually 4 of 5.
    """

    HHH = "hhh", _("Important: valued"), "purple"
    LHH = "lhh", _("Important: to keep"), "orange"
    HLH = "hlh", _("Important: to develop"), "blue"
    LLH = "llh", _("Important: to win back"), "red"
    HHL = "hhl", _("General: valued"), "green"
    LHL = "lhl", _("General: to keep"), "yellow"
    HLL = "hll", _("General: to develop"), "cyan"
    LLL = "lll", _("General: to win back"), "gray"
    NONE = "none", _("No purchases"), "gray"
