"""Questionnaires as data: questions of six kinds in both languages; one that was answered stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import figures
from app.engine.actions import Action
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import Boolean, Choice, Integer, LongText, Reference, Text
from app.engine.labels import Bilingual
from app.engine.links import Item
from app.engine.registry import current
from app.engine.rules import Saving, rule

MOST_OPTIONS, LONGEST_OPTION = 20, 60
ANSWERED = _("It has been answered: make a new version instead.")


class QuestionKind(Choices):
    """What an answer is."""

    NPS = "nps", _("Recommendation, 0 to 10 (NPS)"), "purple"
    CSAT = "csat", _("Satisfaction, 1 to 5 (CSAT)"), "green"
    SCALE = "scale", _("Scale"), "blue"
    ONE = "one", _("One of several"), "cyan"
    SEVERAL = "several", _("Several of several"), "cyan"
    TEXT = "text", _("Text"), "gray"


def new_version(changes: Any, record: Any, _given: Mapping[str, Any]) -> None:
    """A copy with its questions, to be changed at will."""
    known = current()
    definition, question = known.entity("Questionnaire"), known.entity("Question")
    copied = {
        n: definition.fields[n].get(record)
        for n in ("title_zh", "title_en", "intro_zh", "intro_en")
    }
    rows = _of(changes, record.id)
    stem = record.name.rpartition(" / ")[0] or record.name
    number = 2
    while _called(changes, name := f"{stem} / {number}"):
        number += 1
    copy = changes.create(definition, {**copied, "name": name})
    fields = [f for f in question.fields.values() if not f.system and f.name != "questionnaire"]
    for row in rows:
        values = {f.name: f.get(row) for f in fields}
        changes.create(question, {**values, "questionnaire": copy.id})


class Questionnaire(
    Entity,
    area="evaluations",
    label=_("Questionnaire"),
    plural=_("Questionnaires"),
    icon="list-check",
    title="name",
    key="name",
):
    """What is asked, in Chinese and English."""

    name = Text(_("Name"), required=True, max_length=80, unique=True, search=True, in_list=True)
    title_zh = Text(_("Chinese heading"), required=True, max_length=100, in_list=True)
    title_en = Text(_("English heading"), required=True, max_length=100, in_list=True)
    intro_zh = LongText(_("Chinese introduction"), max_length=1000)
    intro_en = LongText(_("English introduction"), max_length=1000)

    actions = (Action("new_version", _("New version"), "update", new_version, icon="versions"),)

    @rule
    def stays_as_answered(saving: Saving) -> None:  # noqa: N805
        names = ("title_zh", "title_en", "intro_zh", "intro_en")
        changed = [name for name in names if saving.changed(name)]
        if not saving.new and changed and answered(saving.changes, saving.record_id):
            saving.problem(changed[0], ANSWERED)


class Question(
    Entity,
    area="evaluations",
    label=_("Question"),
    plural=_("Questions"),
    icon="zoom-question",
    title="text_zh",
    order="position",
    parent="questionnaire",
):
    """One thing asked."""

    questionnaire = Reference(
        "Questionnaire", _("Questionnaire"), required=True, in_list=True, on_delete="cascade"
    )
    position = Integer(_("Place"), required=True, in_list=True, index=True)
    kind = Choice(_("Kind"), QuestionKind, required=True, in_list=True)
    text_zh = Text(_("Chinese question"), required=True, max_length=300, in_list=True)
    text_en = Text(_("English question"), required=True, max_length=300, in_list=True)
    needed = Boolean(_("Must be answered"), default=True, index=False, in_list=True)
    low = Integer(_("Scale from"), hint=_("Of a scale; else left empty."))
    high = Integer(_("Scale to"))
    choices_text = LongText(
        _("Answers to choose from"),
        max_length=3000,
        hint=_("One on a line, Chinese and English with a bar between: 价格 | Price."),
    )

    @rule
    def fits_its_kind(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        kind = values.get("kind")
        if kind in (QuestionKind.ONE, QuestionKind.SEVERAL):
            count = len(options_of(values.get("choices_text")))
            if not 2 <= count <= MOST_OPTIONS:
                saving.problem("choices_text", _("Give 2 to 20 different answers, one on a line."))
        if kind == QuestionKind.SCALE:
            low, high = values.get("low"), values.get("high")
            if low is None or high is None or not 0 < high - low <= 20 or low < 0:
                saving.problem("high", _("A scale goes from 0 or more up, by at most 20."))

    @rule
    def stays_as_answered(saving: Saving) -> None:  # noqa: N805
        touched = {saving.values.get("questionnaire"), saving.before.get("questionnaire")}
        if any(one and answered(saving.changes, one) for one in touched):
            changed = [n for n in saving.values if n != "position" and saving.changed(n)]
            if saving.new or changed:
                saving.problem(changed[0] if changed else None, ANSWERED)


@on("Question", "trashed")
def keep_what_was_answered(changes: Any, question: Any) -> None:
    """Raises InvalidInput: a question that has answers stays."""
    if question.questionnaire_id and answered(changes, question.questionnaire_id):
        raise InvalidInput.of(None, ANSWERED)


def options_of(text: str | None) -> list[tuple[str, Bilingual]]:
    """The answers to choose from: each is kept by its Chinese words."""
    found: dict[str, Bilingual] = {}
    for line in (text or "").splitlines():
        zh, _bar, en = (part.strip() for part in line.partition("|"))
        if word := (zh or en)[:LONGEST_OPTION]:
            found.setdefault(word, Bilingual(zh, en))
    return list(found.items())


def items_of(changes_or_session: Any, questionnaire_id: int) -> list[Item]:
    """What the page asks, in the order of the questions."""
    return [_item(row) for row in _rows(changes_or_session, questionnaire_id)]


def _item(row: Any) -> Item:
    label, needed = Bilingual(row.text_zh, row.text_en), row.needed is not False
    name = f"q{row.id}"
    if row.kind == QuestionKind.NPS:
        return Item(name, label, "scale", needed, low=0, high=10,
                    low_label=_("not at all likely"), high_label=_("very likely"))  # fmt: skip
    if row.kind == QuestionKind.CSAT:
        return Item(name, label, "scale", needed, low=1, high=5,
                    low_label=_("very dissatisfied"), high_label=_("very satisfied"))  # fmt: skip
    if row.kind == QuestionKind.SCALE:
        return Item(name, label, "scale", needed, low=row.low, high=row.high)
    if row.kind == QuestionKind.TEXT:
        return Item(name, label, "text", needed)
    return Item(name, label, str(row.kind), needed, options=options_of(row.choices_text))


def _rows(session: Any, questionnaire_id: int) -> list[Any]:
    model: Any = current().entity("Question").model
    statement = select(model).where(model.questionnaire_id == questionnaire_id)
    return list(session.scalars(statement.order_by(model.position, model.id)))


def _of(changes: Any, questionnaire_id: int) -> list[Any]:
    return _rows(changes.session, questionnaire_id)


def _called(changes: Any, name: str) -> bool:
    source = figures.Source("Questionnaire")
    return bool(figures.looked_up(changes, select(source["id"]).where(source["name"] == name)))


def answered(changes: Any, questionnaire_id: int | None) -> bool:
    """Whether anybody has answered it."""
    answer, question = figures.Source("SurveyAnswer"), figures.Source("Question")
    statement = (
        select(answer["id"])
        .join(question.model, question["id"] == answer["question"])
        .where(question["questionnaire"] == questionnaire_id)
    )
    return bool(figures.looked_up(changes, statement.limit(1)))
