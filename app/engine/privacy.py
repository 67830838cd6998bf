"""What people ask about their personal data, and what keeps it from being erased.

Entities like any other. They name the record that they are about by its entity and number, since
people are kept in entities of several areas.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from app.engine.actions import Action
from app.engine.adapters.database import now
from app.engine.agenda import Agenda
from app.engine.areas import SETTINGS
from app.engine.choices import Choices
from app.engine.entity import DECLARED, Entity
from app.engine.fields import (
    Choice,
    Date,
    DateTime,
    EntityName,
    Integer,
    LongText,
    Owner,
    Serial,
    Text,
)
from app.engine.fields.time import reader_zone
from app.engine.holds import Hold, holds
from app.engine.rules import Saving, rule
from app.engine.working_days import is_working_day

ANSWER_DAYS = 15
"""Working days in which a person's request is to be answered."""

ABOUT = _("About")
ASKED = _("What was asked")
ANSWER = _("What was done")
RELEASE = _("Release")


def today() -> datetime.date:
    """The day in the reader's zone."""
    return datetime.datetime.now(reader_zone()).date()


def due_day(received: datetime.date, days: int = ANSWER_DAYS) -> datetime.date:
    """The last of so many working days after this one."""
    day = received
    while days:
        day += datetime.timedelta(days=1)
        days -= is_working_day(day)
    return day


class RequestKind(Choices):
    """What a person may ask for."""

    ACCESS = "access", _("See or copy")
    CORRECTION = "correction", _("Correct")
    ERASURE = "erasure", _("Erase")
    WITHDRAWAL = "withdrawal", _("Withdraw consent")
    OTHER = "other", _("Other")


class RequestState(Choices):
    """Whether a request has been answered."""

    OPEN = "open", _("To be done"), "yellow"
    DONE = "done", _("Done"), "green"
    REFUSED = "refused", _("Refused"), "red"


class PersonalDataRequest(
    Entity,
    area=SETTINGS.key,
    label=_("Personal data request"),
    plural=_("Personal data requests"),
    icon="user-shield",
    title="asked_by",
    order="-received_on",
):
    """A person asks to see, correct or erase what is held on them; to be answered in time."""

    number = Serial(_("Request number"), pattern="PD{date:%Y}-{n:04}", in_list=True)
    kind = Choice(_("Request"), RequestKind, required=True, group=ASKED, in_list=True)
    asked_by = Text(
        _("Asked by"), required=True, max_length=100, personal=True, group=ASKED, in_list=True
    )
    reach = Text(_("Where to answer"), max_length=200, personal=True, group=ASKED)
    received_on = Date(_("Received on"), default=today, required=True, group=ASKED, in_list=True)
    due_on = Date(
        _("To be answered by"),
        group=ASKED,
        in_list=True,
        hint=_("15 working days after it was received, unless another day is given."),
    )
    wish = LongText(_("In their words"), max_length=5000, personal=True, group=ASKED)
    entity = EntityName(_("Entity"), max_length=60, group=ABOUT)
    record = Integer(_("Record"), group=ABOUT, index=True)
    state = Choice(_("State"), RequestState, default=RequestState.OPEN, group=ANSWER, in_list=True)
    handler = Owner(_("Handled by"), group=ANSWER, in_list=True)
    done_on = Date(_("Answered on"), group=ANSWER, in_list=True)
    done = LongText(_("What was done"), max_length=5000, group=ANSWER)

    agenda = (
        Agenda(
            "mine",
            _("Requests that I answer"),
            due="due_on",
            owner="handler",
            open="state:eq:open",
            shows="kind",
        ),
    )

    @rule
    def due(saving: Saving) -> None:  # noqa: N805
        received = saving.values.get("received_on")
        if received and (saving.values.get("due_on") is None or _due_by_law(saving)):
            saving.values["due_on"] = due_day(received)

    @rule
    def answered(saving: Saving) -> None:  # noqa: N805
        """What is done or refused says on which day and, when refused, why."""
        if saving.values.get("state") in (None, RequestState.OPEN):
            saving.values["done_on"] = None
        elif saving.values.get("done_on") is None:
            saving.values["done_on"] = today()
        if saving.values.get("state") == RequestState.REFUSED and not saving.values.get("done"):
            saving.problem("done", _("Say why it is refused: the person has a right to know."))

    @rule
    def about_a_person(saving: Saving) -> None:  # noqa: N805
        entity = saving.values.get("entity")
        known = DECLARED.get(entity or "")
        if entity and (known is None or not known.options.about_person):
            saving.problem("entity", _("Records of this entity are about no person."))


def _due_by_law(saving: Saving) -> bool:
    """Whether the day still follows from the one before, which was changed."""
    before = saving.before.get("received_on")
    return bool(
        before and saving.changed("received_on") and saving.values.get("due_on") == due_day(before)
    )


def _release(changes: Any, hold: Any, values: Mapping[str, Any]) -> None:
    """Take the hold off, with the reason."""
    from app.engine.registry import current

    changes.update(current().entity("LegalHold"), hold.id, values)


class LegalHold(
    Entity,
    area=SETTINGS.key,
    label=_("Legal hold"),
    plural=_("Legal holds"),
    icon="lock",
    title="reason",
    owned_by_maker=True,
    registered=True,
):
    """A record that must be kept as it is: for a dispute, or since a law says so.

    Several may stand on one record, each of its own case. It is taken off by saying why, and stays
    as a record of that.
    """

    reason = Text(_("Reason"), required=True, max_length=200, in_list=True)
    case = Text(
        _("Case"), max_length=60, search=True, code=True, in_list=True, hint=_("Its file number.")
    )
    entity = EntityName(_("Entity"), required=True, max_length=60, in_list=True)
    record = Integer(_("Record"), required=True, in_list=True, index=True)
    until = Date(_("Until"), in_list=True, hint=_("Empty: until somebody takes the hold off."))
    release_reason = Text(_("Why it was released"), max_length=200, in_form=False, group=RELEASE)
    released_at = DateTime(
        _("Released at"), read_only=True, in_form=False, in_list=True, group=RELEASE
    )
    released_by = Owner(
        _("Released by"), on_leaving="keep", read_only=True, in_form=False, group=RELEASE
    )

    actions = (
        Action(
            "release",
            _("Release"),
            "update",
            _release,
            "lock-open",
            lambda hold: hold.released_at is None,
            ("release_reason",),
        ),
    )

    @rule
    def known_entity(saving: Saving) -> None:  # noqa: N805
        if saving.values.get("entity") not in DECLARED:
            saving.problem("entity", _("There is no entity of this name."))

    @rule
    def is_released_once(saving: Saving) -> None:  # noqa: N805
        """Saying why releases it, and tells when and by whom; that is not taken back."""
        values, before = saving.values, saving.before
        if before.get("released_at") is not None:
            if any(saving.changed(name) for name in before):
                saving.problem(None, _("It was released; a new hold is a record of its own."))
        elif values.get("release_reason"):
            values["released_at"] = now()
            values["released_by"] = saving.changes.viewer.user_id


@holds()
def legal_hold(session: Any, entity: str, record_id: int) -> Iterator[Hold]:
    """Holds that somebody has put on the record and that still last."""
    model: Any = LegalHold
    statement = select(model.reason, model.until).where(
        model.deleted_at.is_(None),
        model.released_at.is_(None),
        model.entity == entity,
        model.record == record_id,
        or_(model.until.is_(None), model.until >= today()),
    )
    for reason, until in session.execute(statement):
        yield Hold(_("Legal hold: %(reason)s", reason=reason), until)
