"""Surveys: a questionnaire sent to people by links, their answers, and what these come to.

Who is invited must have allowed surveys, have a mail address, and not have been asked lately: others are
noted with the reason. An invitation is answered once, without an account.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.evaluations import results
from app.domains.evaluations.questionnaire import QuestionKind, items_of
from app.engine import figures, links
from app.engine.actions import Action
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import (
    Boolean,
    Choice,
    DateTime,
    Decimal,
    Integer,
    LongText,
    Reference,
    Tags,
    Text,
)
from app.engine.fields.number import within
from app.engine.job import JobKind, declare, request_job
from app.engine.labels import Bilingual
from app.engine.links import Purpose, Recipient
from app.engine.onward import note
from app.engine.registry import current

SURE = _("With 95 per cent confidence.")
SENDING, WHOM, RESULT = _("Sending"), _("Whom"), _("Results")

KIND = declare(JobKind("survey", _("Survey"), limit=datetime.timedelta(hours=2)))
"""Invites everybody whom the survey `survey` is for; see jobs/survey.py."""


MOST_DAYS = 3650


class SurveyState(Choices):
    """Whether answers are taken."""

    OPEN = "open", _("Open"), "green"
    CLOSED = "closed", _("Ended"), "gray"


class Language(Choices):
    """In which language somebody is written to."""

    ZH = "zh", _("Chinese")
    EN = "en", _("English")


class InvitationState(Choices):
    """What has become of an invitation."""

    SENT = "sent", _("Sent"), "blue"
    ANSWERED = "answered", _("Answered"), "green"
    NO_CONSENT = "no_consent", _("Left out: no consent to surveys"), "yellow"
    NO_ADDRESS = "no_address", _("Left out: no mail address"), "yellow"
    PAUSE = "pause", _("Left out: asked lately"), "yellow"
    NO_MAIL = "no_mail", _("Not sent: mail is not set up"), "red"


def send(changes: Any, survey: Any, _given: Mapping[str, Any]) -> None:
    """Have everybody invited whom it is for, by a job. Raises InvalidInput where nothing is asked."""
    if not items_of(changes.session, survey.questionnaire_id):
        raise InvalidInput.of(
            "questionnaire", _("This questionnaire has no questions yet: add some before sending.")
        )
    request_job(KIND.name, {"survey": survey.id}, KIND.queue, survey.name)


def end(changes: Any, survey: Any, _given: Mapping[str, Any]) -> None:
    """No answer is taken any more."""
    values = {"state": SurveyState.CLOSED.value}
    changes.update(current().entity("Survey"), survey.id, values)


class Survey(
    Entity,
    area="evaluations",
    label=_("Survey"),
    plural=_("Surveys"),
    icon="speakerphone",
    title="name",
    key="name",
):
    """A questionnaire on its way to people, and its results. Left empty, “whom” means everybody."""

    name = Text(_("Name"), required=True, max_length=80, unique=True, search=True, in_list=True)
    questionnaire = Reference("Questionnaire", _("Questionnaire"), required=True, in_list=True)
    state = Choice(_("State"), SurveyState, default=SurveyState.OPEN, in_list=True)
    tier = Choice(_("Value tier"), "Customer.value_tier", index=False, group=WHOM)
    life_cycle = Choice(_("Life cycle"), "Customer.status", index=False, group=WHOM)
    only_primary = Boolean(_("Primary contacts only"), default=True, index=False, group=WHOM)
    language = Choice(
        _("Language of the mails"),
        Language,
        default=Language.ZH,
        index=False,
        group=SENDING,
        hint=_("Of an invitation it can be another; on the page it can be switched."),
    )
    pause_days = Integer(
        _("Days between surveys"),
        required=True,
        default=90,
        check=within(0, MOST_DAYS),
        group=SENDING,
        hint=_("Who was asked by any survey within so many days is left out."),
    )
    open_days = Integer(
        _("Days to answer"), required=True, default=30, check=within(1, MOST_DAYS), group=SENDING
    )
    invited = Integer(_("Invited"), read_only=True, in_list=True, group=RESULT)
    answers = Integer(_("Answered"), read_only=True, in_list=True, group=RESULT)
    response_rate = Decimal(
        _("Response rate (%)"), scale=1, read_only=True, in_list=True, group=RESULT
    )
    nps = Decimal(
        _("NPS"),
        scale=1,
        read_only=True,
        in_list=True,
        group=RESULT,
        hint=_("Per cent of promoters (9, 10) less per cent of detractors (0 to 6)."),
    )
    nps_low = Decimal(_("NPS, interval from"), scale=1, read_only=True, group=RESULT, hint=SURE)
    nps_high = Decimal(_("NPS, interval to"), scale=1, read_only=True, group=RESULT, hint=SURE)
    promoters = Integer(_("Promoters"), read_only=True, group=RESULT)
    passives = Integer(_("Passives"), read_only=True, group=RESULT)
    detractors = Integer(_("Detractors"), read_only=True, group=RESULT)
    csat = Decimal(
        _("CSAT (%)"),
        scale=1,
        read_only=True,
        in_list=True,
        group=RESULT,
        hint=_("Per cent of satisfied answers (4, 5)."),
    )

    actions = (
        Action(
            "send",
            _("Send"),
            "update",
            send,
            "send",
            lambda s: s.state == SurveyState.OPEN,
            tells=("state",),
        ),
        Action(
            "end",
            _("End"),
            "update",
            end,
            "ban",
            lambda s: s.state == SurveyState.OPEN,
            tells=("state",),
        ),
    )


class SurveyInvitation(
    Entity,
    area="evaluations",
    label=_("Survey invitation"),
    plural=_("Survey invitations"),
    icon="mail",
    title="name",
    unique_together=(("survey", "contact"),),
    scope_through="contact",
    parent="survey",
):
    """One person asked once. Adding one sends it."""

    survey = Reference("Survey", _("Survey"), required=True, in_list=True, on_delete="cascade")
    contact = Reference("Contact", _("Contact"), required=True, in_list=True, on_delete="cascade")
    name = Text(_("Name"), max_length=80, in_list=True, hint=_("Left empty, that of the survey."))
    language = Choice(
        _("Language"), Language, index=False, in_list=True, hint=_("Empty: that of the survey.")
    )
    state = Choice(_("State"), InvitationState, read_only=True, in_list=True)
    sent_at = DateTime(_("Sent at"), read_only=True, in_list=True)
    answered_at = DateTime(_("Answered at"), read_only=True, in_list=True)


class SurveyAnswer(
    Entity,
    area="evaluations",
    label=_("Survey answer"),
    plural=_("Survey answers"),
    icon="message-circle",
    title="name",
    scope_through="invitation",
    parent="invitation",
):
    """The answer to one question."""

    survey = Reference("Survey", _("Survey"), required=True, in_list=True)
    invitation = Reference(
        "SurveyInvitation", _("Survey invitation"), required=True, on_delete="cascade"
    )
    question = Reference("Question", _("Question"), required=True, in_list=True)
    name = Text(_("Question"), max_length=300)
    kind = Choice(_("Kind"), QuestionKind, in_list=True)
    score = Integer(_("Score"), in_list=True)
    chosen = Tags(_("Chosen"), in_list=True)
    words = LongText(_("Words"), max_length=2000, in_list=True, personal=True)
    answered_at = DateTime(_("Answered at"), in_list=True)

    charts = (
        Chart("nps", _("NPS by month"), "answered_at", kind="line", measure="nps:score",
              only=(("kind", "eq", "nps"), ("score", "nempty", None))),
        Chart("csat", _("Satisfaction by month"), "answered_at", kind="line",
              measure="average:score", only=(("kind", "eq", "csat"), ("score", "nempty", None))),
        Chart("answers", _("Answers by month"), "answered_at", only=(("kind", "eq", "nps"),)),
        Chart("kinds", _("Answers by kind of question"), "kind"),
    )  # fmt: skip


@on("SurveyInvitation", "created")
def invite(changes: Any, invitation: Any) -> None:
    """Send the link, or note why not; one that comes with its state has been dealt with elsewhere.

    Raises InvalidInput where there is nothing to ask.
    """
    if invitation.state is not None:
        return
    survey = changes.session.get(current().entity("Survey").model, invitation.survey_id)
    if survey.questionnaire is None:  # in the trash
        raise InvalidInput.of("survey", _("The questionnaire of this survey was deleted."))
    state = _left_out(changes, invitation, survey)
    values: dict[str, Any] = {"state": state, "name": invitation.name or survey.name}
    if state is None:
        values |= _sent(changes, invitation, survey)
    note(changes, "SurveyInvitation", invitation, values)


def _sent(changes: Any, invitation: Any, survey: Any) -> dict[str, Any]:
    questionnaire: Any = survey.questionnaire
    title = Bilingual(questionnaire.title_zh, questionnaire.title_en)
    intro = Bilingual(questionnaire.intro_zh or "", questionnaire.intro_en or "")
    to = Recipient("Contact", invitation.contact_id)
    link = links.make(
        changes.session, PURPOSE.name, invitation.id, invitation.language or survey.language or "zh",
        to, datetime.timedelta(days=survey.open_days), audited=False,
    )  # fmt: skip
    last = _(
        "The link is good once, for %(days)s days. No account is needed.", days=survey.open_days
    )
    lines = [*([intro] if intro else []), last]
    if not links.mail(changes.session, link, to, title, lines):
        return {"state": InvitationState.NO_MAIL.value}
    return {"state": InvitationState.SENT.value, "sent_at": datetime.datetime.now(datetime.UTC)}


def _left_out(changes: Any, invitation: Any, survey: Any) -> str | None:
    """Why the person is not asked; None when they are."""
    contact, consent = figures.Source("Contact"), figures.Source("Consent")
    here = contact["id"] == invitation.contact_id
    if not figures.looked_up(
        changes, select(contact["id"]).where(here, contact["email"].is_not(None))
    ):
        return InvitationState.NO_ADDRESS.value
    allowed = select(consent["id"]).where(
        consent.live,
        consent["contact"] == invitation.contact_id,
        consent["purpose"] == "survey",
        consent["state"] == "given",
    )
    if not figures.looked_up(changes, allowed.limit(1)):
        return InvitationState.NO_CONSENT.value
    earlier = figures.Source("SurveyInvitation")
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=survey.pause_days)
    lately = select(earlier["id"]).where(
        earlier["contact"] == invitation.contact_id,
        earlier["sent_at"] > since,
        earlier["id"] != invitation.id,
    )
    return InvitationState.PAUSE.value if figures.looked_up(changes, lately.limit(1)) else None


def _items(invitation: Any) -> Sequence[links.Item]:
    survey = invitation.survey
    return items_of(_session(invitation), survey.questionnaire_id)


def _session(record: Any) -> Any:
    from sqlalchemy.orm import object_session

    return object_session(record)


def _title(invitation: Any) -> Bilingual:
    asked = invitation.survey.questionnaire
    return Bilingual(asked.title_zh, asked.title_en)


def _lines(invitation: Any) -> list[Bilingual]:
    asked = invitation.survey.questionnaire
    intro = Bilingual(asked.intro_zh or "", asked.intro_en or "")
    return [intro] if intro else []


def _is_open(invitation: Any) -> bool:
    survey = invitation.survey
    if survey is None or survey.questionnaire is None:  # in the trash
        return False
    return bool(survey.state == SurveyState.OPEN)


def answer(changes: Any, invitation: Any, values: Mapping[str, Any]) -> None:
    """Keep the answers, and what they come to in all."""
    results.hold(changes, invitation.survey_id)
    questions: Any = current().entity("Question").model
    definition = current().entity("SurveyAnswer")
    moment = datetime.datetime.now(datetime.UTC)
    for name, value in values.items():
        if value is None:
            continue
        question = changes.session.get(questions, int(name.removeprefix("q")))
        row: dict[str, Any] = {
            "survey": invitation.survey_id,
            "invitation": invitation.id,
            "question": question.id,
            "name": question.text_zh,
            "kind": question.kind,
            "answered_at": moment,
        }
        if isinstance(value, int):
            row["score"] = value
        elif question.kind == QuestionKind.TEXT:
            row["words"] = value
        else:
            row["chosen"] = value if isinstance(value, list) else [value]
        changes.create(definition, row)
    state = {"state": InvitationState.ANSWERED.value, "answered_at": moment}
    note(changes, "SurveyInvitation", invitation, state)
    results.work_out(changes, invitation.survey_id)


PURPOSE = links.declare(
    Purpose(
        "survey",
        _("Survey"),
        "SurveyInvitation",
        items=_items,
        act=answer,
        heading=_title,
        lines=_lines,
        is_open=_is_open,
    )
)
