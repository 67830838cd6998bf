"""Surveys: a questionnaire of every kind of question, sent to people over the last year, and answered."""

from __future__ import annotations

import random
from typing import Any

from app.domains.evaluations import results
from seeds.demo.base import Demo, Values, in_turn

QUESTIONS: tuple[tuple[str, str, str, Values], ...] = (
    ("nps", "您有多大可能向同行推荐我们？", "How likely are you to recommend us to others?", {}),
    ("csat", "您对这次服务满意吗？", "How satisfied were you with this service?", {}),
    ("scale", "我们的响应速度如何？", "How fast did we answer?", {"low": 1, "high": 7, "needed": False}),
    ("one", "您最看重什么？", "What matters most to you?",
     {"choices_text": "价格 | Price\n服务 | Service\n质量 | Quality", "needed": False}),
    ("several", "您希望我们怎样联系您？", "How may we reach you?",
     {"choices_text": "电话 | Phone\n邮件 | Mail\n微信 | WeChat", "needed": False}),
    ("text", "还有什么想告诉我们的？", "Is there anything else?", {"needed": False}),
)  # fmt: skip
SURVEYS: tuple[tuple[str, int, Values], ...] = (
    ("年度满意度调查", 330, {"state": "closed"}),
    ("高价值客户回访", 250, {"state": "closed", "tier": "high", "life_cycle": "active"}),
    ("中价值客户回访", 190, {"state": "closed", "tier": "middle", "life_cycle": "dormant"}),
    ("流失客户调查", 130, {"state": "closed", "life_cycle": "lost", "language": "en"}),
    ("新客户首次合作调查", 70, {"state": "open", "life_cycle": "new"}),
    ("季度满意度调查", 20, {"state": "open", "tier": "potential", "life_cycle": "potential"}),
)
STATES = (
    "answered", "answered", "sent", "answered", "no_consent", "answered", "sent", "pause",
    "answered", "no_address", "answered", "no_mail",
)  # fmt: skip
SCORES = (10, 9, 9, 8, 7, 10, 6, 9, 8, 3, 10, 9)
WORDS = (
    "响应很快，谢谢。",
    "希望报价再快一些。",
    "工程师很专业。",
    "发票寄得有点晚。",
    "总体满意。",
)


def write(demo: Demo) -> None:
    """After customers and their contacts."""
    if not demo.has("Survey"):
        return
    values = {
        "name": "服务满意度问卷", "title_zh": "服务满意度调查", "title_en": "How was our service?",
        "intro_zh": "感谢您的信任。请花一分钟告诉我们做得怎么样。",
        "intro_en": "Thank you for your trust. Please tell us in a minute how we did.",
    }  # fmt: skip
    (asked,) = demo.create("Questionnaire", [values])
    rows: list[Values] = [
        {"questionnaire": asked, "position": place, "kind": kind, "text_zh": zh, "text_en": en, **more}
        for place, (kind, zh, en, more) in enumerate(QUESTIONS, start=1)
    ]  # fmt: skip
    questions = list(zip(demo.create("Question", rows), rows, strict=True))
    surveys = demo.create(
        "Survey",
        [
            {"name": name, "questionnaire": asked, "pause_days": 90, "open_days": 30, **more}
            for name, _days, more in SURVEYS
        ],
    )
    dice = demo.dice("surveys")
    contacts = [contact_id for contact_id, _values in demo.made["Contact"]]
    for survey_id, (name, days_ago, _more) in zip(surveys, SURVEYS, strict=True):
        people = dice.sample(contacts, min(len(contacts), demo.count(18)))
        _ask(demo, dice, survey_id, name, days_ago, people, questions)
        results.work_out(demo.changes, survey_id)


def _ask(
    demo: Demo,
    dice: random.Random,
    survey_id: int,
    name: str,
    days_ago: int,
    people: list[int],
    questions: list[tuple[int, Values]],
) -> None:
    rows: list[Values] = []
    for place, contact_id in enumerate(people):
        state = in_turn(STATES, place)
        row: Values = {
            "survey": survey_id, "contact": contact_id, "name": name, "state": state,
            "language": "en" if place % 7 == 3 else "zh",
        }  # fmt: skip
        if state in ("answered", "sent"):
            row["sent_at"] = demo.moment(days_ago)
        if state == "answered":
            row["answered_at"] = demo.moment(days_ago - dice.randrange(1, 12), 10 + place % 8)
        rows.append(row)
    ids = demo.create("SurveyInvitation", rows)
    answers = [
        {
            "survey": survey_id, "invitation": invitation_id, "question": question_id,
            "name": question["text_zh"], "kind": question["kind"],
            "answered_at": row["answered_at"], **_answer(dice, question, place),
        }
        for place, (invitation_id, row) in enumerate(zip(ids, rows, strict=True))
        if row["state"] == "answered"
        for question_id, question in questions
    ]  # fmt: skip
    demo.create("SurveyAnswer", answers)


def _answer(dice: random.Random, question: Values, place: int) -> dict[str, Any]:
    kind = question["kind"]
    if kind == "nps":
        return {"score": dice.choice(SCORES)}
    if kind in ("csat", "scale"):
        return {"score": dice.choice((5, 5, 4, 4, 3)) if kind == "csat" else dice.randrange(3, 8)}
    if kind == "text":
        return {"words": in_turn(WORDS, place)}
    offered = [line.partition("|")[0].strip() for line in question["choices_text"].splitlines()]
    return {"chosen": dice.sample(offered, 1 if kind == "one" else 2)}
