"""What can be wrong with a request, each with a message for the person who made it.

The messages are lazy strings: they are put into the language of the reader when shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: the field it is about (None: the whole) and why."""

    field: str | None
    message: Any

    def as_json(self) -> dict[str, str | None]:
        return {"field": self.field, "message": str(self.message)}


class StewardError(Exception):
    """Base of everything that is the requester's to mend. `status` is the HTTP status."""

    status = 400

    def __init__(self, message: Any) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class ValueProblem(StewardError, ValueError):
    """A single value that cannot be taken; the caller knows which field or cell it was."""

    status = 422


class InvalidInput(StewardError):
    """Input with one or more problems, each naming its field."""

    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        # Put together only when shown: finding the reader's language may take a query, and the
        # session in which something was refused may first have to be rolled back.
        super().__init__(LazyString(_joined, self.problems))

    @classmethod
    def of(cls, field: str | None, message: Any) -> InvalidInput:
        return cls([Problem(field, message)])


def _joined(problems: Sequence[Problem]) -> str:
    return "; ".join(str(problem.message) for problem in problems)


class TryLater(StewardError):
    """What is wrong will pass by itself: a job is tried again after a while, later each time."""

    status = 503


class StaleRecord(StewardError):
    """The record was saved by somebody else since the form was opened."""

    status = 409

    def __init__(self, record: Any, submitted: Any = None) -> None:
        super().__init__(
            _("Somebody else saved this record meanwhile. Compare both versions and save again.")
        )
        self.record = record
        self.submitted = submitted


class NotAllowed(StewardError):
    """The viewer's roles do not give the right to this act."""

    status = 403

    def __init__(self, message: Any = None) -> None:
        super().__init__(_("Your roles do not allow this.") if message is None else message)


class NotFound(StewardError):
    """There is no such record, or the viewer may not know that there is."""

    status = 404

    def __init__(self, message: Any = None) -> None:
        super().__init__(
            _("There is no such record, or you may not see it.") if message is None else message
        )
